"""The regular expressions by which published byte-level tokenizers split text, as their documentation has them."""

from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_BLANKS = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PREFIX = r"[^\r\n\p{L}\p{N}]?"

PATTERNS = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": rf"{_CONTRACTIONS}|{_PREFIX}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_BLANKS}",
    "qwen2": rf"{_CONTRACTIONS}|{_PREFIX}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_BLANKS}",
    "tekken": rf"{_PREFIX}{_UPPER}*{_LOWER}+|{_PREFIX}{_UPPER}+{_LOWER}*|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_BLANKS}",
    "o200k": rf"{_PREFIX}{_UPPER}*{_LOWER}+{_CONTRACTIONS}?|{_PREFIX}{_UPPER}+{_LOWER}*{_CONTRACTIONS}?|\p{{N}}{{1,3}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_BLANKS}",
}
SPLITS = {name: Split(Regex(pattern), "isolated") for name, pattern in PATTERNS.items()}


def pre_tokens(name: str, text: str) -> list[str]:
    """The pre-tokens of a text."""
    return [token for token, _ in SPLITS[name].pre_tokenize_str(text)]


def crossed(text: str, units: list[str]) -> list[str]:
    """The names of those whose pre-tokens of the text are not those of its units, one unit after the other."""
    return [
        name
        for name in PATTERNS
        if pre_tokens(name, text) != [token for unit in units for token in pre_tokens(name, unit)]
    ]
