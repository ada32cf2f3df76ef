"""Duplicates: edited copies whose similarity is known, measured on word 5-gram shingles.

Similarity is the Jaccard index of the sets of 5 consecutive words, after NFC, case folding, digits to 0, punctuation to
space and white space collapsed.
"""

import re
import unicodedata
from collections.abc import Callable

from malmoi_pipelines.sample.draws import Dice

SHINGLE = 5  # words
NEAR_AT_LEAST = 0.88  # clear of a threshold at 0.85
RELATED = (0.3, 0.6)
EDITED_WORDS = 120  # fewest words of a document that is copied with changes: one edit must leave 0.9
_PUNCTUATION = re.compile(r"[\W_]+")
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\S+\s*")

WordSource = Callable[[Dice], str]


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The set of word 5-grams of a text; a shorter text is one shingle."""
    folded = unicodedata.normalize("NFC", text).casefold()
    words = _PUNCTUATION.sub(" ", _DIGIT.sub("0", folded)).split()
    return frozenset(tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1)))


def jaccard(left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]) -> float:
    """Size of the intersection over size of the union."""
    return len(left & right) / len(left | right)


def near_duplicate(base: str, dice: Dice, word: WordSource) -> tuple[str, float] | None:
    """A copy with a few words replaced, inserted or deleted, and its similarity; None if `base` is too short for it."""
    words = _WORDS.findall(base)
    if len(words) < EDITED_WORDS:
        return None
    original = shingles(base)
    edits = dice.between(1, max(1, len(words) // 90))
    while edits:
        copy = _edited(words, edits, dice, word)
        similarity = jaccard(original, shingles(copy))
        if NEAR_AT_LEAST <= similarity < 1:
            return copy, similarity
        edits //= 2
    return None


def _edited(words: list[str], edits: int, dice: Dice, word: WordSource) -> str:
    copy = list(words)
    for _ in range(edits):
        place = dice.below(len(copy) - 1)
        space = copy[place][len(copy[place].rstrip()) :]
        copy[place : place + 1] = dice.choice(
            ([word(dice) + space], [copy[place], word(dice) + " "], [space if "\n" in space else ""])
        )
    return "".join(copy).strip()


def related(base: str, fresh: str, dice: Dice) -> tuple[str, float] | None:
    """A text that shares about half its words with `base` and goes on as `fresh`; None if the two do not allow it."""
    words, others = _WORDS.findall(base), _WORDS.findall(fresh)
    kept = len(words) * dice.between(48, 60) // 100
    if len(words) < EDITED_WORDS:
        return None
    text = "".join([*words[:kept], *others[: len(words) - kept]]).strip()
    similarity = jaccard(shingles(base), shingles(text))
    return (text, similarity) if RELATED[0] <= similarity <= RELATED[1] else None
