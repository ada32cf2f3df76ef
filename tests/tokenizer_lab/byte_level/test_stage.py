"""`expand` on byte-level bases: from the only candidates that suit them, and through all of their gates."""

import collections
import os

import mistral_common
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.text.units import split_units
from malmoi_pipelines.tokenizers.byte_alphabet import unspell
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.byte_level.allowed import is_allowed
from malmoi_tokenizer_lab.check import check_tokenizer
from malmoi_tokenizer_lab.loop.policies import POLICIES
from malmoi_tokenizer_lab.stage import expand

from tests.tokenizer_lab.byte_level.small import SPECIALS, encode, library, make_json
from tests.tokenizer_lab.small import CODE_AND_ENGLISH, SMALL, make_corpus, write_words

CONFIG = SMALL.model_copy(update={"intermediate_vocab_size": 400, "budget": 200})
TABLES = {
    "data": "new_tokens",
    "candidates": "candidates",
    "rounds": "rounds",
    "history": "history",
}


@pytest.fixture(scope="module")
def documents():
    corpus = make_corpus(60, seed=2)
    return [f"{SPECIALS[0]}{text}{SPECIALS[1]}" if number % 3 else text for number, text in enumerate(corpus)]


@pytest.fixture(scope="module")
def table(documents, tmp_path_factory):
    units = collections.Counter(split_units(pa.array(documents, pa.large_string()), "byte-level").to_pylist())
    return write_words(str(tmp_path_factory.mktemp("words")), documents, units=units, rule="byte-level", parts=2)


@pytest.fixture(scope="module", params=[False, True], ids=["merges", "ignore_merges"])
def folder(request, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("base"))
    files.write_bytes(f"{path}/tokenizer.json", orjson.dumps(make_json(ignore_merges=request.param)))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": SPECIALS[1]}
    files.write_bytes(f"{path}/tokenizer_config.json", orjson.dumps(config))
    if request.param:  # as Qwen: more rows in the embedding than tokens
        files.write_bytes(f"{path}/config.json", b'{"vocab_size": 738}')
    return path


def run(table, out, base, **settings):
    return expand([table], str(out), CONFIG.model_copy(update={"base": base, **settings}))


@pytest.fixture(scope="module")
def expanded(table, folder, tmp_path_factory):
    return run(table, tmp_path_factory.mktemp("expanded") / "out", folder)


def rows(result, name):
    return pq.read_table(f"{result.folder}/{name}/{TABLES[name]}.parquet").to_pylist()


def tokenizer(folder):
    return library(files.read_bytes(f"{folder}/tokenizer.json"))


@pytest.mark.long
def test_the_folder_is_complete(expanded):
    paths = {info.path for info in expanded.manifest.files}
    assert {"tokenizer.json", "tokenizer_config.json", "README.md", "report.html"} <= paths
    assert {f"{table}/{name}.parquet" for table, name in TABLES.items()} <= paths
    assert not paths & {"tokenizer.model", "timings.json"}
    by_path = {info.path: info.xxh3_128 for info in expanded.manifest.files}
    assert expanded.manifest.tokenizer == by_path["tokenizer.json"]
    assert expanded.manifest.config["candidates"] == "continued"


def test_new_rows_come_after_all_of_the_base(expanded, folder):
    before, after = tokenizer(folder), tokenizer(expanded.folder)
    first, tokens = open_base(folder).size, rows(expanded, "data")
    assert first == (738 if files.exists(f"{folder}/config.json") else 708)
    assert [row["id"] for row in tokens] == list(range(first, after.get_vocab_size()))
    assert after.get_vocab_size() % CONFIG.pad_multiple == 0
    assert all(after.token_to_id(row["piece"]) == row["id"] for row in tokens)
    assert [after.id_to_token(i) for i in range(708)] == [before.id_to_token(i) for i in range(708)]


def test_each_row_says_what_it_is(expanded, folder, documents):
    before, pieces = tokenizer(folder), tokenizer(expanded.folder).id_to_token
    counted = 0
    for row in rows(expanded, "data"):
        if row["kind"] in ("mask", "reserved"):
            assert row["parents"] == []
            continue
        data = unspell(row["piece"])
        assert is_allowed(data)
        assert (row["reason"] == "kept") == (row["count"] >= CONFIG.cutoff)
        assert "".join(map(pieces, row["parents"])) == row["piece"]
        assert row["raw_count"] >= row["count"]
        if row["text"] is None:
            with pytest.raises(UnicodeDecodeError):
                data.decode()
        else:
            assert row["text"].encode() == data
            assert row["base_ids"] == encode(before, row["text"])
            counted += 1
    assert counted > 30


def test_the_report_states_the_exact_length_of_the_corpus(expanded, folder, documents):
    facts = read_report(expanded.folder).facts
    lengths = [sum(len(encode(tokenizer(path), text)) for text in documents) for path in (folder, expanded.folder)]
    assert [facts["corpus tokens before"], facts["corpus tokens after"]] == lengths
    assert lengths[1] < 0.8 * lengths[0]
    assert rows(expanded, "rounds")[-1]["corpus_tokens"] == lengths[1]
    assert facts["corpus bytes"] == sum(len(text.encode()) for text in documents)


def test_counts_are_those_of_the_library_on_whole_documents(expanded, documents):
    loaded, direct = tokenizer(expanded.folder), collections.Counter()
    for text in documents:
        direct.update(encode(loaded, text))
    for row in rows(expanded, "data"):
        assert row["count"] == direct[row["id"]], row["piece"]
    assert sum(row["count"] for row in rows(expanded, "data") if row["kind"] == "mask") > 0


