"""Reading tokenizers to compare: folders, tokenizer.model, tokenizer.json and Tekken files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.cuts import check_no_crossing
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.hangul import CONTROLS
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.model_proto import MODEL_FILE, default_base, parse_model
from malmoi_pipelines.tokenizers.tekken import is_tekken, json_of_tekken

from malmoi_tokenizer_lab.evaluate.subject import Subject, json_subject, sentencepiece_subject
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable
from malmoi_tokenizer_lab.sentencepiece.base_files import TOKENIZER_FILE

DEFAULT = "default"
"""Stands for the default base instead of a path."""


@dataclass(frozen=True)
class TokenizerFile:
    """The one file that a tokenizer is read from."""

    name: str
    """What the report calls it: as much of the end of its path as tells it from the others."""
    path: str
    data: bytes

    @property
    def digest(self) -> str:
        """The xxh3-128 of the file."""
        return xxhash.xxh3_128_hexdigest(self.data)


def read_tokenizers(paths: Sequence[str]) -> list[TokenizerFile]:
    """Read the files of tokenizers. Of a folder it is `tokenizer.model` if there is one, else `tokenizer.json`.

    Args:
        paths: folders or files; `default` for the default base.

    Raises:
        UsageError: a path twice, or a folder without a tokenizer.
        BadInputError: a file that cannot be read.
    """
    return [
        TokenizerFile(name, found, files.read_bytes(found))
        for name, found in zip(short_names(paths), map(_file_of, paths), strict=True)
    ]


def _file_of(path: str) -> str:
    if path == DEFAULT:
        return default_base()
    if not files.is_folder(path):
        return path
    for name in (MODEL_FILE, TOKENIZER_FILE):
        if files.exists(files.join(path, name)):
            return files.join(path, name)
    raise UsageError(f"{path} has neither {MODEL_FILE} nor {TOKENIZER_FILE}.", hint="name a tokenizer's file or folder")


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


def read_subjects(tokenizers: Sequence[TokenizerFile], num_threads: int) -> list[Subject]:
    """The tokenizers as subjects: what extends the first one knows which of its tokens are new.

    Raises:
        BadInputError: a file that is no tokenizer.
        UsageError: a tokenizer of a kind that cannot be counted by unit.
    """
    subjects = [_subject(this, num_threads) for this in tokenizers]
    base = subjects[0]
    ids = list(range(base.vocab_size))
    spelled = base.pieces(ids)
    return [base, *(_knowing_its_base(other, base, ids, spelled) for other in subjects[1:])]


def _subject(this: TokenizerFile, num_threads: int) -> Subject:
    if not this.path.endswith(".json"):
        return sentencepiece_subject(this.name, parse_model(this.data, this.name), num_threads=num_threads)
    try:
        value = orjson.loads(this.data)
    except orjson.JSONDecodeError:
        raise BadInputError(f"{this.name} is not JSON.", hint="name a tokenizer.model or a tokenizer.json") from None
    data = orjson.dumps(json_of_tekken(value, this.name)) if is_tekken(value) else this.data
    return json_subject(this.name, data)


def _knowing_its_base(other: Subject, base: Subject, ids: list[int], spelled: list[str]) -> Subject:
    """The same tokenizer; if the ids of the base are the same pieces in it, those beyond are new."""
    extends = other.rule == base.rule and other.vocab_size > len(ids) and other.pieces(ids) == spelled
    return replace(other, first_new=len(ids)) if extends else other


def common_rule(subjects: Sequence[Subject]) -> UnitKind:
    """The rule by which word tables must be cut for all of the tokenizers.

    Raises:
        UsageError: there is none for all of them, naming two.
    """
    first = subjects[0]
    for subject in subjects[1:]:
        if subject.rule != first.rule:
            raise UsageError(
                f"{first.name} is counted over {first.rule} units and {subject.name} over {subject.rule} units.",
                hint="compare SentencePiece tokenizers and byte-level ones each on their own word tables",
            )
    return first.rule


def inexact(subject: Subject, table: UnitTable) -> str | None:
    """Why counts by unit are not exactly those of the text, or None. Other people's pieces can cross our cuts."""
    if subject.rule != "metaspace":
        return None
    ids = [index for index in range(subject.vocab_size) if index not in subject.byte_ids]
    controls = pa.array(sorted(CONTROLS), pa.large_string())
    occur = controls.filter(pc.is_in(controls, value_set=table.text))
    try:
        check_no_crossing(subject.pieces(ids), frozenset(occur.to_pylist()))
    except CheckError as error:
        return error.message
    return None
