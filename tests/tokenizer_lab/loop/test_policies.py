"""What there is of a policy beside its row of the table."""

import pathlib
import re
from typing import get_args

from malmoi_pipelines.contracts.schemas import ROUNDS
from malmoi_tokenizer_lab.loop import policies

ROOT = pathlib.Path(__file__).parents[3]


def test_every_policy_has_a_name_that_settings_take_and_a_paragraph():
    names = sorted(policies.POLICIES)
    assert names == sorted(get_args(policies.PolicyName))
    assert sorted(re.findall(r"^`([\w-]+)` ", policies.__doc__, re.M)) == names
    page = (ROOT / "docs" / "tokenizer.md").read_text()
    section = page.partition("\nPolicies")[2].partition("\nAll but")[0]
    assert sorted(re.findall(r"^- \*\*`([\w-]+)`\*\*", section, re.M)) == names


def test_the_table_of_rounds_names_every_phase():
    [phase] = (field for field in ROUNDS.fields if field.name == "phase")
    assert all(name in phase.meaning for name in get_args(policies.Phase))
