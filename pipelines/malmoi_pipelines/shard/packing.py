"""Packing encoded documents into examples of one length: a stream of tokens cut at multiples of the length."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ids = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Packed:
    """Examples of equal length. Shapes: E examples, T tokens each."""

    ids_et: Ids
    lengths: pa.ListArray
    """For each example the lengths of the document pieces in it, in order; they sum to T."""
    tail: int
    """Tokens at the end that did not fill an example and are left out."""


def pack(ids: Ids, lengths: npt.NDArray[np.int64], sequence_length: int) -> Packed:
    """Cut a stream of documents into examples; a document may continue in the next example.

    Args:
        ids: the tokens of all documents in order.
        lengths: tokens of each document; they sum to `len(ids)`.
        sequence_length: T.

    Example:
        >>> packed = pack(np.arange(10, dtype=np.uint16), np.array([3, 6, 1]), 4)
        >>> packed.ids_et.tolist(), packed.lengths.to_pylist(), packed.tail
        ([[0, 1, 2, 3], [4, 5, 6, 7]], [[3, 1], [4]], 2)
    """
    examples = len(ids) // sequence_length
    used = examples * sequence_length
    document_ends = np.cumsum(lengths)
    cuts = np.union1d(document_ends[document_ends < used], np.arange(0, used + 1, sequence_length))
    pieces = np.diff(cuts)
    of_example = np.searchsorted(cuts, np.arange(0, used + 1, sequence_length))
    piece_lengths = pa.ListArray.from_arrays(pa.array(of_example, pa.int32()), pa.array(pieces, pa.int32()))
    return Packed(ids[:used].reshape(examples, sequence_length), piece_lengths, len(ids) - used)
