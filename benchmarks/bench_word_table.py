"""The word table against DuckDB: the same texts, one thread each, in one process, alternating; medians of the rounds.

    python benchmarks/bench_word_table.py [--input FOLDER] [--bytes 64MB] [--rounds 3] [--job]

FOLDER is a dataset folder of documents; without it a generated sample is used. Of larger inputs every n-th document
is taken. Pairs that do the same work are checked to give the same table. --job also runs the whole stage over all of
FOLDER in one worker process.
"""

import argparse
import json
import pathlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import duckdb
import pyarrow as pa
from malmoi_pipelines.contracts.hangul import LETTER_CLASS, SPACE_MARK
from malmoi_pipelines.contracts.sizes import parse_bytes
from malmoi_pipelines.contracts.tables import string_bytes
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.count.words import ordered_rows
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import find_documents
from malmoi_pipelines.text.units import split_units, unit_slices

from benchmarks import inputs
from benchmarks.measure import commit
from tests.pipelines.count.whole import count_units

_SPACES, _OTHERS = f"[ {SPACE_MARK}]", rf"[^{LETTER_CLASS} {SPACE_MARK}\x00-\x1f\x7f]"
METASPACE = rf"{_SPACES}*[{LETTER_CLASS}]+|{_SPACES}*{_OTHERS}+|{_SPACES}+|[\x00-\x1f\x7f]"
"""The rule `metaspace` as a regular expression of RE2."""
GROUP = "select unit, count(*) as count from ({}) group by unit order by count desc, unit"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="dataset folder of documents")
    parser.add_argument("--bytes", default="64MB", help="size of the text that is compared on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--job", action="store_true", help="also run the whole stage")
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        docs = arguments.input or inputs.documents(folder, arguments.bytes)
        compare(read_texts(docs, parse_bytes(arguments.bytes)), arguments.rounds)
        for rule in ("metaspace", "byte-level") if arguments.job else ():
            whole_job(docs, f"{folder}/words", CountConfig(units=rule))


def read_texts(docs: str, num_bytes: int) -> pa.LargeStringArray:
    """Every n-th document, so that there are about so many bytes."""
    found = find_documents([docs], InputConfig())
    every = max(1, round(found.text_bytes / num_bytes))
    parts = [batch.column("text") for number in range(len(found.tasks)) for batch in found.read(number)]
    return pa.concat_arrays(parts).take(pa.array(range(0, sum(map(len, parts)), every)))


def compare(texts: pa.LargeStringArray, rounds: int) -> None:
    """All competitors in turn, round after round; prints a line for each."""
    connection = duckdb.connect(config={"threads": 1})
    connection.register("texts", pa.table({"text": texts}))
    units = split_units(texts)
    connection.register("units", pa.table({"unit": units}))
    split = "select unnest(string_split(text, ' ')) as unit from texts"
    extract = f"select unnest(regexp_extract_all(' ' || text, '{METASPACE}')) as unit from texts"
    work: dict[str, Callable[[], pa.Table]] = {
        "malmoi, metaspace units": lambda: ours(texts, "metaspace"),
        "malmoi, byte-level units": lambda: ours(texts, "byte-level"),
        "duckdb, split at spaces": lambda: query(connection, split),
        "duckdb, metaspace units by regular expression": lambda: query(connection, extract),
        "malmoi, group-by of units cut before": lambda: counted([units]),
        "duckdb, group-by of units cut before": lambda: query(connection, "from units"),
    }
    size = string_bytes(texts) / 1e6
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    tables = {}
    for _ in range(rounds):
        for name, task in work.items():
            wall, cpu = time.perf_counter(), time.process_time()
            tables[name] = task()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    same = tables["malmoi, metaspace units"]
    for name in (
        "malmoi, group-by of units cut before",
        "duckdb, group-by of units cut before",
        "duckdb, metaspace units by regular expression",
    ):
        assert tables[name].cast(same.schema).equals(same), name
    for name, times in seconds.items():
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        figures = {"mb": round(size, 1), "cpu_s": round(cpu, 2), "wall_s": round(wall, 2)}
        rows = {"mb_per_cpu_s": round(size / cpu, 1), "rows": tables[name].num_rows, "commit": commit()}
        print(json.dumps({"name": name, **figures, **rows}), flush=True)


def ours(texts: pa.LargeStringArray, rule: UnitKind) -> pa.Table:
    """Our units, counted and ordered."""
    return counted(list(unit_slices(texts, rule)))


def counted(parts: list[pa.LargeStringArray]) -> pa.Table:
    """Units that were cut before, counted and ordered."""
    rows = ordered_rows(count_units([("all", part) for part in parts]))
    return pa.Table.from_batches([rows.select(["unit", "count"])])


def query(connection: duckdb.DuckDBPyConnection, units: str) -> pa.Table:
    """DuckDB's group-by of a relation of units, in our order."""
    return connection.sql(GROUP.format(units)).to_arrow_table()


def whole_job(docs: str, out: str, config: CountConfig) -> None:
    """The stage in one worker process, with the CPU time of that process, the start of Beam included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = count([docs], out, config, RunOptions(workers=1), overwrite=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = find_documents([docs], InputConfig()).text_bytes / 1e6
    figures = {"mb": round(size, 1), "cpu_s": round(cpu, 2), "mb_per_cpu_s": round(size / cpu, 1)}
    print(json.dumps({"name": f"count, {config.units}", **figures, "rows": result.manifest.rows(), "commit": commit()}))


if __name__ == "__main__":
    main()
