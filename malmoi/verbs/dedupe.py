"""The verb dedupe, and its subverbs explain and plan."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Documents,
    Out,
    Overwrite,
    Quiet,
    Runner,
    Set,
    Workers,
    input_paths,
    own_options,
    run_options,
    stage_config,
)
from malmoi.console import out as stdout
from malmoi.console import print_facts, print_rows
from malmoi.summary import finish
from malmoi.verb_group import with_subverbs

if TYPE_CHECKING:
    from malmoi_pipelines.dedupe.explain.explanation import Explanation, Kept, Removal, Removed
    from malmoi_pipelines.dedupe.explain.text_diff import Piece

Against = Annotated[
    list[str] | None,
    typer.Option("--against", help="An earlier corpus, compared with but not changed; may be repeated."),
]

SIDES = {"both": ("{}", ""), "left": ("[-{}-]", "red"), "right": ("{{+{}+}}", "green")}
"""Side of a diff → how it is marked, as in `git diff --word-diff`, and its colour."""

subverbs = typer.Typer()


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM, cls=with_subverbs(subverbs))(dedupe)


def dedupe(
    context: typer.Context,
    inputs: Documents,
    out: Out,
    against: Against = None,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Documents to a corpus: exact and verified near duplicates removed, each with its survivor."""
    paths, flags = input_paths(inputs, context)
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.dedupe.config import DedupeConfig
    from malmoi_pipelines.dedupe.stage import dedupe as run

    settings = stage_config("dedupe", DedupeConfig, config, set_)
    earlier = against or []
    finish(
        quiet,
        lambda progress: run(paths, out, settings, options, against=earlier, overwrite=overwrite, progress=progress),
    )


@subverbs.command()
def plan(
    inputs: Documents,
    sample: Annotated[str, typer.Option("--sample", help="Text to try it on, e.g. 64MB.")] = "64MB",
    read_all: Annotated[
        bool, typer.Option("--read-all", help="Read every text once: how many documents are distinct, within 1 to 2 %.")
    ] = False,
    against: Against = None,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
) -> None:
    """Estimate, from a sample of the text, what dedupe would take and find; nothing is written."""
    from malmoi_pipelines.dedupe.config import DedupeConfig
    from malmoi_pipelines.dedupe.estimate import estimate

    settings = stage_config("dedupe plan", DedupeConfig, config, set_)
    run_options("DirectRunner", workers, ())
    result = estimate(
        inputs,
        settings,
        against=against or [],
        workers=workers,
        sample_bytes=byte_size("--sample", sample),
        read_all=read_all,
    )
    print_facts(result.facts, "dedupe plan")
    for title, rows in result.tables.items():
        print_rows(rows, title)


@subverbs.command()
def explain(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document's id.")],
    corpus: Annotated[str, typer.Option("--in", help="The folder that dedupe wrote.")],
    source: Annotated[str | None, typer.Option("--source", help="Its source, where several have the id.")] = None,
    documents: Annotated[
        list[str] | None,
        typer.Option("--documents", help="What dedupe read, for the diff. Default: looked for beside the corpus."),
    ] = None,
    against: Against = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Changes, documents and lines to list; all are counted.")
    ] = 40,
    config: ConfigFile = None,
    set_: Set = None,
) -> None:
    """Say why a document was removed, with a diff, or what a document that stays stands for."""
    from malmoi_pipelines.dedupe.config import DedupeConfig
    from malmoi_pipelines.dedupe.explain.explanation import explain as look

    settings = stage_config("dedupe explain", DedupeConfig, config, set_) if config or set_ else None
    found = look(
        corpus,
        document,
        source=source,
        documents=documents or [],
        against=against or [],
        config=settings,
        limit=limit,
    )
    print_explanation(found, limit)


