"""Kinds of tokenizers and ways to name them x verbs: one rule for a name, and one answer, down to the exit code."""

import json
import shutil
import sys

import pytest
import tokenizers
from huggingface_hub import constants
from huggingface_hub.utils import filter_repo_objects
from malmoi_pipelines.contracts import files, hub
from malmoi_pipelines.contracts.manifest import MANIFEST, read_manifest
from malmoi_pipelines.contracts.stage import WouldRunError, only_asked
from malmoi_pipelines.tokenizers.finding import locate
from malmoi_pipelines.tokenizers.opening import open_encoder
from sentencepiece import sentencepiece_model_pb2 as proto

from malmoi import cli
from tests.fake_hub import fill_cache
from tests.pipelines.small_tokenizers import byte_level, metaspace_json, write_base, write_json, write_words
from tests.pipelines.tokenizers.test_tekken import tekken_json
from tests.tokenizer_lab.small import make_corpus

COUNT = {
    "count tokens": "count tokens {words} --tokenizer {name} --out out --quiet",
    "compare": "tokenizer compare {name} --words {words} --out out --quiet",
}
EXTEND = {"expand": "expand {words} --base {name} --out out --quiet", "check": "tokenizer check {name}"}
ENCODE = {"shard": "shard docs --tokenizer {name} --out out --quiet"}
CUT = {"lm train": "lm train docs --tokenizer {name} --out out --quiet"}
VERBS = {**COUNT, **EXTEND, **ENCODE, **CUT}
GROWN = {
    "train": "train --shards shards --tokenizer {name} --out out --quiet",
    "explain": "tokenizer explain 나라 --in {name}",
}
"""Verbs that want what `expand` made."""

TAKES, USAGE, INPUT, GATES = 0, 2, 3, 4  # exit codes, as in contracts.errors
MARKS, BYTES = "metaspace", "byte-level"  # units, of what has none those of any word table
KINDS = {
    # kind: its name, its units, and what the verbs say that count, extend, encode documents, train a language model
    "model": ("model/any.name", MARKS, TAKES, TAKES, TAKES, TAKES),
    "model by ~": ("~/model/any.name", MARKS, TAKES, TAKES, TAKES, TAKES),
    "model in full": ("{here}/model/any.name", MARKS, TAKES, TAKES, TAKES, TAKES),
    "folder of a model": ("of-model", MARKS, TAKES, TAKES, TAKES, TAKES),
    "folder of both": ("of-both", MARKS, TAKES, TAKES, TAKES, TAKES),
    "folder by ~": ("~/of-both", MARKS, TAKES, TAKES, TAKES, TAKES),
    "hub": ("owner/both", MARKS, TAKES, TAKES, TAKES, TAKES),
    "hub at a revision": ("owner/other@v1", MARKS, TAKES, TAKES, TAKES, TAKES),
    "default": ("default", MARKS, TAKES, TAKES, TAKES, TAKES),
    "byte-level": ("byte-level/any.name", BYTES, TAKES, TAKES, TAKES, USAGE),
    "byte-level without a type": ("byte-level/no-type", BYTES, TAKES, TAKES, TAKES, USAGE),
    "folder of a json": ("of-byte-level", BYTES, TAKES, TAKES, TAKES, USAGE),
    "hub of a json": ("owner/byte-level", BYTES, TAKES, TAKES, TAKES, USAGE),
    "Tekken": ("tekken/any.name", BYTES, TAKES, TAKES, TAKES, USAGE),
    "folder of Tekken": ("of-tekken", BYTES, TAKES, TAKES, TAKES, USAGE),
    "folder of a model that is none": ("of-llama-3", BYTES, TAKES, TAKES, TAKES, USAGE),
    "metaspace json": ("metaspace/any.name", MARKS, TAKES, USAGE, TAKES, USAGE),
    "Metaspace pre-tokenizer": ("metaspace/other", MARKS, TAKES, USAGE, TAKES, USAGE),
    "Unigram json": ("unigram/json", MARKS, USAGE, USAGE, TAKES, USAGE),
    "Unigram model": ("unigram/model", MARKS, USAGE, USAGE, TAKES, TAKES),
    "garbage": ("garbage", MARKS, INPUT, INPUT, INPUT, INPUT),
    "folder of nothing": ("docs", MARKS, INPUT, INPUT, INPUT, INPUT),
    "hub of nothing": ("owner/empty", MARKS, INPUT, INPUT, INPUT, INPUT),
    "several in a folder": ("of-several", MARKS, USAGE, USAGE, USAGE, USAGE),
    "nothing": ("nothing", MARKS, USAGE, USAGE, USAGE, USAGE),
    "nothing by ~": ("~/nothing", MARKS, USAGE, USAGE, USAGE, USAGE),
    "nothing on the hub": ("owner/nothing", MARKS, USAGE, USAGE, USAGE, USAGE),
    "nothing at a revision": ("owner/both@v2", MARKS, USAGE, USAGE, USAGE, USAGE),
}


