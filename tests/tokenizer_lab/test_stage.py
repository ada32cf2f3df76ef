import importlib.metadata
import itertools
import pathlib
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts import code
from malmoi_pipelines.contracts.code import NOT_USED
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.manifest import read_manifest, verify_file
from malmoi_pipelines.contracts.progress import SILENT
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import TOKENIZER, check_schema
from malmoi_pipelines.contracts.timings import read_timings
from malmoi_pipelines.tokenizers.model_proto import load_for_units, lowest_rank_score, parse_model, scores_below
from malmoi_tokenizer_lab import stage
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.build import Builder
from malmoi_tokenizer_lab.check import check_tokenizer
from malmoi_tokenizer_lab.config import ExpandConfig, resolve_cutoff, token_budget
from malmoi_tokenizer_lab.loop.curation import Curation
from malmoi_tokenizer_lab.sentencepiece import text_gates
from malmoi_tokenizer_lab.stage import expand

from tests.tokenizer_lab.small import SMALL, WAYS, parse_folder, read_model, write_words


def run(words, out, base, **settings):
    return expand(words, str(out), SMALL.model_copy(update={"base": base, **settings}))


def read(result, table):
    name = "new_tokens" if table == "data" else table
    return pq.read_table(f"{result.folder}/{table}/{name}.parquet")


def hashes(result):
    return {info.path: info.xxh3_128 for info in result.manifest.files}


@pytest.fixture(scope="module")
def tokens(expanded):
    return read(expanded, "data").to_pylist()


@pytest.fixture(scope="module")
def candidates(expanded):
    return read(expanded, "candidates").to_pylist()


def test_the_folder_is_complete_and_verifies(expanded):
    manifest = read_manifest(expanded.folder)
    assert {info.path for info in manifest.files} == {
        "tokenizer.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "README.md",
        "data/new_tokens.parquet",
        "candidates/candidates.parquet",
        "rounds/rounds.parquet",
        "history/history.parquet",
        "report.json",
        "report.md",
        "report.html",
        "pictures/trace-of-rounds.svg",
        "pictures/counts-of-new-tokens.svg",
        "pictures/tokens-per-eojeol-corpus.svg",
        "pictures/lengths-of-new-tokens.svg",
    }
    for info in manifest.files:
        verify_file(expanded.folder, manifest, info)
    assert manifest.tokenizer == hashes(expanded)["tokenizer.model"]
    for table in TOKENIZER.tables:
        check_schema(read(expanded, table.name).schema, table.schema, table.name)


def test_what_no_two_runs_agree_on_is_beside_the_output(expanded):
    timings = read_timings(expanded.folder)["parts"]["loop"]
    assert "timings.json" not in hashes(expanded)
    assert [row["round"] for row in timings] == read(expanded, "rounds")["round"].to_pylist()
    assert timings[0]["units encoded"] == read_report(expanded.folder).facts["distinct Korean units"]
    assert all(row["seconds"] >= 0 for row in timings)


@pytest.mark.parametrize("morphemes", [True, False])
def test_packages_that_decide_no_byte_make_no_expansion_stale(words, small_base, monkeypatch, morphemes):
    monkeypatch.setattr(stage, "run_stage", lambda identity, *_, **__: identity)
    before = run([words], "out", small_base, morphemes=morphemes)
    monkeypatch.setattr(code, "_version", lambda name: "of tomorrow")
    after = run([words], "out", small_base, morphemes=morphemes)
    assert before.code.packages["transformers"] == after.code.packages["transformers"] == NOT_USED
    assert (after.code.packages["kiwipiepy"] == NOT_USED) == (not morphemes)
    # What does decide bytes stands in the code alone, so that `malmoi accept` can take it.
    assert before.inputs == after.inputs
    assert importlib.metadata.version("transformers") not in str(before.inputs)


def test_new_rows_are_laid_out_in_order(tokens, base):
    first = len(base.pieces)
    assert [row["id"] for row in tokens] == list(range(first, first + len(tokens)))
    assert [row["piece"] for row in tokens[:5]] == ["<|im_end|>", "<|im_start|>", "<|acc|>", "<|rrn|>", "<|tell|>"]
    kinds = [row["kind"] for row in tokens[5:]]
    order = ["multi", "letter", "reserved"]
    assert kinds == sorted(kinds, key=order.index)
    scores = np.array([row["score"] for row in tokens if row["kind"] in order[:2]], np.float32)
    assert (np.diff(scores) < 0).all()
    assert scores[0] < lowest_rank_score(base)


