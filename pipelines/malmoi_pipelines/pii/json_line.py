"""Mask the strings of one line of JSON, all other bytes untouched.

The line is edited, not written anew: numbers keep their form, keys their order and repetitions, strings their escapes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from malmoi_pipelines.text.pii import PiiOptions, Span, find_spans, mask, may_hold

_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)"|[{}\[\],]', re.DOTALL)
# One character of the decoded string each. A high surrogate and a low one behind it are one character together.
_CHAR = re.compile(r"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|[^\\]", re.DOTALL)
# Escapes that may stand inside of a number; all others end one, escaped or not.
_HIDING = re.compile(r"\\[u/bf]")


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
    r"""Mask the string values of a line of JSON, at any depth; a line that is no JSON is masked as text.

    Args:
        line: the line without its line end. Bytes that are no UTF-8 may stand in it as surrogates (`surrogateescape`).
        options: which kinds are looked for.
        keep: top-level fields that are not touched.

    >>> mask_line('{"id": "010-1234-5678", "n": 1.50, "text": "\\uc804화 010-1234-5678"}', PiiOptions()).text
    '{"id": "010-1234-5678", "n": 1.50, "text": "\\uc804화 <|tell|>"}'
    """
    if not _is_json(line.lstrip("\ufeff")):
        spans = find_spans(line, options)
        return MaskedLine(mask(line, spans), spans, is_json=False)
    result = MaskedLine(line)
    if not _HIDING.search(line) and not may_hold(line, options):
        return result
    pieces = []
    done = 0
    for string in _strings(line):
        spans = find_spans(_decode(string.body), options)
        if not spans:
            continue
        if string.is_key or string.top in keep:
            result.left += spans
            continue
        result.spans += spans
        pieces += [line[done : string.start], _mask_body(string.body, spans)]
        done = string.start + len(string.body)
    result.text = "".join([*pieces, line[done:]])
    return result


class _String(NamedTuple):
    """A string of a line of JSON."""

    start: int
    """Where its body begins in the line."""
    body: str
    """Between the quotes, as written."""
    is_key: bool
    top: str | None
    """The top-level key that it belongs to."""


def _strings(line: str) -> Iterator[_String]:
    """The strings of a valid line, in order."""
    open_brackets: list[str] = []
    expects_key = False
    top: str | None = None
    for token in _TOKEN.finditer(line):
        char = token[0][0]
        if char == '"':
            body = token[1]
            if expects_key and len(open_brackets) == 1:
                top = _decode(body)
            yield _String(token.start() + 1, body, expects_key, top)
            expects_key = False
        elif char in "{[":
            open_brackets.append(char)
            expects_key = char == "{"
        elif char == ",":
            expects_key = open_brackets[-1] == "{"
        else:
            open_brackets.pop()
            expects_key = False


def _mask_body(body: str, spans: list[Span]) -> str:
    if "\\" not in body:
        return mask(body, spans)
    edges = [char.start() for char in _CHAR.finditer(body)] + [len(body)]
    return mask(body, [span._replace(start=edges[span.start], end=edges[span.end]) for span in spans])


def _decode(body: str) -> str:
    return json.loads(f'"{body}"', strict=False) if "\\" in body else body


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
