"""What the quality rules read from files: a fastText model, phrase lists of a person's own."""

import struct
import sys

import pytest
from malmoi_pipelines.clean import rule_data
from malmoi_pipelines.clean.rule_data import load_rule_data
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.text.language_id import LanguageId
from malmoi_pipelines.text.quality import judge
from malmoi_pipelines.text.thresholds import Thresholds

KOREAN, ENGLISH = "나는 학교에 간다 그리고", "the school is over there"


def fasttext_model(words):
    """A supervised softmax model in fastText's binary format, version 12: words (text → label number), two labels.

    The vector of a word is 4 times the unit vector of its label, and the output matrix is the identity.
    """
    labels = ["__label__ko", "__label__en"]
    # dim, window, epochs, minCount, negatives, wordNgrams, softmax, supervised, buckets, minn, maxn, lrUpdateRate; t
    arguments = struct.pack("<12id", 2, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)
    entries = [(word, 0) for word in words] + [(label, 1) for label in labels]
    size = struct.pack("<3i2q", len(entries), len(words), len(labels), len(entries), -1)
    table = b"".join(text.encode() + b"\0" + struct.pack("<qb", 1, kind) for text, kind in entries)
    inputs = [4.0 * (label == column) for label in words.values() for column in (0, 1)]
    matrices = struct.pack(f"<?2q{len(inputs)}f", False, len(words), 2, *inputs)
    matrices += struct.pack("<?2q4f", False, 2, 2, 1.0, 0.0, 0.0, 1.0)
    return struct.pack("<2i", 793712314, 12) + arguments + size + table + matrices


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.bin"
    words = dict.fromkeys(KOREAN.split(), 0) | dict.fromkeys(ENGLISH.split(), 1)
    path.write_bytes(fasttext_model(words))
    return str(path)


def reasons(texts, **settings):
    thresholds = Thresholds(**settings)
    return judge(texts, thresholds, load_rule_data(thresholds)).reasons


def language_scores(texts, options):
    return load_rule_data(Thresholds(language_id=options)).language_scores(texts)


def test_scores_are_the_probabilities_of_a_wanted_likeliest_label(model):
    texts = [KOREAN, ENGLISH, f"{KOREAN} the", KOREAN.replace(" ", "\n"), "", "없는말", "학교에 \ud800"]
    scores = language_scores(texts, LanguageId(model=model, languages=("ko",)))
    sure = 1 / (1 + 2.718281828**-4)
    mixed = 1 / (1 + 2.718281828 ** -(4 * 3 / 5))  # the mean of four words and one
    assert scores == pytest.approx([sure, 0, mixed, sure, 0, 0, sure], abs=1e-4)


def test_the_rule_drops_what_is_not_surely_in_a_wanted_language(model):
    wanted = LanguageId(model=model, languages=("ko",), min_score=0.95)
    assert Thresholds(language_id=wanted).files == (model,)
    texts = [KOREAN, ENGLISH, f"{KOREAN} the"]
    assert reasons(texts, language="any", language_id=wanted) == [None, "wrong_language", "wrong_language"]
    both = LanguageId(model=model, languages=("en", "ko"), min_score=0.5)
    assert reasons([KOREAN, ENGLISH], language="any", language_id=both) == [None, None]


def test_a_model_is_loaded_once(model):
    options = LanguageId(model=model, languages=("ko",))
    language_scores([KOREAN], options)
    misses = rule_data._load_model.cache_info().misses
    language_scores([KOREAN, ENGLISH], options)
    assert rule_data._load_model.cache_info().misses == misses


@pytest.mark.parametrize("content", [None, b"no model"])
@pytest.mark.fault("broken input")
def test_a_missing_or_broken_model_is_a_usage_error(tmp_path, content):
    path = tmp_path / "model.bin"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"model\.bin") as caught:
        language_scores(["가"], LanguageId(model=str(path), languages=("ko",)))
    assert caught.value.hint


def test_a_label_that_the_model_does_not_have_is_a_usage_error(model):
    with pytest.raises(UsageError, match="kor_Hang"):
        language_scores([KOREAN], LanguageId(model=model, languages=("kor_Hang",)))


def test_a_missing_package_is_a_usage_error(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "fasttext", None)
    rule_data._load_model.cache_clear()
    with pytest.raises(UsageError, match="fasttext"):
        language_scores([KOREAN], LanguageId(model=model, languages=("ko",)))


def test_own_phrase_lists_add_to_the_packaged_one(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("# mine\n\n특별한 광고\n다른 광고\n또 광고\n", encoding="utf-8")
    lists = ("spam", str(path))
    assert Thresholds(spam_lists=lists).files == (str(path),)
    text = "특별한 광고와 다른 광고, 또 광고가 있다"
    assert (reasons([text], spam_lists=lists), reasons([text])) == (["spam"], [None])


def test_a_phrase_list_is_read_anew_when_it_is_replaced(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("더 보기\n", encoding="utf-8")
    assert reasons(["배우들의 연기가 참 좋았다"], boilerplate_lists=(str(path),)) == [None]
    misses = rule_data._read_phrases.cache_info().misses
    assert reasons(["배우들의 연기가 참 좋았다"], boilerplate_lists=(str(path),)) == [None]
    assert rule_data._read_phrases.cache_info().misses == misses
    path.write_text("배우들의 연기가\n", encoding="utf-8")
    assert reasons(["배우들의 연기가 참 좋았다"], boilerplate_lists=(str(path),)) == ["boilerplate"]


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n", b"\xff\xfe\xfd"])
def test_a_phrase_list_that_cannot_be_read_is_a_usage_error(tmp_path, content):
    path = tmp_path / "broken.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"broken\.txt") as caught:
        reasons(["가나다라마바사"], boilerplate_lists=(str(path),))
    assert caught.value.hint


def test_a_list_of_a_rule_that_is_off_is_not_read(tmp_path):
    lists = (str(tmp_path / "none.txt"),)
    assert reasons(["배우들의 연기가 참 좋았다"], spam_lists=lists, max_spam_density=None) == [None]
