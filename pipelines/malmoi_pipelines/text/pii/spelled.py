"""Mobile numbers with digits spelled as words (공일공-일이삼사-오육칠팔) or O for 0: optional, seen in chats only."""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii.spans import Span

_DIGIT = "[0-9Oo공영일이삼사오육륙칠팔구]"
_GAP = "(?: ?[-.] ?| )?"
_FOUR = f"(?:{_DIGIT}{_GAP}){{3}}{_DIGIT}"
# Hangul may touch it on either side (번호는공일공..., ...오육칠팔로), as everywhere: 010 ends after eight digits more.
_NUMBER = re.compile(
    rf"(?<![0-9A-Za-z])[0Oo공영]{_GAP}[1일]{_GAP}(?:[0Oo공영]{_GAP}{_FOUR}|[16789일육륙칠팔구]{_GAP}(?:{_DIGIT}{_GAP}){{3,4}})"
    rf"{_GAP}{_FOUR}(?![0-9A-Za-z])"
)
_SPELLED = re.compile("[Oo]|[공영일이삼사오육륙칠팔구][^공영일이삼사오육륙칠팔구]*[공영일이삼사오육륙칠팔구]")
SPELLED_SCAN = re.compile(
    "[0０OoＯｏ공영](?: ?[-.－．] ?| )?[1１일](?:(?: ?[-.－．] ?| )?[0-9０-９OoＯｏ공영일이삼사오육륙칠팔구]){8,9}"
)


def find_spelled(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Candidates in the zone [start, end) of a shadow; numbers all in digits are left to the other rules.

    One syllable alone is none: 공 is how law reports are cited, and the end of many a word (내공).
    """
    for match in _NUMBER.finditer(shadow, start, end):
        if _SPELLED.search(match[0]):
            yield Span(match.start(), match.end(), "tell", "phone_spelled")
