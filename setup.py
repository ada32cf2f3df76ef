"""The long description: the README as a page outside of the repository can show it. All else is in pyproject.toml."""

import pathlib
import re
import tomllib

from setuptools import setup

ROOT = pathlib.Path(__file__).parent
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")


def description(readme: str, source: str | None) -> str:
    """A README whose links to files of the repository mean something elsewhere.

    Args:
        readme: Markdown.
        source: the address below which the files can be read, `Source` of `[project.urls]`; without one, links become
            the text and the path, which are true in the source distribution.

    >>> description("see [settings](docs/settings.md)", "https://example.org/malmoi")
    'see [settings](https://example.org/malmoi/docs/settings.md)'
    >>> description("see [settings](docs/settings.md), [LICENSE](LICENSE)", None)
    'see settings (`docs/settings.md`), `LICENSE`'
    """

    def outside(link: re.Match[str]) -> str:
        text, path = link.groups()
        if source:
            return f"[{text}]({source}/{path})"
        return f"`{path}`" if text == path else f"{text} (`{path}`)"

    return LINK.sub(outside, readme)


if __name__ == "__main__":
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {})
    setup(
        long_description=description((ROOT / "README.md").read_text(), urls.get("Source")),
        long_description_content_type="text/markdown",
    )
