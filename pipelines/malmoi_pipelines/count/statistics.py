"""Statistics of the texts of one source: one row of the table `sources`."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import cuts, text_buffers
from malmoi_pipelines.contracts.schemas import SOURCES

STATISTICS = pa.schema([field for field in SOURCES.schema if field.name != "number"])
"""Statistics on their way: sources have no numbers yet, and several rows may be of one source."""
SUMMED = [name for name in STATISTICS.names if name not in ("source", "held_out")]

_SLICE_BYTES = 1 << 18
_LAST_CONTINUATION = -65  # 0xBF as a signed byte: continuation bytes are 0x80..0xBF, all others are above


def text_statistics(texts: pa.LargeStringArray) -> dict[str, int]:
    r"""Count what texts are made of; `units` and `letters` are counted in the merged table.

    >>> text_statistics(pa.array(["나라의 말", "글\n"], pa.large_string()))
    {'documents': 2, 'bytes': 17, 'characters': 7, 'lines': 2, 'eojeol': 3}
    """
    data, bounds = text_buffers(texts)
    characters = lines = eojeol = 0
    for first, last in cuts(np.diff(bounds), _SLICE_BYTES):
        start = bounds[first]
        piece = data[start : bounds[last]]
        starts, ends = bounds[first:last] - start, bounds[first + 1 : last + 1] - start
        full = starts < ends
        starts, ends = starts[full], ends[full]
        visible = (piece > 0x20) & (piece != 0x7F)
        # Words start where a visible byte follows another, or starts a document.
        words = np.count_nonzero(visible[1:] > visible[:-1])
        eojeol += int(words + np.count_nonzero(visible[starts] & ((starts == 0) | visible[starts - 1])))
        characters += int(np.count_nonzero(piece.view(np.int8) > _LAST_CONTINUATION))
        newlines = piece == ord("\n")
        lines += int(np.count_nonzero(newlines) + np.count_nonzero(~newlines[ends - 1]))
    sizes = {"documents": len(texts), "bytes": len(data)}
    return {**sizes, "characters": characters, "lines": lines, "eojeol": eojeol}


def statistics_batch(rows: Iterable[dict[str, object]]) -> pa.RecordBatch:
    """Rows of statistics as a chunk; what a row leaves out is zero."""
    full = [dict.fromkeys(SUMMED, 0) | row for row in rows]
    return pa.RecordBatch.from_pylist(full, schema=STATISTICS)


def sum_statistics(chunks: Iterable[pa.RecordBatch]) -> pa.Table:
    """One row a source and part of the corpus, ordered by them."""
    table = pa.Table.from_batches(chunks, schema=STATISTICS).combine_chunks()
    summed = table.group_by(["source", "held_out"]).aggregate([(name, "sum") for name in SUMMED])
    columns = [summed["source"], summed["held_out"], *(summed[f"{name}_sum"] for name in SUMMED)]
    rows = pa.table(columns, schema=STATISTICS)
    return rows.sort_by([("source", "ascending"), ("held_out", "ascending")])
