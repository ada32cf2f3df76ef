"""What a block becomes: documents, rejects, spans, an exact ledger."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.core import clean_block
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS, SPANS
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.rows import RawBlock

from tests.strategies import texts as text_strategy

PLAIN = "오늘은 날씨가 참 좋아서 공원을 걸었습니다."
PHONE = "연락처는 010-1234-5678로 해 주세요."


def block_of(*texts, source="web", bad=()):
    block = RawBlock("a.jsonl", "folder")
    for number, text in enumerate(texts, 1):
        block.add_record(number, {"id": f"n{number}", "source": source, "text": text}, b"", Fields(ReadOptions()))
    for line, raw in bad:
        block.reject(line, "broken_json", raw)
    return block


def cleaned(*texts, source="web", bad=(), **options):
    return clean_block(block_of(*texts, source=source, bad=bad), CleanConfig.model_validate(options))


def kept(*texts, **options):
    return cleaned(*texts, **options).documents.column("text").to_pylist()


def reasons(*texts, **options):
    return cleaned(*texts, **options).rejects.column("reason").to_pylist()


def test_every_table_has_its_schema():
    for result in (cleaned(PLAIN, PHONE, "", bad=[(9, b"{")]), cleaned()):
        tables = (result.documents, result.rejects, result.spans)
        assert tuple(table.schema for table in tables) == (DOCUMENTS.schema, REJECTS.schema, SPANS.schema)
        for table in tables:
            table.validate(full=True)


def test_personal_data_is_masked_and_its_span_recorded():
    result = cleaned(PLAIN, f"{PHONE}\u200b")
    assert result.documents.column("text").to_pylist() == [PLAIN, "연락처는 <|tell|>로 해 주세요."]
    [span] = result.spans.to_pylist()
    assert (span["id"], span["source"], span["kind"]) == ("n2", "web", "tell")
    assert PHONE[span["start"] : span["end"]] == "010-1234-5678"
    assert result.counts.masks == Counter({("web", "tell", span["rule"]): 1})


def test_fields_of_dropped_documents_count_no_mask():
    block = RawBlock("a.jsonl", "folder")
    for number, text in enumerate([PLAIN, "", f"{PLAIN} {PLAIN}"], 1):
        record = {"id": f"n{number}", "source": "web", "text": text, "writer": f"010-1234-567{number}"}
        block.add_record(number, record, b"", Fields(ReadOptions()))
    result = clean_block(block, CleanConfig())
    assert len(result.rejects) == 1
    [(_, masks)] = result.counts.masks.items()
    assert masks == len(result.documents) == 2
    assert set(result.documents.column("meta").to_pylist()) == {'{"writer":"<|tell|>"}'}


def test_pii_options_have_their_effect():
    assert kept(PHONE, pii={"enabled": False}) == [PHONE]
    firm, account = "대표번호 1588-1234로 문의해 주세요.", "아래로 보내 주세요. 110-234-567890 확인했습니다."
    assert kept(firm) == [firm]
    assert "<|tell|>" in kept(firm, pii={"representative": True})[0]
    assert kept(account) == [account]
    assert "<|acc|>" in kept(account, pii={"mode": "strict"})[0]


def test_normalise_options_have_their_effect():
    assert kept(f"<b>{PLAIN}</b>") == [PLAIN]
    assert kept(f"<b>{PLAIN}</b>", normalise={"html": False}) == [f"<b>{PLAIN}</b>"]
    wide = PLAIN.replace(" ", "  ")
    assert kept(wide) == [PLAIN]
    assert kept(wide, normalise={"collapse_spaces": "none"}) == [wide]


def test_thresholds_hold_by_source():
    english = "The quick brown fox jumps over the lazy dog."
    policy = {"sources": {"en": {"thresholds": {"min_hangul_share": 0}}}}
    assert reasons(english, source="web", **policy) == ["low_hangul"]
    assert kept(english, source="en", **policy) == [english]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t\u3000", "empty"),
        ("\u200b\x00", "empty"),
        ("짧다", "too_short"),
        ("ㅋ" * 500, "repeated_character"),
    ],
)
def test_a_dropped_text_is_in_the_rejects_as_it_was_read(text, reason):
    result = cleaned(PLAIN, text)
    [row] = result.rejects.to_pylist()
    assert row == {
        "id": "n2", "source": "web", "text": text, "meta": None,
        "raw": None, "file": "a.jsonl", "start": 0,
        "line": 2, "reason": reason
    }  # fmt: skip
    assert result.documents.column("id").to_pylist() == ["n1"]


def test_bad_lines_are_rejects_of_the_files_source_in_line_order():
    result = cleaned(PLAIN, "짧다", PLAIN, "", bad=[(7, b"{"), (3, b"\xff")])
    rows = [(row["line"], row["source"], row["id"], row["text"], row["raw"]) for row in result.rejects.to_pylist()]
    assert rows == [
        (2, "web", "n2", "짧다", None),
        (3, "folder", None, None, b"\xff"),
        (4, "web", "n4", "", None),
        (7, "folder", None, None, b"{"),
    ]
    assert result.counts.problems == Counter({("a.jsonl", "broken_json"): 2})


def test_the_ledger_counts_bytes_as_they_came_in():
    decomposed = unicodedata.normalize("NFD", PLAIN)
    result = cleaned(decomposed, "짧다", bad=[(3, b"{bad")])
    assert result.ledger.to_json() == {
        "folder": {"failed": {"documents": 1, "bytes": 4}, "in": {"documents": 1, "bytes": 4}},
        "web": {
            "dropped:too_short": {"documents": 1, "bytes": 6},
            "in": {"documents": 2, "bytes": len(decomposed.encode()) + 6},
            "kept": {"documents": 1, "bytes": len(decomposed.encode())},
        },
    }
    assert result.counts.changes == Counter({("web", "nfd"): 1})
    assert result.documents.column("text").to_pylist() == [PLAIN]


def test_a_literal_mask_is_kept_counted_and_no_span():
    text = "연락처는 <|tell|>로 가린 글입니다."
    result = cleaned(text)
    assert result.documents.column("text").to_pylist() == [text]
    assert (result.spans.num_rows, result.counts.changes) == (0, Counter({("web", "literal_mask"): 1}))


def test_equal_ids_are_both_kept():
    block = block_of(PLAIN, PLAIN)
    block.ids = ["same", "same"]
    assert clean_block(block, CleanConfig()).documents.column("id").to_pylist() == ["same", "same"]


@pytest.mark.long
@given(
    st.lists(st.tuples(text_strategy, st.sampled_from("abc")), max_size=15), st.lists(st.binary(max_size=9), max_size=4)
)
def test_nothing_is_lost(rows, bad):
    block = RawBlock("a.jsonl", "a")
    for number, (text, source) in enumerate(rows):
        block.add_record(number, {"source": source, "text": text}, b"", Fields(ReadOptions()))
    for number, raw in enumerate(bad):
        block.reject(100 + number, "broken_json", raw)
    result = clean_block(block, CleanConfig())
    result.ledger.check()
    assert result.ledger.documents("in") == len(rows) + len(bad) == result.documents.num_rows + result.rejects.num_rows
    assert result.ledger.bytes("in") == sum(len(text.encode()) for text, _ in rows) + sum(map(len, bad))
    assert result.ledger.documents("kept") == result.documents.num_rows
