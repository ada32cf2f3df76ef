"""A report as one page of HTML: no scripts, nothing fetched from elsewhere, pictures inside, readable on a phone."""

import html
import re
from collections.abc import Mapping
from typing import Any

from malmoi_pipelines.contracts.values import format_value

NUM_OPEN = 15
"""A table with more rows is folded up until somebody asks for it."""

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; color: #1b1f24; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #d8dee4; text-align: left; vertical-align: top; }
th { background: #f6f8fa; } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
summary { cursor: pointer; color: #0550ae; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; } svg { max-width: 100%; height: auto; }
"""


def page(
    title: str,
    facts: Mapping[str, Any],
    tables: Mapping[str, list[dict[str, Any]]],
    pictures: Mapping[str, bytes],
) -> bytes:
    """The page; equal input, equal bytes.

    Args:
        title: its heading.
        facts: figures, name → value.
        tables: name → rows with equal keys.
        pictures: caption → SVG.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        *(_figure(number, *picture) for number, picture in enumerate(pictures.items())),
    ]
    if facts:
        parts += _section("Facts", [{"figure": name, "value": value} for name, value in facts.items()], fold=False)
    for name, rows in tables.items():
        parts += _section(name, rows, fold=len(rows) > NUM_OPEN)
    return ("\n".join([*parts, "</body></html>"]) + "\n").encode()


def _section(name: str, rows: list[dict[str, Any]], fold: bool) -> list[str]:
    table = f'<div class="wide">{_table(rows)}</div>'
    body = f"<details><summary>{len(rows)} rows</summary>{table}</details>" if fold else table
    return [f"<section><h2>{html.escape(name)}</h2>", body, "</section>"]


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "<p>(empty)</p>"
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
    lines = ["<tr>" + "".join(_cell(row[name]) for name in rows[0]) + "</tr>" for row in rows]
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"


def _cell(value: Any) -> str:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    shown = "" if value is None else html.escape(format_value(value))
    return f'<td class="number">{shown}</td>' if numeric else f"<td>{shown}</td>"


def _figure(number: int, caption: str, svg: bytes) -> str:
    return f"<figure><figcaption>{html.escape(caption)}</figcaption>{_inline(svg.decode(), number)}</figure>"


def _inline(svg: str, number: int) -> str:
    """An SVG file as an element: without what stands before it, and with ids of its own (matplotlib's repeat)."""
    element = svg[svg.index("<svg") :].rstrip()
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>p{number}-", element)
