"""Numbers that look personal and must stay: dates, numbers of firms, orders and books, prices, IP addresses."""

from malmoi_pipelines.sample.check_digits import business_check, corporate_check, ean_check, luhn_check
from malmoi_pipelines.sample.draws import Dice
from malmoi_pipelines.sample.personal import Form, not_an_rrn


def _day(dice: Dice, separator: str) -> str:
    parts = (f"{dice.between(1995, 2025)}", f"{dice.between(1, 12):02}", f"{dice.between(1, 28):02}")
    return separator.join(parts)


def _timestamp(dice: Dice) -> str:
    return f"{_day(dice, '')}{dice.between(0, 23):02}{dice.between(0, 59):02}{dice.between(0, 59):02}"


def _business(dice: Dice) -> str:
    digits = dice.digits("!########")
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}{business_check(digits)}"


def _corporate(dice: Dice) -> str:
    first = dice.choice(("110111", "110114", "134511", "180111")) + dice.digits("######")
    return f"{first[:6]}-{first[6:]}{corporate_check(first)}"


def _isbn(dice: Dice) -> str:
    first = "97889" + dice.digits("#######")
    return f"978-89-{first[5:9]}-{first[9:12]}-{ean_check(first)}"


def _barcode(dice: Dice) -> str:
    first = "880" + dice.digits("!########")
    return first + ean_check(first)


def _card(dice: Dice) -> str:
    first = "4" + dice.digits("##############")
    digits = first + luhn_check(first)
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def _hexadecimal(dice: Dice, count: int) -> str:
    return f"{dice.next64() % 16**count:0{count}x}"


def _guid(dice: Dice) -> str:
    groups = (_hexadecimal(dice, 8), dice.digits("!###"), "4" + dice.digits("###"), "9" + _hexadecimal(dice, 3))
    return "-".join((*groups, _hexadecimal(dice, 12)))


def _price(dice: Dice) -> str:
    return f"{dice.between(10**6, 5 * 10**9):,}원"


def _ip(dice: Dice) -> str:
    return f"192.168.{dice.between(100, 255)}.{dice.between(100, 255)}"


LOOK_ALIKES = (
    Form("iso_date", lambda dice: _day(dice, "-"), ("@ 에 올린 글이다.", "기준일은 @이다.")),
    Form("dotted_date", lambda dice: _day(dice, "."), ("작성일 @ 기준.",)),
    Form("timestamp", _timestamp, ("로그 시각은 @ 이다.", "파일 이름은 @ 로 끝난다.")),
    Form(
        "epoch_milliseconds", not_an_rrn(lambda dice: dice.digits("16##########") + "0"), ("기록 시각 @ 에서 멈췄다.",)
    ),
    Form("business_number", _business, ("사업자등록번호 @", "사업자등록번호: @ 상호 변경.")),
    Form("corporate_number", _corporate, ("법인등록번호 @", "법인등록번호: @ 본점 이전.")),
    Form("court_case", lambda dice: f"{dice.between(1998, 2024)}가합{dice.digits('!#####')}", ("사건 @ 판결을 보라.",)),
    Form("isbn", _isbn, ("ISBN @", "이 책의 ISBN @ 를 찾아보세요.")),
    Form("barcode", not_an_rrn(_barcode), ("바코드 @ 상품입니다.",)),
    Form("order_number", lambda dice: f"{_day(dice, '')}-{dice.digits('!######')}", ("주문번호 @ 확인 부탁해요.",)),
    Form("tracking_number", lambda dice: dice.digits("!###########"), ("운송장번호 @ 조회하세요.",)),
    Form("price", _price, ("총 @ 이 들었다.", "예산은 @이다.")),
    Form("ip_address", _ip, ("서버 주소는 @ 이다.",)),
    Form("coordinates", lambda dice: dice.digits("37.######, 126.######"), ("위치는 @ 부근이다.",)),
    Form("card_number", _card, ("카드번호 @ 는 예시입니다.",)),
    Form("driver_licence", lambda dice: dice.digits("11-##-######-##"), ("운전면허 @ 갱신함.",)),
    Form("guid", _guid, ("식별자 @ 를 참고하라.",)),
    Form("version", lambda dice: dice.digits("v!.##.###"), ("판올림 @ 에서 고쳤다.",)),
    Form("decimal", lambda dice: "3.14159265358979" + dice.digits("##"), ("값은 @ 에 가깝다.",)),
    Form("cas_number", lambda dice: dice.digits("77##-1#-#"), ("CAS @ 물질이다.",)),
    Form("year_range", lambda dice: f"1{dice.between(500, 590)}-1{dice.between(591, 699)}년", ("@ 사이의 일이다.",)),
    Form("emergency_number", lambda dice: dice.choice(("112", "119", "114")), ("급하면 @ 에 신고하세요.",)),
    Form("rule", lambda dice: "-" * dice.between(12, 40), ("@",)),
)


def look_alike(dice: Dice) -> tuple[str, str, str]:
    """Name of the form, planted string and the sentence that holds it."""
    form = dice.choice(LOOK_ALIKES)
    return (form.name, *form.write(dice))
