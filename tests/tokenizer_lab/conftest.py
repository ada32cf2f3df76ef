"""One small expansion, made once, on a small base and on the real one."""

import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.tokenizers.model_proto import parse_model
from malmoi_tokenizer_lab.gates import texts as gate_texts
from malmoi_tokenizer_lab.stage import expand

from tests.tokenizer_lab.small import SMALL, make_base, make_corpus, read_model, write_words


@pytest.fixture(scope="session")
def corpus():
    return make_corpus()


@pytest.fixture(scope="module")
def small():
    """The small base, parsed."""
    return parse_model(make_base(), "base")


@pytest.fixture
def fewer_texts(monkeypatch):
    """A tenth of the texts of the gates: the tests of the stage take all."""
    monkeypatch.setattr(gate_texts, "NUM_CONCATENATIONS", 200)
    monkeypatch.setattr(gate_texts, "NUM_RANDOM", 100)


@pytest.fixture(scope="session")
def words(corpus, tmp_path_factory):
    return write_words(str(tmp_path_factory.mktemp("words")), corpus)


@pytest.fixture(scope="session")
def small_base(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("base") / "tokenizer.model")
    files.write_bytes(path, make_base())
    return path


@pytest.fixture(scope="session", params=["small", "mistral"])
def base_path(request, small_base):
    """Path of the base to extend; None means the default one."""
    return small_base if request.param == "small" else None


@pytest.fixture(scope="session")
def base(base_path):
    return parse_model(read_model(base_path), "base")


@pytest.fixture(scope="session")
def expanded(words, base_path, shared_folder):
    """The finished stage on `base_path`."""
    with shared_folder(f"expanded-{'small' if base_path else 'mistral'}") as folder:
        return expand([words], str(folder / "out"), SMALL.model_copy(update={"base": base_path}))
