"""A byte-level base: Llama 3, Qwen, Tekken and their kind."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import orjson
import pyarrow as pa
from malmoi_pipelines.contracts.arrays import Bool, offsets
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.hangul import is_letter
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.byte_alphabet import spell, unspell
from malmoi_pipelines.tokenizers.finding import JSON_FILE, TokenizerFile
from malmoi_pipelines.tokenizers.spelling import piece_of
from malmoi_pipelines.tokenizers.tokenizer_json import JsonEncoder, json_encoder

from malmoi_tokenizer_lab.base import Artefact, NewRow, OtherTokens, RowKind
from malmoi_tokenizer_lab.byte_level.allowed import is_allowed
from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase, read_byte_level
from malmoi_tokenizer_lab.byte_level.count_gates import corpus_documents, count_gates
from malmoi_tokenizer_lab.byte_level.export import extended_files, extended_json
from malmoi_tokenizer_lab.byte_level.extension import Extension
from malmoi_tokenizer_lab.byte_level.gates import row_gates, row_names, token_gates
from malmoi_tokenizer_lab.byte_level.merging import byte_symbols, merge_texts, ranked_merges
from malmoi_tokenizer_lab.byte_level.pretokens import pre_tokens
from malmoi_tokenizer_lab.byte_level.text_gates import named_texts, text_gates
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.evaluate import Subject, subject_of
from malmoi_tokenizer_lab.gates.result import GateResult
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.intermediate import LONGEST_PIECE, CandidateSource, continued_pieces
from malmoi_tokenizer_lab.loop.merges import Symbols
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling
from malmoi_tokenizer_lab.words import Units, Words, check_tables, letters_in, read_units, split_korean

_WHOLE_MASK = re.compile(r"<\|[a-z]+\|>")
_BYTES_A_LETTER = 3
"""UTF-8 bytes of a Hangul letter."""


class ByteLevel:
    """A byte-level BPE tokenizer and the files beside it."""

    units: UnitKind = "byte-level"
    candidate_sources: tuple[CandidateSource, ...] = ("continued",)

    def __init__(self, found: TokenizerFile, encoder: JsonEncoder) -> None:
        """Read what lies beside it.

        Raises:
            BadInputError: a file beside it is broken, or the tokenizer contradicts itself.
            UsageError: it cannot be extended exactly.
        """
        self.name, self.place = found.name, found.place
        self.base: ByteLevelBase = read_byte_level(found, encoder)
        self._encoder = encoder
        self.size = self.base.size
        beside = {name: data.decode(errors="replace") for name, data in self.base.files.items()}
        self.inputs = {"base": fingerprint([self.base.json, self.size, beside])}

    def has_row(self, name: str) -> bool:
        """Whether a row of this name is in the vocabulary already: Qwen has the ChatML rows."""
        added = (token["content"] for token in self.base.json.get("added_tokens") or ())
        return name in self.base.json["model"]["vocab"] or name in added

    def read_words(self, folders: Sequence[str], config: ExpandConfig) -> Words:
        """The word tables as the base's pre-tokens; added tokens and masks are cut out of them.

        Raises:
            UsageError: a mask that byte-level units would cut.
        """
        check_tables(folders, self.units)
        if wrong := [mask for mask in config.masks if not _WHOLE_MASK.fullmatch(mask)]:
            raise UsageError(
                f"byte-level units would cut the mask {wrong[0]!r}.", hint="use lower-case letters alone: <|name|>"
            )
        units = read_units(folders, config.weights)
        text, counts, named = pre_tokens(self.base, units.text, units.counts, config.masks)
        words = split_korean(Units(text, counts), letters_in(units), units.num_bytes)
        own = len(named) - len(config.masks)
        return replace(words, added=int(named[:own].sum()), masks=tuple(named[own:].tolist()))

    def spell(self, words: Words, config: ExpandConfig) -> Spelling:
        """The Korean pre-tokens as the base merges them."""
        early = ranked_merges(self.base)
        texts = tuple(spell(token) for token in self.base.tokens)
        symbols, lengths = merge_texts(self.base, early, words.korean.text, config.num_threads)
        return Spelling(Inventory(texts, self.size, early), symbols, lengths, words.korean.counts)

    def characters(self, inventory: Inventory, words: Words) -> tuple[Symbols, Symbols]:
        """The Korean pre-tokens as single bytes, and how many each has."""
        return byte_symbols(self.base, words.korean.text)

    def propose(
        self, source: CandidateSource, words: Words, units: Spelling, config: ExpandConfig, cutoff: int
    ) -> list[str]:
        """Pieces of continued training, in merge order."""
        frequent = units.frequent(config.train_min_count)
        return continued_pieces(frequent, config.intermediate_vocab_size, cutoff, self.may_add)

    def may_add(self, piece: str) -> bool:
        """Whether a piece stands for Hangul alone, and is not too long."""
        data = unspell(piece)
        return data is not None and len(data) <= LONGEST_PIECE * _BYTES_A_LETTER and is_allowed(data)

    def is_part(self, piece: str) -> bool:
        """Whether a piece ends within a letter."""
        return _text_of(unspell(piece) or b"") is None

    def text_of(self, piece: str) -> str:
        """The bytes as text, those of a part of a letter left out."""
        return (unspell(piece) or b"").decode(errors="ignore")

    def piece_of(self, text: str) -> str:
        """The text's bytes in the byte alphabet."""
        return piece_of(text, self.units)

    def count_others(self, words: Words, config: ExpandConfig) -> OtherTokens:
        """Tokens of the pre-tokens without Hangul, and the base's added tokens: no new token can be in them.

        A mask counts for the base as its tokens by itself, whatever stands beside it.
        """
        others = self._encoder.encode_units(words.other.text, config.num_threads)
        tokens = words.added + others.total(words.other.counts)
        spelled = map(len, self._encoder.encode_texts(config.masks))
        before = tokens + sum(count * length for count, length in zip(words.masks, spelled, strict=True))
        fixed = np.array([*(0 for _ in config.reserved), *words.masks], np.int64)
        return OtherTokens(before=before, after=tokens + sum(words.masks), fixed_counts=fixed)

    def spellings(self, inventory: Inventory, rows: Sequence[NewRow]) -> list[list[int]]:
        """The ids that the base makes of each new row's text."""
        data = [_bytes_of(row) for row in rows]
        symbols, lengths = merge_texts(self.base, inventory.early, pa.array(data, pa.large_binary()), num_threads=1)
        bounds = offsets(lengths).tolist()
        ids = symbols.tolist()
        return [ids[start:end] for start, end in itertools.pairwise(bounds)]

    def build(self, name: str, candidates: Candidates, alive: Bool, config: ExpandConfig) -> Artefact:
        """The `tokenizer.json` with the new tokens' merges, and the base's own files."""
        if len(candidates) != candidates.num_multis:
            raise UsageError("a byte-level base has no letters to add.")
        kept = np.flatnonzero(alive).tolist()
        tokens = [unspell(candidates.pieces[index]) or b"" for index in kept]
        json = extended_json(self.base, tokens, config.reserved, config.masks, config.pad_multiple)
        rows = [NewRow(name, "reserved", 0.0, name) for name in config.reserved]
        rows += [NewRow(name, "mask", 0.0, name) for name in config.masks]
        for rank, (index, data) in enumerate(zip(kept, tokens, strict=True)):
            text = _text_of(data)
            kind: RowKind = "letter" if text is not None and is_letter(text) else "multi"
            rows.append(NewRow(candidates.pieces[index], kind, -float(rank), text, index))
        names = {index: text for text, index in orjson.loads(json)["model"]["vocab"].items()}
        padding = [names[index] for index in range(self.size + len(rows), len(names))]
        rows += [NewRow(name, "reserved", 0.0, name) for name in padding]
        files = {JSON_FILE: json, **extended_files(self.base, config.reserved, config.masks)}
        subject = subject_of(name, json_encoder(name, json, finds_special=True), self.size, config.num_threads)
        return Artefact(tuple(rows), files, subject, {"license": None})

    def subject(self) -> Subject:
        """How the base encodes."""
        return subject_of("base", self._encoder)

    def gates(self, artefact: Artefact, words: Words) -> Iterator[GateResult]:
        """Those of `tokenizer check`, the names in the table of new rows, and counts over pre-tokens."""
        data = artefact.files[JSON_FILE]
        extension = Extension(self.base, data)
        yield from row_gates(extension)
        yield row_names([row.piece for row in artefact.rows], self.size, data)
        yield from token_gates(extension)
        yield from count_gates(data, words.korean)
        beside = {name: content for name, content in artefact.files.items() if name != JSON_FILE}
        documents = [*corpus_documents(words.korean), *corpus_documents(words.other)]
        yield from text_gates(extension, named_texts(extension, documents), beside)


def _bytes_of(row: NewRow) -> bytes:
    return row.piece.encode() if row.candidate < 0 else unspell(row.piece) or b""


def _text_of(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
