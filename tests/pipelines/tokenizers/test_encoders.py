import json
import pickle
import shutil

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import NEW_TOKENS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.tokenizers.json_spec import document_ends
from malmoi_pipelines.tokenizers.opening import open_encoder
from malmoi_pipelines.tokenizers.sentencepiece_model import SentencePieceEncoder
from malmoi_pipelines.tokenizers.tokenizer_json import JsonEncoder
from malmoi_pipelines.tokenizers.tokens import BATCH
from tokenizers import normalizers, pre_tokenizers

from tests.pipelines.small_tokenizers import BOS, EOS, byte_level, edited, metaspace_json, write_base, write_json
from tests.strategies import texts

TEXT = "나라의 말이 the code,  2024년\n\tx"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp("sp") / "base.model")


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory):
    """The same base as a tokenizer.json that prepends a space mark."""
    return metaspace_json(tmp_path_factory.mktemp("metaspace") / "tokenizer.json")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp("llama") / "tokenizer.json", added=["<think>"])


def units(*values):
    return pa.array(values, pa.string())


def split(encoder, values):
    """The ids of each unit."""
    tokens = encoder.encode_units(values)
    ids, lengths = tokens.ids, tokens.lengths
    assert ids.dtype == lengths.dtype == np.int32
    ends = np.cumsum(lengths)
    return [ids[end - length : end].tolist() for end, length in zip(ends, lengths, strict=True)]


def test_a_folder_is_opened_by_its_model_and_else_by_its_json(root, model, llama):
    files.write_bytes(f"{root}/both/tokenizer.model", files.read_bytes(model))
    files.write_bytes(f"{root}/both/tokenizer.json", files.read_bytes(llama))
    files.write_bytes(f"{root}/json/tokenizer.json", files.read_bytes(llama))
    both, alone = open_encoder(f"{root}/both"), open_encoder(f"{root}/json")
    assert isinstance(both, SentencePieceEncoder)
    assert isinstance(alone, JsonEncoder)
    assert (both.units, alone.units) == ("metaspace", "byte-level")
    assert (both.fingerprint, alone.fingerprint) == (files.hash_file(model), files.hash_file(llama))
    assert alone.encode([TEXT]) == open_encoder(llama).encode([TEXT])


def test_a_file_may_have_any_name(tmp_path, model, llama, monkeypatch):
    shutil.copy(model, tmp_path / "tokenizer.model.v1")
    shutil.copy(llama, tmp_path / "llama")
    monkeypatch.chdir(tmp_path)
    assert open_encoder("tokenizer.model.v1").units == "metaspace"
    assert open_encoder("llama").units == "byte-level"


def test_what_is_no_tokenizer_is_bad_input(tmp_path):
    with pytest.raises(BadInputError, match=r"there is no tokenizer\.model, tokenizer\.json or tekken\*\.json in"):
        open_encoder(str(tmp_path))
    with pytest.raises(UsageError, match=r"there is nothing at .*missing"):
        open_encoder(f"{tmp_path}/missing")
    (tmp_path / "a").write_bytes(b"not a model")
    with pytest.raises(BadInputError, match="not a SentencePiece model"):
        open_encoder(f"{tmp_path}/a")
    (tmp_path / "b").write_text('{"model_max_length": 2048}')
    with pytest.raises(BadInputError, match=r"not a tokenizer\.json"):
        open_encoder(f"{tmp_path}/b")


def test_an_encoder_travels_without_its_model(model, llama):
    for path in (model, llama):
        encoder = open_encoder(path)
        expected = encoder.encode([TEXT])
        sent = pickle.dumps(encoder)
        assert len(sent) < 1000
        assert pickle.loads(sent).encode([TEXT]) == expected


def test_a_tokenizer_that_is_replaced_under_a_run_is_noticed(tmp_path, model, llama):
    for name, path in (("m", model), ("j", llama)):
        shutil.copy(path, tmp_path / name)
        encoder = open_encoder(str(tmp_path / name))
        (tmp_path / name).write_bytes(files.read_bytes(path) + b" ")
        with pytest.raises(CheckError, match="has changed since this run began"):
            encoder.encode([TEXT])


def test_documents_stand_between_bos_and_eos(model):
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    assert open_encoder(model).encode([TEXT, ""]) == processor.encode([TEXT, ""], add_bos=True, add_eos=True)


