import json
import random
import shutil
from pathlib import Path

import kenlm
import numpy as np
import orjson
import pytest
import zstandard
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.manifest import verify_file
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.scoring import ModelOptions, load_model
from malmoi_pipelines.lm.stage import train_lm
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample

from tests.pipelines.lm.small import naive_of, write_texts
from tests.pipelines.lm.test_estimate import assert_equals_naive, zipf
from tests.pipelines.lm.test_sentences import SENTENCEPIECE

PLAIN = {"min_count": 1, "held_out": 0, "prune": (0,), "word_types": 0}


@pytest.fixture
def inputs(tmp_path):
    """Three files of texts."""
    parts = [zipf(1), zipf(2, sentences=100), [*zipf(3, sentences=50), "\n \n", ""]]
    return [write_texts(tmp_path / "in" / f"part-{n}.jsonl", texts) for n, texts in enumerate(parts)]


@pytest.mark.long
def test_one_and_two_processes_and_memory_and_any_cut_give_the_same_bytes(tmp_path, inputs):
    small = {"task_bytes": 2000, "partition_bytes": 4000}
    runs = {
        "memory": (inputs, {}, RunOptions()),
        "reversed": (inputs[::-1], small, RunOptions()),
        "one": (inputs, small, RunOptions(workers=1)),
        "two": (inputs[::-1], small, RunOptions(workers=2)),
    }
    manifests = {
        name: train_lm(paths, str(tmp_path / name), LmConfig(**settings), options).manifest
        for name, (paths, settings, options) in runs.items()
    }
    assert manifests["reversed"] == manifests["one"] == manifests["two"]
    assert manifests["memory"].content_fingerprint == manifests["one"].content_fingerprint


@pytest.mark.long
def test_a_finished_model_equals_the_formulas_and_is_skipped_the_next_time(tmp_path, inputs):
    out = str(tmp_path / "lm")
    result = train_lm(inputs, out, LmConfig(**PLAIN), RunOptions())
    texts = [json.loads(line)["text"] for path in inputs for line in Path(path).read_text().splitlines()]
    assert_equals_naive(tmp_path / "lm" / "model.arpa", naive_of([text for text in texts if text.strip()], 3))
    assert train_lm(inputs, out, LmConfig(**PLAIN), RunOptions()).skipped
    with pytest.raises(UsageError, match="order: 3 → 2"):
        train_lm(inputs, out, LmConfig(order=2, **PLAIN), RunOptions())
    for info in result.manifest.files:
        verify_file(out, result.manifest, info)


def test_the_report_accounts_for_every_document(tmp_path):
    path = write_texts(tmp_path / "in" / "web" / "part.jsonl", [*zipf(1), " \n", ""])
    with open(path, "a") as file:
        file.write("{broken\n")
    out = str(tmp_path / "lm")
    train_lm([str(tmp_path / "in")], out, LmConfig(held_out=0.2), RunOptions())
    report = read_report(out)
    assert report.ledger.documents("in", "web") == 303
    assert report.ledger.documents("failed") == 1
    assert report.ledger.documents("dropped:blank") == 2
    held_out = report.ledger.documents("dropped:held_out")
    assert 30 < held_out < 90
    assert report.ledger.documents("kept") == report.facts["sentences"] == 300 - held_out
    assert report.facts["tokens"] > report.facts["held-out tokens"] > held_out
    assert 5 < report.facts["held-out perplexity"] < report.facts["words of the model"]
    orders = report.tables["N-grams by order"]
    assert [row["order"] for row in orders] == [1, 2, 3]
    assert orders[0]["kept"] == report.facts["words of the model"] + 1  # </s>
    assert orders[2]["kept"] < orders[2]["distinct"]


@pytest.mark.long
def test_more_bad_lines_than_the_error_budget_stop_the_training(tmp_path, inputs):
    with open(inputs[0], "a") as file:
        file.write("{broken\n" * 9)
    with pytest.raises(BadInputError, match=r"9 of .* could not be read.*: 9 broken_json") as caught:
        train_lm(inputs, str(tmp_path / "lm"), LmConfig(**PLAIN), RunOptions())
    assert "rejects" not in caught.value.hint
    train_lm(inputs, str(tmp_path / "lm"), LmConfig(error_budget=0.5, **PLAIN), RunOptions())


def test_a_sentencepiece_model_travels_with_the_language_model(tmp_path, inputs):
    out = str(tmp_path / "lm")
    result = train_lm(inputs, out, LmConfig(tokenizer=SENTENCEPIECE), RunOptions())
    assert files.read_bytes(files.join(out, "tokenizer.model")) == files.read_bytes(SENTENCEPIECE)
    assert result.manifest.config["tokenizer"] == "sentencepiece"
    assert "tokenizer" in result.manifest.inputs
    assert "sentencepiece" not in result.manifest.code.unused
    good, bad = load_model(ModelOptions(model=out)).perplexities(["각 갂 각", "English words"])
    assert good < bad


@pytest.mark.long
def test_models_are_written_to_and_read_from_remote_folders(memory_root, tmp_path, inputs):
    local, remote = str(tmp_path / "lm"), f"{memory_root}/lm"
    manifests = [train_lm(inputs, out, LmConfig(held_out=0.1), RunOptions()).manifest for out in (local, remote)]
    assert manifests[0] == manifests[1]
    scores = [load_model(ModelOptions(model=out)).perplexities(zipf(9)) for out in (local, remote)]
    assert np.array_equal(*scores)


