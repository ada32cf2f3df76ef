"""Bank accounts: context decides, form only proposes.

Banks of the Korean clearing system (KFTC, participants' account number systems) use 10 to 14 digits; where the hyphens
stand in print is custom and no number has a public check digit. So every grouping of 2 to 5 groups is a candidate, and
the nearest label says what it is.
"""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii import checks, context
from malmoi_pipelines.text.pii.shadow import AFTER, BEFORE
from malmoi_pipelines.text.pii.spans import Span

DIGITS = range(10, 15)  # of banks
LABELLED_DIGITS = range(8, 17)  # securities firms have from 8, banks abroad up to 16
MAX_GROUPS = 5
_TOUCHING = 4  # characters between a label and its number

_GROUPED = re.compile(
    rf"{BEFORE}[0-9]{{1,8}}(?P<separator> ?- ?|\.)[0-9]{{1,8}}(?:(?P=separator)[0-9]{{1,8}}){{0,3}}{AFTER}"
)
_BARE = re.compile(rf"{BEFORE}[0-9]{{8,16}}{AFTER}")
_SPACED = re.compile(rf"{BEFORE}[0-9]{{1,8}}(?: [0-9]{{1,8}})+{AFTER}")
# A date, also in front of a number. Written without separators it has eight digits: 194527-04-609265 is no date.
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:( ?- ?|\.)[01]?[0-9]\1[0-3]?[0-9]|[01][0-9][0-3][0-9])(?![0-9])")
# How the customers of Korean banks group their numbers, from the account number systems above and from print.
_CUSTOMARY = re.compile(
    "626|3243|428|336|326|436|365|3442|3623|327|427|444|338|325|3532|1632|383|3261|363|13261|4441|5251|32261|442|328"
)
# A year, or a day: the first column of a ledger.
_BEGINS_A_ROW = re.compile(r"(?:19|20)[0-9]{2}(?:[01][0-9](?:[0-3][0-9])?)?")
# Of EAN-13: Korea, books, and the countries whose goods are sold here most.
_GOODS = ("880", "978", "979", "45", "49", "69")
_YEARS = re.compile(r"(?:(?:19|20)[0-9]{2}[\- ]*)+")
_TOUCHED = re.compile("[가-힣]$|[0-9],$")
_ADDRESS = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")


def find_accounts(shadow: str, start: int, end: int, strict: bool) -> Iterator[Span]:
    """Candidates in the zone [start, end) of a shadow.

    Args:
        shadow: the text in its plain form.
        start: first character of the zone.
        end: end of the zone, exclusive.
        strict: also accept hyphenated numbers of three groups or more that have no label at all.
    """
    window = shadow[max(0, start - context.BEFORE_CHARS) : end + context.AFTER_CHARS]
    if not strict and not context.ANY_BANK.search(window):
        return
    for match in _GROUPED.finditer(shadow, start, end):
        yield from _judge(shadow, match.span(), strict)
    for match in _BARE.finditer(shadow, start, end):
        yield from _judge(shadow, match.span(), strict=False)
    for match in _SPACED.finditer(shadow, start, end):
        if span := _account_in_chain(match):
            yield from _judge(shadow, span, strict=False)


def _account_in_chain(chain: re.Match[str]) -> tuple[int, int] | None:
    """The first stretch of space-separated groups that can be an account: a year or a count may stand beside it."""
    numbers = chain[0]
    groups = [found.span() for found in re.finditer("[0-9]+", numbers)]
    for first, (start, stop) in enumerate(groups):
        if _BEGINS_A_ROW.fullmatch(numbers[start:stop]):  # of a table: an amount follows
            continue
        for _, end in reversed(groups[first + 1 : first + MAX_GROUPS]):
            if sum(char != " " for char in numbers[start:end]) in DIGITS:
                return chain.start() + start, chain.start() + end
    return None


def _judge(shadow: str, span: tuple[int, int], strict: bool) -> Iterator[Span]:
    number = shadow[span[0] : span[1]]
    digits = re.sub("[^0-9]", "", number)
    before = context.before(shadow, span[0])
    if _is_time(number, digits):
        return
    if context.ACCOUNT_NOUN.search(before):
        rule = "account_label" if len(digits) in LABELLED_DIGITS else None
    elif len(digits) in DIGITS:
        rule = _rule(number, digits, before, context.after(shadow, span[1]))
        if strict and not rule and _is_typical(number, before) and not context.NOT_ACCOUNT_LABEL.search(before):
            rule = "account_strict"
    else:
        return
    if rule:
        yield Span(*span, "acc", rule)


def _rule(number: str, digits: str, before: str, after: str) -> str | None:
    """The rule by which a number of usual length is an account, or None."""
    if number.count(".") == 1 or _ADDRESS.fullmatch(number) or _is_business(number, digits):
        return None
    other = context.rival_distance(context.NOT_ACCOUNT_LABEL, before)
    if _bank_stands_by(number, before, after, other):
        return "account_bank"
    line = after.split("\n", maxsplit=1)[0]
    following = context.BANKING.search(line)
    nearest = min(context.distance(context.BANKING, before), following.start() if following else context.FAR)
    if nearest == context.FAR or _is_of_goods(digits) or not (number.isdigit() or _has_groups(number)):
        return None
    if context.PLAIN_NUMBER.search(before):  # 은행명: 국민, 번호: 110-...
        return "account_context"
    # A label of another number that does not touch one in a bank's groups is not its label: (예금주: 대표 전화상담).
    rival = context.FAR if other > _TOUCHING and _is_customary(number) else other
    return "account_context" if nearest < min(rival, context.FAR) else None


def _bank_stands_by(number: str, before: str, after: str, other: int) -> bool:
    """Whether the name of a bank touches the number; one without hyphens wants no other label."""
    in_brackets = context.BANK_IN_BRACKETS.match(after) is not None
    behind = context.BANK_BEHIND.match(after) is not None and other == context.FAR
    if number.isdigit():
        if other != context.FAR or _is_of_goods(number):
            return False
        in_brackets = in_brackets and context.NO_REGION_IN_BRACKETS.match(after) is not None
        return in_brackets or behind or context.BANK_BESIDE_BARE.search(before) is not None
    return in_brackets or (behind and _is_customary(number)) or context.BANK_BESIDE.search(before) is not None


def _is_of_goods(digits: str) -> bool:
    """Whether digits are a bar code: the names of shops and firms hold those of banks."""
    return len(digits) == 13 and digits.startswith(_GOODS) and checks.ean_checks(digits)


def _has_groups(number: str) -> bool:
    """Whether a number is grouped as accounts are, in three groups at least: versions, builds and services are not."""
    if "." in number:
        return _is_customary(number)
    return len(re.findall("[0-9]+", number)) > 2


def _is_customary(number: str) -> bool:
    return _CUSTOMARY.fullmatch("".join(str(len(group)) for group in re.findall("[0-9]+", number))) is not None


def _is_time(number: str, digits: str) -> bool:
    return _DATE.match(number) is not None or checks.is_timestamp(digits)


def _is_business(number: str, digits: str) -> bool:
    return [len(group) for group in number.split("-")] == [3, 2, 5] and checks.business_checks(digits)


def _is_typical(number: str, before: str) -> bool:
    """Whether a number without label is grouped as accounts are; case numbers touch a syllable, tables have commas."""
    if _TOUCHED.search(before) or _YEARS.fullmatch(number) or _is_business(number, re.sub("[^0-9]", "", number)):
        return False
    return _is_customary(number)
