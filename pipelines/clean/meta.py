"""Personal data in a document's other fields: they travel with it, so they are masked like its text."""

import re
from typing import Any

import orjson

from pipelines.text.pii import Span, find_spans, mask
from pipelines.text.pii.options import PiiOptions

_DIGITS = re.compile(
    r"[0-9０-９](?:[^0-9０-９]{0,3}[0-9０-９]){6}"
)  # seven digits near each other: no less is personal data


def mask_meta(meta: str, options: PiiOptions) -> tuple[str, list[Span]]:
    """Mask the strings and whole numbers of a JSON object; keys stay, and so do all other bytes if nothing is found.

    Args:
        meta: a JSON object.
        options: as for the text.

    Returns:
        the masked object and the spans found, for counting; their offsets are inside the values.

    Example:
        >>> mask_meta('{"writer":"김 010-2345-6789"}', PiiOptions())[0]
        '{"writer":"김 <|tell|>"}'
    """
    if not options.enabled or not _DIGITS.search(meta):
        return meta, []
    found: list[Span] = []
    masked = _mask_value(orjson.loads(meta), options, found)
    return (orjson.dumps(masked, option=orjson.OPT_SORT_KEYS).decode() if found else meta), found


def _mask_value(value: Any, options: PiiOptions, found: list[Span]) -> Any:
    if isinstance(value, dict):
        return {key: _mask_value(inner, options, found) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mask_value(inner, options, found) for inner in value]
    if type(value) not in (str, int):  # true is an int in Python
        return value
    text = str(value)
    spans = find_spans(text, options)
    found += spans
    return mask(text, spans) if spans else value
