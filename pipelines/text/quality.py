"""Quality rules: each names one reason why a document is not kept."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from pipelines.contracts.config import Config
from pipelines.text.hangul import hangul_share

_PLACES = 6
_SPACES = " \t\n"  # all that normalised text has


class Thresholds(Config):
    """Bounds of the quality rules, in characters of normalised text; a source that needs others gets its own."""

    min_chars: int = Field(10, ge=1)
    """EleutherAI/dps asks for 50, which would drop most film reviews and comments: those have at most 140."""
    max_chars: int = Field(1_000_000, ge=1)
    """EleutherAI/dps stops at 100,000; court decisions reach 313,000 and are the best long text there is."""
    min_hangul_share: float = Field(0.25, ge=0, le=1)
    """Of the characters that are not white space, as in EleutherAI/dps; translated API pages lie at 0.19 to 0.24."""
    max_repeated_share: float = Field(0.5, gt=0, le=1)
    """Of the characters that are not white space, the share of the commonest one."""
    min_distinct_chars: int = Field(4, ge=1)
    """Different characters that are not white space; only texts of at least `min_chars` come this far."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to drop a document."""

    name: str
    source: str
    """Where the rule comes from."""
    description: str
    breaks: Callable[[str, Thresholds], bool]
    """Whether a normalised text breaks the rule."""


def reject_reason(text: str, thresholds: Thresholds) -> str | None:
    """Name of the first rule that a normalised text breaks, or None if it is kept."""
    for rule in RULES:
        if rule.breaks(text, thresholds):
            return rule.name
    return None


def _is_repetition(text: str, thresholds: Thresholds) -> bool:
    # Whatever makes up half of a text stands at one of some places over it or in a stretch of it (the stretch is for
    # tables, whose lines may all be as long as the step). Counting every character would cost more than all else here.
    middle = len(text) // 2
    places = text[:: 1 + len(text) // _PLACES] + text[middle : middle + _PLACES]
    commonest = max(map(text.count, set(places).difference(_SPACES)), default=0)
    visible = len(text) - sum(map(text.count, _SPACES))
    if commonest > visible * thresholds.max_repeated_share:
        return True
    if commonest * thresholds.min_distinct_chars <= visible:
        return False  # of fewer different characters, one would occur more often
    return len(set(text).difference(_SPACES)) < thresholds.min_distinct_chars


RULES: tuple[Rule, ...] = (
    Rule("empty", "own", "nothing but white space", lambda text, _: not text or text.isspace()),
    Rule(
        "too_short",
        "Rae et al. 2021 (Gopher), EleutherAI/dps",
        "fewer characters than min_chars",
        lambda text, thresholds: len(text) < thresholds.min_chars,
    ),
    Rule(
        "too_long",
        "Rae et al. 2021 (Gopher), EleutherAI/dps",
        "more characters than max_chars: not one document but a dump of many",
        lambda text, thresholds: len(text) > thresholds.max_chars,
    ),
    Rule(
        "low_hangul",
        "EleutherAI/dps",
        "share of Hangul among visible characters below min_hangul_share: not Korean, or mostly code and tables",
        lambda text, thresholds: hangul_share(text) < thresholds.min_hangul_share,
    ),
    Rule(
        "repeated_character",
        "after Rae et al. 2021 (Gopher), repetition removal",
        "one character makes up more than max_repeated_share, or there are fewer than min_distinct_chars",
        _is_repetition,
    ),
)
