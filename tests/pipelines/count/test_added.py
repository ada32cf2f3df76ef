import pytest
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.engine.options import RunOptions

from tests.pipelines.count.oracle import counted, read_counts, table_files
from tests.pipelines.count.test_count import drawn

OLD = [(id_, f"old {source}" if source == "s1" else source, text) for id_, source, text in drawn(150, seed=1)]
NEW = [(f"new {id_}", f"a {source}" if source == "s2" else source, text) for id_, source, text in drawn(100, seed=2)]


@pytest.mark.long
@pytest.mark.parametrize("share", [0, 0.2])
@pytest.mark.parametrize("rule", ["metaspace", "byte-level"])
def test_adding_a_table_is_counting_its_corpus_too(tmp_path, write_corpus, rule, share):
    config = CountConfig(units=rule, held_out_share=share, partition_bytes=6000)
    old, new = write_corpus(tmp_path / "a", OLD), write_corpus(tmp_path / "b", NEW)
    both = count([old, new], str(tmp_path / "both"), config, RunOptions())
    table = count([old], str(tmp_path / "old"), config, RunOptions())
    added = count([new], str(tmp_path / "added"), config, RunOptions(), add=[table.folder])
    assert table_files(added) == table_files(both)
    assert len(table.manifest.table_files()) < len(both.manifest.table_files())
    assert read_report(added.folder).to_json() == read_report(both.folder).to_json()


@pytest.mark.long
def test_tables_alone_add_up_in_any_order(tmp_path, write_corpus):
    config = CountConfig()
    parts = [OLD[:50], OLD[50:], NEW]
    tables = [
        count([write_corpus(tmp_path / f"{n}", part)], str(tmp_path / f"{n}-words"), config, RunOptions()).folder
        for n, part in enumerate(parts)
    ]
    forward = count([], str(tmp_path / "x"), config, RunOptions(), add=tables)
    back = count([], str(tmp_path / "y"), config, RunOptions(), add=tables[::-1])
    assert forward.manifest == back.manifest
    assert read_counts(forward.folder) == counted(OLD + NEW)


@pytest.mark.long
def test_an_added_table_is_part_of_the_identity(tmp_path, write_corpus):
    old, new = write_corpus(tmp_path / "a", OLD), write_corpus(tmp_path / "b", NEW)
    out = str(tmp_path / "out")
    table = count([old], str(tmp_path / "old"), CountConfig(), RunOptions())
    count([new], out, CountConfig(), RunOptions(), add=[table.folder])
    assert count([new], out, CountConfig(), RunOptions(), add=[table.folder]).skipped
    with pytest.raises(UsageError, match="input 'added' changed"):
        count([new], out, CountConfig(), RunOptions())


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": "byte-level"}, "counted with units = 'metaspace', this run has 'byte-level'"),
        ({"held_out_share": 0.5}, "counted with held_out_share = 0.0, this run has 0.5"),
    ],
)
def test_tables_of_other_settings_do_not_add_up(tmp_path, write_corpus, change, message):
    corpus = write_corpus(tmp_path / "a", OLD[:5])
    table = count([corpus], str(tmp_path / "old"), CountConfig(), RunOptions())
    with pytest.raises(UsageError, match=message):
        count([], str(tmp_path / "out"), CountConfig(**change), RunOptions(), add=[table.folder])


def test_a_corpus_is_no_word_table(tmp_path, write_corpus):
    corpus = write_corpus(tmp_path / "a", OLD[:5])
    with pytest.raises(BadInputError, match="of words: it holds corpus"):
        count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions(), add=[corpus])


@pytest.mark.long
def test_a_table_twice_is_refused_whatever_its_path(tmp_path, write_corpus):
    corpus = write_corpus(tmp_path / "a", OLD[:5])
    tables = [count([corpus], str(tmp_path / name), CountConfig(), RunOptions()).folder for name in "xy"]
    for same in (tables, [tables[0], tables[0]], [tables[0], f"{tables[0]}/"]):
        with pytest.raises(UsageError, match="are the same word table: its text would be counted twice"):
            count([], str(tmp_path / "out"), CountConfig(), RunOptions(), add=same)
