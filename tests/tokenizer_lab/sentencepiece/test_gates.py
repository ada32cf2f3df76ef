import re

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.hangul import has_letter
from malmoi_pipelines.tokenizers.model_proto import (
    NORMAL,
    Piece,
    extend,
    load,
    lowest_rank_score,
    scores_below,
    serialize,
)
from malmoi_pipelines.tokenizers.sentencepiece_model import SentencePieceEncoder
from malmoi_pipelines.tokenizers.tokens import Tokens
from malmoi_tokenizer_lab.gates import loaders
from malmoi_tokenizer_lab.gates.result import GateResult, raise_failed
from malmoi_tokenizer_lab.gates.texts import random_texts
from malmoi_tokenizer_lab.sentencepiece import gates, text_gates
from malmoi_tokenizer_lab.sentencepiece.gates import (
    all_gates,
    counts_by_unit,
    named_texts,
    row_gates,
    special_pieces,
)
from malmoi_tokenizer_lab.sentencepiece.text_gates import same_everywhere
from malmoi_tokenizer_lab.sentencepiece.tokenizer_json import tokenizer_config, tokenizer_json
from malmoi_tokenizer_lab.words import Units, Words

from tests.tokenizer_lab.extended import MULTIS, extended, new_pieces, write_tokenizer

pytestmark = pytest.mark.usefixtures("fewer_texts")


def run(base, model, data=None, files=None, **names):
    data = data if data is not None else tokenizer_json(model)
    texts = named_texts(len(base.pieces), model, specials=special_pieces(base), **names)
    return {result.gate: result for result in all_gates(base, model, data, texts, files=files)}


def failed(results):
    return {gate for gate, result in results.items() if result.failed}


@pytest.mark.long
def test_a_good_extension_passes_all(base):
    model = extended(base)
    results = run(base, model, files={"tokenizer_config.json": tokenizer_config(model)})
    assert failed(results) == set()
    empty = {gate for gate, result in results.items() if not result.compared and not result.note}
    assert not empty
    assert results["SentencePiece = llama.cpp"].note.startswith("it puts a space after a mask")


def test_without_a_base_the_gates_that_need_it_say_so(small):
    model = extended(small)
    data = tokenizer_json(model)
    names = named_texts(0, model, specials=special_pieces(model))
    results = list(all_gates(None, model, data, names))
    assert not any(result.failed for result in results)
    assert {r.gate for r in results if r.note == "the base is not known: pass --base"} == {
        "the base's rows are untouched",
        "text without Hangul is as with the base",
    }


def test_scores_that_tie_are_found(small):
    count = len(new_pieces(small))
    zeros = run(small, extended(small, scores=[0.0] * count))  # in the manner of Chinese-LLaMA
    assert zeros["scores are distinct in float32"].failed == count
    assert zeros["scores fall with the id, below the base's"].failed
    collapsed = run(small, extended(small, scores=[-1e9 - 1 - i for i in range(count)]))  # min(score) - 1 - i
    assert collapsed["scores are distinct in float32"].failed == count
    assert "is that of" in collapsed["scores are distinct in float32"].first
    assert collapsed["scores fall with the id, below the base's"].failed == count - 1


def test_other_scores_that_only_look_wrong_pass(small):
    scores = scores_below(small, len(new_pieces(small)))
    shuffled = run(small, extended(small, scores=scores[::-1]))
    assert not shuffled["scores are distinct in float32"].failed
    assert shuffled["scores fall with the id, below the base's"].failed


def test_missing_letters_and_dead_pieces_are_found(small):
    low = lowest_rank_score(small)
    missing = run(small, extend(small, [Piece("뷁쀍", low - 1), Piece("뷁", low - 2)]))
    assert missing["letters of new pieces are pieces"].failed == 1
    assert "Missing: '쀍', of '뷁쀍'" in missing["letters of new pieces are pieces"].first
    rows = [Piece(text, low - 1 - i) for i, text in enumerate(["뷁쀍", "쀍뷁쀍뷁", "뷁", "쀍"])]
    dead = run(small, extend(small, rows))
    assert dead["no piece is dead"].failed == 1
    assert "'쀍뷁쀍뷁'" in dead["no piece is dead"].first


