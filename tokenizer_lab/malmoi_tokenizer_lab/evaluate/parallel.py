"""Parity: how many tokens Korean takes for each token of English that says the same."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError

from malmoi_tokenizer_lab.evaluate.subject import Subject

KOREAN, ENGLISH = "text_ko", "text_en"
_ENDINGS = (".jsonl", ".jsonl.zst")

Pair = tuple[str, str]
"""Korean and English."""


@dataclass(frozen=True)
class Parity:
    """Tokens of both sides of a parallel text."""

    pairs: int
    korean_tokens: int
    english_tokens: int
    parity: float | None
    """Korean tokens for each English one, in all; 1 would be equal cost."""
    median_parity: float | None
    """The median of the pairs' own ratios."""


def parity(subject: Subject, pairs: Sequence[Pair]) -> Parity:
    """The parity of one tokenizer."""
    korean = list(map(len, subject.encode_texts([left for left, _ in pairs])))
    english = list(map(len, subject.encode_texts([right for _, right in pairs])))
    ratios = [ko / en for ko, en in zip(korean, english, strict=True) if en]
    return Parity(
        pairs=len(pairs),
        korean_tokens=sum(korean),
        english_tokens=sum(english),
        parity=sum(korean) / sum(english) if sum(english) else None,
        median_parity=statistics.median(ratios) if ratios else None,
    )


def pair_files(path: str) -> list[str]:
    """The files of a parallel text: one, or all of a folder.

    Raises:
        UsageError: no such file.
    """
    names = [name for name in files.list_files(path) if name.endswith(_ENDINGS)] if files.is_folder(path) else [path]
    if not names or not all(name.endswith(_ENDINGS) and files.exists(name) for name in names):
        raise UsageError(
            f"{path} must be a .jsonl or .jsonl.zst file, or a folder of them.",
            hint=f"each line is an object with {KOREAN} and {ENGLISH}",
        )
    return names


def read_pairs(path: str) -> list[Pair]:
    """Read a parallel text: JSON Lines with `text_ko` and `text_en`, plain or zstd; a file, or a folder of them.

    Raises:
        UsageError: no such file.
        BadInputError: a line that is no such object.
    """
    return [pair for name in pair_files(path) for pair in _read(name)]


def _read(path: str) -> list[Pair]:
    data = files.read_bytes(path)
    data = _decompressed(path, data) if path.endswith(".zst") else data
    return [_pair(path, number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]


def _decompressed(path: str, data: bytes) -> bytes:
    """All frames of a zstd file: compressors that work in parallel write several."""
    parts = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            parts.append(frame.decompress(data))
        except zstandard.ZstdError:
            raise BadInputError(f"{path} is not a zstd file.") from None
        if not frame.eof:
            raise BadInputError(f"{path} is cut off: its last zstd frame has no end.")
        data = frame.unused_data
    return b"".join(parts)


def _pair(path: str, number: int, line: bytes) -> Pair:
    try:
        value: Any = orjson.loads(line)
        pair = value[KOREAN], value[ENGLISH]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pair = None
    if pair is None or not all(isinstance(text, str) for text in pair):
        raise BadInputError(f"{path}, line {number}: must be a JSON object with the texts {KOREAN} and {ENGLISH}.")
    return pair
