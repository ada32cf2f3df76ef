import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.hangul import HANGUL_CLASS, is_letter
from malmoi_tokenizer_lab.byte_level.allowed import allowed_pairs, end_states, is_allowed

CHARACTERS = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]

pieces = st.lists(
    st.one_of(
        st.sampled_from([" ", "a", "가", "힣", "힘", "ㅋ", "ㄱ", "ㆎ", "ㆎ", "漢", "ㄅ", "\ud7b0", "\u1100"]).map(
            str.encode
        ),
        st.sampled_from(
            [b"\xea", b"\xec\x84", b"\xa0", b"\xe3\x84", b"\xe3\x85", b"\xed\x9e", b"\xa3", b"\xa4", b"\xb1"]
        ),
        st.binary(min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=4,
).map(b"".join)


@pytest.mark.long
def test_single_characters_are_allowed_if_they_are_letters():
    assert [c for c in CHARACTERS if is_allowed(c.encode())] == [c for c in CHARACTERS if is_letter(c)]


def test_prefixes_are_those_that_begin_hangul_only():
    """Two bytes are allowed if every character that begins with them is Hangul, and one of them is a letter."""
    hangul = re.compile(f"[{HANGUL_CLASS}]")
    starting = {}
    for character in CHARACTERS:
        if len(character.encode()) == 3:
            starting.setdefault(character.encode()[:2], []).append(character)
    # U+D7A4..D7AF and the ends of the block of jamo are unassigned, and surrounded by Hangul: no text has them.
    unassigned = set(map(chr, [*range(0xD7A4, 0xD7B0), 0x318F, 0x3130]))
    exclusive = {
        prefix
        for prefix, found in starting.items()
        if all(hangul.match(c) or c in unassigned for c in found) and any(map(is_letter, found))
    }
    two_bytes = [bytes([first, second]) for first in range(256) for second in range(256)]
    assert {text for text in two_bytes if is_allowed(text)} == exclusive
    assert len(exclusive) == 16 + 64 + 64 + 31 + 1
    assert not any(is_allowed(bytes([byte])) for byte in range(256))


def test_what_a_token_is_made_of():
    for text in (" 나라", "나라", "ㅋㅋ", "나ㅠ"):
        assert is_allowed(text.encode())
        assert is_allowed(text.encode() + b"\xec\x84")
        assert not is_allowed(text.encode() + b"\xec")
        assert not is_allowed(text.encode() + b"\xe3\x86")
        assert not is_allowed(b"\x84" + text.encode())
        assert not is_allowed(text.encode() + b"\xec\x84" + text.encode())
    assert is_allowed(b" \xec\x84")
    for text in ("", " ", "  나", "나 ", "나 라", "나.", "a나", "나1", "\u1112\u1161", "ﾡ", "▁나"):
        assert not is_allowed(text.encode())


@given(st.lists(pieces, min_size=1, max_size=6))
def test_pairs_are_judged_as_their_bytes_are(tokens):
    ends = end_states(tokens)
    left, right = (index.ravel().astype(np.int32) for index in np.indices((len(tokens), len(tokens))))
    expected = [is_allowed(tokens[a] + tokens[b]) for a, b in zip(left, right, strict=True)]
    assert allowed_pairs(ends, left, right).tolist() == expected


def test_no_tokens_and_an_empty_token():
    assert end_states([]).shape == (0, 13)
    ends = end_states([b"", "가".encode()])
    assert allowed_pairs(ends, np.array([0, 0, 1]), np.array([0, 1, 0])).tolist() == [False, True, True]
