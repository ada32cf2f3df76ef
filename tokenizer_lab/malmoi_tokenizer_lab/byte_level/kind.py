"""A byte-level base: Llama 3, Qwen, Tekken and their kind."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import orjson
import pyarrow as pa
from malmoi_pipelines.contracts.arrays import Bool, offsets
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.hangul import SPACE_MARK, is_letter
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.byte_alphabet import spell, unspell

from malmoi_tokenizer_lab.base import Artefact, NewRow, OtherTokens
from malmoi_tokenizer_lab.byte_level.allowed import is_allowed
from malmoi_tokenizer_lab.byte_level.base import TOKENIZER_FILE, ByteLevelBase, read_byte_level
from malmoi_tokenizer_lab.byte_level.count_gates import check_counts, corpus_documents
from malmoi_tokenizer_lab.byte_level.export import extended_files, extended_json
from malmoi_tokenizer_lab.byte_level.gates import check_base_untouched, check_dead, check_row_names, check_texts
from malmoi_tokenizer_lab.byte_level.merging import byte_symbols, merge_texts, ranked_merges
from malmoi_tokenizer_lab.byte_level.pretokens import pre_tokens
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.counting import corpus_tokens
from malmoi_tokenizer_lab.evaluate import Subject, json_subject
from malmoi_tokenizer_lab.gates.texts import FIXED, mask_texts
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.intermediate import LONGEST_PIECE, continued_pieces
from malmoi_tokenizer_lab.loop.merges import Symbols
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling
from malmoi_tokenizer_lab.words import Units, Words, check_rule, letters_in, read_units, split_korean

_WHOLE_MASK = re.compile(r"<\|[a-z]+\|>")
_BYTES_A_LETTER = 3
"""UTF-8 bytes of a Hangul letter."""


class ByteLevel:
    """A byte-level BPE tokenizer and the files beside it."""

    rule: UnitKind = "byte-level"
    policies: tuple[str, ...] = ("continued",)

    def __init__(self, path: str) -> None:
        """Read a `tokenizer.json` or a `tekken*.json`, or a folder with one."""
        self.name = path
        self.base: ByteLevelBase = read_byte_level(path)
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
        check_rule(folders, self.rule)
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

    def propose(self, policy: str, words: Words, units: Spelling, config: ExpandConfig, cutoff: int) -> list[str]:
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
        return spell(text.replace(SPACE_MARK, " ").encode())

    def count_others(self, words: Words, config: ExpandConfig) -> OtherTokens:
        """Tokens of the pre-tokens without Hangul, and the base's added tokens: no new token can be in them.

        A mask counts for the base as its tokens by itself, whatever stands beside it.
        """
        base = self.subject()
        tokens = words.added + corpus_tokens(base.encode_units(words.other.text).lengths, words.other.counts)
        spelled = map(len, base.encode_texts(config.masks))
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
            kind = "letter" if text is not None and is_letter(text) else "multi"
            rows.append(NewRow(candidates.pieces[index], kind, -float(rank), text, index))
        names = {index: text for text, index in orjson.loads(json)["model"]["vocab"].items()}
        padding = [names[index] for index in range(self.size + len(rows), len(names))]
        rows += [NewRow(name, "reserved", 0.0, name) for name in padding]
        files = {TOKENIZER_FILE: json, **extended_files(self.base, config.reserved, config.masks)}
        return Artefact(tuple(rows), files, json_subject(name, json, self.size), {"license": None})

    def subject(self) -> Subject:
        """How the base encodes."""
        return json_subject("base", orjson.dumps(self.base.json))

    def check(self, artefact: Artefact, words: Words) -> dict[str, int]:
        """Run all gates; returns what each compared."""
        data = artefact.files[TOKENIZER_FILE]
        masks = [row.piece for row in artefact.rows if row.kind == "mask"]
        rows = check_base_untouched(self.base, data)
        names = check_row_names([row.piece for row in artefact.rows], self.size, data)
        dead = check_dead(self.base, data)
        beside = {name: content for name, content in artefact.files.items() if name != TOKENIZER_FILE}
        documents = [*corpus_documents(words.korean), *corpus_documents(words.other)]
        texts = check_texts(self.base, data, [*FIXED, *mask_texts(masks, []), *documents], beside)
        return {**rows, **names, **dead, **check_counts(data, words.korean), **texts}


def _bytes_of(row: NewRow) -> bytes:
    return row.piece.encode() if row.candidate < 0 else unspell(row.piece) or b""


def _text_of(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
