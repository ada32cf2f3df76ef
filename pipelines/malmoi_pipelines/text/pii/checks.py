"""Check digits and dates: evidence for what a number is, and what it is not."""

import datetime

LATEST_BIRTH_YEAR = 2030  # a constant: what is masked must not depend on the day it is masked

_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BUSINESS_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def birth_date(birth: str, century_digit: str) -> datetime.date | None:
    """Date of birth of a resident registration number, or None if there is no such day.

    Residents Registration Act, enforcement rule art. 2: the seventh digit gives sex and century, 1 and 2 the 1900s, 3
    and 4 the 2000s; 5 to 8 the same for foreigners.

    Args:
        birth: six digits, year, month and day.
        century_digit: the seventh digit, 1 to 8.
    """
    century = 1900 if century_digit in "1256" else 2000
    date = calendar_date(f"{century // 100}{birth}")
    return date if date and date.year <= LATEST_BIRTH_YEAR else None


def calendar_date(digits: str) -> datetime.date | None:
    """The day that eight digits name, or None."""
    try:
        return datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def is_timestamp(digits: str) -> bool:
    """Whether 10 to 14 digits read as a date from 1900 to 2099 with hour, minute and second as far as given."""
    date = calendar_date(digits[:8])
    parts = [digits[index : index + 2] for index in range(8, len(digits), 2)]
    limits = ("23", "59", "59")
    return (
        date is not None
        and 1900 <= date.year < 2100
        and len(digits) in (10, 12, 14)
        and all(part <= limit for part, limit in zip(parts, limits, strict=False))
    )


def rrn_checks(digits: str) -> bool:
    """Whether 13 digits have the check digit of a resident or of a foreigner registration number.

    Evidence only: numbers given since October 2020 have a random last digit, and many foreigners' fit neither form.
    """
    total = _weighted(digits, _RRN_WEIGHTS)
    return int(digits[12]) in {(11 - total % 11) % 10, (13 - total % 11) % 10}


def corporate_checks(digits: str) -> bool:
    """Whether 13 digits have the check digit of a corporate registration number."""
    return (10 - _weighted(digits, (1, 2) * 6) % 10) % 10 == int(digits[12])


def business_checks(digits: str) -> bool:
    """Whether 10 digits have the check digit of a business registration number."""
    total = _weighted(digits, _BUSINESS_WEIGHTS) + int(digits[8]) * 5 // 10
    return (10 - total % 10) % 10 == int(digits[9])


def ean_checks(digits: str) -> bool:
    """Whether 13 digits have the check digit of an EAN-13 barcode or ISBN-13."""
    return (10 - _weighted(digits, (1, 3) * 6) % 10) % 10 == int(digits[12])


def luhn_checks(digits: str) -> bool:
    """Whether the last digit is the check digit of Luhn (ISO/IEC 7812-1), as payment cards have.

    >>> luhn_checks("4111111111111111")
    True
    """
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(value - 9 * (value > 9) for value in doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