def test_bos_and_eos_are_those_of_the_config_or_of_the_template(tmp_path, llama):
    ids = {token["content"]: token["id"] for token in json.loads(files.read_bytes(llama))["added_tokens"]}
    (plain,) = open_encoder(llama).encode([TEXT])
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {BOS: {"id": BOS, "ids": [ids[BOS]], "tokens": [BOS]}},
    }
    path = edited(llama, tmp_path / "tokenizer.json", post_processor={"type": "Sequence", "processors": [template]})
    encoder = open_encoder(path)
    assert (encoder.bos, encoder.eos) == (ids[BOS], None)
    assert encoder.encode([TEXT]) == [[ids[BOS], *plain]]
    config = {"bos_token": None, "eos_token": {"content": EOS, "lstrip": False}}
    write_json(tmp_path / "tokenizer_config.json", config)
    (both,) = open_encoder(str(tmp_path)).encode([TEXT])
    assert both == [ids[BOS], *plain, ids[EOS]]
    assert open_encoder(str(tmp_path)).identity != encoder.identity


def test_a_tokenizer_without_bos_and_eos_has_none():
    assert document_ends({"model": {}, "post_processor": {"type": "ByteLevel"}}, {"eos_token": None}) == (None, None)


def test_settings_for_training_batches_do_not_cut_documents(tmp_path, llama):
    spec = json.loads(files.read_bytes(llama))
    truncation = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    padding = {
        "strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": BOS,
    }  # fmt: skip
    path = edited(
        llama, tmp_path / "x.json", truncation=truncation, padding=padding, model=spec["model"] | {"dropout": 0.9}
    )
    assert open_encoder(path).encode([TEXT] * 3) == open_encoder(llama).encode([TEXT] * 3)


def test_special_tokens_in_a_text_are_text_and_plain_added_ones_are_tokens(llama):
    encoder = open_encoder(llama)
    ids = {token["content"]: token["id"] for token in json.loads(files.read_bytes(llama))["added_tokens"]}
    (encoded,) = encoder.encode([f"a{EOS}b<think>c"])
    assert ids[EOS] not in encoded
    assert ids["<think>"] in encoded
    assert list(encoder.added()) == ["<think>"]


def test_units_get_no_prefix_and_documents_one(tmp_path, model, prefixed):
    first = metaspace_json(tmp_path / "first.json", prepend=False, metaspace="first")
    always = metaspace_json(tmp_path / "always.json", prepend=False, metaspace="always")
    for path in (model, prefixed, first, always):
        encoder = open_encoder(path)
        [document] = encoder.encode(["나라"])
        assert [index for index in document if index not in (encoder.bos, encoder.eos)] == split(
            encoder, units(" 나라")
        )[0]
        assert split(encoder, units("나라", "", " 나라", "\n")) == [
            encoder.encode_plain([x])[0] for x in ("나라", "", " 나라", "\n")
        ]
        assert split(encoder, units("나라"))[0] == split(encoder, units(" 나라"))[0][1:]


@pytest.mark.long
@settings(max_examples=60)
@given(st.lists(texts, max_size=4))
def test_the_model_and_its_json_agree(model, prefixed, documents):
    one, other = open_encoder(model), open_encoder(prefixed)
    assert [ids[1:-1] for ids in one.encode(documents)] == other.encode(documents)
    assert split(one, units(*documents)) == split(other, units(*documents))


def test_more_units_than_one_batch_keep_their_order(model):
    encoder = open_encoder(model)
    values = units(*(f" {number % 1000}" for number in range(BATCH + 10)))
    tokens = encoder.encode_units(values)
    ids, lengths = tokens.ids, tokens.lengths
    assert (len(lengths), len(ids)) == (BATCH + 10, lengths.sum())
    assert split(encoder, values[-3:]) == split(encoder, values)[-3:]
    assert len(encoder.encode_units(units()).lengths) == 0


@pytest.mark.parametrize("named", ["tokenizer.model", "tokenizer.json"])
def test_a_folder_or_a_file_in_it_knows_its_new_tokens(tmp_path, model, llama, named):
    """A path to the file must not silently switch the bias of `shard` off."""
    shutil.copy(model if named.endswith("model") else llama, tmp_path / named)
    values = {"id": [600, 601], "piece": ["a", "b"], "kind": ["multi"] * 2, "reason": ["kept"] * 2}
    plain = {"score": 0.0, "count": 1, "raw_count": 1, "parents": [], "base_ids": []}
    columns = [
        pa.array(values.get(field.name) or [plain.get(field.name)] * 2, field.type) for field in NEW_TOKENS.schema
    ]
    batch = pa.RecordBatch.from_arrays(columns, schema=NEW_TOKENS.schema)
    info = write_parquet(str(tmp_path), NEW_TOKENS, "new_tokens", [batch])
    write_manifest(
        str(tmp_path),
        Manifest(
            kind="tokenizer", stage="expand", fingerprint="", inputs={}, config={}, code=Code(stage=""), files=(info,)
        ),
    )
    assert open_encoder(str(tmp_path)).first_new == open_encoder(str(tmp_path / named)).first_new == 600
    (tmp_path / "manifest.json").write_text('{"kind": "tokenizer", ')
    with pytest.raises(BadInputError, match=r"manifest\.json is none of malmoi"):
        open_encoder(str(tmp_path))
    (tmp_path / "manifest.json").write_text('{"what": "of another tool"}')
    encoder = open_encoder(str(tmp_path))
    assert encoder.first_new == encoder.vocab_size


