"""What a page outside of the repository shows of the README: links that mean something there."""

import doctest
import pathlib
import re
import runpy
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
description = runpy.run_path(str(ROOT / "setup.py"))["description"]
LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")


def test_links_of_the_readme_lead_to_files():
    paths = LINK.findall(README)
    assert len(paths) >= 15
    for path in paths:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("source", [None, "https://example.org/malmoi/v1"])
def test_outside_links_are_addresses_or_plain_text(source):
    shown = description(README, source)
    links = LINK.findall(shown)
    assert len(links) == (len(LINK.findall(README)) if source else 0)
    assert all(link.startswith("https://") for link in links)


def test_text_that_is_its_own_path_stands_once():
    readme = "see [settings](docs/settings.md), [LICENSE](LICENSE), [a site](https://example.org) and [above](#top)"
    kept = "[a site](https://example.org) and [above](#top)"
    assert description(readme, None) == f"see settings (`docs/settings.md`), `LICENSE`, {kept}"
    base = "https://example.org/x"
    assert description(readme, base) == f"see [settings]({base}/docs/settings.md), [LICENSE]({base}/LICENSE), {kept}"


def test_the_examples_of_its_docstring_hold():
    """pytest takes no examples of a file called setup.py."""
    [examples] = doctest.DocTestFinder().find(description, "description", globs={"description": description})
    assert doctest.DocTestRunner().run(examples) == (0, 2)


def test_no_address_is_claimed_that_there_is_not():
    """Whoever gives the project an address names it as `Source` and asks for that here; what is shown then is above."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "readme" in project["dynamic"]
    assert "urls" not in project
