"""Tiny byte-level bases, made here and the same every time; plain Python that encodes and extends them, the oracle."""

import collections
import itertools

import orjson
import regex
import tokenizers
from malmoi_pipelines.tokenizers.finding import find_tokenizer
from malmoi_pipelines.tokenizers.opening import encoder_of
from malmoi_tokenizer_lab.bases import extendable
from malmoi_tokenizer_lab.byte_level.allowed import is_allowed
from malmoi_tokenizer_lab.byte_level.base import parse_byte_level, read_byte_level
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, trainers

from tests.tokenizer_lab.small import CODE_AND_ENGLISH, make_corpus

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIALS = ["<|begin|>", "<|end|>", *(f"<|spare_{i}|>" for i in range(6))]


def make_json(*, ignore_merges=False, normalizer=None, pattern=LLAMA3, vocab_size=700):
    """A byte-level `tokenizer.json` in the manner of Llama 3: special tokens after the vocabulary."""
    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.normalizer = normalizer and getattr(normalizers, normalizer)()
    parts = [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([*CODE_AND_ENGLISH.split("\n") * 30, *make_corpus(40, seed=7)], trainer)
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in SPECIALS])
    return orjson.loads(tokenizer.to_str())


def read_base(name):
    """The byte-level base of a name, by the way that every verb goes."""
    found = find_tokenizer(name)
    return read_byte_level(found, extendable(encoder_of(found, finds_special=True), found))


def make_base(**options):
    return parse_byte_level(make_json(**options), {}, "small")


def library(value):
    """The tokenizers library on a parsed or written `tokenizer.json`."""
    return tokenizers.Tokenizer.from_buffer(value if isinstance(value, bytes) else orjson.dumps(value))


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


class ReferenceEncoder:
    """Byte-level BPE by the book: cut out added tokens, cut by the pattern, merge the lowest rank, leftmost first."""

    def __init__(self, base, pattern=LLAMA3):
        self.base, self.pattern = base, regex.compile(pattern)
        self.ranks = {(left, right): (rank, new) for rank, (left, right, new) in enumerate(base.merges.tolist())}
        self.ids = {token: index for index, token in enumerate(base.tokens) if token}
        self.added = {token["content"]: token["id"] for token in base.json["added_tokens"]}
        names = "|".join(map(regex.escape, sorted(self.added, key=len, reverse=True)))
        self.cut = regex.compile(f"({names})")

    def encode(self, text):
        ids = []
        for part in self.cut.split(text):
            if part in self.added:
                ids.append(self.added[part])
            else:
                for piece in self.pattern.findall(part):
                    ids += self.merge(piece.encode())
        return ids

    def merge(self, piece):
        if self.base.ignore_merges and piece in self.ids:
            return [self.ids[piece]]
        symbols = [int(self.base.byte_ids[byte]) for byte in piece]
        while ranked := [
            (*self.ranks[pair], place) for place, pair in enumerate(itertools.pairwise(symbols)) if pair in self.ranks
        ]:
            _, new, place = min(ranked, key=lambda found: (found[0], found[2]))
            symbols[place : place + 2] = [new]
        return symbols


def continued(base, words, number):
    """Continued BPE: merge the most frequent pair whose result is allowed, `number` times; the bytes of the results."""
    reference = ReferenceEncoder(base)
    words = [([base.tokens[i] for i in reference.merge(word.encode())], count) for word, count in words.items()]
    known, new = set(base.tokens), []
    while len(new) < number:
        pairs = collections.Counter()
        for symbols, count in words:
            for left, right in itertools.pairwise(symbols):
                if is_allowed(left + right) and left + right not in known:
                    pairs[left, right] += count
        if not pairs:
            break
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        new.append(left + right)
        known.add(left + right)
        for symbols, _ in words:
            for place in range(len(symbols) - 2, -1, -1):
                if symbols[place : place + 2] == [left, right]:
                    symbols[place : place + 2] = [left + right]
    return new


def corpus_words():
    """Pre-tokens of Hangul letters in the small corpus, with their counts."""
    found = itertools.chain.from_iterable(regex.findall(r" ?[가-힣ㄱ-ㆎ]+", text) for text in make_corpus(60, seed=3))
    return collections.Counter(found)
