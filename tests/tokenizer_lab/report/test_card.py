import yaml
from malmoi_tokenizer_lab.report.card import make_card

FACTS = {
    "base": "Mistral-7B v0.1",
    "license": "Apache-2.0",
    "masks": ["<|tell|>"],
    "vocabulary": 40_960,
    "fertility": 2.25,
}
ROWS = [{"source": "news", "base": 5.5, "extension": 2.2}, {"source": "all", "base": 5.4, "extension": 2.1}]


def test_the_card_says_what_a_user_needs():
    text = make_card(FACTS, ROWS, {"budget": 8960, "masks": ("<|tell|>",)}).decode()
    assert "Mistral-7B v0.1 with Korean tokens" in text
    for part in ("| vocabulary | 40,960 |", "AutoTokenizer", "tokenizer.model", "| news | 5.5", "`<|tell|>`"):
        assert part in text
    assert "base_ids" in text
    assert yaml.safe_load(text.split("```yaml\n")[1].split("```")[0]) == {"budget": 8960, "masks": ["<|tell|>"]}
    assert "under Apache-2.0" in text
    assert "license" not in yaml.safe_load(text.split("---\n")[1])


def test_an_unknown_licence_is_said_to_be_unknown():
    text = make_card({"vocabulary": 3}, [], {}).decode()
    assert "not known to malmoi" in text
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "unknown"
    assert "## Evaluation" not in text
    assert "## Masks" not in text


def test_without_sentencepiece_no_model_file_is_promised():
    assert "tokenizer.model" not in make_card(FACTS, ROWS, {}, sentencepiece=False).decode()


def test_equal_facts_make_equal_bytes():
    assert make_card(FACTS, ROWS, {"b": 1, "a": 2}) == make_card(FACTS, ROWS, {"a": 2, "b": 1})


def test_the_card_tells_nothing_of_the_machine():
    made = {name: make_card(FACTS | facts, ROWS, {}) for name, facts in MACHINES.items()}
    assert made["with transformers"] == made["without"]
    assert b"solar with Korean tokens" in made["with transformers"]
    assert b"home" not in made["with transformers"]


MACHINES = {
    "with transformers": {"base": "/home/someone/solar/", "SentencePiece = AutoTokenizer": 4_740},
    "without": {"base": "gs://bucket/solar", "SentencePiece = AutoTokenizer": 0},
}