def test_wide_vocabularies_get_wide_ids():
    assert SentencePieceEncoder("x", "y", 65_536, 1, None, None, None).dtype is np.uint16
    assert SentencePieceEncoder("x", "y", 65_537, 1, None, None, None).dtype is np.uint32


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"precompiled_charsmap": b"x"}, "normaliser changes text"),
        ({"remove_extra_whitespaces": True}, "remove_extra_whitespaces"),
        ({"escape_whitespaces": False}, "escape_whitespaces"),
        ({"add_dummy_prefix": False}, "add_dummy_prefix"),
        ({"treat_whitespace_as_suffix": True}, "treat_whitespace_as_suffix"),
        ({"byte_fallback": False}, "no byte fallback"),
    ],
)
def test_models_whose_units_depend_on_their_neighbours_say_why(tmp_path, setting, reason):
    path = write_base(tmp_path / "x.model", **setting)
    encoder = SentencePieceEncoder(path, files.hash_file(path), 1, 1, None, None, "metaspace")
    assert reason in encoder.obstacle()


def test_countable_tokenizers_have_no_obstacle(tmp_path, model, prefixed, llama):
    nfc = byte_level(tmp_path / "nfc.json", normaliser=normalizers.NFC())
    assert [open_encoder(path).obstacle() for path in (model, prefixed, llama, nfc)] == [None] * 4
    assert [open_encoder(path).normal_form() for path in (model, llama, nfc)] == [None, None, "NFC"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda spec: spec["model"].update(byte_fallback=False), "no byte fallback"),
        (lambda spec: spec["model"].update(ignore_merges=True), "ignore_merges"),
        (lambda spec: spec["normalizer"]["normalizers"].pop(0), "puts no space before a document"),
        (lambda spec: spec["normalizer"]["normalizers"].append({"type": "Lowercase"}), "normaliser changes text"),
        (lambda spec: spec.update(pre_tokenizer={"type": "Digits", "individual_digits": True}), "pre-tokenizer cuts"),
        (
            lambda spec: spec.update(
                pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
            ),
            "more than one space",
        ),
        (lambda spec: spec["added_tokens"][0].update(special=False), "an added token puts a space"),
        (lambda spec: spec["added_tokens"][0].update(special=False, lstrip=True), "spaces or letters around it"),
    ],
)
def test_jsons_of_sentencepiece_whose_units_depend_on_their_neighbours_say_why(tmp_path, prefixed, change, reason):
    spec = json.loads(files.read_bytes(prefixed))
    change(spec)
    assert reason in open_encoder(write_json(tmp_path / "x.json", spec)).obstacle()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda spec: spec["pre_tokenizer"]["pretokenizers"][-1].update(add_prefix_space=True), "add_prefix_space"),
        (lambda spec: spec.update(normalizer={"type": "NFD"}), "normaliser changes text"),
        (lambda spec: spec["model"]["vocab"].pop("a"), "1 of the bytes that text can have"),
    ],
)
def test_byte_level_jsons_whose_units_depend_on_their_neighbours_say_why(tmp_path, llama, change, reason):
    spec = json.loads(files.read_bytes(llama))
    spec["model"]["merges"] = []
    change(spec)
    assert reason in open_encoder(write_json(tmp_path / "x.json", spec)).obstacle()


def test_other_kinds_encode_documents_but_have_no_units(tmp_path):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"나라": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    encoder = open_encoder(write_json(tmp_path / "x.json", json.loads(tokenizer.to_str())))
    assert (encoder.units, encoder.encode(["나라 말"])) == (None, [[0, 1]])


@settings(max_examples=60)
@given(texts)
def test_tokens_spell_the_text(model, prefixed, llama, text):
    for path in (model, prefixed, llama):
        encoder = open_encoder(path)
        spellings = encoder.spellings()
        expected = text.replace("\u2581", " ") if encoder.units == "metaspace" else text
        assert b"".join(spellings[index] for index in encoder.encode_plain([text])[0]) == expected.encode()


def test_pieces_are_spelled_as_in_the_file(model, llama):
    assert open_encoder(model).pieces()[:3] == ["<unk>", "<s>", "</s>"]
    assert open_encoder(model).spellings()[:3] == [None] * 3
    vocabulary = json.loads(files.read_bytes(llama))["model"]["vocab"]
    pieces = open_encoder(llama).pieces()
    assert all(pieces[index] == piece for piece, index in vocabulary.items())
    assert pieces[-3:] == [BOS, EOS, "<think>"]
    assert open_encoder(llama).spellings()[-3:] == [None, None, b"<think>"]
