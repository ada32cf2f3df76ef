"""The options that stages share, and how a stage's configuration comes together."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import typer
import yaml
from malmoi_pipelines.contracts import extras, files
from malmoi_pipelines.contracts.config import Config, apply_overrides, parse_config
from malmoi_pipelines.contracts.errors import UsageError

C = TypeVar("C", bound=Config)

BEAM = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
}  # Beam's own flags pass through, checked strictly later

RawInputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="Files, globs, folders, dataset folders, remote URLs.")
]
Documents = Annotated[list[str], typer.Argument(metavar="DOCS...", help="Documents, in whatever form `clean` reads.")]
Folder = Annotated[str, typer.Argument(metavar="PATH", help="A dataset folder, or a run folder of several.")]
Out = Annotated[str, typer.Option("--out", "-o", help="Dataset folder to write (local path or URL).")]
ConfigFile = Annotated[str | None, typer.Option("--config", help="YAML file with the stage's settings.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="One setting, key=value; may be repeated.")]
Workers = Annotated[
    int | None, typer.Option("--workers", help="Worker processes here. Default: by input, none or one a core.")
]
Runner = Annotated[str, typer.Option("--runner", help="Beam runner; its own flags follow as --name=value.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is in the output folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def load_yaml(path: str) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        UsageError: the file is missing, not YAML, or not a mapping.
    """
    if not files.exists(path):
        raise UsageError(f"there is no file {path}.")
    try:
        value = yaml.safe_load(files.read_bytes(path)) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path} must hold a mapping of settings. Got {type(value).__name__}.")
    return value


def stage_config(verb: str, cls: type[C], path: str | None, overrides: list[str] | None, **given: Any) -> C:
    """The configuration of a verb: the file's settings, then `--set`, then the verb's own options that were given.

    Raises:
        UsageError: naming the verb (and the file), each wrong key and its remedy.
    """
    values = apply_overrides(load_yaml(path) if path else {}, overrides or [])
    values.update({key: value for key, value in given.items() if value is not None})
    return parse_config(cls, values, f"malmoi {verb}" + (f", {path}" if path else ""))


def split_inputs(arguments: list[str], extra: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Separate inputs from Beam flags: both arrive as arguments, since the flags are not ours to declare.

    >>> split_inputs(["a", "--parallelism=2", "b"], [])
    (['a', 'b'], ('--parallelism=2',))
    """
    flags = [argument for argument in arguments if argument.startswith("-")]
    return [argument for argument in arguments if not argument.startswith("-")], (*flags, *extra)


def input_paths(arguments: list[str], context: typer.Context) -> tuple[list[str], tuple[str, ...]]:
    """The inputs of a verb and the flags for Beam.

    Raises:
        UsageError: there is no input.
    """
    paths, flags = split_inputs(arguments, context.args)
    if not paths:
        raise UsageError("at least one input is needed.", hint="name a file, a glob or a folder")
    return paths, flags


def own_options(context: typer.Context) -> list[str]:
    """The options that a verb declares, such as `--out`: what a mistyped one may have meant."""
    return [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]


def run_options(runner: str, workers: int | None, flags: tuple[str, ...], own: Sequence[str] = ()) -> Any:
    """`RunOptions` of the data stages, checked.

    Args:
        runner: Beam's name of it.
        workers: processes, or None.
        flags: all that the verb does not declare.
        own: the options that it does.

    Raises:
        UsageError: a package is not installed, or a flag is unknown.
    """
    extras.require("this verb", *extras.missing_of("data"))
    from malmoi_pipelines.engine.options import RunOptions, check_flags

    options = RunOptions(runner, workers, flags)
    check_flags(options, own)
    return options
