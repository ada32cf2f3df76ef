"""The measures of a block of texts by name, each taken when it is first asked for.

Shares lie between 0 and 1 and are 0 where there is nothing to share. Characters are code points; visible ones are not
white space; words are eojeol, runs of visible characters; lines are those that hold a word.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.text import lines, phrases, repetition
from malmoi_pipelines.text.characters import CharacterCounts, commonest_and_distinct
from malmoi_pipelines.text.language_id import any_language
from malmoi_pipelines.text.text_block import TextBlock

_REPLACEMENT = 0xFFFD


def share(part: F64, whole: F64) -> F64:
    """`part / whole`, and 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


@dataclass(frozen=True)
class RuleData:
    """What rules look into beside the text, as functions: settings only name it, and whoever judges has loaded it."""

    find_phrases: Callable[[TextBlock], tuple[phrases.Matches, phrases.Matches]] = phrases.no_phrases
    """Occurrences of phrases of spam, and of boilerplate."""
    language_scores: Callable[[Sequence[str]], F64] = any_language
    """Probability of each text's likeliest language, 0 if it is not a wanted one."""


class Measures:
    """The measures of a block; each name that the rules use is a property, one value for each text."""

    def __init__(
        self,
        texts: Sequence[str],
        data: RuleData,
        *,
        words_from: int = 0,
        lines_from: int = 0,
        chars_up_to: float = math.inf,
    ) -> None:
        """Lay out the texts.

        Args:
            texts: normalised texts, about half a million characters in all.
            data: phrases and languages.
            words_from: n-grams are looked at in texts of so many words or more; in others their shares are 0.
            lines_from: duplicate lines are looked for in texts of so many lines or more; in others their shares are 0.
            chars_up_to: repetition is looked for in texts of so many characters at most; its shares are 0 in others.
        """
        self.block = TextBlock.of(texts)
        self._texts, self._data = texts, data
        self._words_from, self._lines_from, self._chars_up_to = words_from, lines_from, chars_up_to

    @functools.cached_property
    def chars(self) -> F64:
        """Characters."""
        return self.block.lengths.astype(np.float64)

    @functools.cached_property
    def _characters(self) -> CharacterCounts:
        return CharacterCounts.of(self.block)

    @functools.cached_property
    def visible_chars(self) -> F64:
        """Characters that are not white space."""
        return self._characters.visible

    @functools.cached_property
    def replacement_share(self) -> F64:
        """U+FFFD among visible characters."""
        places = np.flatnonzero(self.block.codes == _REPLACEMENT)
        owners = np.searchsorted(self.block.starts, places, "right") - 1
        return share(np.bincount(owners, minlength=len(self.block)).astype(np.float64), self.visible_chars)

    @functools.cached_property
    def words(self) -> F64:
        """Words."""
        return self.block.words.counts.astype(np.float64)

    @functools.cached_property
    def lines(self) -> F64:
        """Lines."""
        return self.block.line_words.counts.astype(np.float64)

    @functools.cached_property
    def hangul_share(self) -> F64:
        """Hangul among letters and digits. Not among all visible characters: tables drawn in text would lower it."""
        return share(self._characters.hangul, self._characters.letters)

    @functools.cached_property
    def latin_share(self) -> F64:
        """Latin letters among letters and digits."""
        return share(self._characters.latin, self._characters.letters)

    @functools.cached_property
    def loose_jamo_share(self) -> F64:
        """Jamo that stand alone among Hangul."""
        return share(self._characters.jamo, self._characters.hangul)

    @functools.cached_property
    def mean_word_chars(self) -> F64:
        """Mean characters of a word."""
        return share(self.visible_chars, self.words)

    @functools.cached_property
    def hashes_per_word(self) -> F64:
        """Number signs per word."""
        return share(lines.hash_marks(self.block), self.words)

    @functools.cached_property
    def ellipses_per_word(self) -> F64:
        """Ellipses per word; a run of full stops is one."""
        return share(lines.ellipses(self.block), self.words)

    @functools.cached_property
    def bullet_share(self) -> F64:
        """Lines that open with a bullet."""
        return share(lines.bullet_lines(self.block), self.lines)

    @functools.cached_property
    def ellipsis_line_share(self) -> F64:
        """Lines that end with an ellipsis."""
        return share(lines.ellipsis_lines(self.block), self.lines)

    @functools.cached_property
    def terminal_share(self) -> F64:
        """Lines that end a sentence."""
        return share(lines.terminal_lines(self.block), self.lines)

    @functools.cached_property
    def _hashed_words(self) -> repetition.HashedWords:
        chosen = (self.words >= max(self._words_from, 1)) | (self.lines >= max(self._lines_from, 1))
        return repetition.HashedWords.of(self.block, chosen & (self.chars <= self._chars_up_to))

    @functools.cached_property
    def _long_texts(self) -> repetition.HashedWords:
        hashed = self._hashed_words
        return hashed.only(self.words[hashed.texts] >= self._words_from)

    @functools.cached_property
    def _duplicate_lines(self) -> tuple[F64, F64]:
        hashed = self._hashed_words
        return repetition.duplicate_lines(self.block, hashed.only(self.lines[hashed.texts] >= self._lines_from))

    @functools.cached_property
    def duplicate_line_share(self) -> F64:
        """Lines that equal an earlier one."""
        return share(self._duplicate_lines[0], self.lines)

    @functools.cached_property
    def duplicate_line_char_share(self) -> F64:
        """Characters of lines that lie in lines that equal an earlier one."""
        return share(self._duplicate_lines[1], self.block.lines.total_length())

    def repeated_and_distinct(self, max_share: float, min_distinct: float) -> tuple[F64, F64]:
        """Share of the commonest visible character, and different visible characters; exact beyond the bounds."""
        return commonest_and_distinct(self.block, self._characters, max_share, min_distinct)

    def top_ngram_shares(self, bounds: Mapping[int, float]) -> dict[int, F64]:
        """Share of the top n-gram by n, exact where it exceeds its bound; 0 where it is known not to."""
        return repetition.top_ngram_shares(self.block, self._long_texts, self.visible_chars, bounds)

    def duplicate_ngram_shares(self, bounds: Mapping[int, float]) -> dict[int, F64]:
        """Share of duplicate n-grams by n, exact where it exceeds its bound; 0 where it is known not to."""
        return repetition.duplicate_ngram_shares(self.block, self._long_texts, self.visible_chars, bounds)

    @functools.cached_property
    def _phrases(self) -> tuple[phrases.Matches, phrases.Matches]:
        return self._data.find_phrases(self.block)

    @functools.cached_property
    def spam_phrases(self) -> F64:
        """Different spam phrases."""
        return phrases.distinct_phrases(self.block, self._phrases[0])

    @functools.cached_property
    def spam_density(self) -> F64:
        """Different spam phrases per 1,000 characters."""
        return share(1000 * self.spam_phrases, self.chars)

    @functools.cached_property
    def boilerplate_share(self) -> F64:
        """Lines of which boilerplate phrases cover at least half."""
        return share(phrases.boilerplate_lines(self.block, self._phrases[1]), self.lines)

    @functools.cached_property
    def language_score(self) -> F64:
        """Probability of the likeliest language, 0 if it is not a wanted one; 1 if no model is given."""
        return self._data.language_scores(self._texts)
