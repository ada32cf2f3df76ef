"""Batches as a pure function of (shards, seed, step): resuming at a step is asking for it.

Shape suffixes: B batch, T tokens.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from malmoi_trainer.data.examples import ExampleStore, Rows
from malmoi_trainer.data.order import permute

NO_LABEL = -100  # torch's ignore_index


@dataclass(frozen=True)
class Batch:
    """One batch. Positions and labels know the documents: nothing reaches across a document's end."""

    ids_bt: Tensor
    labels_bt: Tensor
    """The next token of the same document; `NO_LABEL` at a document's last token."""
    positions_bt: Tensor
    """Place of a token in its document."""
    documents_bt: Tensor
    """Number of a token's document within its example."""
    new_tokens: int

    def to(self, device: str) -> "Batch":
        """The batch with its tensors on a device."""
        tensors = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **tensors)

    def attention_mask(self) -> Tensor:
        """True where a token may attend: causal and within its document, (B, 1, T, T)."""
        same_btt = self.documents_bt.unsqueeze(2) == self.documents_bt.unsqueeze(1)
        return same_btt.tril().unsqueeze(1)


def batch_at(store: ExampleStore, step: int, batch_size: int, seed: int) -> Batch:
    """The batch of a step, counted from 0. Epochs follow each other without a gap, each in its own order."""
    samples = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, places = samples // len(store), samples % len(store)
    indices = np.concatenate(
        [permute(places[epochs == epoch], len(store), seed, epoch) for epoch in np.unique(epochs).tolist()]
    )
    return collate(store.read(indices))


def collate(rows: Rows) -> Batch:
    """Make a batch of examples; labels are shifted inside documents, positions start again with each."""
    num_tokens = rows.ids_bt.shape[1]
    documents_bt = np.stack([np.repeat(np.arange(len(pieces)), pieces) for pieces in rows.lengths])
    starts_bt = np.stack([np.repeat(np.cumsum(pieces) - pieces, pieces) for pieces in rows.lengths])
    labels_bt = np.full_like(rows.ids_bt, NO_LABEL)
    continues = documents_bt[:, 1:] == documents_bt[:, :-1]
    labels_bt[:, :-1] = np.where(continues, rows.ids_bt[:, 1:], NO_LABEL)
    return Batch(
        ids_bt=torch.from_numpy(rows.ids_bt),
        labels_bt=torch.from_numpy(labels_bt),
        positions_bt=torch.from_numpy(np.arange(num_tokens) - starts_bt),
        documents_bt=torch.from_numpy(documents_bt),
        new_tokens=int(rows.n_new.sum()),
    )
