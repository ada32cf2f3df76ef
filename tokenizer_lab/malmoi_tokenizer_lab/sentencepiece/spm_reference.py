"""SentencePiece BPE as llama.cpp runs it from a GGUF file, written out here: what the gates compare against.

llama.cpp does not call SentencePiece. It keeps the pieces and scores and merges by its own code (its SPM tokenizer):
a queue of neighbouring pairs, the highest score first, then the leftmost; symbols that are no piece become bytes. Two
things differ from SentencePiece and are kept here as they are:

- any row may be the result of a merge, whatever its type, since it looks up texts and not types;
- special tokens are cut out first, the longest names first, and a space is put before the text after each of them.
"""

import heapq
from collections.abc import Iterator
from typing import Any

from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers.model_proto import BYTE, CONTROL, UNKNOWN, USER_DEFINED


class SpmReference:
    """An encoder for one model.

    Args:
        model: a SentencePiece BPE model.
        parse_special: also cut out control tokens such as `</s>`, as llama.cpp does in chat templates.
    """

    def __init__(self, model: Any, *, parse_special: bool = False) -> None:
        self._rows = {piece.piece: (index, piece.score) for index, piece in enumerate(model.pieces)}
        self._bytes = {int(p.piece[3:5], 16): index for index, p in enumerate(model.pieces) if p.type == BYTE}
        self._unknown = next((index for index, piece in enumerate(model.pieces) if piece.type == UNKNOWN), -1)
        self._space_prefix = bool(model.normalizer_spec.add_dummy_prefix)
        types = (USER_DEFINED, CONTROL, UNKNOWN) if parse_special else (USER_DEFINED,)
        names = [(piece.piece, index) for index, piece in enumerate(model.pieces) if piece.type in types]
        self._specials = sorted(names, key=lambda name: (-len(name[0]), name[1]))

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without `<s>`."""
        ids: list[int] = []
        after_special = True
        for fragment in self._fragments(text):
            if isinstance(fragment, int):
                ids.append(fragment)
            else:
                prefix = " " if self._space_prefix and after_special else ""
                ids += self._merged((prefix + fragment).replace(" ", SPACE_MARK))
            after_special = isinstance(fragment, int)
        return ids

    def _fragments(self, text: str) -> list[str | int]:
        """The text with the special tokens cut out: strings that are not empty, and ids."""
        fragments: list[str | int] = [text] if text else []
        for name, index in self._specials:
            cut: list[str | int] = []
            for fragment in fragments:
                cut += [fragment] if isinstance(fragment, int) else _cut(fragment, name, index)
            fragments = cut
        return fragments

    def _merged(self, text: str) -> Iterator[int]:
        symbols = list(text)
        before, after = list(range(-1, len(symbols) - 1)), [*range(1, len(symbols)), -1]
        queue: list[tuple[float, int, int, int]] = []

        def offer(left: int, right: int) -> None:
            if left >= 0 and right >= 0 and (row := self._rows.get(symbols[left] + symbols[right])):
                heapq.heappush(queue, (-row[1], left, right, len(symbols[left]) + len(symbols[right])))

        for right in range(1, len(symbols)):
            offer(right - 1, right)
        while queue:
            _, left, right, size = heapq.heappop(queue)
            # An entry is stale if one of its two was merged since: symbols only grow, or become empty.
            if not symbols[left] or not symbols[right] or len(symbols[left]) + len(symbols[right]) != size:
                continue
            symbols[left] += symbols[right]
            symbols[right] = ""
            after[left] = after[right]
            if after[right] >= 0:
                before[after[right]] = left
            offer(before[left], left)
            offer(left, after[left])
        for symbol in filter(None, symbols):
            yield from self._ids(symbol)

    def _ids(self, symbol: str) -> list[int]:
        """A piece's id, or the byte pieces of a character that is none."""
        if row := self._rows.get(symbol):
            return [row[0]]
        return [self._bytes.get(byte, self._unknown) for byte in symbol.encode()]


def _cut(text: str, name: str, index: int) -> Iterator[str | int]:
    """A text with each occurrence of `name` replaced by its id.

    >>> list(_cut("a<|x|>", "<|x|>", 7))
    ['a', 7]
    """
    for number, part in enumerate(text.split(name)):
        if number:
            yield index
        if part:
            yield part
