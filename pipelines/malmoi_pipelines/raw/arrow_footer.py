"""Where the record batches of an Arrow IPC file lie, and how long a damaged one is: pyarrow keeps both to itself.

The file ends with the footer, its length (int32) and the magic `ARROW1`. The footer is a FlatBuffers table; its field
3 is the vector of record batch blocks, structs of 24 bytes that begin with their offset (Arrow columnar format,
`File.fbs`). A record batch begins with a message: the mark -1 (absent before Arrow 0.15), its length (int32), and a
FlatBuffers table whose field 2 is the batch's own table: the number of rows, then the vector of its columns' numbers
of values and nulls (`Message.fbs`).
"""

import os
import struct
from typing import BinaryIO

RECORD_BATCHES = 3
BLOCK_BYTES = 24
TAIL = struct.Struct("<i6s")
HEADER = 2
ROWS, NODES = 0, 1
LONGEST_MESSAGE = 16 << 20  # bytes; without its data a batch is hardly longer than 100 a column


def batch_offsets(file: BinaryIO) -> list[int]:
    """Byte of the file where each record batch begins, in order.

    Args:
        file: a whole IPC file, that pyarrow has opened without complaint.
    """
    end = file.seek(-TAIL.size, os.SEEK_END)
    (length, _) = TAIL.unpack(file.read(TAIL.size))
    file.seek(end - length)
    footer = file.read(length)
    vector = _reference(footer, _root(footer), RECORD_BATCHES)
    if vector is None:
        return []
    (count,) = struct.unpack_from("<I", footer, vector)
    return [struct.unpack_from("<q", footer, vector + 4 + BLOCK_BYTES * i)[0] for i in range(count)]


def batch_rows(file: BinaryIO, offset: int) -> int | None:
    """Rows of the record batch that begins at a byte of the file; None if its message does not say it plausibly."""
    file.seek(offset)
    try:
        (length,) = struct.unpack("<i", file.read(4))
        if length == -1:
            (length,) = struct.unpack("<i", file.read(4))
        if not 0 < length <= LONGEST_MESSAGE:
            return None
        message = file.read(length)
        batch = _reference(message, _root(message), HEADER)
        rows, nodes = (
            (None, None) if batch is None else (_field(message, batch, ROWS), _reference(message, batch, NODES))
        )
        if rows is None or nodes is None:
            return None
        counts = struct.unpack_from("<q", message, rows) + struct.unpack_from("<q", message, nodes + 4)
    except struct.error:
        return None
    return counts[0] if counts[0] == counts[1] > 0 else None  # the first column is as long as the batch


def _root(buffer: bytes) -> int:
    """Where the root table begins."""
    return int(struct.unpack_from("<I", buffer, 0)[0])


def _field(buffer: bytes, table: int, field: int) -> int | None:
    """Where a field of a table begins; None if it is absent."""
    (back,) = struct.unpack_from("<i", buffer, table)
    vtable = table - back
    (vtable_bytes,) = struct.unpack_from("<H", buffer, vtable)
    entry = 4 + 2 * field
    (offset,) = struct.unpack_from("<H", buffer, vtable + entry) if entry < vtable_bytes else (0,)
    return table + offset if offset else None


def _reference(buffer: bytes, table: int, field: int) -> int | None:
    """Where the table or vector begins that a field of a table refers to; None if the field is absent."""
    place = _field(buffer, table, field)
    return None if place is None else int(place + struct.unpack_from("<I", buffer, place)[0])
