"""The verbs of personal data alone: `malmoi pii show` and `malmoi pii mask`."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from malmoi.arguments import ConfigFile, Set, stage_config
from malmoi.console import err, out, print_facts, print_rows

if TYPE_CHECKING:
    from collections import Counter

pii = typer.Typer(name="pii", help="Personal data in files: look at what is found, or mask it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.add_typer(pii)


@pii.command()
def show(
    inputs: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, globs, folders of any format.")],
    limit: Annotated[int, typer.Option("--limit", min=0, help="Spans to list; all are counted.")] = 100,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the digits, which are 0 otherwise.")] = False,
    config: ConfigFile = None,
    set_: Set = None,
) -> None:
    """List personal data: file, line, document, offsets, kind, rule, and the text around with its digits hidden."""
    from malmoi_pipelines.pii.config import ShowConfig
    from malmoi_pipelines.pii.listing import Hit, Listing, check_listed, find_hits

    listing = Listing()
    settings = stage_config("pii show", ShowConfig, config, set_)
    hits = find_hits(inputs, settings, listing)

    def row(hit: Hit) -> dict[str, Any]:
        return {
            "file": hit.file,
            "line": hit.line,
            "id": hit.id,
            "span": f"{hit.span.start}-{hit.span.end}",
            "kind": hit.span.kind,
            "rule": hit.span.rule,
            "text": hit.context(reveal),
        }

    print_rows([row(hit) for hit in islice(hits, limit)], "personal data")
    more = sum(1 for _ in hits)
    if more:
        out.print(f"and {more} more: --limit N lists N")
    _print_rules(listing.rules, listing.bytes, "by kind and rule")
    unreadable = listing.unread.problems.total()
    facts = {"documents": listing.documents, "MB of text": listing.bytes / 1e6, "unreadable lines": unreadable}
    print_facts({**facts, "spans": listing.rules.total()}, "pii show")
    check_listed(listing, settings)


@pii.command()
def mask(
    path: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="JSON lines, plain or compressed.")],
    out_path: Annotated[
        str, typer.Option("--out", "-o", help="File to write: .jsonl, .jsonl.gz or .jsonl.zst, by its name.")
    ],
    config: ConfigFile = None,
    set_: Set = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
) -> None:
    """Mask personal data in all strings and whole numbers of JSON lines; every line, its order, id and fields stay."""
    from malmoi_pipelines.pii.config import MaskConfig
    from malmoi_pipelines.pii.mask_file import mask_file

    settings = stage_config("pii mask", MaskConfig, config, set_)
    with err.status("masking"):
        counts = mask_file(path, out_path, settings, overwrite=overwrite)
    _print_rules(counts.masks, counts.bytes, "masked, by kind and rule")
    _print_rules(counts.left, counts.bytes, "left as it is, in keys and kept fields")
    facts = {
        "lines": counts.lines,
        "lines changed": counts.changed,
        "lines that are no JSON, masked as text": counts.not_json,
        "lines that are no UTF-8, their other bytes masked": counts.invalid_utf8,
        "masks": counts.masks.total(),
    }
    print_facts(facts, "pii mask")
    out.print(f"written to {out_path}")


def _print_rules(rules: "Counter[tuple[str, str]]", num_bytes: int, title: str) -> None:
    from malmoi_pipelines.text.pii import RULES

    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "rule": rule,
            "spans": count,
            "per MB": count / (num_bytes / 1e6),
            "what": RULES[rule].description,
        }
        for (kind, rule), count in sorted(rules.items())
    ]
    print_rows(rows, title)
