"""The options of `malmoi pii show` and `malmoi pii mask`."""

from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.text.pii import PiiOptions


class ShowConfig(PiiOptions, InputConfig):
    """What is looked for, and how the files are read."""


class MaskConfig(PiiOptions):
    """What is masked, and where not."""

    keep: tuple[str, ...] = ("id", "source")
    """Top-level fields that stay as they are; personal data in them is counted."""
