"""What differs between two texts, eojeol by eojeol; spaces and line breaks do not count.

Equal lines are matched first, then eojeol between them. Both by what occurs once in either text (a patience diff): it
takes n log n steps where the usual algorithms are quadratic, so two texts of 1 MB take about a second.
"""

import bisect
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, pairwise
from typing import Literal

SMALL = 40_000  # product of lengths up to which what has no unique eojeol is still compared, by a quadratic algorithm
RUN = 5  # eojeol whose run is looked for where none is unique by itself

Match = tuple[int, int, int]
"""Where equal stretches start in either sequence, and their length."""
Side = Literal["both", "left", "right"]


@dataclass(frozen=True)
class Piece:
    """A stretch of eojeol that both texts share, or of the left or the right text only."""

    side: Side
    words: tuple[str, ...]
    """The eojeol; none where they were folded away."""
    count: int
    """How many there are."""

    @classmethod
    def of(cls, side: Side, words: Sequence[str]) -> "Piece":
        """A stretch with its eojeol."""
        return cls(side, tuple(words), len(words))


def diff(left: str, right: str) -> list[Piece]:
    """The stretches that both texts share and those of one only, in order; of a change the left side comes first.

    >>> [(piece.side, *piece.words) for piece in diff("나라의 말이 중국과 달라", "나라의 말이 중국에 달라")]
    [('both', '나라의', '말이'), ('left', '중국과'), ('right', '중국에'), ('both', '달라')]
    """
    a, b = _lines(left), _lines(right)
    pieces: list[Piece] = []
    i = j = 0
    for start_a, start_b, length in [*matches(a, b), (len(a), len(b), 0)]:
        pieces += _word_diff(_join(a[i:start_a]), _join(b[j:start_b]))
        i, j = start_a + length, start_b + length
        pieces.append(Piece.of("both", _join(a[start_a:i])))
    return list(_merged(pieces))


def fold(pieces: list[Piece], context: int = 6, longest: int = 60) -> list[Piece]:
    """Leave of shared stretches only what is beside a change, and of long changed stretches only their ends.

    Args:
        pieces: a diff.
        context: eojeol of a shared stretch beside a change that stay.
        longest: eojeol of a changed stretch that stay.

    >>> [(piece.side, piece.count) for piece in fold(diff("가 " * 50 + "나", "가 " * 50 + "다"))]
    [('both', 44), ('both', 6), ('left', 1), ('right', 1)]
    """
    folded: list[Piece] = []
    for number, piece in enumerate(pieces):
        head = tail = longest // 2
        if piece.side == "both":
            head, tail = context if number else 0, context if number < len(pieces) - 1 else 0
        folded += _shortened(piece, head, tail)
    return folded


def matches(a: Sequence[str], b: Sequence[str]) -> list[Match]:
    """Equal stretches of two sequences, in order and apart from each other: what is left between them differs."""
    found: list[Match] = []
    gaps = [(0, len(a), 0, len(b))]
    while gaps:
        a0, a1, b0, b1 = gaps.pop()
        head, tail = _equal_ends(a[a0:a1], b[b0:b1])
        found += [(a0, b0, head), (a1 - tail, b1 - tail, tail)]
        a0, a1, b0, b1 = a0 + head, a1 - tail, b0 + head, b1 - tail
        inside_a, inside_b = a[a0:a1], b[b0:b1]
        small = len(inside_a) * len(inside_b) <= SMALL
        anchors = _anchors(inside_a, inside_b)
        if not anchors and not small:
            anchors = _anchors(_runs(inside_a), _runs(inside_b))
        if anchors:
            # An anchor starts the next gap, whose equal ends are looked at first.
            corners = [(a0, b0), *((a0 + i, b0 + j) for i, j in anchors), (a1, b1)]
            gaps += [(i, k, j, m) for (i, j), (k, m) in pairwise(corners)]
        elif small:
            blocks = SequenceMatcher(None, inside_a, inside_b, autojunk=False).get_matching_blocks()
            found += [(a0 + i, b0 + j, length) for i, j, length in blocks]
    return sorted(match for match in found if match[2])


def _equal_ends(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """How many at the start and, of the rest, how many at the end are equal."""
    most = min(len(a), len(b))
    head = next((n for n in range(most) if a[n] != b[n]), most)
    tail = next((n for n in range(most - head) if a[-1 - n] != b[-1 - n]), most - head)
    return head, tail


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(words[n:] for n in range(RUN)), strict=False))


def _anchors(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Places of what occurs exactly once in either sequence: the longest series that is in the same order in both."""
    once_b = {word for word, count in Counter(b).items() if count == 1}
    common = once_b.intersection(word for word, count in Counter(a).items() if count == 1)
    place = {word: j for j, word in enumerate(b) if word in common}
    pairs = [(i, place[word]) for i, word in enumerate(a) if word in common]
    ends: list[int] = []  # of the series of each length the least last place in b; and below, which pair that is
    last: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect.bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [number]
    series = []
    number = last[-1] if last else -1
    while number >= 0:
        series.append(pairs[number])
        number = before[number]
    return series[::-1]


def _word_diff(a: Sequence[str], b: Sequence[str]) -> Iterator[Piece]:
    i = j = 0
    for start_a, start_b, length in [*matches(a, b), (len(a), len(b), 0)]:
        yield Piece.of("left", a[i:start_a])
        yield Piece.of("right", b[j:start_b])
        i, j = start_a + length, start_b + length
        yield Piece.of("both", a[start_a:i])


def _merged(pieces: list[Piece]) -> Iterator[Piece]:
    """Empty pieces left out, equal sides beside each other joined, of each change the left side first."""
    for shared, group in groupby((piece for piece in pieces if piece.count), lambda piece: piece.side == "both"):
        members = list(group)
        sides: tuple[Side, ...] = ("both",) if shared else ("left", "right")
        for side in sides:
            if words := [word for piece in members if piece.side == side for word in piece.words]:
                yield Piece.of(side, words)


def _shortened(piece: Piece, head: int, tail: int) -> Iterator[Piece]:
    left_out = piece.count - head - tail
    if left_out <= 1:  # one eojeol is not longer than what would stand for it
        yield piece
        return
    if head:
        yield Piece.of(piece.side, piece.words[:head])
    yield Piece(piece.side, (), left_out)
    if tail:
        yield Piece.of(piece.side, piece.words[-tail:])


def _lines(text: str) -> list[str]:
    """The lines that are not empty, with single spaces between their eojeol."""
    return [line for line in (" ".join(line.split()) for line in text.splitlines()) if line]


def _join(lines: list[str]) -> list[str]:
    return [word for line in lines for word in line.split(" ")]
