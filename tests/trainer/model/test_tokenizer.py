"""The trainer reads a tokenizer as every other verb does, and gets the ids that transformers has."""

import orjson
import pytest
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.manifest import read_manifest, write_manifest
from malmoi_trainer.model.tokenizer import load_tokenizer
from transformers import AutoTokenizer

from tests.trainer.small import BASE_SIZE, NEW, NEW_ROWS, file_info, write_tokenizer


def edit(folder, name, change):
    """Change a JSON file of a finished folder, and its manifest with it."""
    value = orjson.loads((folder / name).read_bytes())
    change(value)
    (folder / name).write_bytes(orjson.dumps(value))
    manifest = read_manifest(str(folder))
    infos = [file_info(folder, name) if info.path == name else info for info in manifest.files]
    write_manifest(str(folder), manifest.model_copy(update={"files": tuple(infos)}))


def assert_as_transformers_has_it(folder):
    found, theirs = load_tokenizer(str(folder)), AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert (found.bos, found.eos, found.pad) == (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id)
    assert {piece: index for index, piece in enumerate(found.pieces)} == theirs.get_vocab()
    assert found.rows.space_id == theirs.get_vocab().get(SPACE_MARK)
    return found


@pytest.mark.parametrize("pad", [None, "<unk>", {"__type": "AddedToken", "content": "</s>", "special": True}])
def test_ids_are_those_of_transformers(tmp_path, pad):
    folder = write_tokenizer(tmp_path)
    edit(folder, "tokenizer_config.json", lambda config: config.update(pad_token=pad))
    found = assert_as_transformers_has_it(folder)
    assert (found.base_size, found.vocab_size, found.rows) == (BASE_SIZE, BASE_SIZE + len(NEW), NEW_ROWS)


def test_ids_of_a_tokenizer_that_expand_made_are_those_of_transformers(small_run):
    assert_as_transformers_has_it(small_run / "tokenizer")


def test_a_tokenizer_that_adds_nothing(tmp_path):
    with pytest.raises(UsageError, match="adds no tokens"):
        load_tokenizer(str(write_tokenizer(tmp_path, new=[])))


def test_new_tokens_must_be_the_last(tmp_path):
    folder = write_tokenizer(tmp_path)
    edit(folder, "tokenizer.json", lambda spec: spec["model"]["vocab"].update({"one more": BASE_SIZE + len(NEW)}))
    with pytest.raises(CheckError, match="must be the last ids of the vocabulary of"):
        load_tokenizer(str(folder))
