"""Korean-like text: nouns with particles, verbs with endings, sentences, and the registers of the sources."""

import functools
from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.contracts.hashing import mix64
from malmoi_pipelines.sample.draws import Ints, bits, channel, quantile_table, zipf_table
from malmoi_pipelines.sample.english import stems as english_stems
from malmoi_pipelines.sample.hangul import adverbs, final_class, is_bright, native_verbs, nouns
from malmoi_pipelines.sample.inflection import (
    CONNECTIVES,
    COUNTERS,
    EMOTICONS,
    FINALS,
    LEGAL_PHRASES,
    STYLES,
    particles,
)
from malmoi_pipelines.sample.pieces import Bools, Pieces, Tokens, draw_tokens, render, running_count

HA, DOE, BRIGHT, DARK = range(4)  # verb classes: how a verb takes its endings
NOUN, VERB, ADVERB, NUMBER, LATIN = range(5)
_ROLES = quantile_table([74, 13, 8, 3, 2], 10)
_MODIFIED = 0.10  # nouns that are compounds, which makes the vocabulary grow with the corpus as real ones do
_TOPICAL = 0.20  # nouns drawn from the document's own few, as in real documents
_ARTICLES, _ITEMS = 400, 20


@dataclass(frozen=True)
class Register:
    """How a source writes."""

    styles: tuple[str, ...]
    """Sentence endings; each document keeps to one."""
    sentence: int
    """Mean words a sentence."""
    numbered: bool = False
    """Articles and paragraphs with numbers."""


WEB = Register(("formal", "plain", "polite", "formal"), 11)
REVIEW = Register(("review",), 8)
LEGAL = Register(("legal",), 16, numbered=True)
PAIR = Register(("formal_line",), 12)


