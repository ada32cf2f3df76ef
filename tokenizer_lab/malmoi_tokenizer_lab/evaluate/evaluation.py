"""Several tokenizers side by side, on the word table they were made from and on what was held out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.progress import SILENT, Progress

from malmoi_tokenizer_lab.evaluate.figures import Figures, encoded, figures, slices, token_counts, unit_facts
from malmoi_tokenizer_lab.evaluate.letters import coverage, letter_counts
from malmoi_tokenizer_lab.evaluate.morphemes import Sample, agreement, has_kiwi, samples
from malmoi_tokenizer_lab.evaluate.parallel import Pair, parity
from malmoi_tokenizer_lab.evaluate.subject import Subject
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable
from malmoi_tokenizer_lab.evaluate.vocabulary import NewTokens, lengths, new_tokens, use

CORPUS, HELD_OUT = "corpus", "held out"
"""Parts of word tables: `data`, which tokenizers are made from, and the held-out documents."""
ALL = "all"
"""What a row of all sources says instead of a source."""

Row = dict[str, Any]


@dataclass
class Evaluation:
    """The figures of all tokenizers as tables; the first tokenizer is the base that the others are compared with."""

    tokenizers: list[str]
    efficiency: list[Row] = field(default_factory=list)
    """A row a part, source (all of them first) and tokenizer: `Figures`, and `tokens_saved` against the base."""
    vocabulary: list[Row] = field(default_factory=list)
    """A row a part, source and tokenizer with new tokens: `Use`."""
    lengths: list[Row] = field(default_factory=list)
    """A row a tokenizer with new tokens and length: `Length`."""
    parity: list[Row] = field(default_factory=list)
    """A row a tokenizer: `Parity`."""
    morphemes: list[Row] = field(default_factory=list)
    """A row a tokenizer and sample: `Agreement`."""
    letters: list[Row] = field(default_factory=list)
    """A row a part and tokenizer: `Coverage`."""
    new_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Tokenizer → piece of a new Korean token, by id → its occurrences in the first part that there is, all sources."""
    notes: list[str] = field(default_factory=list)
    """What was not measured, and why."""


def unused_packages(with_morphemes: bool) -> tuple[str, ...]:
    """The packages that no figure depends on, for `code_of`."""
    return () if with_morphemes else ("kiwipiepy",)


def evaluate(
    subjects: Sequence[Subject],
    table: UnitTable | None,
    *,
    held_out: UnitTable | None = None,
    cutoff: int | None = None,
    pairs: Sequence[Pair] = (),
    with_morphemes: bool = True,
    progress: Progress = SILENT,
) -> Evaluation:
    """Measure tokenizers side by side.

    Args:
        subjects: the base first; names are distinct.
        table: the word table of the corpus they were made from; None to look at the held-out one only.
        held_out: the word table of held-out documents.
        cutoff: least occurrences of a new token in `table`.
        pairs: a parallel text, for parity.
        with_morphemes: whether to ask Kiwi; without its package a note says so.
        progress: told what is being done.

    Returns:
        All figures. Equal input gives equal figures, bit by bit.
    """
    result = Evaluation([subject.name for subject in subjects])
    new = {subject.name: new_tokens(subject) for subject in subjects}
    parts = {part: units for part, units in ((CORPUS, table), (HELD_OUT, held_out)) if units is not None and len(units)}
    for part, units in parts.items():
        progress.note(f"measuring {len(subjects)} tokenizers on {len(units):,} distinct units, {part}")
        with progress.doing(f"evaluation: {part}"):
            _measure_units(result, part, subjects, units, new, cutoff if part == CORPUS else None)
    if HELD_OUT not in parts:
        result.notes.append("held-out text: the word tables hold none")
    for subject in subjects:
        result.lengths += [{"tokenizer": subject.name, **asdict(this)} for this in lengths(new[subject.name])]
    if pairs:
        result.parity = [{"tokenizer": subject.name, **asdict(parity(subject, pairs))} for subject in subjects]
    else:
        result.notes.append("parity: no parallel text was given")
    with progress.doing("evaluation: morphemes"):
        _measure_morphemes(result, subjects, parts.get(HELD_OUT, parts.get(CORPUS)), with_morphemes)
    return result


def _measure_units(
    result: Evaluation,
    part: str,
    subjects: Sequence[Subject],
    table: UnitTable,
    new: dict[str, NewTokens],
    cutoff: int | None,
) -> None:
    facts = unit_facts(table.text)
    cuts = slices(table, facts)
    found: dict[str, list[tuple[Figures, Row]]] = {}
    for subject in subjects:  # one after the other: the tokens of a large table fill memory
        this = encoded(subject.encode_units(table.text), subject.byte_ids, subject.vocab_size)
        found[subject.name] = []
        for cut in cuts:
            counts = token_counts(this, cut, subject.vocab_size)
            is_all = cut.source is None
            used = _use_row(new[subject.name], counts, cutoff if is_all else None)
            found[subject.name].append((figures(this, cut, facts, counts), used))
            if is_all and used:
                result.new_counts.setdefault(subject.name, _by_piece(subject, new[subject.name], counts))
    letters = letter_counts(table, facts)
    result.letters += [
        {"part": part, "tokenizer": subject.name, **asdict(coverage(subject, letters))} for subject in subjects
    ]
    for number, cut in enumerate(cuts):
        base = found[subjects[0].name][number][0]
        for name, rows in found.items():
            place = {"part": part, "source": cut.source or ALL, "tokenizer": name}
            row, used = rows[number]
            saved = 1 - row.tokens / base.tokens if base.tokens else None
            result.efficiency.append({**place, **asdict(row), "tokens_saved": saved})
            if used:
                result.vocabulary.append({**place, **used})


def _use_row(new: NewTokens, counts: F64, cutoff: int | None) -> Row:
    """The use of the new tokens as a row; empty if there are none."""
    return asdict(use(new, counts, cutoff)) if len(new.ids) else {}


def _by_piece(subject: Subject, new: NewTokens, counts: F64) -> dict[str, int]:
    return dict(zip(subject.pieces(new.ids.tolist()), map(round, counts[new.ids].tolist()), strict=True))


def _measure_morphemes(result: Evaluation, subjects: Sequence[Subject], table: UnitTable | None, wanted: bool) -> None:
    if table is None:
        result.notes.append("tokens: there is no unit")
        return
    if not wanted:
        result.notes.append("morphemes: not asked for")
        return
    if not has_kiwi():
        result.notes.append("morphemes: kiwipiepy is not installed (pip install 'malmoi[morphemes]')")
        return
    parts = samples(table, unit_facts(table.text).plain)
    groups: dict[str, list[Sample]] = {part.name: [part] for part in parts}
    if len(parts) > 1:
        groups["both"] = parts
    result.morphemes = [
        {"tokenizer": subject.name, "sample": name, **asdict(agreement(subject, group))}
        for subject in subjects
        for name, group in groups.items()
    ]
