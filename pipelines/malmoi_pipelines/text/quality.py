"""Quality rules: each names one reason why a document is not kept, a bound on one measure of its text."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, Bool, cuts
from malmoi_pipelines.text.language_id import any_language
from malmoi_pipelines.text.measures import Measures, RuleData
from malmoi_pipelines.text.phrases import no_phrases, packaged_phrases, phrase_finder
from malmoi_pipelines.text.thresholds import Thresholds

_BLOCK_CHARS = 1 << 19  # characters judged at once: the arrays of a block then stay in the cache
_GOPHER = "Rae et al. 2021 (Gopher), table A1"
_DPS = "EleutherAI/dps"
GATED = ("repeated_share", "distinct_chars", "top_ngram_share", "duplicate_ngram_share")
"""Measures that are costly, and taken only for texts that cheaper ones do not prove to be within the bounds."""


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One reason to drop a document: a measure beyond a bound."""

    name: str
    measure: str
    """Name of a property of `Measures`, or one of `GATED`."""
    bound: Literal["min", "max"]
    """Whether the document is kept from the limit on, or up to it."""
    limit: str | float
    """The parameter of `Thresholds` that holds the limit, or the limit itself if no one has to choose it."""
    source: str
    """Where the rule comes from: a paper or project, or `own`."""
    description: str
    from_: tuple[str, str] | None = None
    """A count among the measures, and the parameter with the least value from which the rule holds."""
    n: int = 0
    """Words in an n-gram."""

    def limit_in(self, thresholds: Thresholds) -> float | None:
        """The limit that holds; None if the rule is off."""
        if not isinstance(self.limit, str):
            return self.limit
        value = getattr(thresholds, self.limit)
        return value.min_score if self.limit == "language_id" and value else value


@dataclass(frozen=True)
class Judgement:
    """What the rules say of a list of texts."""

    reasons: list[str | None]
    """For each text the first rule that it breaks, in the order of `RULES`; None if it is kept."""
    measures: dict[str, F64]
    """Measure → its value for each text: `chars`, `hangul_share`, and those that rules need, but for `GATED` ones."""


def rule_data(
    thresholds: Thresholds,
    phrases_of: Callable[[str], tuple[str, ...]] = packaged_phrases,
    scores: Callable[[Sequence[str]], F64] = any_language,
) -> RuleData:
    """What the rules that are on look into.

    Args:
        thresholds: the bounds, which name the lists.
        phrases_of: the phrases of a list by its name.
        scores: how well each text is in a wanted language.
    """
    spam, boilerplate = (
        tuple(dict.fromkeys(phrase for name in names for phrase in phrases_of(name)))
        for names in thresholds.phrase_lists
    )
    return RuleData(phrase_finder(spam, boilerplate).find if spam or boilerplate else no_phrases, scores)


def judge(texts: Sequence[str], thresholds: Thresholds, data: RuleData | None = None) -> Judgement:
    """Judge normalised texts by the rules of one policy.

    Args:
        texts: normalised.
        thresholds: the bounds.
        data: the phrase lists and the language model that `thresholds` names; None: it names no file.

    >>> judge(["배우들의 연기가 참 좋았다", "ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ"], Thresholds()).reasons
    [None, 'repeated_character']
    """
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    if data is None:
        assert not thresholds.files, f"{thresholds.files}: files that nobody has loaded"
        data = rule_data(thresholds)
    parts = [_judge_block(texts[first:last], thresholds, data) for first, last in cuts(sizes, _BLOCK_CHARS)]
    parts = parts or [_judge_block([], thresholds, data)]
    return Judgement(
        [reason for part in parts for reason in part.reasons],
        {name: np.concatenate([part.measures[name] for part in parts]) for name in parts[0].measures},
    )


def _judge_block(texts: Sequence[str], thresholds: Thresholds, data: RuleData) -> Judgement:
    measures = Measures(
        texts,
        data,
        words_from=thresholds.words_from,
        lines_from=thresholds.lines_from,
        chars_up_to=math.inf
        if thresholds.max_chars is None
        else thresholds.max_chars,  # longer ones are dropped anyway
    )
    limits = {rule: limit for rule in RULES if (limit := rule.limit_in(thresholds)) is not None}
    values = _values(measures, limits)
    first = np.full(len(texts), len(RULES))
    for place, rule in enumerate(RULES):
        if rule in limits:
            broken = _broken(rule, limits[rule], values[rule], measures, thresholds)
            np.minimum(first, place, out=first, where=broken)
    names = [*(rule.name for rule in RULES), None]
    known = {"chars": measures.chars, "hangul_share": measures.hangul_share}
    known.update({rule.measure: values[rule] for rule in limits if rule.measure not in GATED})
    return Judgement([names[place] for place in first.tolist()], known)


def _values(measures: Measures, limits: Mapping[QualityRule, float]) -> dict[QualityRule, F64]:
    """The values that each rule bounds."""
    gated = [rule for rule in limits if rule.measure in GATED]
    result = {rule: cast(F64, getattr(measures, rule.measure)) for rule in limits if rule.measure not in GATED}
    for kind, taken in (("top", measures.top_ngram_shares), ("duplicate", measures.duplicate_ngram_shares)):
        rules = {rule.n: rule for rule in gated if rule.measure == f"{kind}_ngram_share"}
        if rules:
            shares = taken({n: limits[rule] for n, rule in rules.items()})
            result.update({rule: shares[n] for n, rule in rules.items()})
    characters = {rule.measure: rule for rule in gated if not rule.n}
    if characters:
        known = {name: limits[rule] for name, rule in characters.items()}
        values = measures.repeated_and_distinct(known.get("repeated_share", 1.0), known.get("distinct_chars", 0.0))
        named = zip(("repeated_share", "distinct_chars"), values, strict=True)
        result.update({characters[name]: value for name, value in named if name in characters})
    return result


