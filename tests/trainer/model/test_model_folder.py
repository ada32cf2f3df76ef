"""The model a run starts from is named as everything else is: a path, `~`, a name of the hub."""

import pytest
from huggingface_hub import constants
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_trainer.model.model_folder import find_model, find_model_config, model_fingerprint

from tests.fake_hub import fill_cache

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Equal models here, in the home folder and on the hub, which is out of reach."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    for name, data in FILES.items():
        (tmp_path / "model" / name).write_bytes(data)
    fill_cache(tmp_path / "hf", "owner/name", FILES)
    fill_cache(tmp_path / "hf", "owner/name", FILES, "v1")
    return tmp_path


@pytest.mark.parametrize("name", ["model", "./model", "~/model", "{}/model", "file://{}/model"])
def test_a_local_folder_by_any_of_its_names(places, name):
    name = name.format(places)
    assert find_model(name) == f"{places}/model"
    assert find_model_config(name) == f"{places}/model/config.json"


def test_equal_models_have_equal_fingerprints_wherever_they_lie(places):
    names = ("model", "~/model", "owner/name", "owner/name@v1")
    folders = {find_model(name) for name in names}
    assert (len(folders), len({model_fingerprint(folder) for folder in folders})) == (3, 1)


@pytest.mark.parametrize("name", ["no-model", "~/no-model", "owner/other", "owner/name@v2"])
def test_nothing_of_that_name(places, name):
    with pytest.raises(UsageError, match=f"there is nothing at {name}"):
        find_model(name)


@pytest.mark.parametrize(
    ("missing", "message"), [("config.json", "there is no config.json in"), ("model.safetensors", "no weights")]
)
def test_a_folder_that_is_no_whole_model(places, missing, message):
    (places / "model" / missing).unlink()
    fill_cache(places / "hf", "owner/part", {name: data for name, data in FILES.items() if name != missing})
    for name in ("model", "owner/part"):
        with pytest.raises(BadInputError, match=message) as error:
            find_model(name)
        assert repr(name) in error.value.message


def test_a_model_elsewhere_must_be_copied_first(memory_root):
    files.write_bytes(f"{memory_root}/config.json", b"{}")
    with pytest.raises(UsageError, match="must be a folder of this machine"):
        find_model(memory_root)
