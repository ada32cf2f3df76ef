"""Small corpora, and a statement of the rules in plain Python, character by character, for comparison."""

import functools
import random
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import xxhash

Document = tuple[str, str, str]  # id, source, text


class Removal(NamedTuple):
    """Why a document went."""

    reason: str
    partner: str
    cluster: str
    similarity: float


FOLDS = ("digits", "punctuation", "case")


@functools.cache
def plain_normalise(text: str, fold: tuple[str, ...] = ()) -> str:
    folded = "".join(_plain_character(character, fold) for character in unicodedata.normalize("NFC", text))
    return " ".join(word for word in folded.split(" ") if word)


@functools.cache
def _plain_character(character: str, fold: tuple[str, ...]) -> str:
    category = unicodedata.category(character)
    unseen = category[0] in "PS" or category in ("Cf", "Me") or 0xFE00 <= ord(character) <= 0xFE0F
    if category[0] == "Z" or category == "Cc" or (unseen and "punctuation" in fold):
        return " "
    if category == "Nd" and "digits" in fold:
        return "0"
    forms = (character.casefold(), character.lower()) if "case" in fold else ()
    return next((form for form in forms if len(form) == 1), character)


def plain_words(text: str, fold: tuple[str, ...] = ()) -> list[str]:
    return plain_normalise(text, fold).split(" ") if plain_normalise(text, fold) else []


def plain_length(text: str, size: int = 5, unit: str = "eojeol") -> int:
    """Bytes of a text; of one that repeats a third of itself less what it repeats, twice."""
    words = plain_words(text)
    units = words if unit == "eojeol" else list("".join(words))
    shingles = [tuple(units[i : i + size]) for i in range(max(len(units) - size + 1, 1))] if units else []
    repeats = len(shingles) - len(set(shingles))
    num_bytes = len(text.encode())
    pasted = repeats and 3 * repeats >= len(shingles)
    return num_bytes * max(len(shingles) - 2 * repeats, 0) // len(shingles) if pasted else num_bytes


@functools.cache
def plain_shingles(text: str, size: int = 5, unit: str = "eojeol") -> set[tuple[str, ...]]:
    """Shingles; a shorter document is one shingle of its own kind, which only its exact duplicates have."""
    units = plain_words(text) if unit == "eojeol" else list("".join(plain_words(text)))
    if len(units) < size:
        return {("whole document", plain_key(text))}
    return {tuple(units[i : i + size]) for i in range(len(units) - size + 1)}


def plain_jaccard(left: str, right: str) -> float:
    a, b = plain_shingles(left), plain_shingles(right)
    return len(a & b) / len(a | b)


def plain_containment(text: str, of: str) -> float:
    """The share of a text's shingles that another has."""
    a, b = plain_shingles(text), plain_shingles(of)
    return len(a & b) / len(a)


def plain_key(text: str) -> str:
    """Exact duplicates have equal keys; of nothing but white space only equal texts are."""
    return plain_normalise(text) or f" {text}"


def plain_order(document: Document, priority: tuple[str, ...] = (), unit: str = "eojeol") -> tuple[int, ...]:
    """What the total order sorts new documents by."""
    i, source, text = document
    place = priority.index(source) if source in priority else len(priority)
    names = xxhash.xxh3_64_intdigest(f"{source}\0{i}".encode())
    length = plain_length(text, 5 if unit == "eojeol" else 12, unit)
    return -length, place, xxhash.xxh3_64_intdigest(text.encode()) >> 32, names >> 32


def plain_dedupe(
    new: Iterable[Document],
    old: Iterable[Document] = (),
    *,
    groups: str = "star",
    similarity: str = "jaccard",
    unit: str = "eojeol",
    threshold: float = 0.8,
    priority: tuple[str, ...] = (),
) -> dict[str, Removal]:
    """The stage's rules on all pairs: id → why it goes. Ids must be unique."""
    earlier = sorted(old, key=lambda document: plain_order(document, (), unit))
    old_ids = {i for i, _, _ in earlier}
    ordered = [*earlier, *sorted(new, key=lambda document: plain_order(document, priority, unit))]
    first: dict[str, str] = {}
    copies: dict[str, str] = {}
    distinct: list[tuple[str, str]] = []
    for i, _, text in ordered:
        survivor = first.setdefault(plain_key(text), i)
        if survivor == i or i in old_ids:
            distinct.append((i, text))
        else:
            copies[i] = survivor
    edges = _plain_edges(distinct, old_ids, similarity, unit, threshold)
    near = _plain_star(distinct, edges) if groups == "star" else _plain_components(distinct, edges, old_ids)
    exact = {i: near.get(survivor, Removal("exact", survivor, survivor, 1.0)) for i, survivor in copies.items()}
    return near | exact


def _plain_edges(
    ordered: list[tuple[str, str]], old: set[str], similarity: str, unit: str, threshold: float
) -> dict[str, list[tuple[str, float]]]:
    """id → the earlier documents that it is similar to, in order."""
    size = 5 if unit == "eojeol" else 12
    sets = [plain_shingles(text, size, unit) if plain_words(text) else {("no words", text)} for _, text in ordered]
    edges: dict[str, list[tuple[str, float]]] = {}
    for place, (i, _) in enumerate(ordered):
        edges[i] = []
        for other in range(place if i not in old else 0):
            shared = len(sets[place] & sets[other])
            value = shared / len(sets[place] if similarity == "containment" else sets[place] | sets[other])
            if value >= threshold:
                edges[i].append((ordered[other][0], value))
    return edges


def _plain_star(ordered: list[tuple[str, str]], edges: dict[str, list[tuple[str, float]]]) -> dict[str, Removal]:
    gone: dict[str, Removal] = {}
    for i, _ in ordered:
        if stay := [(other, value) for other, value in edges[i] if other not in gone]:
            partner, value = max(stay, key=lambda pair: pair[1])  # of equals the first
            gone[i] = Removal("near", partner, partner, value)
    return gone


def _plain_components(
    ordered: list[tuple[str, str]], edges: dict[str, list[tuple[str, float]]], old: set[str]
) -> dict[str, Removal]:
    place = {i: n for n, (i, _) in enumerate(ordered)}
    label = plain_components([(place[i], place[other]) for i, found in edges.items() for other, _ in found], len(place))
    both: dict[str, list[tuple[str, float]]] = {i: list(found) for i, found in edges.items()}
    for i, found in edges.items():
        for other, value in found:
            both[other].append((i, value))
    gone: dict[str, Removal] = {}
    for i, _ in ordered:
        if label[place[i]] != place[i] and i not in old:
            partner, value = min(both[i], key=lambda pair: (-pair[1], place[pair[0]]))
            gone[i] = Removal("near", partner, ordered[label[place[i]]][0], value)
    return gone


def plain_components(edges: Iterable[tuple[int, int]], count: int) -> list[int]:
    """Union-find: the least node of each node's component."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    for one, other in edges:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return [root(node) for node in range(count)]


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


def chain(rng: random.Random, count: int, step: int = 14, size: int = 160) -> list[str]:
    """Windows of one long text: each is similar to the next (Jaccard 0.835 by default) and unlike the one after."""
    long = words(rng, size + step * (count - 1))
    return [" ".join(long[step * n : step * n + size]) for n in range(count)]


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
