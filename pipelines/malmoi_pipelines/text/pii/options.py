"""Which personal data is looked for."""

from typing import Literal

from malmoi_pipelines.contracts.config import Config


class PiiOptions(Config):
    """Which personal data is masked. Registration numbers, bank accounts and phone numbers always are."""

    enabled: bool = True
    """Mask at all. Off only for text that is known to hold none, or is masked elsewhere."""
    mode: Literal["default", "strict"] = "default"
    """strict: mask hyphenated numbers that look like bank accounts but have no label, too."""
    representative: bool = False
    """Mask the 14xx, 15xx, 16xx and 18xx numbers of firms, too."""
    email: bool = False
    """Mask e-mail addresses, `<|email|>`."""
    card: bool = False
    """Mask payment card numbers with a right check digit, `<|card|>`."""
    ip: bool = False
    """Mask public IPv4 and IPv6 addresses, `<|ip|>`; private, reserved and documentation addresses name nobody."""
    passport: bool = False
    """Mask Korean passport numbers, `<|passport|>`."""
    spelled: bool = True
    """Mask registration and phone numbers with digits spelled as words, or letters for digits (공일공, O1O), too."""


DEFAULT = PiiOptions()
