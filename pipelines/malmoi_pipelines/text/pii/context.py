"""Labels near a number: they say what it is where its form does not.

A mask is no label, though `<|tell|>` begins like Tel: else each number of a list would be found by the mask before it.
"""

import re

BEFORE_CHARS = 20
AFTER_CHARS = 12

RRN_LABEL = re.compile(
    r"(?:주민|외국인|거소)(?:\s?등록|\s?신고)?(?:\s?번호)?|생년월일|민증|(?<![A-Za-z])RRN(?![A-Za-z])"
)
NOT_RRN_LABEL = re.compile(
    r"법인|등기|사업자|주문|송장|바코드|제품|상품|품번|문서|관리|접수|계약|(?<![A-Za-z])(?:ISBN|EAN)(?![A-Za-z])|"
    r"(?<!등록)(?<!등록 )번호",
    re.IGNORECASE,
)

# What a number is of that is no person's. As labels they end where the number begins, with 번호 and the like between:
# in 계약자 홍길동(850312-1...) the word is the person's, in 계약번호 850312-1... it is the number's.
_THINGS = (
    r"법인|등기|사업자|주문|송장|운송장|바코드|제품|상품|품번|문서|관리|접수|계약|일련|로트|배치|모델|부품|자재|수험|"
    r"(?<![A-Za-z])(?:ISBN|EAN|SKU|S/N|LOT|batch|serial|order|invoice|item|product|part|model|ref)"
)
_OF_A_NUMBER = r"(?:\s?등록)?\s?(?:번호|코드|넘버|number|code|no|id)?(?![A-Za-z])"
LABEL_OF_A_THING = re.compile(rf"(?:{_THINGS})\)?{_OF_A_NUMBER}(?:은|는|이|가)?[^\w\n]{{0,4}}$", re.IGNORECASE)
# A compound of two labels is one label: 주민(법인)등록번호, 주민등록번호(법인등록번호).
_COMPOUND_CHARS = 8

CORPORATE_LABEL = re.compile("법인(?:등록)?번호|법인 등록번호|등기번호")

PHONE_LABEL = re.compile(
    r"전\s?화|연락|휴대|핸드폰|폰|팩\s?스|전송|문의|상담|신고|콜센터|☎|☏|℡|📞|(?<!<\|)\bTel|Phone|Fax|Mobile|H\.?P\b|(?<![A-Za-z])[TFM][.:)]",
    re.IGNORECASE,
)

PHONE_WORD = re.compile(
    r"(?:전\s?화|연락처|휴대폰|핸드폰|팩\s?스|☎|☏|℡|📞|(?<!<\|)\bTel|\bFax)(?:\s?번호)?[\s:.(]{0,4}$", re.IGNORECASE
)

# Words that mean a bank account wherever they stand. 신한 ends many verb forms (갱신한), so it must begin a word.
BANKING = re.compile(
    r"계\s?좌|예금|입금|송금|이체|통장|뱅크|은행|농협|수협|신협|축협|새마을금고|카뱅|케뱅|SC제일|(?<![가-힣])신한(?![가-힣])|"
    r"증권(?!\s?(?:거래소|코드|번호))|(?<![A-Za-z/])(?:A/C|[Aa]cc(?:oun)?t)(?![A-Za-z])"
)
# Names of banks that are everyday words count only beside the number.
_REGIONS = r"부산|대구|광주|전북|경남|제주"
_LATIN_NAMES = r"(?<![A-Za-z])(?:KB|NH|IBK|SC|SH|KDB|KEB|DGB|BNK|iM|K-?bank)(?![A-Za-z])"
_BANK_NAMES = rf"우리|하나|국민|기업|산업|토스|카카오|우체국|시티|씨티|{_LATIN_NAMES}|{_REGIONS}"
BANK_BESIDE = re.compile(rf"(?<![가-힣])(?:{_BANK_NAMES})[\s:\-/(),.|]{{0,4}}$")
# Beside digits without hyphens no region, and nothing between but a space or a colon.
BANK_BESIDE_BARE = re.compile(rf"(?<![가-힣])(?!{_REGIONS})(?:{_BANK_NAMES})(?:은행)?[\s:]{{1,2}}$")
BANK_BEHIND = re.compile(rf"[ ,/|]{{0,3}}(?!{_REGIONS})(?:{_BANK_NAMES})(?:은행)?(?:[ ,/)|]|\n|$)")
BANK_IN_BRACKETS = re.compile(rf"\s?[(\[]\s?(?:{_BANK_NAMES}|{BANKING.pattern})")
# Behind digits without hyphens the name of a region may stand for the region.
NO_REGION_IN_BRACKETS = re.compile(rf"\s?[(\[]\s?(?!{_REGIONS})")
ANY_BANK = re.compile(rf"{BANKING.pattern}|{_BANK_NAMES}")
ACCOUNT_NOUN = re.compile(
    r"(?:(?:계\s?좌|통장)(?:\s?번호)?(?:는|은)?|(?<![A-Za-z/])(?:A/C|[Aa]cc(?:oun)?t)(?:\s(?:no|number|num))?)[^0-9A-Za-z가-힣]{0,4}$",
    re.IGNORECASE,
)
PLAIN_NUMBER = re.compile(r"(?<![가-힣])(?<![가-힣] )번호(?:는|은)?[^\w\n]{0,4}$")
"""A number of which the word before it does not say what it is of."""
NOT_ACCOUNT_LABEL = re.compile(
    r"주문|송장|등록|사업자|(?<!사단)(?<!재단)(?<!학교)(?<!의료)(?<!복지)법인|면허|카드|여권|ISBN|사건|우편|고시|공고|허가|승인|접수|품번|모델|규격|"
    r"(?<!계좌)(?<!계좌 )(?<!통장)(?<!통장 )번호|" + PHONE_LABEL.pattern,
    re.IGNORECASE,
)
NOT_PHONE_LABEL = re.compile(
    r"계\s?좌|주문|송장|등록|사업자|법인|면허|카드|여권|ISBN|바코드|(?<!전화)(?<!전화 )(?<!폰)(?<!폰 )번호",
    re.IGNORECASE,
)

