"""Whether counts over units are those of encoding the documents (why they can be: `malmoi_pipelines.contracts.cuts`).

Three checks. The settings and the vocabulary of the tokenizer, before anything is counted. In every task, on texts made
of the units of the table: the tokens of such a text must be those of its units. And after the count, by what all tasks
found: control characters that pieces join to others, and added tokens that a cut between units would hide.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.cuts import check_no_crossing
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.text.units import split_units
from malmoi_pipelines.tokenizers.countable import check_countable, check_units
from malmoi_pipelines.tokenizers.encoder import Encoder

SAMPLE = 4096  # units of a task that texts are made of: half of them the most frequent
TEXT_UNITS = 64  # units of such a text, about


def check_tokenizer(encoder: Encoder, table: str, units: UnitKind) -> None:
    """Check that a tokenizer's tokens can be counted over the units of a word table.

    Raises:
        UsageError: it needs units of another kind, there is no kind for it, or its settings let tokens cross the cuts.
        CheckError: one of its pieces crosses a cut.
    """
    check_units(table, units, needed=check_countable(encoder))
    if units == "metaspace":
        check_no_crossing(encoder.mergeable(), frozenset())


def check_controls(encoder: Encoder, controls: set[str]) -> None:
    """Check that no piece joins a control character of the corpus to others.

    Raises:
        CheckError: naming the piece.
    """
    if encoder.units == "metaspace":
        check_no_crossing(encoder.mergeable(), frozenset(controls))


def check_hidden(encoder: Encoder, hidden: Sequence[str]) -> None:
    """Check that no added token may be hidden by the cuts between units.

    Raises:
        CheckError: naming the first one.
    """
    if hidden:
        raise CheckError(
            f"{encoder.path}: token counts by unit would not be exact: the added token {hidden[0]!r} is no single "
            "unit, and the corpus has all its parts.",
            hint="--set hidden_tokens=as_text counts such tokens as the text that they are",
        )


def check_normal_form(encoder: Encoder, units: pa.Array) -> None:
    """Check that a tokenizer that normalises text leaves these units as they are.

    Stretches of text in NFC (or NFKC) are so themselves, so units that are not come from documents that are not.

    Raises:
        CheckError: it would change them.
    """
    form = encoder.normal_form()
    if form and not unicodedata.is_normalized(form, "\n".join(units.to_pylist())):
        raise CheckError(
            f"{encoder.path} brings text to {form} before it counts, and the word table has text that is not {form}.",
            hint=f"bring the corpus to {form} first" + (" (`malmoi clean` does)" if form == "NFC" else ""),
        )


def check_sample(encoder: Encoder, units: pa.Array, kind: UnitKind) -> None:
    """Check on texts made of some units that encoding them whole and unit by unit are the same.

    Raises:
        CheckError: they differ.
    """
    for text in filter(None, _texts(units, kind)):
        parts = split_units(pa.array([text], pa.large_string()), kind)
        whole, by_unit = encoder.encode_texts([text])[0], encoder.encode_units(parts).ids.tolist()
        if whole != by_unit or not _cuts_agree(encoder, parts.to_pylist()):
            raise CheckError(
                f"{encoder.path}: token counts by unit would not be exact: a text of {len(parts)} units of the word "
                "table is encoded otherwise than its units.",
                hint="its tokens can only be counted by encoding the corpus itself",
            )


def _texts(units: pa.Array, kind: UnitKind) -> list[str]:
    """Texts of a sample of units in an order by chance, the same every time.

    They may be cut otherwise than between these units: so they are cut anew, as documents are. They do not begin with a
    space, as clean documents do not: some tokenizers put no other before it.
    """
    half = min(SAMPLE // 2, len(units))
    spread = np.linspace(0, len(units) - 1, half).astype(np.int64)
    chosen = units.take(pa.array(np.union1d(np.arange(half), spread))).to_pylist()
    if kind == "byte-level":  # the start of a line is where these differ most, and random neighbours are rarely there
        chosen = [unit if number % 8 else f"\n{unit}" for number, unit in enumerate(chosen)]
    order = np.random.default_rng(0).permutation(len(chosen)).tolist()
    texts = (
        "".join(chosen[i] for i in order[first : first + TEXT_UNITS]) for first in range(0, len(order), TEXT_UNITS)
    )
    return [text.lstrip(f" {SPACE_MARK}") for text in texts]


def _cuts_agree(encoder: Encoder, parts: Sequence[str]) -> bool:
    """Whether nothing could be merged across a cut: stricter than equal ids, which depend on the vocabulary."""
    if encoder.units != "byte-level":  # these merge all of a document: that no piece crosses a cut is checked before
        return True
    return encoder.pre_tokens("".join(parts)) == [stretch for part in parts for stretch in encoder.pre_tokens(part)]


@dataclass
class SeenParts:
    """The added tokens that are no single unit, and which of their parts the units of a corpus have."""

    parts: dict[str, list[str]]
    """Token → what the cuts between units make of it."""
    seen: dict[str, list[bool]]

    @classmethod
    def of(cls, encoder: Encoder, kind: UnitKind) -> "SeenParts":
        """Nothing seen yet."""
        cut = {token: split_units(pa.array([token], pa.large_string()), kind).to_pylist() for token in encoder.added()}
        several = {token: parts for token, parts in cut.items() if len(parts) > 1}
        return cls(several, {token: [False] * len(parts) for token, parts in several.items()})

    def look(self, units: pa.Array) -> None:
        """Look for the parts among units: the first ends one, the last starts one, those between are units."""
        for token, parts in self.parts.items():
            masks = [
                pc.ends_with(units, parts[0]),
                *(pc.equal(units, part) for part in parts[1:-1]),
                pc.starts_with(units, parts[-1]),
            ]
            found = [bool(pc.any(mask).as_py()) for mask in masks]
            self.merge({token: found})

    def merge(self, seen: dict[str, list[bool]]) -> None:
        """Add what another task has seen."""
        for token, found in seen.items():
            self.seen[token] = [a or b for a, b in zip(self.seen[token], found, strict=True)]

    def possible(self) -> list[str]:
        """The tokens of which the corpus has all parts, so that it may have the token."""
        return [token for token, found in self.seen.items() if all(found)]
