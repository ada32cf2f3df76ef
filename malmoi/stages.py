"""The stages of a run, each declared once.

Recipe sections, the chain of `malmoi run`, the headline of its report and docs/stages.md are made from these
declarations. Another stage is another declaration: its section, its folder, what of the run it reads.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.errors import MalmoiError
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import markdown_table
from malmoi_pipelines.contracts.schemas import (
    CLEANED,
    CORPUS,
    LM,
    RAW,
    RUN,
    SHARDS,
    TOKENIZER,
    WORD_TABLE,
    DatasetKind,
)
from malmoi_pipelines.contracts.stage import StageResult

from malmoi import checks
from malmoi.checks import Configs

if TYPE_CHECKING:
    from malmoi_pipelines.clean.config import CleanConfig
    from malmoi_pipelines.count.config import CountConfig
    from malmoi_pipelines.dedupe.config import DedupeConfig
    from malmoi_pipelines.engine.options import RunOptions
    from malmoi_pipelines.sample.config import SampleConfig
    from malmoi_pipelines.shard.config import ShardConfig
    from malmoi_tokenizer_lab.config import ExpandConfig
    from malmoi_trainer.config import TrainConfig

    from malmoi.reference_model import ReferenceModel


@dataclass(frozen=True)
class Place:
    """Where a stage of a run stands: what it writes, and all that it can read."""

    out: str
    """The folder it writes."""
    raw: str
    """The root of the raw text."""
    inputs: tuple[str, ...]
    """The recipe's inputs, files and folders below `raw`."""
    options: "RunOptions"
    """Runner and workers of the data stages."""
    before: Mapping[str, str] = field(default_factory=dict)
    """Stage → folder of those before it in this run; of several steps of one stage the last."""

    def below(self, names: list[str]) -> list[str]:
        """Paths below the root of the raw text."""
        return below(self.raw, names)


def below(root: str, names: list[str]) -> list[str]:
    """Paths below a root; `.` is the root itself."""
    return [root if name == "." else files.join(root, name) for name in names]


@dataclass(frozen=True)
class Stage:
    """One stage: what it is called, what it reads and makes, how it runs."""

    name: str
    """Of the stage, of its section in a recipe, and of its verb (of `lm`: `lm train`)."""
    about: str
    """What it does, one sentence."""
    folder: str
    """What it writes, below the folder of a run."""
    kind: DatasetKind
    config: str
    """`module:class` of its settings in a recipe; imported when asked for."""
    run: Callable[[Any, Place, Progress], StageResult]
    """Runs it with its settings. A run owns its folders: what no longer matches is replaced, and the result says so."""
    check: "Callable[[Any, Place, Configs], Iterator[MalmoiError]] | None" = None
    """What can be known to be wrong with it before the run."""
    warn: "Callable[[Any, Configs], Iterator[str]] | None" = None
    """What a person should know before the run, though it can go."""
    reads: tuple[str, ...] = ()
    """Stages whose folders it reads, where they are in the run; `sample` stands for the raw text."""
    headline: tuple[str, ...] = ()
    """The facts of its report that answer "did it work?"."""
    extra: str = ""
    """The extra of malmoi that brings the packages it needs; the core is enough where it is empty."""
    optional: bool = False
    """Whether a recipe without its section leaves it out."""
    several: bool = False
    """Whether its section may be a list: as many steps, one after another."""
    makes_input: bool = False
    """Whether it makes the raw text, so that a run with an input has no use for it."""

    def config_class(self) -> type[Config]:
        """The class of its settings."""
        module, name = self.config.split(":")
        found: type[Config] = getattr(importlib.import_module(module), name)
        return found


