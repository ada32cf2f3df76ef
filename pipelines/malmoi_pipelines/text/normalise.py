"""Normalise documents: one fixed order of rules, all but the first applied until none of them changes anything.

1. `html`        left-over tags removed, entities unescaped, once and before all else (option)
2. `mojibake`    UTF-8 or EUC-KR that was read as Latin-1 or Windows-1252, line by line, where a check finds traces
3. `line_ends`   CR LF, CR, NEL, VT, FF, U+2028 and U+2029 → LF
4. `control`     control characters but LF and TAB, lone surrogates and noncharacters removed
5. `zero_width`  zero-width and direction marks, soft hyphen, byte order mark removed; U+200D stays inside emoji
6. `spaces`      every other space → U+0020
7. `nfd`         composed to NFC; after 4 and 5, which may stand between the parts of a syllable
8. `spaces`      runs of spaces → one (option), none at line ends or around the document
9. `blank_lines` at most one blank line in a row
10. `repeats`    runs of one emoticon letter or mark cut to a length (option, see `malmoi_pipelines.text.repeats`)

`literal_mask` in the changes marks a document that came with a mask token (`<|rrn|>`, `<|tell|>`, ...): it is kept
as it is, never scanned again and never nested.

`normalise` defines the result, one text at a time. `normalise_all` gives the same for many: it looks once at all their
characters in one array and finds the texts that need nothing, which is most of them, and those that need only rules 8
and 9.
"""

import functools
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from malmoi_pipelines.contracts.arrays import cuts
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.text.character_rules import SUSPECT, mend_characters
from malmoi_pipelines.text.html import clear_html, html_places
from malmoi_pipelines.text.layout import CollapseSpaces, tidy
from malmoi_pipelines.text.mojibake import may_be_mojibake
from malmoi_pipelines.text.pii import KINDS
from malmoi_pipelines.text.repeats import cut_repeats, repeats_pattern
from malmoi_pipelines.text.text_block import TextBlock

MAX_PASSES = 10  # beyond, a text is an attack and stays as it is

_BLOCK_CHARS = 1 << 19  # characters looked at together: arrays over them stay in the cache
_SPACE, _TAB, _LINE_FEED, _LAYOUT, _MARKUP, _ALL_RULES = (1 << bit for bit in range(6))
_LITERAL_MASK = re.compile(rf"<\|(?:{'|'.join(KINDS)})\|>")


class NormaliseOptions(Config):
    """What `normalise` may do beyond what every text needs."""

    html: bool | None = None
    """Remove left-over tags and unescape entities. null: of every text but those that were taken out of web pages (WARC
    and WET), where an escaped tag is what readers saw, and those that were cleaned before."""
    collapse_spaces: CollapseSpaces = "inner"
    """Make one space of a run of spaces. `inner`: only after the first visible character of a line, so that code, lists
    and verse keep their indentation, which means something, and loses what layout left inside of lines; `all`:
    everywhere."""
    repeats: int | None = Field(None, ge=2)
    """Cut runs of one emoticon letter or mark (ㅋㅋㅋㅋㅋ, ㅠㅠㅠ, !!!!, ~~~~) to so many. null: leave them."""

    def of_shown(self) -> "NormaliseOptions":
        """For texts in which an escaped tag is what readers saw."""
        return self if self.html is not None else self.model_copy(update={"html": False})


class Normalised(NamedTuple):
    """A normalised text and the names of the rules that changed it, in order of first change."""

    text: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class NormalisedBlock:
    """Normalised texts in the order they came."""

    texts: list[str]
    changes: list[tuple[str, ...]]
    """The names of the rules that changed each text; mostly the empty tuple."""


_DEFAULTS = NormaliseOptions()


def normalise(text: str, options: NormaliseOptions = _DEFAULTS) -> Normalised:
    r"""Apply the rules in their order until nothing changes: without `html`, its own result stays as it is.

    With it a second time would take for a tag what was an escaped one.

    >>> normalise("안녕\u200b하세요 &amp;\r\n")
    Normalised(text='안녕하세요 &', changes=('html', 'line_ends', 'zero_width', 'spaces'))
    """
    changes: dict[str, None] = {}
    if options.html is not False and ("&" in text or "<" in text):
        text = _applied("html", clear_html(text), text, changes)
    for _ in range(MAX_PASSES):
        before = text
        text = mend_characters(text, changes)
        text = _applied("nfd", _compose(text), text, changes)
        # Layout finds nothing more to do after itself and makes nothing for the rules above, but for mojibake, which is
        # looked at in whole lines.
        settled = text == before and not may_be_mojibake(text)
        text = tidy(text, options.collapse_spaces, changes)
        if options.repeats is not None:
            cut = cut_repeats(text, options.repeats)
            settled &= cut == text
            text = _applied("repeats", cut, text, changes)
        if settled or text == before:
            break
    if "<|" in text and _LITERAL_MASK.search(text):
        changes["literal_mask"] = None
    return Normalised(text, tuple(changes))