def test_the_gates_saw_the_corpus(expanded):
    gates = {row["gate"]: row["compared"] for row in read_report(expanded.folder).tables["Gates"]}
    assert gates["new rows are named as in tokenizer.json"] == len(rows(expanded, "data"))
    assert gates["documents have the tokens of their pre-tokens"] > 0
    assert gates["pre-tokens have the tokens that the loop counts"] > 100


def test_the_loop_counts_the_added_tokens_of_the_base(table, folder, documents):
    """What is no Korean pre-token, and Korean as the base spells it, is the corpus as the base encodes it."""
    base, loaded, config = open_base(folder), tokenizer(folder), CONFIG.model_copy(update={"masks": ()})
    words = base.read_words([table], config)
    assert words.added == sum(text.count(name) for text in documents for name in SPECIALS) == 80
    others, spelling = base.count_others(words, config), base.spell(words, config)
    korean = int(spelling.lengths @ spelling.counts)
    assert others.before + korean == sum(len(encode(loaded, text)) for text in documents)


def test_text_without_hangul_is_as_before(expanded, folder):
    before, after = tokenizer(folder), tokenizer(expanded.folder)
    for text in (CODE_AND_ENGLISH, "漢字 かな ㄅㄆ 한"[:-1], "\U0001f600 é\n\n\t x  y"):
        assert encode(before, text) == encode(after, text)


@pytest.mark.long
def test_bytes_do_not_depend_on_partitions_or_threads(table, documents, folder, expanded, tmp_path):
    units = collections.Counter(split_units(pa.array(documents, pa.large_string()), "byte-level").to_pylist())
    other = write_words(
        str(tmp_path / "words"), documents, units=units, rule="byte-level", parts=3, order=lambda item: item[0]
    )
    again = run(other, tmp_path / "out", folder, num_threads=1)
    assert {info.path: info.xxh3_128 for info in again.manifest.files} == {
        info.path: info.xxh3_128 for info in expanded.manifest.files
    }


@pytest.mark.long
def test_lists_are_applied(table, folder, expanded, tmp_path):
    kept = [row for row in rows(expanded, "data") if row["reason"] == "kept" and row["text"]]
    deny = kept[0]["text"]
    wanted = next(x for x in (" 뷁쀍", " 쀍뷁", " 숅꿹") if not set(x.strip()) & set(deny.strip()))
    (tmp_path / "allow").write_text(wanted)
    (tmp_path / "deny").write_text(deny)
    result = run(table, tmp_path / "out", folder, allow=str(tmp_path / "allow"), deny=str(tmp_path / "deny"))
    new = {row["text"]: row for row in rows(result, "data")}
    assert new[wanted]["reason"] == "allowed"
    assert deny not in new
    assert {row["piece"] for row in rows(result, "candidates") if row["reason"] == "denied"} >= {kept[0]["piece"]}
    assert all(is_allowed(unspell(row["piece"])) for row in new.values() if row["kind"] in ("multi", "letter"))


@pytest.mark.long
@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != CONFIG.policy])
def test_every_policy_suits(table, folder, expanded, documents, tmp_path, policy):
    """They differ in what they drop; where the candidates come from is another question."""
    result = run(table, tmp_path / "out", folder, policy=policy, candidates="continued")
    assert [row["piece"] for row in rows(result, "candidates")] == [
        row["piece"] for row in rows(expanded, "candidates")
    ]
    facts = read_report(result.folder).facts
    assert (facts["policy"], facts["candidates from"], facts["multis below the cutoff"]) == (policy, "continued", 0)
    assert facts["corpus tokens after"] == sum(len(encode(tokenizer(result.folder), text)) for text in documents)


@pytest.mark.long
def test_what_does_not_suit_is_refused(table, folder, documents, tmp_path):
    with pytest.raises(UsageError, match="candidates = 'intermediate' does not suit"):
        run(table, tmp_path / "a", folder, candidates="intermediate")
    words = write_words(str(tmp_path / "words"), documents)
    with pytest.raises(UsageError, match="holds metaspace units"):
        run(words, tmp_path / "a", folder)
    config = CONFIG.model_copy(update={"base": folder})
    with pytest.raises(UsageError, match="a job cannot count the loop"):
        expand([table], str(tmp_path / "b"), config, count_job=lambda tokenizer, out: None)
    assert not (tmp_path / "b").exists()


@pytest.mark.long
def test_expand_runs_the_gates_of_tokenizer_check(expanded, folder):
    """And those that need the table of new rows or the word table."""
    of_expand = [row["gate"] for row in read_report(expanded.folder).tables["Gates"]]
    of_check = [result.gate for result in check_tokenizer(expanded.folder, folder)]
    assert [gate for gate in of_expand if gate in of_check] == of_check
    assert len(of_expand) == len(of_check) + 3


@pytest.mark.slow
def test_tekken(table, documents, tmp_path):
    """The real 131,072 tokens of Mistral's Tekken."""
    path = os.path.join(os.path.dirname(mistral_common.__file__), "data", "tekken_240911.json")
    result = run(table, tmp_path / "out", path, budget=512)
    facts, loaded = read_report(result.folder).facts, tokenizer(result.folder)
    assert (facts["base vocabulary"], facts["multis below the cutoff"]) == (131_072, 0)
    assert facts["corpus tokens after"] == sum(len(encode(loaded, text)) for text in documents)
    assert facts["corpus tokens after"] < facts["corpus tokens before"]
