import io

import datasets
import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.packing import pack
from malmoi_pipelines.shard.sampling import copies, copy_digests, document_digests, expected_copies
from malmoi_pipelines.shard.stage import check_packed, shard
from malmoi_pipelines.shard.steps import Sampled, Written

from tests.pipelines.small_tokenizers import BOS, EOS, byte_level, write_json

WORDS = ["나라", "말씀", "글자", "사랑", "하늘", "바다", "사람", "마음", "노래", "시간", "the", "of", "and", "word"]
T = 16


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A tiny SentencePiece model with BOS and EOS."""
    path = tmp_path_factory.mktemp("model") / "tokenizer.model"
    sentences = [" ".join(np.random.default_rng(n).choice(WORDS, 8)) for n in range(300)]
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=buffer,
        vocab_size=330,
        model_type="bpe",
        byte_fallback=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.write_bytes(buffer.getvalue())
    return str(path)


def documents(number=60):
    rows = []
    for n in range(number):
        rng = np.random.default_rng(n)
        rows.append((f"d{n}", "web" if n % 3 else "english", " ".join(rng.choice(WORDS, rng.integers(1, 40)))))
    return rows


def tokens_of(folder):
    rows = datasets.load_from_disk(folder)
    return [token for row in rows for token in row["input_ids"]], rows


@pytest.mark.long
def test_shards_hold_every_document_once_in_digest_order(tmp_path, write_documents, model_file):
    rows = documents()
    corpus = write_documents(tmp_path / "in", rows)
    config = ShardConfig(sequence_length=T, new_token_bias=0)
    result = shard([corpus], model_file, str(tmp_path / "out"), config, RunOptions())
    tokens, examples = tokens_of(result.folder)
    processor = sentencepiece.SentencePieceProcessor(model_file=model_file)
    digests = copy_digests(document_digests(0, [r[1] for r in rows], [r[0] for r in rows]), np.zeros(len(rows), int))
    expected = [
        token for n in np.argsort(digests) for token in processor.encode(rows[n][2], add_bos=True, add_eos=True)
    ]
    tail = read_report(result.folder).facts["tokens left out at shard ends"]
    assert (tokens, tail) == (expected[: len(expected) - len(expected) % T], len(expected) % T)
    assert all(len(example["input_ids"]) == T == sum(example["lengths"]) for example in examples)


def test_digests_of_copies_are_the_stream_of_splitmix64():
    """Vigna's reference prints these for the seed 0: another stream would be another order of every shard."""
    found = copy_digests(np.zeros(3, np.uint64), np.arange(3))
    assert found.tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_a_whole_number_of_copies_is_never_rounded_up():
    assert copies(np.array([0.0, 1.0, 2.0]), np.zeros(3, np.uint64)).tolist() == [0, 1, 2]


@pytest.mark.long
def test_documents_of_one_name_are_ordered_by_their_content(tmp_path, write_documents, model_file):
    """Source and id choose a document's place; where two share them, the order of files must not."""
    twins = [("same", "web", " ".join(WORDS[n:] + WORDS[:n])) for n in range(len(WORDS))]
    config = ShardConfig(sequence_length=T, new_token_bias=0)
    made = [
        shard([write_documents(tmp_path / f"in-{n}", *parts)], model_file, str(tmp_path / f"{n}"), config, RunOptions())
        for n, parts in enumerate(([twins], [twins[::-1]], [twins[7:], twins[:7]]))
    ]
    first, *others = (result.manifest.table_files() for result in made)
    assert first
    assert all(files == first for files in others)


@pytest.mark.long
def test_workers_and_file_cuts_change_nothing(tmp_path, write_documents, model_file):
    rows = documents()
    one_file = write_documents(tmp_path / "a", rows)
    three_files = write_documents(tmp_path / "b", rows[40:], rows[:15], rows[15:40])
    config = ShardConfig(sequence_length=T, shard_bytes=2000)
    first = shard([one_file], model_file, str(tmp_path / "1"), config, RunOptions())
    again = shard([one_file], model_file, str(tmp_path / "2"), config, RunOptions(workers=2))
    assert first.manifest.files == again.manifest.files
    other = shard([three_files], model_file, str(tmp_path / "3"), config, RunOptions())
    counts = [sorted(tokens_of(result.folder)[0]) for result in (first, other)]
    assert len(counts[0]) == pytest.approx(len(counts[1]), abs=T * 8)


