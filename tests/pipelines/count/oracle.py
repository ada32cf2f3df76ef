"""The word table the slow and simple way, and readers of the real one."""

import re
from collections import Counter

import pyarrow as pa
from malmoi_pipelines.contracts.schemas import HELD_OUT, LETTERS, SOURCES, WORDS
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.text.units import split_units

LETTER = re.compile("[가-힣ㄱ-ㆎ]")


def units_of(text, rule="metaspace"):
    return split_units(pa.array([text], pa.large_string()), rule).to_pylist()


def counted(rows, rule="metaspace"):
    """{(unit, source): count} of (id, source, text) rows; documents without text are left out."""
    return Counter((unit, source) for _, source, text in rows if text for unit in units_of(text, rule))


def letters_of(rows):
    return Counter(letter for _, _, text in rows for letter in LETTER.findall(text))


def statistics(rows, rule="metaspace"):
    """{source: figures} of (id, source, text) rows; documents without text are left out."""
    found = {}
    for _, source, text in filter(lambda row: row[2], rows):
        figures = {
            "documents": 1,
            "bytes": len(text.encode()),
            "characters": len(text),
            "lines": text.count("\n") + (text[-1] != "\n"),
            "eojeol": len(re.findall(r"[^\x00-\x20\x7f]+", text)),
            "units": len(units_of(text, rule)),
            "letters": len(LETTER.findall(text)),
        }
        found[source] = {name: value + found.get(source, {}).get(name, 0) for name, value in figures.items()}
    return found


def read_counts(folder, table=WORDS):
    """{(unit, source): count} of a word table; what a row must be is checked on the way."""
    names = {row["number"]: row["source"] for row in read_table(folder, SOURCES).to_pylist()}
    found = {}
    for row in read_table(folder, table).to_pylist():
        assert row["sources"] == sorted(set(row["sources"]))
        assert len(row["sources"]) == len(row["source_counts"])
        assert row["count"] == sum(row["source_counts"])
        for number, count in zip(row["sources"], row["source_counts"], strict=True):
            assert (row["unit"], names[number]) not in found
            found[row["unit"], names[number]] = count
    return found


def read_statistics(folder, held_out=False):
    """{source: figures} of a word table."""
    rows = [row for row in read_table(folder, SOURCES).to_pylist() if row.pop("held_out") == held_out]
    return {row.pop("source"): {name: value for name, value in row.items() if name != "number"} for row in rows}


def read_letters(folder):
    return [(row["letter"], row["count"]) for row in read_table(folder, LETTERS).to_pylist()]


def table_files(result):
    """Path and hash of all files but the reports."""
    return [(info.path, info.xxh3_128) for info in result.manifest.files if info.table]


TABLES = (WORDS, HELD_OUT, SOURCES, LETTERS)
