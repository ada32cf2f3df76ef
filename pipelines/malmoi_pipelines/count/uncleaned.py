"""Signs that a corpus was not cleaned: text that is not composed, and carriage returns. Both end up in tokens."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import cuts, text_buffers
from malmoi_pipelines.contracts.result import Result

_SLICE_BYTES = 1 << 16
# First bytes of UTF-8. Letters in parts have others: combining marks, conjoining jamo, compatibility ideographs. To
# decode all text only for single characters such as the Ohm sign would take a tenth of the stage's time.
_LATIN = 0xC3  # the last that Latin-1 has
_TO_HANGUL = 0xE2  # from it to HANGUL: punctuation, kana, ideographs and syllables
_HANGUL = 0xEE


@dataclass
class Uncleaned(Result):
    """The documents of one task that show them, or of all."""

    decomposed: Counter[str] = field(default_factory=Counter)
    """Source → documents with letters in parts, or others that NFC changes."""
    returns: Counter[str] = field(default_factory=Counter)
    """Source → documents with a carriage return."""

    def add(self, source: str, texts: pa.LargeStringArray) -> None:
        r"""Look at some texts of a source.

        >>> found = Uncleaned()
        >>> found.add("web", pa.array(["한글", "\u1112\u1161\u11ab", "a\r\nb"], pa.large_string()))
        >>> dict(found.decomposed), dict(found.returns)
        ({'web': 1}, {'web': 1})
        """
        data, bounds = text_buffers(texts)
        for first, last in cuts(np.diff(bounds), _SLICE_BYTES):
            piece = data[bounds[first] : bounds[last]]
            if np.any((piece > _LATIN) & (piece < _TO_HANGUL) | (piece > _HANGUL)):
                those = texts.slice(first, last - first).to_pylist()
                self.decomposed[source] += sum(not unicodedata.is_normalized("NFC", text) for text in those)
            if (places := np.flatnonzero(piece == ord("\r"))).size:
                owners = np.searchsorted(bounds[first : last + 1] - bounds[first], places, "right")
                self.returns[source] += len(np.unique(owners))

    def merge(self, other: "Uncleaned") -> None:
        """Add another task's."""
        self.decomposed.update(other.decomposed)
        self.returns.update(other.returns)

    def warnings(self, documents: int) -> Iterator[str]:
        """What to tell a person, of so many documents in all."""
        for found, what, so in (
            (self.decomposed, "are not in NFC", "their syllables are counted as letters, and a tokenizer learns these"),
            (self.returns, "hold carriage returns", "they stand in units, where no tokenizer wants them"),
        ):
            if number := found.total():
                most = ", ".join(f"{source} {count:,}" for source, count in found.most_common(3))
                yield (
                    f"{number:,} of {documents:,} documents ({number / documents:.1%}) {what} ({most}): {so}. "
                    "`malmoi clean` mends both; count what it writes"
                )
