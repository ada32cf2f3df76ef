import orjson
import pytest
import tokenizers
import xxhash
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.hangul import letters_of
from malmoi_pipelines.contracts.schemas import NEW_TOKENS, TOKENIZER
from malmoi_pipelines.tokenizers.model_proto import NORMAL, Piece, extend, parse_model, scores_below, serialize
from malmoi_tokenizer_lab.check import check_tokenizer

from tests.tokenizer_lab.extended import extended, new_pieces, write_tables, write_tokenizer
from tests.tokenizer_lab.small import make_base, read_model

pytestmark = pytest.mark.usefixtures("fewer_texts")
NO_BASE = "the base is not known: pass --base"


@pytest.fixture
def base_file(tmp_path):
    path = tmp_path / "base.model"
    path.write_bytes(make_base())
    return str(path)


def failed(results):
    return {result.gate for result in results if result.failed}


def new_token(base, model, index):
    piece = model.pieces[index]
    return dict.fromkeys((field.name for field in NEW_TOKENS.schema), 0) | {
        "id": index,
        "piece": piece.piece,
        "text": piece.piece,
        "score": piece.score,
        "kind": "multi",
        "reason": "kept",
        "parents": [],
        "base_ids": [3],
    }


def as_expand_writes(folder, base, model, digest):
    rows = [new_token(base, model, index) for index in range(len(base.pieces), len(model.pieces))]
    write_tables(folder, TOKENIZER, {NEW_TOKENS: rows}, inputs={"base": digest})
    return folder


def test_a_folder_with_its_base_passes(small, base_file, tmp_path):
    results = check_tokenizer(write_tokenizer(tmp_path / "out", extended(small)), base_file)
    assert failed(results) == set()
    assert all(result.compared for result in results if "installed" not in result.note)


def test_memory_folders_are_checked_too(small, memory_root):
    folder = write_tokenizer(f"{memory_root}/out", extended(small))
    assert failed(check_tokenizer(folder)) == set()


def test_the_manifest_tells_the_base(small, tmp_path):
    model = extended(small)
    digest = xxhash.xxh3_128_hexdigest(make_base())
    folder = as_expand_writes(write_tokenizer(tmp_path / "a", model), small, model, digest)
    results = check_tokenizer(folder)
    assert failed(results) == set()
    assert not any(result.note == NO_BASE for result in results)
    other = as_expand_writes(write_tokenizer(tmp_path / "b", model), small, model, "another base")
    assert any(result.note == NO_BASE for result in check_tokenizer(other))


def test_a_manifest_of_something_else_is_no_hindrance(small, tmp_path):
    folder = write_tokenizer(tmp_path, extended(small), manifest__json=b'{"version": 1}')
    assert failed(check_tokenizer(folder)) == set()


@pytest.mark.long
def test_the_default_base_has_a_name(tmp_path):
    default = parse_model(read_model(None), "default")
    results = check_tokenizer(write_tokenizer(tmp_path, extended(default)), "default")
    assert failed(results) == set()
    assert results[0].compared == 32_000


def test_a_merge_in_the_manner_of_chinese_llama_fails(small, base_file, tmp_path):
    """Pieces of another model appended with score 0: ties, which no list of merges can express."""
    model = extended(small, masks=(), reserved=(), scores=[0.0] * len(new_pieces(small)))
    found = failed(check_tokenizer(write_tokenizer(tmp_path / "out", model), base_file))
    assert {"scores are distinct in float32", "scores fall with the id, below the base's"} <= found
    assert "the base's rows are untouched" not in found


def test_tokens_added_by_add_tokens_fail(small, base_file, tmp_path):
    """The rows are in tokenizer.json alone, as added tokens."""
    folder = write_tokenizer(tmp_path / "out", extend(small, []))
    tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.add_tokens(["영화", "정말"])
    tokenizer.save(f"{folder}/tokenizer.json")
    results = {result.gate: result for result in check_tokenizer(folder, base_file)}
    assert results["tokenizer.json has the same rows"].failed == 2
    assert results["no word is an added token"].failed == 2
    assert results["SentencePiece = tokenizer.json"].failed > 10


def test_a_bases_chat_tokens_are_special_whatever_their_flag(small, base_file, tmp_path):
    """ChatML bases list them with `special: false`: Hugging Face takes them in plain text, SentencePiece does not."""
    folder = write_tokenizer(tmp_path / "out", extended(small, reserved=("<|im_end|>", "<|im_start|>")))
    value = orjson.loads(files.read_bytes(f"{folder}/tokenizer.json"))
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    value["added_tokens"].append({"id": len(small.pieces), "content": "<|im_end|>", **flags})
    files.write_bytes(f"{folder}/tokenizer.json", orjson.dumps(value))
    assert failed(check_tokenizer(folder, base_file)) == set()


