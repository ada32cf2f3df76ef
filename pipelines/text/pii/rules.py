"""The table of rules: what each found, for reports and for people."""

RULES: dict[str, str] = {
    "rrn_label": "13 digits with a date of birth, labelled as a registration number or date of birth",
    "rrn_hyphen": "6-7 digits with a date of birth and a hyphen, and not a corporate registration number",
    "rrn_checksum": "13 digits with a date of birth and the check digit, without a label",
    "rrn_dotted_date": "a dotted date of birth, a hyphen and 7 digits",
    "rrn_hidden": "a registration number whose last digits the source hid",
    "rrn_birth_and_sex": "date of birth and the digit for the sex, labelled",
    "phone_mobile": "010, 8 digits",
    "phone_mobile_old": "011, 016 to 019, 7 or 8 digits",
    "phone_internet": "070, 8 digits",
    "phone_personal": "0502 to 0508, 7 or 8 digits",
    "phone_free": "080, 7 or 8 digits",
    "phone_service": "030x unified messaging and 060 information, 7 or 8 digits",
    "phone_area": "an area code and 7 or 8 digits",
    "phone_area_obsolete": "a four-digit area code of before July 2000, labelled",
    "phone_international": "+82, 0082 or 82 and a national number",
    "phone_representative": "15xx, 16xx or 18xx and 4 digits (option)",
    "account_label": "8 to 16 digits directly after the word for account or bank book",
    "account_bank": "grouped digits beside the name of a bank that is also an everyday word",
    "account_context": "10 to 14 digits nearer to a word of banking than to another label",
    "account_strict": "hyphenated digits without any label (option)",
}
