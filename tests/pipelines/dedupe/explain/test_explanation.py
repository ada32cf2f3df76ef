import json

import pytest
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.explain.explanation import compare, explain
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions

from tests.pipelines.dedupe.explain.written_corpus import (
    LONG,
    NEAR,
    OTHER,
    WORDS,
    document,
    removal,
    write_corpus,
    write_documents_folder,
)

DOCUMENTS = [("a", "web", LONG), ("b", "web", NEAR), ("c", "news", f"{LONG}\n"), ("d", "news", "홀로 남는 글")]
KEPT = [document("a", "web", LONG, 3), document("d", "news", "홀로 남는 글", 1)]
REMOVED = [
    removal("b", "web", NEAR, ("a", "web")),
    removal("c", "news", f"{LONG}\n", ("a", "web"), "exact", 1.0),
]


@pytest.fixture
def documents(tmp_path):
    return write_documents_folder(tmp_path / "docs", DOCUMENTS)


@pytest.fixture
def corpus(tmp_path, documents):
    return write_corpus(tmp_path / "corpus", KEPT, REMOVED, documents=[documents])


def sides(comparison, side):
    return [" ".join(piece.words) for piece in comparison.pieces if piece.side == side]


def test_a_removed_document_is_compared_with_its_partner(corpus):
    found = explain(corpus, "b")
    [removed] = found.removed
    assert removed.removal.partner == removed.removal.cluster == ("a", "web")
    assert (removed.removal.reason, removed.removal.partner_old, removed.cluster_size) == ("near", False, 3)
    assert (removed.comparison.shared, removed.comparison.total) == (31, 41)
    assert removed.comparison.shared / removed.comparison.total == pytest.approx(removed.removal.similarity)
    assert (sides(removed.comparison, "left"), sides(removed.comparison, "right")) == ([WORDS[20]], [OTHER])
    assert (found.kept, found.notes) == (None, [])


def test_an_exact_duplicate_shares_all_and_shows_what_was_normalised_away(corpus):
    [removed] = explain(corpus, "c").removed
    assert removed.comparison.shared == removed.comparison.total == 36
    assert sides(removed.comparison, "right") == []


def test_a_survivor_lists_its_cluster_and_one_alone_has_none(corpus):
    kept = explain(corpus, "a").kept
    assert (kept.old, kept.cluster_size, kept.num_members) == (False, 3, 2)
    assert [(member.name, member.reason) for member in kept.members] == [
        (("b", "web"), "near"),
        (("c", "news"), "exact"),
    ]
    short = explain(corpus, "a", limit=1).kept
    assert (len(short.members), short.num_members) == (1, 2)
    alone = explain(corpus, "d").kept
    assert (alone.cluster_size, alone.members) == (1, [])


def test_the_shingles_are_those_of_the_settings():
    spaced = compare(
        "할 수 있는 일을 다 하자 오늘", "할수 있는 일을 다 하자 오늘", DedupeConfig(shingle="syllables", shingle_size=3)
    )
    assert spaced.shared == spaced.total == 9
    config = DedupeConfig(similarity="containment", shingle_size=1)
    assert (compare("가 나", "가 나 다 라", config).shared, compare("가 나", "가 나 다 라", config).total) == (2, 2)


def test_an_unknown_id_and_a_wrong_source_are_errors(corpus):
    with pytest.raises(UsageError, match="neither kept nor removed a document 'x'"):
        explain(corpus, "x")
    with pytest.raises(UsageError, match="of source 'news'") as error:
        explain(corpus, "b", source="news")
    assert "web" in error.value.hint


def test_an_id_of_several_sources_needs_the_source(tmp_path):
    kept = [document("1", "web", LONG, 2), document("1", "news", "다른 글", 1)]
    corpus = write_corpus(tmp_path / "corpus", kept, [removal("1", "blog", NEAR, ("1", "web"))])
    with pytest.raises(UsageError, match=r"3 sources .* blog, news, web") as error:
        explain(corpus, "1")
    assert "--source" in error.value.hint
    assert explain(corpus, "1", source="news").kept.num_members == 0
    assert explain(corpus, "1", source="web").kept.num_members == 1
    assert explain(corpus, "1", source="blog").removed


def test_without_the_documents_the_tables_still_tell(tmp_path):
    corpus = write_corpus(tmp_path / "alone" / "corpus", KEPT, REMOVED)
    found = explain(corpus, "b")
    assert found.removed[0].removal.similarity == pytest.approx(31 / 41)
    assert found.removed[0].comparison is None
    assert "--documents" in " ".join(found.notes)


def test_documents_beside_are_known_by_their_fingerprint(tmp_path, corpus):
    write_documents_folder(tmp_path / "another", [("b", "web", "딴 글")])
    assert explain(corpus, "b").removed[0].comparison is not None
    (tmp_path / "docs" / "manifest.json").unlink()
    found = explain(corpus, "b")
    assert found.removed[0].comparison is None
    assert "--documents" in found.notes[0]


