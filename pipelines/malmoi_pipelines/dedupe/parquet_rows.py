"""Reading chosen rows of a Parquet file: what is not asked for is never decoded."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import I64


def read_rows(path: str, rows: I64, columns: list[str]) -> Iterator[tuple[I64, pa.RecordBatch]]:
    """The chosen rows, in pieces of at most a row group.

    Args:
        path: a Parquet file.
        rows: distinct row numbers of the file, ascending.
        columns: the columns to read.

    Yields:
        the row numbers of a piece, and its rows.
    """
    if len(rows) == 0:
        return
    with files.open_read(path) as file:
        parquet = pq.ParquetFile(file)
        start = 0
        for group in range(parquet.num_row_groups):
            stop = start + parquet.metadata.row_group(group).num_rows
            first, last = np.searchsorted(rows, [start, stop])
            if first < last:
                table = parquet.read_row_group(group, columns=columns).take(pa.array(rows[first:last] - start))
                for batch in table.combine_chunks().to_batches():
                    yield rows[first : first + batch.num_rows], batch
                    first += batch.num_rows
            start = stop
