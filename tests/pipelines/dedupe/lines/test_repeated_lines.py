import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files, tables
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.result import Result, pick
from malmoi_pipelines.contracts.schemas import DIGESTS, DOCUMENTS, REPEATED_LINES
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import order, work_files
from malmoi_pipelines.dedupe.config import RepeatedLines
from malmoi_pipelines.dedupe.lines import repeated_lines
from malmoi_pipelines.dedupe.lines.line_remover import LineRemover
from malmoi_pipelines.dedupe.lines.repeated_lines import (
    NAMED_LINE_DROP,
    LinesMet,
    MeetLines,
    NameKeepers,
    SendLines,
)
from malmoi_pipelines.dedupe.lines.text_lines import LineLedger, cut, line_keys, size, without
from malmoi_pipelines.dedupe.messages import NAMED_REMOVAL, locators, row_of
from malmoi_pipelines.engine.job import Send, Step

from tests.pipelines.dedupe.conftest import run_steps, write_files
from tests.pipelines.dedupe.corpus import Document, plain_words

UNITS = ("line", "paragraph")
TEXT = st.text(st.sampled_from("가나a1.- \t\n\n\n\r\u3000\u0301"), max_size=40)


def plain_form(line: str) -> str:
    return " ".join(plain_words(line))


def plain_letters(line: str) -> int:
    return len("".join(plain_words(line, ("punctuation",))))


def plain_lines(text: str, unit: str) -> list[str]:
    lines = text.split("\n")
    if unit == "line":
        return lines
    return ["\n".join(run) for visible, run in itertools.groupby(lines, lambda line: line.strip() != "") if visible]


def plain_without(text: str, unit: str, gone: set[int]) -> str:
    """Walk over the physical lines: a removed line takes the empty lines behind it along, the last kept one the end."""
    numbers, number, inside = [], -1, False
    for line in text.split("\n"):
        visible = unit == "line" or line.strip() != ""
        number += visible and (unit == "line" or not inside)
        inside = visible
        numbers.append((line, number, visible))
    last = max(n for n in range(number + 1) if n not in gone)
    kept = [(line, n, visible) for line, n, visible in numbers if n == -1 or (n not in gone and (visible or n < last))]
    end = [(line, n, visible) for line, n, visible in numbers if n == number and not visible]
    return "\n".join(line for line, _, _ in kept + end)


def empty_runs(text: str) -> list[int]:
    """Lengths of the runs of empty lines."""
    runs = itertools.groupby(text.split("\n"), lambda line: line.strip() == "")
    return [len(list(run)) for empty, run in runs if empty]


def empty_lines_ahead(lines: list[str]) -> int:
    return len(list(itertools.takewhile(lambda line: line.strip() == "", lines)))


@given(TEXT, st.sampled_from(UNITS))
@example("\n \nA \n\n\t\nB\nC  ", "paragraph")
def test_cutting_keeps_every_character(text, unit):
    pieces = cut(text, unit)
    assert "".join(pieces) == text
    assert pieces[1::2] == plain_lines(text, unit)
    assert all(gap.strip() == "" for gap in pieces[::2])
    assert size(pieces) == sum(len(line.encode()) for line in plain_lines(text, unit))


@given(TEXT, st.sampled_from(UNITS), st.randoms())
@settings(max_examples=300)
def test_what_stays_is_what_was_not_removed(text, unit, rng):
    lines = plain_lines(text, unit)
    gone = {number for number in range(len(lines)) if rng.random() < 0.5}
    if len(gone) == len(lines):
        return
    after = without(cut(text, unit), gone)
    assert after == plain_without(text, unit, gone)
    assert plain_lines(after, unit) == [line for number, line in enumerate(lines) if number not in gone]
    if unit == "paragraph":
        assert max(empty_runs(after), default=0) <= max(empty_runs(text), default=0)
        assert empty_lines_ahead(after.split("\n")) == empty_lines_ahead(text.split("\n"))
        assert empty_lines_ahead(after.split("\n")[::-1]) == empty_lines_ahead(text.split("\n")[::-1])


@given(st.lists(TEXT.map(lambda text: text.replace("\n", " ")), max_size=8), st.integers(1, 6))
def test_keys_are_equal_when_the_plain_forms_are(lines, min_chars):
    chars, keys = line_keys(lines, min_chars)
    forms = [plain_form(line) for line in lines]
    assert chars.tolist() == [plain_letters(line) for line in lines]
    assert [bool(key) for key in keys] == [plain_letters(line) >= min_chars for line in lines]
    for (form, key), (other, other_key) in itertools.combinations(zip(forms, keys, strict=True), 2):
        if key and other_key:
            assert (form == other) == (key == other_key)