def test_pieces_without_their_letters_fail(small, base_file, tmp_path):
    new = [piece for piece in new_pieces(small) if len(piece) > 1]
    model = extend(small, [*map(Piece, new, scores_below(small, len(new)))])
    results = {r.gate: r for r in check_tokenizer(write_tokenizer(tmp_path / "out", model), base_file)}
    known = {piece.piece for piece in small.pieces if piece.type == NORMAL}
    missing = set().union(*map(letters_of, new)) - known
    assert results["letters of new pieces are pieces"].failed == len(missing)
    assert results["SentencePiece = tokenizer.json"].failed


def test_all_gates_run_to_the_end(small, base_file, tmp_path):
    good = check_tokenizer(write_tokenizer(tmp_path / "good", extended(small, masks=())), base_file)
    zeros = extended(small, masks=(), scores=[0.0] * len(new_pieces(small)))
    bad = check_tokenizer(write_tokenizer(tmp_path / "bad", zeros), base_file)
    assert [result.gate for result in bad] == [result.gate for result in good]


def test_a_model_alone_is_checked_as_far_as_it_goes(small, tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(serialize(extended(small)))
    results = check_tokenizer(str(tmp_path))
    assert failed(results) == set()
    assert results[-1].note == "there is no tokenizer.json"


def test_what_is_no_tokenizer_is_an_error(small, tmp_path):
    with pytest.raises(UsageError, match="there is nothing at"):
        check_tokenizer(str(tmp_path / "none"))
    with pytest.raises(BadInputError, match=r"there is no tokenizer\.model, tokenizer\.json or tekken"):
        check_tokenizer(str(tmp_path))
    (tmp_path / "tokenizer.model").write_bytes(b"x")
    with pytest.raises(BadInputError, match="is not a SentencePiece model"):
        check_tokenizer(str(tmp_path))
    (tmp_path / "tokenizer.model").write_bytes(serialize(extended(small)))
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(BadInputError, match=r"is no tokenizer\.json"):
        check_tokenizer(str(tmp_path))


@pytest.fixture
def byte_level(tmp_path):
    """A byte-level tokenizer and one with more merges for Hangul after its own."""
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.train_from_iterator(["the quick brown fox and the lazy dog " * 9, "나라 나라"], trainer)
    base = orjson.loads(tokenizer.to_str())
    value = orjson.loads(tokenizer.to_str())
    pairs = [("ë", "Ĥ"), ("ëĤ", "ĺ")]  # 나
    pairs = [pair for pair in pairs if "".join(pair) not in value["model"]["vocab"]] or [("ëĤĺ", "ëĤĺ")]
    for left, right in pairs:
        value["model"]["vocab"][left + right] = len(value["model"]["vocab"])
        value["model"]["merges"].append([left, right])
    config = orjson.dumps({"tokenizer_class": "PreTrainedTokenizerFast"})
    for name, content in (("base", base), ("new", value)):
        files.write_bytes(f"{tmp_path}/{name}/tokenizer.json", orjson.dumps(content))
        files.write_bytes(f"{tmp_path}/{name}/tokenizer_config.json", config)
    return str(tmp_path / "base"), str(tmp_path / "new")


def test_a_byte_level_folder_is_checked_with_its_base(byte_level):
    base, new = byte_level
    results = check_tokenizer(new, base)
    assert [result.row() for result in results if result.failed] == []
    assert next(result for result in results if "text without Hangul" in result.gate).compared > 50


def test_a_byte_level_folder_without_a_base_is_checked_by_its_loaders(byte_level):
    results = check_tokenizer(byte_level[1])
    assert failed(results) == set()
    assert {"tokens decode to the text", "tokenizer.json = AutoTokenizer"} <= {r.gate for r in results}
    assert not any(result.compared for result in results if "base" in result.gate)
    assert {result.note for result in results if "base" in result.gate} == {NO_BASE}


def test_a_changed_byte_level_base_is_found(byte_level):
    base, new = byte_level
    value = orjson.loads(files.read_bytes(f"{new}/tokenizer.json"))
    merges = value["model"]["merges"]
    merges[0], merges[1] = merges[1], merges[0]
    files.write_bytes(f"{new}/tokenizer.json", orjson.dumps(value))
    assert "the base's merges come first" in failed(check_tokenizer(new, base))
