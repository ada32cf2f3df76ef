"""Invented numbers for the tests; check digits are computed, so that none is copied from anywhere."""

import random


def check_digit(digits, weights, base=11):
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return str((base - total % base) % 10)


def rrn(seed, checked=True):
    """Birth date and serial of a resident registration number."""
    rng = random.Random(seed)
    year, month, day = rng.randint(1930, 2024), rng.randint(1, 12), rng.randint(1, 28)
    sex = rng.choice("1256") if year < 2000 else rng.choice("3478")
    body = f"{year % 100:02}{month:02}{day:02}{sex}{rng.randint(0, 99999):05}"
    right = check_digit(body, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
    last = right if checked else str((int(right) + 5) % 10)
    return body[:6], body[6:] + last


def corporate(seed):
    rng = random.Random(seed)
    body = f"{rng.choice(['1101', '1201', '2001'])}{rng.choice(['11', '21', '14'])}{rng.randint(0, 999999):06}"
    return body[:6], body[6:] + check_digit(body, (1, 2) * 6, base=10)


def ean(prefix, seed):
    body = prefix + "".join(random.Random(seed).choices("0123456789", k=12 - len(prefix)))
    return body + check_digit(body, (1, 3) * 6, base=10)


def grouped(lengths, separator, seed, first=""):
    rng = random.Random(seed)
    groups = ["".join(rng.choices("123456789", k=length)) for length in lengths]
    groups[0] = first + groups[0][len(first) :]
    return separator.join(groups)


def wide(text):
    """Full-width digits and hyphen."""
    return text.translate({**{ord("0") + n: ord("０") + n for n in range(10)}, ord("-"): "－"})
