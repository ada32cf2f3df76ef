"""Korean personal data in text, found and masked: registration numbers, accounts, phone numbers; by option more.

Foreign phone numbers are out of scope: of numbers with a plus only those of Korea, +82, are found.
"""

from malmoi_pipelines.text.pii.detect import find_spans, find_spans_all, may_hold
from malmoi_pipelines.text.pii.options import PiiOptions
from malmoi_pipelines.text.pii.rules import KINDS, RULES, PiiKind, PiiRule
from malmoi_pipelines.text.pii.spans import Span, mask, token

__all__ = [
    "KINDS",
    "RULES",
    "PiiKind",
    "PiiOptions",
    "PiiRule",
    "Span",
    "find_spans",
    "find_spans_all",
    "mask",
    "may_hold",
    "token",
]
