"""What the start of a JSON file tells."""

import codecs
import json

from malmoi_pipelines.raw.compression import DamagedFileError, read_chunks
from malmoi_pipelines.raw.inputs import InputFile

FIRST_LINE = 1 << 20  # bytes within which the first line must end; JSON Lines of longer ones are values in a row


def is_json_lines(file: InputFile) -> bool:
    """Whether a file is JSON Lines: its first line is a whole object."""
    head = bytearray()
    try:
        for chunk in read_chunks(file.path, file.compression):
            head += chunk
            if len(head) > FIRST_LINE or b"\n" in head.strip():
                break
    except DamagedFileError:
        pass  # the reader that is chosen says so
    line, end, _ = bytes(head).removeprefix(codecs.BOM_UTF8).strip().partition(b"\n")
    try:
        return bool(end) and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
