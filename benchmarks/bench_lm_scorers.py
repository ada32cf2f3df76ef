"""kenlm and our own scorer on one ARPA file: seconds to load, MB of text a second, memory; and whether the bits agree.

    python benchmarks/bench_lm_scorers.py [--bytes 48MB]

Trains a model on a generated sample; each scorer runs in a process of its own.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import psutil
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.arpa_model import ArpaModel
from malmoi_pipelines.lm.arpa_reader import read_arpa
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.scoring import Scorer
from malmoi_pipelines.lm.sentences import FOLD, sentences
from malmoi_pipelines.lm.stage import train_lm

from benchmarks import inputs
from benchmarks.bench_lm import some_texts

ROUNDS = 3
SCORERS = ("kenlm", "ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", default="48MB", help="size of the generated sample")
    parser.add_argument("--one", nargs=3, metavar=("SCORER", "ARPA", "SENTENCES"), help="measure one scorer, here")
    arguments = parser.parse_args()
    if arguments.one:
        measure_one(*arguments.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        raw = inputs.raw_text(folder, arguments.bytes)
        train_lm([raw], f"{folder}/lm", LmConfig(), RunOptions())
        text = pathlib.Path(folder, "sentences.txt")
        text.write_bytes(b"\n".join(line for document in some_texts(raw) for line in sentences(document, FOLD)))
        for scorer in SCORERS:
            command = [sys.executable, __file__, "--one", scorer, f"{folder}/lm/model.arpa", str(text)]
            subprocess.run(command, check=True)


def measure_one(scorer: str, arpa: str, text: str) -> None:
    """Print the figures of one scorer; memory is what the process has grown by."""
    with open(text, "rb") as file:
        data = file.read()
    lines = data.split(b"\n")
    before, start = resident(), time.perf_counter()
    if scorer == "kenlm":
        from malmoi_pipelines.lm.kenlm_model import KenlmModel  # noqa: PLC0415 - it need not be there

        model: Scorer = KenlmModel(arpa)
    else:
        model = ArpaModel(read_arpa(arpa))
    load, loaded = time.perf_counter() - start, resident()
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        scores = model.score_lines(lines)
        rates.append(len(data) / 1e6 / (time.perf_counter() - start))
    print(
        f"{scorer}: {os.path.getsize(arpa) / 1e6:.0f} MB of ARPA in {load:.1f} s and {loaded - before:.0f} MB; "
        f"{len(data) / 1e6:.1f} MB of sentences at {' '.join(f'{rate:.1f}' for rate in rates)} MB/s and "
        f"{resident() - loaded:.0f} MB; scores {hashlib.sha256(scores.tobytes()).hexdigest()[:16]}",
        flush=True,
    )


def resident() -> float:
    """Memory of this process now, MB."""
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    main()
