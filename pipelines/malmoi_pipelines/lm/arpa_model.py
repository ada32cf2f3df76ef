"""Scoring with an ARPA file in NumPy: what kenlm gives, bit for bit, where kenlm cannot be built.

An n-gram is known by the row of its context (its first n - 1 words, an n-gram of the order below) and its last word:
one 64-bit number, so nothing can collide. All tokens of many sentences are looked up at once, order by order:

    log p(w | c) = that of the n-gram c w, if it is listed, else log backoff(c) + log p(w | c without its first word)

kenlm adds in 32-bit floats, from the shortest context up and from the first token of a sentence to the last. So do we:
then both scorers give equal bytes, and which of them was at hand is no part of any result.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from malmoi_pipelines.contracts.arrays import F64, I64, U64, offsets
from malmoi_pipelines.contracts.hashing import mix64
from malmoi_pipelines.lm.arpa_reader import F32, ArpaError, NgramBlock
from malmoi_pipelines.lm.key_index import MISSING, KeyIndex
from malmoi_pipelines.lm.sentences import UNKNOWN

BOS, EOS = b"<s>", b"</s>"
MISSING_UNKNOWN = np.float32(-100)  # log10 p of an unknown word where the model lists none, as in kenlm
BATCH_BYTES = 4 << 20  # of sentences that are looked up at once
TOGETHER = 64  # tokens of a sentence that are added in step with those of all others


class _Order:
    """The n-grams of one order."""

    def __init__(self, keys: U64, log_p: F32, log_backoff: F32) -> None:
        self.index = KeyIndex(keys)
        # A zero behind the last row: what is missing has row -1 and backs off with weight 1.
        nothing = np.zeros(1, np.float32)
        self.log_p = np.concatenate([log_p[self.index.order], nothing])
        self.log_backoff = np.concatenate([log_backoff[self.index.order], nothing])


class ArpaModel:
    """A back-off model.

    Args:
        blocks: what `read_arpa` gives.

    Raises:
        ArpaError: not a whole model: the marks of sentences are missing, an n-gram is listed without its context or
            twice, or has a word that is no unigram.
    """

    def __init__(self, blocks: Iterable[NgramBlock]) -> None:
        self._orders: list[_Order] = []
        for number, group in itertools.groupby(blocks, key=lambda block: block.order):
            keys, log_p, log_backoff = map(np.concatenate, zip(*map(self._rows, group), strict=True))
            if number == 1:
                keys, log_p, log_backoff = _with_unknown(keys, log_p, log_backoff)
            try:
                self._orders.append(_Order(keys, log_p, log_backoff))
            except ValueError:
                raise ArpaError(f"a {number}-gram is listed twice") from None
        self.order = len(self._orders)
        self._unknown, self._bos, self._eos = self._find_words([UNKNOWN, BOS, EOS]).tolist()
        if MISSING in (self._bos, self._eos):
            raise ArpaError("<s> or </s> is missing")

    def score_lines(self, lines: Sequence[bytes]) -> F64:
        """log10 probability of each line, from `<s>` to `</s>`. Lines are words with one space between them."""
        return np.concatenate([np.zeros(0), *(self._score(batch) for batch in _batches(lines))])

    def _rows(self, block: NgramBlock) -> tuple[U64, F32, F32]:
        """The keys of some n-grams, with their numbers."""
        if block.order == 1:
            return _word_keys(block.words.to_pylist()), block.log_p, block.log_backoff
        distinct = block.words.dictionary_encode()
        words = self._find_words(distinct.dictionary.to_pylist())[distinct.indices.to_numpy()]
        words = words.reshape(-1, block.order)
        if (words == MISSING).any():
            raise ArpaError(f"a word of a {block.order}-gram is no unigram")
        context = words[:, 0]
        for order in range(2, block.order):
            context = self._orders[order - 1].index.find(self._keys(context, words[:, order - 1]))
            if (context == MISSING).any():
                raise ArpaError(f"the context of a {block.order}-gram is not listed")
        return self._keys(context, words[:, -1]), block.log_p, block.log_backoff

    def _find_words(self, words: list[bytes]) -> I64:
        return self._orders[0].index.find(_word_keys(words))

    def _keys(self, contexts: I64, words: I64) -> U64:
        """Key of an n-gram: row of its context and row of its word as one number, scattered by a bijection."""
        return mix64((contexts * len(self._orders[0].log_p) + words).astype(np.uint64))

    def _score(self, lines: Sequence[bytes]) -> F64:
        words, lengths = self._words(lines)
        starts = offsets(lengths + 2)[:-1]  # of <s>
        tokens = np.full(int((lengths + 2).sum()), self._eos)
        tokens[starts] = self._bos
        is_word = np.ones(len(tokens), np.bool_)
        is_word[starts] = is_word[starts + lengths + 1] = False
        tokens[is_word] = words
        return _sums(self._log_p(tokens, starts), starts + 1, lengths + 1)

    def _words(self, lines: Sequence[bytes]) -> tuple[I64, I64]:
        """The unigrams of all words, and how many each line has."""
        split = pc.split_pattern(pa.array(lines, pa.large_binary()), b" ")
        distinct = split.flatten().dictionary_encode()
        found = self._find_words(distinct.dictionary.to_pylist())
        words = np.where(found == MISSING, self._unknown, found)[distinct.indices.to_numpy()]
        lengths = split.value_lengths().to_numpy().astype(np.int64)
        blank = np.fromiter((not line for line in lines), np.bool_, len(lines))
        if blank.any():  # an empty line splits into one empty word
            words, lengths = words[~np.repeat(blank, lengths)], np.where(blank, 0, lengths)
        return words, lengths

    def _log_p(self, tokens: I64, starts: I64) -> F32:
        """log10 p of each token after those before it in its sentence; of `<s>` it means nothing.

        Args:
            tokens: the unigrams of all sentences, `<s>` and `</s>` included.
            starts: where the sentences start.
        """
        rows = tokens
        log_p = self._orders[0].log_p[tokens]
        for below, orders in itertools.pairwise(self._orders):
            contexts = np.concatenate([[MISSING], rows[:-1]])
            contexts[starts] = MISSING
            rows = np.full(len(tokens), MISSING)
            asked = np.flatnonzero(contexts != MISSING)
            rows[asked] = orders.index.find(self._keys(contexts[asked], tokens[asked]))
            log_p = np.where(rows == MISSING, log_p + below.log_backoff[contexts], orders.log_p[rows])
        return log_p


def _word_keys(words: list[bytes]) -> U64:
    """Key of each unigram. kenlm takes both spellings for the unknown word."""
    spelled = (UNKNOWN if word == b"<UNK>" else word for word in words)
    return np.fromiter(map(xxhash.xxh3_64_intdigest, spelled), np.uint64, len(words))


def _with_unknown(keys: U64, log_p: F32, log_backoff: F32) -> tuple[U64, F32, F32]:
    """The unigrams, and among them one that stands for unknown words."""
    unknown = _word_keys([UNKNOWN])
    if np.isin(unknown, keys).all():
        return keys, log_p, log_backoff
    return np.append(keys, unknown), np.append(log_p, MISSING_UNKNOWN), np.append(log_backoff, np.float32(0))


def _batches(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The lines, some at a time."""
    first = size = 0
    for number, line in enumerate(lines):
        size += len(line)
        if size >= BATCH_BYTES:
            yield lines[first : number + 1]
            first, size = number + 1, 0
    if first < len(lines):
        yield lines[first:]


def _sums(values: F32, starts: I64, lengths: I64) -> F64:
    """Sum of each run of values, added in 32 bits one by one: NumPy's own sums add pairwise.

    >>> _sums(np.array([1, 2**24, 1], np.float32), np.array([0, 1]), np.array([1, 2])).tolist()
    [1.0, 16777216.0]
    """
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    sums = np.zeros(len(starts), np.float32)
    longest = int(lengths[0]) if len(lengths) else 0
    for step in range(min(longest, TOGETHER)):
        active = int(np.searchsorted(-lengths, -step))  # those longer than `step` come first
        sums[:active] += values[starts[:active] + step]
    for run in range(int(np.searchsorted(-lengths, -TOGETHER))):
        rest = values[starts[run] + TOGETHER : starts[run] + lengths[run]]
        sums[run] = np.cumsum(np.concatenate([sums[run : run + 1], rest]), dtype=np.float32)[-1]
    result = np.empty(len(sums))
    result[order] = sums
    return result
