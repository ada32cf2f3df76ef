"""The word table against DuckDB: the same texts, one core each, in one process, alternating.

python benchmarks/bench_word_table.py [--bytes 48MB] [--input PARQUET_FOLDER]
"""

import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import duckdb
import pyarrow as pa

from benchmarks.measure import measure
from pipelines.clean.config import CleanConfig
from pipelines.clean.stage import clean
from pipelines.contracts.tables import string_bytes
from pipelines.count.words import count_units, merge_counts, order_counts
from pipelines.documents import find_documents
from pipelines.engine.options import RunOptions
from pipelines.sample.config import SampleConfig
from pipelines.sample.stage import sample

BLOCK = 20_000  # documents
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="dataset folder of documents")
    parser.add_argument("--bytes", default="48MB", help="size of the generated sample")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        docs = arguments.input or generated(folder, arguments.bytes)
        found = find_documents([docs], {})
        batches = [batch for number in range(len(found.paths)) for batch in found.read(number)]
        texts = pa.Table.from_batches(batches).select(["text"])
    for _ in range(ROUNDS):
        for name, work in (("malmoi, units", ours), ("duckdb, split at spaces", duckdb_words)):
            measure(f"word table: {name}", lambda work=work: work(texts), lambda: string_bytes(texts["text"]))


def generated(folder: str, size: str) -> str:
    """A cleaned sample."""
    options = RunOptions(workers=1)
    sample(f"{folder}/raw", SampleConfig(bytes=size), options)
    clean([f"{folder}/raw/data"], f"{folder}/docs", CleanConfig(thresholds={"min_hangul_share": 0}), options)
    return f"{folder}/docs"


def ours(texts: pa.Table) -> pa.Table:
    """Our units, ordered."""
    blocks = texts["text"].combine_chunks()
    return order_counts(merge_counts([count_units(blocks.slice(n, BLOCK)) for n in range(0, len(blocks), BLOCK)]))


def duckdb_words(texts: pa.Table) -> pa.Table:
    """Whitespace words by DuckDB, one thread, in the same order: its best known way to a word table."""
    connection = duckdb.connect(config={"threads": 1})
    words = "select unnest(string_split(text, ' ')) as word from texts"
    query = f"select word, count(*) as count from ({words}) group by word order by count desc, word"
    return connection.execute(query).to_arrow_table()


if __name__ == "__main__":
    main()
