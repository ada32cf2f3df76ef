import json

import pytest
from malmoi_pipelines.contracts.config import parse_config
from malmoi_trainer.config import TrainConfig
from malmoi_trainer.model.suitability import unsuitable

GOOD = {"model_type": "llama", "max_position_embeddings": 4096, "vocab_size": 32_000, "tie_word_embeddings": False}


def problems(tmp_path, length=2048, base=32_000, budget=8_960, **settings):
    (tmp_path / "config.json").write_text(json.dumps(GOOD | settings))
    config = parse_config(TrainConfig, {"model": str(tmp_path)}, "test")
    return [error.message for error in unsuitable(config, length, base, budget)]


@pytest.mark.parametrize("rows", [32_000, 40_960])
def test_a_model_of_the_base_or_already_grown_is_fine(tmp_path, rows):
    assert problems(tmp_path, vocab_size=rows) == []


def test_without_a_budget_any_number_of_rows_may_have_been_added(tmp_path):
    assert problems(tmp_path, budget=None, vocab_size=128_256) == []
    assert len(problems(tmp_path, budget=None, vocab_size=100)) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "gpt2"}, "must be a model of the Llama family"),
        ({"max_position_embeddings": 1024}, "shard.sequence_length = 2048 is longer than the context of"),
        ({"tie_word_embeddings": True}, "ties its input and output embeddings"),
        ({"vocab_size": 128_256}, "has 128,256 embedding rows, the base tokenizer 32,000 tokens"),
        ({"vocab_size": 100}, "has 100 embedding rows"),
    ],
)
def test_each_thing_that_cannot_be_is_told(tmp_path, settings, message):
    (found,) = problems(tmp_path, **settings)
    assert message in found
    assert f"model = {str(tmp_path)!r}" in found


def test_all_of_it_is_told(tmp_path):
    assert len(problems(tmp_path, model_type="gpt2", max_position_embeddings=8, tie_word_embeddings=True)) == 3


def test_a_model_to_be_made_must_be_long_enough():
    config = parse_config(TrainConfig, {"create": {"context_length": 512}}, "test")
    (error,) = unsuitable(config, 1024, None, 0)
    assert "longer than create.context_length of 512" in error.message


def test_a_name_that_is_no_model():
    (error,) = unsuitable(parse_config(TrainConfig, {"model": "/no/model"}, "test"), 8, None, 0)
    assert error.message == "model = '/no/model': there is nothing at /no/model."
