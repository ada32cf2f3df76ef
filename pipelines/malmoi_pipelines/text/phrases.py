"""Lists of phrases that mark spam and boilerplate, and where they occur in a block of texts.

A list is a text file in UTF-8: one phrase a line; empty lines and lines that begin with `#` say nothing. Phrases are
compared as they stand, so they must be in NFC.
"""

import functools
import importlib.resources
import itertools
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, I64
from malmoi_pipelines.text.text_block import TextBlock

SPAM = "spam"
BOILERPLATE = "boilerplate"
BUILT_IN = (SPAM, BOILERPLATE)
"""Lists that come with the package (`data/*.txt`), by name; every other name is a path."""


class Matches(NamedTuple):
    """Occurrences of phrases, in the order of their ends."""

    phrases: I64
    """Number of the phrase."""
    starts: I64
    """Position in the block's codes of the first character."""
    ends: I64


@functools.cache
def packaged_phrases(name: str) -> tuple[str, ...]:
    """The phrases of a list that comes with the package, by its name."""
    path = importlib.resources.files("malmoi_pipelines.text") / "data" / f"{name}.txt"
    return parse_phrases(path.read_text("utf-8"))


def parse_phrases(text: str) -> tuple[str, ...]:
    r"""The phrases of a list, in NFC and in its order, each once.

    >>> parse_phrases("# mine\n카지노\n\n무료 상담\n카지노")
    ('카지노', '무료 상담')
    """
    lines = (unicodedata.normalize("NFC", line.strip()) for line in text.split("\n"))
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def no_phrases(block: TextBlock) -> tuple[Matches, Matches]:
    """What is found where no list is looked into."""
    del block
    none = Matches(*(np.zeros(0, np.int64) for _ in Matches._fields))
    return none, none


class PhraseFinder:
    """Finds all occurrences of phrases of spam and of boilerplate, overlapping ones too, in one scan."""

    def __init__(self, spam_phrases: Sequence[str], boilerplate_phrases: Sequence[str]) -> None:
        # Imported here: texts can be judged without phrase lists, and then the package is not needed.
        import ahocorasick_rs  # noqa: PLC0415

        spam, boilerplate = frozenset(spam_phrases), frozenset(boilerplate_phrases)
        phrases = list(dict.fromkeys((*spam_phrases, *boilerplate_phrases)))
        self._is_spam = np.array([phrase in spam for phrase in phrases], np.bool_)
        self._is_boilerplate = np.array([phrase in boilerplate for phrase in phrases], np.bool_)
        self._lengths = np.array([len(phrase) for phrase in phrases], np.int64)
        # A DFA over bytes is three times as fast as the other kinds; a few thousand phrases make it some megabytes.
        self._automaton: Any = ahocorasick_rs.BytesAhoCorasick(
            [phrase.encode() for phrase in phrases], implementation=ahocorasick_rs.Implementation.DFA
        )

    def find(self, block: TextBlock) -> tuple[Matches, Matches]:
        """All occurrences of spam phrases, and all of boilerplate phrases."""
        data = block.joined.encode("utf-8", "surrogatepass")
        found = self._automaton.find_matches_as_indexes(data, overlapping=True)
        phrases, _, byte_ends = np.array(found, np.int64).reshape(-1, 3).T
        ends = _characters_before(data, byte_ends)
        spam, boilerplate = (
            Matches(phrases[mask], (ends - self._lengths[phrases])[mask], ends[mask])
            for mask in (self._is_spam[phrases], self._is_boilerplate[phrases])
        )
        return spam, boilerplate


@functools.lru_cache(maxsize=16)
def phrase_finder(spam_phrases: tuple[str, ...], boilerplate_phrases: tuple[str, ...]) -> PhraseFinder:
    """The finder of some phrases, made once in a process."""
    return PhraseFinder(spam_phrases, boilerplate_phrases)


def _characters_before(data: bytes, places: I64) -> I64:
    """How many characters of UTF-8 text begin before each of some increasing byte positions."""
    if not len(places):
        return places
    begins = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    bounds = [0, *places.tolist()]
    counts = [np.count_nonzero(begins[a:b]) for a, b in itertools.pairwise(bounds)]
    return np.cumsum(counts)


def distinct_phrases(block: TextBlock, matches: Matches) -> F64:
    """How many different phrases each text holds."""
    owners = np.searchsorted(block.starts, matches.starts, "right") - 1
    pairs = np.unique(np.stack([owners, matches.phrases]), axis=1)
    return np.bincount(pairs[0], minlength=len(block)).astype(np.float64)


def boilerplate_lines(block: TextBlock, matches: Matches) -> F64:
    """Lines of each text of which phrases cover at least half the characters."""
    lines = block.lines
    line = np.searchsorted(lines.starts, matches.starts, "right") - 1
    covered = np.zeros(len(lines.starts))
    for row, start, end in _merged(line, matches):
        covered[row] += end - start
    return lines.count((covered > 0) & (2 * covered >= lines.lengths))


def _merged(line: I64, matches: Matches) -> list[tuple[int, int, int]]:
    """The stretches that phrases cover, with their lines: overlapping and touching matches made one."""
    result: list[tuple[int, int, int]] = []
    for start, end, row in sorted(zip(matches.starts.tolist(), matches.ends.tolist(), line.tolist(), strict=True)):
        if result and start <= result[-1][2]:
            last = result[-1]
            result[-1] = (last[0], last[1], max(last[2], end))
        else:
            result.append((row, start, end))
    return result
