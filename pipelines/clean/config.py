"""The options of the clean stage."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from pipelines.contracts.config import Config
from pipelines.text.normalise import NormaliseOptions
from pipelines.text.quality import Thresholds


class PiiOptions(Config):
    """Which personal data is masked."""

    enabled: bool = True
    """Mask at all. Off only for text that is known to hold none, or is masked elsewhere."""
    strict: bool = False
    """Mask hyphenated numbers that look like bank accounts but have no label, too."""
    representative: bool = False
    """Mask the 15xx, 16xx and 18xx numbers of firms, too."""


class SourcePolicy(Config):
    """How the documents of a source are cleaned."""

    thresholds: Thresholds = Thresholds.model_validate({})
    normalise: NormaliseOptions = NormaliseOptions()
    pii: PiiOptions = PiiOptions()


class CleanConfig(SourcePolicy):
    """Options of `malmoi clean`; its own policy holds for all sources that `sources` does not name."""

    sources: dict[str, SourcePolicy] = {}
    """Source → what differs there: `{docs-en: {thresholds: {min_hangul_share: 0}}}`. The rest is inherited."""
    text_field: str = "text"
    """Field or column that holds the text."""
    id_field: str = "id"
    """Field or column of the document's id; a document without one gets an id derived from its source and text."""
    source_field: str | None = "source"
    """Field or column that names the document's source; a document without one belongs to its folder. null: always the
    folder."""
    ignore: tuple[str, ...] = ("README*", "LICENSE*", "*.md")
    """Patterns of file names that are passed over in folders and globs; a file named by itself is always read."""
    max_line_bytes: Annotated[int, Field(ge=1)] = 256 << 20
    """Longest line that is read, in bytes as stored uncompressed; a longer one is rejected as `line_too_long`."""
    error_budget: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Share of documents that may fail (not be readable) before the stage does. One failure is always allowed beside
    documents that could be read, unless the budget is 0."""
    task_bytes: int = Field(8 << 20, ge=1)
    """Stored bytes of input for each task, i.e. for each output file: small files share one, so that none is tiny."""
    on_bad_file: Literal["reject", "fail"] = "reject"
    """A truncated or corrupt file: keep what comes before the damage and count it as one failure, or fail."""

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, values: Any) -> Any:
        """Fill what a source's policy leaves out from the defaults of all sources."""
        if not isinstance(values, dict) or not isinstance(values.get("sources"), dict):
            return values
        defaults = {name: _plain(values[name]) for name in SourcePolicy.model_fields if name in values}
        sources = {source: _merge(defaults, _plain(policy)) for source, policy in values["sources"].items()}
        return {**values, "sources": sources}

    @model_validator(mode="after")
    def _distinct_fields(self) -> Self:
        names = [name for name in (self.text_field, self.id_field, self.source_field) if name is not None]
        if len(set(names)) < len(names):
            raise ValueError("text_field, id_field and source_field must name different fields")
        return self

    def policy(self, source: str) -> SourcePolicy:
        """The policy of a source."""
        return self.sources.get(source, self)


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value


def _merge(defaults: Any, own: Any) -> Any:
    """`own` over `defaults`, key by key; what is no mapping is left for the validation to name."""
    if not isinstance(defaults, dict) or not isinstance(own, dict):
        return own
    return {**defaults, **{name: _merge(defaults.get(name), value) for name, value in own.items()}}
