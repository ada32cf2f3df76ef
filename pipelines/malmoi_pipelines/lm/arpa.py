"""Writing ARPA files."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.lm.estimate import Estimates

BLOCK_ROWS = 1 << 17
_SPACE, _TAB, _LINE_END, _NOTHING = (pa.scalar(text, pa.large_binary()) for text in (b" ", b"\t", b"\n", b""))
SPECIALS = (b"<unk>", b"<s>", b"</s>")  # the words of the ids 0, 1, 2


def write_arpa(folder: str, name: str, words: pa.LargeBinaryArray, orders: Sequence[Estimates]) -> FileInfo:
    """Write `folder/name`; rows as the estimates have them, numbers as the shortest text of a 32-bit float.

    Args:
        folder: the dataset folder.
        name: of the file.
        words: the words of the ids that follow the special ones.
        orders: from unigrams up; the longest n-grams get no back-off weight.
    """
    vocabulary = pa.concat_arrays([pa.array(SPECIALS, pa.large_binary()), words])
    with files.atomic_write(files.join(folder, name)) as file:
        counts = "".join(f"ngram {n}={len(order.log_p)}\n" for n, order in enumerate(orders, 1))
        file.write(f"\\data\\\n{counts}\n".encode())
        for n, order in enumerate(orders, 1):
            file.write(f"\\{n}-grams:\n".encode())
            for block in _blocks(order, vocabulary, longest=n == len(orders)):
                file.write(block)
            file.write(b"\n")
        file.write(b"\\end\\\n")
        return FileInfo.of_sink(name, file)


def _blocks(order: Estimates, vocabulary: pa.LargeBinaryArray, longest: bool) -> Iterator[pa.Buffer]:
    """The rows as text, one block after the other."""
    for start in range(0, len(order.log_p), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        spelled = [vocabulary.take(pa.array(column[rows])) for column in order.words]
        ngrams = pc.binary_join_element_wise(*spelled, _SPACE) if len(spelled) > 1 else spelled[0]
        fields = [_text(order.log_p[rows]), ngrams]
        if not longest:
            fields.append(_text(order.log_backoff[rows]))
        lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*fields, _TAB), _NOTHING, _LINE_END)
        yield lines.buffers()[2]


def _text(values: F64) -> pa.LargeBinaryArray:
    return pa.array(values.astype(np.float32) + np.float32(0)).cast(pa.large_string()).cast(pa.large_binary())
