"""Single rows and texts of large tables, by id and source: streamed, with only the columns that decide read in full."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.tables import read_batches
from malmoi_pipelines.raw.documents import TEXTS, Documents

Row = dict[str, Any]


class Name(NamedTuple):
    """What a document is known by."""

    id: str
    source: str


@dataclass
class Members:
    """The documents removed for one survivor: the first rows, and how many there are."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0


def name_of(row: Row, prefix: str = "") -> Name:
    """The name in the columns `<prefix>id` and `<prefix>source`."""
    return Name(row[f"{prefix}id"], row[f"{prefix}source"])


def find_rows(paths: list[str], values: Mapping[str, str], columns: list[str] | None = None) -> Iterator[Row]:
    """The rows of Parquet files that have these values, in order.

    Args:
        paths: files of one table.
        values: column → value; they are read for all rows.
        columns: what to give, read only for row groups with a match; None for all columns.

    Raises:
        BadInputError: a file is damaged.
    """
    for path in paths:
        try:
            with files.open_read(path) as file:
                parquet = pq.ParquetFile(file)
                for group in range(parquet.num_row_groups):
                    mask = _equal(parquet.read_row_group(group, columns=list(values)), values)
                    if pc.any(mask).as_py():
                        yield from parquet.read_row_group(group, columns=columns).filter(mask).to_pylist()
        except (pa.ArrowException, OSError) as error:  # the messages may quote the data
            raise BadInputError(f"{path} is not readable: {type(error).__name__}.", hint="is it whole?") from None


def _equal(rows: pa.Table | pa.RecordBatch, values: Mapping[str, str]) -> Any:
    mask = pa.scalar(True)
    for column, value in values.items():
        mask = pc.and_(mask, pc.equal(rows.column(column), value))
    return mask


def removals_and_members(paths: list[str], id_: str, limit: int) -> tuple[list[Row], dict[str, Members]]:
    """One pass over a table of removals.

    Args:
        paths: its files.
        id_: a document.
        limit: rows of each cluster to keep.

    Returns:
        rows: the removals of documents with the id.
        members: for each source of a survivor with the id, the removals of its cluster.
    """
    removed: list[Row] = []
    clusters: dict[str, Members] = {}
    for path in paths:
        for batch in read_batches(path):
            removed += batch.filter(pc.equal(batch.column("id"), id_)).to_pylist()
            inside = batch.filter(pc.equal(batch.column("cluster_id"), id_))
            for source in inside.column("cluster_source").unique().to_pylist():
                rows = inside.filter(pc.equal(inside.column("cluster_source"), source))
                members = clusters.setdefault(source, Members())
                members.count += rows.num_rows
                members.rows += rows.slice(0, limit - len(members.rows)).to_pylist()
    return removed, clusters


def find_text(documents: Documents, name: Name, num_bytes: int | None = None) -> str | None:
    """The text of a document, or None.

    Args:
        documents: where to look.
        name: the document.
        num_bytes: UTF-8 bytes of the text, to tell it from others under the same name.
    """
    for number in range(len(documents.tasks)):
        if own := documents.own_table(number):
            texts = (row["text"] for row in find_rows([own], name._asdict(), ["text"]))
        else:
            batches = (batch.filter(_equal(batch, name._asdict())) for batch in documents.read(number, TEXTS))
            texts = (text for batch in batches for text in batch.column("text").to_pylist())
        for text in texts:
            if num_bytes is None or len(text.encode()) == num_bytes:
                return text
    return None
