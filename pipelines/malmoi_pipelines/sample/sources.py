"""The sources: how each writes, how long its documents are, and what can be planted in it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.sample.draws import Dice, Ints, bits, channel, key_of, lognormal_table
from malmoi_pipelines.sample.english import english
from malmoi_pipelines.sample.hangul import nouns
from malmoi_pipelines.sample.korean import LEGAL, PAIR, REVIEW, WEB, Register, korean


@dataclass
class Draft:
    """A document before it becomes a line. Plantings rewrite `body`, the part in the source's main language."""

    body: str
    lead: str = ""
    """The English side of a pair."""

    @property
    def text(self) -> str:
        """The document's text."""
        return f"{self.lead}\n{self.body}" if self.lead else self.body


@dataclass(frozen=True)
class Source:
    """A source of documents."""

    name: str
    compose: Callable[[U64, Ints], list[Draft]]
    """Documents from their keys and lengths in words."""
    words: tuple[float, float, int, int]
    """Median, log-normal sigma, least and most of the words in a document."""
    line_bytes: int
    """Mean UTF-8 bytes of a line, measured; shards are planned with it."""
    extra: Callable[[str, int], dict[str, str | int]] = lambda _id, _key: {}
    """Further fields of a record, from its id and key."""
    korean: bool = True
    copies_from: tuple[str, ...] = ()
    """Sources an exact duplicate may come from, itself if empty."""
    edited: bool = True
    """Whether documents are long enough for near duplicates."""

    def lengths(self, keys: U64) -> Ints:
        """Words of the documents with these keys."""
        return _length_table(self.words)[bits(channel(keys, "length"), 0, 12)]

    @property
    def applicable(self) -> frozenset[str]:
        """The kinds of planting that this source can carry."""
        kinds = {"exact_duplicate", "control", "html", "too_short", "literal_mask", "truncated", "invalid_utf8"}
        if self.edited:
            kinds |= {"near_duplicate", "related"}
        if self.korean:
            kinds |= {"pii", "look_alike", "mojibake", "nfd"}
        return frozenset(kinds)


@functools.cache
def _length_table(words: tuple[float, float, int, int]) -> Ints:
    return lognormal_table(*words)


def _korean(register: Register) -> Callable[[U64, Ints], list[Draft]]:
    return lambda keys, lengths: [Draft(text) for text in korean().compose(keys, lengths, register)]


def _legal(keys: U64, lengths: Ints) -> list[Draft]:
    titles, ends = nouns(), ("공포한 날", "고시한 날", "승인한 날")
    drafts = []
    for key, text in zip(channel(keys, "title").tolist(), korean().compose(keys, lengths, LEGAL), strict=True):
        dice = Dice(key)
        about, kind = (
            (titles[dice.below(4000)], titles[dice.below(4000)]),
            dice.choice(("규정", "규칙", "고시", "지침")),
        )
        name = f"{' '.join(about)}에 관한 {kind}"
        drafts.append(Draft(f"{name}\n\n{text}\n\n부칙\n이 규정은 {dice.choice(ends)}부터 시행한다."))
    return drafts


def _english(keys: U64, lengths: Ints) -> list[Draft]:
    return [Draft(text) for text in english().compose(keys, lengths)]


def _parallel(keys: U64, lengths: Ints) -> list[Draft]:
    """Pairs from the same draws: the n-th commonest stem of one language stands beside that of the other."""
    sides = zip(korean().compose(keys, lengths, PAIR), english().compose(keys, lengths, one_line=True), strict=True)
    return [Draft(body, lead) for body, lead in sides]


def _web_fields(identity: str, key: int) -> dict[str, str | int]:
    dice = Dice(key)
    date = f"20{dice.between(10, 24)}-{dice.between(1, 12):02}-{dice.between(1, 28):02}"
    return {"url": f"https://www{dice.below(5000)}.example/{identity}", "date": date}


def _review_fields(_identity: str, key: int) -> dict[str, str | int]:
    return {"rating": 1 + key % 10}


SOURCES = {
    source.name: source
    for source in (
        Source(
            "web",
            _korean(WEB),
            words=(170, 0.6, 30, 900),
            line_bytes=2670,
            extra=_web_fields,
            copies_from=("web",) * 6 + ("legal", "english"),
        ),
        Source("reviews", _korean(REVIEW), words=(6, 0.45, 4, 40), line_bytes=160, extra=_review_fields, edited=False),
        Source("legal", _legal, (450, 0.6, 100, 2500), 6700),
        Source("english", _english, (200, 0.6, 40, 1200), 1690, korean=False),
        Source("parallel", _parallel, (11, 0.5, 5, 50), 590, edited=False),
    )
}


def shard_key(seed: int, source: str, shard: int) -> int:
    """The key from which a shard's documents get theirs."""
    return key_of("sample", seed, source, shard)
