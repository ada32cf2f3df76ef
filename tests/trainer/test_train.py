import shutil
import subprocess
import sys
from pathlib import Path

import fsspec
import orjson
import pytest
import torch
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.manifest import read_manifest, verify_file
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import read_report
from malmoi_trainer.config import TrainConfig
from malmoi_trainer.stage import train
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.fake_hub import fill_cache
from tests.told import Told
from tests.trainer.small import (
    BASE_SIZE,
    NEW,
    VOCAB_SIZE,
    Inputs,
    base_model,
    make_examples,
    small_config,
    write_shards,
    write_tokenizer,
)

LOSS_FIRST, LOSS_LAST = "loss, first tenth of steps", "loss, last tenth of steps"


def contents(folder: str | Path) -> dict[str, bytes]:
    """All files of a folder but the one that tells what the clock said."""
    paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.name != "timings.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def run(inputs: Inputs, out: Path, **changes):
    return train(inputs.shards, inputs.tokenizer, str(out), small_config(**changes))


def test_loss_falls_and_the_report_says_what_was_done(inputs: Inputs, tmp_path):
    result = run(inputs, tmp_path / "run", steps=60)
    facts = read_report(result.folder).facts
    assert facts[LOSS_LAST] < facts[LOSS_FIRST] - 1.0
    rows = [orjson.loads(line) for line in (tmp_path / "run/losses.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(2, 61, 2))
    assert set(rows[0]) == {"step", "loss", "learning_rate", "tokens", "grad_norm"}
    assert facts["tokens seen"] == rows[-1]["tokens"] == 60 * 4 * 32
    assert facts["trainable parameters"] == (len(NEW) + VOCAB_SIZE) * 32
    assert 0 < facts["new tokens seen"] < facts["tokens seen"]
    assert facts["output rows in them"] == 6


def test_a_model_that_nobody_named_is_told_loudly_and_in_the_report(inputs: Inputs, tmp_path):
    notes = []
    told = Told([], notes)
    config = small_config(steps=2, warmup_steps=1)
    facts = read_report(train(inputs.shards, inputs.tokenizer, str(tmp_path / "a"), config, progress=told).folder).facts
    assert facts["parameters"] == config.create.parameters(VOCAB_SIZE)
    assert facts["starts from"] == "random weights: no model named"
    [warning] = notes
    assert f"one of {facts['parameters'] / 1e6:.1f} M parameters with random weights" in warning
    base_model().save_pretrained(tmp_path / "base")
    named = small_config(steps=2, warmup_steps=1, model=str(tmp_path / "base"), create={})
    facts = read_report(train(inputs.shards, inputs.tokenizer, str(tmp_path / "b"), named, progress=told).folder).facts
    assert (len(notes), facts["starts from"]) == (1, "the weights of the model named")


def test_the_manifest_names_every_file(inputs: Inputs, tmp_path):
    result = run(inputs, tmp_path / "run")
    manifest = read_manifest(result.folder)
    assert {info.path for info in manifest.files} | {"manifest.json"} == set(contents(result.folder))
    for info in manifest.files:
        verify_file(result.folder, manifest, info)
    assert manifest.kind == "run"
    assert manifest.tokenizer == read_manifest(inputs.shards).tokenizer
    assert str(tmp_path) not in Path(result.folder, "manifest.json").read_text()


def test_the_second_call_skips_and_another_config_is_refused(inputs: Inputs, tmp_path):
    assert not run(inputs, tmp_path / "run").skipped
    assert run(inputs, tmp_path / "run").skipped
    with pytest.raises(UsageError, match="steps: 6 → 7"):
        run(inputs, tmp_path / "run", steps=7)


def test_model_and_tokenizer_count_by_their_content_however_they_are_named(inputs: Inputs, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    base_model().save_pretrained(tmp_path / "base")
    for name, folder in (("owner/tokenizer", inputs.tokenizer), ("owner/base", tmp_path / "base")):
        fill_cache(tmp_path / "hf", name, contents(folder))
    out, first = str(tmp_path / "out"), small_config(steps=2, warmup_steps=1, model="~/base", create={})
    assert not train(inputs.shards, "~/tokenizer", out, first).skipped
    config = small_config(steps=2, warmup_steps=1, model="owner/base", create={})
    assert train(inputs.shards, "owner/tokenizer", out, config).skipped


def test_running_again_gives_the_same_bytes(inputs: Inputs, tmp_path):
    first = run(inputs, tmp_path / "a")

    class Killed(Progress):
        def __call__(self, step, done, total, **amounts):
            if done == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(inputs.shards, inputs.tokenizer, str(tmp_path / "b"), small_config(), progress=Killed())
    assert not (tmp_path / "b/manifest.json").exists()
    threads = torch.get_num_threads()
    torch.manual_seed(99)  # neither the caller's random state nor its threads reach the run
    torch.set_num_threads(2)
    try:
        second = run(inputs, tmp_path / "b")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert contents(first.folder) == contents(second.folder)


def test_the_checkpoint_is_a_plain_model_with_its_tokenizer(inputs: Inputs, tmp_path):
    run(inputs, tmp_path / "run")
    checkpoint = tmp_path / "run/checkpoint"
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    assert model.config.vocab_size == len(model.lm_head.weight) == VOCAB_SIZE
    for name in ("tokenizer.model", "tokenizer.json", "tokenizer_config.json"):
        assert (checkpoint / name).read_bytes() == Path(inputs.tokenizer, name).read_bytes()
    # A config.json beside it must not make another tokenizer of the same files.
    text = "가나 다라 abc 가 ab"
    before, after = AutoTokenizer.from_pretrained(inputs.tokenizer), AutoTokenizer.from_pretrained(checkpoint)
    assert type(before) is type(after)
    assert before(text)["input_ids"] == after(text)["input_ids"]
    assert max(after(text)["input_ids"]) >= BASE_SIZE
    assert model.generate(**after("가나", return_tensors="pt"), max_new_tokens=3).shape[1] > 1


def test_an_existing_model_is_grown_and_then_trained_further(inputs: Inputs, tmp_path):
    base = base_model()
    base.save_pretrained(tmp_path / "base")
    run(inputs, tmp_path / "one", model=str(tmp_path / "base"), create={})
    one = AutoModelForCausalLM.from_pretrained(tmp_path / "one/checkpoint")
    assert torch.equal(one.model.embed_tokens.weight[:BASE_SIZE], base.model.embed_tokens.weight)
    for name, tensor in base.model.layers.state_dict().items():
        assert torch.equal(one.model.layers.state_dict()[name], tensor)
    assert not torch.equal(one.lm_head.weight[:BASE_SIZE], base.lm_head.weight)

    result = run(inputs, tmp_path / "two", model=str(tmp_path / "one/checkpoint"), create={})
    assert "output rows in them" not in read_report(result.folder).facts
    two = AutoModelForCausalLM.from_pretrained(tmp_path / "two/checkpoint")
    assert torch.equal(two.model.embed_tokens.weight[:BASE_SIZE], base.model.embed_tokens.weight)
    assert not torch.equal(two.model.embed_tokens.weight[BASE_SIZE:], one.model.embed_tokens.weight[BASE_SIZE:])


def test_where_a_model_lies_does_not_matter_what_it_is_does(inputs: Inputs, tmp_path):
    base_model().save_pretrained(tmp_path / "base")
    shutil.copytree(tmp_path / "base", tmp_path / "copy")
    run(inputs, tmp_path / "run", model=str(tmp_path / "base"), create={})
    assert run(inputs, tmp_path / "run", model=str(tmp_path / "copy"), create={}).skipped
    base_model(initializer_range=0.1).save_pretrained(tmp_path / "copy")
    with pytest.raises(UsageError, match="input 'model' changed"):
        run(inputs, tmp_path / "run", model=str(tmp_path / "copy"), create={})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_in_half_precision_keeps_its_type_and_its_frozen_bits(inputs: Inputs, tmp_path, dtype):
    base = base_model(dtype=torch.bfloat16)
    base.save_pretrained(tmp_path / "base")
    run(inputs, tmp_path / "run", model=str(tmp_path / "base"), create={}, dtype=dtype)
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "run/checkpoint", dtype="auto")
    assert trained.dtype == torch.bfloat16
    for name, tensor in base.model.layers.state_dict().items():
        assert torch.equal(trained.model.layers.state_dict()[name], tensor)


def test_remote_inputs_are_fetched_and_remote_outputs_refused(inputs: Inputs, tmp_path, memory_root):
    memory = fsspec.filesystem("memory")
    for name in ("shards", "tokenizer"):
        memory.put(str(tmp_path / name), f"{memory_root}/{name}", recursive=True)
    local = run(inputs, tmp_path / "a")
    remote = run(Inputs(f"{memory_root}/shards", f"{memory_root}/tokenizer"), tmp_path / "b")
    assert contents(local.folder) == contents(remote.folder)
    with pytest.raises(UsageError, match="must be a local folder"):
        train(inputs.shards, inputs.tokenizer, f"{memory_root}/run", small_config())


def test_shards_of_another_tokenizer_are_refused(inputs: Inputs, tmp_path):
    other = write_tokenizer(tmp_path / "other", NEW[1:])
    with pytest.raises(CheckError, match="the shards were made with the tokenizer"):
        train(inputs.shards, str(other), str(tmp_path / "run"), small_config())


def test_folders_of_the_wrong_kind_are_refused(inputs: Inputs, tmp_path):
    with pytest.raises(BadInputError, match="of shards: it holds tokenizer"):
        train(inputs.tokenizer, inputs.tokenizer, str(tmp_path / "run"), small_config())


def test_a_changed_shard_stops_the_run(inputs: Inputs, tmp_path):
    path = Path(inputs.shards, "data/part-00000.arrow")
    data = path.read_bytes()
    path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    with pytest.raises(CheckError, match=r"part-00000\.arrow: the content has changed"):
        run(inputs, tmp_path / "run")


def test_a_tokenizer_without_new_tokens_is_refused(tmp_path):
    tokenizer = write_tokenizer(tmp_path / "tokenizer", [])
    model = read_manifest(str(tokenizer))
    fingerprint = next(info.xxh3_128 for info in model.files if info.path == "tokenizer.model")
    shards = write_shards(tmp_path / "shards", [make_examples(4)], fingerprint)
    with pytest.raises(UsageError, match="adds no tokens"):
        train(str(shards), str(tokenizer), str(tmp_path / "run"), small_config())


def test_models_that_do_not_fit_are_refused(inputs: Inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="there is nothing at nobody/nothing"):
        run(inputs, tmp_path / "run", model="nobody/nothing", create={})
    base_model(max_position_embeddings=16).save_pretrained(tmp_path / "short")
    with pytest.raises(UsageError, match=r"context of 16 tokens\. Got 32"):
        run(inputs, tmp_path / "run", model=str(tmp_path / "short"), create={})
    (tmp_path / "other").mkdir()
    (tmp_path / "other/config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(BadInputError, match=r"there are no weights \*\.safetensors"):
        run(inputs, tmp_path / "run", model=str(tmp_path / "other"), create={})
    (tmp_path / "other/model.safetensors").touch()
    with pytest.raises(UsageError, match="Got 'gpt2'"):
        run(inputs, tmp_path / "run", model=str(tmp_path / "other"), create={})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train_set": "eve"}, "train_set = 'eve': must be one of kosolar, eeve-1"),
        ({"weight_decay": 0.1}, "weight_decay = 0.1 has no effect"),
        ({"model": "a", "create": {"layers": 2}}, "create has no effect where model is given"),
        ({"steps": 5, "warmup_steps": 6}, "warmup_steps must be at most steps, got 6 and 5"),
        ({"create": {"hidden_size": 30}}, "hidden_size must be a multiple of 2"),
        ({"create": {"layer": 2}}, "did you mean 'layers'"),
        ({"learning_rat": 1}, "did you mean 'learning_rate'"),
        ({"steps": 0}, "steps = 0"),
    ],
)
def test_config_errors_name_the_setting(values, message):
    with pytest.raises(UsageError) as caught:
        parse_config(TrainConfig, values, "recipe.yaml")
    assert message in caught.value.message


def test_a_missing_device_is_refused(inputs: Inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = contents(run(inputs, tmp_path / "run").folder)
    with pytest.raises(UsageError, match="no CUDA device"):
        train(inputs.shards, inputs.tokenizer, str(tmp_path / "run"), small_config(device="cuda"), overwrite=True)
    assert contents(tmp_path / "run") == before


def test_missing_libraries_are_named_before_anything_is_cleared(inputs: Inputs, tmp_path, monkeypatch):
    before = contents(run(inputs, tmp_path / "run").folder)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="training needs torch, transformers"):
        train(inputs.shards, inputs.tokenizer, str(tmp_path / "run"), small_config(steps=7), overwrite=True)
    assert contents(tmp_path / "run") == before


@pytest.mark.long
def test_importing_the_trainer_loads_no_beam_and_no_other_package():
    code = "import sys, malmoi_trainer.stage, malmoi_trainer.training.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {
        name
        for name in done.stdout.split()
        if name.split(".")[0] in {"malmoi_pipelines", "malmoi_tokenizer_lab", "malmoi"}
    }
    assert "apache_beam" not in done.stdout
    rooms = {".".join(name.split(".")[:2]) for name in packages}
    assert rooms == {"malmoi_pipelines", "malmoi_pipelines.contracts", "malmoi_pipelines.tokenizers"}
    assert "malmoi_trainer.training.run" in done.stdout