def test_no_personal_data_is_learnt(tmp_path):
    path = write_texts(tmp_path / "in.jsonl", ["문의는 010-1234-5678 로 홍길동에게 해 주세요."] * 20)
    settings = {**PLAIN, "order": 2, "normalisation": "plain"}
    result = train_lm([path], str(tmp_path / "lm"), LmConfig(**settings), RunOptions())
    arpa = files.read_bytes(files.join(result.folder, "model.arpa")).decode()
    assert "010-1234" not in arpa
    assert "<|tell|>" in arpa


@pytest.mark.parametrize("texts", [[], [" ", "\n"]])
def test_no_text_is_an_error(tmp_path, texts):
    path = write_texts(tmp_path / "in" / "part.jsonl", texts)
    with pytest.raises(BadInputError, match=r"no text to learn from|no document"):
        train_lm([path], str(tmp_path / "lm"), LmConfig(), RunOptions())


def test_a_text_of_rare_words_alone_is_an_error(tmp_path):
    path = write_texts(tmp_path / "in" / "part.jsonl", ["가 나 다"])
    with pytest.raises(BadInputError, match="no word occurs min_count = 2 times") as error:
        train_lm([path], str(tmp_path / "lm"), LmConfig(held_out=0), RunOptions())
    assert "lower min_count" in error.value.hint


def test_a_missing_tokenizer_is_an_error_before_any_work(tmp_path, inputs):
    with pytest.raises(UsageError, match="there is nothing at /no/such"):
        train_lm(inputs, str(tmp_path / "lm"), LmConfig(tokenizer="/no/such.model"), RunOptions())
    assert not (tmp_path / "lm").exists()


@pytest.mark.long
def test_a_tokenizer_counts_by_its_content_however_it_is_named(tmp_path, inputs, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tok").mkdir()
    shutil.copy(SENTENCEPIECE, tmp_path / "tok" / "tokenizer.model")
    out = str(tmp_path / "lm")
    first = train_lm(inputs, out, LmConfig(tokenizer="default"), RunOptions(workers=2))
    assert files.read_bytes(f"{out}/tokenizer.model") == Path(SENTENCEPIECE).read_bytes()
    assert str(tmp_path) not in Path(out, "manifest.json").read_text()
    for name in ("tok", "~/tok", "~/tok/tokenizer.model", SENTENCEPIECE):
        again = train_lm(inputs, out, LmConfig(tokenizer=name), RunOptions())
        assert (again.skipped, again.manifest) == (True, first.manifest)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prune": (1,)}, "must begin with 0"),
        ({"prune": ()}, "must begin with 0"),
        ({"prune": (0, 2, 1)}, "must not decrease"),
        ({"prune": (0, 0, 1), "order": 2}, "3 values, order is 2"),
        ({"order": 7}, "less than or equal to 6"),
        ({"order": 1}, "greater than or equal to 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LmConfig(**settings)


def test_the_default_pruning_fits_any_order():
    assert [LmConfig(order=2).threshold(n) for n in (1, 2)] == [0, 0]
    assert [LmConfig(order=5).threshold(n) for n in (1, 2, 3, 4, 5)] == [0, 0, 1, 1, 1]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """Texts by source of a generated sample."""
    folder = tmp_path_factory.mktemp("sample")
    sample(str(folder / "raw"), SampleConfig(bytes="1500kB"), RunOptions())
    texts = {}
    for path in sorted((folder / "raw" / "data").rglob("*.jsonl.zst")):
        for line in zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().splitlines():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # planted
            texts.setdefault(path.parent.name, []).append(row["text"])
    return texts


@pytest.mark.long
def test_a_model_tells_text_of_its_kind_from_shuffled_words_other_text_and_junk(tmp_path, generated):
    web = generated["web"]
    path = write_texts(tmp_path / "in" / "part.jsonl", web[: len(web) * 3 // 4])
    model = load_model(ModelOptions(model=train_lm([path], str(tmp_path / "lm"), LmConfig(), RunOptions()).folder))
    own = [text for text in web[len(web) * 3 // 4 :] if len(text) > 50]
    dice = random.Random(1)
    others = {
        "shuffled": [" ".join(dice.sample(words := text.split(), len(words))) for text in own],
        "english": [text for text in generated["english"] if len(text) > 50],
        "junk": [
            "".join(chr(dice.randint(0xAC00, 0xD7A3)) if dice.random() < 0.8 else " " for _ in text) for text in own
        ],
    }
    usual = np.median(model.perplexities(own))
    unusual = {name: np.median(model.perplexities(texts)) / usual for name, texts in others.items()}
    assert unusual["shuffled"] > 1.02, unusual  # the words of generated text hardly depend on their order
    assert unusual["english"] > 3, unusual
    assert unusual["junk"] > 10, unusual


@pytest.mark.slow
def test_a_model_of_court_decisions_tells_them_from_shuffled_words_and_film_reviews(real_text, tmp_path):
    folder = real_text / "court-decisions"
    out = str(tmp_path / "lm")
    train_lm([str(folder / "part-00000.jsonl.zst")], out, LmConfig(), RunOptions(workers=2))
    model = load_model(ModelOptions(model=out))

    def texts(path, number):
        lines = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().splitlines()
        return [orjson.loads(line)["text"] for line in lines[:number]]

    own = texts(folder / "part-00007.jsonl.zst", 100)
    reviews = texts(real_text / "movie-reviews" / "part-00000.jsonl.zst", 1000)
    dice = random.Random(1)
    shuffled = [" ".join(dice.sample(words := text.split(), len(words))) for text in own]
    usual = np.median(model.perplexities(own))
    assert np.median(model.perplexities(shuffled)) > 50 * usual
    assert np.median(model.perplexities(reviews)) > 500 * usual
    assert model.order == kenlm.Model(files.join(out, "model.arpa")).order == 3
