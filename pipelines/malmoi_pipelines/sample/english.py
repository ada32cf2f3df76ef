"""English-like text: common function words, and stems from a grammar of English-like syllables that take suffixes."""

import functools

import numpy as np

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.contracts.hashing import mix64
from malmoi_pipelines.sample.draws import Ints, bits, channel, key_of, quantile_table, stream, zipf_table
from malmoi_pipelines.sample.pieces import Pieces, draw_tokens, render

STEMS = 60_000
SENTENCE = 15  # mean words
_ONSETS = "t s r n l d m c p b f g h v st tr pr gr ch sh br cl pl sp cr fl th dr sc w j k qu"
_ONSET_WEIGHTS = [9, 8, 8, 7, 7, 6, 6, 6, 6, 5, 5, 4, 4, 4, 4, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2, 1, 1, 3, 1, 2, 1]
_NUCLEI = "e a i o u ea ou ai ee io oo"
_NUCLEUS_WEIGHTS = [20, 16, 15, 13, 7, 4, 3, 3, 2, 1, 2]
_CODAS = "_ n r t l s d m p c ck nd nt st ng rt ss ll x"  # _ is none
_CODA_WEIGHTS = [42, 9, 8, 6, 6, 4, 4, 4, 3, 3, 2, 3, 3, 3, 2, 2, 2, 2, 1]
# By rank; the commonest words of the language.
_FUNCTION_WORDS = """
    the of and to in a is that for it was on as with be by at are this from or have an which not were but has they
    their its had one he his can all we there more when if will no would about other into so what up some out only
    than also any may these each such between through over both where after before under while during because then
    many most could should must her she you your our them him who how does did been being same very just even
"""
FUNCTION_WORDS = tuple(_FUNCTION_WORDS.split())
_NOUN, _VERB, _ADJECTIVE, _FUNCTION, _NUMBER = range(5)
_ROLES = quantile_table([34, 14, 9, 41, 2], 10)
_SUFFIXES: tuple[dict[str, float], ...] = (
    {" ": 60, "s ": 22, "s, ": 3, ", ": 4, "er ": 3, "tion ": 4, "ment ": 3, "ity ": 1},
    {"ed ": 30, "ing ": 22, "s ": 18, " ": 20, "es ": 4},
    {"al ": 12, "ive ": 10, "ous ": 8, "ly ": 16, " ": 20, "able ": 6, "ful ": 4},
    {" ": 1},
    {" ": 1},
)
_ENDS = {". ": 20.0, "s. ": 9, "ing. ": 4, "ed. ": 6, "s.\n": 1.5, ".\n": 3, "? ": 0.5, "tion. ": 2}
_TOPICAL = 0.2  # nouns drawn from the document's own few


@functools.cache
def stems() -> tuple[str, ...]:
    """Stems by rank; short ones gather at the low ranks."""
    tries = np.arange(STEMS * 2, dtype=np.uint64)
    syllables = []
    for position in range(4):
        draw = stream(np.full(1, key_of("english", position), np.uint64), tries)
        parts = (
            [letters[index] for index in quantile_table(weights, 10)[bits(draw, low, 10)].tolist()]
            for low, letters, weights in (
                (0, _ONSETS.split(), _ONSET_WEIGHTS),
                (10, _NUCLEI.split(), _NUCLEUS_WEIGHTS),
                (20, [coda.strip("_") for coda in _CODAS.split()], _CODA_WEIGHTS),
            )
        )
        syllables.append(list(map("".join, zip(*parts, strict=True))))
    wanted = quantile_table([0.15, 0.5, 0.28, 0.07], 10)[bits(stream(np.full(1, 1, np.uint64), tries), 0, 10)]
    wanted[: STEMS // 60] = np.minimum(wanted[: STEMS // 60], 1)
    words = ("".join(row[: size + 1]) for row, size in zip(zip(*syllables, strict=True), wanted.tolist(), strict=True))
    function = frozenset(FUNCTION_WORDS)
    return tuple(word for word in dict.fromkeys(words) if word not in function)[:STEMS]


class English:
    """The tables of the language, and the composing of documents. Build it once: `english()`."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        words = [*FUNCTION_WORDS, *stems(), *map(str, range(1, 1025))]
        self.heads = self.pieces.add(words)
        self.capitals = self.pieces.add(word[0].upper() + word[1:] for word in words)
        self.function_zipf = zipf_table(len(FUNCTION_WORDS))
        self.stem_zipf = zipf_table(len(stems())) + len(FUNCTION_WORDS)
        self.first_number = len(FUNCTION_WORDS) + len(stems())
        self.suffixes = np.stack([self.pieces.choice(table) for table in _SUFFIXES])
        self.ends = self.pieces.choice(_ENDS)
        self.line_ends = self.pieces.choice({". ": 3.0, "s. ": 1.0})

    def compose(self, keys: U64, lengths: Ints, *, one_line: bool = False) -> list[str]:
        """Write one document a key, `lengths` words long; a document depends on its key and length only."""
        tokens = draw_tokens(keys, lengths, SENTENCE)
        role = _ROLES[bits(tokens.a, 30, 10)]
        role[tokens.end] = _NOUN
        word = self.stem_zipf[bits(tokens.a, 0, 20)]
        topical = np.flatnonzero(bits(tokens.a, 54, 10) < 1024 * _TOPICAL)
        which = bits(tokens.a, 48, 5).astype(np.uint64) << np.uint64(40)
        topic = mix64(channel(keys, "topic")[tokens.document[topical]] ^ which[topical])
        word[topical] = self.stem_zipf[bits(topic, 0, 20)]
        at = np.flatnonzero(role == _FUNCTION)
        word[at] = self.function_zipf[bits(tokens.a[at], 0, 20)]
        at = np.flatnonzero(role == _NUMBER)
        word[at] = self.first_number + bits(tokens.b[at], 0, 10)
        ending = bits(tokens.a, 20, 10)
        ends = self.line_ends if one_line else self.ends
        tail = np.where(tokens.end, ends[ending], self.suffixes[role, ending])
        head = np.where(tokens.start, self.capitals[word], self.heads[word])
        return render(self.pieces, np.zeros(len(role), np.intp), head, tail, tokens.bounds)


@functools.cache
def english() -> English:
    """The one English of this process."""
    return English()