@pytest.mark.long
def test_byte_level_tokenizers_shard_too(tmp_path, write_documents):
    rows = documents()
    corpus = write_documents(tmp_path / "in", rows)
    path = byte_level(tmp_path / "tok" / "tokenizer.json", ignore_merges=True)
    write_json(tmp_path / "tok" / "tokenizer_config.json", {"bos_token": BOS, "eos_token": EOS})
    config = ShardConfig(sequence_length=T, new_token_bias=0)
    result = shard([corpus], str(tmp_path / "tok"), str(tmp_path / "out"), config, RunOptions())
    tokens, _ = tokens_of(result.folder)
    tokenizer = tokenizers.Tokenizer.from_file(path)
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    digests = copy_digests(document_digests(0, [r[1] for r in rows], [r[0] for r in rows]), np.zeros(len(rows), int))
    expected = [token for n in np.argsort(digests) for token in [bos, *tokenizer.encode(rows[n][2]).ids, eos]]
    assert tokens == expected[: len(expected) - len(expected) % T]
    assert result.manifest.tokenizer == files.hash_file(path)


@pytest.mark.long
def test_other_ends_of_documents_are_other_shards(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", documents(12))
    byte_level(tmp_path / "tok" / "tokenizer.json")
    arguments = ([corpus], str(tmp_path / "tok"), str(tmp_path / "out"), ShardConfig(sequence_length=T), RunOptions())
    before = shard(*arguments)
    write_json(tmp_path / "tok" / "tokenizer_config.json", {"eos_token": EOS})
    after = shard(*arguments, overwrite=True)
    assert (after.skipped, before.manifest.files == after.manifest.files) == (False, False)


@pytest.mark.long
def test_weights_choose_and_repeat_documents(tmp_path, write_documents, model_file):
    corpus = write_documents(tmp_path / "in", documents())
    config = ShardConfig(sequence_length=T, weights={"english": 0, "web": 2.5})
    result = shard([corpus], model_file, str(tmp_path / "out"), config, RunOptions())
    report = read_report(result.folder)
    assert report.ledger.documents("kept", "english") == 0
    assert report.ledger.documents("dropped", "english") == 20
    mixture = {row["source"]: row for row in report.tables["Mixture"]}
    assert 80 <= mixture["web"]["copies"] <= 120  # 40 documents, 2 or 3 copies each
    assert mixture["english"]["copies"] == 0


@pytest.mark.long
def test_bias_prefers_documents_with_new_tokens(tmp_path, write_documents, model_file, monkeypatch):
    processor = sentencepiece.SentencePieceProcessor(model_file=model_file)
    encoded = [token for _, _, text in documents() for token in processor.encode(text, add_bos=True, add_eos=True)]
    new_from = min(token for token in encoded if token >= processor.vocab_size() - 60)  # the first new one occurs
    monkeypatch.setattr("malmoi_pipelines.tokenizers.opening.first_new_id", lambda folder: new_from)
    corpus = write_documents(tmp_path / "in", documents())
    shares = []
    for number, bias in enumerate((0.0, 20.0)):
        config = ShardConfig(sequence_length=T, new_token_bias=bias)
        result = shard([corpus], model_file, str(tmp_path / str(number)), config, RunOptions())
        tokens, examples = tokens_of(result.folder)
        shares.append(np.mean(np.array(tokens) >= new_from))
        assert [row["n_new"] for row in examples] == [sum(i >= new_from for i in row["input_ids"]) for row in examples]
        report = read_report(result.folder)
        assert report.facts["new tokens"] == sum(row["n_new"] for row in examples)
        if not bias:
            in_all = sum(row["new_tokens"] for row in report.tables["Mixture"])
            assert in_all == sum(token >= new_from for token in encoded)
    assert shares[1] > shares[0]


def test_what_is_written_of_a_source_adds_up():
    sampled = Sampled()
    for source, *written in (("web", 2, 10, 1), ("web", 3, 5, 4), ("english", 0, 1, 0)):
        sampled.add(source, Written(*written))
    assert sampled.sources == {"web": Written(5, 15, 5), "english": Written(0, 1, 0)}


@pytest.mark.fault("lost by us")
def test_shards_that_lost_a_token_fail():
    check_packed(5, 5)
    with pytest.raises(CheckError, match=r"must hold 5 tokens\. Got 4"):
        check_packed(5, 4)


@pytest.mark.long
def test_a_weight_without_a_source_is_refused(tmp_path, write_documents, model_file):
    corpus = write_documents(tmp_path / "in", documents(12))
    config = ShardConfig(sequence_length=T, weights={"wbe": 2, "web": 1})
    with pytest.raises(UsageError, match="weights names the source 'wbe'") as caught:
        shard([corpus], model_file, str(tmp_path / "out"), config, RunOptions())
    assert caught.value.hint == "did you mean 'web'? the sources are: english, web"


@pytest.mark.long
def test_runs_on_the_memory_filesystem(memory_root, write_documents, model_file):
    corpus = write_documents(f"{memory_root}/in", documents(12))
    files.write_bytes(f"{memory_root}/tok/tokenizer.model", files.read_bytes(model_file))
    config = ShardConfig(sequence_length=T)
    result = shard([corpus], f"{memory_root}/tok", f"{memory_root}/out", config, RunOptions())
    assert result.manifest.rows() > 0


@pytest.mark.fault("lost or damaged result")
def test_a_missing_and_a_broken_tokenizer_are_bad_input(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", documents(3))
    with pytest.raises(BadInputError, match=r"there is no tokenizer\.model, tokenizer\.json or tekken"):
        shard([corpus], str(tmp_path), str(tmp_path / "out"), ShardConfig(), RunOptions())
    (tmp_path / "tokenizer.model").write_bytes(b"not a model")
    with pytest.raises(BadInputError, match="not a SentencePiece model"):
        shard([corpus], str(tmp_path), str(tmp_path / "out"), ShardConfig(), RunOptions())


def test_an_impossible_weight_is_named():
    with pytest.raises(UsageError, match="'web' must be between 0 and 1000, got -1"):
        parse_config(ShardConfig, {"weights": {"web": -1}}, "recipe")


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 12))
def test_packing_loses_only_the_tail_and_keeps_document_borders(lengths, sequence_length):
    ids = np.arange(sum(lengths), dtype=np.uint32)
    packed = pack(ids, np.array(lengths, np.int64), sequence_length)
    assert packed.ids_et.ravel().tolist() == ids[: len(ids) - packed.tail].tolist()
    assert packed.tail < sequence_length
    pieces = packed.lengths.to_pylist()
    assert all(sum(example) == sequence_length and min(example) > 0 for example in pieces)
    borders = set(np.cumsum([length for example in pieces for length in example]).tolist())
    used = len(ids) - packed.tail
    documents_end = {end for end in np.cumsum(lengths).tolist() if end <= used}
    assert borders == documents_end | set(range(sequence_length, used + 1, sequence_length))