def test_each_row_says_why_it_is_there(tokens, base, corpus):
    ids = {row["id"] for row in tokens}
    encode = load_for_units(base).encode
    everything = "\n".join(" " + document for document in corpus)
    for row in tokens:
        if row["kind"] == "multi":
            assert row["reason"] == "kept"
            assert row["raw_count"] >= row["count"] >= SMALL.cutoff
            assert len(row["parents"]) == 2
            assert all(parent < len(base.pieces) or parent in ids for parent in row["parents"])
        else:
            assert row["reason"] == row["kind"]
            assert row["parents"] == []
        if row["kind"] in ("multi", "letter"):
            assert row["raw_count"] == len(re.findall(f"(?={row['text']})", everything))
        assert row["text"] == row["piece"].replace("▁", " ")
        assert row["base_ids"] == encode(row["text"])
        assert len(row["base_ids"]) > 0


def test_parents_are_ids_of_what_merges_into_a_row(tokens, expanded):
    pieces = [piece.piece for piece in parse_folder(expanded.folder).pieces]
    multis = [row for row in tokens if row["kind"] == "multi"]
    assert all("".join(pieces[parent] for parent in row["parents"]) == row["piece"] for row in multis)
    assert len(multis) > 50


def test_candidates_agree_with_the_rows_and_the_rounds(tokens, candidates, expanded):
    rounds, history = read(expanded, "rounds").to_pylist(), read(expanded, "history").to_pylist()
    kept = {row["piece"]: row for row in candidates if row["kept"]}
    assert {row["piece"] for row in tokens if row["kind"] in ("multi", "letter")} == kept.keys()
    for row in tokens:
        if row["piece"] in kept:
            own = kept[row["piece"]]
            assert [own[name] for name in ("kind", "count", "raw_count", "reason")] == [
                row[name] for name in ("kind", "count", "raw_count", "reason")
            ]
            assert own["round"] is None
    phases = {row["round"]: row["phase"] for row in rounds}
    dropped = [row for row in candidates if not row["kept"]]
    assert len(dropped) > 100
    assert all(row["reason"] == phases[row["round"]] for row in dropped)
    ways = {}
    for row in history:
        ways.setdefault(row["candidate"], []).append(row["count"])
    assert all(row["first_count"] == ways[row["candidate"]][0] for row in candidates)
    assert all(row["count"] == ways[row["candidate"]][-1] for row in candidates)
    assert [row["candidate"] for row in candidates] == list(range(len(candidates)))
    assert all("".join(row["parents"]) == row["piece"] for row in candidates if row["kind"] == "multi")
    for this, following in itertools.pairwise(rounds):
        assert following["tokens"] == this["tokens"] - this["dropped"] + this["added"]
    assert rounds[0]["tokens"] == len(candidates)
    assert rounds[-1]["tokens"] == len(kept)


def test_masks_are_counted(tokens, corpus):
    counts = {row["piece"]: row["count"] for row in tokens}
    assert counts["<|tell|>"] == sum(document.count("<|tell|>") for document in corpus) > 0
    assert counts["<|im_end|>"] == 0


def test_the_report_states_the_exact_length_of_the_corpus(expanded, corpus, base):
    facts = read_report(expanded.folder).facts
    after = load_for_units(parse_folder(expanded.folder)).encode([" " + document for document in corpus])
    before = load_for_units(base).encode([" " + document for document in corpus])
    assert facts["corpus tokens after"] == sum(map(len, after))
    assert facts["corpus tokens before"] == sum(map(len, before))
    trace = read(expanded, "rounds").to_pylist()
    assert trace[-1]["corpus_tokens"] == facts["corpus tokens after"]
    assert trace[-1]["dropped"] == 0
    assert trace[-1]["tokens_per_eojeol"] == pytest.approx(facts["tokens per eojeol after"])
    assert facts["tokens per eojeol after"] < facts["tokens per eojeol before"]


@pytest.mark.long
def test_bytes_do_not_depend_on_partitions_order_or_threads(corpus, words, small_base, tmp_path):
    config = {"base": small_base}
    first = hashes(run([words], tmp_path / "a", **config))
    assert hashes(run([words], tmp_path / "b", **config)) == first
    one = write_words(str(tmp_path / "one"), corpus[:60], parts=4)
    two = write_words(str(tmp_path / "two"), corpus[60:], order=lambda item: item[0])
    assert hashes(run([one, two], tmp_path / "c", num_threads=1, **config)) == first
    assert hashes(run([two, one], tmp_path / "d", **config)) == first


