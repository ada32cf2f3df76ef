"""The options of the clean stage."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from malmoi_pipelines.clean.perplexity import PerplexityOptions
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.lm.sentences import EOJEOL
from malmoi_pipelines.raw.config import InputConfig, ReadOptions
from malmoi_pipelines.text.normalise import NormaliseOptions
from malmoi_pipelines.text.pii.options import PiiOptions
from malmoi_pipelines.text.thresholds import PRESETS, Thresholds


class SourcePolicy(Config):
    """How the documents of a source are cleaned."""

    thresholds: Thresholds = Thresholds.model_validate({})
    """Bounds of the quality rules over normalised text; null switches a rule off (docs/rules.md)."""
    normalise: NormaliseOptions = NormaliseOptions()
    """What is done to a text beyond what every text needs."""
    pii: PiiOptions = PiiOptions()
    """Which personal data is masked. Registration numbers, bank accounts and phone numbers always are."""
    read: ReadOptions = ReadOptions()
    """How files are read: their format and fields, and what a damaged one means."""
    perplexity_cut: float = Field(0.3, ge=0, lt=1)
    """Share of the source's documents to drop, those of the highest perplexity; used where `perplexity` is set. CCNet
    drops about a third of a web crawl; a chosen source needs less."""


class CleanConfig(SourcePolicy, InputConfig):
    """Options of `malmoi clean`; its own policy holds for all sources that `sources` does not name."""

    sources: dict[str, SourcePolicy] = {}
    """Source → what differs there: `{docs-en: {thresholds: {min_hangul_share: 0}}}`. The rest is inherited."""
    perplexity: PerplexityOptions | None = None
    """Score documents with a language model and drop the worst of each source. null: no model."""
    task_bytes: int = Field(8 << 20, ge=1)
    """Stored bytes of input for each task, i.e. for each output file: small files share one, so that none is tiny."""
    duplicate_ids: Literal["rekey", "fail"] = "rekey"
    """Different documents with the same given id: give each an id of its own, made of the given one and a digest of its
    source and text, or fail."""

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, values: Any) -> Any:
        """Fill what a source's policy leaves out from the defaults of all sources."""
        if not isinstance(values, dict) or not isinstance(values.get("sources"), dict):
            return values
        defaults = {name: _plain(values[name]) for name in SourcePolicy.model_fields if name in values}
        sources = {source: _inherit(defaults, _plain(policy)) for source, policy in values["sources"].items()}
        return {**values, "sources": sources}

    def policy(self, source: str) -> SourcePolicy:
        """The policy of a source."""
        return self.sources.get(source, self)

    def read_options(self, source: str) -> ReadOptions:
        """How the files of a source are read."""
        return self.policy(source).read

    def located(self) -> Self:
        """The same with the files of the tokenizers that its language models need in full."""
        if self.perplexity is None:
            return self
        return self.model_copy(update={"perplexity": self.perplexity.located()})

    def side_inputs(self) -> dict[str, str]:
        """The files beside the text that decide what is kept: setting → path."""
        found: dict[str, str] = {}
        if self.perplexity is not None:
            for name, model in (("good", self.perplexity.good), ("bad", self.perplexity.bad)):
                if model is not None:
                    found[f"perplexity.{name}.model"] = model.model
                    found[f"perplexity.{name}.tokenizer"] = model.tokenizer
        for prefix, policy in (("", self), *((f"sources.{name}.", policy) for name, policy in self.sources.items())):
            files = enumerate(policy.thresholds.files)
            found |= {f"{prefix}thresholds.{number}": path for number, path in files}
        return {role: path for role, path in found.items() if path != EOJEOL}


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value


def _inherit(defaults: dict[str, Any], own: Any) -> Any:
    """A source's policy: `own` over `defaults`. One that names its language has that language's bounds, too."""
    thresholds = defaults.get("thresholds")
    if isinstance(thresholds, dict) and "language" in (_part(own, "thresholds") or {}):
        kept = {name: value for name, value in thresholds.items() if name not in PRESETS["korean"]}
        defaults = {**defaults, "thresholds": kept}
    return _merge(defaults, own)


def _part(value: Any, name: str) -> Any:
    return _plain(value[name]) if isinstance(value, dict) and name in value else None


def _merge(defaults: Any, own: Any) -> Any:
    """`own` over `defaults`, key by key; what is no mapping is left for the validation to name."""
    if not isinstance(defaults, dict) or not isinstance(own, dict):
        return own
    return {**defaults, **{name: _merge(defaults.get(name), value) for name, value in own.items()}}
