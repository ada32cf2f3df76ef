"""Reading tokenizers to compare."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from malmoi_pipelines.contracts.cuts import check_no_crossing, controls_in
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.finding import TokenizerFile, find_tokenizer
from malmoi_pipelines.tokenizers.opening import encoder_of

from malmoi_tokenizer_lab.evaluate.subject import Subject, subject_of
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable


def read_tokenizers(names: Sequence[str]) -> dict[str, TokenizerFile]:
    """Read the files of tokenizers.

    Args:
        names: folders, files, `default`, or names of the hub.

    Returns:
        The file of each, by as much of the end of its name as tells it from the others: what the report calls it.

    Raises:
        UsageError: a name twice, or there is nothing of a name.
        BadInputError: a folder has no tokenizer.
    """
    return dict(zip(short_names(names), map(find_tokenizer, names), strict=True))


def short_names(paths: Sequence[str]) -> list[str]:
    """As few last parts of each path as make them distinct: what depends on no place on a disk.

    Raises:
        UsageError: a path twice.

    >>> short_names(["/a/base.model", "/runs/one/tokenizer", "/runs/two/tokenizer/"])
    ['base.model', 'one/tokenizer', 'two/tokenizer']
    """
    parts = [[part for part in path.split("/") if part] for path in paths]
    for number, own in enumerate(parts):
        if own in parts[:number]:
            raise UsageError(f"the tokenizer {paths[number]} is named twice.", hint="name each tokenizer once")
    return ["/".join(own[-_needed(own, [other for other in parts if other is not own]) :]) for own in parts]


def _needed(own: Sequence[str], others: Sequence[Sequence[str]]) -> int:
    """How many last parts tell a path from all others."""
    sizes = range(1, len(own) + 1)
    return next((n for n in sizes if all(list(other[-n:]) != list(own[-n:]) for other in others)), len(own))


def read_subjects(tokenizers: Mapping[str, TokenizerFile], num_threads: int) -> list[Subject]:
    """The tokenizers as subjects: what extends the first one knows which of its tokens are new.

    Raises:
        BadInputError: a file that is no tokenizer.
        UsageError: a tokenizer that cannot be counted by unit.
    """
    base, *others = [
        subject_of(name, encoder_of(found, finds_special=True), num_threads=num_threads)
        for name, found in tokenizers.items()
    ]
    ids = list(range(base.vocab_size))
    spelled = base.pieces(ids)
    return [base, *(_knowing_its_base(other, base, ids, spelled) for other in others)]


def _knowing_its_base(other: Subject, base: Subject, ids: list[int], spelled: list[str]) -> Subject:
    """The same tokenizer; if the ids of the base are the same pieces in it, those beyond are new."""
    extends = other.units == base.units and other.vocab_size > len(ids) and other.pieces(ids) == spelled
    return replace(other, first_new=len(ids)) if extends else other


def common_units(subjects: Sequence[Subject]) -> UnitKind:
    """How word tables must be cut for all of the tokenizers.

    Raises:
        UsageError: there is no way for all of them, naming two.
    """
    first = subjects[0]
    for subject in subjects[1:]:
        if subject.units != first.units:
            raise UsageError(
                f"{first.name} is counted over {first.units} units and {subject.name} over {subject.units} units.",
                hint="compare SentencePiece tokenizers and byte-level ones each on their own word tables",
            )
    return first.units


def inexact(subject: Subject, table: UnitTable) -> str | None:
    """Why counts by unit are not exactly those of the text, or None. Other people's pieces can cross our cuts."""
    if subject.units != "metaspace":
        return None
    try:
        check_no_crossing(subject.mergeable(), controls_in(table.text))
    except CheckError as error:
        return error.message
    return None