def _applied(name: str, after: str, before: str, changes: dict[str, None]) -> str:
    if after != before:
        changes[name] = None
    return after


def normalise_all(texts: Sequence[str], options: NormaliseOptions = _DEFAULTS) -> NormalisedBlock:
    """Normalise many texts: equal to `[normalise(text, options) for text in texts]`."""
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    result = NormalisedBlock([], [])
    for first, last in cuts(sizes, _BLOCK_CHARS):
        part = _normalise_block(texts[first:last], options)
        result.texts.extend(part.texts)
        result.changes.extend(part.changes)
    return result


def _normalise_block(texts: Sequence[str], options: NormaliseOptions) -> NormalisedBlock:
    none: list[tuple[str, ...]] = [()]
    result = NormalisedBlock(list(texts), none * len(texts))
    needs = _needs(texts, options)
    _clear_markup(result, needs, options)
    for place in np.flatnonzero(needs).tolist():
        if needs[place] & _ALL_RULES:
            result.texts[place], result.changes[place] = normalise(texts[place], options)
        else:
            changes = dict.fromkeys(result.changes[place])
            result.texts[place] = tidy(result.texts[place], options.collapse_spaces, changes)
            result.changes[place] = tuple(changes)
    return result


def _clear_markup(block: NormalisedBlock, needs: npt.NDArray[np.uint8], options: NormaliseOptions) -> None:
    """Apply the rule on HTML where nothing else needs all rules; update the needs."""
    changed = []
    for place in np.flatnonzero((needs & (_MARKUP | _ALL_RULES)) == _MARKUP).tolist():
        text = clear_html(block.texts[place])
        if text != block.texts[place]:
            block.texts[place], block.changes[place] = text, ("html",)
            changed.append(place)
    without = options.model_copy(update={"html": False})
    if changed:
        needs[changed] |= _needs([block.texts[place] for place in changed], without)
    needs &= ~np.uint8(_MARKUP)


def _needs(texts: Sequence[str], options: NormaliseOptions) -> npt.NDArray[np.uint8]:
    """For each text which rules may change it: bits of `_MARKUP`, `_LAYOUT` and, for all others, `_ALL_RULES`."""
    block = TextBlock.of(texts)
    kinds = _kinds().take(block.codes)
    blank, line_end = kinds & (_SPACE | _TAB) != 0, kinds & _LINE_FEED != 0
    # Two spaces, a blank before a line end, three line ends; LF follows every text, so what ends one is found, too.
    layout = np.zeros(len(kinds), np.bool_)
    layout[:-1] = (kinds[:-1] & kinds[1:] & _SPACE != 0) | blank[:-1] & line_end[1:]
    layout[:-2] |= line_end[:-2] & line_end[1:-1] & line_end[2:]
    starts = block.starts[:-1]
    ends = np.maximum(block.starts[1:] - 2, starts)
    edges = (blank | line_end)[starts] | line_end[ends]
    layout[starts] |= edges & (block.lengths > 0)
    needs = np.bitwise_or.reduceat(kinds & _ALL_RULES | layout * np.uint8(_LAYOUT), starts)
    _mark(needs, block, [found.start() for found in _LITERAL_MASK.finditer(block.joined)], _ALL_RULES)
    if options.html is not False:
        _mark(needs, block, html_places(block.joined), _MARKUP)
    if options.repeats is not None:
        runs = repeats_pattern(options.repeats).finditer(block.joined)
        _mark(needs, block, [run.start() for run in runs], _ALL_RULES)
    return needs


def _mark(needs: npt.NDArray[np.uint8], block: TextBlock, places: list[int], what: int) -> None:
    needs[np.searchsorted(block.starts, places, "right") - 1] |= what


@functools.cache
def _kinds() -> npt.NDArray[np.uint8]:
    """What each code point is to `_needs`."""
    table = np.zeros(sys.maxunicode + 1, np.uint8)
    table[ord(" ")], table[ord("\t")], table[ord("\n")] = _SPACE, _TAB, _LINE_FEED
    table[[code for code in range(0x10000) if SUSPECT.match(chr(code))]] = _ALL_RULES
    table[_not_always_composed()] = _ALL_RULES
    return table


def _not_always_composed() -> list[int]:
    """Code points that NFC may change or compose with what is before them; a text without any is in NFC."""
    assigned = [*range(0xAC00), *range(0xD7A4, 0x20000), *range(0x2F800, 0x2FA20)]  # no syllables and ideographs
    parts = (unicodedata.decomposition(chr(code)).split() for code in assigned)
    second = {int(part[1], 16) for part in parts if len(part) == 2 and not part[0].startswith("<")}
    second.update(range(0x1161, 0x1176), range(0x11A8, 0x11C3))  # vowels and final consonants of Hangul
    changed = (code for code in assigned if not unicodedata.is_normalized("NFC", chr(code)))
    return sorted(second.union(changed, (code for code in assigned if unicodedata.combining(chr(code)))))


def _compose(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)
