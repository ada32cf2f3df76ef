"""The chunk files between two steps of a local job.

Each sender writes one file of Arrow streams: not one for each receiver, since a large job has thousands of both. When a
step is done, the driver writes one index of all its chunks, sorted by receiver: a receiver that read the index of every
sender would make the reading of indexes quadratic, a third of all time at 5 GB in 156 files.
"""

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
"""int64[chunks, 4]: receiver, sender, first and last byte in the sender's file."""


def chunks_path(folder: str, sender: int) -> str:
    """The chunks that one partition of a step has sent."""
    return f"{folder}/{sender}.chunks"


def index_path(folder: str) -> str:
    """Where the chunks lie that a step has sent."""
    return f"{folder}/index.npy"


def write_index(folder: str, parts: list[Index]) -> None:
    """Join the indexes of all senders, sorted by receiver, sender and place."""
    index = np.concatenate([np.zeros((0, 4), np.int64), *parts])
    np.save(index_path(folder), index[np.lexsort(index.T[::-1])])
