import re
import unicodedata
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.sample.copies import jaccard, shingles
from malmoi_pipelines.sample.draws import stream
from malmoi_pipelines.sample.hangul import final_class, nouns
from malmoi_pipelines.sample.korean import LEGAL, REVIEW, WEB, korean
from malmoi_pipelines.sample.sources import SOURCES


def keys_of(seed: int, count: int) -> np.ndarray:
    return stream(np.full(1, seed, np.uint64), np.arange(count, dtype=np.uint64))


@pytest.fixture(scope="module")
def words() -> list[str]:
    texts = korean().compose(keys_of(3, 300), np.full(300, 400), WEB)
    return [word for text in texts for word in re.findall(r"[가-힣]+", text)]


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_document_is_the_same_alone_and_in_any_company(source):
    keys = keys_of(11, 40)
    together = source.compose(keys, source.lengths(keys))
    picked = keys[[31, 2]]
    assert source.compose(picked, source.lengths(picked)) == [together[31], together[2]]
    assert len({draft.text for draft in together}) == len(together)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_document_of_many_words_is_clean_text(source):
    keys = keys_of(5, 200)
    for draft in source.compose(keys, source.lengths(keys)):
        text = draft.text
        assert unicodedata.is_normalized("NFC", text)
        assert text == text.strip()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f]|  | \n", text)


def test_documents_have_the_words_asked_for():
    texts = korean().compose(keys_of(9, 50), np.arange(10, 60), REVIEW)
    for text, count in zip(texts, range(10, 60), strict=True):
        assert count <= len(text.split()) <= count * 2.2  # emoticons and two-word endings stand apart


def test_particles_follow_the_final_consonant(words):
    stems = {noun: final_class(noun) for noun in nouns()[:2000] if len(noun) >= 2}
    seen = Counter()
    for word in words:
        for particle in ("을", "를", "은", "는", "과", "와", "으로", "로"):
            stem = word.removesuffix(particle)
            if stem != word and stem in stems:
                seen[particle, stems[stem]] += 1
    for particle, finals in {"을": {1, 2}, "를": {0}, "과": {1, 2}, "와": {0}, "으로": {1}}.items():
        found = Counter({final: count for (name, final), count in seen.items() if name == particle})
        right = sum(found[final] for final in finals)
        # A longer stem may end in what looks like a particle, so a few may look wrong.
        assert right > 50, particle
        assert right / found.total() > 0.97, (particle, found)


def test_stems_inflect(words):
    forms = defaultdict(set)
    frequent = set(nouns()[50:300])
    for word in words:
        for cut in range(2, len(word)):
            if word[:cut] in frequent:
                forms[word[:cut]].add(word[cut:])
    assert np.median([len(found) for found in forms.values()]) >= 8


def test_word_frequencies_are_zipfian(words):
    counts = np.array(sorted(Counter(words).values(), reverse=True), float)
    ranks = np.geomspace(20, len(counts) / 10, 30).astype(int)
    slope = np.polyfit(np.log(ranks), np.log(counts[ranks - 1]), 1)[0]
    assert -1.4 < slope < -0.6
    assert (counts == 1).mean() > 0.4  # half of a real vocabulary occurs once


def test_vocabulary_grows_with_the_text(words):
    half = len(words) // 2
    assert len(set(words)) > 1.4 * len(set(words[:half]))


def test_legal_articles_are_numbered_in_order():
    keys = keys_of(2, 5)
    for text in korean().compose(keys, np.full(5, 900), LEGAL):
        numbers = [int(number) for number in re.findall(r"^제(\d+)조\(", text, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 5


def test_legal_documents_share_phrases_but_are_no_near_duplicates():
    source = SOURCES["legal"]
    keys = keys_of(6, 40)
    sets = [shingles(draft.text) for draft in source.compose(keys, source.lengths(keys))]
    assert max(jaccard(a, b) for i, a in enumerate(sets) for b in sets[:i]) < 0.1


@given(st.integers(0, 2**64 - 1))
def test_any_key_makes_a_review(key):
    (text,) = korean().compose(np.array([key], np.uint64), np.array([5]), REVIEW)
    assert re.search("[가-힣]", text)
