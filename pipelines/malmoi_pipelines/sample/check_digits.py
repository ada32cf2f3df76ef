"""Check digits of Korean and international numbers, for planted numbers that are fictitious but well formed."""

import datetime

_RRN = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BUSINESS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_CENTURY = {"1": 19, "2": 19, "5": 19, "6": 19, "3": 20, "4": 20, "7": 20, "8": 20}


def rrn_check(first12: str) -> str:
    """Check digit of a resident registration number issued before October 2020.

    >>> rrn_check("900101123456")
    '8'
    """
    total = sum(weight * int(digit) for weight, digit in zip(_RRN, first12, strict=True))
    return str((11 - total % 11) % 10)


def reads_as_rrn(digits: str) -> bool:
    """Whether 13 digits have a real birth date and the check digit of a resident registration number."""
    century = _CENTURY.get(digits[6])
    if century is None or len(digits) != 13:
        return False
    try:
        datetime.date(century * 100 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return False
    return rrn_check(digits[:12]) == digits[12]


def business_check(first9: str) -> str:
    """Check digit of a business registration number (사업자등록번호)."""
    total = sum(weight * int(digit) for weight, digit in zip(_BUSINESS, first9, strict=True))
    return str((10 - (total + int(first9[8]) * 5 // 10) % 10) % 10)


def corporate_check(first12: str) -> str:
    """Check digit of a corporate registration number (법인등록번호).

    >>> corporate_check("110111123456")
    '9'
    """
    total = sum((1 + index % 2) * int(digit) for index, digit in enumerate(first12))
    return str((10 - total % 10) % 10)


def ean_check(first12: str) -> str:
    """Check digit of an EAN-13 or ISBN-13.

    >>> ean_check("978030640615")
    '7'
    """
    total = sum((1, 3)[index % 2] * int(digit) for index, digit in enumerate(first12))
    return str((10 - total % 10) % 10)


def luhn_check(digits: str) -> str:
    """Check digit of a payment card.

    >>> luhn_check("7992739871")
    '3'
    """
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - index % 2)
        total += value - 9 if value > 9 else value
    return str((10 - total % 10) % 10)
