"""Text that was read in the wrong encoding: UTF-8 or CP949 bytes taken for Latin-1 or Windows-1252.

Both are looked for line by line, CP949 run by run: a text repairs as a whole only if all of it was damaged alike.
"""

import re

import ftfy
import ftfy.bad_codecs  # knows sloppy-windows-1252, in which every byte is a character

# Lead bytes of UTF-8 as Latin-1 shows them: Latin, punctuation, kana and jamo, syllables (EA-ED), emoji; and of EUC-KR:
# syllables (B0-C8), but for the middle dot (B7), of which Korean text is full.
LEADS = "ÂÃâãêëìíð°-¶¸-È"
_TRAILS = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"  # continuation bytes as Latin-1 or Windows-1252 shows them
_TRAIL = f"[{_TRAILS}]"
_UTF_8 = re.compile(f"[ÂÃ]{_TRAIL}|[âãêëìí]{_TRAIL}{{2}}|ð{_TRAIL}{{3}}")
_EUC_KR = re.compile("(?:[°-È][¡-þ]){3}")
_PAIR = re.compile(f"[{LEADS}][{_TRAILS}¡-þ]")  # the start of either; searched several times as fast
_MAY_BE = re.compile(f"{_UTF_8.pattern}|{_EUC_KR.pattern}")

# The syllables that are two thirds and more of all in reviews, novels, laws and manuals. A table of characters such as
# "ÀÁÂÃÄÅÆÇÈÉ" is valid EUC-KR, too, but for syllables that hardly occur.
_COMMON = frozenset(
    "이다는에의한을지사가정고기로제를서수은니여자인시그도리조어대나부구일보으재관아있용위법소원라상국헌화전해합건만할경명적영장"
    "요과게스청개판호우되면문것행주항성공내들세된무본결및마업야동거음또없변작터유계치모신각었연등비입설당회간생심금매습분하"
)
_HANGUL = re.compile("[가-힣]")
_AROUND = "“”‘’…–—•"  # in Windows-1252, but more often the author's
_RUN = re.compile(f"[!-~\x80-\xff{_TRAILS}]+")
_LEAST_COMMON = 0.3  # share of common syllables; running text has at least 0.6, tables none


def may_be_mojibake(text: str) -> bool:
    """Whether a text has traces of damage, repairable or not."""
    return _PAIR.search(text) is not None and _MAY_BE.search(text) is not None


def repair_mojibake(text: str) -> str:
    """Read the damaged lines of a text anew.

    >>> repair_mojibake("¾È³çÇÏ¼¼¿ä")
    '안녕하세요'
    """
    if not may_be_mojibake(text):
        return text
    return "\n".join(map(_repair_line, text.split("\n")))


def _repair_line(line: str) -> str:
    if _EUC_KR.search(line):
        line = _from_cp949(line)
    # The encoding step alone: ftfy's full clean-up is slow and changes quotes and widths that belong to the author.
    return ftfy.fix_encoding(line) if _UTF_8.search(line) else line


def _from_cp949(line: str) -> str:
    """The line with each run read as CP949 that can be, if together they are then plausible Korean; else the line."""
    pieces: list[str] = []
    syllables: list[str] = []
    done = 0
    for run in _RUN.finditer(line):
        if (read := _read_run(run[0])) is not None:
            pieces += [line[done : run.start()], read]
            syllables += _HANGUL.findall(read)
            done = run.end()
    plausible = sum(map(_COMMON.__contains__, syllables)) > _LEAST_COMMON * len(syllables)
    return "".join([*pieces, line[done:]]) if plausible else line


def _read_run(run: str) -> str | None:
    """A run without white space read as CP949, quotes and dashes around it left out if need be; None if it is none."""
    for inner in dict.fromkeys((run.strip(_AROUND), run)):
        try:
            read = inner.encode("sloppy-windows-1252").decode("cp949")
        except UnicodeError:
            continue
        if _HANGUL.search(read):
            return run.replace(inner, read, 1)
    return None
