"""Training a language model and scoring with it, in MB of text per second.

    python benchmarks/bench_lm.py [--input FOLDER] [--bytes 48MB] [--workers 1] [--tokenizer MODEL] [--lmplz BINARY]

Without --input a generated sample is used. With --lmplz its model of the same sentences is made and compared with ours:
both are trained with --prune 0 0 1, unknown words aside (word_types 0, min_count 1), and nothing is held out.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.scoring import ModelOptions, load_model
from malmoi_pipelines.lm.sentences import FOLD, load_tokenizer, sentences
from malmoi_pipelines.lm.stage import train_lm
from malmoi_pipelines.raw.readers import BLOCK_BYTES
from malmoi_pipelines.text.normalise import normalise_all

from benchmarks import inputs
from benchmarks.measure import bytes_read, measure
from benchmarks.raw_text import raw_blocks

ROUNDS = 3
SCORED = 16 << 20  # characters of text that are scored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="folder of raw text")
    parser.add_argument("--bytes", default="48MB", help="size of the generated sample")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tokenizer", default="eojeol", help="a SentencePiece .model file")
    parser.add_argument("--lmplz", help="kenlm's lmplz, to compare with")
    arguments = parser.parse_args()
    options = RunOptions(workers=arguments.workers)
    with tempfile.TemporaryDirectory() as folder:
        raw = arguments.input or inputs.raw_text(folder, arguments.bytes)
        out = f"{folder}/lm"
        config = LmConfig(tokenizer=arguments.tokenizer)
        measure(
            "lm train",
            lambda: train_lm([raw], out, config, options),
            lambda: bytes_read(out),
            workers=options.workers,
        )
        texts = some_texts(raw)
        model = measure("lm load", lambda: load_model(ModelOptions(model=out)), lambda: file_size(f"{out}/model.arpa"))
        size = sum(len(text.encode()) for text in texts)
        for _ in range(ROUNDS):
            measure("lm score", lambda: model.perplexities(texts), lambda: size, documents=len(texts))
        if arguments.lmplz:
            compare(arguments.lmplz, raw, folder, arguments.tokenizer, options)


def some_texts(raw: str, limit: int = SCORED) -> list[str]:
    """Normalised texts, the first ones."""
    texts: list[str] = []
    for block in raw_blocks(raw, BLOCK_BYTES):
        texts += normalise_all(block.texts).texts
        if sum(map(len, texts)) > limit:
            return texts
    return texts


def compare(binary: str, raw: str, folder: str, tokenizer: str, options: RunOptions) -> None:
    """The largest difference between lmplz's log10 probabilities and back-offs and ours."""
    text, theirs, ours = f"{folder}/sentences.txt", f"{folder}/lmplz.arpa", f"{folder}/same"
    join = load_tokenizer(tokenizer).join
    with open(text, "wb") as file:
        for document in some_texts(raw, limit=1 << 40):
            file.writelines(line + b"\n" for line in join(sentences(document, FOLD)))
    command = f"{binary} -o 3 --prune 0 0 1 -S 2G -T {folder}/ < {text} > {theirs}"
    measure(
        "lmplz, tokenised text",
        lambda: subprocess.run(command, shell=True, check=True, capture_output=True),
        lambda: file_size(text),
    )
    config = LmConfig(tokenizer=tokenizer, min_count=1, word_types=0, held_out=0)
    train_lm([raw], ours, config, options)
    left, right = read_arpa(theirs), read_arpa(f"{ours}/model.arpa")
    shared = left.keys() & right.keys() - {"<s>"}
    most = max(abs(a - b) for ngram in shared for a, b in zip(left[ngram], right[ngram], strict=True))
    only = [len(left.keys() - right.keys()), len(right.keys() - left.keys())]
    print(f"n-grams {len(shared)}, only in one {only}, largest difference of log10 {most:.2e}", flush=True)


def read_arpa(path: str) -> dict[str, list[float]]:
    """n-gram → log10 probability and, where there is one, back-off."""
    with open(path, encoding="utf-8", newline="\n") as file:
        rows = (line.rstrip("\n").split("\t") for line in file)
        return {row[1]: [float(row[0]), *map(float, row[2:])] for row in rows if len(row) > 1}


def file_size(path: str) -> int:
    return pathlib.Path(path).stat().st_size


if __name__ == "__main__":
    main()
