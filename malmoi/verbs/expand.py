"""The verb expand."""

from typing import Annotated, Any

import typer
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.engine.options import unknown_option

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Out,
    Overwrite,
    Quiet,
    Set,
    Workers,
    input_paths,
    own_options,
    run_options,
    stage_config,
)
from malmoi.summary import finish


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM)(expand)


def expand(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Word tables made by `malmoi count`.")],
    out: Out,
    base: Annotated[
        str | None, typer.Option("--base", help="Base tokenizer: a folder, a file, default, or owner/name on the hub.")
    ] = None,
    cutoff: Annotated[int | None, typer.Option("--cutoff", help="Least occurrences of a new token.")] = None,
    budget: Annotated[int | None, typer.Option("--budget", help="New rows, reserved ones included.")] = None,
    candidates: Annotated[
        str | None,
        typer.Option(
            "--candidates",
            help="Where candidates come from: an intermediate tokenizer, or continued BPE training of the base "
            "(a byte-level base's default, else intermediate).",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help="How tokens are dropped: leaf-first (default), support-closed or kosolar."),
    ] = None,
    compare: Annotated[
        list[str] | None, typer.Option("--compare", help="Another policy to put beside it; may be repeated.")
    ] = None,
    allow: Annotated[str | None, typer.Option("--allow", help="File of pieces to keep, one a line.")] = None,
    deny: Annotated[str | None, typer.Option("--deny", help="File of pieces to leave out, one a line.")] = None,
    held_out: Annotated[
        list[str] | None, typer.Option("--held-out", help="Word table of text to evaluate on; may be repeated.")
    ] = None,
    parallel: Annotated[
        str | None, typer.Option("--parallel", help="JSON lines with text_ko and text_en, for parity.")
    ] = None,
    count_runner: Annotated[
        str | None, typer.Option("--count-runner", help="Beam runner that counts each round; its flags follow.")
    ] = None,
    workers: Workers = None,
    config: ConfigFile = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Word table to an extended tokenizer: the fixed-point loop of KoSOLAR / EEVE."""
    tables, flags = input_paths(words, context)
    job = _count_job(tables, count_runner, workers, flags, own_options(context))
    from malmoi_tokenizer_lab.config import ExpandConfig
    from malmoi_tokenizer_lab.stage import expand as run

    given = {"base": base, "cutoff": cutoff, "budget": budget}
    choice = {"candidates": candidates, "policy": policy, "compare": compare}
    curation = {"allow": allow, "deny": deny, "held_out": held_out, "parallel": parallel}
    settings = stage_config("expand", ExpandConfig, config, set_, **given, **choice, **curation)
    finish(
        quiet,
        lambda progress: run(tables, out, settings, overwrite=overwrite, progress=progress, count_job=job),
    )


def _count_job(
    words: list[str], runner: str | None, workers: int | None, flags: tuple[str, ...], own: list[str]
) -> Any:
    """What counts each round; None: the loop itself.

    Raises:
        UsageError: options of a runner, and no runner.
    """
    if runner is None:
        if flags:
            otherwise = "see `malmoi expand --help`; a runner's own options need --count-runner"
            raise unknown_option(flags[0].partition("=")[0], "malmoi expand", own, otherwise)
        if workers is not None:
            hint = "name its runner: --count-runner DirectRunner"
            raise UsageError(f"--workers {workers} is for the job that counts.", hint=hint)
        return None
    options = run_options(runner, workers, flags, own)
    from malmoi.count_runner import count_job

    return count_job(words, options)
