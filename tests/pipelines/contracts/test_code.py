"""Which changes of code and packages make a finished stage stale: tried on a copy of the tree, one change at a time."""

import importlib.metadata
import pathlib
import shutil
import time

import pytest
from malmoi_pipelines.contracts import code
from malmoi_pipelines.contracts.code import DECIDING, NEUTRAL, NOT_INSTALLED, NOT_USED, OURS, code_of
from malmoi_pipelines.contracts.errors import DefectError
from malmoi_trainer.stage import ONLY_SPELL

STAGES = {
    "sample": "malmoi_pipelines.sample.stage",
    "clean": "malmoi_pipelines.clean.stage",
    "lm": "malmoi_pipelines.lm.stage",
    "dedupe": "malmoi_pipelines.dedupe.stage",
    "count": "malmoi_pipelines.count.stage",
    "count tokens": "malmoi_pipelines.count_tokens.stage",
    "expand": "malmoi_tokenizer_lab.stage",
    "compare": "malmoi_tokenizer_lab.compare",
    "shard": "malmoi_pipelines.shard.stage",
    "train": "malmoi_trainer.stage",
}
SOURCES = {name: pathlib.Path(code._folders(name)[0]) for name in OURS}


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of our packages, which the tests change and put back."""
    root = tmp_path_factory.mktemp("tree")
    for name, folder in SOURCES.items():
        shutil.copytree(folder, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture(scope="module")
def unchanged(copied):
    """Module → what matters of it in the copy as it was: reading all of them takes seconds."""
    return {}


@pytest.fixture
def tree(copied, unchanged, monkeypatch):
    """The copy, read instead of the installed packages; `tree(path, old, new)` changes a file for one test."""
    read, changed, fresh = code.read_source.__wrapped__, {}, {}

    def read_source(module):
        cache = fresh if module in fresh else unchanged
        if cache.get(module) is None:
            cache[module] = read(module)
        return cache[module]

    monkeypatch.setattr(code, "_folders", lambda package: (str(copied / package),))
    monkeypatch.setattr(code, "read_source", read_source)

    def change(path, old, new):
        file = copied / path
        text = file.read_text()
        assert old in text
        changed.setdefault(file, text)
        file.write_text(text.replace(old, new, 1))
        if path.endswith(".py"):
            fresh[path.removesuffix(".py").replace("/", ".")] = None
        else:
            fresh.update((module, None) for module, source in unchanged.items() if source.data)

    yield change
    for file, text in changed.items():
        file.write_text(text)


def everything():
    return {name: code_of(module, ONLY_SPELL if name == "train" else ()) for name, module in STAGES.items()}


def stale(before, after):
    """Stage → what changed, of those that did."""
    return {name: before[name].changes(after[name]) for name in STAGES if before[name] != after[name]}


@pytest.mark.long
def test_comments_docstrings_and_layout_make_nothing_stale(tree):
    before = everything()
    tree("malmoi_pipelines/sample/korean.py", "\nfrom ", "\n# a comment\nfrom ")
    tree("malmoi_pipelines/text/normalise.py", '"""', '"""Other words. ')
    tree("malmoi_pipelines/count/config.py", '    """The rule', '    """Yes: the rule')
    tree("malmoi_pipelines/count/letters.py", "\n\n\n", "\n\n\n\n\n")
    assert stale(before, everything()) == {}


def test_a_statement_makes_those_stale_that_import_it_and_names_the_module(tree):
    before = everything()
    tree("malmoi_pipelines/text/normalise.py", "\n\n\ndef ", "\n\nCHANGED = 1\n\n\ndef ")
    why = ["code changed: malmoi_pipelines.text.normalise"]
    assert stale(before, everything()) == {"clean": why, "lm": why}


def test_a_change_of_the_generator_makes_the_sample_alone_stale(tree):
    before = everything()
    tree("malmoi_pipelines/sample/korean.py", "\n\n\n", "\n\nCHANGED = 1\n\n\n")
    assert list(stale(before, everything())) == ["sample"]


def test_the_kernel_makes_all_stale(tree):
    before = everything()
    tree("malmoi_pipelines/contracts/stage.py", "\n\n\n@dataclass", "\n\nCHANGED = 1\n\n\n@dataclass")
    assert list(stale(before, everything())) == list(STAGES)


def test_imports_inside_functions_count(tree):
    before = everything()
    tree(
        "malmoi_pipelines/count/stage.py",
        "        check_counted(",
        "        import malmoi_pipelines.text.html\n        check_counted(",
    )
    changes = stale(before, everything())
    assert list(changes) == ["count"]
    assert changes["count"] == [
        "code changed: malmoi_pipelines.count.stage",
        "code newly used: malmoi_pipelines.text.code, malmoi_pipelines.text.html",
    ]


def test_a_list_of_phrases_is_code(tree):
    before = everything()
    tree("malmoi_pipelines/text/data/spam.txt", "\n", "\n새 문구\n")
    changes = stale(before, everything())
    assert changes["clean"] == ["code changed: malmoi_pipelines.text/data/spam.txt"]
    assert "count" not in changes


@pytest.mark.parametrize(
    ("package", "wanted"),
    [
        ("ftfy", {"clean", "lm"}),
        ("Resiliparse", {"clean", "lm", "dedupe", "count", "shard"}),  # where they read web pages
        ("tokenizers", {"count tokens", "expand", "compare", "shard"}),
        ("torch", {"train"}),
    ],
)
def test_an_updated_package_makes_those_stale_whose_bytes_it_decides(monkeypatch, package, wanted):
    before = everything()
    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if name == package else installed(name))
    changes = stale(before, everything())
    assert set(changes) == wanted
    assert all(reasons == [f"{package}: {installed(package)} → 99"] for reasons in changes.values())


def test_other_tables_of_unicode_make_a_stage_stale(monkeypatch):
    before = code_of(STAGES["clean"])
    monkeypatch.setattr(code.unicodedata, "unidata_version", "1.0")
    assert before.changes(code_of(STAGES["clean"]))[0].startswith("Unicode tables: ")


def test_a_package_that_the_settings_leave_out_does_not_count(monkeypatch):
    before = code_of(STAGES["clean"], ["sentencepiece"])
    assert before.packages["sentencepiece"] == NOT_USED
    assert before.unused == ("sentencepiece",)
    monkeypatch.setitem(DECIDING, "sentencepiece", "no-such-distribution")
    assert code_of(STAGES["clean"]).packages["no-such-distribution"] == NOT_INSTALLED
    assert before.changes(code_of(STAGES["clean"], ["sentencepiece"])) == []


def test_an_unknown_module_is_a_defect():
    with pytest.raises(DefectError, match=r"no module malmoi_pipelines\.nowhere"):
        code_of("malmoi_pipelines.nowhere")


def test_a_package_of_which_nobody_said_whether_it_decides_bytes_is_a_defect(tree):
    tree("malmoi_pipelines/count/letters.py", "\nimport ", "\nimport mystery\nimport ")
    with pytest.raises(DefectError, match="mystery"):
        code_of(STAGES["count"])


def test_every_stage_is_read_and_what_it_says_of_packages_is_used():
    told = everything()
    assert all(len(found.modules) > 20 for found in told.values())
    assert {name for found in told.values() for name in found.packages} - {"numpy"} == set(DECIDING.values())
    assert not DECIDING.keys() & NEUTRAL.keys()


@pytest.mark.long
def test_reading_all_stages_takes_little():
    code.read_source.cache_clear()
    started = time.process_time()
    everything()
    first = time.process_time() - started
    started = time.process_time()
    everything()
    assert time.process_time() - started < first / 5  # read once a process
    assert first < 10
