import html.parser

import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.schemas import CANDIDATES, HISTORY, NEW_TOKENS, ROUNDS
from malmoi_tokenizer_lab.evaluate import evaluate, read_unit_table
from malmoi_tokenizer_lab.report.report import LoopTables, make_report

from tests.tokenizer_lab.evaluate.tables import NEW, toy_subject, write_table

NEW_ROWS = [
    (300, "<|acc|>", "<|acc|>", -1.0, "mask", "mask", 7, 7),
    (301, "▁가", " 가", -2.0, "multi", "kept", 40, 90),
    (302, "▁가나", " 가나", -3.0, "multi", "scaffold", 1, 50),
    (303, "▁가나다", " 가나다", -4.0, "multi", "kept", 49, 49),
    (304, "다", "다", -5.0, "letter", "letter", 0, 60),
]
DROPPED = [("▁나라", 900, 5, 30, "cutoff", 1), ("▁<b>", 8, 8, 8, "denied", None)]


def table(schema, rows):
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def loop_tables():
    new = [(*row, [], []) for row in NEW_ROWS]
    candidates = [
        (i, piece, kind, [], 10 * count, count, raw, True, reason, None)
        for i, (_, piece, _, _, kind, reason, count, raw) in enumerate(NEW_ROWS[1:])
    ]
    candidates += [
        (4 + i, piece, "multi", [], first, count, raw, False, reason, number)
        for i, (piece, first, count, raw, reason, number) in enumerate(DROPPED)
    ]
    rounds = [
        (1, "cutoff", 6, 1, 1, 5, 0, 5_000_000, 2.25),
        (2, "end", 5, 1, 0, 0, 0, 5_100_000, 2.5),
    ]
    history = [(2, 4, 5), (1, 4, 900), (1, 0, 39), (2, 0, 40), *((number, 2, 1000 - number) for number in range(1, 12))]
    return LoopTables(
        table(NEW_TOKENS.schema, new),
        table(CANDIDATES.schema, candidates),
        table(ROUNDS.schema, rounds),
        table(HISTORY.schema, history),
    )


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    folder = write_table(
        str(tmp_path_factory.mktemp("words")),
        [("web", "가나 가 다 ab"), ("_laws $1", "가나 나")],
        held_out=[("web", "가 다")],
    )
    return evaluate(
        [toy_subject("base", NEW), toy_subject("new & better")],
        read_unit_table([folder]),
        held_out=read_unit_table([folder], "held_out"),
        pairs=[("가나", "a b")],
        with_morphemes=False,
    )


@pytest.fixture(scope="module")
def report(evaluation):
    return make_report({"cutoff": 10, "base": "<base>"}, loop_tables(), evaluation, cutoff=10)


def test_lists_of_tokens_are_ordered_and_explained(report):
    def tokens(name):
        return [row["token"] for row in report.tables[name]]

    assert tokens("Most frequent new tokens") == ["▁가나다", "▁가", "▁가나", "다"]  # masks are no new tokens
    assert tokens("Least frequent kept tokens") == ["▁가", "▁가나다"]
    assert tokens("Scaffolds") == ["▁가나"]
    assert tokens("Never emitted") == ["다"]
    dropped = report.tables["Most frequent dropped tokens"]
    assert [(row["token"], row["count"], row["reason"], row["round"]) for row in dropped] == [
        ("▁<b>", 8, "denied", None),
        ("▁나라", 5, "cutoff", 1),
    ]
    assert dropped[1]["counts by round"] == "900 → 5"
    most = report.tables["Most frequent new tokens"]
    assert most[1]["counts by round"] == "39 → 40"
    assert most[0]["counts by round"] == "… → " + " → ".join(str(1000 - number) for number in range(4, 12))
    assert report.facts == {"cutoff": 10, "base": "<base>", "scaffolds": 1, "tokens never emitted": 1}


def test_the_evaluation_is_in_the_report(report):
    rows = {(row["part"], row["tokenizer"]): row for row in report.tables["Tokenizers"]}
    assert set(rows) == {(part, name) for part in ("corpus", "held out") for name in ("base", "new & better")}
    assert rows["corpus", "base"]["tokens saved"] == 0
    assert rows["corpus", "new & better"]["tokens saved"] > 0
    assert {row["source"] for row in report.tables["Tokenizers by source"]} == {"web", "_laws $1"}
    assert [row["new tokens"] for row in report.tables["Length of new tokens"]] == [1, 1]
    assert report.tables["Parallel text"][0]["pairs"] == 1
    assert report.tables["Not measured"] == [{"what": "morphemes", "why": "not asked for"}]
    assert report.tables["Rounds"][1]["corpus tokens"] == 5_100_000


class Page(html.parser.HTMLParser):
    """What a browser would see: cells, ids, what is fetched, whether every element is closed."""

    EMPTY = ("meta", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.cells, self.fetched, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.fetched += [values[name] for name in ("src", "href", "xlink:href") if name in values]
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_the_page_stands_alone(report):
    page = Page(report.to_html().decode())
    assert page.open == []
    assert page.tags.count("svg") == len(report.pictures) == 5
    assert len(page.ids) == len(set(page.ids))
    assert page.fetched
    assert all(name.startswith("#") and name[1:] in page.ids for name in page.fetched)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert {"▁<b>", "<base>", "new & better", "_laws $1"} <= set(page.cells)


@pytest.mark.long
def test_equal_input_gives_equal_files(report, evaluation, tmp_path):
    again = make_report({"cutoff": 10, "base": "<base>"}, loop_tables(), evaluation, cutoff=10)
    for folder, this in (("a", report), ("b", again)):
        names = this.write(str(tmp_path / folder))
    assert "report.html" in names
    assert "pictures/tokens-per-eojeol-held-out.svg" in names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.long
def test_a_loop_without_new_tokens_has_a_report(evaluation):
    full = loop_tables()
    empty = LoopTables(full.new_tokens[:1], full.candidates[4:], full.rounds[:0], full.history[:0])
    report = make_report({}, empty, evaluation, cutoff=10)
    assert report.tables["Most frequent new tokens"] == []
    assert "Trace of rounds" not in report.pictures
    Page(report.to_html().decode())
