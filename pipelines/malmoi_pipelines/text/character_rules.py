"""Rules of normalisation that mend single characters: wrong encodings, line ends, controls, invisible marks, spaces."""

import re
from collections.abc import Callable

from malmoi_pipelines.text.mojibake import LEADS, repair_mojibake
from malmoi_pipelines.text.spaces import OTHER_SPACES

_LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff"
_ZERO_WIDTH = "\u00ad\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
_JOINER = "\u200d"
_EMOJI = "\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff"

SUSPECT = re.compile(f"[{_LINE_ENDS}{_CONTROL}{_ZERO_WIDTH}{_JOINER}{OTHER_SPACES}{LEADS}]")
"""A character without which a text needs none of these rules. All lie in the basic plane."""

# Python's regex engine scans fast for patterns that begin with a plain character or class; a repetition or a
# look-behind in front costs a factor of four.
_LINE_END = re.compile(f"[{_LINE_ENDS}](?:(?<=\r)\n)?")
_CONTROLS = re.compile(f"[{_CONTROL}]")
_ZERO_WIDTHS = re.compile(f"[{_ZERO_WIDTH}]|{_JOINER}(?:(?![{_EMOJI}])|(?<![{_EMOJI}].))")
_SPACE = re.compile(f"[{OTHER_SPACES}]")


def _members(character_class: str) -> frozenset[str]:
    return frozenset(re.findall(f"[{character_class}]", "".join(map(chr, range(0x10000)))))


_RULES: tuple[tuple[str, frozenset[str], Callable[[str], str]], ...] = (
    ("mojibake", _members(LEADS), repair_mojibake),
    ("line_ends", _members(_LINE_ENDS), lambda text: _LINE_END.sub("\n", text)),
    ("control", _members(_CONTROL), lambda text: _CONTROLS.sub("", text)),
    ("zero_width", _members(_ZERO_WIDTH + _JOINER), lambda text: _ZERO_WIDTHS.sub("", text)),
    ("spaces", _members(OTHER_SPACES), lambda text: _SPACE.sub(" ", text)),
)


def mend_characters(text: str, changes: dict[str, None]) -> str:
    """Apply the rules in order, each if the text holds a character that it is about; name those that change it.

    Where it changes nothing, doing it again may only if the text has traces of mojibake and its lines change.
    """
    found = frozenset(SUSPECT.findall(text))
    if not found:
        return text
    for name, members, rule in _RULES:
        if not members.isdisjoint(found):
            after = rule(text)
            if after != text:
                changes[name] = None
                text = after
    return text