def write_tokenizers(root):
    """One of each kind below a folder; the hub's cache is `root/hf`."""
    model = write_base(root / "model/any.name")
    byte = byte_level(root / "byte-level/any.name")
    tekken = write_json(root / "tekken/any.name", tekken_json())
    metaspace = metaspace_json(root / "metaspace/any.name")
    spec = json.loads(files.read_bytes(byte))
    del spec["model"]["type"]
    write_json(root / "byte-level/no-type", spec)
    part = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    changed = {"normalizer": None, "pre_tokenizer": part}
    write_json(root / "metaspace/other", json.loads(files.read_bytes(metaspace)) | changed)
    unigram = tokenizers.Tokenizer(tokenizers.models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0))
    write_json(root / "unigram/json", json.loads(unigram.to_str()))
    write_base(root / "unigram/model", model_type=proto.TrainerSpec.UNIGRAM)
    (root / "garbage").write_bytes(b"not a model")
    folders = {
        "of-model": {"tokenizer.model": model},
        "of-both": {"tokenizer.model": model, "tokenizer.json": metaspace},
        "of-byte-level": {"tokenizer.json": byte},
        "of-tekken": {"tekken.json": tekken},
        "of-llama-3": {"tokenizer.model": str(root / "garbage"), "tokenizer.json": byte},
        "of-several": {"tekken.json": tekken, "tekken_2.json": tekken},
    }
    for folder, contents in folders.items():
        for name, source in contents.items():
            files.write_bytes(f"{root}/{folder}/{name}", files.read_bytes(source))
    on_hub = {"both": "of-both", "byte-level": "of-byte-level", "empty": "docs"}
    for name, folder in on_hub.items():
        fill_cache(root / "hf", f"owner/{name}", {file.name: file.read_bytes() for file in (root / folder).iterdir()})
    fill_cache(root / "hf", "owner/other", {"tokenizer.model": files.read_bytes(model)}, "v1")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Everything that the verbs read; nobody writes."""
    root = tmp_path_factory.mktemp("one-answer")
    (root / "docs").mkdir()
    lines = [json.dumps({"id": str(n), "source": "web", "text": text}) for n, text in enumerate(make_corpus()[:20])]
    (root / "docs/a.jsonl").write_text("\n".join(lines))
    documents = [("web", text) for text in make_corpus()[:20]]
    for units in (MARKS, BYTES):
        write_words(str(root / f"words-{units}"), documents, units)
    write_tokenizers(root)
    return root


@pytest.fixture
def answer(tree, monkeypatch, capsys):
    """Call the command line, stages only up to their work: the exit code, and the error without what names a file."""
    monkeypatch.chdir(tree)
    monkeypatch.setenv("HOME", str(tree))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tree / "hf" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def call(command, name, units=MARKS):
        name = name.format(here=tree)
        monkeypatch.setattr(sys, "argv", ["malmoi", *command.format(name=name, words=f"words-{units}").split()])
        try:
            with only_asked():
                cli.main()
        except WouldRunError:
            return TAKES, ""
        except SystemExit as stop:
            error = " ".join(capsys.readouterr().err.split())
            return int(stop.code or 0), error.partition("error: ")[2].replace(str(tree), "")
        return TAKES, ""

    return call


def mostly_long(kinds):
    """The first, and those that are refused, take no time; of others `check` runs its gates."""
    first, *others = kinds
    yield first
    for kind in others:
        yield pytest.param(kind, marks=pytest.mark.long) if TAKES in kinds[kind] else kind


@pytest.mark.parametrize("kind", mostly_long(KINDS))
def test_verbs_give_one_answer(answer, kind):
    name, units, *expected = KINDS[kind]
    answers = {verb: answer(command, name, units) for verb, command in VERBS.items()}
    for verbs, code in zip((COUNT, EXTEND, ENCODE, CUT), expected, strict=True):
        for verb in verbs:
            taken = {TAKES, GATES} if verb == "check" and code == TAKES else {code}
            assert answers[verb][0] in taken, (verb, answers[verb])
    if len(set(expected)) == 1 and expected[0] != TAKES:
        assert len({message.partition(" hint:")[0] for _, message in answers.values()}) == 1, answers


GROWN_KINDS = {
    "folder": ("grown", TAKES),
    "folder by ~": ("~/grown", TAKES),
    "folder in full": ("{here}/grown", TAKES),
    "hub": ("owner/grown", TAKES),
    "a file of it": ("grown/tokenizer.model", INPUT),
    "another tokenizer": ("of-both", INPUT),
    "another on the hub": ("owner/both", INPUT),
    "default": ("default", INPUT),
    "nothing": ("nothing", USAGE),
    "nothing by ~": ("~/nothing", USAGE),
    "nothing on the hub": ("owner/nothing", USAGE),
}


@pytest.fixture(scope="module")
def grown(tree, small_run):
    """A tokenizer that `expand` made, here and on the hub, and shards of it."""
    shutil.copytree(small_run / "tokenizer", tree / "grown")
    shutil.copytree(small_run / "shards", tree / "shards")
    paths = [path for path in (tree / "grown").rglob("*") if path.is_file()]
    contents = {str(path.relative_to(tree / "grown")): path.read_bytes() for path in paths}
    fill_cache(tree / "hf", "owner/grown", contents)


@pytest.mark.slow  # the same room of names; what the trainer makes of one is in tests/trainer/model/test_tokenizer.py
@pytest.mark.parametrize("kind", GROWN_KINDS)
@pytest.mark.usefixtures("grown")
def test_verbs_that_want_what_expand_made_give_one_answer(answer, kind):
    name, expected = GROWN_KINDS[kind]
    answers = {verb: answer(command, name) for verb, command in GROWN.items()}
    assert {code for code, _ in answers.values()} == {expected}, answers
    assert len(set(answers.values())) == 1, answers


@pytest.mark.usefixtures("grown")
def test_all_of_what_expand_made_is_fetched_from_the_hub(tree, monkeypatch):
    wanted = []
    monkeypatch.setattr(hub, "hub_folder", lambda name, patterns: wanted.extend(patterns))
    locate("owner/anything")
    names = [MANIFEST, *(info.path for info in read_manifest(str(tree / "grown")).files)]
    assert list(filter_repo_objects([*names, "model.safetensors"], allow_patterns=wanted)) == names


@pytest.mark.usefixtures("answer")
def test_equal_content_has_one_fingerprint_however_it_is_named(tree):
    names = ("model/any.name", "~/model/any.name", f"{tree}/of-model", "of-both", "owner/both", "owner/other@v1")
    assert len({open_encoder(name).fingerprint for name in names}) == 1
