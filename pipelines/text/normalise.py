"""Normalise a document: one fixed order of rules, applied until none of them changes anything.

1. `html`        entities unescaped, left-over tags removed (option)
2. `mojibake`    UTF-8 that was read as Latin-1 or Windows-1252, line by line, where a cheap check finds its traces
3. `line_ends`   CR LF, CR, NEL, VT, FF, U+2028 and U+2029 → LF
4. `control`     control characters but LF and TAB, lone surrogates and noncharacters removed
5. `zero_width`  zero-width and direction marks, soft hyphen, byte order mark removed; U+200D stays inside emoji
6. `nfd`         composed to NFC; after 4 and 5, which may stand between the parts of a syllable
7. `spaces`      every other space → U+0020, runs of spaces → one (option), none at line ends or around the document
8. `blank_lines` at most one blank line in a row

`literal_mask` in the changes marks a document that came with a mask token (`<|acc|>`, `<|rrn|>`, `<|tell|>`): it is
kept as it is, never scanned again and never nested.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import ftfy

from pipelines.contracts.config import Config
from pipelines.text.html import clear_html

MAX_PASSES = 10  # entities escaped in entities are undone this deep; beyond, a text is an attack and stays as it is

_LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff"
_ZERO_WIDTH = "\u00ad\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
# U+3164 and U+FFA0 are the Hangul fillers, which writers use as a space that sites do not trim.
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u3164\uffa0"
# Lead bytes of UTF-8 as Latin-1 shows them: Latin, punctuation, kana and jamo, syllables (EA-ED), emoji.
_LEADS = "ÂÃâãêëìíð"
_TRAIL = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # continuation bytes as Latin-1 or Windows-1252 shows them

# Python's regex engine scans fast for patterns that begin with a plain character or class; a repetition or a
# look-behind in front costs a factor of four. Hence three spaces and a star below for two spaces or more.
_SUSPECT = re.compile(f"[{_LINE_ENDS}{_CONTROL}{_ZERO_WIDTH}\u200d{_SPACES}{_LEADS}]")
_MOJIBAKE = re.compile(f"[ÂÃ]{_TRAIL}|[âãêëìí]{_TRAIL}{{2}}|ð{_TRAIL}{{3}}")
_LINE_END = re.compile(f"[{_LINE_ENDS}](?:(?<=\r)\n)?")
_CONTROLS = re.compile(f"[{_CONTROL}]")
_EMOJI = "\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff"
_ZERO_WIDTHS = re.compile(f"[{_ZERO_WIDTH}]|\u200d(?:(?![{_EMOJI}])|(?<![{_EMOJI}].))")
_OTHER_SPACES = re.compile(f"[{_SPACES}]")
_SPACE_RUN = re.compile("   *")
_BLANK_LINES = re.compile("\n\n\n\n*")
_LITERAL_MASK = re.compile(r"<\|(?:acc|rrn|tell)\|>")


class NormaliseOptions(Config):
    """What `normalise` may do beyond what every text needs."""

    html: bool = True
    """Unescape entities and remove left-over tags."""
    collapse_spaces: bool = True
    """Make one space of a run of spaces; indentation is lost with it."""


class Normalised(NamedTuple):
    """A normalised text and the names of the rules that changed it, in order of first change."""

    text: str
    changes: tuple[str, ...]


Rule = tuple[str, Callable[[str], str]]
_DEFAULTS = NormaliseOptions()


def normalise(text: str, options: NormaliseOptions = _DEFAULTS) -> Normalised:
    r"""Apply the rules in their order until nothing changes: `normalise` of its own result changes nothing.

    >>> normalise("안녕\u200b하세요 &amp;\r\n")
    Normalised(text='안녕하세요 &', changes=('html', 'line_ends', 'zero_width', 'spaces'))
    """
    changes: dict[str, None] = {}
    for _ in range(MAX_PASSES):
        before = text
        if options.html and ("&" in text or "<" in text):
            text = _apply(_MARKUP_RULES, text, changes)
        if _SUSPECT.search(text):  # one scan finds that a clean text needs none of these
            text = _apply(_CHARACTER_RULES, text, changes)
        text = _apply(_COLLAPSING_RULES if options.collapse_spaces else _LAYOUT_RULES, text, changes)
        if text == before:
            break
    if "<|" in text and _LITERAL_MASK.search(text):
        changes["literal_mask"] = None
    return Normalised(text, tuple(changes))


def _apply(rules: tuple[Rule, ...], text: str, changes: dict[str, None]) -> str:
    for name, rule in rules:
        after = rule(text)
        if after != text:
            changes[name] = None
            text = after
    return text


def _repair_mojibake(text: str) -> str:
    # Per line: a text repairs as a whole only if all of it was damaged alike. The encoding step alone, because ftfy's
    # full clean-up is slow and changes quotes and widths that belong to the author.
    if not _MOJIBAKE.search(text):
        return text
    return "\n".join(ftfy.fix_encoding(line) if _MOJIBAKE.search(line) else line for line in text.split("\n"))


def _compose(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _tidy_spaces(text: str) -> str:
    if " \n" in text or "\t\n" in text:
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    return text.strip(" \t\n")


def _collapse_spaces(text: str) -> str:
    return _tidy_spaces(_SPACE_RUN.sub(" ", text) if "  " in text else text)


def _limit_blank_lines(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text


_MARKUP_RULES: tuple[Rule, ...] = (("html", clear_html),)
_CHARACTER_RULES: tuple[Rule, ...] = (
    ("mojibake", _repair_mojibake),
    ("line_ends", lambda text: _LINE_END.sub("\n", text)),
    ("control", lambda text: _CONTROLS.sub("", text)),
    ("zero_width", lambda text: _ZERO_WIDTHS.sub("", text)),
    ("spaces", lambda text: _OTHER_SPACES.sub(" ", text)),
)
_LAYOUT_RULES: tuple[Rule, ...] = (("nfd", _compose), ("spaces", _tidy_spaces), ("blank_lines", _limit_blank_lines))
_COLLAPSING_RULES: tuple[Rule, ...] = (
    ("nfd", _compose),
    ("spaces", _collapse_spaces),
    ("blank_lines", _limit_blank_lines),
)