def _sample(config: "SampleConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_pipelines.sample.stage import sample

    return sample(place.out, config, place.options, overwrite=True, progress=progress)


def _lm(config: "ReferenceModel", place: Place, progress: Progress) -> StageResult:
    from malmoi_pipelines.lm.stage import train_lm

    reference = place.below(config.inputs)
    return train_lm(reference, place.out, config.training(), place.options, overwrite=True, progress=progress)


def _clean(config: "CleanConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_pipelines.clean.perplexity import PerplexityOptions
    from malmoi_pipelines.clean.stage import clean
    from malmoi_pipelines.lm.scoring import ModelOptions

    if "lm" in place.before:
        scoring = PerplexityOptions(good=ModelOptions(model=place.before["lm"]))
        config = config.model_copy(update={"perplexity": scoring})
    return clean(list(place.inputs), place.out, config, place.options, overwrite=True, progress=progress)


def _dedupe(config: "DedupeConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_pipelines.dedupe.stage import dedupe

    return dedupe([place.before["clean"]], place.out, config, place.options, overwrite=True, progress=progress)


def _count(config: "CountConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_pipelines.count.stage import count

    return count([place.before["dedupe"]], place.out, config, place.options, overwrite=True, progress=progress)


def _expand(config: "ExpandConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_tokenizer_lab.stage import expand

    return expand([place.before["count"]], place.out, config, overwrite=True, progress=progress)


def _shard(config: "ShardConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_pipelines.shard.stage import shard

    corpus, tokenizer = place.before["dedupe"], place.before["expand"]
    return shard([corpus], tokenizer, place.out, config, place.options, overwrite=True, progress=progress)


def _train(config: "TrainConfig", place: Place, progress: Progress) -> StageResult:
    from malmoi_trainer.stage import train

    shards, tokenizer = place.before["shard"], place.before["expand"]
    return train(shards, tokenizer, place.out, config, overwrite=True, progress=progress)


STAGES = (
    Stage(
        name="sample",
        about="Generate the input where no root is given on the command line.",
        folder="raw",
        kind=RAW,
        config="malmoi_pipelines.sample.config:SampleConfig",
        run=_sample,
        optional=True,
        makes_input=True,
        extra="data",
    ),
    Stage(
        name="lm",
        about="Train a language model first and score documents with it; "
        "null: none, unless `clean.perplexity` names one.",
        folder="lm",
        kind=LM,
        config="malmoi.reference_model:ReferenceModel",
        run=_lm,
        check=checks.check_lm,
        reads=("sample",),
        headline=("tokens", "held-out perplexity"),
        optional=True,
        extra="data",
    ),
    Stage(
        name="clean",
        about="Raw text to documents: normalised, filtered, personal data masked.",
        folder="docs",
        kind=CLEANED,
        config="malmoi_pipelines.clean.config:CleanConfig",
        run=_clean,
        check=checks.check_clean,
        reads=("sample", "lm"),
        headline=("documents in", "documents kept", "documents dropped", "masks rrn", "masks acc", "masks tell"),
        extra="data",
    ),
    Stage(
        name="dedupe",
        about="Documents to a corpus without duplicates.",
        folder="corpus",
        kind=CORPUS,
        config="malmoi_pipelines.dedupe.config:DedupeConfig",
        run=_dedupe,
        reads=("clean",),
        headline=("documents kept", "exact duplicates removed", "near duplicates removed"),
        extra="data",
    ),
    Stage(
        name="count",
        about="Corpus to the word table.",
        folder="words",
        kind=WORD_TABLE,
        config="malmoi_pipelines.count.config:CountConfig",
        run=_count,
        reads=("dedupe",),
        extra="data",
    ),
    Stage(
        name="expand",
        about="Word table to an extended tokenizer.",
        folder="tokenizer",
        kind=TOKENIZER,
        config="malmoi_tokenizer_lab.config:ExpandConfig",
        run=_expand,
        check=checks.check_expand,
        reads=("count",),
        headline=("new tokens", "vocabulary", "tokens per eojeol before", "tokens per eojeol after"),
    ),
    Stage(
        name="shard",
        about="Corpus and tokenizer to packed training examples.",
        folder="shards",
        kind=SHARDS,
        config="malmoi_pipelines.shard.config:ShardConfig",
        run=_shard,
        reads=("dedupe", "expand"),
        headline=("examples", "tokens", "new tokens"),
        extra="data",
    ),
    Stage(
        name="train",
        about="Shards to a trained model.",
        folder="run",
        kind=RUN,
        config="malmoi_trainer.config:TrainConfig",
        run=_train,
        check=checks.check_train,
        warn=checks.warn_train,
        reads=("shard", "expand"),
        headline=("starts from", "parameters", "loss, first tenth of steps", "loss, last tenth of steps"),
        extra="train",
    ),
)
"""In the order of a run."""

FOLDERS = {stage.name: stage.folder for stage in STAGES}
"""Stage → folder below that of a run, in the order of the run."""


def stages_page() -> str:
    """docs/stages.md."""
    rows = [
        {
            "stage": f"`{stage.name}`",
            "what it does": stage.about,
            "reads": ", ".join("the raw text" if name == "sample" else f"`{name}`" for name in stage.reads),
            "writes": f"`{stage.folder}/`: {stage.kind.meaning}",
            "extra": f"`{stage.extra}`" if stage.extra else "",
            "left out": "where an input is given" if stage.makes_input else "without its section" * stage.optional,
        }
        for stage in STAGES
    ]
    head = (
        "# Stages\n\nGenerated from `malmoi/stages.py` by `make docs`; a test keeps it true. The stages of\n"
        "`malmoi run` in order; each is a section of a recipe, and a verb of the same name (`lm`: `malmoi lm train`).\n"
        "Their settings: [settings.md](settings.md). What is in the folders: [data-format.md](data-format.md).\n\n"
    )
    return f"{head}{markdown_table(rows)}\n"


if __name__ == "__main__":
    sys.stdout.write(stages_page())
