"""How the number of distinct units grows with the text: samples of 1/256, 1/64, 1/16, 1/4 and all of the documents.

A document is in a sample by a hash of its length and its last 16 bytes, so the curve is the same for any order and any
cut of the corpus, and the curves of two corpora add up to that of both. A document's depth says how small the samples
are that hold it: with depth 3 it is in that of 1/64 and in all larger ones.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I8, I64, U64, text_buffers
from malmoi_pipelines.contracts.distinct import REGISTERS, distinct, fill
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64
from malmoi_pipelines.contracts.pictures import draw
from malmoi_pipelines.contracts.schemas import GROWTH

DEPTHS = 5
STEP = 4
"""How many times smaller the next sample is."""

_WORD = 8  # bytes hashed at once
_LOW_BYTES = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], np.uint64)  # [n]: the last n bytes
_LEAST_BYTES = 10_000  # of a sample that Heaps' law is fitted to: in less, most units are still new


def document_depths(texts: pa.LargeStringArray) -> I64:
    """The depth of each document, by its length and last bytes: 3/4 of all have 0, 3/16 have 1, and so on."""
    data, bounds = text_buffers(texts)
    lengths = np.diff(bounds).astype(np.uint64)
    data, ends = (data, bounds[1:]) if len(data) >= _WORD else (np.pad(data, (_WORD, 0)), bounds[1:] + _WORD)
    words: npt.NDArray[np.uint64] = np.ndarray(len(data) - _WORD + 1, ">u8", data, strides=(1,))
    found = mix64(lengths * np.uint64(GOLDEN))
    for before in (0, _WORD):
        # The bytes [start, start + 8) as a number; those before the document are shifted or masked away.
        start = ends - before - _WORD
        word = words[np.maximum(start, 0)].astype(np.uint64) >> (8 * np.maximum(-start, 0)).astype(np.uint64)
        left = np.clip(lengths.astype(np.int64) - before, 0, _WORD)
        found = mix64(found ^ (word & _LOW_BYTES[left]))
    levels = [np.uint64(2**64 // STEP**depth) for depth in range(DEPTHS - 1, 0, -1)]
    return DEPTHS - 1 - np.searchsorted(levels, found, side="right")


class Growth:
    """Documents, their bytes and the registers of their units, of the sample of each depth."""

    def __init__(self) -> None:
        self.documents = np.zeros(DEPTHS, np.int64)
        self.num_bytes = np.zeros(DEPTHS, np.int64)
        self.registers: I8 = np.zeros((DEPTHS, REGISTERS), np.int8)

    def add_documents(self, depth: int, documents: int, num_bytes: int) -> None:
        """Add documents of one depth; their units are added alone."""
        self.documents[: depth + 1] += documents
        self.num_bytes[: depth + 1] += num_bytes

    def add_units(self, hashes: U64, depths: I8) -> None:
        """Add units, each at the greatest depth of the documents that hold it."""
        fill(self.registers.reshape(-1), depths, hashes)

    def add(self, rows: pa.RecordBatch) -> None:
        """Add the rows of a table `growth`."""
        for row in rows.to_pylist():
            depth = row["depth"]
            self.documents[depth] += row["documents"]
            self.num_bytes[depth] += row["bytes"]
            np.maximum(self.registers[depth], np.frombuffer(row["registers"], np.int8), out=self.registers[depth])

    def to_batch(self) -> pa.RecordBatch:
        """The rows of the table `growth`: the samples that have documents."""
        depths = np.flatnonzero(self.documents)
        # What lies in a small sample lies in all larger ones.
        nested = np.maximum.accumulate(self.registers[::-1])[::-1]
        columns = {
            "depth": depths.astype(np.int16),
            "documents": self.documents[depths],
            "bytes": self.num_bytes[depths],
            "registers": [nested[depth].tobytes() for depth in depths],
        }
        return pa.RecordBatch.from_pydict(columns, schema=GROWTH.schema)


@dataclass(frozen=True)
class GrowthPoint:
    """A sample of the documents."""

    share: str
    """Of all documents: `1/16`, or `all`."""
    documents: int
    bytes: int
    distinct_units: int
    """An estimate."""


def curve(rows: Iterable[dict[str, Any]]) -> list[GrowthPoint]:
    """The samples, the smallest first.

    Args:
        rows: of the table `growth`.
    """
    return [
        GrowthPoint(
            f"1/{STEP ** row['depth']}" if row["depth"] else "all",
            row["documents"],
            row["bytes"],
            distinct(np.frombuffer(row["registers"], np.int8)),
        )
        for row in sorted(rows, key=lambda row: -row["depth"])
    ]


def heaps_law(points: Iterable[GrowthPoint]) -> tuple[float, float] | None:
    """Fit Heaps' law, distinct units = scale * bytes ** exponent, by least squares of the logarithms.

    Returns:
        Scale and exponent; nothing, where fewer than three samples are large enough to tell.

    Example:
        >>> scale, exponent = heaps_law(GrowthPoint("", 1, 10**n, 3 * 10 ** (n // 2)) for n in (4, 6, 8))
        >>> round(scale, 6), round(exponent, 6)
        (3.0, 0.5)
    """
    logs = [(math.log(point.bytes), math.log(point.distinct_units)) for point in points if point.bytes >= _LEAST_BYTES]
    if len(logs) < 3:
        return None
    x, y = (np.array(values) for values in zip(*logs, strict=True))
    x_mean, y_mean = float(x.mean()), float(y.mean())
    exponent = float(((x - x_mean) * (y - y_mean)).sum() / ((x - x_mean) ** 2).sum())
    return math.exp(y_mean - exponent * x_mean), exponent


def growth_picture(points: Sequence[GrowthPoint], law: tuple[float, float]) -> bytes:
    """Distinct units over bytes of text, with the line of Heaps' law; both axes are logarithmic."""
    sizes = [point.bytes / 1e6 for point in points]
    scale, exponent = law

    def dots(axes: Any) -> None:
        axes.loglog(sizes, [point.distinct_units for point in points], "o")
        fitted = [scale * point.bytes**exponent for point in points]
        axes.loglog(sizes, fitted, color="black", linewidth=1, linestyle="--", label=f"exponent {exponent:.3f}")
        axes.set_xlabel("MB of text")
        axes.set_ylabel("distinct units")
        axes.legend(fontsize="small", frameon=False)

    return draw(dots, "growth")
