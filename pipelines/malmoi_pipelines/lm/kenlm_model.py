"""Scoring with kenlm, which reads ARPA files and its own binaries. Imported only where the package is there."""

from collections.abc import Sequence

import kenlm
import numpy as np

from malmoi_pipelines.contracts.arrays import F64


class KenlmModel:
    """A model of kenlm.

    Args:
        path: a local file.

    Raises:
        OSError, RuntimeError: it cannot be read.
    """

    def __init__(self, path: str) -> None:
        config = kenlm.Config()
        config.show_progress = False
        config.arpa_complain = kenlm.ARPALoadComplain.NONE
        model = kenlm.Model(path, config)
        self.order: int = model.order
        self._score = model.score

    def score_lines(self, lines: Sequence[bytes]) -> F64:
        """log10 probability of each line, from `<s>` to `</s>`. Lines are words with one space between them."""
        return np.fromiter(map(self._score, lines), np.float64, len(lines))
