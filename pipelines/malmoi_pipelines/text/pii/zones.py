"""Zones: where the characters stand dense enough for personal data. Nothing outside of them is looked at.

One scan of the raw text finds them, with all variants of digits and separators, so a text without numbers costs that
scan alone; each optional kind that is not made of many digits has a scan of its own. The repetitions are possessive:
they keep no way back, and a megabyte of digits takes no more than its time.
"""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii.gate import dense
from malmoi_pipelines.text.pii.loose import find_unusual
from malmoi_pipelines.text.pii.network import EMAIL_SCAN, IP_SCAN
from malmoi_pipelines.text.pii.options import PiiOptions
from malmoi_pipelines.text.pii.passport import PASSPORT_SCAN
from malmoi_pipelines.text.pii.shadow import DIGIT, MASKED_RAW, SEPARATOR

Zone = tuple[int, int]
"""[start, end) in characters."""

# At least seven digits (or masks of digits) with at most four separators between neighbours: nothing that must be
# masked has less (900101-1 and 345-6789 beside labels).
_DENSE = re.compile(f"[{DIGIT}](?:[{SEPARATOR}_＿]{{0,4}}+[{DIGIT}{MASKED_RAW}]){{6,}}+")

# By far the commonest zones, and never personal data: a date with at most a case year or an hour behind.
_DATE = re.compile(
    r"(?:[0-9]{1,5}\) ?)?(?:19|20)[0-9]{2}[-./·] {0,3}[01]?[0-9][-./·] {0,3}[0-3]?[0-9]"
    r"(?:[. ]{0,4}(?:[0-9]{1,4}|[○*]{2,3}))?"
    r"|[0-3]?[0-9]/[0-3]?[0-9]/(?:19|20)[0-9]{2}(?: {1,4}[0-9]{1,2})?"
    r"|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]"
)
_FEW = re.compile(f"(?:[{DIGIT}{MASKED_RAW}][{SEPARATOR}]*+){{,7}}+")
_SHORT = re.compile(  # date of birth and sex, or a phone number without an area code
    f"[{DIGIT}]{{6}}[{SEPARATOR}]{{1,3}}[{DIGIT}]|[2-9２-９][{DIGIT}]{{2}}[{SEPARATOR}]{{1,3}}[{DIGIT}]{{4}}"
)


def find_zones(text: str, options: PiiOptions) -> list[Zone]:
    """The zones of a text (raw or shadow), ordered, not overlapping.

    >>> find_zones("전화 010-1234-5678로, 2023. 1. 15. 선고", PiiOptions())
    [(3, 16)]
    """
    figures, unusual = dense(text)
    zones = [zone for start, end in figures for zone in _in_figures(text, start, end)]
    zones += [zone for start, end in unusual for zone in find_unusual(text, start, end)]
    return _with_scans(zones, text, options)


def find_usual_zones(text: str, options: PiiOptions) -> list[Zone]:
    """Those of them in which numbers in usual writing can stand."""
    return _with_scans(list(_in_figures(text, 0, len(text))), text, options)


def _in_figures(text: str, start: int, end: int) -> Iterator[Zone]:
    return (match.span() for match in _DENSE.finditer(text, start, end) if not _is_dull(match[0]))


def _with_scans(zones: list[Zone], text: str, options: PiiOptions) -> list[Zone]:
    for scan in _scans(options):
        zones += [match.span() for match in scan.finditer(text)]
    return zones if len(zones) < 2 else list(merge(zones, gap=0))


def merge(zones: list[Zone], gap: int) -> Iterator[Zone]:
    """The zones in order, those less than `gap` characters apart (or overlapping) as one."""
    zones = sorted(zones)
    start, end = zones[0]
    for next_start, next_end in zones[1:]:
        if next_start - end < gap or next_start < end:
            end = max(end, next_end)
        else:
            yield start, end
            start, end = next_start, next_end
    yield start, end


def _is_dull(zone: str) -> bool:
    if len(zone) < 30 and _FEW.fullmatch(zone):
        return not _SHORT.fullmatch(zone)
    return _DATE.fullmatch(zone) is not None


def _scans(options: PiiOptions) -> Iterator[re.Pattern[str]]:
    if options.email:
        yield EMAIL_SCAN
    if options.ip:
        yield IP_SCAN
    if options.passport:
        yield PASSPORT_SCAN
