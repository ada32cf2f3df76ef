"""E-mail addresses and IP addresses: both optional."""

import ipaddress
import re
from collections.abc import Iterator

from malmoi_pipelines.text.pii import context
from malmoi_pipelines.text.pii.spans import Span

# RFC 5321 §4.5.3.1: at most 64 characters before the @; RFC 1035 §2.3.4: labels of at most 63.
_LOCAL = r"A-Za-z0-9._%+\-"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])[A-Za-z0-9][{_LOCAL}]{{0,63}}@(?P<domain>{_DOMAIN})(?![A-Za-z0-9\-]|\.[A-Za-z0-9])"
)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|js|ts|css|py|zip|gz)", re.IGNORECASE)  # logo@2x.png
EMAIL_SCAN = re.compile(r"[@＠](?<=[A-Za-z0-9._%+\-ａ-ｚＡ-Ｚ０-９].)")

_V4 = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][.\-_])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|[.\-_][0-9A-Za-z])"
)
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?![0-9A-Za-z:]|\.[0-9A-Za-z])")
IP_SCAN = re.compile("[0-9]{1,3}(?:[.][0-9]{1,3}){3}|[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}")


def find_emails(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Addresses whose @ stands in the zone [start, end) of a shadow."""
    for match in _EMAIL.finditer(shadow, max(0, start - 64), min(len(shadow), end + 254)):
        if start <= match.start("domain") - 1 < end and not _FILE.fullmatch(match[0][match[0].rindex(".") :]):
            yield Span(match.start(), match.end(), "email", "email_address")


def find_ips(shadow: str, start: int, end: int) -> Iterator[Span]:
    """Public addresses in the zone [start, end) of a shadow."""
    for match in _V4.finditer(shadow, start, end):
        if _is_public(match[0]) and _is_address(match[0], context.before(shadow, match.start())):
            yield Span(match.start(), match.end(), "ip", "ip_v4")
    for match in _V6.finditer(shadow, start, end):
        if _is_public(match[0]):
            yield Span(match.start(), match.end(), "ip", "ip_v6")


def _is_address(numbers: str, before: str) -> bool:
    """Whether four numbers are an address, and not a version or a section: those are short, and seldom reach 100.

    Without a label nine digits with a number from 100 on are needed, which nine of ten addresses have.
    """
    if context.VERSION_LABEL.search(before):
        return False
    octets = numbers.split(".")
    return context.IP_LABEL.search(before) is not None or (
        len(numbers) >= 9 + len(octets) - 1 and any(len(octet) == 3 for octet in octets)
    )


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
