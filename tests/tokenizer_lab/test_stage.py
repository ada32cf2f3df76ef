import pathlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.contracts.config import parse_config
from pipelines.contracts.errors import CheckError, UsageError
from pipelines.contracts.manifest import read_manifest, verify_file
from pipelines.contracts.report import read_report
from tests.tokenizer_lab.small import SMALL, parse_folder, write_words
from tokenizer_lab import gates
from tokenizer_lab.config import ExpandConfig, resolve_cutoff, token_budget
from tokenizer_lab.counting import Tokens
from tokenizer_lab.gates import check_closure, check_rows
from tokenizer_lab.hangul import has_letter
from tokenizer_lab.model_proto import (
    NORMAL,
    Piece,
    extend,
    load,
    load_for_units,
    lowest_rank_score,
    parse_base,
    read_model,
    scores_below,
)
from tokenizer_lab.stage import expand
from tokenizer_lab.words import read_words


def run(words, out, base, **settings):
    return expand(words, str(out), SMALL.model_copy(update={"base": base, **settings}))


def hashes(result):
    return {info.path: info.xxh3_128 for info in result.manifest.files}


@pytest.fixture(scope="module")
def tokens(expanded):
    return pq.read_table(f"{expanded.folder}/data/new_tokens.parquet").to_pylist()


def test_the_folder_is_complete_and_verifies(expanded):
    manifest = read_manifest(expanded.folder)
    assert {info.path for info in manifest.files} == {
        "tokenizer.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "data/new_tokens.parquet",
        "rounds/rounds.parquet",
        "report.json",
        "report.md",
    }
    for info in manifest.files:
        verify_file(expanded.folder, manifest, info)
    assert manifest.tokenizer == hashes(expanded)["tokenizer.model"]


def test_new_rows_are_laid_out_in_order(tokens, base):
    first = len(base.pieces)
    assert [row["id"] for row in tokens] == list(range(first, first + len(tokens)))
    assert [row["piece"] for row in tokens[:5]] == ["<|im_end|>", "<|im_start|>", "<|acc|>", "<|rrn|>", "<|tell|>"]
    kinds = [row["kind"] for row in tokens[5:]]
    order = ["multi", "letter", "reserved"]
    assert kinds == sorted(kinds, key=order.index)
    scores = np.array([row["score"] for row in tokens if row["kind"] != "reserved"], np.float32)
    assert (np.diff(scores) < 0).all()
    assert scores[0] < lowest_rank_score(base)


def test_each_row_says_why_it_is_there(tokens, base):
    ids = {row["id"] for row in tokens}
    encode = load_for_units(base).encode
    for row in tokens:
        if row["kind"] == "multi":
            assert (row["count"] >= SMALL.cutoff) == (row["reason"] == "kept")
            assert len(row["parents"]) == 2
            assert all(parent < len(base.pieces) or parent in ids for parent in row["parents"])
        else:
            assert row["reason"] == row["kind"]
            assert row["parents"] == []
        assert row["base_ids"] == encode(row["piece"].replace("▁", " "))
        assert len(row["base_ids"]) > 0


def test_masks_are_counted(tokens, corpus):
    counts = {row["piece"]: row["count"] for row in tokens}
    assert counts["<|tell|>"] == sum(document.count("<|tell|>") for document in corpus) > 0
    assert counts["<|im_end|>"] == 0


def test_the_report_states_the_exact_length_of_the_corpus(expanded, corpus, base):
    facts = read_report(expanded.folder).facts
    after = load_for_units(parse_folder(expanded.folder)).encode([" " + document for document in corpus])
    before = load_for_units(base).encode([" " + document for document in corpus])
    assert facts["corpus tokens after"] == sum(map(len, after))
    assert facts["corpus tokens before"] == sum(map(len, before))
    trace = pq.read_table(f"{expanded.folder}/rounds/rounds.parquet").to_pylist()
    assert trace[-1]["corpus_tokens"] == facts["corpus tokens after"]
    assert trace[-1]["dropped"] == 0
    assert facts["fertility after"] < facts["fertility before"]


