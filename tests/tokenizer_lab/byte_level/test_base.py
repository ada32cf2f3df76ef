import copy

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.tokenizers.byte_alphabet import spell
from malmoi_tokenizer_lab.byte_level.base import parse_byte_level
from malmoi_tokenizer_lab.gates.texts import FIXED

from tests.strategies import texts
from tests.tokenizer_lab.byte_level.small import SPECIALS, ReferenceEncoder, encode, make_base, make_json, read_base

parts = st.one_of(texts, st.sampled_from([*SPECIALS, "<|", "|>", " ", "\n", "'s", "'LL", "1234567"]))


def refused(value, error=UsageError):
    with pytest.raises(error) as info:
        parse_byte_level(value, {}, "there")
    assert "there" in info.value.message
    return info.value.message


@settings(max_examples=150, deadline=None)
@given(text=st.lists(parts, max_size=6).map("".join))
def test_what_is_read_encodes_as_the_library_does(base, loaded, text):
    """Tokens, byte ids and merges, used by plain Python, give the library's ids."""
    assert ReferenceEncoder(base).encode(text) == encode(loaded, text)


def test_fixed_texts_encode_as_the_library_does(base, loaded):
    for text in FIXED:
        assert ReferenceEncoder(base).encode(text) == encode(loaded, text)


def test_fields(base):
    vocab = base.json["model"]["vocab"]
    assert base.size == len(vocab) + len(SPECIALS) == len(base.tokens)
    assert [vocab[spell(bytes([byte]))] for byte in range(256)] == base.byte_ids.tolist()
    assert [base.tokens[i] for i in base.byte_ids] == [bytes([byte]) for byte in range(256)]
    for left, right, result in base.merges.tolist():
        assert base.tokens[left] + base.tokens[right] == base.tokens[result]
    assert base.tokens[-len(SPECIALS) :] == (b"",) * len(SPECIALS)
    assert base.ignore_merges == base.json["model"]["ignore_merges"]


def test_merges_spelled_as_texts_are_read_too():
    value = make_json()
    old = copy.deepcopy(value)
    old["model"]["merges"] = [" ".join(merge) for merge in value["model"]["merges"]]
    assert parse_byte_level(old, {}, "").merges.tolist() == parse_byte_level(value, {}, "").merges.tolist()


def test_a_special_token_inside_of_the_vocabulary_has_no_bytes():
    """As in GPT-2, where `<|endoftext|>` is an entry of the vocabulary."""
    value = make_json()
    value["model"]["vocab"] |= {token["content"]: token["id"] for token in value["added_tokens"]}
    assert parse_byte_level(value, {}, "").tokens == make_base().tokens


def test_gaps_are_tokens_without_bytes():
    value = make_json()
    for token in value["added_tokens"]:
        token["id"] += 5
    base = parse_byte_level(value, {}, "")
    assert base.size == make_base().size + 5
    assert base.tokens[-11:] == (b"",) * 11


@pytest.mark.parametrize("where", ["file", "folder"])
def test_reading_from_any_filesystem(where):
    folder = f"memory://byte-level-{where}"
    files.write_bytes(f"{folder}/tokenizer.json", orjson.dumps(make_json()))
    files.write_bytes(f"{folder}/tokenizer_config.json", b'{"tokenizer_class": "GPT2Tokenizer"}')
    files.write_bytes(f"{folder}/chat_template.jinja", b"{{ messages }}")
    files.write_bytes(f"{folder}/merges.txt", b"stale")
    files.write_bytes(f"{folder}/config.json", b'{"vocab_size": 1000}')
    base = read_base(folder if where == "folder" else f"{folder}/tokenizer.json")
    assert base.merges.tolist() == make_base().merges.tolist()
    if where == "folder":
        assert base.files.keys() == {"tokenizer_config.json", "chat_template.jinja"}
        assert base.files["chat_template.jinja"] == b"{{ messages }}"
        assert base.size == len(base.tokens) == 1000  # the rows of the embedding
    else:
        assert orjson.loads(base.files["tokenizer_config.json"])["tokenizer_class"] == "PreTrainedTokenizerFast"
        assert base.size == make_base().size


def test_fewer_embedding_rows_than_tokens_do_not_shrink_the_base():
    folder = "memory://byte-level-few"
    files.write_bytes(f"{folder}/tokenizer.json", orjson.dumps(make_json()))
    files.write_bytes(f"{folder}/config.json", b'{"text_config": {"vocab_size": 300}}')
    assert read_base(folder).size == make_base().size


