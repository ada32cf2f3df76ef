"""Phone numbers by their prefix.

Prefixes: rules on the management of telecommunication numbers (전기통신번호관리세칙, Ministry of Science and ICT notice
2021-93); representative numbers: the list of libphonenumber. Special numbers (112, 119, 1339 and their like) are public
services and never personal data.
"""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii import context
from malmoi_pipelines.text.pii.shadow import AFTER, BEFORE
from malmoi_pipelines.text.pii.spans import Span

_AREA = "2|3[1-3]|4[1-4]|5[1-5]|6[1-4]"
_JOIN = "(?: ?[-.]{1,2} ?|  ?)?"  # between groups, or nothing; notices have 055-922--4823
_GAP = r"(?: ?\) ?(?:[-.] ?)?| ?[-.]{1,2} ?|  ?)?"  # after the prefix, where a bracket may close
# A slash stands between two numbers of a list (031-.../010-...); only a path has a letter before it.
_LABELS = "(?<=[Tt][Ee][Ll])|(?<=[Ff][Aa][Xx])|(?<=(?<![A-Za-z])[Hh][Pp])"  # which may touch the number
_LEFT = rf"(?:(?<![0-9A-Za-z])|{_LABELS})(?<![0-9A-Za-z][-_])(?<![0-9]\.)(?<![A-Za-z]/)"
# A hyphen and one or two digits may follow: 02-345-6788-9 are two lines, where the word for phone stands in front.
_RIGHT = r"(?![0-9A-Za-z])(?!_[0-9A-Za-z])(?!-[A-Za-z]|-[0-9]{3}|-[0-9]{1,2}(?:[A-Za-z\-_/]|\.[0-9]))(?!\.[0-9])"

_NATIONAL = (
    ("phone_mobile", "10", "[0-9]{4}"),
    ("phone_mobile_old", "1[16789]", "[0-9]{3,4}"),
    ("phone_internet", "70", "[0-9]{4}"),
    ("phone_personal", "50(?:[2-8]|-[2-8])", "[0-9]{3,4}"),
    ("phone_free", "80", "[0-9]{3,4}"),
    ("phone_service", "(?:30[0-9]|60)", "[0-9]{3,4}"),
    ("phone_pager", "1[25]", "[0-9]{3,4}"),
    ("phone_area", f"(?:{_AREA})", "[1-9][0-9]{2,3}"),
)


def _alternatives(prefix: str) -> str:
    """One named alternative for each kind of national number, the trunk zero replaced by `prefix`."""
    return "|".join(
        rf"(?P<{name}>{prefix}{code}{_GAP}{exchange}{_JOIN}[0-9]{{4}})" for name, code, exchange in _NATIONAL
    )


_DOMESTIC = re.compile(rf"{_LEFT}\(?(?:{_alternatives('0')}){_RIGHT}")
_COUNTRY = rf"(?:\( ?)?(?P<plus>\+ ?|00)?82{_GAP}(?:\(0\) ?)?0?"
_INTERNATIONAL = re.compile(rf"{_LEFT}(?:{_COUNTRY})\(?(?:{_alternatives('')}){_RIGHT}")
# Without a plus, 82 is a country code only where it stands apart and more groups follow: 82.5 and 820 are numbers.
_GROUPED_82 = re.compile(r"\(?82[-. )]+[0-9()]+[-. )]+[0-9]")
# Area codes of four digits, in use until July 2000; only beside a label.
_OBSOLETE = re.compile(rf"{_LEFT}\(?0[3-6][0-9]{{2}}{_GAP}[1-9][0-9]{{1,3}}[-.][0-9]{{4}}{_RIGHT}")
_REPRESENTATIVE = re.compile(
    rf"{BEFORE}(?:15(?:22|33|44|66|77|88|99)|16(?:00|44|60|61|66|68|70|88)|18(?:00|33|55|77|99)|14[0-9]0)"
    rf"(?: ?[-.] ?| )(?P<last>[0-9]{{4}}){AFTER}"
)
# Without an area code it is a phone number behind the word for one only.
_LOCAL = re.compile(rf"{BEFORE}(?P<exchange>[2-9][0-9]{{2,3}}) ?- ?(?P<last>[0-9]{{4}}){AFTER}")
_RANGE = re.compile("-[0-9]")
_YEAR = re.compile("1[4-9][0-9]{2}|20[0-9]{2}")


def find_phones(shadow: str, start: int, end: int, representative: bool) -> Iterator[Span]:
    """Candidates in the zone [start, end) of a shadow.

    Args:
        shadow: the text in its plain form.
        start: first character of the zone.
        end: end of the zone, exclusive.
        representative: also 14xx, 15xx, 16xx and 18xx numbers, which belong to firms.
    """
    for match in _INTERNATIONAL.finditer(shadow, start, end):
        if _RANGE.match(shadow, match.end()) and not _has_label(shadow, match):
            continue
        if match["plus"] or _GROUPED_82.match(match[0]):
            yield _span(match, "phone_international")
    for match in _DOMESTIC.finditer(shadow, start, end):
        rule = str(match.lastgroup)
        if _RANGE.match(shadow, match.end()) and not _has_label(shadow, match):
            continue
        if not match[0].isdigit() or _bare_is_phone(rule, match[0], context.before(shadow, match.start())):
            yield _span(match, rule)
    yield from _labelled(shadow, start, end)
    if representative:
        for match in _REPRESENTATIVE.finditer(shadow, start, end):
            if not _YEAR.fullmatch(match["last"]):
                yield _span(match, "phone_representative")


def _labelled(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Numbers that are phone numbers beside a word for it only."""
    for match in _OBSOLETE.finditer(shadow, start, end):
        if _has_label(shadow, match):
            yield _span(match, "phone_area_obsolete")
    for match in _LOCAL.finditer(shadow, start, end):
        years = _YEAR.fullmatch(match["exchange"]) and _YEAR.fullmatch(match["last"])
        if not years and context.PHONE_WORD.search(context.before(shadow, match.start())):
            yield _span(match, "phone_local")


def _has_label(shadow: str, match: re.Match[str]) -> bool:
    return context.distance(context.PHONE_LABEL, context.before(shadow, match.start())) < context.FAR


def _span(match: re.Match[str], rule: str) -> Span:
    """The span of a match, without an opening bracket whose partner is outside."""
    start = match.start() + (match[0][0] == "(" and ")" not in match[0])
    return Span(start, match.end(), "tell", rule)


def _bare_is_phone(rule: str, digits: str, before: str) -> bool:
    """Whether digits without any separator are a phone number."""
    label = context.distance(context.PHONE_LABEL, before)
    other = context.rival_distance(context.NOT_PHONE_LABEL, before)
    if label < context.FAR and label <= other:
        return True
    is_of_a_thing = context.NOT_PHONE_NUMBER.search(before) is not None
    if rule == "phone_mobile" or (len(digits) > 9 and context.SOME_NUMBER.search(before)):
        return not is_of_a_thing  # right before the digits: a word near so strong a form is no veto
    if other < context.FAR or before.endswith(","):  # 1,0212345678: a number in a list, or a price
        return False
    # Exchanges begin with 2 to 9; 010 is left out, since 010-1234-5678 stands for any number in examples.
    if rule == "phone_area":
        return len(digits) > 9 and digits[2 if digits.startswith("02") else 3] >= "2"
    return rule == "phone_internet" and digits[3] >= "2"