def test_bytes_do_not_depend_on_partitions_order_or_threads(corpus, words, small_base, tmp_path):
    config = {"base": small_base}
    first = hashes(run([words], tmp_path / "a", **config))
    assert hashes(run([words], tmp_path / "b", **config)) == first
    one = write_words(str(tmp_path / "one"), corpus[:60], parts=4)
    two = write_words(str(tmp_path / "two"), corpus[60:], order=lambda item: item[0])
    assert hashes(run([one, two], tmp_path / "c", num_threads=1, **config)) == first
    assert hashes(run([two, one], tmp_path / "d", **config)) == first


def test_a_finished_stage_is_skipped_and_another_is_refused(words, small_base, tmp_path):
    assert not run([words], tmp_path / "a", small_base).skipped
    assert run([words], tmp_path / "a", small_base).skipped
    with pytest.raises(UsageError, match="budget: 320 → 256"):
        run([words], tmp_path / "a", small_base, budget=256)


def vocabulary(result):
    return len(parse_folder(result.folder).pieces)


@pytest.mark.parametrize(("budget", "pad"), [(128, 64), (200, 64), (200, 1), (70, 128)])
def test_the_vocabulary_is_padded_within_the_budget(words, small_base, tmp_path, budget, pad):
    size = len(parse_base(read_model(small_base), "base").pieces)
    total = vocabulary(run([words], tmp_path / "a", small_base, budget=budget, pad_multiple=pad))
    assert total == (size + budget) // pad * pad


def test_too_few_candidates_are_filled_up_with_reserved_rows(words, small_base, tmp_path):
    result = run([words], tmp_path / "a", small_base, budget=8960, intermediate_vocab_size=300)
    facts = read_report(result.folder).facts
    assert facts["vocabulary"] % 64 == 0
    assert facts["new rows"] - facts["new tokens"] < 5 + 64
    assert facts["new tokens"] < 8000


def test_no_budget_keeps_all_that_reach_the_cutoff(words, small_base, tmp_path):
    result = run([words], tmp_path / "a", small_base, budget=None, cutoff=20, masks=())
    counts = pq.read_table(f"{result.folder}/data/new_tokens.parquet").to_pylist()
    assert all(row["count"] >= 20 for row in counts if row["reason"] == "kept")
    assert "<|tell|>" not in {row["piece"] for row in counts}


def test_scaling_of_the_cutoff():
    config = ExpandConfig()
    assert resolve_cutoff(config, 100 * 10**9) == 6000
    assert resolve_cutoff(config, 50 * 10**9 + 1) == 3001
    assert resolve_cutoff(config, 10) == 2
    assert resolve_cutoff(ExpandConfig(cutoff=7), 10**12) == 7


def test_the_default_shape_is_that_of_eeve():
    assert token_budget(ExpandConfig(), 32_000) + ExpandConfig().fixed_rows + 32_000 == 40_960 == 320 * 128


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cutof": 3}, "did you mean 'cutoff'"),
        ({"budget": 0}, "budget = 0"),
        ({"masks": ["<mask>"]}, "a mask must look like|a name must look like"),
        ({"reserved": ["<|acc|>"]}, "must be distinct"),
        ({"policy": "none"}, "policy = 'none'"),
    ],
)
def test_wrong_settings_are_explained(values, message):
    with pytest.raises(UsageError, match=message):
        parse_config(ExpandConfig, values, "test.yaml")


def test_a_budget_without_room_is_refused(words, small_base, tmp_path):
    with pytest.raises(UsageError, match="leaves no row"):
        run([words], tmp_path / "a", small_base, budget=5)
    with pytest.raises(UsageError, match="at least one word table"):
        run([], tmp_path / "a", small_base)


