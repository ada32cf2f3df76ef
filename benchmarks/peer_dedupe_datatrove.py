"""datatrove's near dedupe of a folder of Parquet files: its four MinHash stages, with 14 bands of 8 rows.

    PYTHON benchmarks/peer_dedupe_datatrove.py INPUT OUT [--words kiwi|split] [--workers 1]

Run by `bench_dedupe.py` in an environment with datatrove, and for `kiwi` with kiwipiepy below 0.22: later models lack
the one that datatrove asks for. The kept documents go to OUT/documents, their ids to OUT/kept.txt.

`kiwi` is what datatrove does for Korean. Its normalisation ends in decomposed Hangul, which Kiwi does not analyse but
splits at spaces, and between digits and letters; `split` is Python's own split at spaces, and saves the time.
"""

import argparse
import pathlib

import pyarrow.dataset
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.word_tokenizers import WordTokenizer

KOREAN = "kor_Hang"


class Split(WordTokenizer):
    """Words between spaces: all that is left to do after datatrove's normalisation."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("out")
    parser.add_argument("--words", choices=["kiwi", "split"], default="kiwi")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    dedupe(arguments.input, arguments.out, KOREAN if arguments.words == "kiwi" else Split(), arguments.workers)
    ids = pyarrow.dataset.dataset(f"{arguments.out}/documents").to_table(columns=["id"]).column("id").to_pylist()
    pathlib.Path(arguments.out, "kept.txt").write_text("".join(f"{name}\n" for name in ids), "utf-8")


def dedupe(inputs: str, out: str, words: str | WordTokenizer, workers: int) -> None:
    """The stages one after the other; a task is one file, and one band in the second stage."""
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    signatures, buckets, removals = f"{out}/signatures", f"{out}/buckets", f"{out}/removals"
    files = len(list(pathlib.Path(inputs).glob("*.parquet")))
    stages = {
        "signature": (files, [ParquetReader(inputs), MinhashDedupSignature(signatures, config, language=words)]),
        "bands": (config.num_buckets, [MinhashDedupBuckets(signatures, buckets, config=config)]),
        "cluster": (1, [MinhashDedupCluster(buckets, removals, config=config)]),
        "filter": (files, [ParquetReader(inputs), MinhashDedupFilter(removals), ParquetWriter(f"{out}/documents")]),
    }
    for name, (tasks, steps) in stages.items():
        LocalPipelineExecutor(steps, tasks=tasks, workers=min(workers, tasks), logging_dir=f"{out}/logs/{name}").run()


if __name__ == "__main__":
    main()