def test_a_missing_letter_makes_the_files_differ(small):
    """SentencePiece merges through a character that is no piece, tokenizers falls back to its bytes first."""
    low = lowest_rank_score(small)
    model = extend(small, [Piece("뷁쀍", low - 1)])
    assert run(small, model)["SentencePiece = tokenizer.json"].failed


def test_changed_rows_are_found(small):
    changed = extended(small)
    next(piece for piece in changed.pieces if piece.type == NORMAL).score = 0.5
    result = run(small, changed)["the base's rows are untouched"]
    assert (result.failed, result.compared) == (1, len(small.pieces))
    twice = extend(small, [Piece("뷁", lowest_rank_score(small) - 1 - i) for i in range(2)])
    assert next(r for r in row_gates(small, twice, None) if r.gate == "pieces are distinct").failed == 1
    shorter = extend(small, [])
    del shorter.pieces[-1]
    assert next(row_gates(small, shorter, None)).first.endswith("Got nothing.")


def test_a_piece_that_is_not_hangul_changes_other_text(small):
    low = lowest_rank_score(small)
    model = extend(small, [Piece("def f", low - 1), Piece("(x", low - 2)])
    assert run(small, model)["text without Hangul is as with the base"].failed


def test_added_words_are_found(small):
    model = extended(small, masks=())
    data = tokenizer_json(model).replace(b'"added_tokens": [', b'"added_tokens": [' + ADDED % len(model.pieces))
    results = run(small, model, data)
    assert results["tokenizer.json has the same rows"].failed == 1
    assert "as an added token" in results["tokenizer.json has the same rows"].first
    assert results["no word is an added token"].failed == 1
    assert failed(results) >= {"SentencePiece = tokenizer.json", "tokenizer.json decodes to the text"}


ADDED = (
    '{"id": %d, "content": "정말", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, '
    '"special": false},'
).encode()


def test_a_loader_that_rebuilds_the_tokenizer_is_found(small):
    pytest.importorskip("transformers")
    model = extended(small)
    config = tokenizer_config(model).replace(b"PreTrainedTokenizerFast", b"LlamaTokenizer")
    results = run(small, model, files={"tokenizer_config.json": config})
    assert failed(results) == {"SentencePiece = AutoTokenizer"}
    broken = run(small, model, files={"tokenizer_config.json": b"["})
    assert "cannot load the folder" in broken["SentencePiece = AutoTokenizer"].first
    more = config.replace(b"LlamaTokenizer", b"PreTrainedTokenizerFast").replace(b"{", b'{"pad_token": "[PAD]",', 1)
    sizes = run(small, model, files={"tokenizer_config.json": more})
    assert f"makes {len(model.pieces) + 1} tokens" in sizes["SentencePiece = AutoTokenizer"].first


def test_without_transformers_the_result_says_so(small, monkeypatch):
    monkeypatch.setattr(text_gates, "has_transformers", lambda: False)
    results = run(small, extended(small), files={})
    for loader in loaders.TRANSFORMERS_CLASSES:
        result = results[f"SentencePiece = {loader}"]
        assert (result.compared, result.failed, result.note) == (0, 0, "transformers is not installed")


def test_the_llama_class_is_emulated_exactly(small, tmp_path):
    pytest.importorskip("transformers")
    model = extended(small)
    texts = random_texts([*MULTIS, "the", "▁of", "  "])
    data = tokenizer_json(model)
    for config in ({"legacy": True}, {"legacy": False}, {}):
        plain = tokenizer_config(model)
        entries = b"".join(b'"%s": %s,' % (k.encode(), str(v).lower().encode()) for k, v in config.items())
        written = plain.replace(b"PreTrainedTokenizerFast", b"LlamaTokenizer").replace(b"{", b"{" + entries, 1)
        files = {"tokenizer.json": data, "tokenizer_config.json": written}
        _, rows = loaders.encode_with_transformers("AutoTokenizer", files, texts)
        assert rows == loaders.encode_with_json(loaders.as_llama_class(data, config), texts)
        assert rows != loaders.encode_with_json(data, texts)


