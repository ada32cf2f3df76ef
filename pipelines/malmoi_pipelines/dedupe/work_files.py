"""The files that steps leave for later steps, below the job's work folder; a repeated step writes equal ones."""

from types import TracebackType

import numpy as np

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import I64, U64, offsets, ranges


def digests_path(work: str, file: int) -> str:
    """The digests of one file's documents, one row a document: the table `DIGESTS` before removal."""
    return files.join(work, "digests", f"part-{file:05d}.arrows")


def exact_path(work: str, file: int) -> str:
    """Exact duplicates whose survivor lies in one input file."""
    return files.join(work, "exact", f"part-{file:05d}.arrows")


def matches_path(work: str, file: int) -> str:
    """Verified edges whose document lies in one input file."""
    return files.join(work, "matches", f"part-{file:05d}.arrows")


def clusters_path(work: str, file: int) -> str:
    """The survivors of one input file that have duplicates, each with the size of its cluster."""
    return files.join(work, "clusters", f"part-{file:05d}.arrows")


def removals_path(work: str, file: int) -> str:
    """The removals of one input file's documents (`NAMED_REMOVAL`), kept while repeated lines are looked for."""
    return files.join(work, "removals", f"part-{file:05d}.arrows")


def lines_path(work: str, file: int) -> str:
    """The repeated lines of one input file that near dedupe does not look at."""
    return files.join(work, "lines", f"part-{file:05d}.arrows")


def _index_path(work: str, file: int) -> str:
    return files.join(work, "shingles", f"part-{file:05d}.index")


def _values_path(work: str, file: int) -> str:
    return files.join(work, "shingles", f"part-{file:05d}.u64")


class ShingleWriter:
    """Writes shingle sets of chosen documents of one input file: the sets end to end, and an index of their sizes."""

    def __init__(self, work: str, file: int) -> None:
        self._index = files.atomic_write(_index_path(work, file))
        self._values = files.atomic_write(_values_path(work, file))

    def __enter__(self) -> "ShingleWriter":
        self._index_sink = self._index.__enter__()
        self._sink = self._values.__enter__()
        return self

    def add(self, rows: I64, sets: list[U64]) -> I64:
        """Append sets; rows ascend over all calls. Returns the sizes of the sets."""
        sizes = np.fromiter(map(len, sets), np.int64, len(sets))
        self._sink.write(np.concatenate([np.zeros(0, np.uint64), *sets]).astype("<u8").tobytes())
        self._index_sink.write(np.stack([rows, sizes], axis=1).astype("<i8").tobytes())
        return sizes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._values.__exit__(kind, error, trace)
        self._index.__exit__(kind, error, trace)


class ShingleSets:
    """Random access to the shingle sets that one input file's `ShingleWriter` left."""

    def __init__(self, work: str, file: int) -> None:
        # Two plain arrays: a job of n files opens up to n² of these, and an Arrow stream takes a millisecond to open.
        index = np.frombuffer(files.read_bytes(_index_path(work, file)), "<i8").reshape(-1, 2)
        self._rows = index[:, 0]
        self._bounds = offsets(index[:, 1])
        self._path = _values_path(work, file)

    def sizes(self, rows: I64) -> I64:
        """Shingles of each document."""
        places = np.searchsorted(self._rows, rows)
        return self._bounds[places + 1] - self._bounds[places]

    def read(self, rows: I64) -> U64:
        """The sets of the documents, end to end in the order asked for; a document may be asked for repeatedly."""
        wanted, inverse = np.unique(np.searchsorted(self._rows, rows), return_inverse=True)
        starts, sizes = self._bounds[wanted], self._bounds[wanted + 1] - self._bounds[wanted]
        values = self._read_ranges(starts, sizes)
        if len(wanted) == len(rows) and np.all(inverse[1:] > inverse[:-1]):
            return values
        return values[ranges(offsets(sizes)[inverse], sizes[inverse])]

    def _read_ranges(self, starts: I64, sizes: I64) -> U64:
        fs, inner = files.filesystem(self._path)
        if files.is_local(self._path):
            return np.memmap(inner, "<u8", "r")[ranges(starts, sizes)]
        begin, end = (starts * 8).tolist(), ((starts + sizes) * 8).tolist()
        return np.frombuffer(b"".join(fs.cat_ranges([inner] * len(begin), begin, end, on_error="raise")), "<u8")
