"""Find personal data: gate, shadow, zones, then the rules of each kind inside the zones."""

from collections.abc import Iterator

from pipelines.text.pii.account import find_accounts
from pipelines.text.pii.phone import find_phones
from pipelines.text.pii.rrn import find_rrn
from pipelines.text.pii.shadow import has_numbers, shadow_of, zones
from pipelines.text.pii.spans import Span, choose, mask, unshift


def find_spans(text: str, strict: bool = False, representative: bool = False) -> list[Span]:
    """Find resident registration numbers, bank accounts and phone numbers in a normalised text.

    The longest candidate wins where some overlap; among equals an account directly after its label, then registration
    number, phone number, account. The masked text has no further spans: what only the mask of a neighbour brings to
    light (a label comes nearer, a boundary opens) is found and given as well.

    Args:
        text: a normalised text; zero-width characters inside of numbers would hide them.
        strict: also take hyphenated account-like numbers that have no label.
        representative: also take the 15xx, 16xx and 18xx numbers of firms.

    Returns:
        Spans in character offsets of `text`, ordered, not overlapping.

    >>> find_spans("연락처 010-1234-5678로")
    [Span(start=4, end=17, kind='tell', rule='phone_mobile')]
    """
    if not has_numbers(text):
        return []
    shadow = shadow_of(text)
    spans: list[Span] = []
    while found := choose(_candidates(mask(shadow, spans), strict, representative)):
        spans = sorted([*spans, *unshift(found, spans)])
    return spans


def _candidates(shadow: str, strict: bool, representative: bool) -> list[Span]:
    candidates = [span for zone in zones(shadow) for span in _in_zone(shadow, zone, strict, representative)]
    return sorted(candidates, key=_rank)


def _in_zone(shadow: str, zone: tuple[int, int], strict: bool, representative: bool) -> Iterator[Span]:
    start, end = zone
    yield from find_rrn(shadow, start, end)
    yield from find_phones(shadow, start, end, representative)
    yield from find_accounts(shadow, start, end, strict)


def _rank(span: Span) -> int:
    # An owner's mobile number can be the account number; the label then says which of the two it is.
    if span.rule == "account_label":
        return 0
    return 1 + ("rrn", "tell", "acc").index(span.kind)
