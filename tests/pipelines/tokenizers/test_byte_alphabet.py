from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.tokenizers.byte_alphabet import CHARACTERS, spell, unspell
from tokenizers import pre_tokenizers


def test_the_alphabet_is_the_librarys():
    assert sorted(CHARACTERS) == list(range(256))
    assert set(CHARACTERS.values()) == set(pre_tokenizers.ByteLevel.alphabet())


@given(st.text(min_size=1))
def test_text_is_spelled_as_the_library_spells_it(text):
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    assert "".join(piece for piece, _ in pieces) == spell(text.encode())


@given(st.binary())
def test_spelling_is_undone(token):
    assert unspell(spell(token)) == token


def test_other_characters_stand_for_no_byte():
    for text in ("a b", "\n", "\x7f", "\xad", "가", "ń"):
        assert unspell(text) is None
