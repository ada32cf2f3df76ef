"""Runs of one emoticon letter or mark, as informal Korean writes them: ㅋㅋㅋㅋㅋ, ㅠㅠㅠㅠ, !!!!!, 좋아요~~~~.

What is cut: compatibility jamo; exclamation and question marks, hearts, stars, notes and ellipsis characters; and the
marks that also draw lines, point at code or begin comments (~ ^ . ;) where they follow a letter, as emoticons do, and
the dots in a table of contents or the carets under a line of code do not. What is not cut: digits (1000000원), Latin
letters, Hangul syllables (안녕ㅋㅋㅋㅋ keeps its 녕), rules and markup (----, ====, ####, ****, ____), and letters that
alternate (ㅋㅎㅋㅎ).
"""

import functools
import re

_ALWAYS = "\u3131-\u318e!?！？♥♡❤★☆♪♬…"
_AFTER_LETTER = "~^.;～"


def cut_repeats(text: str, longest: int) -> str:
    """Cut every such run to at most `longest` characters.

    >>> cut_repeats("안녕ㅋㅋㅋㅋㅋ 1000000원!!!!! ------", 2)
    '안녕ㅋㅋ 1000000원!! ------'
    """
    return repeats_pattern(longest).sub(lambda run: run[0][:longest], text)


@functools.lru_cache(maxsize=8)
def repeats_pattern(longest: int) -> re.Pattern[str]:
    """Matches the runs that are longer than `longest`."""
    # The look-behind stands after the first mark: a pattern that begins with a class is searched faster.
    return re.compile(rf"([{_ALWAYS}])\1{{{longest},}}|([{_AFTER_LETTER}])(?<=[^\W\d_].)\2{{{longest},}}")
