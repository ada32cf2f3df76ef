"""Counts over a word table are those of encoding every document, for every kind of tokenizer that can be counted."""

import pathlib
import re
import shutil
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import TOKENS
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.count_tokens.config import CountTokensConfig
from malmoi_pipelines.count_tokens.stage import count_tokens, read_token_counts
from malmoi_pipelines.count_tokens.steps import Encoded
from malmoi_pipelines.count_tokens.summary import check_counted
from malmoi_pipelines.count_tokens.words import open_words
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.tokenizers.opening import open_encoder
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import normalizers

from tests.end_to_end import base_model
from tests.pipelines.small_tokenizers import byte_level, metaspace_json, write_base, write_words
from tests.strategies import texts
from tests.test_runners import flink_jar
from tests.tokenizer_lab.small import make_corpus

GPT_2 = ""  # the pattern that ByteLevel has built in
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CORPUS = [("web" if number % 3 else "novels", text) for number, text in enumerate(make_corpus())]
RUN = RunOptions()


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Name → a tokenizer's path, made once."""
    folder = tmp_path_factory.mktemp("tokenizers")
    made = {}
    makers = {
        "sentencepiece": lambda path: write_base(f"{path}.model"),
        "mistral": lambda path: base_model(),
        "metaspace json": lambda path: metaspace_json(f"{path}.json"),
        "metaspace first": lambda path: metaspace_json(f"{path}.json", prepend=False, metaspace="first"),
        "llama-3": lambda path: byte_level(f"{path}.json"),
        "llama-3 whole": lambda path: byte_level(f"{path}.json", ignore_merges=True),
        "qwen": lambda path: byte_level(f"{path}.json", QWEN),
        "gpt-2": lambda path: byte_level(f"{path}.json", GPT_2),
    }

    def make(name):
        if name not in made:
            made[name] = makers[name](folder / name.replace(" ", "-"))
        return made[name]

    return make


METASPACE = ("sentencepiece", "mistral", "metaspace json", "metaspace first")
KINDS = ("sentencepiece", "llama-3")
BYTE_LEVEL = ("llama-3", "llama-3 whole", "qwen", "gpt-2")


def direct(tokenizer, documents):
    """The oracle: how often each id occurs when every document is encoded; BOS and EOS are left out."""
    encoder = open_encoder(tokenizer)
    counts = np.zeros(encoder.vocab_size, np.int64)
    for ids in encoder.encode([text for _, text in documents]):
        np.add.at(counts, [index for index in ids if index not in (encoder.bos, encoder.eos)], 1)
    return counts


def units_of(name):
    return "metaspace" if name in METASPACE else "byte-level"


@pytest.mark.long
@pytest.mark.parametrize("name", [*METASPACE, *BYTE_LEVEL])
def test_counts_are_those_of_encoding_every_document(tmp_path, tokenizer, name):
    words = write_words(f"{tmp_path}/words", CORPUS, units_of(name), parts=3)
    result = count_tokens([words], tokenizer(name), f"{tmp_path}/out", CountTokensConfig(), RUN)
    expected = direct(tokenizer(name), CORPUS)
    assert read_token_counts(result.folder).tolist() == expected.tolist()
    assert read_report(result.folder).facts["tokens"] == expected.sum() > 5000


def repeated(*names):
    """Others of a kind that is in every run: in the slow one."""
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.long
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize(
    "name", ["sentencepiece", "llama-3 whole", *repeated("metaspace json", "llama-3", "qwen", "gpt-2")]
)
@given(documents=st.lists(texts.filter(bool), min_size=1, max_size=6))
def test_counts_of_any_text_are_those_of_encoding_it(tmp_path_factory, tokenizer, name, documents):
    folder = tmp_path_factory.mktemp("any")
    documents = [("web", text) for text in documents]
    words = write_words(f"{folder}/words", documents, units_of(name))
    result = count_tokens([words], tokenizer(name), f"{folder}/out", CountTokensConfig(), RUN)
    assert read_token_counts(result.folder).tolist() == direct(tokenizer(name), documents).tolist()


