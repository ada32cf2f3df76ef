"""Documents that real data has and nobody thinks of."""

import itertools
import json
import random
import subprocess
import sys
import unicodedata

import pytest
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards

from tests.end_to_end import ROOT
from tests.pipelines.dedupe.conftest import Outcome
from tests.pipelines.dedupe.corpus import (
    chain,
    plain_dedupe,
    plain_jaccard,
    plain_key,
    split_files,
    words,
)

OPEN = Guards(near_share=1.0, exact_share=1.0, cluster_share=1.0, short_share=1.0)


def run(dedupe, texts: dict[str, str], **values) -> Outcome:
    documents = [(i, "odd", text) for i, text in texts.items()]
    outcome = dedupe(split_files(documents, 2), DedupeConfig.model_validate({"guards": OPEN, **values}), group_rows=100)
    assert outcome.kept.keys() | outcome.removed.keys() == texts.keys()
    assert all(outcome.kept[i] == texts[i] for i in outcome.kept)
    outcome.report.ledger.check()
    return outcome


@pytest.mark.parametrize("unit", ["eojeol", "syllables"])
def test_texts_of_next_to_nothing(dedupe, unit):
    texts = {
        "empty": "",
        "empty again": "",
        "space": " ",
        "spaces": "  ",
        "breaks": "\n\t\u3000",
        "breaks again": "\n\t\u3000",
        "eojeol": "안녕하세요",
        " eojeol ": " 안녕하세요 \u3000",
        "eojeol!": "안녕하세요!",
        "syllable": "네",
        "syllable.": "네.",
        "…syllable": "…네",
        "jamo": "ㅋ",
        "jamo twice": "ㅋㅋ",
        "no": "아니요",
        "dots": "...",
        "hearts": "♡♡♡",
        "hearts again": "♡♡♡",
        "emoji": "👍🏻",
        "other emoji": "👍🏿",
    }
    outcome = run(dedupe, texts, shingle=unit)
    assert outcome.reasons == plain_dedupe([(i, "odd", text) for i, text in texts.items()], unit=unit)
    assert len(outcome.kept) == len({plain_key(text) for text in texts.values()})
    unlike = {"space", "spaces", "dots", "syllable", "syllable.", "…syllable", "jamo", "jamo twice", "no", "emoji"}
    assert not unlike & outcome.removed.keys()


@pytest.mark.parametrize("unit", ["eojeol", "syllables"])
def test_one_character_a_hundred_thousand_times(dedupe, unit):
    texts = {"a": "ㅋ" * 100_000, "b": "ㅋ" * 100_001, "c": "ㅋ " * 100_000, "copy": "ㅋ" * 100_000}
    outcome = run(dedupe, texts, shingle=unit)
    if unit == "eojeol":  # one eojeol each, but for c, which has one shingle
        assert {i: row["reason"] for i, row in outcome.removed.items()} in ({"a": "exact"}, {"copy": "exact"})
    else:  # all have the one shingle of twelve, and c is the longest
        assert outcome.kept.keys() == {"c"}
        assert {row["similarity"] for row in outcome.removals} == {1.0}


def test_texts_without_letters(dedupe):
    texts = {"line": "-" * 80, "longer line": "-" * 81, "same line": "-" * 80, "table": "| | |\n|-|-|", "math": "± × ÷"}
    outcome = run(dedupe, texts)
    assert len(outcome.kept) == 4
    assert outcome.removed.keys() < {"line", "same line"}


def test_templates_that_differ_in_names(dedupe):
    """A form with ten names of forty words is not a copy of the next one; one with a single name in long text is."""
    rng = random.Random(1)
    frame = [words(rng, 3) for _ in range(10)]
    forms = {f"form{n}": " ".join(w for part in frame for w in [*part, *words(rng, 1)]) for n in range(30)}
    long = words(rng, 300)
    letters = {f"letter{n}": " ".join([*long[:150], *words(rng, 1), *long[150:]]) for n in range(5)}
    names = list(forms.values())
    assert max(plain_jaccard(x, y) for x in names[:5] for y in names[5:]) < 0.8
    outcome = run(dedupe, forms | letters)
    assert forms.keys() <= outcome.kept.keys()
    assert len(outcome.kept) == 31
    assert all(plain_jaccard(letters[i], letters[row["partner_id"]]) >= 0.8 for i, row in outcome.removed.items())


