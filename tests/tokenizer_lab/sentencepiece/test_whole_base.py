import orjson
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.schemas import NEW_TOKENS
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.tokenizers.model_proto import CONTROL, parse_model
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.check import check_tokenizer
from malmoi_tokenizer_lab.stage import expand

from tests.tokenizer_lab.small import SMALL, make_base, read_model

SIZE = len(parse_model(make_base(), "base").pieces)


@pytest.fixture
def folder(tmp_path):
    """A base's folder with files beside its model, as JSON values."""

    def write(**others):
        files.write_bytes(f"{tmp_path}/base/tokenizer.model", make_base())
        for name, value in others.items():
            files.write_bytes(f"{tmp_path}/base/{name}.json", orjson.dumps(value))
        return f"{tmp_path}/base"

    return write


def beyond(base):
    return [(piece.piece, piece.type) for piece in base.model.pieces[SIZE:]]


def test_added_tokens_after_the_model_are_rows_of_the_base(folder):
    base = open_base(
        folder(
            added_tokens={"<pad>": SIZE, "</s>": 2},
            tokenizer_config={"added_tokens_decoder": {str(SIZE + 1): {"content": "<|im_end|>"}}, "pad_token": "<pad>"},
        )
    )
    assert beyond(base) == [("<pad>", CONTROL), ("<|im_end|>", CONTROL)]
    assert base.size == base.model.trainer_spec.vocab_size == SIZE + 2
    assert base.has_row("<pad>")
    assert base.has_row("<|im_end|>")
    assert not base.has_row("<|im_start|>")


@pytest.mark.parametrize("nested", [False, True])
def test_a_padded_embedding_is_part_of_the_base(folder, nested):
    rows = {"vocab_size": SIZE + 4}
    added = {"<|reserved_1|>": SIZE}
    base = open_base(folder(config={"text_config": rows} if nested else rows, added_tokens=added))
    assert [name for name, _ in beyond(base)] == [f"<|reserved_{number}|>" for number in (1, 0, 2, 3)]
    assert {kind for _, kind in beyond(base)} == {CONTROL}


def test_an_embedding_no_larger_than_the_model_changes_nothing(folder):
    for config in ({"vocab_size": SIZE}, {"vocab_size": 5}, {"model_type": "llama", "text_config": None}):
        assert open_base(folder(config=config)).size == SIZE


def test_the_digest_of_the_base_tells_its_rows(folder):
    plain = open_base(folder()).inputs["base"]
    assert open_base(folder(config={"vocab_size": SIZE})).inputs["base"] == plain
    assert open_base(folder(config={"vocab_size": SIZE + 1})).inputs["base"] != plain


def test_the_digest_of_the_files_tells_what_stands_around_texts(folder):
    digests = {open_base(folder()).inputs["files of the base"]}
    for processor in (None, {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]}):
        digests.add(open_base(folder(tokenizer={"post_processor": processor})).inputs["files of the base"])
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"added_tokens": {"<pad>": SIZE + 1}}, rf"'<pad>' has the id {SIZE + 1}, and no token has the id {SIZE}"),
        ({"added_tokens": {"<a>": SIZE, "<b>": SIZE + 2}}, rf"'<b>' .* no token has the id {SIZE + 1}"),
        ({"added_tokens": {"<pad>": 2}}, r"the id 2 is '</s>' in tokenizer\.model, and '<pad>'"),
        ({"added_tokens": {"</s>": SIZE}}, rf"'</s>' has the id {SIZE}, and 2 is '</s>' already"),
        ({"tokenizer_config": {"pad_token": "[PAD]"}}, r"the pad_token '\[PAD\]' of tokenizer_config\.json has no id"),
        ({"tokenizer_config": {"pad_token": {"content": "[PAD]"}}}, r"the pad_token '\[PAD\]'"),
        (
            {"tokenizer": {"post_processor": {"type": "BertProcessing", "sep": ["x", 9999], "cls": ["<s>", 1]}}},
            "puts the id 9999 around each text",
        ),
    ],
)
def test_files_that_disagree_are_refused_at_opening(folder, others, message):
    with pytest.raises(UsageError, match=message):
        open_base(folder(**others))


@pytest.mark.long
def test_a_base_with_more_rows_than_its_model_is_extended(folder, words, tmp_path):
    """A ChatML base with a padded embedding: its chat tokens are no special ones by their flag, as often."""
    added = {"content": "<|im_start|>", "special": False}
    path = folder(
        added_tokens={"<pad>": SIZE},
        config={"vocab_size": SIZE + 6},
        tokenizer_config={
            "added_tokens_decoder": {str(SIZE + 1): added},
            "add_bos_token": False,
            "add_eos_token": True,
            "pad_token": "<pad>",
            "tokenizer_class": "LlamaTokenizer",
        },
    )
    result = expand([words], str(tmp_path / "out"), SMALL.model_copy(update={"base": path}))
    model = parse_rows(result.folder)
    assert model[: SIZE + 6][SIZE:] == ["<pad>", "<|im_start|>", *(f"<|reserved_{number}|>" for number in range(4))]
    assert len(set(model)) == len(model)
    ids = read_table(result.folder, NEW_TOKENS, ["id"])["id"].to_pylist()
    assert ids == list(range(SIZE + 6, len(model)))
    results = check_tokenizer(result.folder)
    assert [result.row() for result in results if result.failed] == []
    assert all(result.compared for result in results if "installed" not in result.note)  # so the base was known


def parse_rows(folder):
    return [piece.piece for piece in parse_model(read_model(folder), folder).pieces]
