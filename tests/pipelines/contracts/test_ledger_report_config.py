import pathlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.config import Config, apply_overrides, parse_config
from malmoi_pipelines.contracts.describe import describe
from malmoi_pipelines.contracts.errors import BadInputError, DefectError, UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint, fingerprint_files
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.report import Report
from pydantic import Field

ROOT = pathlib.Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "data" / "golden"
entries = st.lists(
    st.tuples(
        st.sampled_from(["web", "legal"]),
        st.sampled_from(["kept", "merged", "failed", "dropped:too_short", "dropped:empty"]),
        st.integers(0, 9),
        st.integers(0, 999),
    ),
    max_size=12,
)


def ledger_of(rows):
    ledger = Ledger()
    for source, outcome, documents, num_bytes in rows:
        ledger.add(source, "in", documents, num_bytes)
        ledger.add(source, outcome, documents, num_bytes)
    return ledger


def test_a_ledger_that_does_not_balance_names_every_number():
    ledger = Ledger()
    for outcome, documents in (("in", 99), ("kept", 1), ("dropped:short", 2), ("merged", 3), ("failed", 4)):
        ledger.add("web", outcome, documents, documents)
    with pytest.raises(DefectError, match=r"99 documents in, but 1 kept [+] 2 dropped [+] 3 merged [+] 4 failed = 10"):
        ledger.check()


@given(entries, entries)
def test_merging_ledgers_commutes_and_keeps_the_balance(left, right):
    one, other = ledger_of(left), ledger_of(right)
    one.merge(ledger_of(right))
    other.merge(ledger_of(left))
    one.check()
    assert one.to_json() == other.to_json() == ledger_of(left + right).to_json()
    assert Ledger.from_json(one.to_json()).to_json() == one.to_json()


@given(entries, st.sampled_from(["web", "new"]), st.integers(1, 5))
@pytest.mark.fault("lost by us")
def test_one_lost_document_is_noticed(rows, source, lost):
    ledger = ledger_of(rows)
    ledger.add(source, "in", lost, 0)
    with pytest.raises(DefectError, match=source) as caught:
        ledger.check()
    assert caught.value.exit_code == 4
    assert "please report it" in pickle.loads(pickle.dumps(caught.value)).hint


def golden_report():
    ledger = ledger_of([("web", "kept", 2, 2000), ("web", "dropped:too_short", 1, 30), ("legal", "merged", 1, 500)])
    return Report("dedupe", ledger, {"share": 0.25, "documents": 1234567}, {"Table": [{"a": 1, "b": "x|y"}]})


@pytest.mark.parametrize("name", ["report.json", "report.md"])
def test_report_is_the_golden_file(name):
    text = golden_report().to_json().decode() if name.endswith("json") else golden_report().to_markdown()
    assert text == (GOLDEN / name).read_text()


def test_data_format_document_is_generated_from_the_schemas():
    assert (ROOT / "docs" / "data-format.md").read_text() == describe(), "run `make docs`"


class Inner(Config):
    rows: int = Field(8, ge=1)


class Outer(Config):
    inner: Inner = Inner()
    maybe: Inner | None = None
    by_name: dict[str, Inner] = {}
    name: str = "x"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nam": "y"}, "unknown key 'nam' = 'y' (did you mean 'name'?)"),
        ({"inner": {"rowz": 1}}, "unknown key 'inner.rowz' = 1 (did you mean 'rows'?)"),
        ({"maybe": {"rowz": 1}}, "unknown key 'maybe.rowz' = 1 (did you mean 'rows'?)"),
        ({"by_name": {"web": {"rowz": 1}}}, "unknown key 'by_name.web.rowz' = 1 (did you mean 'rows'?)"),
        ({"by_name": {"web": {"x": 1}}}, "unknown key 'by_name.web.x' = 1 (known keys: rows)"),
        ({"inner": {"rows": 0}}, "inner.rows = 0: input should be greater than or equal to 1"),
        ({"inner": {"rows": "many"}}, "inner.rows = 'many'"),
    ],
)
def test_config_errors_name_key_value_and_remedy(values, message):
    with pytest.raises(UsageError) as error:
        parse_config(Outer, values, "recipe.yaml")
    assert message in error.value.message
    assert error.value.message.startswith("recipe.yaml: ")


def test_overrides_reach_nested_keys_and_leave_the_rest():
    values = {"inner": {"rows": 1}, "name": "x"}
    assert apply_overrides(values, ["inner.rows=5"]) == {"inner": {"rows": 5}, "name": "x"}
    assert values == {"inner": {"rows": 1}, "name": "x"}
    with pytest.raises(UsageError, match="key=value"):
        apply_overrides({}, ["rows"])


def test_errors_keep_their_hint_across_processes():
    error = pickle.loads(pickle.dumps(BadInputError("what", "do this")))
    assert (type(error), error.message, error.hint, error.exit_code) == (BadInputError, "what", "do this", 3)


def test_fingerprints_depend_on_content_and_not_on_order_or_place(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.txt").write_text("하나")
        (tmp_path / folder / "2.txt").write_text("둘")
    paths = [[str(tmp_path / folder / name) for name in ("1.txt", "2.txt")] for folder in ("a", "b")]
    assert fingerprint_files(paths[0]) == fingerprint_files(paths[1][::-1])
    (tmp_path / "b" / "2.txt").write_text("두울")
    assert fingerprint_files(paths[0]) != fingerprint_files(paths[1])
    assert fingerprint({"a": [1, "가"]}) == "2e1c91218d1993dba27ceced537ad44b"