@pytest.mark.long
def test_tables_add_up_and_their_sources_by_name(tmp_path, tokenizer):
    """The numbers of sources are those of each table: `web` is 0 in one and 1 in the other."""
    web = [pair for pair in CORPUS if pair[0] == "web"][:40]
    tables = [write_words(f"{tmp_path}/all", CORPUS), write_words(f"{tmp_path}/web", web)]
    result = count_tokens(tables, tokenizer("sentencepiece"), f"{tmp_path}/out", CountTokensConfig(), RUN)
    assert read_token_counts(result.folder).tolist() == direct(tokenizer("sentencepiece"), [*CORPUS, *web]).tolist()
    rows = {row["source"]: row for row in read_report(result.folder).tables["Sources"]}
    for source in ("web", "novels"):
        texts_of = [pair for pair in [*CORPUS, *web] if pair[0] == source]
        assert rows[source]["documents"] == len(texts_of)
        assert rows[source]["tokens"] == direct(tokenizer("sentencepiece"), texts_of).sum()
    again = count_tokens(tables[::-1], tokenizer("sentencepiece"), f"{tmp_path}/again", CountTokensConfig(), RUN)
    assert again.manifest == result.manifest


@pytest.mark.long
def test_parts_and_row_groups_change_no_byte(tmp_path, tokenizer, monkeypatch):
    one = write_words(f"{tmp_path}/one", CORPUS)
    result = count_tokens([one], tokenizer("sentencepiece"), f"{tmp_path}/1", CountTokensConfig(), RUN)
    monkeypatch.setattr("malmoi_pipelines.count_tokens.words.TASK_ROWS", 100)
    many = write_words(f"{tmp_path}/many", CORPUS, parts=3, group_rows=60)
    assert len(open_words([many], "data").parts) > 9
    again = count_tokens([many], tokenizer("sentencepiece"), f"{tmp_path}/2", CountTokensConfig(), RUN)
    assert again.manifest.files == result.manifest.files


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "workers"),
    [("sentencepiece", [2]), *(pytest.param(name, [1, 2, 4], marks=pytest.mark.slow) for name in KINDS)],
)
def test_worker_processes_change_no_byte(tmp_path, tokenizer, name, workers):
    words = write_words(f"{tmp_path}/words", CORPUS, units_of(name), parts=3)
    results = [
        count_tokens([words], tokenizer(name), f"{tmp_path}/{number}", CountTokensConfig(), RunOptions(workers=number))
        for number in (None, *workers)
    ]
    assert all(result.manifest.files == results[0].manifest.files for result in results)
    assert read_token_counts(results[0].folder).tolist() == direct(tokenizer(name), CORPUS).tolist()


@pytest.mark.flink
@pytest.mark.skipif(shutil.which("java") is None, reason="Flink needs Java, and there is none on PATH")
@pytest.mark.parametrize("name", ["sentencepiece", "llama-3"])
def test_a_real_flink_gives_the_same_bytes(tmp_path, tokenizer, name):
    jar = flink_jar()
    flags = (
        "--flink_master=[local]",
        f"--flink_version={re.search(r'flink-(?:job-server-)?([0-9]+[.][0-9]+)', pathlib.Path(jar).name)[1]}",
        f"--flink_job_server_jar={jar}",
        "--environment_type=LOOPBACK",
        "--parallelism=2",
    )
    words = write_words(f"{tmp_path}/words", CORPUS, units_of(name), parts=3)
    here, there = (
        count_tokens([words], tokenizer(name), f"{tmp_path}/{number}", CountTokensConfig(), options)
        for number, options in enumerate((RUN, RunOptions("FlinkRunner", None, flags)))
    )
    assert there.manifest == here.manifest


@pytest.mark.long
def test_held_out_documents_are_counted_only_if_asked_for(tmp_path, tokenizer):
    words = write_words(f"{tmp_path}/words", CORPUS[10:], held_out=CORPUS[:10])
    for table, documents in (("data", CORPUS[10:]), ("held_out", CORPUS[:10])):
        config = CountTokensConfig(table=table)
        result = count_tokens([words], tokenizer("sentencepiece"), f"{tmp_path}/{table}", config, RUN)
        assert read_token_counts(result.folder).tolist() == direct(tokenizer("sentencepiece"), documents).tolist()
        assert read_report(result.folder).facts["documents"] == len(documents)
    without = write_words(f"{tmp_path}/without", CORPUS)
    with pytest.raises(UsageError, match="has no table 'held_out'") as error:
        count_tokens([without], tokenizer("sentencepiece"), f"{tmp_path}/x", CountTokensConfig(table="held_out"), RUN)
    assert "--held-out-share" in error.value.hint


