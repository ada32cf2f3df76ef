"""Small corpora, and a statement of the rules in plain Python, character by character, for comparison."""

import functools
import random
import unicodedata

Document = tuple[str, str, str]  # id, source, text


@functools.cache
def plain_normalise(text: str) -> str:
    return " ".join("".join(map(_plain_character, unicodedata.normalize("NFC", text))).split(" ")).strip(" ")


@functools.cache
def _plain_character(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "PSZ" or category in ("Cc", "Cf", "Me") or 0xFE00 <= ord(character) <= 0xFE0F:
        return " "
    if category == "Nd":
        return "0"
    return next((form for form in (character.casefold(), character.lower()) if len(form) == 1), character)


def plain_words(text: str) -> list[str]:
    return [word for word in plain_normalise(text).split(" ") if word]


@functools.cache
def plain_shingles(text: str, size: int = 5) -> set[tuple[str, ...]]:
    """Shingles; a shorter document is one shingle of its own kind."""
    words = plain_words(text)
    if len(words) < size:
        return {("whole document", *words)}
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


def plain_jaccard(left: str, right: str) -> float:
    a, b = plain_shingles(left), plain_shingles(right)
    return len(a & b) / len(a | b)


PARTICLES = ("은", "는", "이", "가", "을", "를", "에", "에서", "으로", "의", "")


def words(rng: random.Random, count: int) -> list[str]:
    """Korean-like eojeol: one to three random syllables and perhaps a particle."""
    syllables = lambda: "".join(chr(rng.randint(0xAC00, 0xD7A3)) for _ in range(rng.randint(1, 3)))  # noqa: E731
    return [syllables() + rng.choice(PARTICLES) for _ in range(count)]


def edit(rng: random.Random, original: list[str], edits: int) -> list[str]:
    """Replace, drop or insert single words."""
    result = list(original)
    for _ in range(edits):
        place = rng.randrange(len(result))
        kind = rng.randrange(3)
        result[place : place + (kind < 2)] = [] if kind == 0 else words(rng, 1)
    return result


def planted_corpus(seed: int, families: int = 40, singles: int = 60) -> list[Document]:
    """Documents with families of near duplicates of many degrees, exact copies, and unrelated ones; shuffled."""
    rng = random.Random(seed)
    texts = [" ".join(words(rng, rng.randint(1, 120))) for _ in range(singles)]
    for _ in range(families):
        base = words(rng, rng.randint(20, 150))
        texts.append(" ".join(base))
        for _ in range(rng.randint(1, 4)):
            texts.append(" ".join(edit(rng, base, rng.randint(0, 4))))
    rng.shuffle(texts)
    return [(f"d{number:04d}", f"source-{number % 3}", text) for number, text in enumerate(texts)]


def split_files(documents: list[Document], count: int) -> list[list[Document]]:
    """Deal documents into files."""
    return [documents[number::count] for number in range(count)]
