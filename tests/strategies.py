"""Hypothesis strategies shared by the tests: Korean-like text with what real text has in it."""

from hypothesis import strategies as st

syllables = st.integers(0xAC00, 0xD7A3).map(chr)
jamo = st.integers(0x3131, 0x318E).map(chr)
letters = st.one_of(syllables, jamo)
others = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from("abz09.,()-%「」가힣▁\t\n  　\u00a0\u3130\u318f\ud7a4\uabff\u2582👩‍🚀"),
)
eojeol = st.text(letters, min_size=1, max_size=6)
texts = st.lists(st.one_of(eojeol, st.just(" "), st.just("\n"), others, st.text(max_size=5)), max_size=40).map("".join)
"""Valid UTF-8 text: Hangul, spaces, newlines, edges of the Hangul blocks, anything else."""
documents = st.lists(texts, max_size=12)
