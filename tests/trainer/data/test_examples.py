import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import BadInputError, CheckError
from malmoi_pipelines.contracts.manifest import read_manifest
from malmoi_trainer.data.batches import NO_LABEL, batch_at, collate
from malmoi_trainer.data.examples import ExampleStore
from malmoi_trainer.data.inputs import fetch

from tests.trainer.small import SEQUENCE_LENGTH, VOCAB_SIZE, Example, Inputs, make_examples, write_shards


def open_store(folder: str | Path, vocab_size: int = VOCAB_SIZE) -> ExampleStore:
    return ExampleStore(str(folder), read_manifest(str(folder)), vocab_size)


def test_examples_are_numbered_across_files_and_record_batches(inputs: Inputs):
    store = open_store(inputs.shards)
    expected = [example.row() for example in make_examples(24)]
    rows = store.read(np.arange(24))
    assert store.sequence_length == SEQUENCE_LENGTH
    assert rows.ids_bt.tolist() == [row["input_ids"] for row in expected]
    assert [pieces.tolist() for pieces in rows.lengths] == [row["lengths"] for row in expected]
    assert rows.n_new.tolist() == [row["n_new"] for row in expected]


def test_wide_ids_are_read_alike(tmp_path):
    examples = make_examples(5)
    narrow = open_store(write_shards(tmp_path / "a", [examples], "t"))
    wide = open_store(write_shards(tmp_path / "b", [examples], "t", wide=True))
    assert narrow.read(np.arange(5)).ids_bt.tolist() == wide.read(np.arange(5)).ids_bt.tolist()


def drawn(store: ExampleStore, steps: range, batch_size: int, seed: int = 0) -> list[tuple[int, ...]]:
    batches = [batch_at(store, step, batch_size, seed) for step in steps]
    return [tuple(row) for batch in batches for row in batch.ids_bt.tolist()]


def test_every_example_exactly_once_an_epoch_and_each_epoch_in_its_own_order(inputs: Inputs):
    store = open_store(inputs.shards)
    everything = sorted(tuple(row) for row in store.read(np.arange(24)).ids_bt.tolist())
    # 5 does not divide 24: batches reach over the end of an epoch.
    stream = drawn(store, range(24 * 3 // 5 + 1), 5)
    epochs = [stream[start : start + 24] for start in (0, 24, 48)]
    assert all(sorted(epoch) == everything for epoch in epochs)
    assert all(left != right for left, right in itertools.combinations(epochs, 2))


def test_resuming_at_any_step_equals_going_on(inputs: Inputs):
    store = open_store(inputs.shards)
    whole = drawn(store, range(12), 5)
    for step in range(12):
        assert drawn(open_store(inputs.shards), range(step, 12), 5) == whole[step * 5 :]
    assert drawn(store, range(12), 5, seed=1) != whole


def test_labels_are_shifted_inside_documents_and_positions_start_again(tmp_path):
    documents = [[10, 11, 12], [13], [14, 15, 16, 17]]
    store = open_store(write_shards(tmp_path, [[Example(documents)]], "t"))
    batch = collate(store.read(np.arange(1)))
    assert batch.ids_bt.tolist() == [[10, 11, 12, 13, 14, 15, 16, 17]]
    assert batch.labels_bt.tolist() == [[11, 12, NO_LABEL, NO_LABEL, 15, 16, 17, NO_LABEL]]
    assert batch.positions_bt.tolist() == [[0, 1, 2, 0, 0, 1, 2, 3]]
    assert batch.documents_bt.tolist() == [[0, 0, 0, 1, 2, 2, 2, 2]]


def test_mask_is_causal_and_within_documents(tmp_path):
    store = open_store(write_shards(tmp_path, [[Example([[10, 11], [12, 13]])]], "t"))
    mask = collate(store.read(np.arange(1))).attention_mask()
    assert mask.tolist() == [
        [
            [
                [True, False, False, False],
                [True, True, False, False],
                [False, False, True, False],
                [False, False, True, True],
            ]
        ]
    ]


def test_a_flipped_byte_and_a_cut_file_are_named(inputs: Inputs):
    path = Path(inputs.shards, "data/part-00001.arrow")
    good, manifest = path.read_bytes(), read_manifest(inputs.shards)
    path.write_bytes(good[:-100] + bytes([good[-100] ^ 1]) + good[-99:])
    with pytest.raises(CheckError, match=r"part-00001\.arrow: the content has changed"):
        fetch(inputs.shards, manifest, "")
    path.write_bytes(good[:-1])
    with pytest.raises(CheckError, match=r"part-00001\.arrow must have \d+ bytes"):
        fetch(inputs.shards, manifest, "")
    path.unlink()
    with pytest.raises(CheckError, match=r"part-00001\.arrow is missing"):
        fetch(inputs.shards, manifest, "")


def test_an_id_outside_the_vocabulary_is_refused(inputs: Inputs):
    with pytest.raises(CheckError, match="every token id must be below 40"):
        open_store(inputs.shards, 40)


def test_lengths_that_do_not_sum_are_refused(tmp_path, monkeypatch):
    row = Example([[10, 11]]).row() | {"lengths": [1]}
    monkeypatch.setattr(Example, "row", lambda self: row)
    with pytest.raises(CheckError, match=r"lengths of an example must sum to 2\. Got 1"):
        open_store(write_shards(tmp_path, [[Example([])]], "t"))


def test_examples_of_unequal_length_are_refused(tmp_path):
    short, long = Example([[10]]), Example([[10, 11]])
    with pytest.raises(CheckError, match="one length"):
        open_store(write_shards(tmp_path / "a", [[short, short, long, long]], "t"))
    with pytest.raises(CheckError, match="one length"):
        open_store(write_shards(tmp_path / "b", [[short, long, short, long]], "t"))


def test_no_examples_and_no_stream_are_bad_input(tmp_path):
    with pytest.raises(BadInputError, match="holds no examples"):
        open_store(write_shards(tmp_path / "a", [[]], "t"))
    folder = write_shards(tmp_path / "b", [make_examples(2)], "t")
    (folder / "data/part-00000.arrow").write_bytes(b"not arrow at all")
    with pytest.raises(BadInputError, match="not an Arrow stream"):
        open_store(folder)
    table = pa.table({"text": ["a"]})
    with (
        pa.OSFile(str(folder / "data/part-00000.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as stream,
    ):
        stream.write_table(table)
    with pytest.raises(BadInputError, match="must have the columns"):
        open_store(folder)
