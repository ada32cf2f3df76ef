"""malmoi's dedupe beside datatrove, text-dedup and scripts around datasketch: cost, and what is lost.

    python benchmarks/bench_dedupe.py [--documents DIR] [--sources NAME ...] [--peers PYTHON] [--corpora speed mixed]
        [--tools NAME ...] [--workers 1 2] [--peer-workers 1] [--megabytes 66] [--each 1000]

DIR is a dataset folder of cleaned documents; without it a generated sample is used. `speed` is the first --megabytes of
the first source, `mixed` the first --each documents of every source; neighbours stay together, so that duplicates are
in both. PYTHON is the interpreter of an environment with datatrove, kiwipiepy<0.22, text-dedup==0.4.0, datasketch>=2,
tokenizers and xxhash<4; without it only malmoi runs. What the peers do: see `peer_dedupe_*.py`.

Every tool is a process of its own, reads the same two Parquet files and writes the documents that it keeps. Seconds,
processor seconds and memory are those of its whole process tree, with imports; `--megabytes 0.01` shows what these are.

The oracle is every pair of documents with an exact Jaccard similarity of at least 0.8 (`all_pairs.py`):

- `recall`: the share of its pairs of which at least one document is gone.
- `precision`: the share of the removed documents that are in a pair with a document that was kept.
- `lost`: removed documents without such a survivor; among them `lost_short` have fewer than five eojeol, and
  `lost_all_copies` are in a pair, but so that all of its like are gone.
- `own`: pairs, recall and precision of a peer by its own normalisation, where that differs: datatrove folds case and
  marks and has one 0 for a number of any length; text-dedup folds case, and has an empty word between two marks.
"""

import argparse
import ctypes
import json
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet
from malmoi_pipelines.contracts.meter import SAMPLE_SECONDS
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import find_documents

from benchmarks import inputs
from benchmarks.all_pairs import plain_form, similar_pairs
from benchmarks.measure import commit

HERE = pathlib.Path(__file__).parent
THRESHOLD, SIZE = 0.8, 5
FILES = 2
SOURCES = ("court-decisions", "government-notices", "treaties", "docs-ko", "movie-reviews")
GENERATED_SOURCES = ("legal", "web", "reviews")
UNGUARDED = [
    f"--set=guards.{name}=1" for name in ("near_share", "exact_share", "removed_share", "cluster_share", "short_share")
]
PR_SET_CHILD_SUBREAPER = 36

Document = tuple[str, str, str]


@dataclass(frozen=True)
class Tool:
    """A peer's script and options, the packages that say what was measured, and its words (`FORMS`)."""

    script: str = ""
    options: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    form: str = "ours"


TOOLS = {
    "malmoi": Tool(),
    "datatrove, Kiwi": Tool("datatrove", ("--words=kiwi",), ("datatrove", "kiwipiepy", "kiwipiepy-model"), "short"),
    "datatrove, split": Tool("datatrove", ("--words=split",), ("datatrove", "numpy"), "short"),
    "text-dedup": Tool("text_dedup", ("--settings=default",), ("text-dedup", "datasets"), "marks"),
    "text-dedup, 14x8": Tool("text_dedup", ("--settings=14x8",), ("text-dedup", "datasets"), "marks"),
    "datasketch, plain": Tool("datasketch", ("--style=plain",), ("datasketch", "numpy")),
    "datasketch, careful": Tool("datasketch", ("--style=careful",), ("datasketch", "numpy", "xxhash")),
}
NUMBER, MARK = re.compile(r"\d+([.,]\d+)?"), re.compile(r"[^\w\s]|_")
# What to do to a text so that words between white space are those that the tool sees.
FORMS: dict[str, Callable[[str], str]] = {
    "ours": lambda text: text,
    "short": lambda text: MARK.sub(" ", NUMBER.sub("0", text)).lower(),
    "marks": lambda text: " ".join(word or "ㅣ" for word in re.split(r"\W", text)).lower(),
}