def test_bases_of_other_kinds_are_refused(small_base, words, tmp_path):
    model = parse_base(read_model(small_base), "base")
    model.normalizer_spec.remove_extra_whitespaces = True
    other = tmp_path / "tokenizer.model"
    other.write_bytes(model.SerializeToString())
    with pytest.raises(UsageError, match="all spaces kept"):
        run([words], tmp_path / "a", str(tmp_path))


def test_sentinels_do_not_move_the_new_scores(base):
    assert min(piece.score for piece in base.pieces) == -1e9
    scores = scores_below(base, 10_000)
    assert len(set(np.array(scores, np.float32).tolist())) == 10_000
    assert scores[0] == lowest_rank_score(base) - 1


def test_the_gates_see_what_they_guard(base):
    low = lowest_rank_score(base)
    check_rows(base, extend(base, [Piece("뷁", low - 1)]))
    for rows, message in (
        ([Piece("뷁", low - 1), Piece("쀍", low - 1)], "fall strictly"),
        ([Piece("뷁", low - 1), Piece("뷁", low - 2)], "twice"),
        ([Piece("뷁", 0.0)], "fall strictly"),
    ):
        with pytest.raises(CheckError, match=message):
            check_rows(base, extend(base, rows))
    with pytest.raises(CheckError, match="Missing"):
        check_closure(base, extend(base, [Piece("뷁쀍", low - 1), Piece("뷁", low - 2)]))
    dead = ["뷁쀍", "쀍뷁쀍뷁", "뷁", "쀍"]
    with pytest.raises(CheckError, match="dead"):
        check_closure(base, extend(base, [Piece(text, low - 1 - i) for i, text in enumerate(dead)]))
    changed = extend(base, [])
    next(piece for piece in changed.pieces if piece.type == NORMAL).score = 0.5
    with pytest.raises(CheckError, match="must be the base's"):
        check_rows(base, changed)


def shifted(ids):
    """Ids with the one in the middle changed."""
    middle = len(ids) // 2
    return [*ids[:middle], *(i + 1 for i in ids[middle : middle + 1]), *ids[middle + 1 :]]


def test_gates_show_no_text_of_the_corpus(expanded, base, words, monkeypatch):
    model, table = parse_folder(expanded.folder), read_words([words])
    monkeypatch.setattr(gates, "FIXED", ())
    monkeypatch.setattr(gates, "mask_texts", lambda masks, others: [])
    monkeypatch.setattr(gates, "concatenations", lambda pieces: [])
    encode = load(model.SerializeToString()).encode
    monkeypatch.setattr(gates, "encode_with_json", lambda json, texts: [shifted(encode(text)) for text in texts])
    with pytest.raises(CheckError, match=r"on document of the corpus's units 0 .*: lengths") as texts:
        gates.check_texts(base, model, b"", table)
    monkeypatch.setattr(gates, "encode_units", lambda processor, text, threads: Tokens(np.zeros(3), np.zeros(1)))
    with pytest.raises(CheckError, match=r"document 0 of 40 units: .* and 3, at 0 they have") as counting:
        gates.check_counting(model, table.korean)
    assert not any(has_letter(caught.value.message) for caught in (texts, counting))


def test_dead_pieces_are_counted(expanded, tokens):
    facts = read_report(expanded.folder).facts
    encode = load_for_units(parse_folder(expanded.folder)).encode
    made = [row for row in tokens if row["kind"] != "reserved"]
    dead = [row for row in made if encode(row["piece"].replace("▁", " ")) != [row["id"]]]
    assert facts["dead"] == len(dead) == 0
    assert facts["pieces encoded alone"] >= len(made) == facts["new tokens"]


def test_a_failed_gate_publishes_nothing(words, small_base, tmp_path, monkeypatch):
    monkeypatch.setattr(gates, "encode_with_json", lambda json, texts: [[0]] * len(texts))
    with pytest.raises(CheckError, match=r"differ on fixed text 0 \(24 characters\): lengths \d+ and 1, at 0"):
        run([words], tmp_path / "a", small_base)
    assert not pathlib.Path(tmp_path / "a" / "manifest.json").exists()
