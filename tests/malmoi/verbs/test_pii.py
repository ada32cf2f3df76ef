import functools
import json

import pytest
from malmoi_pipelines.contracts.errors import UsageError

from malmoi.verbs import pii as verb

PHONE = "010-9876-5432"


@pytest.fixture
def pii(call_verb):
    """Call `malmoi pii ...`."""
    return functools.partial(call_verb, verb, "pii")


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"id": "one", "text": "영화 좋다"},
        {"id": "two", "text": f"7월에\n전화 {PHONE}로, 900101-1234568"},
        {"id": "three", "text": "hong@example.com 110-123-456789"},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def test_show_lists_place_rule_and_hidden_text(pii, lines):
    shown = pii("show", lines)
    assert PHONE not in shown
    for text in ("two", "phone_mobile", "rrn_hyphen", "7-20", "0월에 전화 【000-0000-0000】로, 000000-0000000"):
        assert text in shown
    assert "three" not in shown


def test_reveal_shows_the_digits_and_limit_shortens_the_list(pii, lines):
    assert PHONE in pii("show", lines, "--reveal")
    shown = pii("show", lines, "--limit", 1)
    assert "and 1 more" in shown
    assert "900101" not in shown
    assert shown.count("rrn_hyphen") == 1  # in the table of rules
    assert "【" not in pii("show", lines, "--limit", 0)


def test_settings_reach_the_detector_and_the_reader(pii, tmp_path, lines):
    shown = pii("show", lines, "--set", "mode=strict", "--set", "email=true")
    assert "account_strict" in shown
    assert "【xxxx@xxxxxxx.xxx】" in shown
    (tmp_path / "b.txt").write_text(f"첫 줄\n연락처 {PHONE}\n")
    assert "phone_mobile" in pii("show", tmp_path / "b.txt")
    (tmp_path / "c.jsonl").write_text(json.dumps({"body": PHONE}) + "\n")
    assert "phone_mobile" in pii("show", tmp_path / "c.jsonl", "--set", "read.columns.text=body")
    with pytest.raises(UsageError, match="did you mean 'mode'"):
        pii("show", lines, "--set", "moed=strict")


def test_mask_writes_the_file_and_tells_what_it_did(pii, lines, tmp_path):
    told = pii("mask", lines, "--out", tmp_path / "b.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["one", "two", "three"]
    assert rows[1]["text"] == "7월에\n전화 <|tell|>로, <|rrn|>"
    for text in ("phone_mobile", "rrn_hyphen", "lines changed", str(tmp_path / "b.jsonl")):
        assert text in told
    with pytest.raises(UsageError, match="exists"):
        pii("mask", lines, "--out", tmp_path / "b.jsonl")
    pii("mask", lines, "--out", tmp_path / "b.jsonl", "--overwrite", "--set", "enabled=false")
    assert (tmp_path / "b.jsonl").read_bytes() == lines.read_bytes()