@dataclass(frozen=True)
class Corpus:
    """Documents on disk, and the oracle's pairs of them."""

    name: str
    folder: str
    ids: list[str]
    sources: list[str]
    megabytes: float
    short: Any
    """bool[documents]: fewer than five eojeol."""
    pairs: dict[str, Any]
    """Form → int64[pairs, 2] of places in `ids`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", help="dataset folder")
    parser.add_argument("--sources", nargs="+", help="those that are used; `speed` is of the first")
    parser.add_argument("--peers", help="interpreter with the peers")
    parser.add_argument("--corpora", nargs="+", choices=["speed", "mixed"], default=["speed", "mixed"])
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2], help="processes of malmoi")
    parser.add_argument("--peer-workers", nargs="+", type=int, default=[1])
    parser.add_argument("--megabytes", type=float, default=66, help="text of `speed`")
    parser.add_argument("--each", type=int, default=1000, help="documents of each source of `mixed`")
    arguments = parser.parse_args()
    # Orphans become our children: datatrove's fork server outlives it for a moment, and has used processor time.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.documents is None:
            arguments.documents = inputs.documents(folder, "16MB")
            arguments.sources = arguments.sources or GENERATED_SOURCES
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Every tool on every corpus."""
    for name in arguments.corpora:
        with tempfile.TemporaryDirectory() as folder:
            tools = [tool for tool in arguments.tools if tool == "malmoi" or arguments.peers]
            forms = {"ours", *(TOOLS[tool].form for tool in tools)}
            corpus = prepare(name, folder, chosen(name, arguments), forms)
            for tool in tools:
                for workers in arguments.workers if tool == "malmoi" else arguments.peer_workers:
                    compare(corpus, tool, workers, arguments)


def chosen(name: str, arguments: argparse.Namespace) -> Iterator[Document]:
    """The documents of a corpus as (id, source, text)."""
    mixed = name == "mixed"
    sources = arguments.sources or SOURCES
    left = dict.fromkeys(sources, arguments.each) if mixed else {sources[0]: round(arguments.megabytes * 1e6)}
    for number, source, text in rows(arguments.documents):
        if left.get(source, 0) > 0:
            left[source] -= 1 if mixed else len(text.encode())
            yield number, source, text


def rows(folder: str) -> Iterator[Document]:
    found = find_documents([folder], InputConfig())
    for number in range(len(found.tasks)):
        for batch in found.read(number):
            yield from zip(*(batch.column(name).to_pylist() for name in ("id", "source", "text")), strict=True)


def prepare(name: str, folder: str, documents: Iterable[Document], forms: Iterable[str]) -> Corpus:
    """Write the documents to files of about the same size, and find the oracle's pairs."""
    ids, sources, texts = (list(column) for column in zip(*documents, strict=True))
    table = pa.table({"id": ids, "source": sources, "text": texts})
    total = np.cumsum([len(text.encode()) for text in texts])
    cuts = [0, *np.searchsorted(total, total[-1] * np.arange(1, FILES) / FILES).tolist(), len(ids)]
    parts = pathlib.Path(folder, "input")
    parts.mkdir()
    for number in range(FILES):
        part = table.slice(cuts[number], cuts[number + 1] - cuts[number])
        pyarrow.parquet.write_table(part, parts / f"part-{number}.parquet", compression="zstd")
    pairs = {form: oracle([FORMS[form](text) for text in texts]) for form in forms}
    short = np.array([len(plain_form(text).split()) < SIZE for text in texts])
    return Corpus(name, folder, ids, sources, total[-1] / 1e6, short, pairs)


def oracle(texts: list[str]) -> Any:
    return np.array([pair[:2] for pair in similar_pairs(texts, THRESHOLD, size=SIZE)], np.int64).reshape(-1, 2)


