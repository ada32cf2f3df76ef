"""Every measure and rule of `malmoi_pipelines.text.quality` for one text, as plainly as it can be: the oracle."""

import re
from collections import Counter

from malmoi_pipelines.text.phrases import packaged_phrases
from malmoi_pipelines.text.quality import RULES

BULLETS = "•‣⁃∙◦·ㆍ・■□▪▫▶▷►◀◁◆◇◈●○◎★☆※☞➔→✓✔"


def is_jamo(char):
    return "\u3131" <= char <= "\u318e" or "\uffa1" <= char <= "\uffdc"


def is_hangul(char):
    blocks = ("\uac00\ud7a3", "\u1100\u11ff", "\ua960\ua97f", "\ud7b0\ud7ff")
    return is_jamo(char) or any(first <= char <= last for first, last in blocks)


def is_latin(char):
    return (char.isascii() and char.isalpha()) or ("\u00c0" <= char <= "\u024f" and char not in "×÷")


def letters(text):
    return sum(char.isalnum() or is_hangul(char) for char in text)


def share(part, whole):
    return part / whole if whole else 0.0


def lines_of(text):
    return [line.strip() for line in text.split("\n") if line.strip()]


def ngrams(text, n):
    words = text.split()
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def top_ngram_share(text, n):
    counts = Counter(ngrams(text, n))
    repeated = [(count, sum(map(len, gram))) for gram, count in counts.items() if count > 1]
    count, length = max(repeated, default=(0, 0))
    return share(count * length, visible(text))


def duplicate_ngram_share(text, n):
    words, seen, covered = text.split(), set(), set()
    for place, gram in enumerate(ngrams(text, n)):
        if gram in seen:
            covered.update(range(place, place + n))
        seen.add(gram)
    return share(sum(len(words[place]) for place in covered), visible(text))


def duplicate_lines(text):
    seen, again = set(), []
    for line in lines_of(text):
        key = tuple(line.split())
        if key in seen:
            again.append(line)
        seen.add(key)
    return again


def visible(text):
    return sum(not char.isspace() for char in text)


def opens_with_bullet(line):
    return line[0] in BULLETS or (line[0] in "-*+–—" and (len(line) == 1 or line[1].isspace()))


def ends_sentence(line):
    return line[-1] in ".!?…。．！？" or (line[-1] in "\"'”’」』)]）》〉" and line[-2:-1] in tuple(".!?…。．！？"))


def is_boilerplate(line, phrases):
    covered = set()
    for phrase in phrases:
        for place in range(len(line)):
            if line.startswith(phrase, place):
                covered.update(range(place, place + len(phrase)))
    return bool(covered) and 2 * len(covered) >= len(line)


SPAM, BOILERPLATE = packaged_phrases("spam"), packaged_phrases("boilerplate")

MEASURES = {
    "chars": len,
    "visible_chars": visible,
    "words": lambda text: len(text.split()),
    "lines": lambda text: len(lines_of(text)),
    "replacement_share": lambda text: share(text.count("\ufffd"), visible(text)),
    "hangul_share": lambda text: share(sum(map(is_hangul, text)), letters(text)),
    "latin_share": lambda text: share(sum(map(is_latin, text)), letters(text)),
    "loose_jamo_share": lambda text: share(sum(map(is_jamo, text)), sum(map(is_hangul, text))),
    "repeated_share": lambda text: share(max(Counter("".join(text.split())).values(), default=0), visible(text)),
    "distinct_chars": lambda text: len(set("".join(text.split()))),
    "mean_word_chars": lambda text: share(visible(text), len(text.split())),
    "hashes_per_word": lambda text: share(text.count("#"), len(text.split())),
    "ellipses_per_word": lambda text: share(len(re.findall(r"\.{3,}|[…⋯]", text)), len(text.split())),
    "bullet_share": lambda text: share(sum(map(opens_with_bullet, lines_of(text))), len(lines_of(text))),
    "ellipsis_line_share": lambda text: share(
        sum(line.endswith(("...", "…", "⋯")) for line in lines_of(text)), len(lines_of(text))
    ),
    "terminal_share": lambda text: share(sum(map(ends_sentence, lines_of(text))), len(lines_of(text))),
    "duplicate_line_share": lambda text: share(len(duplicate_lines(text)), len(lines_of(text))),
    "duplicate_line_char_share": lambda text: share(
        sum(map(len, duplicate_lines(text))), sum(map(len, lines_of(text)))
    ),
    "spam_phrases": lambda text: sum(phrase in text for phrase in SPAM),
    "spam_density": lambda text: share(1000 * sum(phrase in text for phrase in SPAM), len(text)),
    "boilerplate_share": lambda text: share(
        sum(is_boilerplate(line, BOILERPLATE) for line in lines_of(text)), len(lines_of(text))
    ),
    "top_ngram_share": top_ngram_share,
    "duplicate_ngram_share": duplicate_ngram_share,
}


def reason(text, thresholds):
    """The first rule that a text breaks, rule by rule and without any gate."""
    for rule in RULES:
        limit = rule.limit_in(thresholds)
        if limit is None:
            continue
        if rule.from_ and MEASURES[rule.from_[0]](text) < getattr(thresholds, rule.from_[1]):
            continue
        value = MEASURES[rule.measure](text, rule.n) if rule.n else MEASURES[rule.measure](text)
        if value < limit if rule.bound == "min" else value > limit:
            return rule.name
    return None
