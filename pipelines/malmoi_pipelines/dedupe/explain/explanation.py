"""Why a document was removed, or what a document that stays stands for.

The tables of the corpus say what dedupe decided. Where the texts can be found, they are compared once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REMOVALS, REPEATED_LINES
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.explain.corpus_folder import CorpusFolder
from malmoi_pipelines.dedupe.explain.look_up import Members, Name, Row, find_rows, name_of, removals_and_members
from malmoi_pipelines.dedupe.explain.text_diff import Piece, diff
from malmoi_pipelines.dedupe.near.shingles import shingles
from malmoi_pipelines.dedupe.normalise import normalise


@dataclass(frozen=True)
class Removal:
    """A row of the table `removals`."""

    name: Name
    bytes: int
    reason: str
    partner: Name
    partner_old: bool
    similarity: float
    cluster: Name

    @classmethod
    def of_row(cls, row: Row) -> "Removal":
        """From a row of the table."""
        partner, cluster = name_of(row, "partner_"), name_of(row, "cluster_")
        return cls(name_of(row), row["bytes"], row["reason"], partner, row["partner_old"], row["similarity"], cluster)


@dataclass(frozen=True)
class Comparison:
    """A removed text beside the text that it repeats."""

    shared: int
    """Distinct shingles of both."""
    total: int
    """Distinct shingles of either, or for containment of the removed text."""
    pieces: list[Piece]
    """The diff: what is only in the partner is left, what is only in the removed text is right."""


@dataclass(frozen=True)
class Removed:
    """Why a document was removed."""

    removal: Removal
    cluster_size: int
    """Documents that the survivor stands for, itself included; if it is of an earlier corpus, those of this run."""
    comparison: Comparison | None
    """None where a text was not found; the notes say why."""


@dataclass(frozen=True)
class Kept:
    """A document that stays, here or in an earlier corpus."""

    name: Name
    old: bool
    """Not in this corpus: it is of an earlier one, and documents were removed here because of it."""
    cluster_size: int
    """Documents that it stands for, itself included."""
    members: list[Removal]
    """The first removals of its cluster."""
    num_members: int
    """All of them."""


@dataclass
class Explanation:
    """All that a corpus tells of one document. Copies under the same name can be kept and removed at once."""

    name: Name
    kept: Kept | None = None
    removed: list[Removed] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    """Its first rows of the table `lines`."""
    num_lines: int = 0
    """All of them."""
    notes: list[str] = field(default_factory=list)
    """What could not be found or checked, and how it could."""


def explain(
    corpus: str,
    id_: str,
    *,
    source: str | None = None,
    documents: Sequence[str] = (),
    against: Sequence[str] = (),
    config: DedupeConfig | None = None,
    limit: int = 100,
) -> Explanation:
    """Say why a document of a corpus was removed, or what it stands for.

    Args:
        corpus: the folder that dedupe wrote; one that a guard left without a manifest will do.
        id_: the document.
        source: its source, needed where several sources have the id.
        documents: what dedupe read, for the texts of removed documents; if not given, looked for beside the corpus.
        against: the earlier corpora, for the texts of partners in them; likewise.
        config: the settings of a corpus without a manifest, which would name them.
        limit: members of a cluster and repeated lines that are listed.

    Raises:
        UsageError: the corpus knows no such document, several sources have it, or settings are given twice.
        BadInputError: the folder is no corpus, or a file of it is damaged.
    """
    folder = CorpusFolder(corpus, {"documents": documents, "against": against}, config)
    rows, members = removals_and_members(folder.tables(REMOVALS.name), id_, limit)
    kept = list(find_rows(folder.tables(DOCUMENTS.name), {"id": id_}, ["id", "source", "cluster_size"]))
    name = Name(id_, _one_source({*(row["source"] for row in (*rows, *kept)), *members}, id_, source, corpus))
    result = Explanation(name, notes=folder.notes)
    own = [row for row in kept if row["source"] == name.source]
    if own or name.source in members:
        found = members.get(name.source, Members())
        size = (own[0]["cluster_size"] if own else None) or 1 + found.count
        result.kept = Kept(name, not own, size, [Removal.of_row(row) for row in found.rows], found.count)
    removals = dict.fromkeys(Removal.of_row(row) for row in rows if row["source"] == name.source)
    result.removed = [_removed(folder, removal) for removal in removals]
    lines = find_rows(folder.tables(REPEATED_LINES.name), name._asdict())
    result.lines = list(islice(lines, limit))
    result.num_lines = len(result.lines) + sum(1 for _ in lines)
    return result


def _one_source(sources: set[str], id_: str, source: str | None, corpus: str) -> str:
    if not sources or source not in {*sources, None}:
        of = f" of source {source!r}" if source is not None else ""
        known = f"sources that have it: {', '.join(sorted(sources))}" if sources else "is the id complete?"
        raise UsageError(f"{corpus} has neither kept nor removed a document {id_!r}{of}.", hint=known)
    if source is not None:
        return source
    if len(sources) > 1:
        raise UsageError(
            f"{len(sources)} sources have a document {id_!r}: {', '.join(sorted(sources))}.", hint="choose by --source"
        )
    return next(iter(sources))


def _removed(folder: CorpusFolder, removal: Removal) -> Removed:
    size = _cluster_size(folder, removal)
    if removal.reason == "lines":  # the table of lines tells all; no one document is like it
        return Removed(removal, size, None)
    mine = folder.removed_text(removal.name, removal.bytes)
    partner = folder.partner_text(removal.partner, removal.partner_old)
    if mine is None or partner is None:
        return Removed(removal, size, None)
    if folder.config.lines_before_near:
        folder.note("Near dedupe passed over repeated lines, which are in the texts that are compared here.")
    return Removed(removal, size, compare(mine, partner, folder.config))


def _cluster_size(folder: CorpusFolder, removal: Removal) -> int:
    if not removal.partner_old:
        for row in find_rows(folder.tables(DOCUMENTS.name), removal.cluster._asdict(), ["cluster_size"]):
            if row["cluster_size"] is not None:
                return row["cluster_size"]
    cluster = {f"cluster_{part}": value for part, value in removal.cluster._asdict().items()}
    return 1 + sum(1 for _ in find_rows(folder.tables(REMOVALS.name), cluster, ["id"]))


def compare(text: str, partner: str, config: DedupeConfig) -> Comparison:
    """Count the shingles that a removed text shares with its partner, and show where they differ."""
    hashes, bounds = shingles(normalise([text, partner], config.fold), config.shingle, config.size)
    mine, its = (np.unique(hashes[bounds[n] : bounds[n + 1]]) for n in range(2))
    shared = len(np.intersect1d(mine, its, assume_unique=True))
    total = len(mine) if config.similarity == "containment" else len(mine) + len(its) - shared
    return Comparison(shared, total, diff(partner, text))
