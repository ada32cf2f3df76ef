import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.hangul import has_letter
from malmoi_pipelines.tokenizers.byte_alphabet import spell
from malmoi_tokenizer_lab.byte_level.base import parse_byte_level
from malmoi_tokenizer_lab.byte_level.export import extended_files, extended_json
from malmoi_tokenizer_lab.gates.texts import FIXED, mask_texts

from tests.strategies import texts
from tests.tokenizer_lab.byte_level.small import SPECIALS, ReferenceEncoder, encode, library, make_base, make_json

RESERVED, MASKS = ["<|im_end|>", "<|im_start|>"], ["<|acc|>", "<|rrn|>", "<|tell|>"]
PROPERTY = settings(max_examples=150, deadline=None)


@pytest.fixture(scope="module")
def data(base, new):
    return extended_json(base, new, RESERVED, MASKS, 64)


@pytest.fixture(scope="module")
def extended(data):
    return library(data)


def test_rows_stand_in_the_order_of_the_sentencepiece_artefact(base, new, data, extended):
    size = extended.get_vocab_size()
    assert size % 64 == 0
    padding = size - base.size - len(RESERVED) - len(MASKS) - len(new)
    assert 0 <= padding < 64
    names = [*RESERVED, *MASKS, *map(spell, new), *(f"<|reserved_{i}|>" for i in range(padding))]
    assert [extended.id_to_token(i) for i in range(base.size, size)] == names
    assert sorted(orjson.loads(data)["model"]["vocab"].values()) == list(range(size))


def test_the_bases_rows_keep_their_ids_in_the_library(base, loaded, extended):
    """Without the base's added tokens in the vocabulary the library would number them anew."""
    assert {text: extended.token_to_id(text) for text in loaded.get_vocab()} == loaded.get_vocab()
    assert [extended.token_to_id(name) for name in SPECIALS] == list(range(base.size - len(SPECIALS), base.size))


def test_with_nothing_new_only_the_added_tokens_enter_the_vocabulary():
    value = make_json()
    value["model"]["vocab"] |= {token["content"]: token["id"] for token in value["added_tokens"]}
    written = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    assert written.decode() == library(value).to_str(pretty=True)
    assert extended_json(parse_byte_level(value, {}, ""), [], [], [], 1) == written


def test_what_is_new_is_appended_and_the_rest_keeps_its_bytes(base, data):
    """Every line of the base's file stands in the extension, in the same order."""
    lines = iter(line.rstrip(b",") for line in data.splitlines())
    assert all(line.rstrip(b",") in lines for line in orjson.dumps(base.json, option=orjson.OPT_INDENT_2).splitlines())


def test_merges_are_all_splits_by_the_ids_of_the_halves(base, new, data):
    merges = orjson.loads(data)["model"]["merges"][len(base.merges) :]
    ids = {token: index for index, token in enumerate(base.tokens) if token}
    ids |= {token: 10_000 + number for number, token in enumerate(new)}
    expected = []
    for token in new:
        halves = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [half for half in halves if half[0] in ids and half[1] in ids]
        expected += sorted(known, key=lambda half: (ids[half[0]], ids[half[1]]))
    assert merges == [[spell(left), spell(right)] for left, right in expected]
    assert len(expected) > len(new)


def test_merges_are_spelled_as_the_base_spells_them(new):
    value = make_json()
    value["model"]["merges"] = [" ".join(merge) for merge in value["model"]["merges"]]
    base = parse_byte_level(value, {}, "")
    data = extended_json(base, new, RESERVED, MASKS, 64)
    assert all(isinstance(merge, str) for merge in orjson.loads(data)["model"]["merges"])
    pairs = extended_json(make_base(), new, RESERVED, MASKS, 64)
    for text in [*FIXED, *map(bytes.decode, filter(is_text, new))]:
        assert encode(library(data), text) == encode(library(pairs), text)


def is_text(token):
    return token.decode(errors="replace").encode() == token


@pytest.fixture(scope="module")
def reference(data):
    return ReferenceEncoder(parse_byte_level(orjson.loads(data), {}, "extended"))


@PROPERTY
@given(text=st.one_of(texts, st.sampled_from(FIXED)))
def test_any_text_encodes_as_plain_python_encodes_it(extended, reference, text):
    assert encode(extended, text) == reference.encode(text)


@pytest.mark.long
@PROPERTY
@given(data=st.data())
def test_the_extension_merges_the_bases_tokens_further(base, new, loaded, extended, data):
    """No text gets longer; cuts of the extension are cuts of the base; text without Hangul is as it was."""
    words = st.sampled_from([token.decode() for token in filter(is_text, new)])
    text = "".join(data.draw(st.lists(st.one_of(words, texts), max_size=6)))
    before, after = encode(loaded, text), encode(extended, text)
    if not any(mask in text for mask in MASKS):
        assert len(after) <= len(before)
        assert ends(extended, after) <= ends(loaded, before) or base.ignore_merges
        assert has_letter(text) or before == after
    assert extended.decode(after, skip_special_tokens=False) == text