@pytest.mark.long
def test_a_finished_run_is_skipped_without_the_training_libraries(inputs: Inputs, tmp_path):
    base_model().save_pretrained(tmp_path / "base")
    changes = {"model": str(tmp_path / "base"), "create": {}, "device": "auto"}
    run(inputs, tmp_path / "run", **changes)
    config = small_config(**changes).model_dump(exclude={"create"})
    code = f"""
import sys
from malmoi_trainer.config import TrainConfig
from malmoi_trainer.stage import train
assert train({inputs.shards!r}, {inputs.tokenizer!r}, {str(tmp_path / "run")!r}, TrainConfig(**{config!r})).skipped
sys.exit(", ".join({{"torch", "transformers", "matplotlib"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_the_identity_keeps_auto_and_the_report_names_the_device(inputs: Inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = run(inputs, tmp_path / "a", device="auto")
    facts = read_report(result.folder).facts
    assert (result.manifest.config["device"], result.manifest.config["dtype"]) == ("auto", "auto")
    assert (facts["device"], facts["dtype"]) == ("cpu", "float32")
    assert contents(run(inputs, tmp_path / "b", device="auto").folder) == contents(result.folder)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert run(inputs, tmp_path / "a", device="auto").skipped
    with pytest.raises(UsageError, match="device: 'auto' → 'cpu'"):
        run(inputs, tmp_path / "a", device="cpu")


@pytest.mark.gpu
def test_bfloat16_steps_on_cuda(inputs: Inputs, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    result = run(inputs, tmp_path / "run", device="auto", steps=60)
    facts = read_report(result.folder).facts
    assert (facts["device"], facts["dtype"]) == ("cuda", "bfloat16")
    assert facts[LOSS_LAST] < facts[LOSS_FIRST] - 1.0
