"""Sizes as people write them, in options and settings."""

import re
from typing import Any

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_bytes(value: Any) -> Any:
    """Read a size such as `100MB` or `1.5 GiB` as bytes; other types are left to pydantic.

    >>> parse_bytes("1.5MB"), parse_bytes("2KiB"), parse_bytes(10)
    (1500000, 2048, 10)
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("must be a number of bytes with an optional unit, for example 500kB, 100MB or 1GiB")
    return round(float(match[1]) * _UNITS[match[2].lower()])