@pytest.mark.long
def test_a_finished_stage_is_skipped_and_another_is_refused(words, small_base, tmp_path):
    assert not run([words], tmp_path / "a", small_base).skipped
    assert run([words], tmp_path / "a", small_base).skipped
    with pytest.raises(UsageError, match="budget: 320 → 256"):
        run([words], tmp_path / "a", small_base, budget=256)


def vocabulary(result):
    return len(parse_folder(result.folder).pieces)


@pytest.mark.long
@pytest.mark.parametrize(("budget", "pad"), [(128, 64), (200, 64), (200, 1), (70, 128)])
def test_the_vocabulary_is_padded_within_the_budget(words, small_base, tmp_path, budget, pad):
    size = len(parse_model(read_model(small_base), "base").pieces)
    total = vocabulary(run([words], tmp_path / "a", small_base, budget=budget, pad_multiple=pad))
    assert total == (size + budget) // pad * pad


@pytest.mark.long
def test_too_few_candidates_are_filled_up_with_reserved_rows(words, small_base, tmp_path):
    result = run([words], tmp_path / "a", small_base, budget=8960, intermediate_vocab_size=300)
    facts = read_report(result.folder).facts
    assert facts["vocabulary"] % 64 == 0
    assert facts["new rows"] - facts["new tokens"] < 5 + 64
    assert facts["new tokens"] < 8000


@pytest.mark.long
def test_no_budget_keeps_all_that_reach_the_cutoff(words, small_base, tmp_path):
    result = run([words], tmp_path / "a", small_base, budget=None, cutoff=20, masks=())
    counts = read(result, "data").to_pylist()
    assert read_report(result.folder).facts["budget K"] is None
    assert all(row["count"] >= 20 for row in counts if row["reason"] == "kept")
    assert "<|tell|>" not in {row["piece"] for row in counts}


def test_scaling_of_the_cutoff():
    config = ExpandConfig()
    assert resolve_cutoff(config, 100 * 10**9) == 6000
    assert resolve_cutoff(config, 50 * 10**9 + 1) == 3001
    assert resolve_cutoff(config, 10) == 2
    assert resolve_cutoff(ExpandConfig(cutoff=7), 10**12) == 7


def test_the_default_shape_is_that_of_eeve():
    assert token_budget(ExpandConfig(), 32_000) + ExpandConfig().fixed_rows + 32_000 == 40_960 == 320 * 128


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cutof": 3}, "did you mean 'cutoff'"),
        ({"budget": 0}, "budget = 0"),
        ({"masks": ["<mask>"]}, "a mask must look like|a name must look like"),
        ({"reserved": ["<|acc|>"]}, "must be distinct"),
        ({"policy": "none"}, "policy = 'none'"),
        ({"compare": ["none"]}, "'none'"),
        ({"policy": "continued"}, "policy = 'continued': it proposes .* Set candidates = 'continued'"),
        ({"compare": ["kosolar", "continued"]}, "compare = .* second tokenizer with candidates = 'continued'"),
        ({"candidates": "leaf-first"}, "candidates = 'leaf-first'"),
    ],
)
def test_wrong_settings_are_explained(values, message):
    with pytest.raises(UsageError, match=message):
        parse_config(ExpandConfig, values, "test.yaml")


def test_a_budget_without_room_is_refused(words, small_base, tmp_path):
    with pytest.raises(UsageError, match="leaves no row"):
        run([words], tmp_path / "a", small_base, budget=5)
    with pytest.raises(UsageError, match="at least one word table"):
        run([], tmp_path / "a", small_base)


def test_a_cutoff_that_leaves_no_token_is_refused(words, small_base, tmp_path):
    with pytest.raises(UsageError, match=r"a cutoff of 1,000,000 leaves no token") as error:
        run([words], tmp_path / "a", small_base, cutoff=1_000_000)
    assert "--set cutoff" in error.value.hint
    assert not (tmp_path / "a" / "manifest.json").exists()


def test_policies_that_do_not_fit_are_refused(words, small_base, tmp_path):
    for settings in ({"compare": ("leaf-first",)}, {"compare": ("kosolar", "kosolar")}):
        with pytest.raises(UsageError, match="compare must name other policies than 'leaf-first'"):
            run([words], tmp_path / "a", small_base, **settings)


def test_bases_of_other_kinds_are_refused(small_base, words, tmp_path):
    model = parse_model(read_model(small_base), "base")
    model.normalizer_spec.remove_extra_whitespaces = True
    other = tmp_path / "tokenizer.model"
    other.write_bytes(model.SerializeToString())
    with pytest.raises(UsageError, match="it removes spaces"):
        run([words], tmp_path / "a", str(tmp_path))


