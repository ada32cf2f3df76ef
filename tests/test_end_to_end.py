"""Quickstart, small, through the command line: assertions on content."""

import json
import shutil

import pytest
import sentencepiece
import tokenizers
import transformers
from malmoi_pipelines.contracts.report import read_report

from malmoi.stages import FOLDERS
from tests.end_to_end import SMALL, base_model, manifests, rows, run, spans_by_id, truth

TEXTS = [
    "훈민정음은 백성을 가르치는 바른 소리라는 뜻입니다.",
    "ㅋㅋㅋㅋㅋ 재밌어요ㅠㅠ  진짜   최고 👍🏽",
    "The quick brown fox jumps over the lazy dog.",
    "def f(x):\n    return {'값': x ** 2}  # 제곱\n\n\tpass",
    "👩‍👩‍👧‍👦 이모지 🇰🇷 가족",
    "  앞뒤 공백  ",
    "",
    "한국어 (NFD)",
    "<|tell|> 번호는 <|rrn|>이고",
]


def ids(out, folder):
    return {row["id"] for row in rows(out / folder / "data")}


@pytest.mark.long
def test_every_planted_exact_duplicate_is_gone(small_run):
    planted = truth(small_run, "exact_duplicate")
    corpus = ids(small_run, "corpus")
    assert len(planted) > 50
    assert [row["id"] for row in planted if row["id"] in corpus and row["of"] in corpus] == []


def test_planted_near_duplicates_are_gone_and_related_documents_stay(small_run):
    corpus = ids(small_run, "corpus")
    planted = truth(small_run, "near_duplicate")
    left = [row for row in planted if row["id"] in corpus and row["of"] in corpus]
    assert len(planted) >= 5
    assert len(left) <= 0.1 * len(planted)
    removed = {row["id"] for row in rows(small_run / "corpus" / "removals") if row["reason"] == "near"}
    near = {row[key] for row in planted for key in ("id", "of")}
    related = [row["id"] for row in truth(small_run, "related") if row["id"] not in near and row["of"] not in near]
    assert [name for name in related if name in removed] == []


def test_every_removal_names_a_survivor_that_is_there(small_run):
    corpus = ids(small_run, "corpus")
    removals = rows(small_run / "corpus" / "removals")
    assert removals
    assert all(row["partner_id"] in corpus and row["id"] not in corpus for row in removals)
    assert all(row["similarity"] >= 0.8 for row in removals)


def test_planted_personal_data_is_masked_and_look_alikes_stay(small_run):
    texts = {row["id"]: row["text"] for row in rows(small_run / "docs" / "data")}
    spans = spans_by_id(small_run)
    planted = [row for row in truth(small_run, "pii") if row["id"] in texts]
    assert {row["pii_kind"] for row in planted} == {"rrn", "acc", "tell"}
    leaked = [(row["id"], row["form"]) for row in planted if row["text"] in texts[row["id"]]]
    assert leaked == []
    assert all(row["pii_kind"] in {span["kind"] for span in spans[row["id"]]} for row in planted)
    alike = [row for row in truth(small_run, "look_alike") if row["id"] in texts]
    assert len(alike) > 20
    assert [row["form"] for row in alike if row["text"] not in texts[row["id"]]] == []


def test_ledgers_account_for_every_document(small_run):
    reports = {folder: read_report(str(small_run / folder)) for folder in ("docs", "corpus", "words", "shards")}
    lines = sum(row["documents"] for row in read_report(str(small_run / "raw")).tables["sources"])
    assert reports["docs"].ledger.documents("in") == lines
    flow = [reports[folder].ledger for folder in ("docs", "corpus", "words", "shards")]
    assert flow[1].documents("in") == flow[0].documents("kept") == len(rows(small_run / "docs" / "data"))
    assert (
        flow[2].documents("in") == flow[3].documents("in") == flow[1].documents("kept") == len(ids(small_run, "corpus"))
    )
    rejects = rows(small_run / "docs" / "rejects")
    assert len(rejects) == flow[0].documents("dropped") + flow[0].documents("failed")
    reasons = {row["reason"] for row in rejects}
    assert {"too_short", "invalid_utf8", "broken_json"} <= reasons
    assert len(rows(small_run / "corpus" / "removals")) == flow[1].documents("merged")


@pytest.mark.long
def test_the_tokenizer_pair_agrees(small_run):
    folder = str(small_run / "tokenizer")
    model = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/tokenizer.model")
    raw = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    loaded = transformers.AutoTokenizer.from_pretrained(folder)
    corpus = [row["text"] for row in rows(small_run / "corpus" / "data")[:400]]
    for text in [*TEXTS, *corpus]:
        expected = model.encode(text)
        assert raw.encode(text, add_special_tokens=False).ids == expected, text
        assert loaded.encode(text, add_special_tokens=False) == expected, text


def test_new_tokens_shorten_korean_and_leave_english_alone(small_run):
    facts = read_report(str(small_run / "tokenizer")).facts
    assert facts["tokens per eojeol after"] < 0.8 * facts["tokens per eojeol before"]
    assert facts["dead"] == 0
    base, extended = (
        sentencepiece.SentencePieceProcessor(model_file=path)
        for path in (base_model(), str(small_run / "tokenizer" / "tokenizer.model"))
    )
    english = [row["text"] for row in rows(small_run / "corpus" / "data") if row["source"] == "english"]
    assert len(english) > 50
    assert extended.encode(english) == base.encode(english)


def test_the_loss_falls_and_the_checkpoint_is_a_plain_model(small_run):
    losses = [json.loads(line)["loss"] for line in (small_run / "run" / "losses.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    model = transformers.AutoModelForCausalLM.from_pretrained(small_run / "run" / "checkpoint")
    tokenizer = transformers.AutoTokenizer.from_pretrained(small_run / "run" / "checkpoint")
    assert model.get_input_embeddings().weight.shape[0] == model.config.vocab_size >= len(tokenizer)


@pytest.mark.long
def test_a_second_run_skips_everything(small_run):
    before = {path: path.stat().st_mtime_ns for path in small_run.rglob("*") if path.parent != small_run}
    done = run(small_run)
    assert done.stderr.count("up to date, skipped") == len(FOLDERS)
    assert {path: path.stat().st_mtime_ns for path in small_run.rglob("*") if path.parent != small_run} == before


@pytest.mark.slow
def test_a_changed_setting_redoes_what_follows_and_says_why(small_run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(small_run, copy)
    settings = [*SMALL, "shard.new_token_bias=3"]
    done = run(copy, settings=settings)
    assert done.stderr.count("up to date, skipped") == 6
    assert "made again: new_token_bias: 1.0 → 3.0" in done.stderr
    assert "made again: input 'shards' changed" in done.stderr
    before, after = manifests(small_run), manifests(copy)
    assert [stage for stage in before if before[stage] != after[stage]] == ["shard", "train"]
