"""Our own scorer of ARPA files beside kenlm's: the same bits, the same files refused."""

import gzip
import itertools

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import extras
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.lm import arpa_model, arpa_reader
from malmoi_pipelines.lm.arpa_model import ArpaModel
from malmoi_pipelines.lm.arpa_reader import ArpaError, read_arpa
from malmoi_pipelines.lm.kenlm_model import KenlmModel
from malmoi_pipelines.lm.scoring import ModelOptions, load_model, load_scorer

from tests.pipelines.lm.small import train_here
from tests.pipelines.lm.test_estimate import zipf

WORDS = ["가", "나", "다", "ab", "<unk>"]
MARKS = ("<s>", "</s>")
numbers = st.floats(-9, -0.125, width=32)
# Never enough to lift a probability above 1: kenlm keeps a mark in the sign of a log probability.
lifts = st.floats(0, 0.03125, width=32)
sentences = st.lists(st.lists(st.sampled_from([*WORDS, "없다"]), max_size=90).map(" ".join), max_size=8)


def spell(orders, heading="\\data\\"):
    """An ARPA file of orders: rows of log p, words and back-off."""
    counts = "".join(f"ngram {n}={len(rows)}\n" for n, rows in enumerate(orders, 1))
    sections = (
        f"\\{n}-grams:\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows) for n, rows in enumerate(orders, 1)
    )
    return f"{heading}\n{counts}\n" + "\n".join(sections) + "\n\\end\\\n"


@st.composite
def arpas(draw):
    """Models whose n-grams have their contexts but not always their suffixes, as after pruning."""
    words = [*draw(st.lists(st.sampled_from(WORDS), unique=True)), *MARKS]
    highest = draw(st.integers(2, 4))
    grams, orders = [(word,) for word in words], []
    for order in range(1, highest + 1):
        backoffs = st.one_of(st.just(()), numbers.map(lambda x: (x,)), lifts.map(lambda x: (x,)))
        rows = [
            (draw(numbers), " ".join(gram), *(draw(backoffs) if order < highest and gram[-1] != "</s>" else ()))
            for gram in grams
        ]
        orders.append(rows)
        longer = [(*gram, word) for gram in grams if gram[-1] != "</s>" for word in words if word != "<s>"]
        grams = draw(st.lists(st.sampled_from(longer), unique=True, max_size=12)) if longer else []
    return spell(orders)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(arpas(), sentences)
