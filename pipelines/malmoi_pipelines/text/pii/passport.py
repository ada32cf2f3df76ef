"""Passport numbers of the Republic of Korea: optional.

A letter for the type (M and S for citizens, R residence, O official, D diplomatic) and eight digits; since December
2021 a letter, three digits, a letter and four digits.
"""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii import context
from malmoi_pipelines.text.pii.spans import Span

PASSPORT_SCAN = re.compile("[MSRODＭＳＲＯＤ][0-9０-９]{3}(?:[0-9０-９]{5}|[A-ZＡ-Ｚ][0-9０-９]{4})")
# No dot, hyphen, slash or sign may touch it: part numbers and versions begin and go on like that.
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z\-_/.#])[MSROD][0-9]{3}(?:[0-9]{5}|[A-Z][0-9]{4})(?![0-9A-Za-z]|[\-_/.][0-9A-Za-z])"
)


def find_passports(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Candidates in the zone [start, end) of a shadow; only numbers of citizens' passports without a label."""
    for match in _NUMBER.finditer(shadow, start, end):
        before = context.before(shadow, match.start())
        label = context.distance(context.PASSPORT_LABEL, before)
        other = context.rival_distance(context.NOT_PASSPORT_LABEL, before)
        if label < context.FAR and label <= other:
            yield Span(match.start(), match.end(), "passport", "passport_label")
        elif other == context.FAR and match[0][0] == "M":
            yield Span(match.start(), match.end(), "passport", "passport_form")
