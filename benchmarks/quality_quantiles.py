"""What the quality measures are on real text, by source, and what the default bounds drop: Markdown on stdout.

    python benchmarks/quality_quantiles.py ROOT > benchmarks/results/quality-quantiles_202611.md

ROOT is a folder of raw text with one folder a source. This is how the defaults were chosen, and how to choose your own.
"""

import argparse
import pathlib
import sys
from collections import Counter
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.report import markdown_table
from malmoi_pipelines.text.measures import Measures
from malmoi_pipelines.text.normalise import NormaliseOptions, normalise_all
from malmoi_pipelines.text.quality import RULES, judge, rule_data
from malmoi_pipelines.text.thresholds import Thresholds

from benchmarks.measure import commit
from benchmarks.raw_text import raw_blocks

QUANTILES = (0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999)
LANGUAGES = {"docs-en": "english", "parallel": "parallel"}
BLOCK_BYTES = 1 << 20  # the n-gram measures of a block are taken without their gates: small blocks stay in the cache


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path)
    root: pathlib.Path = parser.parse_args().root
    sources = sorted(path.name for path in root.iterdir() if path.is_dir())
    dropped, values = [], {}
    for source in sources:
        thresholds = Thresholds(language=LANGUAGES.get(source, "korean"))
        reasons: Counter[str | None] = Counter()
        parts = []
        for texts in blocks(f"{root}/{source}"):
            reasons.update(judge(texts, thresholds).reasons)
            parts.append(measure(texts))
        values[source] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        dropped.append(drop_row(source, thresholds.language, reasons))
    print("# Quality measures on real text, by source")
    print(f"\n`python benchmarks/quality_quantiles.py ROOT`, commit {commit()}. All documents, normalised.")
    print(f"\n## Dropped by the default bounds, % of documents\n\n{markdown_table(dropped)}")
    for rule in RULES:
        name = column(rule.measure, rule.n)
        if name in values[sources[0]]:
            bound = rule.limit_in(Thresholds())
            print(f"\n## {rule.name}: {name}, {rule.bound} {'off' if bound is None else f'{bound:g}'}\n")
            print(markdown_table([quantile_row(source, values[source], name, rule.from_) for source in sources]))


def blocks(folder: str) -> Iterator[list[str]]:
    """The normalised texts of a source, block by block."""
    for block in raw_blocks(folder, BLOCK_BYTES):
        yield normalise_all(block.texts, NormaliseOptions()).texts


def measure(texts: list[str]) -> dict[str, F64]:
    """Every measure of every text, exact."""
    t = Thresholds()
    measures = Measures(
        texts,
        rule_data(t),
        words_from=t.words_from,
        lines_from=t.lines_from,
    )
    shares, distinct = measures.repeated_and_distinct(0.0, np.inf)
    found = {"repeated_share": shares, "distinct_chars": distinct, "words": measures.words, "lines": measures.lines}
    found |= {
        column("top_ngram_share", n): v for n, v in measures.top_ngram_shares(dict.fromkeys((2, 3, 4), 0.0)).items()
    }
    duplicates = measures.duplicate_ngram_shares(dict.fromkeys(range(5, 11), 0.0))
    found |= {column("duplicate_ngram_share", n): v for n, v in duplicates.items()}
    rest = {rule.measure for rule in RULES} - {"top_ngram_share", "duplicate_ngram_share", "language_score", *found}
    return found | {name: getattr(measures, name) for name in rest} | {"spam_phrases": measures.spam_phrases}


def column(name: str, n: int) -> str:
    return name.replace("ngram", f"{n}gram") if n else name


def drop_row(source: str, language: str, reasons: Counter[str | None]) -> dict[str, object]:
    total = reasons.total()
    short = reasons["too_short"] + reasons["empty"]
    by_reason = ", ".join(f"{name} {100 * count / total:.3f}" for name, count in reasons.most_common() if name)
    return {
        "source": source,
        "language": language,
        "documents": total,
        "kept": f"{100 * reasons[None] / total:.2f}",
        "kept of those long enough": f"{100 * reasons[None] / max(1, total - short):.2f}",
        "dropped by": by_reason,
    }


def quantile_row(source: str, values: dict[str, F64], name: str, asked: tuple[str, str] | None) -> dict[str, object]:
    """The quantiles over the documents that the rule is asked of."""
    chosen = values[name]
    if asked is not None:
        chosen = chosen[values[asked[0]] >= getattr(Thresholds(), asked[1])]
    quantiles = np.quantile(chosen, QUANTILES) if len(chosen) else [np.nan] * len(QUANTILES)
    cells = {f"{100 * q:g} %": float(v) for q, v in zip(QUANTILES, quantiles, strict=True)}
    return {"source": source, "documents": len(chosen), **cells}


if __name__ == "__main__":
    main()