@pytest.mark.long
def test_an_empty_table_has_no_tokens(tmp_path, tokenizer):
    for name in ("sentencepiece", "llama-3"):
        words = write_words(f"{tmp_path}/{name}", [], units_of(name))
        result = count_tokens([words], tokenizer(name), f"{tmp_path}/{name}-out", CountTokensConfig(), RUN)
        assert not read_token_counts(result.folder).any()


def test_counts_above_what_a_float_holds_are_exact(tmp_path, tokenizer):
    """2^53 + 1 occurrences: added as float64 the last one would be lost."""
    many = 2**53 + 1
    words = write_words(f"{tmp_path}/words", [("web", "나라 the")], times=many)
    result = count_tokens([words], tokenizer("sentencepiece"), f"{tmp_path}/out", CountTokensConfig(), RUN)
    expected = direct(tokenizer("sentencepiece"), [("web", "나라 the")]) * many
    assert read_token_counts(result.folder).tolist() == expected.tolist()


@pytest.mark.long
def test_runs_on_the_memory_filesystem(memory_root, tokenizer):
    words = write_words(f"{memory_root}/words", CORPUS)
    files.write_bytes(f"{memory_root}/tok/tokenizer.model", files.read_bytes(tokenizer("sentencepiece")))
    result = count_tokens([words], f"{memory_root}/tok", f"{memory_root}/out", CountTokensConfig(), RUN)
    assert read_token_counts(result.folder).sum() == direct(f"{memory_root}/tok", CORPUS).sum()


@pytest.mark.long
def test_a_finished_count_is_skipped_and_another_tokenizer_is_another_count(tmp_path, tokenizer):
    """What the loop does every round: the same path, a new model."""
    words = write_words(f"{tmp_path}/words", CORPUS[:20])
    path = tmp_path / "tokenizer.model"
    counts = []
    for name in ("sentencepiece", "sentencepiece", "mistral"):
        path.write_bytes(files.read_bytes(tokenizer(name)))
        result = count_tokens([words], str(path), f"{tmp_path}/out", CountTokensConfig(), RUN, overwrite=True)
        counts.append((result.skipped, read_token_counts(result.folder).tolist()))
    assert [skipped for skipped, _ in counts] == [False, True, False]
    assert counts[2][1] == direct(tokenizer("mistral"), CORPUS[:20]).tolist()


def test_the_table_of_tokens_has_a_row_for_every_token(tmp_path, tokenizer):
    words = write_words(f"{tmp_path}/words", CORPUS[:20])
    result = count_tokens([words], tokenizer("sentencepiece"), f"{tmp_path}/out", CountTokensConfig(), RUN)
    table = read_table(result.folder, TOKENS)
    assert table["id"].to_pylist() == list(range(table.num_rows))
    assert table["piece"].to_pylist() == open_encoder(tokenizer("sentencepiece")).pieces()
    assert result.manifest.tokenizer == open_encoder(tokenizer("sentencepiece")).fingerprint
    with pytest.raises(BadInputError, match="of token-counts: it holds words"):
        read_token_counts(words)


def test_the_report_measures_the_corpus(tmp_path, tokenizer):
    documents = [("web", "가나 다라, x\n마바 사아")]  # two Hangul runs after a space: the dummy one counts
    words = write_words(f"{tmp_path}/words", documents)
    result = count_tokens([words], tokenizer("sentencepiece"), f"{tmp_path}/out", CountTokensConfig(), RUN)
    facts = read_report(result.folder).facts
    encoder = open_encoder(tokenizer("sentencepiece"))
    size = {part: len(encoder.encode_plain([part])[0]) for part in (" 가나", " 다라", " 사아")}
    assert facts["tokens per eojeol"] == pytest.approx(sum(size.values()) / 3, abs=1e-5)
    counts = read_token_counts(result.folder)
    part = sum(int(n) for piece, n in zip(encoder.pieces(), counts, strict=True) if re.match("<0x[89A-F]", piece))
    assert facts["share of tokens that are a part of a character"] == pytest.approx(part / counts.sum(), abs=1e-5)
    assert facts["bytes per token"] == pytest.approx(len(documents[0][1].encode()) / counts.sum(), abs=1e-5)
    assert facts["vocabulary: never seen"] == sum(
        not n for n, spelled in zip(counts, encoder.spellings(), strict=True) if spelled is not None
    )


