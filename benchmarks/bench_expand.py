"""The loop: how good its tokens are beside other ways to choose them, and what a round costs beside encoding all text.

    python benchmarks/bench_expand.py [--words WORDS] [--corpus CORPUS] [--bytes 16MB] [--budget 8960]
        [--cutoffs 31,2000]

WORDS was made by `malmoi count CORPUS --held-out-share 0.02`; its base is the default one. Without WORDS the table of a
generated sample is used, and the sample is CORPUS.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
from malmoi_pipelines.contracts.arrays import Bool
from malmoi_pipelines.contracts.progress import SILENT
from malmoi_pipelines.contracts.tables import string_bytes
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import find_documents
from malmoi_pipelines.tokenizers.model_proto import Piece, extend, load, load_for_units, serialize
from malmoi_pipelines.tokenizers.sentencepiece_model import sentencepiece_encoder
from malmoi_pipelines.tokenizers.tokens import tokens_of
from malmoi_tokenizer_lab.base import Base
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.build import Builder, Loop
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.evaluate import UnitTable, evaluate, read_unit_table, subject_of
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.curation import Curation
from malmoi_tokenizer_lab.loop.intermediate import CandidateSource
from malmoi_tokenizer_lab.loop.policies import POLICIES
from malmoi_tokenizer_lab.loop.recount import Recount
from malmoi_tokenizer_lab.sentencepiece.export import token_rows
from malmoi_tokenizer_lab.sentencepiece.kind import SentencePieceBase
from malmoi_tokenizer_lab.words import Words

from benchmarks import inputs

COVERAGE = 0.9995
"""Share of letter occurrences that a SentencePiece trainer's letters cover by default."""
BATCH = 2_000  # documents encoded at once
FIXED = {"reserved": (), "masks": (), "pad_multiple": 1}
"""So that K counts tokens alone."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", help="word table with a held-out part")
    parser.add_argument("--corpus", help="the corpus, to time encoding it")
    parser.add_argument("--bytes", default="16MB", help="size of the generated sample")
    parser.add_argument("--budget", type=int, default=8_960, help="K, new tokens")
    parser.add_argument("--cutoffs", default="31,2000", help="cutoffs for the runs without a budget")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.words is None:
            arguments.words, arguments.corpus = inputs.words(folder, arguments.bytes), f"{folder}/docs"
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    base = open_base(None)
    assert isinstance(base, SentencePieceBase), "so the default one is"
    words = base.read_words([arguments.words], ExpandConfig())
    held_out = read_unit_table([arguments.words], "held_out")
    if arguments.corpus:
        time_rounds(base, words, arguments.corpus, arguments.budget)
    cutoffs = [int(cutoff) for cutoff in arguments.cutoffs.split(",")]
    table(base, words, held_out, cutoffs[0], arguments.budget)
    for cutoff in cutoffs:
        table(base, words, held_out, cutoff, None)


def builder(
    base: Base, words: Words, cutoff: int, budget: int | None, candidates: CandidateSource = "intermediate"
) -> Builder:
    """The steps of `expand` up to its candidates."""
    config = ExpandConfig(cutoff=cutoff, budget=budget, candidates=candidates, **FIXED)
    return Builder(base, words, config, Curation(), None)


def time_rounds(base: SentencePieceBase, words: Words, corpus: str, budget: int) -> None:
    """Seconds of every round, and of encoding all documents with SentencePiece, one thread each, in one run."""
    config = ExpandConfig(budget=budget, num_threads=1, candidates="intermediate", **FIXED)
    start = time.perf_counter()
    steps = Builder(base, words, config, Curation(), None)
    loop = steps.run("leaf-first", SILENT)
    whole = time.perf_counter() - start
    start = time.perf_counter()
    Recount(loop.candidates, steps.units, np.ones(len(loop.candidates), bool))
    full = time.perf_counter() - start
    model = extend(base.model, token_rows(base.model, loop.candidates, np.arange(len(loop.candidates))))
    direct, num_bytes = encode_corpus(load(model.SerializeToString()), corpus)
    rounds = loop.seconds
    print(f"encoding {num_bytes / 1e6:.1f} MB with SentencePiece: {direct:.1f} s, {num_bytes / 1e6 / direct:.1f} MB/s")
    print(f"whole loop with training: {whole:.1f} s, {len(rounds)} rounds; a full recount: {full:.2f} s")
    middle = f"mean {statistics.mean(rounds):.3f}, median {statistics.median(rounds):.3f}"
    print(f"a round: {middle}, max {max(rounds):.3f} s")
    mean, median = direct / statistics.mean(rounds), direct / statistics.median(rounds)
    print(f"encoding / round: mean {mean:.0f}, median {median:.0f}")
    print(f"encoding / full recount: {direct / full:.0f}\n", flush=True)


def encode_corpus(processor: Any, corpus: str) -> tuple[float, int]:
    """Seconds to encode all documents (reading them not counted), and their bytes."""
    found = find_documents([corpus], InputConfig())
    seconds, num_bytes = 0.0, 0
    for number in range(len(found.tasks)):
        for batch in found.read(number):
            texts = batch.column("text").to_pylist()
            num_bytes += string_bytes(batch.column("text"))
            start = time.perf_counter()
            for first in range(0, len(texts), BATCH):
                processor.encode(texts[first : first + BATCH], out_type=int, num_threads=1)
            seconds += time.perf_counter() - start
    return seconds, num_bytes


def table(base: SentencePieceBase, words: Words, held_out: UnitTable, cutoff: int, budget: int | None) -> None:
    """One table: every way to choose, its tokens on held-out text, and what is wrong with its tokens."""
    steps = builder(base, words, cutoff, budget)
    continuing = builder(base, words, cutoff, budget, "continued")
    loops: dict[str, Loop] = {policy: steps.run(policy, SILENT) for policy in POLICIES}
    loops["continued candidates"] = continuing.run("leaf-first", SILENT)
    chosen = {
        f"malmoi {policy}": rows_of(base, loop.candidates, loop.fixed_point.alive) for policy, loop in loops.items()
    }
    if budget is None:  # the literal loop is the smallest: ours with as many tokens
        smallest = int(loops["kosolar"].fixed_point.alive.sum())
        equal = builder(base, words, cutoff, smallest).run("leaf-first", SILENT)
        chosen[f"malmoi leaf-first, K = {smallest:,}"] = rows_of(base, equal.candidates, equal.fixed_point.alive)
    candidates = loops["leaf-first"].candidates
    letters = int(loops["leaf-first"].fixed_point.alive[candidates.num_multis :].sum())
    reach = len(continuing.propose(SILENT))  # merges seen at least `cutoff` times
    chosen |= baselines(base, steps, candidates, cutoff, budget, letters, reach)
    print(f"## cutoff {cutoff:,} alone\n" if budget is None else f"## K = {budget:,}, cutoff {cutoff:,}\n")
    print(
        "| chosen by | new tokens | tokens per eojeol, held out | bytes per token, held out | below the cutoff | dead |"
    )
    print("|---|---|---|---|---|---|")
    for name, rows in chosen.items():
        print(row(base, words, held_out, cutoff, name, rows), flush=True)
    print()


def rows_of(base: SentencePieceBase, candidates: Candidates, alive: Bool) -> list[Piece]:
    return token_rows(base.model, candidates, np.flatnonzero(alive))


def baselines(
    base: SentencePieceBase,
    steps: Builder,
    candidates: Candidates,
    cutoff: int,
    budget: int | None,
    our_letters: int,
    reach: int,
) -> dict[str, list[Piece]]:
    """Published and obvious ways: top by frequency, merge-order prefixes, and the merge of Chinese-LLaMA."""
    every = np.ones(len(candidates), bool)
    counts = Recount(candidates, steps.units, every, 2).counts()
    order = np.argsort(-counts, kind="stable")
    top = np.zeros(len(candidates), bool)
    top[order[: budget or int((counts >= cutoff).sum())]] = True
    frequent = int((candidates.letter_counts >= cutoff).sum())
    covered = 1 + int(np.searchsorted(np.cumsum(candidates.letter_counts), COVERAGE * candidates.letter_counts.sum()))
    result = {"top by frequency": rows_of(base, candidates, top)}
    for name, letters in (("letters >= cutoff", frequent), ("our number of letters", our_letters)):
        prefix = np.zeros(len(candidates), bool)
        prefix[: max(0, budget - letters) if budget else min(reach, candidates.num_multis)] = True
        prefix[candidates.num_multis :] = np.arange(len(candidates) - candidates.num_multis) < letters
        result[f"merge-order prefix, {name}"] = rows_of(base, candidates, prefix)
    merged = np.zeros(len(candidates), bool)
    merged[: max(0, budget - covered) if budget else min(reach, candidates.num_multis)] = True
    merged[candidates.num_multis : candidates.num_multis + covered] = True
    zero = [Piece(piece.text, 0.0) for piece in rows_of(base, candidates, merged)]
    return result | {"Chinese-LLaMA merge (all scores 0)": zero}


def row(base: SentencePieceBase, words: Words, held_out: UnitTable, cutoff: int, name: str, rows: list[Piece]) -> str:
    model = extend(base.model, rows)
    figures = evaluate(
        [subject_of("x", sentencepiece_encoder("x", serialize(model)), base.size, 2)],
        None,
        held_out=held_out,
        with_morphemes=False,
    )
    figure = figures.efficiency[0]
    processor = load_for_units(model)
    counts = tokens_of(processor.encode, words.korean.text).counts(words.korean.counts, len(model.pieces))[base.size :]
    multis = np.array([len(piece.text) > 1 for piece in rows])
    alone = processor.encode([piece.text.replace("\u2581", " ") for piece in rows], out_type=int)
    dead = sum(ids != [base.size + i] for i, ids in enumerate(alone))
    below = int((counts[multis] < cutoff).sum())
    shown = [f"{len(rows):,}", f"{figure['tokens_per_eojeol']:.4f}", f"{figure['bytes_per_token']:.4f}"]
    return f"| {' | '.join([name, *shown, f'{below:,}', f'{dead:,}'])} |"


if __name__ == "__main__":
    main()
