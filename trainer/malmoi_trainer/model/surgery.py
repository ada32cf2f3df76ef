"""Growing a model's vocabulary, with old and new rows as separate parameters.

One parameter cannot be half frozen: AdamW decays rows whose gradient a hook sets to zero, optimizer states are held for
them, and sharded training never calls the hook (pytorch #38581, torchrec #4268). Two parameters can: `requires_grad` of
each is the freeze, and nothing else has to know of it. For saving they are merged back to plain tables.

Shape suffixes: O old rows, N new rows, V = O + N, D hidden size, B batch, T tokens.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from malmoi_pipelines.contracts.errors import UsageError
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class NewRows:
    """How the rows of the new tokens begin."""

    base_ids: tuple[tuple[int, ...], ...]
    """For each new token, in id order, its spelling by the base tokenizer; empty for reserved rows."""
    space_id: int | None
    """Id of the bare word-boundary piece (U+2581) in the base."""

    def spelling(self, row: int) -> tuple[int, ...]:
        """The base pieces a row is made of: without a leading bare boundary piece, unless that is all there is.

        The boundary piece says nothing of the word, and as the first piece it would make the output rows of thousands
        of tokens equal (`tie_groups`).
        """
        ids = self.base_ids[row]
        return ids[1:] if len(ids) > 1 and ids[0] == self.space_id else ids

    def tie_groups(self) -> dict[int, int]:
        """First base piece → new output rows that start as copies of it, where these are two or more; most first.

        Rows of one group are exact ties until training tells them apart.
        """
        firsts = Counter(self.spelling(row)[0] for row in range(len(self.base_ids)) if self.base_ids[row])
        ranked = sorted(firsts.items(), key=lambda item: (-item[1], item[0]))
        return {piece: rows for piece, rows in ranked if rows > 1}


class SplitEmbedding(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """An input embedding in two tables."""

    def __init__(self, old_od: Tensor, new_nd: Tensor) -> None:
        super().__init__()
        self.old = nn.Parameter(old_od)
        self.new = nn.Parameter(new_nd)

    def forward(self, ids_bt: Tensor) -> Tensor:
        """Rows of the tokens, (B, T, D). Two look-ups: joining the tables would need a gradient as large as both."""
        num_old = len(self.old)
        old_btd = functional.embedding(ids_bt.clamp(max=num_old - 1), self.old)
        new_btd = functional.embedding((ids_bt - num_old).clamp(min=0), self.new)
        return torch.where((ids_bt < num_old).unsqueeze(-1), old_btd, new_btd)


class SplitHead(nn.Module):  # type: ignore[misc]
    """An output head without bias in two tables."""

    def __init__(self, old_od: Tensor, new_nd: Tensor) -> None:
        super().__init__()
        self.old = nn.Parameter(old_od)
        self.new = nn.Parameter(new_nd)

    @property
    def weight(self) -> Tensor:
        """Both tables as one, (V, D), differentiable; a loss that fuses the head takes this."""
        dtype = torch.promote_types(self.old.dtype, self.new.dtype)
        return torch.cat([self.old.to(dtype), self.new.to(dtype)])

    def forward(self, hidden_btd: Tensor) -> Tensor:
        """Logits, (B, T, V). Two products: those of old tokens are exactly what they were before growing."""
        parts = [functional.linear(hidden_btd, part.to(hidden_btd.dtype)) for part in (self.old, self.new)]
        return torch.cat(parts, dim=-1)


def new_input_rows(old_od: Tensor, rows: NewRows) -> Tensor:
    """A new input row is the mean of the rows of its base pieces (EEVE, arXiv 2402.14714), in float32, (N, D)."""
    return _rows(old_od, rows, lambda pieces_pd: pieces_pd.mean(dim=0))


def new_output_rows(old_od: Tensor, rows: NewRows) -> Tensor:
    """A new output row is the row of its first base piece (EEVE), in float32, (N, D)."""
    return _rows(old_od, rows, lambda pieces_pd: pieces_pd[0])


def _rows(old_od: Tensor, rows: NewRows, combine: Any) -> Tensor:
    old_od = old_od.float()
    # A reserved row has no spelling: the mean of all rows is finite and never far above the tokens that exist, where
    # zero would beat their trained, mostly negative logits (Hewitt 2021, "Initializing new word embeddings").
    mean_d = old_od.mean(dim=0)
    spellings = [list(rows.spelling(row)) for row in range(len(rows.base_ids))]
    return torch.stack([combine(old_od[ids]) if ids else mean_d for ids in spellings])


def grow(model: Any, rows: NewRows, base_size: int) -> bool:
    """Split both tables of a causal language model in place; returns whether new rows were made.

    Args:
        model: a Hugging Face model with `base_size` rows (new ones are initialised), or with the new rows already
            there, as saved by an earlier run (they are kept).
        rows: the new tokens.
        base_size: tokens of the base tokenizer, O.

    Raises:
        UsageError: the two tables are tied, or their size fits neither tokenizer.
    """
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if model.config.tie_word_embeddings or embedding.weight is head.weight:
        raise UsageError(
            "the model ties its input and output embeddings: they cannot be trained apart.",
            hint="choose a model with tie_word_embeddings: false",
        )
    num_rows, grown_size = len(embedding.weight), base_size + len(rows.base_ids)
    if num_rows not in (base_size, grown_size):
        raise UsageError(
            f"the model must have as many embedding rows as the base tokenizer has tokens ({base_size}), "
            f"or as the extended one ({grown_size}). Got {num_rows}."
        )
    needs_rows = num_rows == base_size
    with torch.no_grad():
        in_vd, out_vd = embedding.weight.detach(), head.weight.detach()
        in_new_nd = new_input_rows(in_vd, rows) if needs_rows else in_vd[base_size:].clone()
        out_new_nd = new_output_rows(out_vd, rows) if needs_rows else out_vd[base_size:].clone()
    model.set_input_embeddings(SplitEmbedding(in_vd[:base_size].clone(), in_new_nd))
    model.set_output_embeddings(SplitHead(out_vd[:base_size].clone(), out_new_nd))
    model.config.vocab_size = model.vocab_size = grown_size
    return needs_rows


def merge(model: Any, dtype: torch.dtype) -> None:
    """The inverse of `grow`, in place: plain tables again, and all parameters in `dtype`."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    with torch.no_grad():
        in_vd = torch.cat([embedding.old.to(dtype), embedding.new.to(dtype)])
        out_vd = torch.cat([head.old.to(dtype), head.new.to(dtype)])
    model.set_input_embeddings(nn.Embedding.from_pretrained(in_vd))
    plain_head = nn.Linear(out_vd.shape[1], out_vd.shape[0], bias=False, device="meta")
    plain_head.weight = nn.Parameter(out_vd, requires_grad=False)
    model.set_output_embeddings(plain_head)
    model.to(dtype)
