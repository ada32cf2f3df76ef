"""The steps: encode the units of a part of a word table, add up the counts of all parts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64
from malmoi_pipelines.contracts.cuts import controls_in
from malmoi_pipelines.contracts.hangul import LETTER_CLASS, SPACE_MARK
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import TOKENS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.count_tokens.exactness import SeenParts, check_normal_form, check_sample
from malmoi_pipelines.count_tokens.words import TablePart
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.tokenizers.encoder import Encoder

BLOCK_ROWS = 1 << 16  # units encoded at once
# The glossary's fertility: Hangul runs after a space. Punctuation, digits and line-initial words are left out.
EOJEOL = f"^[ {SPACE_MARK}]+[{LETTER_CLASS}]+$"


@dataclass(frozen=True)
class EncodeUnits:
    """Step 0, one partition a part: encode its units, send how often each token occurs in them."""

    parts: tuple[TablePart, ...]
    encoder: Encoder
    kind: UnitKind

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Count the tokens of one part."""
        part = self.parts[partition]
        total, seen, controls = Encoded(), SeenParts.of(self.encoder, self.kind), set[str]()
        counts = np.zeros(self.encoder.vocab_size, np.int64)
        for number, batch in enumerate(part.read()):
            units = batch.column("unit")
            check_normal_form(self.encoder, units)
            if number == 0:
                check_sample(self.encoder, units, self.kind)
            controls.update(controls_in(units))
            seen.look(units)
            for first in range(0, batch.num_rows, BLOCK_ROWS):
                block = batch.slice(first, BLOCK_ROWS)
                tokens = self.encoder.encode_units(block.column("unit"))
                # `bincount` would add in float64, which is exact below 2^53 only.
                np.add.at(counts, tokens.ids, np.repeat(block.column("count").to_numpy(), tokens.lengths))
                total.add(block, tokens.lengths, unit_bytes(block.column("unit"), self.kind))
        present = np.flatnonzero(counts)
        columns = [pa.array(present.astype(np.int32)), pa.array(counts[present])]
        yield Send(0, pa.RecordBatch.from_arrays(columns, names=["id", "count"]))
        yield PartEncoded(part.table, total, sorted(controls), seen.seen)


@dataclass
class Encoded:
    """What was encoded, in figures."""

    distinct: int = 0
    units: int = 0
    tokens: int = 0
    bytes: int = 0
    """UTF-8 bytes of the units."""
    eojeol: int = 0
    eojeol_tokens: int = 0
    sources: dict[int, int] = field(default_factory=dict)
    """Number of a source in its word table → its tokens."""

    def add(self, block: pa.RecordBatch, lengths: npt.NDArray[np.int32], num_bytes: I64) -> None:
        """Count one block of units, with the tokens and the bytes of each."""
        counts, tokens = block.column("count").to_numpy(), lengths.astype(np.int64)
        eojeol = pc.match_substring_regex(block.column("unit"), EOJEOL).to_numpy(zero_copy_only=False)
        self.distinct += len(counts)
        self.units += int(counts.sum())
        self.tokens += int(np.dot(tokens, counts))
        self.bytes += int(np.dot(num_bytes, counts))
        self.eojeol += int(counts[eojeol].sum())
        self.eojeol_tokens += int(np.dot(tokens[eojeol], counts[eojeol]))
        self._add_sources(block, tokens)

    def merge(self, other: "Encoded") -> None:
        """Add another part's figures. Their sources stay apart: each table has numbers of its own."""
        self.distinct += other.distinct
        self.units += other.units
        self.tokens += other.tokens
        self.bytes += other.bytes
        self.eojeol += other.eojeol
        self.eojeol_tokens += other.eojeol_tokens

    def _add_sources(self, block: pa.RecordBatch, tokens: I64) -> None:
        occurs_in = pc.list_value_length(block.column("sources")).to_numpy()
        numbers = block.column("sources").flatten().to_numpy()
        sums = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
        np.add.at(sums, numbers, block.column("source_counts").flatten().to_numpy() * np.repeat(tokens, occurs_in))
        for number in np.unique(numbers).tolist():
            self.sources[number] = self.sources.get(number, 0) + int(sums[number])


@dataclass(frozen=True)
class PartEncoded(Result):
    """A part of a word table."""

    table: int
    """The number of its table."""
    encoded: Encoded
    controls: list[str]
    """The control characters that occur in its units, for `check_controls`."""
    seen: dict[str, list[bool]]
    """For `SeenParts.merge`."""


@dataclass(frozen=True)
class TokensWritten(Result):
    """The table of tokens."""

    file: FileInfo


def unit_bytes(units: pa.Array, kind: UnitKind) -> I64:
    """UTF-8 bytes of each unit as its tokens spell them: SentencePiece reads a literal U+2581 as a space."""
    num_bytes = pc.binary_length(units).to_numpy().astype(np.int64)
    if kind == "byte-level":
        return num_bytes
    return num_bytes - pc.count_substring(units, SPACE_MARK).to_numpy() * (len(SPACE_MARK.encode()) - 1)


@dataclass(frozen=True)
class SumCounts:
    """Step 1: add up the counts of all parts and write the table of tokens."""

    out: str
    encoder: Encoder

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Write the one file."""
        counts = np.zeros(self.encoder.vocab_size, np.int64)
        for chunk in chunks:
            counts[chunk.column("id").to_numpy()] += chunk.column("count").to_numpy()
        pieces = self.encoder.pieces()
        ids = np.array([index for index, piece in enumerate(pieces) if piece is not None], np.int32)
        columns = [pa.array(ids), pa.array([pieces[index] for index in ids.tolist()]), pa.array(counts[ids])]
        batch = pa.RecordBatch.from_arrays(columns, schema=TOKENS.schema)
        yield TokensWritten(write_parquet(self.out, TOKENS, "tokens", [batch]))
