import json
import pathlib

import pytest
from malmoi_pipelines.contracts.code import NOT_USED
from malmoi_pipelines.contracts.errors import BadInputError, MalmoiError, UsageError
from malmoi_pipelines.contracts.manifest import read_manifest, verify_file
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.tokenizers.model_proto import Piece, extend, load, parse_model
from malmoi_tokenizer_lab import compare as stage
from malmoi_tokenizer_lab.compare import CompareConfig, compare

from tests.tokenizer_lab.evaluate.tables import write_table
from tests.tokenizer_lab.evaluate.test_subject import byte_level_json
from tests.tokenizer_lab.small import make_base, make_corpus, read_model

CORPUS = [("web" if number % 3 else "news", text) for number, text in enumerate(make_corpus(60))]
CONFIG = CompareConfig(morphemes=False, num_threads=1)


def frequent_pairs(number, skip=0):
    """Pairs of letters that are frequent at the start of words of the corpus, after `skip` of them."""
    counts = {}
    for _, text in CORPUS:
        for word in text.split():
            if len(word) > 1 and all("가" <= letter <= "힣" for letter in word[:2]):
                counts[word[:2]] = counts.get(word[:2], 0) + 1
    return sorted(counts, key=lambda pair: (-counts[pair], pair))[skip : skip + number]


def write_extension(path, pairs):
    """The base with letters and pairs of them as new pieces."""
    base = parse_model(make_base(), "base")
    known = {piece.piece for piece in base.pieces}
    letters = sorted({letter for pair in pairs for letter in pair} - known)
    pieces = [*(f"▁{pair}" for pair in pairs), *pairs, *letters]
    rows = [Piece(piece, -10_000.0 - rank) for rank, piece in enumerate(pieces)]
    path.mkdir()
    (path / "tokenizer.model").write_bytes(extend(base, rows).SerializeToString(deterministic=True))
    return str(path)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("compare")
    (root / "base.model").write_bytes(make_base())
    return {
        "base": str(root / "base.model"),
        "one": write_extension(root / "one", frequent_pairs(60)),
        "two": write_extension(root / "two", frequent_pairs(60, skip=30)),
        "words": write_table(str(root / "words"), CORPUS[:50], held_out=CORPUS[50:]),
        "all": write_table(str(root / "all"), CORPUS),
        "bytes": write_table(str(root / "bytes"), CORPUS, units="byte-level"),
    }


@pytest.fixture(scope="module")
def result(folders, tmp_path_factory):
    tokenizers = [folders[name] for name in ("base", "one", "two")]
    return compare(tokenizers, [folders["words"]], str(tmp_path_factory.mktemp("out") / "out"), CONFIG)


def rows_in_all(report):
    return {row["tokenizer"]: row for row in report.tables["Tokenizers"]}


@pytest.mark.long
def test_tokenizers_are_measured_on_the_held_out_text(result, folders):
    report = read_report(result.folder)
    assert report.facts["measured on"] == "held-out documents"
    rows = rows_in_all(report)
    assert list(rows) == ["base.model", "one", "two"]
    assert {row["part"] for row in rows.values()} == {"held out"}
    texts = [text for _, text in CORPUS[50:]]
    for name in ("base", "one", "two"):
        encode = load(read_model(folders[name])).encode
        direct = sum(len(encode(text)) for text in texts)
        assert rows["base.model" if name == "base" else name]["tokens"] == direct
    assert rows["one"]["tokens"] < rows["two"]["tokens"] < rows["base.model"]["tokens"]


@pytest.mark.long
def test_the_analyser_counts_only_where_it_is_asked(result, folders, monkeypatch):
    assert result.manifest.code.packages["kiwipiepy"] == NOT_USED
    monkeypatch.setattr(stage, "run_stage", lambda identity, *_, **__: identity)
    asked = compare([folders["base"]], [folders["words"]], "out", CONFIG.model_copy(update={"morphemes": True}))
    assert asked.code.packages["kiwipiepy"] != NOT_USED