def test_copies_are_unbiased_and_within_one_of_the_expectation():
    digests = document_digests(0, ["web"] * 20_000, [str(n) for n in range(20_000)])
    for weight in (0.0, 0.3, 1.0, 2.7):
        number = copies(np.full(20_000, weight), digests)
        assert set(number.tolist()) <= {int(np.floor(weight)), int(np.ceil(weight))}
        assert number.mean() == pytest.approx(weight, abs=0.015)


def test_expected_copies_of_an_empty_document_are_its_weight():
    assert expected_copies(np.array([2.0]), np.array([0]), np.array([0]), 3.0).tolist() == [2.0]


def test_another_seed_is_another_order():
    ids = [str(n) for n in range(50)]
    orders = [np.argsort(document_digests(seed, ["web"] * 50, ids)).tolist() for seed in (0, 1)]
    assert orders[0] != orders[1]


@pytest.mark.long
def test_arrow_shards_read_without_the_library(tmp_path, write_documents, model_file):
    corpus = write_documents(tmp_path / "in", documents(20))
    config = ShardConfig(sequence_length=T)
    result = shard([corpus], model_file, str(tmp_path / "out"), config, RunOptions())
    info = result.manifest.table_files()[0]
    table = pa.ipc.open_stream(pa.BufferReader(files.read_bytes(files.join(result.folder, info.path)))).read_all()
    assert table.num_rows == info.rows
    assert table.schema.field("input_ids").type == pa.list_(pa.uint16())


@pytest.mark.long
def test_a_shard_without_an_example_does_not_break_the_others(tmp_path, write_documents, model_file):
    """Documents fall into shards by their digests: of many small shards some get too little for one example."""
    corpus = write_documents(tmp_path / "in", documents(12))
    config = ShardConfig(sequence_length=32, shard_bytes=64, new_token_bias=0)
    result = shard([corpus], model_file, str(tmp_path / "out"), config, RunOptions())
    sizes = [info.rows for info in result.manifest.table_files()]
    assert 0 in sizes
    tokens, rows = tokens_of(result.folder)
    assert (len(rows), len(tokens)) == (sum(sizes), 32 * sum(sizes))


def test_a_corpus_too_small_for_one_example_is_an_error(tmp_path, write_documents, model_file):
    corpus = write_documents(tmp_path / "in", documents(3))
    config = ShardConfig(sequence_length=4096, new_token_bias=0)
    with pytest.raises(BadInputError, match=r"none holds the 4,096 of one example") as error:
        shard([corpus], model_file, str(tmp_path / "out"), config, RunOptions())
    assert "sequence_length" in error.value.hint
    assert not (tmp_path / "out" / "manifest.json").exists()