class Korean:
    """The tables of the language, and the composing of documents. Build it once: `korean()`."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self._add_nouns()
        self._add_verbs()
        self._add_others()

    def _add_nouns(self) -> None:
        words = nouns()
        self.nouns = self.pieces.add(words)
        self.noun_class = np.array([final_class(word) for word in words], np.intp)
        self.noun_zipf = zipf_table(len(words))
        self.particles = np.stack([self.pieces.choice(particles(final)) for final in range(3)])

    def _add_verbs(self) -> None:
        native = native_verbs()
        roots = nouns()[200:6200]
        verbs = [(root, HA if index % 4 else DOE) for index, root in enumerate(roots)]
        # Native verbs are few and frequent: every fourth of the first ranks.
        for rank, stem in enumerate(native):
            verbs.insert(rank * 4, (stem, BRIGHT if is_bright(stem) else DARK))
        self.verbs = self.pieces.add(stem for stem, _ in verbs)
        self.verb_class = np.array([kind for _, kind in verbs], np.intp)
        self.verb_zipf = zipf_table(len(verbs))
        self.connectives = np.stack([self.pieces.choice(CONNECTIVES[kind]) for kind in range(4)])
        self.finals = np.stack(
            [np.stack([self.pieces.choice(FINALS[style][kind]) for kind in range(4)]) for style in STYLES]
        )

    def _add_others(self) -> None:
        self.adverbs = self.pieces.add(adverbs())
        self.adverb_zipf = zipf_table(len(self.adverbs))
        self.space = int(self.pieces.add([" "])[0])
        self.numbers = self.pieces.add(map(str, range(1, 2049)))
        self.counters = self.pieces.choice(COUNTERS)
        self.latin = self.pieces.add(english_stems()[:4096])
        self.latin_zipf = zipf_table(len(self.latin))
        self.phrases = self.pieces.add(LEGAL_PHRASES)
        self.articles = self.pieces.add(f"제{number}조" for number in range(1, _ARTICLES + 1))
        self.titles = self.pieces.add(f"({word}) " for word in nouns()[:1024])
        self.items = self.pieces.add([chr(0x2460 + number) for number in range(_ITEMS)])
        self.emoticons = self.pieces.choice(EMOTICONS)

    def compose(self, keys: U64, lengths: Ints, register: Register) -> list[str]:
        """Write one document a key, `lengths` words long; a document depends on its key, length and register only."""
        tokens = draw_tokens(keys, lengths, register.sentence)
        role = _ROLES[bits(tokens.a, 30, 10)]
        role[tokens.end] = VERB
        ending = bits(tokens.a, 20, 10)
        modifier = np.zeros(len(role), np.intp)
        rank = self._noun_ranks(keys, tokens)
        head, tail = self.nouns[rank], self.particles[self.noun_class[rank], ending]
        self._compounds(tokens, role, modifier)
        self._put_verbs(keys, tokens, role, register, head, tail)
        self._put_others(tokens, role, register, head, tail)
        if register.numbered:
            self._put_headings(tokens, modifier, head, tail)
        return render(self.pieces, modifier, head, tail, tokens.bounds)

    def _noun_ranks(self, keys: U64, tokens: Tokens) -> Ints:
        rank = self.noun_zipf[bits(tokens.a, 0, 20)]
        topical = np.flatnonzero(bits(tokens.a, 54, 10) < 1024 * _TOPICAL)
        which = bits(tokens.a, 48, 5).astype(np.uint64) << np.uint64(40)
        topic = mix64(channel(keys, "topic")[tokens.document[topical]] ^ which[topical])
        rank[topical] = self.noun_zipf[bits(topic, 0, 20)]
        return rank

    def _compounds(self, tokens: Tokens, role: Ints, modifier: Ints) -> None:
        compound = np.flatnonzero((role == NOUN) & (bits(tokens.b, 20, 10) < 1024 * _MODIFIED))
        modifier[compound] = self.nouns[self.noun_zipf[bits(tokens.b[compound], 0, 20)]]

    def _put_verbs(self, keys: U64, tokens: Tokens, role: Ints, register: Register, head: Ints, tail: Ints) -> None:
        at = np.flatnonzero(role == VERB)
        rank = self.verb_zipf[bits(tokens.b[at], 40, 20)]
        kind, ending = self.verb_class[rank], bits(tokens.a[at], 20, 10)
        styles = np.array([STYLES.index(name) for name in register.styles])
        style = styles[bits(channel(keys, "style"), 0, 16) % len(styles)][tokens.document[at]]
        head[at] = self.verbs[rank]
        tail[at] = np.where(tokens.end[at], self.finals[style, kind, ending], self.connectives[kind, ending])

    def _put_others(self, tokens: Tokens, role: Ints, register: Register, head: Ints, tail: Ints) -> None:
        at = np.flatnonzero(role == ADVERB)
        head[at], tail[at] = self.adverbs[self.adverb_zipf[bits(tokens.a[at], 0, 20)]], self.space
        if register.numbered:
            phrase = at[bits(tokens.b[at], 30, 1) == 0]
            head[phrase] = self.phrases[bits(tokens.b[phrase], 0, 20) % len(self.phrases)]
        if register is REVIEW:
            shout = at[bits(tokens.b[at], 30, 2) == 0]
            head[shout], tail[shout] = self.emoticons[bits(tokens.b[shout], 0, 10)], self.space
        at = np.flatnonzero(role == NUMBER)
        head[at] = self.numbers[(bits(tokens.a[at], 0, 11) * bits(tokens.b[at], 0, 11)) >> 11]  # small ones are common
        tail[at] = self.counters[bits(tokens.a[at], 20, 10)]
        at = np.flatnonzero(role == LATIN)
        head[at] = self.latin[self.latin_zipf[bits(tokens.a[at], 0, 20)]]
        tail[at] = self.particles[0, bits(tokens.a[at], 20, 10)]

    def _put_headings(self, tokens: Tokens, modifier: Ints, head: Ints, tail: Ints) -> None:
        """Let some sentences start with `제3조(...)` or `②` in the place of their first word."""
        opens = tokens.start & ~tokens.end
        draw = bits(tokens.b, 30, 10)
        article: Bools = tokens.first | (opens & (draw < 300))
        item: Bools = opens & ~article & (draw < 700)
        articles, items = running_count(article, tokens.first), running_count(item, article)
        at = np.flatnonzero(article)
        modifier[at] = 0
        head[at] = self.articles[np.minimum(articles[at], _ARTICLES) - 1]
        tail[at] = self.titles[bits(tokens.a[at], 0, 10)]
        at = np.flatnonzero(item)
        modifier[at] = 0
        head[at], tail[at] = self.items[np.minimum(items[at], _ITEMS) - 1], self.space


@functools.cache
def korean() -> Korean:
    """The one Korean of this process."""
    return Korean()