def test_the_report_tells_of_new_tokens(tmp_path, tokenizer, monkeypatch):
    first = open_encoder(tokenizer("sentencepiece")).vocab_size - 100
    monkeypatch.setattr("malmoi_pipelines.tokenizers.opening.first_new_id", lambda folder: first)
    words = write_words(f"{tmp_path}/words", CORPUS)
    result = count_tokens([words], tokenizer("sentencepiece"), f"{tmp_path}/out", CountTokensConfig(), RUN)
    facts, counts = read_report(result.folder).facts, read_token_counts(result.folder)
    assert facts["new tokens: number"] == 100
    assert facts["new tokens: never seen"] == (counts[-100:] == 0).sum() > 0 == facts["new tokens: least occurrences"]
    assert facts["new tokens: share of the corpus"] == pytest.approx(counts[-100:].sum() / counts.sum(), abs=1e-5)


def test_a_tokenizer_needs_its_kind_of_units(tmp_path, tokenizer):
    for name, units in (("sentencepiece", "byte-level"), ("llama-3", "metaspace")):
        words = write_words(f"{tmp_path}/{units}", CORPUS[:3], units)
        with pytest.raises(UsageError, match=f"this tokenizer is counted exactly over {units_of(name)} units") as error:
            count_tokens([words], tokenizer(name), f"{tmp_path}/out", CountTokensConfig(), RUN)
        assert f"--units {units_of(name)}" in error.value.hint
    with pytest.raises(UsageError, match="add up only if their units are of one kind"):
        count_tokens(
            [f"{tmp_path}/{units}" for units in ("metaspace", "byte-level")], "x", "y", CountTokensConfig(), RUN
        )


def test_what_is_no_word_table_or_is_one_twice_is_refused(tmp_path, tokenizer):
    words = write_words(f"{tmp_path}/words", CORPUS[:3])
    copy = shutil.copytree(words, f"{tmp_path}/copy")
    for again in (words, f"{words}/", copy):
        with pytest.raises(UsageError, match="are the same word table: its text would be counted twice"):
            count_tokens([words, again], tokenizer("sentencepiece"), f"{tmp_path}/o", CountTokensConfig(), RUN)
    counts = count_tokens([words], tokenizer("sentencepiece"), f"{tmp_path}/o", CountTokensConfig(), RUN)
    with pytest.raises(BadInputError, match="of words: it holds token-counts"):
        count_tokens([counts.folder], tokenizer("sentencepiece"), f"{tmp_path}/p", CountTokensConfig(), RUN)


def test_settings_that_make_counts_inexact_are_refused(tmp_path):
    words = write_words(f"{tmp_path}/words", CORPUS[:3])
    path = write_base(tmp_path / "x.model", remove_extra_whitespaces=True)
    with pytest.raises(UsageError, match="would not be exact: it removes spaces"):
        count_tokens([words], path, f"{tmp_path}/out", CountTokensConfig(), RUN)


@pytest.mark.parametrize(
    ("piece", "reason"), [("a\u2581b", "a space after another character"), ("다.", "mixes Hangul letters")]
)
def test_a_piece_that_crosses_a_cut_is_refused(tmp_path, piece, reason):
    words = write_words(f"{tmp_path}/words", CORPUS[:3])
    path = with_piece(tmp_path / "x.model", piece)
    with pytest.raises(CheckError, match=reason):
        count_tokens([words], path, f"{tmp_path}/out", CountTokensConfig(), RUN)


@pytest.mark.long
def test_a_piece_with_a_control_character_is_refused_only_where_the_corpus_has_it(tmp_path):
    path = with_piece(tmp_path / "x.model", ";\r")
    without = write_words(f"{tmp_path}/without", [("web", "가;\n")])
    count_tokens([without], path, f"{tmp_path}/out", CountTokensConfig(), RUN)
    words = write_words(f"{tmp_path}/words", [("web", "가; 나\r\n")])
    with pytest.raises(CheckError, match="joins a control character"):
        count_tokens([words], path, f"{tmp_path}/out2", CountTokensConfig(), RUN)


