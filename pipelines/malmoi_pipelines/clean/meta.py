"""Personal data in a document's other fields: they travel with it, so they are masked like its text."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from malmoi_pipelines.text.pii import PiiOptions, Span, find_spans_all, mask


def mask_metas(metas: Sequence[str], options: PiiOptions) -> list[tuple[str, list[Span]]]:
    """Mask the strings and whole numbers of JSON objects; keys stay, and so do all bytes of those without any.

    Args:
        metas: JSON objects.
        options: as for the text.

    Returns:
        Each object masked, and the spans found in it, for counting; their offsets are inside the values.

    Example:
        >>> mask_metas(['{"writer":"김 010-2345-6789"}'], PiiOptions())[0][0]
        '{"writer":"김 <|tell|>"}'
    """
    if not options.enabled:
        return [(meta, []) for meta in metas]
    objects = [orjson.loads(meta) for meta in metas]
    leaves = [list(_leaves(value)) for value in objects]
    spans = iter(find_spans_all([text for texts in leaves for text in texts], options))
    return [
        _masked(meta, value, [(text, next(spans)) for text in texts])
        for meta, value, texts in zip(metas, objects, leaves, strict=True)
    ]


def _leaves(value: Any) -> Iterator[str]:
    """The strings and whole numbers in a value, as text, in the order of `_map`."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif type(value) in (str, int):  # true is an int in Python
        yield str(value)


def _masked(meta: str, value: Any, found: list[tuple[str, Sequence[Span]]]) -> tuple[str, list[Span]]:
    spans = [span for _, some in found for span in some]
    if not spans:
        return meta, []
    results = iter(found)

    def replace(leaf: Any) -> Any:
        text, some = next(results)
        return mask(text, some) if some else leaf

    return orjson.dumps(_map(value, replace), option=orjson.OPT_SORT_KEYS).decode(), spans


def _map(value: Any, replace: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _map(inner, replace) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map(inner, replace) for inner in value]
    return replace(value) if type(value) in (str, int) else value
