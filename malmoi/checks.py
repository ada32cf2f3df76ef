"""What can be known to be wrong with a stage of a run before the first one starts.

A check yields errors instead of raising the first, so that a person sees all of them at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import MalmoiError, UsageError

if TYPE_CHECKING:
    from malmoi_pipelines.clean.config import CleanConfig
    from malmoi_pipelines.lm.config import LmConfig
    from malmoi_pipelines.raw.inputs import InputFile
    from malmoi_tokenizer_lab.base import Base
    from malmoi_tokenizer_lab.config import ExpandConfig
    from malmoi_trainer.config import TrainConfig

    from malmoi.reference_model import ReferenceModel
    from malmoi.stages import Place

Configs = Mapping[str, Any]
"""Stage → its settings in this run."""


def check_clean(config: "CleanConfig", place: "Place", configs: Configs) -> Iterator[MalmoiError]:
    """Its files, models and lists are there, and the first lines of each source hold a document."""
    sides = config.side_inputs()
    tokenizers = {role: sides.pop(role) for role in list(sides) if role.endswith(".tokenizer")}
    yield from _missing(sides)
    for role, name in tokenizers.items():
        yield from _no_sentencepiece(role, name)
    if "sample" in configs:
        return  # its input is yet to be made
    try:
        found = find_raw(list(place.inputs), config)
    except MalmoiError as error:
        yield error
        return
    if config.error_budget < 1:  # a budget of all documents says that there need be none
        from malmoi_pipelines.raw.probe import sources_without_documents

        yield from sources_without_documents(found, config.read_options)


def find_raw(inputs: list[str], config: "CleanConfig | LmConfig") -> "tuple[InputFile, ...]":
    """The files of raw text that a stage would read."""
    from malmoi_pipelines.raw.inputs import find_inputs

    return find_inputs(inputs, config.read_options, ignore=config.ignore, source=config.source).files


def check_lm(config: "ReferenceModel", place: "Place", configs: Configs) -> Iterator[MalmoiError]:
    """Its tokenizer is there, and so is its text."""
    yield from _no_sentencepiece("tokenizer", config.tokenizer)
    if "sample" in configs:
        return
    try:
        find_raw(place.below(config.inputs), config)
    except MalmoiError as error:
        yield error.at("inputs", config.inputs)


def check_expand(config: "ExpandConfig", place: "Place", configs: Configs) -> Iterator[MalmoiError]:
    """Its base can be opened and extended as its settings say, and its lists and texts are there."""
    from malmoi_tokenizer_lab.stage import settings_for

    given = {"allow": config.allow, "deny": config.deny, "parallel": config.parallel}
    yield from _missing({role: path for role, path in given.items() if path})
    yield from _missing({f"held_out.{number}": path for number, path in enumerate(config.held_out)})
    try:
        base = _base(config)
    except MalmoiError as error:
        yield error.at("base", config.base)
        return
    try:
        settings_for(base, config)
    except MalmoiError as error:
        yield error


def check_train(config: "TrainConfig", place: "Place", configs: Configs) -> Iterator[MalmoiError]:
    """The machine can train, and the model can be: its family, its context, its vocabulary."""
    from malmoi_trainer.model.suitability import unsuitable
    from malmoi_trainer.stage import check_machine

    if not files.is_local(place.out):
        yield UsageError(f"training writes to a local folder. Got {place.out!r}.", hint="choose a local --out")
    try:
        check_machine(config)
    except MalmoiError as error:
        yield error
    size = None
    if config.model is not None:
        try:
            size = _base(configs["expand"]).size
        except MalmoiError:
            size = None  # which is expand's own problem
    yield from unsuitable(config, configs["shard"].sequence_length, size, configs["expand"].budget)


def warn_train(config: "TrainConfig", configs: Configs) -> Iterator[str]:
    """No model is named: a toy is made. Its size is that with all the rows that `expand` may add."""
    if config.model is not None:
        return
    expand = configs["expand"]
    try:
        size = _base(expand).size + (expand.budget or 0)
    except MalmoiError:
        return  # which is expand's own problem, and ends the run
    if (warning := config.no_model(size)) is not None:
        yield warning


def _no_sentencepiece(role: str, name: str) -> Iterator[MalmoiError]:
    """Why a language model's words cannot be cut by what a setting names."""
    from malmoi_pipelines.lm.sentences import find_sentencepiece

    try:
        find_sentencepiece(name)
    except MalmoiError as error:
        yield error.at(role, name)


def _base(config: "ExpandConfig") -> "Base":
    from malmoi_tokenizer_lab.bases import open_base

    return open_base(config.base)


def _missing(paths: Mapping[str, str]) -> Iterable[MalmoiError]:
    return [
        UsageError(f"{role} = {path!r}: there is no such file or folder.", hint="correct the path")
        for role, path in paths.items()
        if not files.exists(path)
    ]