def test_a_pre_tokenizer_that_does_not_cut_where_units_end_is_found_at_run_time(tmp_path):
    pattern = r"\p{L}+[ \p{L}]*|[^\p{L}]+"  # words and the spaces after them are one stretch
    path = byte_level(tmp_path / "x.json", pattern)
    words = write_words(f"{tmp_path}/words", CORPUS, "byte-level")
    with pytest.raises(CheckError, match="is encoded otherwise than its units") as error:
        count_tokens([words], path, f"{tmp_path}/out", CountTokensConfig(), RUN)
    assert not any("가" <= character <= "힣" for character in error.value.message)


@pytest.mark.long
@pytest.mark.parametrize(("form", "changed"), [("NFC", "\u1102\u1161라 말"), ("NFKC", "5㎏")])
def test_text_that_a_normalising_tokenizer_would_change_is_refused(tmp_path, form, changed):
    path = byte_level(tmp_path / "x.json", normaliser=getattr(normalizers, form)())
    normal = [row for row in CORPUS if unicodedata.is_normalized(form, row[1])][:5]
    words = write_words(f"{tmp_path}/words", normal, "byte-level")
    result = count_tokens([words], path, f"{tmp_path}/out", CountTokensConfig(), RUN)
    assert read_token_counts(result.folder).tolist() == direct(path, normal).tolist()
    other = write_words(f"{tmp_path}/other", [("web", changed)], "byte-level")
    with pytest.raises(CheckError, match=f"not {form}"):
        count_tokens([other], path, f"{tmp_path}/out2", CountTokensConfig(), RUN)


@pytest.mark.long
def test_an_added_token_is_counted_unless_a_cut_may_hide_it(tmp_path):
    path = byte_level(tmp_path / "x.json", added=["<think>"])  # cut into `<think` and `>`
    harmless = [("web", "나라 think> 말 <thin>"), ("web", "a <b> c")]
    words = write_words(f"{tmp_path}/words", harmless, "byte-level")
    result = count_tokens([words], path, f"{tmp_path}/out", CountTokensConfig(), RUN)
    assert read_token_counts(result.folder).tolist() == direct(path, harmless).tolist()
    parts = write_words(f"{tmp_path}/parts", [*harmless, ("web", "<think>")], "byte-level")
    with pytest.raises(CheckError, match="the added token '<think>' is no single unit"):
        count_tokens([parts], path, f"{tmp_path}/out2", CountTokensConfig(), RUN)
    as_text = CountTokensConfig(hidden_tokens="as_text")
    result = count_tokens([parts], path, f"{tmp_path}/out2", as_text, RUN)
    without = byte_level(tmp_path / "without.json")  # one id less, the last
    expected = direct(without, [*harmless, ("web", "<think>")])
    assert read_token_counts(result.folder).tolist() == [*expected.tolist(), 0]
    assert read_report(result.folder).facts["added tokens counted as text"] == "<think>"


@pytest.mark.fault("lost by us")
def test_a_count_that_lost_something_fails():
    total = Encoded(distinct=2, tokens=3, bytes=5)
    spellings = [b"ab", b"c", None]
    check_counted(total, 2, np.array([2, 1, 0]), spellings, {"web": 3})
    for wrong in (
        (total, 3, np.array([2, 1, 0]), spellings, {"web": 3}),
        (total, 2, np.array([2, 0, 0]), spellings, {"web": 3}),
        (total, 2, np.array([1, 2, 0]), spellings, {"web": 3}),
        (total, 2, np.array([2, 1, 0]), spellings, {"web": 2}),
    ):
        with pytest.raises(CheckError, match=r"must be \d\. Got \d"):
            check_counted(*wrong)


def with_piece(path, piece):
    """The small base with one more piece."""
    write_base(path)
    model = proto.ModelProto()
    model.ParseFromString(path.read_bytes())
    model.pieces.add(piece=piece, score=-0.5, type=1)
    path.write_bytes(model.SerializeToString())
    return str(path)