def test_templates_that_differ_in_numbers_are_told_apart(dedupe):
    """Years in a sentence of seven eojeol are other sentences; folded digits make one of those that are as long."""
    texts = {
        year: f"{year}년 예산 집행 결과를 다음과 같이 공고합니다" for year in ("2022", "2023", "２０２４", "12", "9")
    }
    assert run(dedupe, texts).removals == []
    outcome = run(dedupe, texts, fold=["digits"])
    assert {row["reason"] for row in outcome.removals} == {"near"}
    assert outcome.kept.keys() == {"２０２４", "12", "9"}  # full-width digits take more bytes


UNLIKE = [
    ("12 + 34 = 46", "99 - 11 = 88"),
    ("1점", "9점"),
    ("1,000원", "9,999원"),
    ("C#", "C++"),
    ("👍", "👎"),
    ("a<b", "a>b"),
    ("3.5%", "35%"),
    ("ㄱ) 참", "ㄴ) 참"),
    ("3시 15분", "15시 3분"),
    ("Polish", "polish"),
    ("f(x)", "f[x]"),
    ("O형", "0형"),
]


@pytest.mark.parametrize("unit", ["eojeol", "syllables"])
@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("pair", UNLIKE, ids=lambda pair: pair[0])
def test_texts_that_a_reader_tells_apart_are_no_exact_duplicates(dedupe, pair, near, unit):
    short = dict(zip(["one", "other"], pair, strict=True))
    assert run(dedupe, short, near=near, shingle=unit).removals == []
    long = {name: f"{text} 그리고 이 글에는 같은 말이 조금 더 있다. {text}" for name, text in short.items()}
    assert {row["reason"] for row in run(dedupe, long, near=near, shingle=unit).removals} <= {"near"}


@pytest.mark.parametrize("white", [" ", "\n", "\t", "\u3000", "\u00a0", "\r\n", "  \n "])
def test_white_space_and_composition_make_no_difference(dedupe, white):
    one = f"한국어 문장이다.{white}둘째 문장 {white}"
    outcome = run(dedupe, {"one": one, "other": unicodedata.normalize("NFD", "한국어 문장이다. 둘째 문장")}, near=False)
    assert [row["reason"] for row in outcome.removals] == ["exact"]


def test_case_is_an_option_of_exact_duplicates(dedupe):
    texts = {"one": "KBS 뉴스 9", "other": "kbs 뉴스 9"}
    assert run(dedupe, texts).removals == []
    assert [row["reason"] for row in run(dedupe, texts, fold=["case"], near=False).removals] == ["exact"]


def test_an_article_pasted_twice_does_not_beat_the_article(dedupe):
    rng = random.Random(3)
    for unit in ("eojeol", "syllables"):
        article = " ".join(words(rng, 80))
        edited = article.replace(" ", "  ", 3)
        texts = {"once": article, "twice": f"{article}\n\n{article}", "thrice": "\n".join([edited] * 3)}
        outcome = run(dedupe, texts, shingle=unit)
        assert outcome.kept.keys() == {"once"}


def test_a_long_common_header_makes_no_duplicate(dedupe):
    rng = random.Random(2)
    header = words(rng, 100)
    texts = {f"page{n}": " ".join([*header, *words(rng, 40)]) for n in range(40)}
    assert 0.5 < plain_jaccard(texts["page0"], texts["page1"]) < 0.8
    outcome = run(dedupe, texts)
    assert outcome.removals == []
    assert outcome.report.facts["candidate edges"] > 0
    assert outcome.report.facts["verified edges"] == 0


def test_a_chain_of_thirty(dedupe):
    texts = {f"link{n:02d}": text for n, text in enumerate(chain(random.Random(3), 30))}
    outcome = run(dedupe, texts, bands=128, rows=4)
    assert outcome.reasons == plain_dedupe([(i, "odd", text) for i, text in texts.items()])
    kept = sorted(int(i[4:]) for i in outcome.kept)
    assert all(later - earlier in (2, 3) for earlier, later in itertools.pairwise(kept))


