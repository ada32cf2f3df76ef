"""The table of rules: what each finds, the mask it puts, and the option that switches it on."""

from typing import Literal, NamedTuple, get_args

PiiKind = Literal["rrn", "tell", "acc", "email", "card", "ip", "passport"]
"""What a mask token says. The first three are the names of Polyglot-Ko's tokens, two l in `tell`."""

KINDS: tuple[PiiKind, ...] = get_args(PiiKind)
"""In the order in which equals win where candidates overlap; the exceptions stand in `detect`."""

Option = Literal["strict", "representative", "email", "card", "ip", "passport", "spelled"]


class PiiRule(NamedTuple):
    """One way to recognise personal data."""

    description: str
    kind: PiiKind
    option: Option | None = None
    """The option without which the rule is not applied; None: always on."""


RULES: dict[str, PiiRule] = {
    "rrn_label": PiiRule("13 digits with a date of birth, labelled as registration number or date of birth", "rrn"),
    "rrn_hyphen": PiiRule("6-7 digits with a date of birth and a hyphen, and no corporate registration number", "rrn"),
    "rrn_checksum": PiiRule("13 digits with a date of birth and the check digit, without a label", "rrn"),
    "rrn_dotted_date": PiiRule("a dotted date of birth, a hyphen and 7 digits", "rrn"),
    "rrn_hidden": PiiRule("a registration number whose last digits the source hid", "rrn"),
    "rrn_birth_and_sex": PiiRule("date of birth and the digit for the sex, labelled", "rrn"),
    "rrn_loose": PiiRule("a registration number with unusual marks or groups, spaced out, or over a line end", "rrn"),
    "rrn_spelled": PiiRule("one with digits spelled as words, or letters for digits", "rrn", "spelled"),
    "phone_mobile": PiiRule("010, 8 digits", "tell"),
    "phone_mobile_old": PiiRule("011, 016 to 019, 7 or 8 digits", "tell"),
    "phone_internet": PiiRule("070, 8 digits", "tell"),
    "phone_personal": PiiRule("0502 to 0508, 7 or 8 digits", "tell"),
    "phone_free": PiiRule("080, 7 or 8 digits", "tell"),
    "phone_service": PiiRule("030x unified messaging and 060 information, 7 or 8 digits", "tell"),
    "phone_pager": PiiRule("012 and 015 of pagers and machines, 7 or 8 digits", "tell"),
    "phone_area": PiiRule("an area code and 7 or 8 digits", "tell"),
    "phone_area_obsolete": PiiRule("a four-digit area code of before July 2000, labelled", "tell"),
    "phone_local": PiiRule("7 or 8 digits without an area code, directly after the word for phone or fax", "tell"),
    "phone_international": PiiRule("+82, 0082 or 82 and a national number", "tell"),
    "phone_representative": PiiRule("14xx, 15xx, 16xx or 18xx and 4 digits", "tell", "representative"),
    "phone_loose": PiiRule("a phone number with unusual marks or groups, spaced out, or over a line end", "tell"),
    "phone_spelled": PiiRule("a phone number with digits spelled as words, or letters for digits", "tell", "spelled"),
    "account_label": PiiRule("8 to 16 digits directly after the word for account or bank book", "acc"),
    "account_bank": PiiRule("grouped digits beside the name of a bank that is also an everyday word", "acc"),
    "account_context": PiiRule("10 to 14 digits nearer to a word of banking than to another label", "acc"),
    "account_strict": PiiRule("hyphenated digits without any label", "acc", "strict"),
    "email_address": PiiRule("local part, @, and a domain name", "email", "email"),
    "card_grouped": PiiRule("13 to 19 digits in a card's groups with a right check digit", "card", "card"),
    "card_bare": PiiRule("13 to 19 digits in a row with an issuer's prefix and a right check digit", "card", "card"),
    "ip_v4": PiiRule("a public IPv4 address", "ip", "ip"),
    "ip_v6": PiiRule("a public IPv6 address", "ip", "ip"),
    "passport_label": PiiRule(
        "letter and 8 digits, or letter, 3 digits, letter, 4 digits, labelled", "passport", "passport"
    ),
    "passport_form": PiiRule("the same with the letter M, standing alone", "passport", "passport"),
}
