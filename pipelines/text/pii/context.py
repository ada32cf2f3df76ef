"""Labels near a number: they say what it is where its form does not."""

import re

BEFORE_CHARS = 20
AFTER_CHARS = 12

RRN_LABEL = re.compile(r"(?:주민|외국인|거소)(?:\s?등록|\s?신고)?(?:\s?번호)?|생년월일")
NOT_RRN_LABEL = re.compile(
    r"법인|등기|사업자|주문|송장|바코드|제품|상품|품번|문서|관리|접수|계약|ISBN|EAN|(?<!등록)(?<!등록 )번호",
    re.IGNORECASE,
)

PHONE_LABEL = re.compile(
    r"전\s?화|연락|휴대|핸드폰|폰|팩\s?스|전송|문의|상담|신고|콜센터|☎|☏|℡|📞|\bTel|Phone|Fax|Mobile|H\.?P\b|(?<![A-Za-z])[TFM][.:)]",
    re.IGNORECASE,
)

# Words that mean a bank account wherever they stand. 신한 ends many verb forms (갱신한), so it must begin a word.
BANKING = re.compile(
    r"계\s?좌|예금주|입금|송금|이체|통장|뱅크|은행|농협|수협|신협|축협|새마을금고|카뱅|케뱅|SC제일|(?<![가-힣])신한(?![가-힣])"
)
# Names of banks that are everyday words count only beside the number.
_BANK_NAMES = r"우리|하나|국민|기업|산업|토스|카카오|우체국|부산|대구|광주|전북|경남|제주|시티|씨티"
BANK_BESIDE = re.compile(rf"(?<![가-힣])(?:{_BANK_NAMES})[\s:\-/(),.]{{0,4}}$")
BANK_IN_BRACKETS = re.compile(rf"\s?[(\[]\s?(?:{_BANK_NAMES}|{BANKING.pattern})")
ANY_BANK = re.compile(rf"{BANKING.pattern}|{_BANK_NAMES}")
ACCOUNT_NOUN = re.compile(r"(?:계\s?좌|통장)(?:\s?번호)?(?:는|은)?[^0-9가-힣]{0,4}$")
NOT_ACCOUNT_LABEL = re.compile(
    r"주문|송장|등록|사업자|법인|면허|카드|여권|ISBN|사건|우편|고시|공고|허가|승인|접수|"
    r"(?<!계좌)(?<!계좌 )(?<!통장)(?<!통장 )번호|" + PHONE_LABEL.pattern,
    re.IGNORECASE,
)
NOT_PHONE_LABEL = re.compile(
    r"계\s?좌|주문|송장|등록|사업자|법인|면허|카드|여권|ISBN|바코드|(?<!전화)(?<!전화 )(?<!폰)(?<!폰 )번호",
    re.IGNORECASE,
)

_OTHER_NUMBER = re.compile(r"[0-9]{4}|\|>")

FAR = BEFORE_CHARS + AFTER_CHARS
"""A distance larger than any that can be seen."""


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
