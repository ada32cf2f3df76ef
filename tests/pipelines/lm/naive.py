"""Modified Kneser-Ney with dictionaries, straight from the formulas: the oracle of the tests; reading ARPA files."""

import math
from collections import Counter, defaultdict

BOS, EOS, UNK = "<s>", "</s>", "<unk>"


class Naive:
    """A model of sentences (lists of words); words in `rare` count as unknown."""

    def __init__(self, sentences, order, thresholds, rare=(), word_types=0):
        self.order = order
        padded = [[BOS, *(UNK if word in rare else word for word in words), EOS] for words in sentences]
        self.raw = {n: Counter(ngrams(padded, n)) for n in range(1, order + 1)}
        del self.raw[1][(BOS,)]
        before = defaultdict(set)
        for n in range(2, order + 1):
            for gram in self.raw[n]:
                before[gram[1:]].add(gram[0])
        self.adjusted = {
            n: {
                gram: count if n == order or gram[0] == BOS else len(before[gram])
                for gram, count in self.raw[n].items()
            }
            for n in self.raw
        }
        self.kept = {
            n: {gram for gram, count in self.raw[n].items() if count > thresholds[n - 1] and UNK not in gram}
            for n in self.raw
        }
        self.discounts = {n: self._discounts(n) for n in self.raw}
        self.words = sorted({gram[0] for gram in self.kept[1]} | {UNK})
        self.word_types = max(word_types, len(self.words))
        self.by_context = {n: defaultdict(list) for n in self.raw}
        for n, counts in self.adjusted.items():
            for gram, count in counts.items():
                self.by_context[n][gram[:-1]].append((gram, count))

    def _discounts(self, n):
        ones = [sum(count == c for gram, count in self.adjusted[n].items() if gram != (UNK,)) for c in (1, 2, 3, 4)]
        if min(ones[:3]) == 0:
            return [0, 0.5, 1.0, 1.5]
        y = ones[0] / (ones[0] + 2 * ones[1])
        result = [0.0] + [c - (c + 1) * y * ones[c] / ones[c - 1] for c in (1, 2, 3)]
        return result if all(0 < result[c] <= c for c in (1, 2, 3)) else [0, 0.5, 1.0, 1.5]

    def backoff(self, context):
        """The mass that a context leaves to shorter ones; 1 if the model has no n-gram of it."""
        n = len(context) + 1
        grams = self.by_context[n].get(context, [])
        if not any(gram in self.kept[n] for gram, _ in grams):
            return 1.0
        discount = self.discounts[n]
        free = sum(discount[min(count, 3)] if gram in self.kept[n] else count for gram, count in grams)
        return free / sum(count for _, count in grams)

    def p(self, context, word):
        """The probability of a word after a context of any length."""
        context = tuple(context)[len(context) - self.order + 1 :] if len(context) >= self.order else tuple(context)
        gram = (*context, word)
        n = len(gram)
        own = 0.0
        if gram in self.kept[n]:
            count = self.adjusted[n][gram]
            total = sum(count for _, count in self.by_context[n][context])
            own = (count - self.discounts[n][min(count, 3)]) / total
        lower = self.p(context[1:], word) if context else 1 / self.word_types
        return own + self.backoff(context) * lower

    def score(self, words):
        """log10 probability of a sentence with its end."""
        history, total = [BOS], 0.0
        for word in [*words, EOS]:
            total += math.log10(self.p(history[-self.order + 1 :] if self.order > 1 else [], word))
            history.append(word)
        return total


def ngrams(sentences, n):
    for words in sentences:
        for start in range(len(words) - n + 1):
            yield tuple(words[start : start + n])


def read_arpa(text):
    """n-gram → (log10 p, log10 back-off) of an ARPA file."""
    result = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) > 1:
            result[tuple(fields[1].split(" "))] = (float(fields[0]), float(fields[2]) if len(fields) > 2 else 0.0)
    return result
