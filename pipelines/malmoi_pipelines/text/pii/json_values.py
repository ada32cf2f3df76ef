"""The values of JSON in which personal data can stand, strings and whole numbers, found and masked where they are.

The JSON is edited, not written anew: other numbers keep their form, keys their order and repetitions, strings their
escapes.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from malmoi_pipelines.text.pii.detect import find_spans_all
from malmoi_pipelines.text.pii.options import PiiOptions
from malmoi_pipelines.text.pii.spans import Span, mask

_TOKEN = re.compile(r'"(?P<body>(?:[^"\\]++|\\.)*+)"|(?P<number>-?\d[\d.eE+-]*+)|[{}\[\],]', re.DOTALL)
# One character of the decoded string each. A high surrogate and a low one behind it are one character together.
_CHAR = re.compile(r"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|[^\\]", re.DOTALL)
_LABEL_CHARS = 20  # as far as labels count before a number
_DIGIT = re.compile("[0-9０-９]")


class JsonValue(NamedTuple):
    """A string or a whole number of a JSON text, or a key."""

    start: int
    """Where it begins in the JSON; of a string, behind the quote."""
    written: str
    """As it is written there, without quotes."""
    text: str
    """What personal data is looked for in: the decoded string, or the digits."""
    is_key: bool
    is_number: bool
    top: str | None
    """The top-level key that it belongs to."""
    key: str
    """The key right before it, or before the list that it is in; "" where there is none."""

    @property
    def label(self) -> str:
        """The key as a label before a number: `account_number` says what stands behind it, as 계좌번호 does."""
        usable = self.key and not self.is_key and len(self.key) <= _LABEL_CHARS and not _DIGIT.search(self.key)
        return f"{self.key.replace('_', ' ')} " if usable else ""


def json_values(line: str) -> Iterator[JsonValue]:
    r"""The keys, strings and whole numbers of valid JSON, in order; numbers with a fraction or exponent are left out.

    >>> [(value.text, value.is_key, value.key) for value in json_values('{"n": [12, 1.5, "\\uac00"]}')]
    [('n', True, ''), ('12', False, 'n'), ('가', False, 'n')]
    """
    open_brackets: list[str] = []
    keys: list[str] = [""]
    expects_key = False
    top: str | None = None
    for token in _TOKEN.finditer(line):
        char = token[0][0]
        if char == '"':
            body = token["body"]
            text = _decode(body)
            if expects_key and len(open_brackets) == 1:
                top = text
            yield JsonValue(token.start() + 1, body, text, expects_key, False, top, "" if expects_key else keys[-1])
            if expects_key:
                keys[-1] = text
            expects_key = False
        elif (number := token["number"]) is not None:
            if number.lstrip("-").isdigit():
                yield JsonValue(token.start(), number, number, False, True, top, keys[-1])
        elif char in "{[":
            open_brackets.append(char)
            keys.append("" if char == "{" else keys[-1])
            expects_key = char == "{"
        elif char == ",":
            expects_key = open_brackets[-1:] == ["{"]
        else:
            open_brackets.pop()
            keys.pop()
            expects_key = False


def find_in_values(values: Sequence[JsonValue], options: PiiOptions) -> list[list[Span]]:
    """The spans of each value, in offsets of its `text`; the key before it counts as a label.

    >>> [value] = [value for value in json_values('{"계좌번호": 12345678}') if not value.is_key]
    >>> find_in_values([value], PiiOptions())
    [[Span(start=0, end=8, kind='acc', rule='account_label')]]
    """
    labels = [value.label for value in values]
    found = find_spans_all([label + value.text for label, value in zip(labels, values, strict=True)], options)
    return [
        [_moved(span, len(label)) for span in spans if span.start >= len(label)]
        for label, spans in zip(labels, found, strict=True)
    ]


def _moved(span: Span, left: int) -> Span:
    return span._replace(start=span.start - left, end=span.end - left)


def mask_values(line: str, found: Iterable[tuple[JsonValue, Sequence[Span]]]) -> str:
    """The JSON with the spans of some of its values masked; a number becomes a string by it.

    Args:
        line: the JSON.
        found: values of it in order, each with its spans in `text`.

    >>> value, = json_values("[9001011234568]")
    >>> mask_values("[9001011234568]", [(value, [Span(0, 13, "rrn", "rrn")])])
    '["<|rrn|>"]'
    """
    pieces = []
    done = 0
    for value, spans in found:
        if spans:
            masked = mask(value.text, spans)
            pieces += [line[done : value.start], f'"{masked}"' if value.is_number else _mask_body(value.written, spans)]
            done = value.start + len(value.written)
    return "".join([*pieces, line[done:]])


def _mask_body(body: str, spans: Sequence[Span]) -> str:
    if "\\" not in body:
        return mask(body, spans)
    edges = [char.start() for char in _CHAR.finditer(body)] + [len(body)]
    return mask(body, [span._replace(start=edges[span.start], end=edges[span.end]) for span in spans])


def _decode(body: str) -> str:
    return json.loads(f'"{body}"', strict=False) if "\\" in body else body
