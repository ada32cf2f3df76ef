import orjson
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.tokenizers.finding import DEFAULT, find_tokenizer
from malmoi_pipelines.tokenizers.model_proto import load, serialize
from malmoi_tokenizer_lab.check import check_tokenizer
from malmoi_tokenizer_lab.gates.texts import FIXED
from malmoi_tokenizer_lab.sentencepiece.base_files import class_facts, read_base_files
from malmoi_tokenizer_lab.sentencepiece.special_tokens import Affixes
from malmoi_tokenizer_lab.sentencepiece.tokenizer_json import tokenizer_config, tokenizer_json

from tests.tokenizer_lab.extended import extended, write_tokenizer
from tests.tokenizer_lab.small import make_base

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


def special(text, **flags):
    return {
        "content": text,
        "lstrip": False,
        "normalized": False,
        "rstrip": False,
        "single_word": False,
        "special": True,
    } | flags


LLAMA_CONFIG = {
    "add_bos_token": True,
    "add_eos_token": False,
    "added_tokens_decoder": {"0": special("<unk>"), "1": special("<s>"), "2": special("</s>")},
    "bos_token": "<s>",
    "chat_template": TEMPLATE,
    "clean_up_tokenization_spaces": False,
    "eos_token": "</s>",
    "legacy": True,
    "model_max_length": 4096,
    "name_or_path": "/home/someone/base",
    "pad_token": "</s>",
    "sp_model_kwargs": {},
    "tokenizer_class": "LlamaTokenizer",
    "unk_token": "<unk>",
    "vocab_size": 620,
}


def files_of(name):
    return read_base_files(find_tokenizer(name))


@pytest.fixture
def folder(tmp_path):
    """A base's folder as it is published: a Llama class, a chat template, a model card."""

    def write(config=LLAMA_CONFIG, **others):
        data = {"tokenizer.model": make_base(), "tokenizer_config.json": orjson.dumps(config), **others}
        for name, content in data.items():
            files.write_bytes(f"{tmp_path}/{name}", content)
        return str(tmp_path)

    return write


def test_a_config_is_kept_but_for_its_class(folder, small):
    base_files = files_of(folder())
    model = extended(small)
    config = orjson.loads(tokenizer_config(model, base_files))
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert config["vocab_size"] == len(model.pieces)
    assert (config["padding_side"], config["model_input_names"]) == ("left", ["input_ids", "attention_mask"])
    assert "name_or_path" not in config
    same = set(LLAMA_CONFIG) - {"tokenizer_class", "vocab_size", "name_or_path"}
    assert {name: config[name] for name in same} == {name: LLAMA_CONFIG[name] for name in same}


def test_a_class_that_takes_the_file_as_it_is_stays(folder, small):
    for name in ("PreTrainedTokenizerFast", "TokenizersBackend"):
        base_files = files_of(folder({**LLAMA_CONFIG, "tokenizer_class": name}))
        config = orjson.loads(tokenizer_config(extended(small), base_files))
        assert config["tokenizer_class"] == name
        assert "padding_side" not in config


def test_other_files_are_copied_and_the_licence_is_read(folder):
    card = b"---\nlicense: apache-2.0\nlanguage: [en]\n---\n# A model\n"
    base_files = files_of(
        folder(**{"chat_template.jinja": b"x", "generation_config.json": b"{}", "README.md": card, "vocab.json": b"{}"})
    )
    assert base_files.copied == {"chat_template.jinja": b"x", "generation_config.json": b"{}"}
    assert base_files.license == "apache-2.0"
    assert files_of(DEFAULT).license.startswith("Apache-2.0")


def test_a_bare_model_has_nothing_beside_it(folder, small):
    path = f"{folder()}/tokenizer.model"
    base_files = files_of(path)
    assert (base_files.config, base_files.license, base_files.special_names) == (None, None, [])
    model = extended(small)
    assert tokenizer_config(model, base_files) == tokenizer_config(model)
    assert tokenizer_json(model, base_files) == tokenizer_json(model)