def test_scores_are_kenlms_bit_for_bit(tmp_path_factory, arpa, lines):
    path = tmp_path_factory.mktemp("arpa") / "small.arpa"
    path.write_text(arpa)
    lines = [line.encode() for line in [*lines, ""]]
    ours = ArpaModel(read_arpa(str(path)))
    try:
        theirs = KenlmModel(str(path))
    except OSError as error:  # a small table of kenlm has no room for many suffixes that are not listed
        if "ProbingSizeException" not in str(error):
            raise
        reject()
    assert ours.order == theirs.order
    assert ours.score_lines(lines).tobytes() == theirs.score_lines(lines).tobytes()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of 4-grams of the lm stage, pruned."""
    path, _ = train_here(tmp_path_factory.mktemp("lm"), zipf(1, sentences=2000), 1 << 20, order=4, prune=(0, 0, 1, 1))
    return str(path)


@pytest.mark.parametrize("batch_bytes", [1 << 10, 4 << 20])
@pytest.mark.parametrize("block_bytes", [64, 8 << 20])
def test_a_trained_model_scores_as_in_kenlm(trained, monkeypatch, batch_bytes, block_bytes):
    monkeypatch.setattr(arpa_model, "BATCH_BYTES", batch_bytes)
    monkeypatch.setattr(arpa_reader, "BLOCK_BYTES", block_bytes)
    lines = [line.encode() for line in [*zipf(1), *zipf(2), " ".join(zipf(3)), "", "낯선 말"]]
    ours = ArpaModel(read_arpa(trained)).score_lines(lines)
    assert ours.tobytes() == KenlmModel(trained).score_lines(lines).tobytes()


def test_perplexities_do_not_tell_whether_kenlm_is_there(trained, monkeypatch):
    texts = ["\n".join(zipf(seed, sentences=50)) for seed in range(20)]
    with_kenlm = load_model(ModelOptions(model=trained)).perplexities(texts)
    monkeypatch.setattr(extras, "is_installed", lambda module: module != "kenlm")
    model = load_scorer(trained)
    assert isinstance(model, ArpaModel)
    load_model.__globals__["_load_model"].cache_clear()
    without = load_model(ModelOptions(model=trained)).perplexities(texts)
    load_model.__globals__["_load_model"].cache_clear()
    assert without.tobytes() == with_kenlm.tobytes()


def test_a_compressed_file_and_one_with_comments_and_other_line_ends_are_read(tmp_path, trained):
    lines = [line.encode() for line in zipf(1)]
    with open(trained, "rb") as file:
        data = file.read()
    (tmp_path / "a.gz").write_bytes(gzip.compress(data))
    (tmp_path / "b.arpa").write_bytes(b"# made by hand\n\n" + data.replace(b"\n", b"\r\n"))
    first, *others = (
        ArpaModel(read_arpa(str(path))).score_lines(lines).tolist()
        for path in (trained, tmp_path / "a.gz", tmp_path / "b.arpa")
    )
    assert others == [first, first]


GOOD = [
    [(-1, "<unk>"), (-99, "<s>", -0.5), (-1, "</s>"), (-1, "가", -0.5)],
    [(-0.5, "<s> 가", -0.5), (-0.5, "가 </s>")],
    [(-0.25, "<s> 가 </s>")],
]
DAMAGED = {
    "no heading": spell(GOOD, heading="data"),
    "a context is missing": spell([GOOD[0], GOOD[1][1:], GOOD[2]]),
    "an unlisted word": spell([GOOD[0], [(-0.5, "가 나")], []]),
    "a positive log probability": spell([GOOD[0], [(0.5, "가 </s>")]]),
    "no number": spell([GOOD[0], [("x", "가 </s>")]]),
    "not a number": spell([GOOD[0], [("nan", "가 </s>")]]),
    "a back-off weight on the longest": spell([GOOD[0], [(-0.5, "가 </s>", -0.5)]]),
    "too many words": spell([GOOD[0], [(-0.5, "가 가 </s>")]]),
    "too few words": spell([GOOD[0], [(-0.5, "가")]]),
    "too few n-grams": spell(GOOD).replace("ngram 2=2", "ngram 2=3"),
    "too many n-grams": spell(GOOD).replace("ngram 2=2", "ngram 2=1"),
    "no end": spell(GOOD).replace("\\end\\", ""),
    "no sentences": spell([[(-1, "가")], [(-1, "가 가")]]),
    "cut": spell(GOOD)[:80],
    "unigrams alone": spell(GOOD[:1]),
    "empty": "",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_what_kenlm_refuses_we_refuse(tmp_path, text):
    path = tmp_path / "bad.arpa"
    path.write_text(text)
    with pytest.raises((OSError, RuntimeError)):
        KenlmModel(str(path))
    with pytest.raises(ArpaError) as error:
        ArpaModel(read_arpa(str(path)))
    assert "가" not in str(error.value)


def test_an_ngram_listed_twice_is_refused(tmp_path):
    path = tmp_path / "twice.arpa"
    path.write_text(spell([GOOD[0], [GOOD[1][1]] * 2]))
    with pytest.raises(ArpaError, match="a 2-gram is listed twice"):
        ArpaModel(read_arpa(str(path)))


def test_a_binary_of_kenlm_wants_kenlm(tmp_path, monkeypatch):
    path = tmp_path / "model.bin"
    path.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0")
    monkeypatch.setattr(extras, "is_installed", lambda module: module != "kenlm")
    with pytest.raises(UsageError, match=r"model\.bin is a binary of kenlm and needs kenlm") as error:
        load_scorer(str(path))
    assert error.value.hint == "pip install 'malmoi[lm]'"


def test_a_file_that_is_no_model_is_refused_alike_without_kenlm(tmp_path, monkeypatch):
    (tmp_path / "x.arpa").write_text("비밀 문장")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(spell(GOOD).encode())[:40])
    for present, name in itertools.product((True, False), ("x.arpa", "cut.gz")):
        monkeypatch.setattr(extras, "is_installed", lambda module, present=present: present)
        with pytest.raises(UsageError, match="cannot be read as a language model") as error:
            load_scorer(str(tmp_path / name))
        assert "비밀" not in error.value.message


def test_long_sentences_are_added_one_by_one():
    values = np.random.default_rng(0).normal(-3, 2, 1000).astype(np.float32)
    total = np.float32(0)
    for value in values:
        total += value
    assert arpa_model._sums(values, np.array([0]), np.array([1000]))[0] == total != values.sum()
