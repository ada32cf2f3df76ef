"""Korean personal data in text: resident registration numbers, bank accounts and phone numbers, found and masked."""

from pipelines.text.pii.detect import find_spans
from pipelines.text.pii.rules import RULES
from pipelines.text.pii.spans import Kind, Span, mask

__all__ = ["RULES", "Kind", "Span", "find_spans", "mask"]