def test_sentinels_do_not_move_the_new_scores(base):
    assert min(piece.score for piece in base.pieces) == -1e9
    scores = scores_below(base, 10_000)
    assert len(set(np.array(scores, np.float32).tolist())) == 10_000
    assert scores[0] == lowest_rank_score(base) - 1


def test_dead_pieces_are_counted(expanded, tokens):
    report = read_report(expanded.folder)
    facts, gates = report.facts, {row["gate"]: row["compared"] for row in report.tables["Gates"]}
    encode = load_for_units(parse_folder(expanded.folder)).encode
    made = [row for row in tokens if row["kind"] != "reserved"]
    dead = [row for row in made if encode(row["piece"].replace("▁", " ")) != [row["id"]]]
    assert facts["dead"] == len(dead) == 0
    assert gates["no piece is dead"] >= len(made)
    assert re.fullmatch(f"{len(gates)} of {len(gates)} passed", facts["gates"])
    assert facts["new tokens"] == len([row for row in made if row["kind"] != "mask"])


@pytest.mark.long
def test_expand_runs_the_gates_of_tokenizer_check(expanded, base_path):
    """One list: what `check` runs over the folder, and last the counts over units, which need the word table."""
    of_expand = [row["gate"] for row in read_report(expanded.folder).tables["Gates"]]
    assert of_expand[:-1] == [result.gate for result in check_tokenizer(expanded.folder, base_path)]
    assert of_expand[-1] == "documents have the tokens of their units"


@pytest.mark.long
def test_a_failed_gate_publishes_nothing(words, small_base, tmp_path, monkeypatch):
    monkeypatch.setattr(text_gates, "encode_with_json", lambda json, texts: [[0]] * len(texts))
    with pytest.raises(CheckError, match=r"differ on fixed text 0 \(24 characters\): lengths \d+ and 1, at 0"):
        run([words], tmp_path / "a", small_base)
    assert not pathlib.Path(tmp_path / "a" / "manifest.json").exists()


@pytest.fixture(scope="module")
def compared(words, small_base, tmp_path_factory):
    """The published policy, the others beside it."""
    out = tmp_path_factory.mktemp("kosolar") / "out"
    return run([words], out, small_base, policy="kosolar", compare=("leaf-first", "support-closed"), budget=None)


@pytest.mark.long
def test_the_published_policy_passes_all_gates(compared):
    facts = read_report(compared.folder).facts
    assert (facts["policy"], facts["dead"], facts["multis below the cutoff"]) == ("kosolar", 0, 0)
    rounds = read(compared, "rounds").to_pylist()
    assert rounds[0]["added"] > 0  # letters that longer tokens swallow
    assert rounds[-1]["phase"] == "end"
    assert {row["reason"] for row in read(compared, "candidates").to_pylist()} <= {"kept", "letter", "cutoff"}


@pytest.mark.long
def test_policies_are_put_side_by_side(compared, words, small_base, tmp_path):
    tables = read_report(compared.folder).tables
    rows = {row["policy"]: row for row in tables["Policies"]}
    assert list(rows) == ["kosolar", "leaf-first", "support-closed"]
    assert all(row["below the cutoff"] == 0 and row["least count"] >= SMALL.cutoff for row in rows.values())
    assert rows["kosolar"]["corpus tokens"] > rows["leaf-first"]["corpus tokens"]
    alone = run([words], tmp_path / "alone", small_base, budget=None)
    facts = read_report(alone.folder).facts
    names = {"tokens": "new tokens", "letters": "letters", "rounds": "rounds", "corpus tokens": "corpus tokens after"}
    assert [rows["leaf-first"][name] for name in names] == [facts[name] for name in names.values()]
    figures = {row["tokenizer"]: row["tokens"] for row in tables["Tokenizers"] if row["part"] == "corpus"}
    assert figures == {"base": facts["corpus tokens before"]} | {
        name: row["corpus tokens"] for name, row in rows.items()
    }


@pytest.mark.long
@pytest.mark.parametrize("source", [None, "intermediate", "continued"])
def test_candidates_come_from_where_they_are_told(words, small_base, tmp_path, source):
    result = run([words], tmp_path / "out", small_base, candidates=source, morphemes=False)
    base = open_base(small_base)
    config = SMALL.model_copy(update={"candidates": source or "intermediate"})
    proposed = Builder(base, base.read_words([words], config), config, Curation(), None).propose(SILENT)
    multis = {row["piece"] for row in read(result, "candidates").to_pylist() if row["kind"] == "multi"}
    assert multis == set(proposed)
    facts = read_report(result.folder).facts
    assert facts["candidates from"] == result.manifest.config["candidates"] == (source or "intermediate")
    assert result.manifest.config["policy"] == facts["policy"] == "leaf-first"


