"""Code in Markdown: fences of lines, and stretches of a line between back quotes."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_TICKS = re.compile("`+")


def code_places(text: str) -> list[tuple[int, int]]:
    r"""Start and end of all code, in order; what is not closed is none (CommonMark 0.31, sections 4.5 and 6.1).

    >>> code_places("한 `<br>` 둘"), code_places("```\n<p>\n```"), code_places("`` <b>`")
    ([(2, 8)], [(0, 11)], [])
    """
    if "`" not in text and "~~~" not in text:
        return []
    fences = list(_fences(text))
    bounds = [0, *(place for fence in fences for place in fence), len(text)]
    outside = zip(bounds[::2], bounds[1::2], strict=True)
    return sorted([*fences, *(place for start, end in outside for place in _stretches(text, start, end))])


def _fences(text: str) -> Iterator[tuple[int, int]]:
    opened: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        marks, rest = line[1], line[2]
        if opened is None:
            # A line of three back quotes and more is a stretch of its own (```x```).
            opened = line if marks[0] == "~" or "`" not in rest else None
        elif marks.startswith(opened[1]) and not rest.strip():
            yield opened.start(), line.end()
            opened = None


def _stretches(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    line: list[tuple[int, int]] = []
    for found in _TICKS.finditer(text, start, end):
        run = found.span()
        if line and text.find("\n", line[-1][1], run[0]) >= 0:
            yield from _pairs(line)
            line = []
        line.append(run)
    yield from _pairs(line)


def _pairs(runs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The runs of back quotes of one line, each with the next one that is as long."""
    next_of: dict[int, int] = {}  # length → the next run so long
    partners = [0] * len(runs)
    for number in range(len(runs) - 1, -1, -1):
        length = runs[number][1] - runs[number][0]
        partners[number] = next_of.get(length, 0)
        next_of[length] = number
    number = 0
    while number < len(runs):
        if partner := partners[number]:
            yield runs[number][0], runs[partner][1]
        number = max(partner, number) + 1
