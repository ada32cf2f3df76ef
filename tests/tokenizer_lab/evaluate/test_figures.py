"""Every figure recomputed from plain strings, occurrence by occurrence."""

import collections
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.evaluate import evaluate, read_unit_table
from malmoi_tokenizer_lab.evaluate import figures as figures_module
from malmoi_tokenizer_lab.evaluate.evaluation import ALL
from malmoi_tokenizer_lab.evaluate.figures import NUM_STRR

from tests.tokenizer_lab.evaluate.tables import encode, toy_subject, write_table
from tests.tokenizer_lab.small import split

DOCUMENTS = [
    ("web", "가나 다 가나 가나다 ab\n가나 라"),
    ("news", "가나 다다 a  b  가나, 뷁 가"),
    ("web", "다"),
    ("legal", "ab a 나라"),
    ("code", "a b\n  ab"),
]
texts = st.lists(
    st.tuples(st.sampled_from(["web", "news", "code"]), st.text("가나다라ab \n.", max_size=25)), min_size=1, max_size=8
)


def ratio(above, below):
    return above / below if below else None


def expected(documents, encode=encode, num_strr=NUM_STRR):
    """The figures, from every unit of every document as it comes."""
    units = [unit for text in documents for unit in split(text)]
    tokens = [token for unit in units for token in encode(unit)]
    korean = [unit for unit in units if re.search("[가-힣]", unit)]
    korean_tokens = [token for unit in korean for token in encode(unit)]
    eojeol = [unit for unit in korean if unit[0] == " "]
    ranked = collections.Counter(unit for unit in eojeol if unit[1] != " ")
    top = sorted(ranked, key=lambda unit: (-ranked[unit], unit.encode()))[:num_strr]
    shares = [count / len(tokens) for count in collections.Counter(tokens).values()]
    renyi = math.log2(sum(share**2.5 for share in shares)) / -1.5 if len(shares) > 1 else 0
    return {
        "tokens": len(tokens),
        "tokens_per_eojeol": ratio(sum(len(encode(unit)) for unit in eojeol), len(eojeol)),
        "tokens_per_character": ratio(len(tokens), len("".join(units))),
        "bytes_per_token": ratio(len("".join(units).encode()), len(tokens)),
        "korean_bytes_per_token": ratio(len("".join(korean).encode()), len(korean_tokens)),
        "byte_share": ratio(sum(0 < token < 257 for token in tokens), len(tokens)),
        "korean_byte_share": ratio(sum(0 < token < 257 for token in korean_tokens), len(korean_tokens)),
        "continued": ratio(sum(len(encode(unit)) > 1 for unit in eojeol), len(eojeol)),
        "strr": ratio(sum(len(encode(unit)) == 1 for unit in top), len(top)),
        "renyi_efficiency": renyi / math.log2(len(shares)) if len(shares) > 1 else None,
    }


def rows_by_source(documents, folder, **settings):
    table = read_unit_table([write_table(folder, documents)])
    result = evaluate([toy_subject(**settings)], table, with_morphemes=False)
    return {row["source"]: row for row in result.efficiency}


def check(documents, folder):
    found = rows_by_source(documents, folder)
    groups = {source: [text for name, text in documents if name == source] for source, _ in documents}
    for source, own in {**groups, ALL: [text for _, text in documents]}.items():
        for name, value in expected(own).items():
            assert found[source][name] == pytest.approx(value), (source, name)


def test_figures_are_those_of_the_text(tmp_path):
    check(DOCUMENTS, str(tmp_path))


@pytest.mark.long
@given(texts)
def test_figures_are_those_of_any_text(documents):
    check(documents, "memory://figures/any")


def test_only_the_most_frequent_eojeol_are_retained(tmp_path, monkeypatch):
    # 가나 (4 times, one token) and 다 (twice, two tokens) are first; ties go by bytes: 가 before 라 and 뷁
    monkeypatch.setattr(figures_module, "NUM_STRR", 3)
    documents = [("web", " ".join(["가나"] * 4 + ["다"] * 2 + ["뷁", "라", "가"]))]
    assert rows_by_source(documents, str(tmp_path))["web"]["strr"] == pytest.approx(2 / 3)


def test_runs_of_spaces_are_eojeol_but_no_words(tmp_path):
    row = rows_by_source([("web", "a  가나")], str(tmp_path))["web"]
    assert row["tokens_per_eojeol"] == 2  # a space, and " 가나"
    assert row["strr"] is None


def test_without_eojeol_there_is_no_fertility(tmp_path):
    row = rows_by_source([("code", "ab\n가나")], str(tmp_path))["code"]
    assert (row["tokens_per_eojeol"], row["continued"], row["strr"]) == (None, None, None)
    assert row["korean_bytes_per_token"] == 3  # at the start of a line: two letters, two tokens


def test_weights_change_all_sources_together_and_no_single_one(tmp_path):
    folder = write_table(str(tmp_path), DOCUMENTS)
    plain, weighted = (
        {row["source"]: row for row in evaluate([toy_subject()], table, with_morphemes=False).efficiency}
        for table in (read_unit_table([folder]), read_unit_table([folder], weights={"web": 3, "code": 0}))
    )
    # A source of weight 3 is a source that is there three times, one of weight 0 is not there.
    thrice = [text for source, text in DOCUMENTS for _ in range({"web": 3, "code": 0}.get(source, 1))]
    for name, value in expected(thrice).items():
        assert weighted[ALL][name] == pytest.approx(value), name
    assert weighted["legal"] == {**plain["legal"], "tokens_saved": weighted["legal"]["tokens_saved"]}
    assert weighted["web"]["tokens_per_eojeol"] == plain["web"]["tokens_per_eojeol"]
    assert weighted["code"]["tokens"] == 0