def test_other_documents_are_used_but_said_to_be_others(tmp_path, corpus):
    path = tmp_path / "some.jsonl"
    lines = [{"id": "b", "source": "web", "text": text} for text in ("다른 글", NEAR)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = explain(corpus, "b", documents=[str(path)])
    assert found.removed[0].comparison.shared == 31  # of two texts under the name, the one of the right size
    assert "--documents" in found.notes[0]
    found = explain(corpus, "c", documents=[str(path)])
    assert found.removed[0].comparison is None
    assert "'c'" in found.notes[1]


def test_a_folder_that_a_guard_left_works_with_its_documents(tmp_path, documents):
    corpus = write_corpus(tmp_path / "corpus", KEPT, REMOVED, finished=False)
    found = explain(corpus, "b", documents=[documents])
    assert found.removed[0].comparison.shared == 31
    assert [("manifest" in note, "settings" in note) for note in found.notes] == [(True, False), (False, True)]
    found = explain(corpus, "b", documents=[documents], config=DedupeConfig(shingle_size=1))
    assert (found.removed[0].comparison.shared, len(found.notes)) == (39, 1)
    assert explain(corpus, "b").removed[0].comparison is None


def test_settings_of_a_finished_corpus_are_not_asked_for(corpus):
    with pytest.raises(UsageError, match="knows its settings"):
        explain(corpus, "b", config=DedupeConfig())


def test_what_is_no_corpus_is_refused(tmp_path, documents):
    with pytest.raises(BadInputError, match="of corpus: it holds documents"):
        explain(documents, "b")
    with pytest.raises(BadInputError, match="of corpus: it has no manifest"):
        explain(str(tmp_path), "b")


@pytest.mark.parametrize("named", [True, False])
def test_a_partner_in_an_earlier_corpus_is_found(tmp_path, named):
    new = write_documents_folder(tmp_path / "new" / "docs", [("b", "web", NEAR)])
    place = tmp_path / ("elsewhere" if named else "new")
    old = write_corpus(place / "old", [document("a", "web", LONG, 1)], [])
    rows = [removal("b", "web", NEAR, ("a", "web"), old=True)]
    corpus = write_corpus(tmp_path / "new" / "corpus", [], rows, documents=[new], against=[old])
    if named:
        assert "--against" in explain(corpus, "b").notes[0]
    [removed] = explain(corpus, "b", against=[old] if named else []).removed
    assert (removed.comparison.shared, removed.cluster_size) == (31, 2)
    survivor = explain(corpus, "a").kept
    assert (survivor.old, survivor.num_members) == (True, 1)


def test_a_partner_that_was_removed_itself_is_read_from_the_documents(tmp_path):
    last = NEAR.replace(WORDS[30], "또다른말")
    documents = write_documents_folder(tmp_path / "docs", [("a", "web", LONG), ("b", "web", NEAR), ("c", "web", last)])
    rows = [removal("b", "web", NEAR, ("a", "web")), removal("c", "web", last, ("b", "web"), cluster=("a", "web"))]
    kept = [document("a", "web", LONG, 3)]
    corpus = write_corpus(tmp_path / "corpus", kept, rows, documents=[documents], groups="components")
    [removed] = explain(corpus, "c").removed
    assert (removed.removal.partner.id, removed.removal.cluster.id, removed.cluster_size) == ("b", "a", 3)
    assert sides(removed.comparison, "left") == [WORDS[30]]


def test_repeated_lines_are_listed(tmp_path):
    line = {"id": "b", "source": "web", "line": 0, "bytes": 9, "partner_id": "a", "partner_source": "web"}
    rows = [removal("b", "web", "머리말", ("a", "web"), "lines", 1.0)]
    corpus = write_corpus(tmp_path / "corpus", KEPT[:1], rows, lines=[line], repeated_lines={})
    found = explain(corpus, "b")
    assert (found.lines, found.num_lines, found.removed[0].comparison, found.notes) == ([line], 1, None, [])


def test_lines_that_near_dedupe_passed_over_are_told(tmp_path, documents):
    options = {"before_near": True}
    corpus = write_corpus(tmp_path / "corpus", KEPT, REMOVED, documents=[documents], repeated_lines=options)
    assert "passed over repeated lines" in " ".join(explain(corpus, "b").notes)


@pytest.mark.parametrize(("version", "shared"), [(1, 38), (2, 31)])
def test_a_corpus_is_explained_by_the_form_of_its_version(tmp_path, version, shared):
    left, right = (f"{LONG} Nr 7!", LONG.replace(WORDS[20], f"({WORDS[20]})") + " NR 8")
    documents = write_documents_folder(tmp_path / "docs", [("a", "web", left), ("b", "web", right)])
    rows = [removal("b", "web", right, ("a", "web"), "exact", 1.0)]
    corpus = write_corpus(
        tmp_path / "corpus", [document("a", "web", left, 2)], rows, documents=[documents], version=version
    )
    [removed] = explain(corpus, "b").removed
    assert removed.comparison.shared == shared
    assert (removed.comparison.total == shared) == (version == 1)  # version 1 folded what differs


def test_copies_under_one_name_are_both_kept_and_removed(tmp_path):
    documents = write_documents_folder(tmp_path / "docs", [("a", "web", LONG)] * 3)
    rows = [removal("a", "web", LONG, ("a", "web"), "exact", 1.0)] * 2
    corpus = write_corpus(tmp_path / "corpus", [document("a", "web", LONG, 3)], rows, documents=[documents])
    found = explain(corpus, "a")
    assert (found.kept.num_members, len(found.removed)) == (2, 1)
    assert sides(found.removed[0].comparison, "left") == []


@pytest.mark.long
def test_what_the_stage_writes_is_explained(tmp_path, documents):
    out = str(tmp_path / "corpus")
    config = DedupeConfig(threshold=0.7, bands=40, rows=4)
    dedupe([documents], out, config, RunOptions())
    found = explain(out, "b")
    [removed] = found.removed
    assert found.notes == []
    assert (removed.comparison.shared, removed.comparison.total, removed.cluster_size) == (31, 41, 3)
    assert removed.comparison.shared / removed.comparison.total == pytest.approx(removed.removal.similarity)
    assert explain(out, removed.removal.cluster.id).kept.num_members == 2
