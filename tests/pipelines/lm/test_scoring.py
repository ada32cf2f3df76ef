import gzip

import kenlm
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import MalmoiError, UsageError
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.scoring import ModelOptions, load_model
from malmoi_pipelines.lm.stage import train_lm

from tests.pipelines.lm.small import write_texts
from tests.pipelines.lm.test_sentences import SENTENCEPIECE
from tests.strategies import texts

ARPA = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-2.0\t<unk>\t0
-99\t<s>\t-0.3
-0.5\t</s>\t0
-0.7\t가\t-0.2
-0.9\tab\t-0.1

\\2-grams:
-0.1\t<s> 가
-0.2\t가 </s>
-0.3\t가 ab

\\end\\
"""


@pytest.fixture(scope="module")
def arpa(tmp_path_factory):
    path = tmp_path_factory.mktemp("arpa") / "small.arpa"
    path.write_text(ARPA)
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of our own."""
    root = tmp_path_factory.mktemp("lm")
    path = write_texts(root / "in" / "part.jsonl", ["The court of 1912", "the court"])
    return train_lm([path], str(root / "lm"), LmConfig(held_out=0, min_count=1), RunOptions()).folder


def test_log_scores_and_tokens_are_summed_over_lines(arpa):
    model = load_model(ModelOptions(model=arpa))
    log10, tokens = model.scores(["가 ab\n\n  가  "])
    # <s> 가 ab </s>: the last by back-off; then <s> 가 </s>
    assert log10[0] == pytest.approx((-0.1 - 0.3 + (-0.1 - 0.5)) + (-0.1 - 0.2), abs=1e-6)
    assert tokens[0] == 3 + 2
    assert model.perplexities(["가 ab\n\n  가  "])[0] == pytest.approx(10 ** (1.3 / 5), rel=1e-6)


@pytest.mark.parametrize("text", ["", "\n \n\t"])
def test_a_text_without_a_sentence_is_the_empty_sentence(arpa, text):
    log10, tokens = load_model(ModelOptions(model=arpa)).scores([text])
    assert (log10[0], tokens[0]) == (pytest.approx(-0.3 - 0.5), 1)


def test_no_texts_have_no_perplexities(arpa):
    assert load_model(ModelOptions(model=arpa)).perplexities([]).shape == (0,)


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, max_size=3), st.booleans())
def test_perplexities_are_finite_and_those_of_kenlms_own_words(arpa, contents, sentencepiece):
    options = ModelOptions(model=arpa, tokenizer=SENTENCEPIECE if sentencepiece else "eojeol")
    perplexities = load_model(options).perplexities(contents)
    assert perplexities.dtype == np.float64
    assert np.isfinite(perplexities.astype(np.float32)).all()
    assert (perplexities >= 1).all()


@given(st.lists(st.sampled_from(["가", "ab", "없다", "</s>", "<s>"]), min_size=1, max_size=6))
def test_tokens_are_counted_as_kenlm_scores_them(arpa, words):
    sentence = " ".join(words)
    known = sentence.replace("</s>", "<unk>").replace("<s>", "<unk>")
    expected = [score for score, _, _ in kenlm.Model(arpa).full_scores(known)]
    log10, tokens = load_model(ModelOptions(model=arpa)).scores([sentence])
    assert tokens[0] == len(expected)
    assert log10[0] == pytest.approx(sum(expected), abs=1e-4)


def test_a_model_without_an_unknown_word_gives_finite_perplexities(tmp_path):
    path = tmp_path / "closed.arpa"
    path.write_text(ARPA.replace("ngram 1=5", "ngram 1=4").replace("-2.0\t<unk>\t0\n", ""))
    assert load_model(ModelOptions(model=str(path))).perplexities(["없는 말"])[0] == pytest.approx(1e30)


def test_a_compressed_model_and_one_far_away_score_alike(arpa, tmp_path, memory_root):
    packed, far = str(tmp_path / "small.arpa.gz"), f"{memory_root}/small.arpa"
    with gzip.open(packed, "wt") as file:
        file.write(ARPA)
    files.write_bytes(far, ARPA.encode())
    here, *others = (
        load_model(ModelOptions(model=path)).perplexities(["가 ab\n나"])[0] for path in (arpa, packed, far)
    )
    assert others == [here, here]


def test_a_foreign_model_gets_plain_text_unless_told(arpa):
    plain = load_model(ModelOptions(model=arpa)).perplexities(["AB", "ab"])
    fold = load_model(ModelOptions(model=arpa, normalisation="fold-1")).perplexities(["AB", "ab"])
    assert plain[0] > plain[1] == fold[0] == fold[1]


@pytest.mark.long
def test_a_folder_brings_its_own_normalisation(folder):
    upper, lower, other = load_model(ModelOptions(model=folder)).perplexities(
        ["THE COURT OF 2025", "the court of 1912", "x"]
    )
    assert upper == lower < other


@pytest.mark.parametrize("given", [{"tokenizer": SENTENCEPIECE}, {"normalisation": "fold-1"}])
def test_a_folders_own_settings_cannot_be_contradicted(folder, given):
    with pytest.raises(UsageError, match="brings its own tokenizer") as error:
        load_model(ModelOptions(model=folder, **given))
    assert error.value.hint == "leave both out"


def test_a_model_is_loaded_once(arpa):
    assert load_model(ModelOptions(model=arpa)) is load_model(ModelOptions(model=arpa))


def test_what_is_no_model_is_named_with_the_remedy_and_without_its_content(tmp_path):
    (tmp_path / "x.arpa").write_text("비밀 문장")
    for path, message in (
        (tmp_path / "none.arpa", "no language model"),
        (tmp_path / "x.arpa", "cannot be read"),
        (tmp_path, "not a finished dataset folder of lm"),
    ):
        with pytest.raises(MalmoiError, match=message) as error:
            load_model(ModelOptions(model=str(path)))
        assert "malmoi lm train" in error.value.hint
        assert "비밀" not in error.value.message


def test_a_missing_tokenizer_is_named(arpa):
    with pytest.raises(UsageError, match="nothing at /no/such"):
        load_model(ModelOptions(model=arpa, tokenizer="/no/such.model"))
