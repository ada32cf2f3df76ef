"""Find personal data: zones, a window around each, its shadow, then the rules of each kind inside of the zones."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from malmoi_pipelines.text.pii.account import find_accounts
from malmoi_pipelines.text.pii.card import find_cards
from malmoi_pipelines.text.pii.gate import remapped
from malmoi_pipelines.text.pii.loose import find_loose
from malmoi_pipelines.text.pii.network import find_emails, find_ips
from malmoi_pipelines.text.pii.options import DEFAULT, PiiOptions
from malmoi_pipelines.text.pii.passport import find_passports
from malmoi_pipelines.text.pii.phone import find_phones
from malmoi_pipelines.text.pii.rrn import find_rrn
from malmoi_pipelines.text.pii.rules import KINDS
from malmoi_pipelines.text.pii.shadow import Stripped, is_remapped, shadow_of, strip
from malmoi_pipelines.text.pii.spans import Span, choose, mask, unshift
from malmoi_pipelines.text.pii.zones import Zone, find_usual_zones, find_zones, merge

# Labels count up to 20 characters before a number, 60 for lists, and 12 behind it: zones this far apart cannot see
# each other, whatever is masked between them.
_MARGIN = 64
# A bracket, a plus and a space may open a phone number; five characters behind decide whether one ends.
_LEFT, _RIGHT = 3, 5
_BETWEEN = "\n\n"


def find_spans(text: str, options: PiiOptions = DEFAULT) -> list[Span]:
    """Find personal data in a text, normalised or raw.

    The longest candidate wins where some overlap; among equals an account directly after its label, then the order of
    `KINDS`. The masked text has no further spans: what only the mask of a neighbour brings to light (a label comes
    nearer, a boundary opens) is found and given as well. Mask tokens that the text came with are never part of a span.

    Args:
        text: the text. Zero-width characters inside of numbers, full-width digits and decomposed syllables are seen
            through.
        options: which kinds are looked for.

    Returns:
        Spans in character offsets of `text`, ordered, not overlapping.

    >>> find_spans("연락처 010-1234-5678로")
    [Span(start=4, end=17, kind='tell', rule='phone_mobile')]
    """
    return list(find_spans_all([text], options)[0]) if may_hold(text, options) else []


def find_spans_all(texts: Sequence[str], options: PiiOptions = DEFAULT) -> list[Sequence[Span]]:
    """`find_spans` of each text, with one scan over all of them: for blocks of many short texts.

    Args:
        texts: about 8 MB of texts; they are joined, so as much memory is needed once more.
        options: which kinds are looked for.

    Returns:
        The spans of each text, in the order of the texts.

    >>> find_spans_all(["영화 재밌다", "연락처 010-1234-5678로"])
    [(), [Span(start=4, end=17, kind='tell', rule='phone_mobile')]]
    """
    found: list[Sequence[Span]] = [()] * len(texts)
    if not options.enabled or not texts:
        return found
    joined, starts = _join(texts)
    stripped = _strip(texts, joined, starts)
    for index, spans in _in_joined(joined, starts, options):
        found[index] = [*found[index], *spans]
    for index, text in stripped.items():
        spans = [span for _, part in _in_joined(*_join([text.text]), options) for span in part]
        found[index] = [_moved(span, *text.origin(span.start, span.end)) for span in spans]
    return found


def may_hold(text: str, options: PiiOptions = DEFAULT) -> bool:
    """Whether `find_spans` could find anything: one scan, and never wrong where it says no.

    >>> may_hold("2023. 1. 15. 선고"), may_hold("번호 110-123-456789")
    (False, True)
    """
    return options.enabled and (is_remapped(text) or bool(find_zones(text, options)))


def _join(texts: Sequence[str]) -> tuple[str, list[int]]:
    """The texts with two line feeds behind each, where each begins, and where the next would.

    No zone holds two line feeds, so none crosses from one text to the next.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return _BETWEEN.join([*texts, ""]), [0, *np.cumsum(lengths + len(_BETWEEN)).tolist()]


def _strip(texts: Sequence[str], joined: str, starts: Sequence[int]) -> dict[int, Stripped]:
    """The texts in which something is invisible or decomposed, by number."""
    numbers = np.unique(np.searchsorted(starts, remapped(joined), "right") - 1)
    return {number: strip(texts[number]) for number in numbers.tolist()}


def _in_joined(joined: str, starts: Sequence[int], options: PiiOptions) -> Iterator[tuple[int, list[Span]]]:
    """(number of the text, spans in it), in order of position; a text may come several times, or never."""
    for start, end in _within_texts(find_zones(joined, options), starts):
        index = bisect_right(starts, start) - 1
        first, after = starts[index], starts[index + 1] - len(_BETWEEN)
        low, high = max(first, start - _MARGIN), min(after, end + _MARGIN)
        if spans := _in_window(joined[low:high], (start - low, end - low), options):
            shift = low - first
            yield index, [_moved(span, span.start + shift, span.end + shift) for span in spans]


def _within_texts(zones: list[Zone], starts: Sequence[int]) -> Iterator[Zone]:
    """Zones that can see each other as one, text by text."""
    first = 0
    while first < len(zones):
        after = starts[bisect_right(starts, zones[first][0])]
        last = first
        while last < len(zones) and zones[last][0] < after:
            last += 1
        yield from merge(zones[first:last], _MARGIN)
        first = last


def _in_window(window: str, zone: Zone, options: PiiOptions) -> list[Span]:
    """The spans that begin in a zone, in offsets of the window; until the masked window shows no more."""
    shadow = shadow_of(window)
    spans: list[Span] = []
    masked, end = shadow, zone[1]
    while found := choose(_candidates(masked, (zone[0], end), options)):
        spans = sorted([*spans, *unshift(found, spans)])
        masked = mask(shadow, spans)
        end = zone[1] + len(masked) - len(shadow)
    return spans


def _candidates(shadow: str, zone: Zone, options: PiiOptions) -> list[Span]:
    zones = [inner for inner in find_usual_zones(shadow, options) if zone[0] <= inner[0] < zone[1]]
    found = [span for inner in zones for span in _in_zone(shadow, inner, options)]
    usual = {span.start + (shadow[span.start] == "(") for span in found if span.kind == "tell"}
    found += find_loose(shadow, max(0, zone[0] - _LEFT), zone[1] + _RIGHT, options.spelled, usual)
    return sorted(found, key=_rank)


def _in_zone(shadow: str, zone: Zone, options: PiiOptions) -> Iterator[Span]:
    start, end = max(0, zone[0] - _LEFT), zone[1] + _RIGHT
    yield from find_rrn(shadow, start, end)
    yield from find_phones(shadow, start, end, options.representative)
    yield from find_accounts(shadow, start, end, options.mode == "strict")
    if options.email:
        yield from find_emails(shadow, start, end)
    if options.card:
        yield from find_cards(shadow, start, end)
    if options.ip:
        yield from find_ips(shadow, start, end)
    if options.passport:
        yield from find_passports(shadow, start, end)


def _rank(span: Span) -> int:
    # An owner's mobile number can be the account number; the label then says which of the two it is. A card's check
    # digit is better evidence than a word of banking somewhere near.
    if span.rule == "account_label":
        return 0
    return 1 if span.kind == "card" else 2 + KINDS.index(span.kind)


def _moved(span: Span, start: int, end: int) -> Span:
    return span._replace(start=start, end=end)
