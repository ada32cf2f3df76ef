"""Mask the values of one line of JSON, all other bytes untouched."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from malmoi_pipelines.text.pii import PiiOptions, Span, find_spans, mask, may_hold
from malmoi_pipelines.text.pii.json_values import find_in_values, json_values, mask_values

# Escapes that may stand inside of a number; all others end one, escaped or not.
_HIDING = re.compile(r"\\[u/bf]")
# Escapes that stand for what may part the groups of a number.
_PLAIN_ESCAPE = re.compile(r"\\[nrt/]")
_PLAIN = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\/": "/"}


@dataclass
class MaskedLine:
    """A line after masking."""

    text: str
    spans: list[Span] = field(default_factory=list)
    """What was masked; offsets are inside of the decoded strings."""
    left: list[Span] = field(default_factory=list)
    """What was found in keys and kept fields, and stays."""
    is_json: bool = True


def mask_line(line: str, options: PiiOptions, keep: tuple[str, ...] = ("id", "source")) -> MaskedLine:
    r"""Mask the strings and whole numbers of a line of JSON, at any depth; a line that is no JSON is masked as text.

    Args:
        line: the line without its line end. Bytes that are no UTF-8 may stand in it as surrogates (`surrogateescape`).
        options: which kinds are looked for.
        keep: top-level fields that are not touched.

    >>> mask_line('{"id": "010-1234-5678", "n": 1.50, "text": "\\uc804화 010-1234-5678"}', PiiOptions()).text
    '{"id": "010-1234-5678", "n": 1.50, "text": "\\uc804화 <|tell|>"}'
    >>> mask_line('{"rrn": 9001011234568}', PiiOptions()).text
    '{"rrn": "<|rrn|>"}'
    """
    if not _is_json(line.lstrip("\ufeff")):
        spans = find_spans(line, options)
        return MaskedLine(mask(line, spans), spans, is_json=False)
    result = MaskedLine(line)
    if not _HIDING.search(line) and not may_hold(_PLAIN_ESCAPE.sub(_plain, line), options):
        return result
    found = []
    values = list(json_values(line))
    for value, spans in zip(values, find_in_values(values, options), strict=True):
        if value.is_key or value.top in keep:
            result.left += spans
        else:
            result.spans += spans
            found.append((value, spans))
    result.text = mask_values(line, found)
    return result


def _plain(escape: re.Match[str]) -> str:
    return _PLAIN[escape[0]]


def _is_json(line: str) -> bool:
    try:
        orjson.loads(line)
    except ValueError:
        return _is_lenient_json(line)
    return True


def _is_lenient_json(line: str) -> bool:
    """Whether Python reads it: NaN, lone surrogates, and bytes that are no UTF-8."""
    try:
        _: Any = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