def test_extensions_are_compared_in_pairs(result):
    report = read_report(result.folder)
    (pair,) = report.tables["New tokens in pairs"]
    assert (pair["one"], pair["other"]) == ("one", "two")
    assert pair["shared"] >= 2 * 30
    assert pair["only in one"] >= 2 * 30
    assert pair["their occurrences"] > pair["occurrences of those"] > 0
    listed = report.tables["New tokens of one only"]
    assert {(row["in"], row["not in"]) for row in listed} == {("one", "two"), ("two", "one")}
    counts = [row["count"] for row in listed if row["in"] == "one"]
    assert counts == sorted(counts, reverse=True)
    assert report.facts["new Korean tokens of base.model"] == 0


@pytest.mark.long
def test_the_folder_is_complete_and_the_same_every_time(result, folders, tmp_path):
    manifest = read_manifest(result.folder)
    for info in manifest.files:
        verify_file(result.folder, manifest, info)
    tokenizers = [folders[name] for name in ("base", "one", "two")]
    again = compare(
        tokenizers, [folders["words"]], str(tmp_path / "again"), CONFIG.model_copy(update={"num_threads": 2})
    )
    assert again.manifest == manifest
    assert "report.html" in {info.path for info in manifest.files}
    assert compare(tokenizers, [folders["words"]], result.folder, CONFIG).skipped
    assert tmp_path.name not in pathlib.Path(again.folder, "report.json").read_text()


@pytest.mark.long
def test_without_held_out_text_the_corpus_is_measured(folders, tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"text_ko": "이 가", "text_en": "the code"}))
    config = CONFIG.model_copy(update={"parallel": str(pairs), "weights": {"news": 0.0}, "cutoff": 3})
    report = read_report(
        compare([folders["base"], folders["one"]], [folders["all"]], str(tmp_path / "out"), config).folder
    )
    assert report.facts["measured on"].startswith("the corpus")
    by_source = {(row["source"], row["tokenizer"]): row for row in report.tables["Tokenizers by source"]}
    for name, row in rows_in_all(report).items():
        assert row["tokens"] == by_source["web", name]["tokens"]
    assert report.tables["Parallel text"][0]["pairs"] == 1
    (use,) = report.tables["Use of new tokens"]
    assert use["below cutoff"] > 0


@pytest.mark.long
def test_byte_level_tokenizers_need_byte_level_units(folders, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(byte_level_json([text for _, text in CORPUS]))
    with pytest.raises(UsageError, match=r"all holds metaspace units, .* byte-level units"):
        compare([str(path)], [folders["all"]], str(tmp_path / "out"), CONFIG)
    with pytest.raises(UsageError, match=r"bytes holds byte-level units"):
        compare([folders["base"]], [folders["bytes"]], str(tmp_path / "out"), CONFIG)
    report = read_report(compare([str(path)], [folders["bytes"]], str(tmp_path / "out"), CONFIG).folder)
    assert report.shown == ("Tokenizers",)
    (row,) = report.tables["Tokenizers"]
    assert row["byte share"] is None
    assert row["tokens per eojeol"] > 1


@pytest.mark.long
def test_wrong_input_is_refused(folders, tmp_path):
    out = str(tmp_path / "out")
    with pytest.raises(UsageError, match="at least one tokenizer"):
        compare([], [folders["all"]], out, CONFIG)
    with pytest.raises(UsageError, match="at least one word table"):
        compare([folders["base"]], [], out, CONFIG)
    (tmp_path / "x.model").write_bytes(b"no model")
    with pytest.raises((BadInputError, UsageError), match=r"x\.model"):
        compare([str(tmp_path / "x.model")], [folders["all"]], out, CONFIG)
    with pytest.raises(UsageError, match="the source 'wob', of which"):
        compare([folders["base"]], [folders["all"]], out, CONFIG.model_copy(update={"weights": {"wob": 1.0}}))


def test_what_cannot_be_compared_replaces_nothing(folders, tmp_path):
    tokenizers, out = [folders["base"]], tmp_path / "out"
    compare(tokenizers, [folders["all"]], str(out), CONFIG)
    before = (out / "report.json").read_bytes()
    (tmp_path / "other").write_bytes(b"no tokenizer")
    for names, words in (([*tokenizers, str(tmp_path / "other")], "all"), (tokenizers, "bytes")):
        with pytest.raises(MalmoiError):
            compare(names, [folders[words]], str(out), CONFIG, overwrite=True)
        assert (out / "report.json").read_bytes() == before