@dataclass(frozen=True)
class StubRemovals:
    """Stands for document-level dedupe: sends the rows that it removed."""

    rows: tuple[tuple[int, ...], ...]
    """The removed rows of each file."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        for row in reversed(self.rows[partition]):
            locator = partition << 32 | row
            names = dict.fromkeys(("partner_id", "partner_source", "cluster_id", "cluster_source"), "x")
            numbers = {"document": locator, "partner": 0, "cluster": 0, "near": False, "similarity": 1.0}
            yield Send(partition, pa.RecordBatch.from_pylist([numbers | names], NAMED_REMOVAL))


@dataclass
class Applied(Result):
    texts: dict[str, str]
    lines: list[tuple]
    emptied: dict[str, tuple[str, str]]
    ledger: LineLedger = field(default_factory=LineLedger)


@dataclass(frozen=True)
class StubApply:
    """Stands for `ApplyRemovals`."""

    files: tuple[str, ...]
    work: str
    options: RepeatedLines

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        remover = LineRemover(chunks, self.options)
        left = pa.Table.from_batches(read_stream(work_files.removals_path(self.work, partition)), NAMED_REMOVAL)
        removed = row_of(left.column("document").to_numpy())
        assert removed.tolist() == sorted(removed.tolist())
        start = 0
        for batch in tables.read_batches(self.files[partition]):
            places = locators(partition, start, batch.num_rows)
            stays = ~np.isin(row_of(places), removed)
            documents = batch.filter(pa.array(stays))
            found = remover.remove(documents, places[stays])
            assert found.documents.schema == documents.schema
            assert found.lines.schema == REPEATED_LINES.schema
            partners = zip(found.partner_ids.to_pylist(), found.partner_sources.to_pylist(), strict=True)
            emptied = found.documents.filter(pa.array(found.emptied)).column("id").to_pylist()
            yield Applied(
                {row["id"]: row["text"] for row in found.documents.to_pylist()},
                [tuple(row.values()) for row in found.lines.to_pylist()],
                dict(zip(emptied, partners, strict=True)),
            )
            start += batch.num_rows
        yield Applied({}, [], {}, remover.ledger)


@dataclass
class Outcome:
    texts: dict[str, str]
    lines: list[tuple]
    emptied: dict[str, tuple[str, str]]
    repeated: int
    ledger: LineLedger


def place(document: Document) -> tuple[int, int]:
    """Rank and tie."""
    id_, source, text = document
    raw, name = text.encode(), f"{source}\0{id_}".encode()
    hashes = (np.array([xxhash.xxh3_64_intdigest(value)], np.uint64) for value in (raw, name))
    rank = order.ranks(np.array([len(raw)]), np.array([0]))
    return int(rank[0]), int(order.ties(*hashes)[0])


def write_digests(work: str, parts: list[list[Document]]) -> None:
    for number, documents in enumerate(parts):
        with open_stream(work_files.digests_path(work, number), DIGESTS.schema) as writer:
            for document in documents:
                rank, tie = place(document)
                row = {"key_high": 0, "key_low": 0, "rank": rank, "tie": tie, "bands": []}
                writer.write_batch(pa.RecordBatch.from_pylist([row], DIGESTS.schema))


def remove_lines(
    folder: str, parts: list[list[Document]], options: RepeatedLines, gone: set[str], seed: int = 0
) -> Outcome:
    work = files.join(folder, "work")
    paths = write_files(files.join(folder, "in"), parts)
    write_digests(work, parts)
    rows = tuple(tuple(row for row, document in enumerate(part) if document[0] in gone) for part in parts)
    steps = (
        Step("removals", StubRemovals(rows), len(parts)),
        Step("send lines", SendLines(paths, work, options, (), 3), len(parts)),
        Step("meet lines", MeetLines(options.min_documents), 3),
        Step("name keepers", NameKeepers(paths), len(parts)),
        Step("apply", StubApply(paths, work, options), len(parts)),
    )
    outcome = Outcome({}, [], {}, 0, LineLedger())
    results = run_steps(steps, seed)
    for applied in pick(results, Applied):
        outcome.texts |= applied.texts
        outcome.lines += applied.lines
        outcome.emptied |= applied.emptied
        outcome.ledger.merge(applied.ledger)
    outcome.repeated = sum(met.repeated for met in pick(results, LinesMet))
    outcome.lines.sort()
    return outcome


def plain_outcome(documents: list[Document], options: RepeatedLines) -> Outcome:
    """The rules by dictionary, on documents that survived."""
    holders: dict[str, list[Document]] = {}
    for document in sorted(documents, key=place):
        for form in dict.fromkeys(map(plain_form, plain_lines(document[2], options.unit))):
            if plain_letters(form) >= options.min_chars:
                holders.setdefault(form, []).append(document)
    keepers = {form: held[0] for form, held in holders.items() if len(held) >= options.min_documents}
    outcome = Outcome({}, [], {}, len(keepers), LineLedger())
    for document in documents:
        id_, source, text = document
        lines = plain_lines(text, options.unit)
        forms = list(map(plain_form, lines))
        gone = {n: keepers[form] for n, form in enumerate(forms) if keepers.get(form, document) is not document}
        outcome.lines += [(id_, source, n, len(lines[n].encode()), *keeper[:2]) for n, keeper in gone.items()]
        empty = bool(gone) and not any(plain_letters(form) for n, form in enumerate(forms) if n not in gone)
        if empty:
            outcome.emptied[id_] = next(iter(gone.values()))[:2]
        outcome.texts[id_] = text if empty or not gone else plain_without(text, options.unit, set(gone))
        left = [] if empty else [n for n in range(len(lines)) if n not in gone]
        for name, numbers in (("in", range(len(lines))), ("kept", left), ("removed", set(range(len(lines))) - {*left})):
            outcome.ledger.lines[source, name] += len(numbers)
            outcome.ledger.bytes[source, name] += sum(len(lines[n].encode()) for n in numbers)
    outcome.lines.sort()
    return outcome


POOL = (
    "무단 전재 및 재배포 금지",
    "무단 전재 및 재배포 금지!",
    "2024. 5. 1. 서울중앙지방법원",
    "2023. 4. 12. 서울중앙지방법원",
    "주문",
    "}",
    "···",
    "",
    "",
    "  ",
    "피고는 원고에게 금원을 지급하라.",
    "소송비용은 피고가 부담한다.",
)


def corpus(rng: random.Random, count: int) -> list[Document]:
    """Documents of shared lines, some with lines of their own."""
    result = []
    for number in range(count):
        lines = rng.choices(POOL, k=rng.randint(0, 7))
        lines += [f"{chr(0xAC00 + number)}의 말씀은 여기에만 있다"] * rng.randint(0, 1)
        rng.shuffle(lines)
        result.append((f"d{number:02d}", f"source-{number % 2}", "\n".join(lines)))
    return result


@pytest.mark.long
@given(
    st.integers(0, 2**32),
    st.integers(1, 16),
    st.builds(
        RepeatedLines, unit=st.sampled_from(UNITS), min_chars=st.integers(1, 20), min_documents=st.integers(2, 4)
    ),
)
@settings(max_examples=60)
def test_the_steps_do_what_a_dictionary_does_however_the_files_are_cut(tmp_path_factory, seed, count, options):
    rng = random.Random(seed)
    documents = corpus(rng, count)
    gone = {id_ for id_, _, _ in documents if rng.random() < 0.2}
    expected = plain_outcome([document for document in documents if document[0] not in gone], options)
    for number in (1, 3):
        rng.shuffle(documents)
        parts = [documents[start::number] for start in range(number)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repeated_lines, "_BLOCK_BYTES", rng.choice((60, 1 << 20)))
            patch.setattr(repeated_lines, "_ROWS_AT_ONCE", rng.choice((2, 1 << 16)))
            found = remove_lines(str(tmp_path_factory.mktemp("lines")), parts, options, gone, seed)
        assert found == expected


def test_a_line_within_one_document_is_not_repeated(tmp_path):
    text = "\n".join(["같은 줄이 세 번 나온다"] * 3)
    found = remove_lines(
        str(tmp_path), [[("a", "s", text), ("b", "s", "다른 글")]], RepeatedLines(min_documents=2), set()
    )
    assert found.texts == {"a": text, "b": "다른 글"}
    assert (found.repeated, found.lines, found.emptied) == (0, [], {})


def test_the_first_keeps_all_its_occurrences_and_the_others_none(tmp_path):
    line = "모든 쪽에 있는 머리말입니다"
    first, second = f"{line}\n본문이 더 길다, 훨씬 더\n{line}", f"{line}\n짧은 글\n{line}"
    parts = [[("b", "web", second)], [("a", "book", first)]]
    found = remove_lines(str(tmp_path), parts, RepeatedLines(min_documents=2), set())
    assert found.texts == {"a": first, "b": "짧은 글"}
    num_bytes = len(line.encode())
    assert found.lines == [("b", "web", number, num_bytes, "a", "book") for number in (0, 2)]


def test_a_document_whose_file_changed_is_an_error():
    drop = {"document": 0, "partner": 1, "key_high": 5, "key_low": 6, "partner_id": "b", "partner_source": "s"}
    remover = LineRemover([pa.RecordBatch.from_pylist([drop], NAMED_LINE_DROP)], RepeatedLines())
    row = {"id": "a", "source": "s", "text": "이 줄은 찾던 줄이 아니다"}
    batch = pa.RecordBatch.from_pylist([row], DOCUMENTS.schema)
    with pytest.raises(CheckError, match="must still hold the 1 lines"):
        remover.remove(batch, locators(0, 0, 1))


@pytest.mark.fault("lost by us")
def test_a_ledger_that_lost_a_line_is_an_error():
    ledger = LineLedger()
    ledger.count("web", ("in",), cut("가\n나", "line"))
    ledger.count("web", ("kept",), cut("가", "line"))
    with pytest.raises(CheckError, match="2 lines in, but 1 kept"):
        ledger.check()
