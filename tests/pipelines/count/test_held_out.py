import pytest
from malmoi_pipelines.contracts.schemas import HELD_OUT
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.grouping import is_held_out
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.engine.options import RunOptions

from tests.conftest import make_documents
from tests.pipelines.count.oracle import counted, letters_of, read_counts, read_letters, read_statistics, statistics
from tests.pipelines.count.test_count import drawn


def divided(rows, share):
    held = is_held_out(make_documents(rows), share)
    return [row for row, out in zip(rows, held, strict=True) if not out], [
        row for row, out in zip(rows, held, strict=True) if out
    ]


@pytest.mark.long
def test_held_out_documents_are_counted_apart(tmp_path, write_corpus):
    rows = drawn(300)
    corpus = write_corpus(tmp_path / "in", rows[:200], rows[200:])
    result = count([corpus], str(tmp_path / "out"), CountConfig(held_out_share=0.1), RunOptions())
    kept, held = divided(rows, 0.1)
    assert 10 < len(held) < 60
    assert read_counts(result.folder) == counted(kept)
    assert read_counts(result.folder, HELD_OUT) == counted(held)
    assert read_statistics(result.folder) == statistics(kept)
    assert read_statistics(result.folder, held_out=True) == statistics(held)
    assert dict(read_letters(result.folder)) == letters_of(kept)


@pytest.mark.long
def test_nothing_is_held_out_unless_asked(tmp_path, write_corpus):
    corpus = write_corpus(tmp_path / "in", drawn(20))
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    assert not result.manifest.table_files("held_out")


def test_a_larger_share_holds_out_the_same_documents_and_more():
    rows = [(str(n), "web", "") for n in range(4000)]
    small, large = (set(divided(rows, share)[1]) for share in (0.05, 0.2))
    assert small < large
    assert 150 < len(small) < 250
    assert 700 < len(large) < 900


def test_the_choice_depends_on_source_and_id_only():
    rows = [(str(n), "web", "가") for n in range(100)]
    other = [(id_, source, "나") for id_, source, _ in reversed(rows)]
    chosen, again = ({row[0] for row in divided(part, 0.3)[1]} for part in (rows, other))
    assert chosen == again
    assert chosen != {row[0] for row in divided([(id_, "book", text) for id_, _, text in rows], 0.3)[1]}