# Directly before ten or eleven digits in a row. 번호 says that they are a number, and a compound with it of what:
# 주문번호 010..., but 제 번호는 010... and 주문은 010...로.
NOT_PHONE_NUMBER = re.compile(
    r"(?:계\s?좌(?:\s?번호)?|(?:주문|송장|운송장|등록|사업자|법인|면허|카드|여권|회원|고객|관리|접수|문서|일련|제품|상품|품목|"
    r"계약|사건|허가|승인|예약|수험|우편|등기|바코드)\s?(?:등록\s?)?(?:번호|코드|no\b\.?)|ISBN|바코드)(?:은|는|이|가)?[^\w\n]{0,4}$",
    re.IGNORECASE,
)
SOME_NUMBER = re.compile(r"번호(?:은|는|이|가|로|를)?[^\w\n]{0,4}$")

CARD_LABEL = re.compile(r"카드|(?<!<\|)\bCard|Visa|Master", re.IGNORECASE)
NOT_CARD_LABEL = re.compile(
    r"계\s?좌|주문|송장|운송|등록|사업자|법인|문서|접수|ISBN|바코드|품번|제품|모델|관리|(?<!카드)(?<!카드 )번호|"
    r"\bID\b|Seq|\bkey\b",
    re.IGNORECASE,
)
PASSPORT_LABEL = re.compile(r"여권|(?<!<\|)Passport", re.IGNORECASE)
NOT_PASSPORT_LABEL = re.compile(
    r"품번|제품|상품|모델|부품|주문|송장|문서|관리|접수|(?<!여권)(?<!여권 )번호|Model|Part|Order|S/N|Serial",
    re.IGNORECASE,
)
IP_LABEL = re.compile(
    r"(?:(?<![A-Za-z])(?:IP|DNS|Host|Server|Address|ping)|아이피|접속|서버|://)[^0-9A-Za-z\n]{0,6}$", re.IGNORECASE
)
VERSION_LABEL = re.compile(
    r"(?:버전|판본|빌드|릴리스|Version|\bVer\b|\bv|Build|Release|Firmware|펌웨어)[\s.:=]{0,3}$", re.IGNORECASE
)

_OTHER_NUMBER = re.compile(r"[0-9]{4}|\|>")

FAR = 1000
"""A distance larger than any that can be seen."""


def is_of_a_thing(before: str) -> bool:
    """Whether the label that ends where a number begins is that of a thing's number, and of no resident's.

    >>> is_of_a_thing("계약번호: "), is_of_a_thing("계약자 홍길동("), is_of_a_thing("주민(법인)등록번호 ")
    (True, False, False)
    """
    label = LABEL_OF_A_THING.search(before)
    return label is not None and not RRN_LABEL.search(before, max(0, label.start() - _COMPOUND_CHARS))


def before(shadow: str, start: int) -> str:
    """The text just before `start` in which labels count."""
    return shadow[max(0, start - BEFORE_CHARS) : start]


def after(shadow: str, end: int) -> str:
    """The text just after `end` in which labels count."""
    return shadow[end : end + AFTER_CHARS]


def rival_distance(label: re.Pattern[str], window: str) -> int:
    """As `distance`, for labels that speak against a reading: one before another number belongs to that number."""
    return distance(label, _OTHER_NUMBER.split(window)[-1])


def distance(label: re.Pattern[str], window: str) -> int:
    """Characters between the last label in `window` and the window's end; FAR if there is none."""
    last = FAR
    for match in label.finditer(window):
        last = len(window) - match.end()
    return last
