"""Payment card numbers: 13 to 19 digits with the check digit of Luhn (ISO/IEC 7812-1)."""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii import checks, context
from malmoi_pipelines.text.pii.shadow import AFTER, BEFORE
from malmoi_pipelines.text.pii.spans import Span

# As printed on the cards: four by four with a rest of up to three, American Express 4-6-5, Diners Club 4-6-4.
_GROUPED = re.compile(
    rf"{BEFORE}[0-9]{{4}}(?P<separator> ?- ?| )(?:[0-9]{{4}}(?P=separator)[0-9]{{4}}(?P=separator)[0-9]{{1,4}}"
    rf"(?:(?P=separator)[0-9]{{1,3}})?|[0-9]{{6}}(?P=separator)[0-9]{{4,5}}){AFTER}"
)
_BARE = re.compile(rf"{BEFORE}[0-9]{{13,19}}{AFTER}")
# Issuers' prefixes: Visa, Mastercard, American Express, Diners Club, JCB, Discover, UnionPay, Korean domestic cards.
_ISSUER = re.compile("4|5[1-5]|2[2-7]|3[4-9]|6[0-9]|9[0-9]")


def find_cards(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Candidates in the zone [start, end) of a shadow."""
    for match in _GROUPED.finditer(shadow, start, end):
        digits = re.sub("[^0-9]", "", match[0])
        if 13 <= len(digits) <= 19 and _ISSUER.match(digits) and checks.luhn_checks(digits):
            yield Span(match.start(), match.end(), "card", "card_grouped")
    for match in _BARE.finditer(shadow, start, end):
        if _ISSUER.match(match[0]) and checks.luhn_checks(match[0]) and _bare_is_card(shadow, match):
            yield Span(match.start(), match.end(), "card", "card_bare")


def _bare_is_card(shadow: str, match: re.Match[str]) -> bool:
    """One in ten numbers has the check digit: without a label only the usual lengths count, and no other label."""
    before = context.before(shadow, match.start())
    label = context.distance(context.CARD_LABEL, before)
    other = context.rival_distance(context.NOT_CARD_LABEL, before)
    if label < context.FAR and label <= other:
        return True
    return other == context.FAR and len(match[0]) in (15, 16) and not checks.is_timestamp(match[0][:14])
