"""Fictitious personal numbers in the forms that people write: resident registration, account, telephone.

A form gives the number and a sentence around it, `@` marking the place. A label stands in the sentence wherever the
number alone could be something else, so that a careful masker must find every one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from malmoi_pipelines.sample.check_digits import corporate_check, reads_as_rrn, rrn_check
from malmoi_pipelines.sample.draws import Dice

_FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")
MALE_FEMALE, AFTER_2020, FOREIGN = "1234", "34", "5678"


@dataclass(frozen=True)
class Form:
    """One way of writing a number."""

    name: str
    number: Callable[[Dice], str]
    sentences: tuple[str, ...]

    def write(self, dice: Dice) -> tuple[str, str]:
        """The planted string and the sentence that holds it."""
        text = self.number(dice)
        return text, dice.choice(self.sentences).replace("@", text)


def _rrn(dice: Dice, codes: str = MALE_FEMALE) -> str:
    """13 digits: a real birth date, a code of century and sex, and the check digit that numbers before 2020 have."""
    code = dice.choice(codes)
    year = dice.between(0, 19) if code in "3478" else dice.between(40, 99)
    first = f"{year:02}{dice.between(1, 12):02}{dice.between(1, 28):02}{code}" + dice.digits("#####")
    return first + rrn_check(first)


def _rrn_without_check(dice: Dice, codes: str) -> str:
    """13 digits whose last one fits neither the old check nor that of a corporate number."""
    first = _rrn(dice, codes)[:12]
    taken = {rrn_check(first), corporate_check(first)}
    return first + dice.choice([digit for digit in "0123456789" if digit not in taken])


def _split(separator: str) -> Callable[[Dice], str]:
    def number(dice: Dice) -> str:
        digits = _rrn(dice)
        return digits[:6] + separator + digits[6:]

    return number


def _hyphen_without_check(codes: str) -> Callable[[Dice], str]:
    def number(dice: Dice) -> str:
        digits = _rrn_without_check(dice, codes)
        return digits[:6] + "-" + digits[6:]

    return number


def _masked(separator: str, kept: int, star: str) -> Callable[[Dice], str]:
    def number(dice: Dice) -> str:
        digits = _rrn(dice)
        return digits[:6] + separator + digits[6 : 6 + kept] + star * (7 - kept)

    return number


def _long_year(dice: Dice) -> str:
    digits = _rrn(dice, "12")
    return f"19{digits[:6]}-{digits[6:]}"


_RRN_LABEL = (
    "주민등록번호는 @입니다.",
    "주민번호 @이고 본인 확인을 마쳤습니다.",
    "성명과 주민등록번호(@)를 적어 주세요.",
    "주민등록번호: @",
)
_RRN_BARE = ("서류에는 @이라고 적혀 있다.", "신청인 본인 @ 확인함.", *_RRN_LABEL)
_FOREIGN_LABEL = ("외국인등록번호는 @입니다.", "외국인등록번호: @")

RRN_FORMS = (
    Form("hyphen", _split("-"), _RRN_BARE),
    Form("hyphen_no_check", _hyphen_without_check(AFTER_2020), _RRN_LABEL),
    Form("foreign", _hyphen_without_check(FOREIGN), _FOREIGN_LABEL),
    Form("full_width", lambda dice: _split("-")(dice).translate(_FULL_WIDTH), _RRN_LABEL),
    Form("spaced_hyphen", _split(" - "), _RRN_LABEL),
    Form("space", _split(" "), _RRN_LABEL),
    Form("en_dash", _split("–"), _RRN_LABEL),
    Form("minus_sign", _split("−"), _RRN_LABEL),
    Form("middle_dot", _split("·"), _RRN_LABEL),
    Form("bare", _rrn, _RRN_LABEL),
    Form("long_year", _long_year, _RRN_LABEL),
    Form("masked_stars", _masked("-", 1, "*"), _RRN_LABEL),
    Form("masked_circles", _masked("-", 1, "●"), _RRN_LABEL),
    Form("masked_all", _masked(" ", 0, "*"), _RRN_LABEL),
    Form(
        "masked_cut",
        lambda dice: _split("-")(dice)[:8],
        ("주민등록번호는 @ 까지만 적습니다.", "주민번호 앞자리 @ 확인."),
    ),
)


def _pattern(*patterns: str) -> Callable[[Dice], str]:
    return lambda dice: dice.digits(dice.choice(patterns))


_TELL_BARE = (
    "자세한 내용은 @으로 물어보세요.",
    "☎ @",
    "문의 @ 언제든지.",
    "@로 문자 주세요.",
    "@, 늦은 밤은 피해 주세요.",
)
_TELL_LABEL = ("전화번호는 @입니다.", "연락처: @", "연락처 @이고 낮에만 받습니다.", "휴대폰 @으로 연락 바랍니다.")
_TELL = _TELL_BARE + _TELL_LABEL

TELL_FORMS = (
    Form("mobile_hyphen", _pattern("010-?###-####"), _TELL),
    Form("mobile_dot", _pattern("010.?###.####"), _TELL),
    Form("mobile_space", _pattern("010 ?### ####"), _TELL),
    Form("mobile_bare", _pattern("010?#######"), _TELL),
    Form("mobile_en_dash", _pattern("010–?###–####"), _TELL),
    Form("mobile_full_width", lambda dice: dice.digits("010-?###-####").translate(_FULL_WIDTH), _TELL),
    Form("mobile_old", _pattern("011-?##-####", "016-?##-####", "019-?###-####"), _TELL),
    Form("international", _pattern("+82-10-?###-####", "+82 10-?###-####"), _TELL),
    Form("international_zero", _pattern("+82 (0)10-?###-####"), _TELL),
    Form("area_paren", _pattern("02)?##-####", "031)?##-####", "051)?##-####"), _TELL),
    Form("area_parens", _pattern("(02) ?###-####", "(032) ?##-####"), _TELL),
    Form("area_hyphen", _pattern("02-?###-####", "031-?##-####", "053-?##-####", "064-?##-####"), _TELL),
    Form("range_tail", _pattern("031-?##-###2", "02-?###-###4"), ("전화 @~8 로 문의하세요.", "대표 전화: @~9")),
    Form("voip", _pattern("070-?###-####"), _TELL),
    Form("safe_number", _pattern("0507-1###-####", "0504-?###-####"), _TELL),
)

_ACC_AFTER = (
    "계좌번호는 @입니다.",
    "입금 계좌 @ 로 보내 주세요.",
    "계좌 @이고 예금주는 본인입니다.",
    "송금하실 계좌: @",
)


def _bank(name: str, *patterns: str) -> Form:
    sentences = (
        f"{name} @ 으로 입금해 주세요.",
        f"입금 계좌는 {name} @입니다.",
        f"계좌번호: {name} @ (예금주 본인)",
    )
    return Form(name, _pattern(*patterns), sentences)


ACC_FORMS = (
    _bank("국민은행", "!#####-04-######", "!##-21-####-###"),
    _bank("신한", "110-###-######"),
    _bank("우리은행", "1002-###-######", "1005-###-######"),
    _bank("하나은행", "!##-######-##207"),
    _bank("농협", "302-####-####-#1", "352-####-####-#3"),
    _bank("기업은행", "!##-######-01-0##"),
    _bank("카카오뱅크", "3333-##-#######"),
    _bank("토스뱅크", "1000-####-####"),
    _bank("케이뱅크", "100-1##-######"),
    _bank("새마을금고", "9002-####-####-#"),
    _bank("우체국", "!#####-02-######"),
    _bank("수협", "101-##-######"),
    Form("dots", _pattern("110.###.######"), _ACC_AFTER),
    Form("spaces", _pattern("1002 ### ######"), _ACC_AFTER),
    Form("bare", _pattern("110#########", "3333#########"), _ACC_AFTER),
    Form("bank_after", _pattern("110-###-######"), ("@ (신한) 으로 송금했습니다.", "@(신한은행)으로 이체하세요.")),
)

PII_FORMS = {"rrn": RRN_FORMS, "acc": ACC_FORMS, "tell": TELL_FORMS}


def personal_number(dice: Dice) -> tuple[str, str, str, str]:
    """Kind, name of the form, planted string and the sentence that holds it."""
    kind = dice.choice(tuple(PII_FORMS))
    form = dice.choice(PII_FORMS[kind])
    text, sentence = form.write(dice)
    return kind, form.name, text, sentence


def not_an_rrn(number: Callable[[Dice], str]) -> Callable[[Dice], str]:
    """Draw again while a look-alike happens to be a valid resident registration number."""

    def redrawn(dice: Dice) -> str:
        while reads_as_rrn("".join(filter(str.isdigit, text := number(dice)))[-13:].rjust(13, "0")):
            pass
        return text

    return redrawn