def print_explanation(found: "Explanation", limit: int) -> None:
    """Everything that was found, notes last."""
    name = f"{found.name.id} of {found.name.source}"
    for removed in found.removed:
        print_facts(_removed_facts(removed), f"{name} was removed")
        if removed.comparison is not None:
            print_diff(removed.comparison.pieces, limit)
    if found.kept is not None:
        _print_kept(found.kept, name)
    print_rows(found.lines, f"repeated lines removed from {name}")
    _print_more(found.num_lines - len(found.lines))
    for note in found.notes:
        stdout.print(Text.assemble(("note: ", "bold yellow"), note))


def _removed_facts(removed: "Removed") -> dict[str, Any]:
    removal = removed.removal
    facts: dict[str, Any] = {
        "reason": removal.reason,
        "repeats": f"{removal.partner.id} of {removal.partner.source}",
        "in an earlier corpus": "yes" if removal.partner_old else "no",
        "similarity": removal.similarity,
    }
    if (comparison := removed.comparison) is not None:
        share = f"{comparison.shared:,} of {comparison.total:,}"
        ratio = f" = {comparison.shared / comparison.total:.4f}" if comparison.total else ""
        facts["shingles shared, counted again"] = share + ratio
    facts["survivor of the cluster"] = f"{removal.cluster.id} of {removal.cluster.source}"
    return {**facts, "documents in the cluster": removed.cluster_size, "bytes": removal.bytes}


def _print_kept(kept: "Kept", name: str) -> None:
    title = f"{name} is in an earlier corpus" if kept.old else f"{name} was kept"
    print_facts({"documents it stands for": kept.cluster_size, "removed because of it": kept.num_members}, title)
    print_rows([_member(removal) for removal in kept.members], "merged into it")
    _print_more(kept.num_members - len(kept.members))


def _member(removal: "Removal") -> dict[str, Any]:
    return {
        "id": removal.name.id,
        "source": removal.name.source,
        "reason": removal.reason,
        "similarity": removal.similarity,
        "bytes": removal.bytes,
    }


def print_diff(pieces: list["Piece"], limit: int) -> None:
    """The first changes of a diff with what is around them, marked and coloured."""
    from malmoi_pipelines.dedupe.explain.text_diff import fold

    # A replacement is one change, of two pieces or more.
    starts = [piece.side != "both" and before == "both" for piece, before in _with_side_before(pieces)]
    if not any(starts):
        stdout.print("The texts are equal but for spaces and line breaks.")
        return
    stdout.print(Text.assemble("diff: ", ("[-only in the partner-]", "red"), " ", ("{+only here+}", "green")))
    text, shown = Text(), 0
    for piece, before in _with_side_before(fold(pieces)):
        shown += piece.side != "both" and before == "both"
        if shown > limit:
            break
        text.append_text(_marked(piece))
    stdout.print(text)
    _print_more(sum(starts) - limit)


def _with_side_before(pieces: list["Piece"]) -> Iterable[tuple["Piece", str]]:
    return zip(pieces, ["both", *(piece.side for piece in pieces)], strict=False)


def _print_more(more: int) -> None:
    if more > 0:
        stdout.print(f"and {more:,} more: --limit N lists N")


def _marked(piece: "Piece") -> Text:
    form, colour = SIDES[piece.side]
    if piece.words:
        # What a terminal would act upon has no place in a listing.
        words = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(piece.words))
        return Text(f"{form.format(words)} ", colour)
    hidden = f"… {piece.count:,} eojeol …"
    return Text(f"\n{hidden}\n", "dim") if piece.side == "both" else Text(f"{form.format(hidden)} ", colour)


def byte_size(option: str, value: str) -> int:
    """Bytes of a size such as 64MB.

    Raises:
        UsageError: it is none.
    """
    from malmoi_pipelines.contracts.errors import UsageError
    from malmoi_pipelines.contracts.sizes import parse_bytes

    try:
        size = parse_bytes(value)
    except ValueError as error:
        raise UsageError(f"{option} {error}. Got {value!r}.") from None
    return int(size)
