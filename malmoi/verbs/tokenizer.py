"""The verbs of tokenizers: `malmoi tokenizer check`, `explain` and `compare`."""

from typing import TYPE_CHECKING, Annotated

import typer

from malmoi.arguments import ConfigFile, Out, Overwrite, Quiet, Set, stage_config
from malmoi.console import err, out, print_facts, print_rows
from malmoi.summary import finish

if TYPE_CHECKING:
    from malmoi_tokenizer_lab.explain import Explanation

tokenizer = typer.Typer(
    name="tokenizer", help="Tokenizers: check one, explain a token of it, compare several.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.add_typer(tokenizer)


@tokenizer.command()
def check(
    folder: Annotated[
        str,
        typer.Argument(metavar="FOLDER", help="Tokenizer: a folder, a file, default, or owner/name on the hub."),
    ],
    base: Annotated[
        str | None,
        typer.Option("--base", help="The tokenizer it extends, named likewise. Else what its manifest tells."),
    ] = None,
) -> None:
    """Run every gate over a tokenizer; exit code 4 if one failed."""
    from malmoi_pipelines.contracts.errors import CheckError
    from malmoi_tokenizer_lab.check import check_tokenizer
    from malmoi_tokenizer_lab.gates.result import verdict

    with err.status("checking"):
        results = check_tokenizer(folder, base)
    print_rows([result.row() for result in results], "gates")
    failed = [result for result in results if result.failed]
    if failed:
        names = "; ".join(result.gate for result in failed)
        hint = "the table shows the first failure of each"
        told = verdict([result.compared for result in results], len(failed))
        raise CheckError(f"gates: {told}; failed: {names}.", hint=hint)
    out.print(f"gates: {verdict([result.compared for result in results])}")


@tokenizer.command()
def explain(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its text, a space or ▁ in front if any, or its id.")],
    folder: Annotated[str, typer.Option("--in", help="The folder that expand wrote, or its name on the hub.")],
) -> None:
    """Say why a token is in an expanded tokenizer or not: its rounds, counts, parents and what is made from it."""
    from malmoi_tokenizer_lab.explain import explain as look

    print_explanation(look(folder, token))


def print_explanation(found: "Explanation") -> None:
    """The verdict, the facts, the tables."""
    print_facts({"verdict": found.verdict, **found.facts}, found.token)
    for title, rows in found.tables.items():
        print_rows(rows, title)


@tokenizer.command()
def compare(
    tokenizers: Annotated[
        list[str],
        typer.Argument(
            metavar="TOKENIZER...", help="Folders, files, default, or owner/name on the hub; the base first."
        ),
    ],
    words: Annotated[list[str], typer.Option("--words", help="Word table made by `malmoi count`; may be repeated.")],
    out: Out,
    parallel: Annotated[
        str | None, typer.Option("--parallel", help="JSON lines with text_ko and text_en, for parity.")
    ] = None,
    config: ConfigFile = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Measure tokenizers side by side on word tables: fertility, bytes per token, vocabulary use, parity."""
    from malmoi_tokenizer_lab.compare import CompareConfig
    from malmoi_tokenizer_lab.compare import compare as run

    settings = stage_config("tokenizer compare", CompareConfig, config, set_, parallel=parallel)
    finish(quiet, lambda progress: run(tokenizers, words, out, settings, overwrite=overwrite, progress=progress))