@pytest.mark.long
def test_two_thousand_copies_with_one_word_changed(dedupe):
    rng = random.Random(4)
    base = words(rng, 100)
    texts = {}
    for n in range(2000):
        place = rng.randrange(100)
        texts[f"copy{n:04d}"] = " ".join([*base[:place], *words(rng, 1), *base[place + 1 :]])
    outcome = run(dedupe, texts)
    # Two of them are similar at 0.81, where one pair in fourteen is missed.
    assert len(outcome.kept) <= 3
    assert sum(outcome.cluster_sizes.values()) == 2000
    assert outcome.report.facts["candidate edges"] < 2000 * 9 * 14
    assert all(row["similarity"] >= 0.8 for row in outcome.removals)


def test_decomposed_copies_are_exact(dedupe):
    rng = random.Random(5)
    texts = {f"nfc{n}": " ".join(words(rng, 3 + 20 * n)) + " café" for n in range(4)}
    texts |= {i.replace("nfc", "nfd"): unicodedata.normalize("NFD", text) for i, text in texts.items()}
    outcome = run(dedupe, texts)
    assert {i: (row["reason"], row["partner_id"]) for i, row in outcome.removed.items()} == {
        f"nfc{n}": ("exact", f"nfd{n}") for n in range(4)
    }  # decomposed Hangul is longer in bytes


def test_equal_names_and_texts_in_several_files(dedupe):
    """The same file given twice: every document goes once, and neither file wins by chance."""
    rng = random.Random(6)
    documents = [(f"d{n}", "odd", " ".join(words(rng, 30))) for n in range(20)]
    outcome = dedupe([documents, documents[::-1]], DedupeConfig(guards=OPEN))
    assert len(outcome.kept) == len(outcome.removals) == 20
    assert all(row["id"] == row["partner_id"] for row in outcome.removals)


GIANT = """
import json, random, resource, sys, time
import pyarrow as pa, pyarrow.parquet as pq
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions

root, copies, unit, size = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
rng = random.Random(1)
chunk = " ".join("".join(map(chr, rng.choices(range(0xAC00, 0xD7A4), k=rng.randint(1, 4)))) for _ in range(200_000))
text = "\\n".join("".join(rng.sample(chunk, len(chunk))) for _ in range(size // len(chunk.encode()) + 1))
for number in range(copies):
    part = text[: len(text) - 10_000 * number]
    table = pa.table({"id": [f"g{number}"], "source": ["giants"], "text": pa.array([part], pa.large_string())})
    pq.write_table(table, f"{root}/in-{number}.parquet")
size = len(text.encode())
del text, part, table
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
start = time.perf_counter()
made = dedupe([f"{root}/in-{n}.parquet" for n in range(copies)], f"{root}/out", DedupeConfig(shingle=unit),
              RunOptions(workers=1))
# ru_maxrss of this process would count the test runner that it was forked from, VmHWM does not.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
peak = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(json.dumps({"bytes": size, "peak_mb": peak // 1024, "kept": made.manifest.rows(),
                  "removed": made.manifest.rows("removals"), "seconds": round(time.perf_counter() - start, 1)}))
"""


def giant(copies, unit):
    return pytest.param(copies, unit, 100, 4096, marks=pytest.mark.slow)


@pytest.mark.long
@pytest.mark.parametrize(
    ("copies", "unit", "megabytes", "peak"),
    [(2, "eojeol", 16, 1200), giant(1, "eojeol"), giant(2, "eojeol"), giant(1, "syllables")],
)
def test_a_document_of_100_megabytes(tmp_path, record_property, copies, unit, megabytes, peak):
    """Alone, and with a near copy, which is read again and compared shingle by shingle; in little in every run."""
    command = [sys.executable, "-c", GIANT, str(tmp_path), str(copies), unit, str(megabytes * 1_000_000)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    record_property("figures", figures)
    assert figures["bytes"] >= megabytes * 1_000_000
    assert (figures["kept"], figures["removed"]) == (1, copies - 1)
    assert figures["peak_mb"] < peak
