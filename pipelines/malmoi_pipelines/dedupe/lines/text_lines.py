"""Lines and paragraphs of texts: cutting, the keys that tell which are equal, removing, and the ledger of it all.

A line here is a line or a paragraph, as the settings say. A cut text is a list of gap, line, gap, ..., line, gap that
joins to the text again. The gaps between lines are line breaks; those between paragraphs hold the empty lines.
"""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import xxhash

from malmoi_pipelines.contracts.arrays import I64, run_starts
from malmoi_pipelines.contracts.errors import DefectError
from malmoi_pipelines.contracts.result import AS_ROWS
from malmoi_pipelines.dedupe.messages import Columns
from malmoi_pipelines.dedupe.normalise import Fold, letters, normalise

Unit = Literal["line", "paragraph"]

# Empty lines may hold spaces, as an editor leaves them.
_BREAK = re.compile("(\n)")
_EMPTY_LINES = re.compile(r"(\n(?:[^\S\n]*\n)+)")
_EMPTY_LINES_AHEAD = re.compile(r"(?:[^\S\n]*\n)*")


def cut(text: str, unit: Unit) -> list[str]:
    r"""Cut a text: gaps at the even places, lines at the odd ones.

    >>> cut("a\n\nb", "line")
    ['', 'a', '\n', '', '\n', 'b', '']
    >>> cut("a\nb\n\n\nc\n", "paragraph")
    ['', 'a\nb', '\n\n\n', 'c', '\n']
    """
    if unit == "line":
        return ["", *_BREAK.split(text), ""]
    ahead = _EMPTY_LINES_AHEAD.match(text)
    start = ahead.end() if ahead else 0
    visible = len(text.rstrip())
    if visible <= start:
        return [text]
    end = text.find("\n", visible)  # spaces after the last word are still of its line
    end = len(text) if end < 0 else end
    return [text[:start], *_EMPTY_LINES.split(text[start:end]), text[end:]]


def without(pieces: list[str], gone: Collection[int]) -> str:
    r"""A cut text without some of its lines, but not without all.

    A line takes the gap behind it along, so no gap grows; the last line that stays gets the gap at the end of the text.

    Args:
        pieces: a cut text.
        gone: numbers of the lines to remove, in a set or as keys.

    >>> without(cut("a\n\n\nb\n\nc\n", "paragraph"), {2})
    'a\n\n\nb\n'
    """
    kept = [number for number in range(len(pieces) // 2) if number not in gone]
    parts = [pieces[place] for number in kept for place in (2 * number + 1, 2 * number + 2)]
    return "".join([pieces[0], *parts[:-1], pieces[-1]])


def size(pieces: list[str]) -> int:
    """UTF-8 bytes of the lines of a cut text, without the gaps."""
    return len("".join(pieces[1::2]).encode("utf-8", "surrogatepass"))


def line_keys(lines: list[str], min_chars: int, fold: Iterable[Fold] = ()) -> tuple[I64, list[bytes]]:
    """What two lines must share to be equal.

    Args:
        lines: lines of any number of texts (about 1 MB).
        min_chars: least letters and digits of a line that gets a key.
        fold: what equal lines may differ in, as for `normalise`.

    Returns:
        The letters and digits of each line; and each line's key, the xxh3-128 of its dedupe form as UTF-32-LE, empty
        where they are fewer than `min_chars`.
    """
    block = normalise(lines, fold)
    chars = letters(block)
    view = block.codes.data
    bounds = itertools.pairwise(block.documents.tolist())
    long = (chars >= max(1, min_chars)).tolist()
    keys = [
        xxhash.xxh3_128_digest(view[start:end]) if keyed else b""
        for keyed, (start, end) in zip(long, bounds, strict=True)
    ]
    return chars, keys


def distinct_keys(texts: list[str], unit: Unit, min_chars: int, fold: Iterable[Fold]) -> tuple[I64, Columns]:
    """The distinct keys of the lines of each text, and whose they are: numbers of the texts."""
    lines = [cut(text, unit)[1::2] for text in texts]
    chars, digests = line_keys([line for part in lines for line in part], min_chars, fold)
    owner = np.repeat(np.arange(len(texts)), [len(part) for part in lines])[chars >= min_chars]
    keys = np.frombuffer(b"".join(digests), ">u8").reshape(-1, 2).astype(np.uint64)
    order = np.lexsort((keys[:, 1], keys[:, 0], owner))
    order = order[run_starts(owner[order], keys[order, 0], keys[order, 1])]
    return owner[order], {"key_high": keys[order, 0], "key_low": keys[order, 1]}


@dataclass
class LineLedger:
    r"""Lines and their UTF-8 bytes by source: those that came in, those that stay and those removed.

    >>> ledger, text = LineLedger(), cut("머리말\n본문", "line")
    >>> ledger.count("web", ("in",), text)
    >>> ledger.count("web", ("removed",), text[:3])
    >>> ledger.count("web", ("kept",), text[2:])
    >>> ledger.check()
    >>> ledger.to_json()["web"]["in"]
    {'lines': 2, 'bytes': 15}
    """

    lines: Annotated[Counter[tuple[str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(source, outcome) → lines; an outcome is "in", "kept" or "removed"."""
    bytes: Annotated[Counter[tuple[str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(source, outcome) → bytes."""

    def count(self, source: str, outcomes: tuple[str, ...], pieces: list[str]) -> None:
        """Count the lines of a cut text once for each outcome."""
        lines, num_bytes = len(pieces) // 2, size(pieces)
        for outcome in outcomes:
            self.lines[source, outcome] += lines
            self.bytes[source, outcome] += num_bytes

    def merge(self, other: "LineLedger") -> None:
        """Add another ledger's counts."""
        self.lines.update(other.lines)
        self.bytes.update(other.bytes)

    def check(self) -> None:
        """Prove that no line was lost.

        Raises:
            DefectError: naming the source and the numbers that do not add up.
        """
        for source in {source for source, _ in self.lines}:
            for name, counts in (("lines", self.lines), ("bytes of lines", self.bytes)):
                came, kept, removed = (counts[source, outcome] for outcome in ("in", "kept", "removed"))
                if came != kept + removed:
                    raise DefectError(
                        f"the ledger of source {source!r} does not balance: {came} {name} in, but "
                        f"{kept} kept + {removed} removed = {kept + removed}."
                    )

    def to_json(self) -> dict[str, dict[str, dict[str, int]]]:
        """Plain values with sorted keys: {source: {outcome: {lines, bytes}}}."""
        result: dict[str, dict[str, dict[str, int]]] = {}
        for source, outcome in sorted(self.lines):
            cell = {"lines": self.lines[source, outcome], "bytes": self.bytes[source, outcome]}
            result.setdefault(source, {})[outcome] = cell
        return result
