"""Phone and registration numbers in unusual writing: other marks, other groups, spelled, spaced out, over a line end.

The more unusual the writing, the more must speak for the number: a prefix, a date, a label, a check digit. What other
rules find in usual writing is found here too; then their names win.
"""

import re
from collections.abc import Callable, Container, Iterator

from malmoi_pipelines.text.pii import checks, context
from malmoi_pipelines.text.pii.rules import PiiKind
from malmoi_pipelines.text.pii.spans import Span
from malmoi_pipelines.text.pii.written import ANY, GAP, NAMES, NEXT, SPOKEN, VALUES, Written, mark, read

_RRN_DIGITS = 13
_DIGIT = f"{GAP}[{ANY}]"


def _of(digits: str) -> str:
    """A gap and one of some digits."""
    return f"{GAP}[{''.join(VALUES[int(digit)] for digit in digits)}]"


_PREFIX = "|".join(
    (
        _of("1") + _of("01256789"),
        _of("2") + _DIGIT,
        _of("36") + _of("0123456789"),
        _of("45") + _of("012345678"),
        _of("78") + _of("0"),
    )
)
_FIRST = rf"(?<![0-9A-Za-z].)(?<![{NAMES}][{NAMES}]){NEXT}"
# The first digit alone is consumed, so that a number may begin inside of what looked like another.
_PHONE = re.compile(
    rf"(?:[{VALUES[0]}]{_FIRST}|(?:\+ ?|(?<![0-9A-Za-z])00)8(?={GAP}2))"
    rf"(?=(?P<rest>(?:{_PREFIX}|{_of('2')}(?:{_of('0')})?+{_of('1')})(?:{_DIGIT}){{6,10}}+))"
)
_RRN = re.compile(
    rf"[{ANY}]{_FIRST}(?=(?P<rest>{_DIGIT}{_of('01')}{_DIGIT}{_of('0123')}{_DIGIT}{_of('12345678')}"
    rf"(?:{_DIGIT}){{6}}+))"
)
_NATIONAL = re.compile(
    r"(?P<mobile>010(?=[0-9]{8}\Z)|01[16-9])[0-9]{7,8}|(?P<other>070(?=[0-9]{8}\Z)|050[2-8]|080|030[0-9]|060|01[25])[0-9]{7,8}"
    "|(?P<area>02|03[1-3]|04[1-4]|05[1-5]|06[1-4])[1-9][0-9]{6,7}"
)
_COUNTRY = re.compile("(?:00)?820?")  # +82 (0)10 is 010
_LENGTHS = (12, 11, 10, 9)

_LEFT = re.compile(r"(?:[0-9A-Za-z]|[A-Za-z][-_/+]|[0-9][-_./:=+]|[0-9] [-_/=+] )\Z")
_SPACED = re.compile(rf"[{ANY}]([^\w\n])[{ANY}]\1")
_AMONG_SINGLE = re.compile(rf"(?<![{ANY}])[{ANY}]([^\w\n])[{ANY}]\1\Z")
_BELOW_SINGLE = re.compile(rf"[{ANY}]([^\w\n])[{ANY}]\n[{ANY}]\1\Z")
_RIGHT = re.compile(rf"{GAP}(?P<digit>[0-9])|(?P<touching>[0-9A-Za-z])|[-_./:=][0-9A-Za-z]{{2}}| ?원")
_CLEAR = frozenset("-_~/|=:") | {"--", "__", SPOKEN}
"""Marks that join groups; a comma, a dot or a space as often parts two numbers."""
_HYPHENS = frozenset(("-", "_", "~", "--", "__", SPOKEN))
_BIRTHS = ({6}, {2, 4, 6}, set(range(1, 13)), set(range(6, 13)), set(range(1, 7)))
_GROUPS = 3  # of a phone number; with the code of the country one more
_LAST = 4  # digits of the last group
_FEW_DIGITS = 3  # different ones, as in a row of bits
_LIKELY_YEARS = range(1930, 2010)


Found = tuple[int, PiiKind, str]
"""How many digits from the start on are a number, of which kind, and by which rule."""
Judge = Callable[[str, int, int, Written], Found | None]


