"""Five eojeol or a run of syllables: what shingles of each kind find of noisy copies, and what they take for copies.

    python benchmarks/shingle_study.py --input ROOT [--copies 200] [--natural 2000] [--seed 1]

ROOT is a folder of raw text with one folder a source. Prints Markdown tables. True similarities are counted by the
oracle (`all_pairs`); candidates are those that meet in a band of the stage's own digests, unless a table says
"formula". Only documents of at least 40 characters are taken.

- spacing p: every space is dropped with probability p, and with p one is put between two neighbouring syllables
- joined p: spaces are dropped with probability p, none is put in
- typos p: every syllable becomes another one with probability p
- particles p: of the eojeol that end in a common particle, the share p gets another one
- look-alike p: the share p of the distinct eojeol becomes others of the same source, each wherever it occurs: the same
  form with other names. Digits are no part of the comparison, so other numbers would change nothing.
"""

import argparse
import difflib
import itertools
import pathlib
import random
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
from malmoi_pipelines.dedupe.near.minhash import band_digests, signatures
from malmoi_pipelines.dedupe.near.shingles import shingles
from malmoi_pipelines.dedupe.normalise import normalise

from benchmarks.all_pairs import plain_form, plain_shingles, similar_pairs
from benchmarks.raw_text import raw_blocks

SOURCES = ("court-decisions", "government-notices", "docs-ko", "movie-reviews")
UNITS = (("eojeol", 5), ("syllables", 8), ("syllables", 10), ("syllables", 12), ("syllables", 13))
BANDS, ROWS = 14, 8
CHOICES = ((14, 8), (9, 12), (20, 5), (26, 11), (9, 13))  # 9 x 12 is datasketch's for threshold 0.8 and 112
MIN_CHARS = 40
PARTICLES = "은 는 이 가 을 를 에 에서 으로 로 의 와 과 도 만".split()  # noqa: SIM905

THRESHOLDS = (0.9, 0.85, 0.8, 0.7)