def ends(tokenizer, ids):
    """Where tokens end, in bytes."""
    lengths = [len(tokenizer.id_to_token(i)) for i in ids]
    return {sum(lengths[: i + 1]) for i in range(len(lengths))}


def test_every_new_token_is_one_token_in_the_middle_of_a_word(new, extended):
    """A word of two tokens that do not merge further: neither is found as a whole pre-token."""
    found = {
        i for a in filter(is_text, new) for b in filter(is_text, new[:40]) for i in encode(extended, (a + b).decode())
    }
    assert {extended.token_to_id(spell(token)) for token in filter(is_text, new)} <= found


def test_masks_are_one_token_wherever_they_stand(extended, loaded):
    for mask in MASKS:
        for text in (mask, f"전화{mask}입니다", f" {mask} ", f"tel:{mask}.", f"\n{mask}{mask}"):
            assert encode(extended, text).count(extended.token_to_id(mask)) == text.count(mask)
            assert extended.decode(encode(extended, text), skip_special_tokens=True) == text


def test_reserved_and_padding_rows_never_come_from_text(extended):
    names = [*RESERVED, "<|reserved_0|>", "<|reserved_1|>"]
    rows = {extended.token_to_id(name) for name in names}
    assert None not in rows
    for text in [*names, *(f"a{name} 나{name}" for name in names), *mask_texts(MASKS, names)]:
        assert not rows.intersection(encode(extended, text))


def test_a_reserved_row_can_be_claimed_by_a_special_token(extended, data):
    tokenizer = library(data)
    index = tokenizer.token_to_id("<|im_end|>")
    tokenizer.add_special_tokens(["<|im_end|>"])
    assert encode(tokenizer, "가<|im_end|>")[-1] == index
    assert tokenizer.get_vocab_size() == extended.get_vocab_size()


def test_unnamed_rows_of_the_base_get_names(new):
    value = make_json()
    for token in value["added_tokens"]:
        token["id"] += 5
    base = parse_byte_level(value, {}, "", rows=800)
    extended = library(extended_json(base, new, RESERVED, MASKS, 64))
    assert extended.token_to_id(SPECIALS[0]) == value["added_tokens"][0]["id"] == 705
    assert [extended.id_to_token(i) for i in (700, 704, 713, 799)] == [f"<|reserved_{i}|>" for i in (0, 4, 5, 91)]
    assert extended.token_to_id(RESERVED[0]) == 800
    assert extended.get_vocab_size() == 960


def test_names_that_are_taken_are_left_out_or_refused(base, new):
    data = extended_json(base, new, ["<|reserved_1|>"], [], 64)
    names = [name for name in orjson.loads(data)["model"]["vocab"] if name.startswith("<|reserved_")]
    assert names[:3] == ["<|reserved_1|>", "<|reserved_0|>", "<|reserved_2|>"]
    for reserved, masks, tokens in (
        ([SPECIALS[0]], [], []),
        (["<|a|>"], ["<|a|>"], []),
        ([], [], [b"a"]),
        ([], [], [new[0], new[0]]),
    ):
        with pytest.raises(UsageError, match="there already"):
            extended_json(base, tokens, reserved, masks, 64)


def test_equal_inputs_give_equal_bytes_and_the_base_stays_as_it_is(base, new, data):
    before = orjson.dumps(base.json)
    assert extended_json(base, new, RESERVED, MASKS, 64) == data
    assert orjson.dumps(base.json) == before


def test_the_config_lists_the_masks_where_it_lists_added_tokens():
    listed = {"700": {"content": SPECIALS[0], "special": True}}
    config = {"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": listed}
    given_files = {"tokenizer_config.json": orjson.dumps(config), "chat_template.jinja": b"{{ x }}"}
    base = parse_byte_level(make_json(), given_files, "")
    written = extended_files(base, RESERVED, MASKS)
    assert written["chat_template.jinja"] == b"{{ x }}"
    decoder = orjson.loads(written["tokenizer_config.json"])["added_tokens_decoder"]
    assert decoder.pop("700") == listed["700"]
    assert {int(i): token["content"] for i, token in decoder.items()} == dict(enumerate(MASKS, base.size + 2))
    assert not any(token["special"] for token in decoder.values())
    assert extended_files(base, RESERVED, []) == given_files
    assert extended_files(make_base(), RESERVED, MASKS) == {}
