"""The page of rules is that of the code."""

import pathlib

from malmoi_pipelines.text.describe import rules_page

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "rules.md"


def test_the_page_of_rules_is_up_to_date():
    assert PAGE.read_text() == rules_page(), "run `make docs`"