@pytest.mark.long
@pytest.mark.parametrize("name", ["LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizerFast", "SomethingElse"])
def test_the_extended_folder_loads_and_agrees(folder, small, tmp_path, name):
    transformers = pytest.importorskip("transformers")
    base_files = files_of(folder({**LLAMA_CONFIG, "tokenizer_class": name}))
    model = extended(small)
    out = write_tokenizer(tmp_path / "out", model, base_files)
    results = check_tokenizer(out, folder())
    assert [result.row() for result in results if result.failed] == []
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    sentencepiece = load(serialize(model))
    for text in FIXED:
        assert tokenizer(text)["input_ids"] == [1, *sentencepiece.encode(text)]
    assert tokenizer.apply_chat_template([{"role": "user", "content": "나라"}], tokenize=False) == "user: 나라\n"
    assert (tokenizer.pad_token, tokenizer.model_max_length) == ("</s>", 4096)
    assert list(tokenizer("나라")) == ["input_ids", "attention_mask"]


@pytest.mark.parametrize("model_type", ["llama", "mistral"])
def test_a_model_beside_it_changes_nothing(small, tmp_path, model_type):
    """transformers picks classes by the model's type, too."""
    transformers = pytest.importorskip("transformers")
    model = extended(small)
    out = write_tokenizer(tmp_path, model, config__json=orjson.dumps({"model_type": model_type}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    rows = tokenizer(list(FIXED), add_special_tokens=False)["input_ids"]
    assert rows == load(serialize(model)).encode(list(FIXED))


def test_what_the_base_class_would_do_is_counted(folder, small):
    base_files = files_of(folder())
    facts = class_facts(base_files, tokenizer_json(extended(small)), list(FIXED))
    assert facts["tokenizer class"] == "PreTrainedTokenizerFast"
    assert facts["base's tokenizer class"] == "LlamaTokenizer"
    assert 0 < facts[f"of {len(FIXED)} texts LlamaTokenizer encodes otherwise"] < len(FIXED)
    assert class_facts(files_of(DEFAULT), b"", []) == {"tokenizer class": "PreTrainedTokenizerFast"}


def test_added_tokens_beyond_the_model_keep_their_flags(folder, small):
    size = len(small.pieces)
    added = LLAMA_CONFIG["added_tokens_decoder"] | {str(size): special("<|im_end|>", lstrip=True)}
    base_files = files_of(folder({**LLAMA_CONFIG, "added_tokens_decoder": added}))
    listed = orjson.loads(tokenizer_json(extended(small), base_files))["added_tokens"]
    assert listed[-1] == {"id": size, **special("<|im_end|>", lstrip=True)}
    assert [token["id"] for token in listed] == [0, 1, 2, size]
    assert base_files.special_names == ["</s>", "<s>", "<unk>", "<|im_end|>"]


def test_what_the_base_puts_around_texts_is_read(folder):
    cls_and_sep = {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]}
    for entries, expected in (
        ({}, None),
        ({"post_processor": None}, Affixes()),
        ({"post_processor": cls_and_sep}, Affixes((1,), (2,))),
    ):
        assert files_of(folder(**{"tokenizer.json": orjson.dumps(entries)})).affixes == expected
    with pytest.raises(BadInputError, match=r"tokenizer\.json has a post_processor that does not work"):
        files_of(folder(**{"tokenizer.json": b'{"post_processor": 1}'}))


def test_added_tokens_are_found_in_every_file(folder, small):
    size = len(small.pieces)
    path = folder(
        **{
            "added_tokens.json": orjson.dumps({"<|im_end|>": size}),
            "tokenizer.json": orjson.dumps({"added_tokens": [{"id": size + 1, **special("<|im_start|>")}]}),
        }
    )
    assert sorted(files_of(path).added) == [0, 1, 2, size, size + 1]


def test_unreadable_files_are_errors(folder):
    with pytest.raises(BadInputError, match="is not JSON"):
        files_of(folder(**{"tokenizer_config.json": b"{"}))
    with pytest.raises(BadInputError, match=r"must be a JSON object\. It is a list"):
        files_of(folder(**{"tokenizer_config.json": b"[]"}))
    assert files_of(folder(**{"README.md": b"---\nlicense: [\n---\n"})).license is None
    assert files_of(folder(**{"README.md": b"# no front matter"})).license is None


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("config.json", b"[1]", r"config\.json must be a JSON object\. It is a list"),
        ("config.json", b'{"text_config": [1]}', r"config\.json: text_config must be of type dict\. It is \[1\]"),
        ("config.json", b'{"vocab_size": "x"}', r"config\.json: vocab_size must be of type int\. It is 'x'"),
        ("config.json", b'{"text_config": {"vocab_size": true}}', "vocab_size must be of type int"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": [1]}', "added_tokens_decoder must be of type dict"),
    ],
)
def test_entries_of_another_type_are_errors(folder, name, data, message):
    with pytest.raises(BadInputError, match=message):
        files_of(folder(**{name: data}))