def find_unusual(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Where numbers in unusual writing may stand, in a raw text or in a shadow: [start, end) in characters."""
    for pattern in (_PHONE, _RRN):
        for match in pattern.finditer(text, start, len(text) if end is None else end):
            yield match.start(), match.end("rest")


def find_loose(shadow: str, start: int, end: int, spelled: bool, usual: Container[int]) -> Iterator[Span]:
    """Candidates that begin in the zone [start, end) of a shadow.

    Args:
        shadow: the text in its plain form.
        start: first character of the zone.
        end: end of the zone, exclusive.
        spelled: also numbers of which digits are named, or letters look like them.
        usual: where phone numbers in usual writing begin; they are left as they are.
    """
    for match in _PHONE.finditer(shadow, start, end):
        if match.start() not in usual and (span := _judged(shadow, match, _phone, spelled)):
            yield span
    for match in _RRN.finditer(shadow, start, end):
        if span := _judged(shadow, match, _registration, spelled):
            yield span


def _judged(shadow: str, match: re.Match[str], judge: Judge, spelled: bool) -> Span | None:
    begin, end = match.start(), match.end("rest")
    if _LEFT.search(shadow, max(0, begin - 4), begin) or _AMONG_SINGLE.search(shadow, max(0, begin - 5), begin + 2):
        return None
    number = read(shadow[begin:end].lstrip("+ "))
    if _is_row(number) and _BELOW_SINGLE.search(shadow, max(0, begin - 4), begin + 2):
        return None
    shift = end - number.ends[-1]
    if not (spelled or number.is_plain()) or not (found := judge(shadow, begin, shift, number)):
        return None
    count, kind, rule = found
    end = shift + number.ends[count - 1]
    opening = shadow[begin - 1 : begin] == "(" and ")" in shadow[begin:end]
    return Span(
        begin - opening, end, kind, rule if number.first(count).is_plain() else rule.replace("loose", "spelled")
    )


def _phone(shadow: str, begin: int, shift: int, number: Written) -> Found | None:
    """How many digits from the start on are a phone number, and by which rule."""
    before = context.before(shadow, begin)
    if context.NOT_PHONE_NUMBER.search(before) or context.is_of_a_thing(before):
        return None
    trunk = 0  # how many digits stand for the first zero
    if country := _COUNTRY.match(number.digits) if shadow[begin] == "+" or number.digits.startswith("00") else None:
        trunk = country.end()
    counts = [length - 1 + trunk if trunk else length for length in _LENGTHS]
    # The longest, but none that takes the first digit of the next line along.
    for count in sorted(counts, key=lambda count: number.first(count).breaks()):
        if count > len(number.digits):
            continue
        part = _without_country(number.first(count), trunk) if trunk else number.first(count)
        match = _NATIONAL.fullmatch(part.digits)
        if not match or part.breaks() > 1 or "\n" in part.gaps[-1]:  # a list, or one digit of the next line's
            continue
        if _goes_on(shadow, shift + number.ends[count - 1], part):
            continue
        prefix = str(match.lastgroup)
        if trunk or _is_phone(part, prefix, len(match[prefix]), before):
            return count, "tell", "phone_loose"
    return None


def _without_country(number: Written, trunk: int) -> Written:
    return Written(
        "0" + number.digits[trunk:], "0" + number.chars[trunk:], ("", *number.gaps[trunk:]), number.ends[trunk - 1 :]
    )


def _is_phone(number: Written, kind: str, prefix: int, before: str) -> bool:
    """Whether digits that could be a phone number are written as one, or beside a word that says so."""
    marks, shape = number.marks() - {")"}, _shape(number.groups(), prefix)
    has_brackets = ")" in "".join(number.gaps[prefix + 1 :])
    is_judged = shape in ("whole", "bare") and number.is_usual("-. )") and not has_brackets  # as usual writing
    if is_judged or (shape != "whole" and has_brackets):
        return False
    label = context.distance(context.PHONE_LABEL, before)
    if label < context.FAR and label <= context.rival_distance(context.NOT_PHONE_LABEL, before):
        return bool(shape) or len(marks) <= 1
    if shape != "whole" and len(marks - {" "} or marks) > 1 and number.names() <= 1:
        return False
    return _is_mobile(number, shape, prefix, before) if kind == "mobile" else _is_other(number, shape, prefix)


def _is_mobile(number: Written, shape: str, prefix: int, before: str) -> bool:
    if not number.is_plain():
        return _is_spelled_mobile(number, shape)
    marks, groups = number.marks(), number.groups()
    if shape == "even":
        return _is_spaced_out(number, prefix) and len(set(number.digits)) > _FEW_DIGITS
    if shape:
        return shape == "whole"
    if not number.digits.startswith("010") or context.ANY_BANK.search(before):
        return False
    if _edges(number, "") >= {prefix, len(number.digits) - _LAST}:
        return marks <= _CLEAR | {" ", "."}
    return (groups[0] == prefix and marks <= _CLEAR | {" "}) or (groups[-1] == _LAST and marks <= _CLEAR)


def _is_spelled_mobile(number: Written, shape: str) -> bool:
    if not shape:
        return number.names() > 1 and number.digits.startswith("010")
    return shape != "bare" or number.names() != 1  # 공 before figures ends many a word


def _is_other(number: Written, shape: str, prefix: int) -> bool:
    """The same of land lines and services, whose prefixes are shorter."""
    if number.digits[prefix] < "2":
        return False
    if shape == "even":
        return _edges(number, " ") == {prefix, len(number.digits) - _LAST} and _is_spaced_out(number, prefix)
    if shape != "whole" or len(number.groups()) != _GROUPS:
        return False
    first, second = number.gaps[prefix].strip("\n"), number.gaps[-_LAST].strip("\n")
    if number.names() * 2 > len(number.digits):
        return True
    is_alike = first in (second, ")", "/", ")" + second)  # 02/345-6789
    return is_alike and (not number.is_plain() or second in _CLEAR | {","})


def _is_spaced_out(number: Written, prefix: int) -> bool:
    """Whether single digits have one mark between all of them, or another where the groups end."""
    marks = number.marks()
    is_list = any(mark.startswith(",") for mark in marks)
    return not is_list and (len(marks) == 1 or _edges(number, " ") <= {prefix, len(number.digits) - _LAST})


def _edges(number: Written, without: str) -> set[int]:
    """Before which digits something stands, a line end apart, and a mark that is left out."""
    return {i for i, gap in enumerate(number.gaps) if gap.strip("\n") not in ("", without)}


def _shape(groups: tuple[int, ...], prefix: int) -> str:
    """How the digits are grouped: as a phone number, evenly, not at all; "" if in any other way."""
    total = sum(groups)
    if groups == (total,):
        return "bare"
    if groups in ((prefix, total - prefix - 4, 4), (prefix, total - prefix), (total - 4, 4)):
        return "whole"
    edges = {sum(groups[: i + 1]) for i in range(len(groups))}
    rest = groups[1:] if groups[0] == prefix else groups
    if set(rest) == {1} or (groups[0] == prefix and set(rest) == {2}):
        return "even"
    singles = set(range(1, prefix)) | set(range(prefix + 1, total - 4)) | set(range(total - 3, total))
    return "even" if singles <= edges else ""


def _registration(shadow: str, begin: int, shift: int, number: Written) -> Found | None:
    """The same for a resident registration number."""
    number = number.first(_RRN_DIGITS)
    digits = number.digits
    if number.breaks() > 1 or digits[6] in "09" or checks.birth_date(digits[:6], digits[6]) is None:
        return None
    if _goes_on(shadow, shift + number.ends[-1], number):
        return None
    before = context.before(shadow, begin)
    if context.is_of_a_thing(before) or not _is_registration(number, before):
        return None
    return _RRN_DIGITS, "rrn", "rrn_loose"


def _is_registration(number: Written, before: str) -> bool:
    digits = number.digits
    if number.groups() in ((6, 7), (13,)) and number.is_usual("-. "):
        return False  # judged by the rules of usual writing
    label = context.distance(context.RRN_LABEL, before)
    other = context.rival_distance(context.NOT_RRN_LABEL, before)
    if label < context.FAR and label <= other:
        return True
    edges = _edges(number, "")
    is_parted = any(edges - {7} == births - {7} for births in _BIRTHS)
    is_person = checks.rrn_checks(digits) or not checks.corporate_checks(digits)
    middle = number.gaps[6].strip("\n").removeprefix(")")
    is_parted = is_parted and (len(number.marks()) == 1 or _edges(number, " ") <= {2, 4, 6, 7})
    if is_parted and is_person and (middle in _HYPHENS or (not number.is_plain() and number.groups() == (6, 7))):
        return True
    if (
        is_parted and is_person and middle in _CLEAR | {","}
    ):  # a ledger has as well a day, a mark and an amount, but of late
        birth = checks.birth_date(digits[:6], digits[6])
        is_checked = middle in (":", "=") and checks.rrn_checks(digits)
        return birth is not None and (birth.year in _LIKELY_YEARS or is_checked)
    is_alone = is_parted or not (edges or number.breaks())
    return checks.rrn_checks(digits) and is_alone and other == context.FAR and number.marks() <= {" ", "-"}


def _is_row(number: Written) -> bool:
    """Whether single digits stand in it as in a row of a table."""
    return len(number.groups()) > _GROUPS + 1 and len(number.marks()) == 1


def _goes_on(shadow: str, end: int, number: Written) -> bool:
    """Whether digits or letters behind a number belong to it, so that it would be cut short."""
    following = _RIGHT.match(shadow, end)
    if not following:
        return False
    if following["touching"] or not following["digit"]:
        return True
    gap = shadow[end : following.start("digit")]
    if _is_row(number) and _SPACED.match(shadow, following.start("digit")):
        return True
    if "\n" in gap or mark(gap) not in number.marks():
        return not gap
    return not gap.endswith(" ") or len(number.groups()) > _GROUPS + 1