def _broken(rule: QualityRule, limit: float, values: F64, measures: Measures, thresholds: Thresholds) -> Bool:
    broken: Bool = values < limit if rule.bound == "min" else values > limit
    if rule.from_ is not None:
        count, least = rule.from_
        broken &= getattr(measures, count) >= getattr(thresholds, least)
    return broken


_LONG = ("words", "words_from")
_MANY_LINES = ("lines", "lines_from")

RULES: tuple[QualityRule, ...] = (
    QualityRule("empty", "visible_chars", "min", 1, "own", "nothing but white space"),
    QualityRule("too_short", "chars", "min", "min_chars", f"{_GOPHER}; {_DPS}", "too few characters"),
    QualityRule(
        "too_long", "chars", "max", "max_chars", f"{_GOPHER}; {_DPS}",
        "too many characters: not one document but a dump of many",
    ),
    QualityRule(
        "damaged", "replacement_share", "max", "max_replacement_share", "own",
        "characters that were lost when bytes were read in a wrong encoding (U+FFFD)",
    ),
    QualityRule(
        "low_hangul", "hangul_share", "min", "min_hangul_share", _DPS,
        "too little Hangul: not Korean, or mostly code and tables",
    ),
    QualityRule(
        "high_hangul", "hangul_share", "max", "max_hangul_share", "own",
        "too much Hangul for a text in English or in two languages",
    ),
    QualityRule(
        "low_latin", "latin_share", "min", "min_latin_share", "own",
        "too few Latin letters for a text in English or in two languages",
    ),
    QualityRule(
        "wrong_language", "language_score", "min", "language_id", "FineWeb-2", "not surely in a wanted language"
    ),
    QualityRule(
        "repeated_character", "repeated_share", "max", "max_repeated_share", "own, after Gopher",
        "one character makes up most of the text",
    ),
    QualityRule(
        "few_characters", "distinct_chars", "min", "min_distinct_chars", "own, after Gopher",
        "made of a few different characters",
    ),
    QualityRule(
        "loose_jamo", "loose_jamo_share", "max", "max_loose_jamo_share", "own",
        "laughter and emoticons rather than words, or text with its syllables taken apart",
    ),
    QualityRule(
        "short_words", "mean_word_chars", "min", "min_mean_word_chars", f"{_GOPHER}; {_DPS}", "short words", _LONG
    ),
    QualityRule(
        "long_words", "mean_word_chars", "max", "max_mean_word_chars", f"{_GOPHER}; {_DPS}", "long words", _LONG
    ),
    QualityRule("hashes", "hashes_per_word", "max", "max_hashes_per_word", _GOPHER, "too many number signs", _LONG),
    QualityRule("ellipses", "ellipses_per_word", "max", "max_ellipses_per_word", _GOPHER, "too many ellipses", _LONG),
    QualityRule("bullets", "bullet_share", "max", "max_bullet_share", _GOPHER, "a list, not prose", _MANY_LINES),
    QualityRule(
        "ellipsis_lines", "ellipsis_line_share", "max", "max_ellipsis_line_share", _GOPHER,
        "lines cut off by an ellipsis: teasers of other pages", _MANY_LINES,
    ),
    QualityRule(
        "no_sentences", "terminal_share", "min", "min_terminal_share", "C4 (Raffel et al. 2020); FineWeb",
        "lines do not end like sentences", _MANY_LINES,
    ),
    QualityRule(
        "duplicate_lines", "duplicate_line_share", "max", "max_duplicate_line_share", _GOPHER,
        "lines that repeat earlier ones", _MANY_LINES,
    ),
    QualityRule(
        "duplicate_line_chars", "duplicate_line_char_share", "max", "max_duplicate_line_char_share", _GOPHER,
        "too much of the text lies in lines that repeat earlier ones", _MANY_LINES,
    ),
    *(
        QualityRule(
            f"top_{n}gram", "top_ngram_share", "max", f"max_top_{n}gram_share", _GOPHER,
            f"one run of {n} words makes up much of the text", _LONG, n,
        )
        for n in (2, 3, 4)
    ),
    *(
        QualityRule(
            f"duplicate_{n}grams", "duplicate_ngram_share", "max", f"max_duplicate_{n}gram_share", _GOPHER,
            f"too much of the text lies in runs of {n} words that occurred before", _LONG, n,
        )
        for n in range(5, 11)
    ),
    QualityRule(
        "spam", "spam_density", "max", "max_spam_density", "own; dps drops for one phrase",
        "many different phrases of advertising spam for its length", ("spam_phrases", "spam_phrases_from"),
    ),
    QualityRule(
        "boilerplate", "boilerplate_share", "max", "max_boilerplate_share", "own; dps cuts the text at one phrase",
        "lines of the page around a text rather than a text",
    ),
)  # fmt: skip
"""All rules, in the order in which they are asked."""
