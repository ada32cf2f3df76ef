"""Rows as Arrow, as the tables of malmoi have them."""

import pyarrow as pa


def make_batch(rows, table):
    """A batch of a table from rows, each a value for every column."""
    columns = zip(*rows, strict=True) if rows else [()] * len(table.schema)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, table.schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)
