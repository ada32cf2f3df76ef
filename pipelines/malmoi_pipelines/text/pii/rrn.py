"""Resident registration numbers (주민등록번호), with those of foreigners and of overseas Koreans.

Thirteen digits, YYMMDD-GNNNNNN (Residents Registration Act, enforcement rule art. 2). The date must exist; the check
digit is evidence at most, since numbers given from October 2020 on have none.
"""

import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii import checks, context
from malmoi_pipelines.text.pii.shadow import AFTER, BEFORE, MASKED
from malmoi_pipelines.text.pii.spans import Span

LIST_CHARS = 60  # three numbers; zones that cannot see each other are further apart

_SEPARATOR = "(?P<separator> {0,2}[-_~] {0,2}| ?[./] ?| {1,3}|)"
_FULL = re.compile(rf"{BEFORE}(?P<century>19|20)?(?P<birth>[0-9]{{6}}){_SEPARATOR}(?P<serial>[1-8][0-9]{{6}}){AFTER}")
_DOTTED = re.compile(
    rf"{BEFORE}(?P<century>19|20)?(?P<year>[0-9]{{2}})\. ?(?P<month>[0-9]{{1,2}})\. ?(?P<day>[0-9]{{1,2}})\.? ?- ?"
    rf"(?P<serial>[1-8][0-9]{{6}}){AFTER}"
)
_HIDDEN = re.compile(
    rf"{BEFORE}(?P<century>19|20)?(?P<birth>[0-9]{{6}}){_SEPARATOR}"
    rf"(?P<serial>[1-8{MASKED}][0-9{MASKED}]{{3}}[{MASKED}]{{2,4}}){AFTER}"
)
_SHORT = re.compile(rf"{BEFORE}(?P<birth>[0-9]{{6}}) ?- ?(?P<serial>[1-8])(?![0-9{MASKED}]){AFTER}")


def find_rrn(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Candidates that begin in the zone [start, end) of a shadow."""
    for match in _FULL.finditer(shadow, start, end):
        if rule := _full_rule(match, context.before(shadow, match.start())):
            yield Span(match.start(), match.end(), "rrn", rule)
    for match in _DOTTED.finditer(shadow, start, end):
        birth = f"{match['year']}{match['month']:0>2}{match['day']:0>2}"
        if _is_birth(match["century"], birth, match["serial"][0]):
            yield Span(match.start(), match.end(), "rrn", "rrn_dotted_date")
    for match in _HIDDEN.finditer(shadow, start, end):
        if _is_hidden(match, context.before(shadow, match.start())) and not _in_corporate_list(shadow, match.start()):
            yield Span(match.start(), match.end(), "rrn", "rrn_hidden")
    for match in _SHORT.finditer(shadow, start, end):
        if _is_birth(None, match["birth"], match["serial"]) and _labelled(context.before(shadow, match.start())):
            yield Span(match.start(), match.end(), "rrn", "rrn_birth_and_sex")


def _full_rule(match: re.Match[str], before: str) -> str | None:
    """The rule by which thirteen digits are a resident registration number, or None."""
    if not _is_birth(match["century"], match["birth"], match["serial"][0]):
        return None
    if "-" in match["separator"] and not match["century"]:
        return _hyphen_rule(match["birth"] + match["serial"], before)
    label = context.distance(context.RRN_LABEL, before)
    other = context.rival_distance(context.NOT_RRN_LABEL, before)
    if label < context.FAR and label <= other:
        return "rrn_label"
    # Thirteen digits in a row, or a whole date before: barcodes, document and order numbers look alike.
    digits = match["birth"] + match["serial"]
    is_barcode = digits.startswith("880") and checks.ean_checks(digits)
    is_vetoed = other < context.FAR or match["separator"].strip(" -") or len(match["separator"]) > 1 or is_barcode
    return "rrn_checksum" if checks.rrn_checks(digits) and not is_vetoed else None


def _hyphen_rule(digits: str, before: str) -> str | None:
    """The same of six digits, a hyphen and seven: a word near them is no veto, the label right before them is."""
    if context.is_of_a_thing(before):
        return None
    if context.distance(context.RRN_LABEL, before) < context.FAR:
        return "rrn_label"
    is_corporate = checks.corporate_checks(digits) and not checks.rrn_checks(digits)
    return None if is_corporate else "rrn_hyphen"


def _is_birth(century: str | None, birth: str, century_digit: str) -> bool:
    """Whether the date exists, in the century that is written out if one is."""
    date = checks.birth_date(birth, century_digit)
    return date is not None and century in (None, str(date.year // 100))


def _is_hidden(match: re.Match[str], before: str) -> bool:
    """Whether a number masked at its source is one; what is left of it still gives birth date and sex."""
    if sum(char.isdigit() for char in match["serial"]) > 4:
        return False
    if _labelled(before):
        return True
    if context.is_of_a_thing(before):
        return False
    sexes = match["serial"][0] if match["serial"][0].isdigit() else "13"
    return any(_is_birth(match["century"], match["birth"], sex) for sex in sexes)


def _in_corporate_list(shadow: str, start: int) -> bool:
    """Whether the label of a list of corporate numbers stands in front, numbers of the list between."""
    line = shadow[max(0, start - LIST_CHARS) : start].rpartition("\n")[2]
    return context.distance(context.CORPORATE_LABEL, line) < context.distance(context.RRN_LABEL, line)


def _labelled(before: str) -> bool:
    label = context.distance(context.RRN_LABEL, before)
    return label < context.FAR and label <= context.rival_distance(context.NOT_RRN_LABEL, before)
