"""Spans and masks: where personal data stands, and the text without it."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Kind = Literal["rrn", "acc", "tell"]
"""Resident registration number, bank account, phone number: the names of Polyglot-Ko's mask tokens, two l in `tell`."""


class Span(NamedTuple):
    """One stretch of personal data: character offsets, what it is, and the rule that found it."""

    start: int
    end: int
    kind: Kind
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
        pieces += [text[end : span.start], _token(span)]
        end = span.end
    return "".join([*pieces, text[end:]])


def _token(span: Span) -> str:
    return f"<|{span.kind}|>"


def choose(candidates: Iterable[Span]) -> list[Span]:
    """Of overlapping candidates the longest, among equals the one that comes first; in order of position."""
    chosen: list[Span] = []
    cluster: list[Span] = []
    for span in sorted(candidates, key=lambda span: span.start):  # stable: equals stay in the order given
        if cluster and span.start >= max(other.end for other in cluster):
            chosen += _longest(cluster)
            cluster = []
        cluster.append(span)
    return sorted([*chosen, *_longest(cluster)])


def _longest(cluster: list[Span]) -> list[Span]:
    taken: list[Span] = []
    for span in sorted(cluster, key=lambda span: span.start - span.end):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    return taken


def unshift(later: Iterable[Span], spans: Sequence[Span]) -> list[Span]:
    """Offsets of spans found in a masked text, in the text before `spans` were masked.

    >>> unshift([Span(10, 15, "acc", "r")], [Span(0, 20, "tell", "r")])
    [Span(start=22, end=27, kind='acc', rule='r')]
    """
    result = []
    shift = index = 0  # shift: how much longer the text before masking is, up to here
    for span in later:
        while index < len(spans) and spans[index].start - shift < span.start:
            shift += spans[index].end - spans[index].start - len(_token(spans[index]))
            index += 1
        result.append(span._replace(start=span.start + shift, end=span.end + shift))
    return result
