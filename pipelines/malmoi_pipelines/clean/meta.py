"""Personal data in a document's other fields: they travel with it, so they are masked like its text."""

from collections.abc import Sequence

from malmoi_pipelines.text.pii import PiiOptions, Span
from malmoi_pipelines.text.pii.json_values import find_in_values, json_values, mask_values


def mask_metas(metas: Sequence[str], options: PiiOptions) -> list[tuple[str, list[Span]]]:
    """Mask the strings and whole numbers of JSON objects; keys stay, and so do all other bytes.

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
    values = [[value for value in json_values(meta) if not value.is_key] for meta in metas]
    spans = iter(find_in_values([value for some in values for value in some], options))
    masked = []
    for meta, some in zip(metas, values, strict=True):
        found = [(value, next(spans)) for value in some]
        masked.append((mask_values(meta, found), [span for _, these in found for span in these]))
    return masked
