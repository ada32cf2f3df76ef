import collections

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.tokenizers.byte_alphabet import unspell
from malmoi_tokenizer_lab.byte_level.base import parse_byte_level
from malmoi_tokenizer_lab.byte_level.pretokens import pre_tokens
from malmoi_tokenizer_lab.gates.texts import FIXED
from tokenizers import AddedToken

from tests.strategies import texts
from tests.tokenizer_lab.byte_level.small import LLAMA3, SPECIALS, library, make_json
from tests.tokenizer_lab.small import make_corpus

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TELL_APART = {
    "by range": r"[가-낳]+|[^가-낳]+",
    "by script": r"\p{Hangul}+|\P{Hangul}",
    "letters by name": r"[a-m]+|[^a-m]+",
    "digits by name": r"[0-4]|[^0-4]+",
    "no range": r"x|[^x]+",
    "by number": r"[\x{AC00}-\x{B000}]+|[^\x{AC00}-\x{B000}]",
}
PATTERNS = {"llama3": LLAMA3, "gpt2": GPT2, **TELL_APART}
MASKS = ["<|acc|>", "<|rrn|>"]
units_of_text = st.lists(
    st.one_of(
        texts,
        st.sampled_from(
            [
                *SPECIALS,
                *MASKS,
                "<|",
                "e\u0301",
                "it's",
                "I'LL",
                "x1y2",
                "Zz",
                "\u1112\u1161\u11ab",
                "가\u11a8",
                "'s",
                "한",
                "ㅋ",
            ]
        ),
    ),
    max_size=5,
).map("".join)


def expected(value, units, masks=()):
    """What the whole library does with each unit: normaliser, added tokens and pre-tokenizer; offsets give the cuts."""
    tokenizer = library(value)
    tokenizer.add_tokens([AddedToken(mask, normalized=False) for mask in masks])
    names = [*(t["content"] for t in value["added_tokens"]), *masks]
    added = {tokenizer.token_to_id(token) for token in names}
    counts, named = collections.Counter(), collections.Counter()
    for unit, count in units.items():
        encoding = tokenizer.encode(unit, add_special_tokens=False)
        words = collections.defaultdict(list)
        named.update({index: count * encoding.ids.count(index) for index in added})
        for index, word in zip(encoding.ids, encoding.word_ids, strict=True):
            words[word].append(index)
        for ids in words.values():
            if not added.intersection(ids):
                counts[b"".join(unspell(tokenizer.id_to_token(i)) for i in ids).decode()] += count
    return counts, [named[tokenizer.token_to_id(name)] for name in names]


def cut(value, units, masks=()):
    base = parse_byte_level(value, {}, "small")
    found, counts, named = pre_tokens(
        base, pa.array(list(units), pa.large_string()), np.array(list(units.values()), np.int64), masks
    )
    assert found.to_pylist() == sorted(found.to_pylist(), key=str.encode)
    assert len(set(found.to_pylist())) == len(found) == len(counts)
    return dict(zip(found.to_pylist(), counts.tolist(), strict=True)), named.tolist()


def variants():
    for name, pattern in PATTERNS.items():
        yield name, make_json(pattern=pattern, vocab_size=300)
    for form in ("NFC", "NFKC"):
        yield form, make_json(normalizer=form, vocab_size=300)
    value = make_json(vocab_size=300)
    flags = [
        ("lstrip", "<|begin|>"),
        ("rstrip", "<|end|>"),
        ("single_word", "<|spare_0|>"),
        ("normalized", "<|spare_1|>"),
    ]
    for token in value["added_tokens"]:
        token |= {name: True for name, content in flags if content == token["content"]}
    yield "flags", value


VARIANTS = dict(variants())


@pytest.fixture(scope="module", params=VARIANTS)
def value(request):
    return VARIANTS[request.param]


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_units_are_cut_as_the_library_cuts_them(value, data):
    units = data.draw(st.dictionaries(units_of_text, st.integers(1, 10**12), max_size=6))
    assert cut(value, units) == expected(value, units)
    assert cut(value, units, MASKS) == expected(value, units, MASKS)


def test_a_corpus_is_cut_as_the_library_cuts_it(value):
    words = collections.Counter(word for text in make_corpus(40) for word in text.replace(" ", "\0 ").split("\0"))
    units = {**words, **dict.fromkeys(FIXED, 3), **{f"x {name} y": 2 for name in SPECIALS}}
    assert cut(value, units) == expected(value, units)


def test_masks_and_added_tokens_are_cut_out():
    units = {"전화<|acc|>입니다<|end|>.": 2, "<|acc|>": 5}
    found, named = cut(VARIANTS["llama3"], units, MASKS)
    assert found == {"전화": 2, "입니다": 2, ".": 2}
    assert named == [0, 2, *[0] * 6, 7, 0]
    assert sum(cut(VARIANTS["llama3"], units)[0].values()) > 6


def test_a_slice_of_a_table_and_an_empty_table():
    base = parse_byte_level(VARIANTS["llama3"], {}, "small")
    units = pa.array(["버림", " 나라", "나라", " 나라.", "<|end|>버림"], pa.large_string()).slice(1, 3)
    found, counts, _ = pre_tokens(base, units, np.array([1, 2, 4]))
    assert (found.to_pylist(), counts.tolist()) == ([" 나라", ".", "나라"], [5, 4, 2])
    found, counts, _ = pre_tokens(base, units.slice(0, 0), np.zeros(0, np.int64))
    assert (len(found), len(counts)) == (0, 0)


def test_a_pre_tokenizer_that_drops_text_is_refused():
    value = make_json(vocab_size=300)
    value["pre_tokenizer"]["pretokenizers"].insert(0, {"type": "WhitespaceSplit"})
    with pytest.raises(BadInputError, match="drops or changes text"):
        cut(value, {"두 말": 1})