Edit = Callable[[str, float, list[str], random.Random], str]
"""Changes a text: text, share, words to take names from, generator."""
Judged = tuple[list[set[str]], np.ndarray]
"""Shingles and band digests of texts."""
Planted = dict[tuple[str, str], list[Any]]
"""(source, change) → for each of `UNITS` the true similarities of copies and originals."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="root of raw text")
    parser.add_argument("--copies", type=int, default=200, help="documents of each source that are copied")
    parser.add_argument(
        "--natural", type=int, default=2000, help="documents of each source that are compared as they are"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    texts = {source: list(long_texts(f"{arguments.input}/{source}")) for source in SOURCES}
    show_sizes(texts, arguments.input)
    show_planted(texts, arguments.copies, arguments.seed)
    for source, those in texts.items():
        # Reviews are short: ten times as many have fewer shingles still.
        natural = those[: arguments.natural * (10 if source == "movie-reviews" else 1)]
        show_natural(source, natural)


def long_texts(path: str) -> Iterator[str]:
    return (text for text in all_texts(path) if len(text) >= MIN_CHARS)


def all_texts(path: str) -> Iterator[str]:
    return (text for block in raw_blocks(path, 1 << 20) for text in block.texts)


def show_sizes(texts: dict[str, list[str]], root: str) -> None:
    """How many documents are shorter than a shingle: of those of the study, and of all reviews."""
    samples = {source: those[:20_000] for source, those in texts.items()}
    samples["movie-reviews, all"] = list(itertools.islice(all_texts(f"{root}/movie-reviews"), 20_000))
    rows = []
    for source, those in samples.items():
        forms = [plain_form(text) for text in those]
        words = [len(form.split()) for form in forms]
        syllables = [len(form.replace(" ", "")) for form in forms]
        short = [percent(np.mean(np.array(words if unit == "eojeol" else syllables) < n)) for unit, n in UNITS]
        rows.append([source, len(forms), int(np.median(words)), int(np.median(syllables)), *short])
    head = [
        "source",
        "documents",
        "eojeol, median",
        "syllables, median",
        *(f"below {name(*unit)}, %" for unit in UNITS),
    ]
    table("Documents", head, rows)


def show_planted(texts: dict[str, list[str]], copies: int, seed: int) -> None:
    """Similarity of originals and their changed copies, and the share found at several thresholds."""
    similarity_rows, found_rows = [], []
    planted: Planted = {}
    for source, those in texts.items():
        rng = random.Random(f"{seed} {source}")
        originals = rng.sample(those, min(copies, len(those)))
        before = {unit: judged(originals, *unit) for unit in UNITS}
        names = distinct_words(those[:2000])
        for change, edit, share in changes():
            changed = [edit(text, share, names, rng) for text in originals]
            measured = [judge_pairs(before[unit], judged(changed, *unit)) for unit in UNITS]
            similarity_rows.append([source, change, *(quantiles(truth) for truth, _ in measured)])
            found_rows.append([source, change, *(found(*one) for one in measured)])
            planted[source, change] = [truth for truth, _ in measured]
    units = [name(*unit) for unit in UNITS]
    table("Similarity of a copy to its original: 10 %, 50 %, 90 %", ["source", "change", *units], similarity_rows)
    head = ["source", "change", *units]
    table(f"Found and verified at {', '.join(map(str, THRESHOLDS))}; % of copies", head, found_rows)
    show_equal_strictness(planted)
    show_choices(planted)


def changes() -> Iterator[tuple[str, Edit, float]]:
    for label, percents, edit in EDITS:
        for share in percents:
            yield f"{label} {share} %", edit, share / 100


def spacing(text: str, dropped: float, inserted: float, rng: random.Random) -> str:
    """Drop spaces, and put some between neighbouring syllables; line breaks stay."""
    result = []
    for before, character in itertools.pairwise(" " + text):
        if character == " " and rng.random() < dropped:
            continue
        if is_syllable(before) and is_syllable(character) and rng.random() < inserted:
            result.append(" ")
        result.append(character)
    return "".join(result)


def is_syllable(character: str) -> bool:
    return "가" <= character <= "힣"


def typos(text: str, share: float, rng: random.Random) -> str:
    return "".join(
        chr(rng.randint(0xAC00, 0xD7A3)) if is_syllable(character) and rng.random() < share else character
        for character in text
    )


def particles(text: str, share: float, rng: random.Random) -> str:
    """Give words other particles."""

    def other(match: re.Match[str]) -> str:
        if rng.random() >= share:
            return match[0]
        return match[1] + rng.choice([particle for particle in PARTICLES if particle != match[2]])

    longest_first = "|".join(sorted(PARTICLES, key=len, reverse=True))
    return re.sub(rf"([가-힣]+?)({longest_first})(?![가-힣])", other, text)


def look_alike(text: str, share: float, names: list[str], rng: random.Random) -> str:
    """Replace a share of the distinct words (at least one) by others."""
    words = distinct_words([text])
    chosen = rng.sample(words, max(round(share * len(words)), 1)) if words else []
    replacement = {word: rng.choice(names) for word in chosen}
    return re.sub(r"[가-힣]+", lambda match: replacement.get(match[0], match[0]), text)


def distinct_words(texts: list[str]) -> list[str]:
    return sorted({word for text in texts for word in re.findall(r"[가-힣]+", text)})


EDITS: tuple[tuple[str, tuple[float, ...], Edit], ...] = (
    ("spacing", (1, 3, 5), lambda text, p, _, rng: spacing(text, p, p, rng)),
    ("joined", (5, 20), lambda text, p, _, rng: spacing(text, p, 0, rng)),
    ("typos", (0.5, 1, 2), lambda text, p, _, rng: typos(text, p, rng)),
    ("spacing 3 %, typos", (1,), lambda text, p, _, rng: spacing(typos(text, p, rng), 0.03, 0.03, rng)),
    ("particles", (5, 10, 20), lambda text, p, _, rng: particles(text, p, rng)),
    ("look-alike", (2, 5, 10, 20), look_alike),
)


def judge_pairs(left: Judged, right: Judged) -> tuple[np.ndarray, np.ndarray]:
    """True similarity of each two texts, and whether they meet in a band."""
    truth = np.array([len(a & b) / len(a | b) for a, b in zip(left[0], right[0], strict=True)])
    return truth, np.any(left[1] == right[1], axis=1)


def judged(texts: list[str], unit: str, n: int) -> Judged:
    hashes, bounds = shingles(normalise(texts), unit, n)
    digests = band_digests(signatures(hashes, bounds, BANDS * ROWS, 0), BANDS, 0)
    return [plain_shingles(text, unit, n) for text in texts], digests


def quantiles(values: np.ndarray) -> str:
    return " ".join(f"{value:.2f}" for value in np.quantile(values, [0.1, 0.5, 0.9]))


def found(truth: np.ndarray, met: np.ndarray) -> str:
    return " ".join(str(percent(np.mean(met & (truth >= threshold)))) for threshold in THRESHOLDS)


def show_equal_strictness(planted: Planted) -> None:
    """Each shingle at the threshold at which it takes as many look-alikes for copies as 5 eojeol do at 0.8."""
    rows = []
    for source in SOURCES:
        accepted = np.mean(gather(planted, source, "look-alike", 0) >= 0.8)
        for place, unit in enumerate(UNITS):
            alike = gather(planted, source, "look-alike", place)
            threshold = np.quantile(alike, 1 - accepted, method="higher")
            kinds = ("spacing 3 %, typos", "typos", "particles")
            shares = [percent(np.mean(gather(planted, source, kind, place) >= threshold)) for kind in kinds]
            rows.append([source, percent(accepted), name(*unit), f"{threshold:.3f}", *shares])
    head = [
        "source",
        "look-alikes taken, %",
        "shingle",
        "threshold",
        "spacing and typos, %",
        "typos, %",
        "particles, %",
    ]
    table("As strict as 5 eojeol at 0.8: copies at or above the threshold", head, rows)


def gather(planted: Planted, source: str, kind: str, place: int) -> Any:
    return np.concatenate(
        [values[place] for key, values in planted.items() if key[0] == source and key[1].startswith(kind)]
    )


def show_choices(planted: Planted) -> None:
    """Recall of pairs of at least 0.8 by bands and rows, over all copies; the formula at the measured similarities."""
    rows = []
    for place, unit in enumerate(UNITS):
        truth = np.concatenate([values[place] for values in planted.values()])
        of_interest = truth[(truth >= 0.8) & (truth < 1)]
        rows.append([name(*unit), len(of_interest), *(percent(np.mean(meeting(of_interest, *c))) for c in CHOICES)])
    table("Recall of copies with 0.8 <= J < 1 by bands x rows, % (formula)", ["shingle", "copies", *choices()], rows)


def choices() -> list[str]:
    return [f"{bands} x {rows}" for bands, rows in CHOICES]


def meeting(similarity: np.ndarray, bands: int, rows: int) -> np.ndarray:
    return 1 - (1 - similarity**rows) ** bands


def show_natural(source: str, texts: list[str]) -> None:
    """Pairs of real documents: how many by each kind of shingle, how alike they are, how many candidates they cost."""
    rows, cost_rows = [], []
    by_eojeol: set[tuple[int, int]] = set()
    for unit in UNITS:
        pairs = similar_pairs(texts, 0.1, unit=unit[0], size=unit[1])
        truth = np.array([pair[2] for pair in pairs])
        good = {pair[:2] for pair in pairs if pair[2] >= 0.8}
        by_eojeol = by_eojeol or good  # `UNITS` begins with them
        only = good - by_eojeol
        counts = [int(np.sum((truth >= low) & (truth < low + 0.1))) for low in (0.5, 0.6, 0.7)]
        equal_count = f"{np.sort(truth)[-len(by_eojeol)]:.3f}" if by_eojeol else "-"
        found_by = [len(good), len(by_eojeol - good), len(only), equal_count]
        rows.append([name(*unit), *counts, *found_by, likeness(texts, good), likeness(texts, only)])
        cost_rows.append([name(*unit), len(good), *(candidates(truth, bands, height) for bands, height in CHOICES)])
    head = ["shingle", "0.5-0.6", "0.6-0.7", "0.7-0.8", "0.8-1", "not by it, but by 5 eojeol", "by it, not by 5 eojeol"]
    head.append("threshold for as many pairs as 5 eojeol at 0.8")
    title = f"Pairs of {len(texts):,} documents as they are: {source}"
    table(title, [*head, "characters in common, pairs of 0.8-1", "those not by 5 eojeol"], rows)
    title = f"{source}: recall of pairs from 0.8 on in % / candidates below 0.8 for each pair above (formula)"
    table(title, ["shingle", "pairs", *choices()], cost_rows)


def candidates(truth: np.ndarray, bands: int, rows: int) -> str:
    good = truth >= 0.8
    if not good.any():
        return "-"
    meet = meeting(truth, bands, rows)
    return f"{percent(np.mean(meet[good]))} / {np.sum(meet[~good]) / np.sum(good):.2f}"


def likeness(texts: list[str], pairs: Iterable[tuple[int, int]]) -> str:
    """Characters that two texts have in common in the same order, of those of both: least and median of 40 pairs."""
    chosen = [pair for pair in sorted(pairs) if max(len(texts[i]) for i in pair) < 2000]
    chosen = random.Random(1).sample(chosen, min(40, len(chosen)))
    if not chosen:
        return "-"
    ratios = [common_characters(texts[i], texts[j]) for i, j in chosen]
    return f"{min(ratios):.2f} {statistics.median(ratios):.2f} ({len(ratios)})"


def common_characters(left: str, right: str) -> float:
    a, b = (plain_form(text).replace(" ", "") for text in (left, right))
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def name(unit: str, n: int) -> str:
    return f"{n} {unit}"


def percent(share: Any) -> float:
    return round(100 * float(share), 1)


def table(title: str, head: list[str], rows: list[list[Any]]) -> None:
    print(f"\n## {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in row)} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
