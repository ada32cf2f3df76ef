import json

import pytest
import zstandard
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_tokenizer_lab.evaluate.parallel import parity, read_pairs

from tests.tokenizer_lab.evaluate.tables import toy_subject

PAIRS = [("가나 다", "a b"), ("나", "a a a"), ("", "b")]


def lines(pairs):
    return "\n".join(json.dumps({"text_ko": ko, "text_en": en, "more": 1}, ensure_ascii=False) for ko, en in pairs)


def test_parity_counts_both_sides():
    # ▁가나 ▁ 다 / ▁a ▁ b;  ▁ 나 / ▁a ▁a ▁a;  ▁ / ▁ b
    found = parity(toy_subject(), PAIRS)
    assert (found.korean_tokens, found.english_tokens) == (3 + 2 + 1, 3 + 3 + 2)
    assert found.parity == 6 / 8
    assert found.median_parity == sorted([3 / 3, 2 / 3, 1 / 2])[1]
    assert parity(toy_subject(), []).parity is None


def test_pairs_come_from_files_and_folders(tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(PAIRS[:2]) + "\n\n")
    cut = lines(PAIRS[2:]).encode()
    (tmp_path / "b.jsonl.zst").write_bytes(zstandard.compress(cut[:9]) + zstandard.compress(cut[9:]))
    assert read_pairs(str(tmp_path)) == PAIRS
    assert read_pairs(str(tmp_path / "a.jsonl")) == PAIRS[:2]


@pytest.mark.parametrize("text", ['{"text_ko": "비밀"}', '{"text_ko": "비밀", "text_en": 1}', "[1]", "{비밀"])
def test_lines_that_are_no_pair_are_named_without_their_text(text):
    files.write_bytes("memory://pairs/x.jsonl", (lines(PAIRS[:1]) + "\n" + text).encode())
    with pytest.raises(BadInputError, match=r"x\.jsonl, line 2: must be") as caught:
        read_pairs("memory://pairs/x.jsonl")
    assert "비밀" not in caught.value.message


def test_other_files_are_refused(tmp_path):
    (tmp_path / "pairs.tsv").write_text("x")
    (tmp_path / "bad.jsonl.zst").write_bytes(b"no zstd")
    for path in (tmp_path / "pairs.tsv", tmp_path / "absent.jsonl"):
        with pytest.raises(UsageError, match=r"must be a \.jsonl"):
            read_pairs(str(path))
    with pytest.raises(BadInputError, match="not a zstd file"):
        read_pairs(str(tmp_path / "bad.jsonl.zst"))
    (tmp_path / "bad.jsonl.zst").write_bytes(zstandard.compress(lines(PAIRS).encode())[:-3])
    with pytest.raises(BadInputError, match="cut off"):
        read_pairs(str(tmp_path / "bad.jsonl.zst"))
