"""The report of a stage: `report.json` for machines, `report.md` and `report.html` for people; equal on equal input."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.ledger import FAILED, IN, KEPT, MERGED, Ledger
from malmoi_pipelines.contracts.manifest import PICTURES
from malmoi_pipelines.contracts.page import page
from malmoi_pipelines.contracts.values import format_value


@dataclass
class Report:
    """A stage's ledger and its facts.

    `facts` are single figures (name → value), the most important first: the command line prints the first few. `tables`
    are named lists of rows with equal keys.
    """

    stage: str
    ledger: Ledger | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    """Caption → SVG."""
    shown: tuple[str, ...] = ()
    """Tables that the command line prints, too: the answer that the stage was asked for."""
    with_page: bool = False
    """Whether to write `report.html`, too: all of it on one page."""

    def to_json(self) -> bytes:
        """The JSON form. Keys stay in their order, which means something and is the same for equal input."""
        value = {
            "stage": self.stage,
            "ledger": self.ledger.to_json() if self.ledger else None,
            "facts": self.facts,
            "tables": self.tables,
            "shown": self.shown,
        }
        return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"

    def to_markdown(self) -> str:
        """The Markdown form."""
        parts = [f"# {self.stage}"]
        if self.facts:
            parts.append(markdown_table([{"figure": name, "value": value} for name, value in self.facts.items()]))
        if self.ledger:
            parts += ["## Ledger", markdown_table(ledger_rows(self.ledger))]
            if reasons := self.ledger.reasons():
                parts += [
                    "## Dropped",
                    markdown_table([{"reason": k, "documents": v} for k, v in reasons.items()]),
                ]
        for name, rows in self.tables.items():
            parts += [f"## {name}", markdown_table(rows)]
        parts += [f"![{caption}]({_picture_path(caption)})" for caption in self.pictures]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> bytes:
        """All of it as one page, pictures inside."""
        ledger = {"Ledger": ledger_rows(self.ledger)} if self.ledger else {}
        return page(f"malmoi {self.stage}", self.facts, {**ledger, **self.tables}, self.pictures)

    def write(self, folder: str) -> tuple[str, ...]:
        """Write all forms and the pictures into a dataset folder; returns the names of the files."""
        contents = {
            "report.json": self.to_json(),
            "report.md": self.to_markdown().encode(),
            **({"report.html": self.to_html()} if self.with_page else {}),
            **{_picture_path(caption): picture for caption, picture in self.pictures.items()},
        }
        for name, content in contents.items():
            files.write_bytes(files.join(folder, name), content)
        return tuple(contents)


def _picture_path(caption: str) -> str:
    return f"{PICTURES}/{caption.lower().replace(' ', '-')}.svg"


def read_report(folder: str) -> Report:
    """Read a dataset folder's report."""
    value = orjson.loads(files.read_bytes(files.join(folder, "report.json")))
    ledger = Ledger.from_json(value["ledger"]) if value["ledger"] else None
    return Report(value["stage"], ledger, value["facts"], value["tables"], shown=tuple(value["shown"]))


def ledger_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """The ledger as table rows, one a source and the total last."""
    sources: list[str | None] = [*sorted(ledger.counts), None]
    return [
        {
            "source": "total" if source is None else source,
            **{name: ledger.documents(name, source) for name in (IN, KEPT, "dropped", MERGED, FAILED)},
            "MB in": round(ledger.bytes(IN, source) / 1e6, 2),
            "MB kept": round(ledger.bytes(KEPT, source) / 1e6, 2),
        }
        for source in sources
    ]


def markdown_table(rows: list[dict[str, Any]]) -> str:
    """Rows with equal keys as a Markdown table."""
    if not rows:
        return "(empty)"
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(format_value(row[name]).replace("|", "\\|") for name in names) + " |" for row in rows]
    return "\n".join(lines)
