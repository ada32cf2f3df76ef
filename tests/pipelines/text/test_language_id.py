"""Language identification, without a model: what it asks of one, and what it makes of the answer."""

import pytest
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.text.language_id import LanguageId, any_language, language_scores

OPTIONS = LanguageId(model="none", languages=("ko", "en"))


def predict(text, number, threshold=0.0):
    """A model of three languages that goes by the first letter; of an empty text it says nothing."""
    assert "\n" not in text
    labels = sorted(("__label__ko", "__label__en", "__label__fr"), key=lambda label: label[-2] != text[:1])
    return (labels[:number] if number > 0 else labels, [1.0000001, 0.0, 0.0]) if text.strip() else ([], [])


def test_the_score_is_that_of_the_likeliest_label_if_it_is_wanted():
    assert language_scores(predict, OPTIONS, ["k\nf", "e", "f", ""]).tolist() == [1, 1, 0, 0]
    assert language_scores(predict, OPTIONS, []).tolist() == []
    assert any_language(["k", ""]).tolist() == [1, 1]


def test_a_label_that_the_model_does_not_have_is_a_usage_error():
    with pytest.raises(UsageError, match="the model has none of") as caught:
        language_scores(predict, OPTIONS.model_copy(update={"languages": ("kor_Hang",)}), ["k"])
    assert "en, fr, ko" in caught.value.hint
