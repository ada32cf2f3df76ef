"""Writes `docs/data-format.md` from the schemas: `make docs`."""

from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.fingerprint import canonical_json
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest
from malmoi_pipelines.contracts.report import markdown_table
from malmoi_pipelines.contracts.schemas import DATASETS, SCHEMA_VERSION, DatasetKind, Table

HEAD = f"""# Data format

Generated from `malmoi_pipelines.contracts` by `make docs`; a test keeps it true. Schema version {SCHEMA_VERSION}.

A **dataset folder** holds tables (folders of files), `report.json` and `report.md` (tokenizers and comparisons also
`report.html`), `timings.json`, and `manifest.json`, which is written last: its presence means that the folder is
complete. Tables are Parquet, shards are Arrow streams. No file that the manifest names depends on time, place, worker
count or order of arrival: equal input and settings give equal bytes. What a clock or a machine decides is in
`timings.json`, which it does not name."""
LEDGER = """`report.json` holds the ledger: per source and outcome the documents and the UTF-8 bytes as they came in. A
stage fails unless `in = kept + dropped + merged + failed` in both, for every source."""


def describe() -> str:
    """The whole document as Markdown."""
    parts = [HEAD, *(_dataset(kind) for kind in DATASETS), _manifest(), _ledger()]
    return "\n\n".join(parts) + "\n"


def _dataset(kind: DatasetKind) -> str:
    head = f"## {kind.name} (`malmoi {kind.stage}`)\n\n{kind.meaning[:1].upper()}{kind.meaning[1:]}."
    return "\n\n".join([head, *(_table(table) for table in kind.tables)])


def _table(table: Table) -> str:
    rows = [
        {
            "field": f"`{field.name}`",
            "type": f"`{field.type}`",
            "null": "yes" if field.nullable else "no",
            "unit": field.unit,
            "meaning": field.meaning,
        }
        for field in table.fields
    ]
    return f"### `{table.name}/`: {table.meaning}\n\n{markdown_table(rows)}"


def _manifest() -> str:
    rows = [
        {"model": model.__name__, "field": f"`{name}`", "type": f"`{_type_name(field.annotation)}`"}
        for model in (Manifest, Code, FileInfo)
        for name, field in model.model_fields.items()
    ]
    return f"## manifest.json\n\n{(Manifest.__doc__ or '').strip()}\n\n{markdown_table(rows)}"


def _type_name(annotation: object) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).replace("malmoi_pipelines.contracts.manifest.", "")


def _ledger() -> str:
    example = Ledger()
    for outcome, documents in (("in", 3), ("kept", 2), ("dropped:too_short", 1)):
        example.add("web", outcome, documents, 100 * documents)
    value = canonical_json(example.to_json()).decode()
    return f"## The ledger\n\n{LEDGER}\n\n```json\n{value}\n```"


if __name__ == "__main__":
    print(describe(), end="")  # noqa: T201  # the document goes to stdout
