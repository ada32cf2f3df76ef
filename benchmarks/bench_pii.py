"""Personal data: our rules, the patterns of EleutherAI/dps, and Presidio's Korean recognisers with phonenumbers.

    python benchmarks/bench_pii.py [--megabytes 8]

All see the generated set of `tests/pipelines/text/pii_set.py`: sentences with one number each, and look-alikes.
`covered` counts numbers of which a tool marks every digit, whatever it calls them; `right_kind` those that one mark
of the right kind covers; `partly` those of which some digits stay in the text. `false_hits` are look-alikes in which
anything is marked. Presidio has no recogniser for accounts. Where MALMOI_REAL_TEXT names real text, court decisions,
reviews and notices are timed, in processor time, best of three. The last tool needs presidio-analyzer and
phonenumbers, which this project does not depend on; without them it is left out.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from malmoi_pipelines.text.pii import PiiOptions, find_spans_all

from benchmarks.measure import commit
from benchmarks.raw_text import raw_blocks
from tests.pipelines.text.pii_set import look_alikes, positives

Mark = tuple[int, int, str]
Tool = Callable[[Sequence[str]], list[list[Mark]]]

SOURCES = ("court-decisions", "movie-reviews", "government-notices")
ROUNDS = 3

# In the order in which dps applies them, each on what the ones before left. The twelve patterns of single banks are
# glued together without `|` there and match next to nothing; what matches is the general one and the bare digits.
DPS = (
    ("card", re.compile(r"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{4}")),
    ("rrn", re.compile(r"[0-9]{6}-[0-9]{7}")),
    ("tell", re.compile(r"[0-9]{2,3}-[0-9]{3,4}-[0-9]{4}|[0-9]{2,3}[0-9]{3,4}[0-9]{4}")),
    ("acc", re.compile(r"[0-9,\-]{3,6}\-[0-9,\-]{2,6}\-[0-9,\-]{2,6}|[0-9]{11,14}")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=8, help="real text of each source to time on")
    arguments = parser.parse_args()
    texts = real_texts(arguments.megabytes * 1_000_000)
    for name, tool in tools():
        print(json.dumps({"tool": name, **quality(tool), **speed(tool, texts), **where()}), flush=True)


def tools() -> Iterator[tuple[str, Tool]]:
    """The tools that are installed."""
    yield "malmoi, default", ours(PiiOptions())
    yield "malmoi, strict", ours(PiiOptions(mode="strict"))
    yield "dps patterns", dps
    try:
        yield f"presidio {version('presidio-analyzer')} + phonenumbers {version('phonenumbers')}", presidio()
    except ImportError as error:
        print(f"left out: presidio and phonenumbers ({error})", file=sys.stderr)


def ours(options: PiiOptions) -> Tool:
    """Our own rules."""
    return lambda texts: [
        [(span.start, span.end, span.kind) for span in spans] for spans in find_spans_all(texts, options)
    ]


def dps(texts: Sequence[str]) -> list[list[Mark]]:
    """Its patterns one after the other, as its job does; a mark hides its text from the next."""
    return [dps_marks(text) for text in texts]


def dps_marks(text: str) -> list[Mark]:
    marks: list[Mark] = []
    for kind, pattern in DPS:
        found = [match.span() for match in pattern.finditer(text)]
        for start, end in found:
            text = text[:start] + "\0" * (end - start) + text[end:]
        marks += [(start, end, kind) for start, end in found]
    return marks


def presidio() -> Tool:
    """Its Korean recognisers, run as they are without an NLP engine, and libphonenumber's search for valid numbers."""
    import phonenumbers  # noqa: PLC0415  # may be missing
    from presidio_analyzer.predefined_recognizers import KrFrnRecognizer, KrRrnRecognizer  # noqa: PLC0415

    recognizers = [(KrRrnRecognizer(), ["KR_RRN"]), (KrFrnRecognizer(), ["KR_FRN"])]

    def marks(text: str) -> list[Mark]:
        found = [
            (result.start, result.end, "rrn")
            for recognizer, entities in recognizers
            for result in recognizer.analyze(text, entities, None)
        ]
        matcher = phonenumbers.PhoneNumberMatcher(text, "KR", phonenumbers.Leniency.VALID, max_tries=sys.maxsize)
        return found + [(match.start, match.end, "tell") for match in matcher]

    return lambda texts: [marks(text) for text in texts]


def quality(tool: Tool) -> dict[str, object]:
    """Recall by kind, and false hits."""
    wanted = list(positives())
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    partly: Counter[str] = Counter()
    for positive, marks in zip(wanted, tool([positive.text for positive in wanted]), strict=True):
        start = positive.text.index(positive.number)
        digits = {start + i for i, char in enumerate(positive.number) if char.isdigit()}
        seen = digits & {place for mark in marks for place in range(mark[0], mark[1])}
        total[positive.kind] += 1
        covered[positive.kind] += seen == digits
        partly[positive.kind] += 0 < len(seen) < len(digits)
        right[positive.kind] += any(
            mark[2] == positive.kind and mark[0] <= min(digits) and max(digits) < mark[1] for mark in marks
        )
    innocent = list(look_alikes())
    hit = Counter(case.group for case, marks in zip(innocent, tool([c.text for c in innocent]), strict=True) if marks)
    return {
        "positives": dict(total),
        "covered": {kind: round(covered[kind] / total[kind], 4) for kind in total},
        "right_kind": {kind: round(right[kind] / total[kind], 4) for kind in total},
        "partly": {kind: round(partly[kind] / total[kind], 4) for kind in total},
        "look_alikes": len(innocent),
        "false_hits": hit.total(),
        "false_hits_in": dict(hit.most_common(12)),
    }


def speed(tool: Tool, texts: dict[str, list[str]]) -> dict[str, object]:
    """MB of UTF-8 a second of processor time, by source."""
    rates = {}
    for source, block in texts.items():
        times = []
        for _ in range(ROUNDS):
            start = time.process_time()
            tool(block)
            times.append(time.process_time() - start)
        rates[source] = round(sum(len(text.encode()) for text in block) / 1e6 / min(times), 1)
    return {"mb_per_s": rates} if rates else {}


def real_texts(num_bytes: int) -> dict[str, list[str]]:
    """The first documents of each source, where there is real text."""
    root = os.environ.get("MALMOI_REAL_TEXT")
    if not root:
        print("not timed: MALMOI_REAL_TEXT names no real text", file=sys.stderr)
        return {}
    return {source: first_texts(f"{root}/{source}", num_bytes) for source in SOURCES}


def first_texts(folder: str, num_bytes: int) -> list[str]:
    texts: list[str] = []
    size = 0
    for block in raw_blocks(folder, 1 << 20):
        for text in block.texts:
            texts.append(text)
            size += len(text.encode())
            if size >= num_bytes:
                return texts
    return texts


def where() -> dict[str, object]:
    return {"cores": os.cpu_count(), "commit": commit()}


if __name__ == "__main__":
    main()
