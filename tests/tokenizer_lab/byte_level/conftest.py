import pytest

from tests.tokenizer_lab.byte_level.small import continued, corpus_words, library, make_base


@pytest.fixture(scope="session", params=[False, True], ids=["merges", "ignore_merges"])
def base(request):
    return make_base(ignore_merges=request.param)


@pytest.fixture(scope="session")
def loaded(base):
    """The base in the tokenizers library."""
    return library(base.json)


@pytest.fixture(scope="session")
def new(base):
    """Bytes of 120 new tokens, by continued BPE."""
    return continued(base, corpus_words(), 120)
