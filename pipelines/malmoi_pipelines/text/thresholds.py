"""The bounds of the quality rules. The rules, and where each comes from: `malmoi_pipelines.text.quality`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from malmoi_pipelines.contracts.config import FOLLOWS, Config
from malmoi_pipelines.text.language_id import LanguageId
from malmoi_pipelines.text.phrases import BOILERPLATE, BUILT_IN, SPAM

Share = Annotated[float, Field(ge=0, le=1)]
Ratio = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Preset = Annotated[Share | None, Field(json_schema_extra={FOLLOWS: "language"})]

PRESETS: dict[str, dict[str, float | None]] = {
    "korean": {"min_hangul_share": 0.25, "max_hangul_share": None, "min_latin_share": None},
    "parallel": {"min_hangul_share": 0.1, "max_hangul_share": 0.9, "min_latin_share": 0.1},
    "english": {"min_hangul_share": None, "max_hangul_share": 0.1, "min_latin_share": 0.5},
    "any": {"min_hangul_share": None, "max_hangul_share": None, "min_latin_share": None},
}
"""Language → bounds that hold where none is given."""


class Thresholds(Config):
    """Bounds of the quality rules over normalised text; null switches a rule off. A source may have its own.

    Characters are code points, words are eojeol, lines are those with a visible character. The defaults are set by the
    quantiles of each measure over eight real sources, so that they drop what is odd in all of them.
    """

    language: Literal["korean", "parallel", "english", "any"] = "korean"
    """Sets the shares of Hangul and Latin letters that are not given themselves."""

    min_chars: Count | None = 10
    """EleutherAI/dps asks for 50, which would drop most film reviews and comments: those have at most 140."""
    max_chars: Count | None = 1_000_000
    """EleutherAI/dps stops at 100,000; court decisions reach 313,000 and are the best long text there is."""

    max_replacement_share: Share | None = 0.01
    """U+FFFD, the sign that stands for bytes that could not be read, among visible characters: a page with one broken
    byte stays, UTF-8 that was read as CP949 (`�븞�뀞`) goes."""
    min_hangul_share: Preset = 0.25
    """Hangul among letters and digits. 0.25 for Korean, as in EleutherAI/dps, which takes it of all visible characters
    and so loses tables drawn in text; 0.1 for parallel text; else off."""
    max_hangul_share: Preset = None
    """0.9 for parallel text, 0.1 for English; else off."""
    min_latin_share: Preset = None
    """Latin letters among letters and digits. 0.1 for parallel text, 0.5 for English; else off."""
    max_loose_jamo_share: Share | None = 0.7
    """Jamo that stand alone (ㅋㅋ, ㅠㅠ) among Hangul."""

    max_repeated_share: Share | None = 0.6
    """The commonest visible character among all."""
    min_distinct_chars: Count | None = 4
    """Different visible characters."""

    min_mean_word_chars: Ratio | None = 1.5
    """Below lie texts with a space after every letter, and columns of digits."""
    max_mean_word_chars: Ratio | None = 20.0
    """Above lie texts without spaces, lists of addresses, encoded data."""
    max_hashes_per_word: Ratio | None = 0.3
    """Number signs by words."""
    max_ellipses_per_word: Ratio | None = 0.2
    """Ellipses (… or three dots) by words."""

    max_bullet_share: Share | None = 0.9
    """Lines that begin with a bullet."""
    max_ellipsis_line_share: Share | None = 0.3
    """Lines that end in an ellipsis."""
    min_terminal_share: Share | None = None
    """Lines that end a sentence. Off: reviews, headings, tables and verse end lines as they like."""
    max_duplicate_line_share: Share | None = 0.6
    """Lines that repeat an earlier one."""
    max_duplicate_line_char_share: Share | None = 0.5
    """Characters in lines that repeat an earlier one."""

    max_top_2gram_share: Share | None = 0.3
    """Characters in the most frequent run of 2 words."""
    max_top_3gram_share: Share | None = 0.3
    """Characters in the most frequent run of 3 words."""
    max_top_4gram_share: Share | None = 0.3
    """Characters in the most frequent run of 4 words."""
    max_duplicate_5gram_share: Share | None = 0.6
    """Characters in runs of 5 words that occurred before."""
    max_duplicate_6gram_share: Share | None = 0.58
    """Characters in runs of 6 words that occurred before."""
    max_duplicate_7gram_share: Share | None = 0.56
    """Characters in runs of 7 words that occurred before."""
    max_duplicate_8gram_share: Share | None = 0.54
    """Characters in runs of 8 words that occurred before."""
    max_duplicate_9gram_share: Share | None = 0.52
    """Characters in runs of 9 words that occurred before."""
    max_duplicate_10gram_share: Share | None = 0.5
    """Characters in runs of 10 words that occurred before."""

    max_spam_density: Ratio | None = 2.0
    """Different spam phrases per 1,000 characters."""
    spam_lists: tuple[str, ...] = (SPAM,)
    """Lists of spam phrases: `spam` comes with the package, anything else is a path (one phrase a line, # comments)."""
    max_boilerplate_share: Share | None = 0.5
    """Lines that phrases of boilerplate cover at least half of."""
    boilerplate_lists: tuple[str, ...] = (BOILERPLATE,)
    """Lists of boilerplate phrases: `boilerplate` comes with the package, anything else is a path."""

    language_id: LanguageId | None = None
    """Language identification by a fastText model."""

    words_from: int = Field(50, ge=0)
    """Rules on n-grams and on symbols per word hold from so many words on: in less text they are noise."""
    lines_from: int = Field(10, ge=0)
    """Rules on lines hold from so many lines on."""
    spam_phrases_from: Count = 3
    """The rule on spam holds from so many different phrases on: one or two stand in any text about the matter."""

    @model_validator(mode="after")
    def _preset(self) -> Self:
        # Not marked as set, so that a policy which inherits these settings can still name another language.
        self.__dict__.update({k: v for k, v in PRESETS[self.language].items() if k not in self.model_fields_set})
        for name in ("chars", "hangul_share", "mean_word_chars"):
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_{name} is {least:g} and max_{name} {most:g}: no text is within both")
        return self

    @property
    def phrase_lists(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the lists of spam and of boilerplate phrases; none where the rule is off."""
        return (
            self.spam_lists if self.max_spam_density is not None else (),
            self.boilerplate_lists if self.max_boilerplate_share is not None else (),
        )

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that a judgement depends on: own phrase lists and the language model."""
        lists = [name for name in (*self.spam_lists, *self.boilerplate_lists) if name not in BUILT_IN]
        return (*lists, self.language_id.model) if self.language_id else tuple(lists)
