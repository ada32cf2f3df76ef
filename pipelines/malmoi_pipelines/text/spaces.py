"""The characters that stand for a space and are none of ASCII: one class for normalisation and for personal data."""

OTHER_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u3164\uffa0"
"""Members of a character class. U+3164 and U+FFA0 are the Hangul fillers, used as a space that sites do not trim."""
