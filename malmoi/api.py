"""The stages as functions: paths or datasets in, settings as keywords, a `Dataset` out.

Settings are those of docs/settings.md, checked as in YAML; groups of them are mappings: `guards={"near_share": 0.9}`.
A call whose output is finished and matches returns it at once (`Dataset.skipped`).
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from malmoi_pipelines.contracts.config import Config, parse_config
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.stage import StageResult

from malmoi.arguments import run_options
from malmoi.dataset import Dataset
from malmoi.progress import ShownProgress

if TYPE_CHECKING:
    from malmoi_pipelines.engine.options import RunOptions

PathLike = str | os.PathLike[str]
"""A local path, a URL, or a `Dataset`."""
Paths = PathLike | Sequence[PathLike]

C = TypeVar("C", bound=Config)


def sample(out: PathLike, *, overwrite: bool = False, progress: bool = False, **settings: Any) -> Dataset:
    """Generate Korean-like raw text with planted defects, and a ground truth that says where.

    Args:
        out: the folder to write.
        overwrite: replace what is in it.
        progress: show progress on stderr.
        settings: those of `malmoi sample`; `bytes` is required.

    Raises:
        UsageError: a setting is unknown or impossible, or the folder holds something else.

    Example:
        raw = malmoi.sample("demo/raw", bytes="1MB", seed=7)
    """
    from malmoi_pipelines.sample.config import SampleConfig
    from malmoi_pipelines.sample.stage import sample as run

    config, options = _config("sample", SampleConfig, settings), _options(None)
    return _run(lambda told: run(os.fspath(out), config, options, overwrite=overwrite, progress=told), progress)


def clean(
    inputs: Paths,
    out: PathLike,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Dataset:
    """Raw text to documents: normalised, filtered, personal data masked; every reject with its reason.

    Args:
        inputs: files, globs, folders, datasets, remote URLs.
        out: the folder to write.
        workers: processes; None: by input, none or one a core.
        overwrite: replace what is in `out`.
        progress: show progress on stderr.
        settings: those of `malmoi clean`.

    Returns:
        Documents: `data` (id, source, text, ...), `rejects`, `spans`.

    Raises:
        UsageError: no input, a setting is unknown or impossible, or the folder holds something else.
        BadInputError: more documents could not be read than the error budget allows.

    Example:
        docs = malmoi.clean("demo/raw/data", "demo/docs", thresholds={"min_hangul_share": 0.3})
        docs.to_pandas("rejects")["reason"].value_counts()
    """
    from malmoi_pipelines.clean.config import CleanConfig
    from malmoi_pipelines.clean.stage import clean as run

    config, options = _config("clean", CleanConfig, settings), _options(workers)
    return _run(
        lambda told: run(_paths(inputs), os.fspath(out), config, options, overwrite=overwrite, progress=told), progress
    )


def dedupe(
    documents: Paths,
    out: PathLike,
    *,
    against: Paths = (),
    workers: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Dataset:
    """Documents to a corpus: exact and verified near duplicates removed, each with its survivor.

    Args:
        documents: datasets, or files of documents.
        out: the folder to write.
        against: earlier corpora, compared with but not changed.
        workers: processes; None: by input, none or one a core.
        overwrite: replace what is in `out`.
        progress: show progress on stderr.
        settings: those of `malmoi dedupe`.

    Returns:
        The corpus: `data`, `removals`, ...

    Raises:
        UsageError: no input, a setting is unknown or impossible, or the folder holds something else.
        CheckError: a guard stopped it.

    Example:
        corpus = malmoi.dedupe("demo/docs", "demo/corpus")
        corpus.to_pandas("removals").groupby("reason").size()
    """
    from malmoi_pipelines.dedupe.config import DedupeConfig
    from malmoi_pipelines.dedupe.stage import dedupe as run

    config, options = _config("dedupe", DedupeConfig, settings), _options(workers)
    given: dict[str, Any] = {"against": _paths(against), "overwrite": overwrite}
    return _run(lambda told: run(_paths(documents), os.fspath(out), config, options, progress=told, **given), progress)


def count(
    corpus: Paths,
    out: PathLike,
    *,
    add: Paths = (),
    workers: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Dataset:
    """Corpus to the word table: every distinct unit and letter with its count.

    Args:
        corpus: datasets, or files of documents; none (`[]`) to add tables up.
        out: the folder to write.
        add: finished word tables to add in.
        workers: processes; None: by input, none or one a core.
        overwrite: replace what is in `out`.
        progress: show progress on stderr.
        settings: those of `malmoi count`.

    Returns:
        The word table: `data`, `letters`, `sources`, and `held_out` with `held_out_share`.

    Raises:
        UsageError: no input, a setting is unknown or impossible, or the folder holds something else.

    Example:
        words = malmoi.count("demo/corpus", "demo/words")
        words.to_pandas().nlargest(10, "count")
    """
    from malmoi_pipelines.count.config import CountConfig
    from malmoi_pipelines.count.stage import count as run

    config, options = _config("count", CountConfig, settings), _options(workers)
    given: dict[str, Any] = {"add": _paths(add), "overwrite": overwrite}
    return _run(lambda told: run(_paths(corpus), os.fspath(out), config, options, progress=told, **given), progress)


def count_tokens(
    words: Paths,
    tokenizer: PathLike,
    out: PathLike,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Dataset:
    """How often each token of a tokenizer occurs in a corpus, exactly, from its word table.

    Args:
        words: word tables; they add up.
        tokenizer: a tokenizer's folder or file, `default`, or a name of the hub.
        out: the folder to write.
        workers: processes; None: by input, none or one a core.
        overwrite: replace what is in `out`.
        progress: show progress on stderr.
        settings: those of `malmoi count tokens`.

    Returns:
        `data`: a row a token with its count.

    Raises:
        UsageError: a setting is unknown or impossible, or the folder holds something else.
        BadInputError: a folder is no word table, or a file is no tokenizer.

    Example:
        counts = malmoi.count_tokens("demo/words", "demo/tokenizer", "demo/token-counts")
        counts.table().sort_by([("count", "descending")])
    """
    from malmoi_pipelines.count_tokens.config import CountTokensConfig
    from malmoi_pipelines.count_tokens.stage import count_tokens as run

    config, options = _config("count_tokens", CountTokensConfig, settings), _options(workers)
    tables, files = _paths(words), (os.fspath(tokenizer), os.fspath(out))
    return _run(lambda told: run(tables, *files, config, options, overwrite=overwrite, progress=told), progress)


def expand(words: Paths, out: PathLike, *, overwrite: bool = False, progress: bool = False, **settings: Any) -> Dataset:
    """Word table to an extended tokenizer: the fixed-point loop of KoSOLAR / EEVE.

    Args:
        words: word tables; they add up.
        out: the folder to write.
        overwrite: replace what is in it.
        progress: show progress on stderr.
        settings: those of `malmoi expand`: `base`, `cutoff`, `budget`, `candidates`, `policy`, ...

    Returns:
        The tokenizer's folder, which transformers loads as it is; `data`: a row a new token.

    Raises:
        UsageError: a setting is unknown or impossible, or the folder holds something else.
        CheckError: a gate failed; nothing is published.

    Example:
        tokenizer = malmoi.expand(
            "demo/words", "demo/tokenizer", cutoff=10, budget=320, intermediate_vocab_size=1500, morphemes=False
        )
        tokenizer.facts["tokens per eojeol after"]
    """
    from malmoi_tokenizer_lab.config import ExpandConfig
    from malmoi_tokenizer_lab.stage import expand as run

    config = _config("expand", ExpandConfig, settings)
    return _run(lambda told: run(_paths(words), os.fspath(out), config, overwrite=overwrite, progress=told), progress)


def shard(
    corpus: Paths,
    tokenizer: PathLike,
    out: PathLike,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Dataset:
    """Corpus and tokenizer to packed training examples, biased to the new tokens.

    Args:
        corpus: datasets, or files of documents.
        tokenizer: a tokenizer's folder or file, `default`, or a name of the hub.
        out: the folder to write.
        workers: processes; None: by input, none or one a core.
        overwrite: replace what is in `out`.
        progress: show progress on stderr.
        settings: those of `malmoi shard`.

    Returns:
        `data`: a row an example.

    Raises:
        UsageError: no input, a setting is unknown or impossible, or the folder holds something else.

    Example:
        shards = malmoi.shard("demo/corpus", "demo/tokenizer", "demo/shards", sequence_length=64)
        shards.to_datasets()
    """
    from malmoi_pipelines.shard.config import ShardConfig
    from malmoi_pipelines.shard.stage import shard as run

    config, options = _config("shard", ShardConfig, settings), _options(workers)
    files = (os.fspath(tokenizer), os.fspath(out))
    return _run(lambda told: run(_paths(corpus), *files, config, options, overwrite=overwrite, progress=told), progress)


def train(
    shards: PathLike,
    tokenizer: PathLike,
    out: PathLike,
    *,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Dataset:
    """Train the grown rows of a model on shards, everything else frozen, and save a plain Hugging Face model.

    Args:
        shards: what `shard` made.
        tokenizer: what `expand` made; the one the shards were made with.
        out: the folder to write; local.
        overwrite: replace what is in it.
        progress: show progress on stderr.
        settings: those of `malmoi train`. Without `model` a small random one is made.

    Returns:
        The run: `checkpoint/` is what transformers loads.

    Raises:
        UsageError: a setting is unknown or impossible, a package is missing, or the folder holds something else.
        CheckError: shards and tokenizer are no pair, or the loss is not finite.

    Example:
        model = malmoi.train("demo/shards", "demo/tokenizer", "demo/run", steps=4, batch_size=2, warmup_steps=0)
        model.facts["loss, last tenth of steps"]
    """
    from malmoi_trainer.config import TrainConfig
    from malmoi_trainer.stage import train as run

    config = _config("train", TrainConfig, settings)
    places = (os.fspath(shards), os.fspath(tokenizer), os.fspath(out))
    return _run(lambda told: run(*places, config, overwrite=overwrite, progress=told), progress)


def run_recipe(
    recipe: PathLike | Mapping[str, Any],
    out: PathLike,
    *,
    input: PathLike | None = None,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> dict[str, Dataset]:
    """Run every stage of a recipe in order, as `malmoi run` does; finished ones are skipped.

    Args:
        recipe: a YAML file, one of ours by its name ("quickstart"), or its content as a mapping.
        out: the folder of the run.
        input: the root of the raw text; None: the recipe generates it.
        overrides: single settings, as `--set` takes them: `["train.steps=10"]`.
        workers: processes of the data stages; None: by input, none or one a core.
        overwrite: begin anew.
        progress: show progress on stderr.

    Returns:
        Stage → what it made, in the order of the run.

    Raises:
        UsageError: a setting is unknown or impossible, no input, or the folder holds something else.
        BadInputError: the input holds no documents.

    Warns:
        UserWarning: of what the run will do and nobody may want, as training a toy because no model is named.

    Example:
        made = malmoi.run_recipe(recipe, "whole", overrides=["train.steps=2"])
        made["expand"].facts["new tokens"]
    """
    from malmoi.chain import build_chain
    from malmoi.preflight import check_run, find_warnings
    from malmoi.recipe import load_recipe
    from malmoi.run_folder import run_steps

    settings = load_recipe(recipe, overrides)
    folder, root = os.fspath(out), None if input is None else os.fspath(input)
    steps = build_chain(settings, root, folder, _options(workers))
    for line in find_warnings(steps):
        warnings.warn(line, stacklevel=2)
    check_run(steps, folder)
    done = run_steps(settings.name, steps, folder, overwrite=overwrite, quiet=not progress)
    return {name: Dataset(result.folder, result.manifest, result.skipped) for name, result in done.results.items()}


def _paths(given: Paths) -> list[str]:
    return [os.fspath(given)] if isinstance(given, str | os.PathLike) else [os.fspath(path) for path in given]


def _config(function: str, cls: type[C], settings: Mapping[str, Any]) -> C:
    return parse_config(cls, settings, f"malmoi.{function}")


def _options(workers: int | None) -> "RunOptions":
    return run_options("DirectRunner", workers, ())


def _run(stage: Callable[[Progress], StageResult], show: bool) -> Dataset:
    with ShownProgress(quiet=not show) as progress:
        result = stage(progress)
    return Dataset(result.folder, result.manifest, result.skipped)
