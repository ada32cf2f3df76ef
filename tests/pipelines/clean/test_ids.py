"""Shared ids: found wherever they are, made distinct by what the document is."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.clean.ids import ID_DIGEST, digest_batch, find_shared, id_keys, new_ids
from malmoi_pipelines.raw.rows import RawBlock

ROWS = st.lists(
    st.tuples(st.sampled_from("123"), st.sampled_from(["web", "news"]), st.sampled_from("가나")), max_size=12
)


def block_of(rows):
    block = RawBlock("a.jsonl", "web")
    for id_, source, text in rows:
        block.ids.append(id_ or "derived")
        block.sources.append(source)
        block.texts.append(text)
        block.given.append(bool(id_))
    return block


def keys_of(rows):
    return id_keys([id_ for id_, _, _ in rows], [source for _, source, _ in rows]).tolist()


def shared_by_task(tasks):
    """{task: sorted digests} by the code under test."""
    batches = [digest_batch(block_of(rows), number) for number, rows in enumerate(tasks)]
    found = find_shared(pa.Table.from_batches(batches, ID_DIGEST))
    result = defaultdict(list)
    for row in found.to_pylist():
        result[row["task"]].append(row["key"])
    return result


@given(st.lists(ROWS, max_size=4))
def test_ids_with_different_texts_are_shared_in_every_task_that_reads_them(tasks):
    texts = defaultdict(set)
    for rows in tasks:
        for id_, source, text in rows:
            texts[id_, source].add(text)
    found = shared_by_task(tasks)
    for number, rows in enumerate(tasks):
        clashing = [row for row in rows if len(texts[row[:2]]) > 1]
        assert found.get(number, []) == sorted(set(keys_of(clashing)))


@pytest.mark.long
@given(st.lists(ROWS, max_size=4))
def test_documents_have_one_id_each_afterwards_and_copies_keep_one(tasks):
    found = shared_by_task(tasks)
    seen = {}
    for number, rows in enumerate(tasks):
        ids, rekeyed = new_ids(block_of(rows), np.array(found.get(number, []), np.uint64))
        assert rekeyed.total() == sum(new != old for new, (old, _, _) in zip(ids, rows, strict=True))
        for new, (old, source, text) in zip(ids, rows, strict=True):
            assert new.startswith(old)
            assert seen.setdefault((source, new), text) == text


def test_derived_ids_are_never_compared():
    assert digest_batch(block_of([("", "web", "가"), ("", "web", "나")]), 0).num_rows == 0
    block = block_of([("", "web", "가")])
    assert new_ids(block, id_keys(block.ids, block.sources)) == (["derived"], {})


def test_a_table_cleaned_before_may_come_together_with_its_raw_text():
    """The new ids of the raw documents are already those of the cleaned ones, whose texts differ."""
    raw = [("a", "web", "글 하나  "), ("a", "web", "글 둘  ")]
    made, _ = new_ids(block_of(raw), np.unique(np.array(keys_of(raw), np.uint64)))
    before = [(id_, source, text.strip()) for id_, (_, source, text) in zip(made, raw, strict=True)]
    found = shared_by_task([raw, before])
    ids = [new_ids(block_of(rows), np.array(found[n], np.uint64))[0] for n, rows in enumerate([raw, before])]
    assert len({*ids[0], *ids[1]}) == 4
    assert not shared_by_task([before]), "alone it stays as it is"