def test_raise_failed_stops_at_the_first():
    def results():
        yield GateResult("one", 3)
        yield GateResult("two", 3, 1, "the piece 'x' is wrong.", hint="do this")
        raise AssertionError("not reached")

    with pytest.raises(CheckError, match="the piece 'x' is wrong") as caught:
        raise_failed(results())
    assert caught.value.hint == "do this"


def test_no_message_holds_a_text(small, tmp_path):
    results = run(small, extended(small, scores=[0.0] * len(new_pieces(small))), tokenizer_json(extended(small)))
    texts = [text for text in named_texts(len(small.pieces), extended(small)) if len(text) > 8]
    messages = [result.first for result in results.values() if result.failed]
    assert messages
    assert not any(text in message for text in texts for message in messages)
    write_tokenizer(tmp_path, extended(small))  # the same model as a folder is accepted


@pytest.fixture(scope="module")
def table():
    """A corpus of Korean and other units, 40 a document."""
    korean = [
        " " + first + second for first in "가나다라마바사아자차" for second in ("나라", "한국", "하다", "은", "뷁")
    ]
    other = [f" {word}{number}" for word in ("the", "x=") for number in range(20)]
    counted = [Units(pa.array(units, pa.large_string()), np.ones(len(units), np.int64)) for units in (korean, other)]
    return Words(*counted, letters={}, num_bytes=1)


def test_with_a_word_table_counts_are_compared_too(small, table):
    model, files = extended(small), {"tokenizer_config.json": tokenizer_config(extended(small))}
    names = named_texts(len(small.pieces), model, table, special_pieces(small))
    found = list(all_gates(small, model, tokenizer_json(model), names, files=files, korean=table.korean))
    compared = {result.gate: result.compared for result in raise_failed(found)}
    texts = compared["SentencePiece = tokenizer.json"]
    assert texts == len(names) > 500
    assert 0 < compared["text without Hangul is as with the base"] < texts
    assert compared["SentencePiece = AutoTokenizer"] in (0, texts)
    assert compared["documents have the tokens of their units"] == 2
    without = all_gates(small, model, tokenizer_json(model), names, files=files)
    assert [*(result.gate for result in without), found[-1].gate] == list(compared)


def shifted(ids):
    """Ids with the one in the middle changed."""
    middle = len(ids) // 2
    return [*ids[:middle], *(i + 1 for i in ids[middle : middle + 1]), *ids[middle + 1 :]]


def test_no_text_of_the_corpus_is_shown(small, table, monkeypatch):
    model = extended(small)
    monkeypatch.setattr(gates, "FIXED", ())
    monkeypatch.setattr(gates, "mask_texts", lambda masks, others: [])
    monkeypatch.setattr(gates, "concatenations", lambda pieces: [])
    encode = load(serialize(model)).encode
    monkeypatch.setattr(text_gates, "encode_with_json", lambda json, texts: [shifted(encode(text)) for text in texts])
    with pytest.raises(CheckError, match=r"differ on document of the corpus's units 0 .*: lengths") as texts:
        raise_failed(same_everywhere(model, b"", named_texts(len(small.pieces), model, table)))
    wrong = Tokens(np.zeros(3, np.int32), np.zeros(1, np.int32))
    monkeypatch.setattr(SentencePieceEncoder, "encode_units", lambda encoder, units, num_threads=1: wrong)
    counting = counts_by_unit(model, table.korean)
    assert re.match(r"document 0 of 40 units: .* and 3, at 0 they have", counting.first)
    assert counting.failed == counting.compared == 2
    assert not any(map(has_letter, (texts.value.message, counting.first)))
