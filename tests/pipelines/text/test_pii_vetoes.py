"""Which words near a number speak against it: the label of another number right before it, and no word beside it."""

import itertools

import pytest
from malmoi_pipelines.text.pii import PiiOptions, find_spans, mask

from tests.pipelines.text.pii_numbers import check_digit, corporate, rrn

# Everyday words that hold the name of a thing with numbers of its own, and what may follow each.
BESIDE = [
    "계약자",
    "계약을 맺은",
    "계약금을 받은",
    "법인 대표",
    "법인세를 낸",
    "등기 이사",
    "등기부에 오른",
    "사업자",
    "사업자등록증의 대표",
    "주문한",
    "주문 고객",
    "제품을 산",
    "상품권을 받은",
    "문서를 낸",
    "사문서위조 피고인",
    "관리비를 내지 않은",
    "관리소장",
    "접수한",
    "접수처의",
    "번호표를 뽑은",
    "번호는 모르고",
    "송장을 쓴",
    "바코드를 찍은",
    "품번을 적은",
    "등록한",
    "회원 등록 후",
    "카드를 잃은",
    "허가를 받은",
]
NAMES = ("홍길동", "김철수", "이영희", "남궁민수")
OF_A_THING = [
    "법인등록번호",
    "법인 등록번호:",
    "등기번호",
    "사업자번호",
    "주문번호:",
    "송장번호는",
    "바코드",
    "제품 번호",
    "상품코드",
    "문서번호",
    "관리번호 :",
    "접수번호",
    "계약번호",
    "일련번호",
    "로트번호",
    "배치 번호",
    "Lot No.",
    "batch",
    "Order #",
    "Serial number:",
    "Invoice",
    "EAN",
    "ISBN",
]
COMPOUNDS = (
    "주민(법인)등록번호",
    "주민(사업자)번호",
    "주민등록번호(법인등록번호):",
    "주민/법인번호",
    "주민등록증 번호",
    "번호",
    "RRN",
    "Korean",
)


def masked(text):
    return mask(text, find_spans(text, PiiOptions()))


def numbers(seed, count=4):
    """Half of them with a wrong check digit, as from October 2020 on there is none; none with a corporation's."""
    found = ("".join(rrn(f"{seed} {n}", checked=n % 2 == 0)) for n in itertools.count())
    persons = (number for number in found if number[-1] != corporate_digit(number))
    return [f"{number[:6]}-{number[6:]}" for number in itertools.islice(persons, count)]


def corporate_digit(number):
    return check_digit(number[:12], (1, 2) * 6, base=10)


@pytest.mark.parametrize("words", BESIDE)
@pytest.mark.parametrize("form", ["{}({})", "{} {}", "{}, {}", "{}/{}"])
def test_a_word_beside_a_person_hides_no_registration_number(words, form):
    for name, number in zip(NAMES, numbers(words), strict=True):
        for written in (number, f"{number[:8]}******"):
            text = form.format(f"{words} {name}", written)
            assert masked(text) == form.format(f"{words} {name}", "<|rrn|>")


@pytest.mark.parametrize("label", COMPOUNDS)
def test_a_compound_with_a_residents_label_is_one(label):
    for number in numbers(label):
        assert masked(f"{label} {number}") == f"{label} <|rrn|>"


@pytest.mark.parametrize("label", OF_A_THING)
def test_the_label_of_a_thing_right_before_a_number_is_its_own(label):
    for number in numbers(label):
        assert masked(f"{label} {number}") == f"{label} {number}"


def test_a_corporate_check_digit_speaks_against_a_resident():
    right = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    for number in map("".join, map(corporate, range(40))):
        resident = int(check_digit(number[:12], right))
        if int(number[-1]) not in (resident, (resident + 2) % 10):  # right by chance; foreigners' are two higher
            assert "<|rrn|>" not in masked(f"주식회사 가나다 {number[:6]}-{number[6:]}")


@pytest.mark.parametrize("words", BESIDE)
def test_a_word_beside_a_person_hides_no_mobile_number(words):
    for name in NAMES:
        assert masked(f"{words} {name} 01023456789") == f"{words} {name} <|tell|>"


@pytest.mark.parametrize("before", ["제 번호는", "번호", "내 번호 :", "사무실 번호", "담당자 번호가", "새 번호로"])
@pytest.mark.parametrize("number", ["01023456789", "01098765432", "0212345678", "0312345678"])
def test_a_number_that_is_just_called_so_is_a_phone_number(before, number):
    assert masked(f"{before} {number}") == f"{before} <|tell|>"


@pytest.mark.parametrize(
    "label", ["주문번호", "송장번호:", "회원번호는", "카드 번호", "사업자등록번호", "접수번호", "ISBN", "바코드"]
)
def test_the_label_of_a_thing_right_before_digits_is_their_own(label):
    assert masked(f"{label} 01023456789") == f"{label} 01023456789"
