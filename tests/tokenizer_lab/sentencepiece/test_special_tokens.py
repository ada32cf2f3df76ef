import orjson
import pytest
import tokenizers
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_tokenizer_lab.sentencepiece import text_gates
from malmoi_tokenizer_lab.sentencepiece.base_files import BaseFiles
from malmoi_tokenizer_lab.sentencepiece.special_tokens import Affixes, read_affixes, wanted_affixes
from malmoi_tokenizer_lab.sentencepiece.text_gates import around_texts
from malmoi_tokenizer_lab.sentencepiece.tokenizer_json import tokenizer_config, tokenizer_json

from tests.tokenizer_lab.extended import extended, write_tokenizer

BOS, EOS = Affixes((1,), ()), Affixes((), (2,))
BOTH, NEITHER = Affixes((1,), (2,)), Affixes()


def says(bos=None, eos=None):
    flags = {"add_bos_token": bos, "add_eos_token": eos}
    return {name: flag for name, flag in flags.items() if flag is not None}


@pytest.mark.parametrize(
    ("config", "own", "wanted"),
    [
        ({}, None, BOS),
        ({}, NEITHER, NEITHER),
        ({}, BOTH, BOTH),
        (says(bos=False), None, NEITHER),
        (says(bos=False), BOTH, EOS),
        (says(eos=True), None, BOTH),
        (says(eos=True), NEITHER, EOS),
        (says(True, True), NEITHER, BOTH),
        (says(False, False), BOTH, NEITHER),
        ({"add_bos_token": None}, EOS, EOS),
        ({**says(bos=True), "bos_token": None}, None, NEITHER),
        ({**says(bos=True), "bos_token": {"content": "</s>"}}, None, Affixes((2,), ())),
    ],
)
def test_the_config_counts_before_the_file_and_the_file_before_the_default(small, config, own, wanted):
    assert wanted_affixes(small, config, own) == wanted


def test_a_base_without_such_a_piece_adds_none(small):
    model = extended(small)
    model.trainer_spec.bos_id = -1
    assert wanted_affixes(model, {}, None) == NEITHER
    assert orjson.loads(tokenizer_json(model))["post_processor"] is None


def processor(*names):
    parts = [{"Sequence" if name == "A" else "SpecialToken": {"id": name, "type_id": 0}} for name in names]
    ids = {"<s>": 1, "</s>": 2}
    special = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in names if name in ids}
    return {"type": "TemplateProcessing", "single": parts, "pair": parts, "special_tokens": special}


def test_post_processors_of_all_kinds_are_read():
    assert read_affixes(None, "x") == NEITHER
    assert read_affixes(processor("<s>", "A", "</s>"), "x") == BOTH
    assert read_affixes(processor("A", "</s>"), "x") == EOS
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    nested = {"type": "Sequence", "processors": [byte_level, processor("<s>", "A")]}
    assert read_affixes(nested, "x") == BOS
    for broken in ({"type": "Unheard"}, processor("<s>"), []):
        with pytest.raises(BadInputError, match="x has a post_processor that does not work"):
            read_affixes(broken, "x")


EVERY_WAY = [
    (None, None),
    (None, NEITHER),
    (None, BOTH),
    (says(bos=False), None),
    (says(bos=True), NEITHER),
    (says(eos=False), BOS),
    (says(True, True), None),
    (says(False, True), BOS),
]


@pytest.mark.parametrize(("config", "own"), EVERY_WAY)
def test_every_library_puts_the_same_around_texts(small, tmp_path, config, own):
    config = None if config is None else {"tokenizer_class": "LlamaTokenizer", **config}
    beside, model = BaseFiles(config=config, affixes=own), extended(small)
    wanted = wanted_affixes(small, config or {}, own)
    data = tokenizer_json(model, beside)
    tokenizer = tokenizers.Tokenizer.from_str(data.decode())
    plain = tokenizer.encode("나라 the", add_special_tokens=False).ids
    once = [*wanted.before, *plain, *wanted.after]
    assert tokenizer.encode("나라 the").ids == once
    assert tokenizer.encode("나라 the", "나라 the").ids == once * 2
    written = tokenizer_config(model, beside)
    flags = {f"add_{role}_token": bool(ids) for role, ids in (("bos", wanted.before), ("eos", wanted.after))}
    said = {name: flag for name, flag in orjson.loads(written).items() if name in flags}
    assert said == (flags if config is not None and len(config) > 1 else {})  # both are said, or neither
    results = list(around_texts(model, data, {"tokenizer_config.json": written}))
    assert [result.row() for result in results if result.failed] == []
    assert results[0].compared == 3
    transformers = pytest.importorskip("transformers")
    found = transformers.AutoTokenizer.from_pretrained(write_tokenizer(tmp_path, model, beside))
    assert found("나라 the")["input_ids"] == once
    assert results[1].compared == 3


def test_a_template_that_contradicts_the_config_is_found(small):
    model = extended(small)
    config = orjson.dumps({**orjson.loads(tokenizer_config(model)), "add_bos_token": False})
    results = list(around_texts(model, tokenizer_json(model), {"tokenizer_config.json": config}))
    assert results[0].failed == 3
    assert "must put the ids [] before each text and [] after it" in results[0].first


def test_a_loader_that_forgets_a_token_is_found(small, monkeypatch):
    monkeypatch.setattr(text_gates, "has_transformers", lambda: True)
    model = extended(small)
    rows = [([7, 8], [1, 7, 8]), ([7], [7]), ([], [1, 2])]
    monkeypatch.setattr(text_gates, "special_tokens_with_transformers", lambda loader, files, texts: rows)
    _, result = around_texts(model, tokenizer_json(model), {})
    assert (result.compared, result.failed) == (3, 2)
    assert "AutoTokenizer must put the ids [1] before each text" in result.first
    assert "Text 1 differs" in result.first


def test_a_folder_that_does_not_load_is_found(small):
    pytest.importorskip("transformers")
    model = extended(small)
    _, broken = around_texts(model, tokenizer_json(model), {"tokenizer_config.json": b"["})
    assert "cannot load the folder" in broken.first


def test_without_transformers_only_the_file_is_asked(small, monkeypatch):
    monkeypatch.setattr(text_gates, "has_transformers", lambda: False)
    model = extended(small)
    results = list(around_texts(model, tokenizer_json(model), {}))
    assert [(result.compared, result.failed) for result in results] == [(3, 0), (0, 0)]
    assert results[1].note == "transformers is not installed"
