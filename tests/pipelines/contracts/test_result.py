"""Results of steps: every kind that a stage declares crosses between processes unchanged."""

import importlib
import json
import pkgutil
from dataclasses import dataclass, field
from typing import NamedTuple

import malmoi_pipelines
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import result
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Accounted, Result, decode, encode, ledger_of, pick
from malmoi_pipelines.engine.results import Failure

for package in ("clean", "count", "count_tokens", "dedupe", "lm", "sample", "shard"):
    folder = f"{malmoi_pipelines.__path__[0]}/{package}"
    for module in pkgutil.walk_packages([folder], f"malmoi_pipelines.{package}."):
        importlib.import_module(module.name)

KINDS = {name: kind for name, kind in result._KINDS.items() if name.startswith("malmoi_pipelines.")}
NUMBERS = st.integers(0)
st.register_type_strategy(
    FileInfo, st.builds(FileInfo, path=st.text(), bytes=NUMBERS, rows=NUMBERS, text_bytes=NUMBERS, xxh3_128=st.text())
)


def crossed(value: Result) -> Result:
    """As it comes out in the driver."""
    name, plain = encode(value)
    return decode(name, json.loads(json.dumps(plain)))


def test_each_stage_with_steps_declares_kinds_of_its_own():
    stages = {name.split(":")[0].split(".")[1] for name in KINDS}
    assert stages >= {"clean", "count", "count_tokens", "dedupe", "lm", "sample", "shard", "raw", "engine"}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_crosses_unchanged(name):
    @settings(max_examples=20, deadline=None)
    @given(st.from_type(KINDS[name]))
    def check(value):
        assume(not any(word in repr(value) for word in ("nan", "inf")))  # which JSON has not
        again = crossed(value)
        assert type(again) is type(value)
        assert again == value

    check()


class Pair(NamedTuple):
    key: str
    number: int


@dataclass
class Sum(Result):
    number: int
    pairs: list[Pair] = field(default_factory=list)


@dataclass
class Total(Sum):
    of: int = 0


def test_results_are_picked_by_class_with_those_derived_from_it():
    results = [Sum(1), Total(3, of=2), Failure("UsageError", "no", None), Sum(2)]
    assert [part.number for part in pick(results, Sum)] == [1, 3, 2]
    assert pick(results, Total) == [Total(3, of=2)]


def test_what_is_nested_keeps_its_class():
    assert crossed(Sum(1, [Pair("a", 2)])).pairs[0].number == 2


def test_a_field_that_is_missing_or_unlike_is_an_error():
    name, value = encode(Sum(1))
    for broken in ({}, {**value, "number": "many"}):
        with pytest.raises(ValueError, match="number"):
            decode(name, broken)


def test_ledgers_of_all_results_are_added_up():
    ledgers = [Ledger({"web": {"in": [n, 10 * n]}}) for n in (1, 2)]
    assert ledger_of([Accounted(ledgers[0]), Sum(5), Accounted(ledgers[1])]) == Ledger({"web": {"in": [3, 30]}})
