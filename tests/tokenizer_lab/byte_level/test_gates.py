import re

import mistral_common
import orjson
import pytest
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.tokenizers.byte_alphabet import spell
from malmoi_tokenizer_lab.byte_level.base import parse_byte_level
from malmoi_tokenizer_lab.byte_level.export import extended_files, extended_json
from malmoi_tokenizer_lab.byte_level.extension import Extension
from malmoi_tokenizer_lab.byte_level.gates import row_gates, row_names, token_gates
from malmoi_tokenizer_lab.byte_level.text_gates import named_texts, text_gates
from malmoi_tokenizer_lab.gates.result import GateResult, raise_failed

from tests.tokenizer_lab.byte_level.small import continued, corpus_words, make_json, read_base
from tests.tokenizer_lab.small import CODE_AND_ENGLISH, make_corpus

RESERVED, MASKS = ["<|im_end|>", "<|im_start|>"], ["<|acc|>", "<|rrn|>", "<|tell|>"]


def compared(results):
    """What passed, gate by gate, up to the first that fails: an error."""
    return {result.gate: result.compared for result in raise_failed(results)}


def check_base_untouched(base, data):
    return compared(row_gates(Extension(base, data)))


def check_dead(base, data):
    return compared(token_gates(Extension(base, data)))


def check_texts(base, data, texts=(), files=None):
    extension = Extension(base, data)
    return compared(text_gates(extension, named_texts(extension, texts), files))


@pytest.fixture(scope="module")
def data(base, new):
    return extended_json(base, new, RESERVED, MASKS, 64)


@pytest.fixture
def value(data):
    """The extension, parsed: to be tampered with."""
    return orjson.loads(data)


@pytest.mark.long
def test_an_extension_passes(base, new, data):
    rows = check_base_untouched(base, data)
    assert rows["the base's merges come first"] == len(base.merges)
    assert rows["ids are contiguous"] % 64 == 0
    assert set(check_dead(base, data).values()) == {len(new)}
    assert min(check_texts(base, data, [*make_corpus(20), CODE_AND_ENGLISH]).values()) > 100


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_an_extension_of_a_base_that_normalises_passes(form, new):
    base = parse_byte_level(make_json(normalizer=form), {}, "")
    data = extended_json(base, new, RESERVED, MASKS, 64)
    check_base_untouched(base, data)
    check_dead(base, data)
    check_texts(base, data)