def test_files_that_cannot_be_read():
    with pytest.raises(UsageError, match="there is nothing at memory://nowhere"):
        read_base("memory://nowhere/tokenizer.json")
    files.write_bytes("memory://no-json/tokenizer.json", b"\x0a\x0b")
    with pytest.raises(BadInputError, match="is not a"):
        read_base("memory://no-json")
    files.write_bytes("memory://no-json/tokenizer.json", orjson.dumps(make_json()))
    files.write_bytes("memory://no-json/config.json", b"{")
    with pytest.raises(BadInputError, match=r"config\.json is not JSON"):
        read_base("memory://no-json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", b"[1]", r"/config\.json must be a JSON object\. It is a list"),
        ("config.json", b'{"text_config": 3}', "text_config must be of type dict. It is 3"),
        ("config.json", b'{"vocab_size": "many"}', "vocab_size must be of type int. It is 'many'"),
        ("config.json", b'{"text_config": {"vocab_size": true}}', "vocab_size must be of type int"),
        ("tokenizer_config.json", b"{", r"tokenizer_config\.json is not JSON"),
        ("tokenizer_config.json", b"3", r"tokenizer_config\.json must be a JSON object"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": []}', "added_tokens_decoder must be of type dict"),
        ("special_tokens_map.json", b"", r"special_tokens_map\.json is not JSON"),
    ],
)
@pytest.mark.fault("broken input")
def test_broken_files_beside_it_are_refused_at_once(name, content, message, tmp_path):
    files.write_bytes(f"{tmp_path}/tokenizer.json", orjson.dumps(make_json(vocab_size=300)))
    files.write_bytes(f"{tmp_path}/{name}", content)
    with pytest.raises(BadInputError, match=message):
        read_base(str(tmp_path))


def test_a_config_without_a_number_of_rows(tmp_path):
    files.write_bytes(f"{tmp_path}/tokenizer.json", orjson.dumps(make_json(vocab_size=300)))
    files.write_bytes(f"{tmp_path}/config.json", b'{"text_config": null, "vocab_size": null}')
    assert read_base(str(tmp_path)).size == make_base(vocab_size=300).size


def test_a_folder_without_a_tokenizer_says_what_was_looked_for(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match=r"there is no tokenizer\.model, tokenizer\.json or tekken\*\.json in"):
        read_base(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (["model"], {"type": "WordPiece", "vocab": {}}, "no byte-level BPE"),
        (["model"], {"type": "Unigram", "vocab": []}, "no byte-level BPE"),
        (["model"], {"type": "WordLevel", "vocab": {}, "merges": []}, "no byte-level BPE"),
        (["model", "byte_fallback"], True, "SentencePiece"),
        (["model", "dropout"], 0.1, "dropout 0.1"),
        (["model", "continuing_subword_prefix"], "##", "'##'"),
        (["model", "end_of_word_suffix"], "</w>", "'</w>'"),
        (["pre_tokenizer"], None, "no byte-level BPE"),
        (["pre_tokenizer"], {"type": "Metaspace", "replacement": "▁"}, "no byte-level BPE"),
        (["pre_tokenizer"], {"type": "ByteLevel", "add_prefix_space": True}, "add_prefix_space"),
        (["normalizer"], {"type": "Lowercase"}, "normaliser changes text"),
        (["normalizer"], {"type": "NFD"}, "normaliser changes text"),
        (
            ["normalizer"],
            {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Prepend"}]},
            "normaliser changes text",
        ),
        (["decoder"], None, "decoder"),
    ],
)
def test_other_kinds_are_refused(path, value, reason):
    changed = make_json()
    target = changed
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    assert reason in refused(changed)


def test_a_text_that_is_no_tokenizer_is_refused(tmp_path):
    for value in ([], {}, {"model": 3}, "text"):
        (tmp_path / "tokenizer.json").write_bytes(orjson.dumps(value))
        with pytest.raises(BadInputError, match="is not a"):
            read_base(str(tmp_path))


def test_files_that_contradict_themselves():
    value = make_json()
    del value["model"]["vocab"][spell(b"\x00")]
    assert "0x00" in refused(value, BadInputError)

    value = make_json()
    value["model"]["merges"].append(["zq", "qz"])
    assert f"merge {len(value['model']['merges']) - 1}" in refused(value, BadInputError)

    value = make_json()
    value["model"]["merges"].append(value["model"]["merges"][0])
    assert "twice" in refused(value, BadInputError)

    value = make_json()
    value["model"]["vocab"]["zq"] = 0
    assert "same id" in refused(value, BadInputError)

    value = make_json()
    value["added_tokens"][0]["id"] = 3
    assert "disagree about the id 3" in refused(value, BadInputError)
