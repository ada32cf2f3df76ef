import collections

import numpy as np
import orjson
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_tokenizer_lab.byte_level.count_gates import corpus_documents, count_gates
from malmoi_tokenizer_lab.byte_level.export import extended_json
from malmoi_tokenizer_lab.gates.result import raise_failed
from malmoi_tokenizer_lab.gates.texts import UNITS_A_DOCUMENT
from malmoi_tokenizer_lab.words import Units

from tests.tokenizer_lab.byte_level.small import corpus_words

DOCUMENTS, MERGED = "documents have the tokens of their pre-tokens", "pre-tokens have the tokens that the loop counts"


def table(counts):
    texts = sorted(counts, key=str.encode)
    return Units(pa.array(texts, pa.large_string()), np.array([counts[text] for text in texts], np.int64))


def check_counts(data, korean):
    return {result.gate: result.compared for result in raise_failed(count_gates(data, korean))}


@pytest.fixture(scope="module")
def korean():
    return table(corpus_words())


@pytest.fixture
def value(base, new):
    """An extension, parsed: to be tampered with."""
    return orjson.loads(extended_json(base, new, [], ["<|acc|>"], 64))


@pytest.mark.long
def test_an_extension_passes(value, korean):
    spaced = sum(1 for text in korean.text.to_pylist() if text[0] == " ")
    found = check_counts(orjson.dumps(value), korean)
    assert found == {DOCUMENTS: -(-spaced // UNITS_A_DOCUMENT), MERGED: len(korean)}
    assert found[DOCUMENTS] > 1


@pytest.mark.long
def test_pre_tokens_that_do_not_only_hold_letters_are_left_out_of_documents(value):
    found = check_counts(orjson.dumps(value), table(collections.Counter({" 가\n": 2, "가": 3, ".가": 1})))
    assert found == {DOCUMENTS: 0, MERGED: 3}


@pytest.mark.long
def test_a_pre_tokenizer_that_joins_the_pre_tokens_of_documents(value, korean):
    """Its Split is gone, so a merge can reach over the end of a pre-token."""
    vocab = value["model"]["vocab"]
    value["pre_tokenizer"] = value["pre_tokenizer"]["pretokenizers"][1]
    for name in [text for text in vocab if len(text) == 1 and text > "\x7f" and text != "Ġ"]:
        vocab[f"{name}Ġ"] = len(vocab)
        value["model"]["merges"].append([name, "Ġ"])
    last = [merge for merge in value["model"]["merges"] if merge[1] == "Ġ" and merge[0] != "Ġ"]
    value["model"]["merges"] = last + [merge for merge in value["model"]["merges"] if merge not in last]
    with pytest.raises(CheckError, match=r"document 0 of \d+ pre-tokens must have their tokens") as info:
        check_counts(orjson.dumps(value), korean)
    assert not any("가" <= character <= "힣" for character in info.value.message)


def test_pre_tokens_that_the_library_merges_otherwise(value, korean):
    """A letter becomes an added token: the library cuts it out of words, merging by the file's merges does not."""
    letter = korean.text[len(korean) // 2].as_py()[-1]
    value["model"]["vocab"][letter] = len(value["model"]["vocab"])
    value["added_tokens"].append(
        {**value["added_tokens"][-1], "id": value["model"]["vocab"][letter], "content": letter}
    )
    with pytest.raises(CheckError, match=r"pre-token \d+ of the table must encode as the loop counts it") as info:
        check_counts(orjson.dumps(value), korean)
    assert not any("가" <= character <= "힣" for character in info.value.message)


def test_documents_of_the_corpus_are_the_same_at_every_run(korean):
    documents = corpus_documents(korean)
    assert documents == corpus_documents(korean)
    assert all(text.startswith(" ") for text in documents)
    assert sum(map(len, documents)) > 100