def compare(corpus: Corpus, tool: str, workers: int, arguments: argparse.Namespace) -> None:
    """Run a tool and print its line."""
    line: dict[str, Any] = {"name": "dedupe", "corpus": corpus.name, "tool": tool, "workers": workers}
    line |= {"documents": len(corpus.ids), "mb": round(corpus.megabytes, 1)}
    with tempfile.TemporaryDirectory(dir=corpus.folder) as out:
        try:
            line |= watch(command(corpus, tool, workers, out, arguments.peers), out)
        except subprocess.CalledProcessError as error:
            print(error.stderr, file=sys.stderr)
            print(json.dumps({**line, "failed": error.returncode}, ensure_ascii=False), flush=True)
            return
        line["mb_per_cpu_s"] = round(corpus.megabytes / line["cpu_seconds"], 2)
        line["mb_per_s_per_core"] = round(corpus.megabytes / line["seconds"] / workers, 2)
        line |= quality(corpus, tool, kept_ids(tool, out))
    line["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    if tool != "malmoi":
        line["versions"] = versions(arguments.peers, TOOLS[tool].packages)
    print(json.dumps({**line, "commit": commit()}, ensure_ascii=False), flush=True)


def command(corpus: Corpus, tool: str, workers: int, out: str, peers: str) -> list[str]:
    documents, out = f"{corpus.folder}/input", f"{out}/out"
    if tool == "malmoi":
        start = [sys.executable, "-m", "malmoi", "dedupe", documents, "--out", out, "--quiet", *UNGUARDED]
    else:
        start = [peers, f"{HERE}/peer_dedupe_{TOOLS[tool].script}.py", documents, out, *TOOLS[tool].options]
    return [*start, f"--workers={workers}"]


def watch(command: list[str], folder: str) -> dict[str, float]:
    """Run a command to its end; returns what it used.

    Raises:
        subprocess.CalledProcessError: the command failed; with the end of what it said.
    """
    environment = os.environ | {"HF_HOME": f"{folder}/hf", "HF_HUB_OFFLINE": "1"}
    before, start, peak = cpu_seconds(), time.monotonic(), 0
    with pathlib.Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=HERE.parent, env=environment)
        while process.returncode is None:
            peak = max(peak, resident())
            with suppress(subprocess.TimeoutExpired):
                process.wait(SAMPLE_SECONDS)
    seconds = time.monotonic() - start
    reap()
    if process.returncode:
        raise subprocess.CalledProcessError(
            process.returncode, command, stderr=pathlib.Path(folder, "log").read_text()[-2000:]
        )
    used = {"seconds": seconds, "cpu_seconds": cpu_seconds() - before, "peak_mb": peak / 1e6}
    return {name: round(value, 2) for name, value in used.items()}


def resident() -> int:
    """Resident bytes of all processes below this one; pages that they share count in each."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def reap(seconds: float = 10) -> None:
    """Wait for processes that the command left behind, so that their processor time is counted."""
    end = time.monotonic() + seconds
    with suppress(ChildProcessError):
        while time.monotonic() < end:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.05)


def cpu_seconds() -> float:
    """Processor seconds of all processes that were waited for, and of those that they waited for."""
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])  # user, system


def kept_ids(tool: str, out: str) -> list[str]:
    if tool == "malmoi":
        return [name for name, _, _ in rows(f"{out}/out")]
    return pathlib.Path(out, "out", "kept.txt").read_text("utf-8").splitlines()


def quality(corpus: Corpus, tool: str, names: list[str]) -> dict[str, Any]:
    """What the oracle says of the kept documents."""
    place = {name: number for number, name in enumerate(corpus.ids)}
    kept = np.zeros(len(corpus.ids), np.bool_)
    kept[[place[name] for name in names]] = True
    if len(place) != len(kept) or np.count_nonzero(kept) != len(names):
        raise ValueError("an id occurs twice")
    figures, lost = judge(kept, corpus.pairs["ours"])
    line = {
        "kept": len(names),
        "removed": len(kept) - len(names),
        **figures,
        "lost": int(lost.sum()),
        "lost_short": int((lost & corpus.short).sum()),
        "lost_all_copies": len(np.intersect1d(np.flatnonzero(lost), corpus.pairs["ours"])),
        "lost_by_source": Counter(corpus.sources[number] for number in np.flatnonzero(lost)),
        "lost_examples": [corpus.ids[number] for number in np.flatnonzero(lost)[:5]],
    }
    form = TOOLS[tool].form
    return line if form == "ours" else {**line, "own": judge(kept, corpus.pairs[form])[0]}


def judge(kept: Any, pairs: Any) -> tuple[dict[str, Any], Any]:
    """The figures by one oracle, and bool[documents]: removed without a similar survivor."""
    left, right = pairs.T
    covered = np.zeros_like(kept)
    covered[np.concatenate([left[kept[right]], right[kept[left]]])] = True
    lost = ~kept & ~covered
    figures = {
        "pairs": len(left),
        "recall": share(len(left) - int((kept[left] & kept[right]).sum()), len(left)),
        "precision": share(int((~kept).sum() - lost.sum()), int((~kept).sum())),
    }
    return figures, lost


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def versions(python: str, packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of packages in the peers' environment."""
    script = "import json, sys; from importlib.metadata import version; "
    script += "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    done = subprocess.run([python, "-c", script, *packages], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
