"""text-dedup's MinHash near dedupe of a folder of Parquet files.

    PYTHON benchmarks/peer_dedupe_text_dedup.py INPUT OUT [--settings default|14x8] [--workers 1]

Run by `bench_dedupe.py` in an environment with text-dedup 0.4.0. This is the package's own command with 5-grams:
`default` as it comes (250 permutations, Jaccard similarity 0.7, SHA-1), `14x8` with as many bands and rows as ours and
the faster hash. The kept documents go to OUT/documents, their ids to OUT/kept.txt.
"""

import argparse
import pathlib

import datasets
from text_dedup import minhash

SETTINGS = {
    "default": [],
    "14x8": ["--num_perm", "112", "--b", "14", "--r", "8", "--hash_func", "xxh3"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("out")
    parser.add_argument("--settings", choices=SETTINGS, default="default")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    documents = f"{arguments.out}/documents"
    command = {
        "path": "parquet",
        "data_files": f"{arguments.input}/*.parquet",
        "split": "train",
        "cache_dir": f"{arguments.out}/cache",
        "column": "text",
        "output": documents,
        "num_proc": str(arguments.workers),
    }
    options = [part for name, value in command.items() for part in (f"--{name}", value)]
    minhash.main([*options, *SETTINGS[arguments.settings]], standalone_mode=False)
    ids = datasets.load_from_disk(documents)["id"]
    pathlib.Path(arguments.out, "kept.txt").write_text("".join(f"{name}\n" for name in ids), "utf-8")


if __name__ == "__main__":
    main()