@pytest.fixture(scope="module")
def curated(words, small_base, tmp_path_factory):
    """Pieces that no loop would keep, and without some that it would; in each way to choose."""
    folder = tmp_path_factory.mktemp("curated")
    plain = run([words], folder / "plain", small_base, budget=128)
    kept = [row for row in read(plain, "data").to_pylist() if row["reason"] == "kept"]
    denied = [kept[0]["piece"], kept[-1]["text"]]
    letters = [row["piece"] for row in read(plain, "candidates").to_pylist() if row["kind"] == "letter"]
    spared = [letter for letter in letters if not any(letter in piece for piece in denied)]
    wanted = ["".join(spared[place] for place in (0, -1, 1, -2)), f" {spared[-3]}{spared[2]}"]
    (folder / "allow").write_text("\n".join(wanted))
    (folder / "deny").write_text("\n".join(denied))
    settings = {"allow": str(folder / "allow"), "deny": str(folder / "deny"), "budget": 128}

    def make(policy, source):
        return run([words], folder / policy / source, small_base, policy=policy, candidates=source, **settings)

    return make, [x.replace(" ", "▁") for x in wanted], [x.replace(" ", "▁") for x in denied], settings


@pytest.mark.long
@pytest.mark.parametrize(("policy", "source"), WAYS)
def test_lists_are_applied_and_recorded(curated, policy, source):
    """And all gates pass: what is wanted is reachable."""
    make, wanted, denied, _ = curated
    result = make(policy, source)
    rows = {row["piece"]: row for row in read(result, "data").to_pylist()}
    candidates = {row["piece"]: row for row in read(result, "candidates").to_pylist()}
    facts = read_report(result.folder).facts
    for piece in wanted:
        assert rows[piece]["reason"] == candidates[piece]["reason"] == "allowed"
        assert len(rows[piece]["parents"]) == 2
    for piece in denied:
        assert piece not in rows
        own = candidates[piece]
        assert (own["kept"], own["reason"], own["round"], own["count"]) == (False, "denied", None, 0)
    assert (facts["allowed candidates"], facts["denied candidates"]) == (2, len(denied))
    assert {"allow", "deny"} <= set(result.manifest.inputs)
    assert facts["vocabulary"] == facts["base vocabulary"] + facts["new rows"] <= facts["base vocabulary"] + 128


@pytest.mark.long
def test_lists_count_by_their_content(curated, words, small_base, tmp_path):
    _, _, _, settings = curated
    out = tmp_path / "out"
    run([words], out, small_base, **settings)
    copied = tmp_path / "allow"
    copied.write_bytes(pathlib.Path(settings["allow"]).read_bytes())
    assert run([words], out, small_base, **(settings | {"allow": str(copied)})).skipped
    copied.write_bytes(pathlib.Path(settings["allow"]).read_bytes() + "\n나라".encode())
    with pytest.raises(UsageError, match="input 'allow' changed"):
        run([words], out, small_base, **(settings | {"allow": str(copied)}))


@pytest.mark.long
def test_scaffolds_may_be_kept(words, small_base, tmp_path):
    result = run([words], tmp_path / "a", small_base, budget=None, cutoff=12, scaffolds="keep")
    rows, facts = read(result, "data").to_pylist(), read_report(result.folder).facts
    scaffolds = [row for row in rows if row["reason"] == "scaffold"]
    parents = {parent for row in rows for parent in row["parents"]}
    assert all(row["count"] < 12 and row["id"] in parents for row in scaffolds)
    assert len(scaffolds) == facts["scaffolds"] == facts["multis below the cutoff"] > 0
    assert all(row["count"] >= 12 for row in rows if row["reason"] == "kept")


@pytest.mark.parametrize(("piece", "message"), [("뷁쀍", "neither the base nor the corpus"), ("GPU", "cannot become")])
def test_pieces_that_cannot_be_tokens_are_refused(words, small_base, tmp_path, piece, message):
    (tmp_path / "allow").write_text(piece)
    with pytest.raises(UsageError, match=message):
        run([words], tmp_path / "a", small_base, allow=str(tmp_path / "allow"))
    assert not pathlib.Path(tmp_path / "a" / "manifest.json").exists()