CONFIGS = {
    "plain": {"tokenizer_class": "PreTrainedTokenizerFast"},
    "rebuilding class": {"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": {}},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_transformers_loads_the_folder_and_agrees(config, new):
    pytest.importorskip("transformers")
    value = make_json(normalizer="NFC")
    if "added_tokens_decoder" in config:  # Qwen2Tokenizer has its own pattern: one digit at a time
        value["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = value["pre_tokenizer"]["pretokenizers"][0][
            "pattern"
        ]["Regex"].replace("{1,3}", "")
        listed = {str(token["id"]): {k: v for k, v in token.items() if k != "id"} for token in value["added_tokens"]}
        # It adds <|endoftext|>, whatever the base has.
        value["added_tokens"][0]["content"] = "<|endoftext|>"
        listed[str(value["added_tokens"][0]["id"])]["content"] = "<|endoftext|>"
        config = {**config, "added_tokens_decoder": listed}
    base = parse_byte_level(value, {"tokenizer_config.json": orjson.dumps(config)}, "")
    data = extended_json(base, new, RESERVED, MASKS, 64)
    compared = check_texts(base, data, files=extended_files(base, RESERVED, MASKS))
    assert compared["tokenizer.json = AutoTokenizer"] == compared["tokenizer.json = PreTrainedTokenizerFast"] > 1_000


def test_transformers_that_rebuilds_without_the_masks_is_noticed(new):
    pytest.importorskip("transformers")
    config = {"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": {}}
    base = parse_byte_level(make_json(), {}, "")
    data = extended_json(base, new, RESERVED, MASKS, 64)
    with pytest.raises(CheckError, match="AutoTokenizer"):
        check_texts(base, data, files={"tokenizer_config.json": orjson.dumps(config)})


def test_a_folder_that_transformers_cannot_load_is_noticed(base, data):
    pytest.importorskip("transformers")
    with pytest.raises(CheckError, match="cannot load the folder"):
        check_texts(base, data, files={"tokenizer_config.json": b"{"})


@pytest.mark.slow
def test_an_extension_of_tekken_passes():
    base = read_base(f"{mistral_common.__path__[0]}/data/tekken_240911.json")
    new = continued(base, corpus_words(), 100)
    data = extended_json(base, new, RESERVED, MASKS, 64)
    check_base_untouched(base, data)
    assert set(check_dead(base, data).values()) == {100}
    assert min(check_texts(base, data, make_corpus(20), extended_files(base, RESERVED, MASKS)).values()) > 500


def fails(check, base, value, message):
    with pytest.raises(CheckError, match=message):
        check(base, orjson.dumps(value))


def test_a_row_of_the_base_that_moved(base, value):
    vocab = value["model"]["vocab"]
    vocab["a"], vocab["b"] = vocab["b"], vocab["a"]
    fails(check_base_untouched, base, value, "the token 'a' must have the base's id")


def test_an_added_token_of_the_base_that_changed(base, value):
    value["added_tokens"][1]["lstrip"] = True
    fails(check_base_untouched, base, value, "added tokens differ")


def test_a_merge_of_the_base_that_moved_or_went(base, value):
    merges = value["model"]["merges"]
    merges[3], merges[4] = merges[4], merges[3]
    fails(check_base_untouched, base, value, "the first is 3")
    del merges[len(base.merges) - 1]
    fails(check_base_untouched, base, value, "moved or changed")


def test_a_setting_that_changed(base, value):
    value["normalizer"] = {"type": "NFC"}
    fails(check_base_untouched, base, value, "normalizer differs")
    value["normalizer"] = None
    value["model"]["ignore_merges"] = not base.ignore_merges
    fails(check_base_untouched, base, value, "ignore_merges differs")


def test_a_gap(base, value):
    value["model"]["vocab"].popitem()
    value["model"]["vocab"]["<|reserved_x|>"] = 5_000
    fails(check_base_untouched, base, value, "must have the ids 0 to")


def test_added_tokens_that_the_library_numbers_anew(base, value):
    """A mask outside of the vocabulary: the file says one id, the library gives another."""
    last = max(value["model"]["vocab"].values())
    rows = {text: i for text, i in value["model"]["vocab"].items() if i != last}
    value["model"]["vocab"] = rows
    value["added_tokens"].append({**value["added_tokens"][-1], "id": last + 1, "content": "<|late|>"})
    fails(check_base_untouched, base, value, "the library gives the token '<|late|>'")


def test_a_new_token_that_is_not_hangul(base, new):
    data = extended_json(base, [*new, b" quartz".replace(b" quartz", b"zq")], RESERVED, MASKS, 64)
    with pytest.raises(CheckError, match="'zq' is not Hangul only"):
        check_dead(base, data)


def test_a_dead_token(base, new):
    """Made of three tokens: nothing merges into it. The message shows its text, not the byte alphabet."""
    token = "뷁뷁뷁".encode()
    with pytest.raises(CheckError, match=r"the new token '뷁뷁뷁' is made of \d tokens, not 2"):
        check_dead(base, extended_json(base, [*new, token], RESERVED, MASKS, 64))


def test_a_token_that_the_library_cannot_reach(base, new, value):
    """Its two parents are there, and the merge of them is not."""
    value["model"]["merges"] = [merge for merge in value["model"]["merges"] if "".join(merge) != spell(new[-1])]
    fails(check_dead, base, value, "is dead")


def test_rows_that_the_table_names_otherwise(base, value):
    vocab = value["model"]["vocab"]
    names = sorted(vocab, key=vocab.get)[base.size :]
    data = orjson.dumps(value)
    assert row_names(names, base.size, data) == GateResult("new rows are named as in tokenizer.json", len(names))
    renamed, shorter = (row_names(rows, base.size, data) for rows in ([*names[:-1], "<|reserved_x|>"], names[:-1]))
    assert re.match(r"row \d+ is '<\|reserved_x\|>'", renamed.first)
    assert "the table ends at" in shorter.first


def test_text_without_hangul_that_changed(base, value):
    value["model"]["merges"].append(["e", "Ġ"])
    value["model"]["vocab"]["eĠ"] = len(value["model"]["vocab"])
    value["pre_tokenizer"]["pretokenizers"] = value["pre_tokenizer"]["pretokenizers"][1:]
    fails(check_texts, base, value, "text without Hangul must be as with the base")


def test_text_that_got_longer(base, value):
    """The new merges are taken away with some of the base's."""
    value["model"]["merges"] = [m for m in value["model"]["merges"] if not any("ê" <= c <= "í" for c in m[0][:2])]
    value["model"]["ignore_merges"] = False
    extension = Extension(base, orjson.dumps(value))
    failed = {result.gate: result.failed for result in text_gates(extension, named_texts(extension))}
    assert failed["no text is longer than with the base"] > 0


def test_text_that_does_not_decode_to_itself(base, value):
    value["decoder"] = {
        "type": "Sequence",
        "decoders": [value["decoder"], {"type": "Strip", "content": " ", "start": 1, "stop": 0}],
    }
    fails(check_texts, base, value, "must decode to itself")


def test_a_mask_that_is_not_found(base, value):
    value["added_tokens"][-1]["single_word"] = True
    fails(check_texts, base, value, "masks, which must be one token each")


def test_a_reserved_row_that_text_makes(base, value):
    index = value["model"]["vocab"]["<|im_end|>"]
    value["added_tokens"].append({**value["added_tokens"][0], "id": index, "content": "<|im_end|>"})
    extension = Extension(base, orjson.dumps(value))
    failed = {result.gate: result.failed for result in text_gates(extension, named_texts(extension))}
    assert failed["reserved rows never come from text"] > 0


def test_messages_hold_no_text(base, value):
    value["model"]["merges"] = value["model"]["merges"][:10]
    value["model"]["ignore_merges"] = False
    with pytest.raises(CheckError) as info:
        check_texts(base, orjson.dumps(value), ["비밀 문서 secret"])
    assert "비밀" not in info.value.message
    assert "secret" not in info.value.message
