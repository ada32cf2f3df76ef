"""A SentencePiece base of the Llama family: the metaspace kind."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import pyarrow.compute as pc
import xxhash
from malmoi_pipelines.contracts.arrays import I64, Bool
from malmoi_pipelines.contracts.cuts import check_no_crossing, controls_in
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE, DEFAULT, JSON_FILE, MODEL_FILE, TokenizerFile
from malmoi_pipelines.tokenizers.model_proto import USER_DEFINED, extend, parse_model, serialize
from malmoi_pipelines.tokenizers.sentencepiece_model import SentencePieceEncoder, sentencepiece_encoder
from malmoi_pipelines.tokenizers.spelling import piece_of

from malmoi_tokenizer_lab.base import Artefact, NewRow, OtherTokens
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.evaluate import Subject, subject_of
from malmoi_tokenizer_lab.gates.result import GateResult
from malmoi_tokenizer_lab.gates.texts import FIXED
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.intermediate import CandidateSource, continued_pieces, intermediate_pieces, is_candidate
from malmoi_tokenizer_lab.loop.merges import Symbols
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling
from malmoi_tokenizer_lab.sentencepiece.base_files import BaseFiles, class_facts, read_base_files
from malmoi_tokenizer_lab.sentencepiece.export import build_model, fixed_rows, lay_out
from malmoi_tokenizer_lab.sentencepiece.gates import all_gates, named_texts, special_pieces
from malmoi_tokenizer_lab.sentencepiece.inventory import sentencepiece_inventory, sentencepiece_text
from malmoi_tokenizer_lab.sentencepiece.tokenizer_json import tokenizer_config, tokenizer_json
from malmoi_tokenizer_lab.sentencepiece.whole_base import whole_base
from malmoi_tokenizer_lab.words import (
    Units,
    Words,
    check_korean_units,
    check_tables,
    letters_in,
    read_units,
    split_korean,
)


class SentencePieceBase:
    """A SentencePiece BPE model with byte fallback, and the files beside it."""

    units: UnitKind = "metaspace"
    candidate_sources: tuple[CandidateSource, ...] = ("intermediate", "continued")

    def __init__(self, found: TokenizerFile, encoder: SentencePieceEncoder) -> None:
        """Read what lies beside a model.

        Raises:
            UsageError: it has user-defined pieces, or its files contradict one another.
        """
        is_default = found.name == DEFAULT
        self.name = "the 32,000-piece tokenizer of Mistral-7B v0.1 and SOLAR-10.7B" if is_default else found.name
        self.place = found.place
        where = "the default base" if is_default else found.name
        if any(piece.type == USER_DEFINED for piece in encoder.model.pieces):
            raise UsageError(
                f"{where} must be a model with no user-defined pieces.",
                hint="use a base of the Llama-2, Mistral or SOLAR kind",
            )
        self.files: BaseFiles = read_base_files(found)
        self.model = whole_base(encoder.model, self.files, where)
        self._encoder = sentencepiece_encoder("base", serialize(self.model))
        self._names = frozenset(piece.piece for piece in self.model.pieces)
        self.size = len(self.model.pieces)
        copied = {name: xxhash.xxh3_128_hexdigest(data) for name, data in (self.files.copied or {}).items()}
        added = {str(index): dict(token) for index, token in (self.files.added or {}).items()}
        around = [asdict(self.files.affixes)] if self.files.affixes else []
        beside = fingerprint([dict(self.files.config or {}), copied, added, *around])
        self.inputs = {"base": xxhash.xxh3_128_hexdigest(serialize(self.model)), "files of the base": beside}

    def has_row(self, name: str) -> bool:
        """Whether a row of this name is in the vocabulary already."""
        return name in self._names

    def read_words(self, folders: Sequence[str], config: ExpandConfig) -> Words:
        """The word tables; masks are cut out by the model itself."""
        check_tables(folders, self.units)
        units = read_units(folders, config.weights)
        words = split_korean(units, letters_in(units), units.num_bytes)
        check_korean_units(words.korean)
        check_no_crossing(self._with_fixed_rows(config).mergeable(), controls_in(words.other.text))
        return words

    def _with_fixed_rows(self, config: ExpandConfig) -> SentencePieceEncoder:
        """The base with the reserved rows and masks."""
        return sentencepiece_encoder("with masks", serialize(extend(self.model, fixed_rows(config))))

    def spell(self, words: Words, config: ExpandConfig) -> Spelling:
        """The Korean units as the base merges them."""
        inventory = sentencepiece_inventory(self.model, words.letters)
        symbols, lengths = inventory.spell(sentencepiece_text(words.korean), config.num_threads)
        return Spelling(inventory, symbols, lengths, words.korean.counts)

    def characters(self, inventory: Inventory, words: Words) -> tuple[Symbols, Symbols]:
        """The Korean units as single characters, and how many each has."""
        return inventory.characters(sentencepiece_text(words.korean))

    def propose(
        self, source: CandidateSource, words: Words, units: Spelling, config: ExpandConfig, cutoff: int
    ) -> list[str]:
        """Pieces of an intermediate tokenizer, or of continued training, in merge order."""
        size, least = config.intermediate_vocab_size, config.train_min_count
        if source == "continued":
            return continued_pieces(units.frequent(least), size, cutoff, is_candidate)
        characters = Spelling(units.inventory, *self.characters(units.inventory, words), words.korean.counts)
        return intermediate_pieces(characters, words.letters, size, least)

    def may_add(self, piece: str) -> bool:
        """Whether a piece is Korean and not too long."""
        return is_candidate(piece)

    def is_part(self, piece: str) -> bool:
        """Whether a piece is no whole text: none is, pieces are characters."""
        return False

    def text_of(self, piece: str) -> str:
        """Marks as spaces."""
        return piece.replace(SPACE_MARK, " ")

    def piece_of(self, text: str) -> str:
        """Spaces as the mark."""
        return piece_of(text, self.units)

    def count_others(self, words: Words, config: ExpandConfig) -> OtherTokens:
        """Tokens of the units without Hangul: as with the base, except where a mask stands."""
        before = self._encoder.encode_units(words.other.text, config.num_threads)
        rows = _rows_with_mask(words.other, config.masks)
        with_masks = self._with_fixed_rows(config)
        masked = with_masks.encode_units(words.other.text.take(rows), config.num_threads)
        return OtherTokens(
            before=before.total(words.other.counts),
            after=before.replaced(rows, masked).total(words.other.counts),
            fixed_counts=masked.counts(words.other.counts[rows], with_masks.vocab_size)[self.size :],
        )

    def spellings(self, inventory: Inventory, rows: Sequence[NewRow]) -> list[list[int]]:
        """The ids that the base makes of each new row's text, without a dummy prefix."""
        return self._encoder.encode_plain([self.text_of(row.piece) for row in rows])

    def build(self, name: str, candidates: Candidates, alive: Bool, config: ExpandConfig) -> Artefact:
        """`tokenizer.model`, the `tokenizer.json` that agrees with it, and the base's own files."""
        layout = lay_out(self.model, candidates, np.flatnonzero(alive), config)
        model = build_model(self.model, layout)
        data = serialize(model)
        of_row = [*[-1] * layout.num_fixed, *layout.alive.tolist()]
        of_row += [-1] * (len(layout.rows) - len(of_row))
        json = tokenizer_json(model, self.files)
        return Artefact(
            rows=tuple(
                NewRow(row.text, kind, row.score, row.text.replace(SPACE_MARK, " "), candidate)
                for row, kind, candidate in zip(layout.rows, layout.kinds, of_row, strict=True)
            ),
            files={
                MODEL_FILE: data,
                JSON_FILE: json,
                CONFIG_FILE: tokenizer_config(model, self.files),
                **(self.files.copied or {}),
            },
            subject=subject_of(name, sentencepiece_encoder(name, data), self.size, config.num_threads),
            facts={**class_facts(self.files, json, FIXED), "license": self.files.license},
        )

    def subject(self) -> Subject:
        """How the base encodes."""
        return subject_of("base", self._encoder)

    def gates(self, artefact: Artefact, words: Words) -> Iterator[GateResult]:
        """Those of `tokenizer check`, and counts over units."""
        model = parse_model(artefact.files[MODEL_FILE], MODEL_FILE)
        loaded = {name: data for name, data in artefact.files.items() if name.endswith((".json", ".jinja"))}
        names = named_texts(self.size, model, words, (*special_pieces(self.model), *self.files.special_names))
        return all_gates(self.model, model, artefact.files[JSON_FILE], names, files=loaded, korean=words.korean)


def _rows_with_mask(units: Units, masks: tuple[str, ...]) -> I64:
    found = np.zeros(len(units), bool)
    for mask in masks:
        found |= pc.match_substring(units.text, mask).to_numpy(zero_copy_only=False)
    return np.flatnonzero(found)
