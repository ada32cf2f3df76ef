"""Spans and masks: where personal data stands, and the text without it."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from malmoi_pipelines.text.pii.rules import PiiKind


class Span(NamedTuple):
    """One stretch of personal data: character offsets, what it is, and the rule that found it."""

    start: int
    end: int
    kind: PiiKind
    rule: str


def mask(text: str, spans: Sequence[Span]) -> str:
    """Put `<|kind|>` in the place of each span; all else stays byte for byte.

    No stand-in digits: they would poison the statistics of numbers and may be somebody's number.

    Args:
        text: the text the offsets refer to.
        spans: ordered, not overlapping, as `find_spans` gives them.

    >>> mask("전화 02-1234-5678.", [Span(3, 15, "tell", "phone_area")])
    '전화 <|tell|>.'
    """
    if not spans:
        return text
    pieces = []
    end = 0
    for span in spans:
        pieces += [text[end : span.start], token(span.kind)]
        end = span.end
    return "".join([*pieces, text[end:]])


def token(kind: PiiKind) -> str:
    """The mask of a kind.

    >>> token("tell")
    '<|tell|>'
    """
    return f"<|{kind}|>"


def choose(candidates: Iterable[Span]) -> list[Span]:
    """Of overlapping candidates the longest, among equals the one that comes first; in order of position.

    >>> choose([Span(0, 5, "tell", "a"), Span(3, 9, "acc", "b"), Span(9, 12, "rrn", "c")])
    [Span(start=3, end=9, kind='acc', rule='b'), Span(start=9, end=12, kind='rrn', rule='c')]
    """
    taken: list[tuple[int, int, Span]] = []
    for span in sorted(candidates, key=lambda span: span.start - span.end):  # stable: equals stay in the order given
        place = bisect_right(taken, (span.end,))  # all after it begin at or after its end
        if place == 0 or taken[place - 1][1] <= span.start:
            insort(taken, (span.start, span.end, span))
    return [span for _, _, span in taken]


def unshift(later: Iterable[Span], spans: Sequence[Span]) -> list[Span]:
    """Offsets of spans found in a masked text, in the text before `spans` were masked.

    >>> unshift([Span(10, 15, "acc", "r")], [Span(0, 20, "tell", "r")])
    [Span(start=22, end=27, kind='acc', rule='r')]
    """
    result = []
    shift = index = 0  # shift: how much longer the text before masking is, up to here
    for span in later:
        while index < len(spans) and spans[index].start - shift < span.start:
            shift += spans[index].end - spans[index].start - len(token(spans[index].kind))
            index += 1
        result.append(span._replace(start=span.start + shift, end=span.end + shift))
    return result
