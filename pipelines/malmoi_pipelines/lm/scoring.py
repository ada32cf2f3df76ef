"""Perplexity of a text under an n-gram language model.

A text's lines are its sentences: each line that is not blank is scored from `<s>` to `</s>`, log scores and token
counts are summed over the lines, and the perplexity is per token with the ends of sentences counted, as in CCNet
(Wenzek et al. 2020). Models are ARPA files (plain or .gz), kenlm binaries, or folders written by `malmoi lm train`.

kenlm scores where it is installed. Where it is not, `ArpaModel` gives the same bits more slowly; it reads no binaries.
"""

import contextlib
import functools
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Protocol, Self

import numpy as np
import orjson
from pydantic import Field

from malmoi_pipelines.contracts import extras, files
from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import open_dataset
from malmoi_pipelines.contracts.schemas import LM
from malmoi_pipelines.lm.arpa_model import ArpaModel
from malmoi_pipelines.lm.arpa_reader import ArpaError, read_arpa, starts_with
from malmoi_pipelines.lm.sentences import (
    EOJEOL,
    PLAIN,
    Normalisation,
    Tokenizer,
    find_sentencepiece,
    load_tokenizer,
    sentences,
)
from malmoi_pipelines.raw.compression import DamagedFileError

ARPA, DESCRIPTION, TOKENIZER = "model.arpa", "lm.json", "tokenizer.model"  # the files of a folder of `malmoi lm train`
SENTENCEPIECE = "sentencepiece"  # what its description says when it has a tokenizer file
_WHAT = "give an ARPA file, a kenlm binary, or a folder written by `malmoi lm train`"
_BINARY = b"mmap lm http://kheafield.com/code"  # how kenlm's own files begin
MAX_EXPONENT = 30.0  # the worst perplexity is 1e30, a finite float32: kenlm gives log10 p = -100 where <unk> is missing


class ModelOptions(Config):
    """Which language model scores, and how it wants its text."""

    model: str = Field(examples=["lm"])
    """A folder written by `malmoi lm train`, or an .arpa, .arpa.gz or kenlm binary file; local path or URL."""
    tokenizer: str = EOJEOL
    """`eojeol` (words between spaces), or a tokenizer with a SentencePiece model: its folder or file, `default`, or a
    name of the hub. A folder of ours brings its own."""
    normalisation: Normalisation = PLAIN
    """How a foreign model's training text was normalised: `malmoi_pipelines.lm.sentences`. A folder of ours says it."""

    def located(self) -> Self:
        """The same with its tokenizer's file in full, for workers wherever they stand."""
        found = find_sentencepiece(self.tokenizer)
        return self if found is None else self.model_copy(update={"tokenizer": found.path})


class Scorer(Protocol):
    """An n-gram model."""

    order: int

    def score_lines(self, lines: Sequence[bytes]) -> F64:
        """log10 probability of each line, from `<s>` to `</s>`. Lines are words with one space between them."""
        ...


class LanguageModel:
    """A loaded model. Not picklable: workers load their own with `load_model`."""

    def __init__(self, model: Scorer, tokenizer: Tokenizer, normalisation: Normalisation) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._normalisation = normalisation
        self.order = model.order

    def perplexities(self, texts: Sequence[str]) -> F64:
        """The perplexity of each text: lower is closer to the model's training text. Never nan or inf.

        A text without any sentence is scored as one empty sentence, P(</s> | <s>).
        """
        log10, tokens = self.scores(texts)
        return np.power(10.0, np.minimum(-log10 / tokens, MAX_EXPONENT))

    def scores(self, texts: Sequence[str]) -> tuple[F64, F64]:
        """Of each text the sum of log10 probabilities and the number of tokens, ends of sentences included."""
        lines = [self._tokenizer.join(sentences(text, self._normalisation)) or [b""] for text in texts]
        owners = np.repeat(np.arange(len(texts)), list(map(len, lines)))
        flat = list(itertools.chain.from_iterable(lines))
        # One space between tokens, none around them: tokens = spaces + 1, and the end of the sentence.
        tokens = np.fromiter((line.count(b" ") + 2 if line else 1 for line in flat), np.float64, len(flat))
        # Added one by one; what `sum` does with floats differs between versions of Python.
        log10, total = np.zeros(len(texts)), np.zeros(len(texts))
        np.add.at(log10, owners, self._model.score_lines(flat))
        np.add.at(total, owners, tokens)
        return log10, total


def load_model(options: ModelOptions) -> LanguageModel:
    """Load a model, once in a process unless its file is replaced.

    Raises:
        UsageError: there is no such model or tokenizer, it cannot be read, or a folder's own tokenizer is contradicted.
    """
    if not files.exists(options.model):
        raise UsageError(f"there is no language model {options.model}.", hint=_WHAT)
    return _load_model(options, files.file_state(options.model))


@functools.lru_cache(maxsize=2)
def _load_model(options: ModelOptions, _state: str) -> LanguageModel:
    path, tokenizer, normalisation = options.model, options.tokenizer, options.normalisation
    if files.is_folder(path):
        path, tokenizer, normalisation = _of_folder(options)
    return LanguageModel(load_scorer(path), load_tokenizer(tokenizer), normalisation)


def _of_folder(options: ModelOptions) -> tuple[str, str, Normalisation]:
    """Model file, tokenizer and normalisation of a folder of ours."""
    folder = options.model
    open_dataset(folder, LM)
    if options.tokenizer != EOJEOL or options.normalisation != PLAIN:
        raise UsageError(
            f"{folder} brings its own tokenizer and normalisation. "
            f"Got tokenizer {options.tokenizer!r}, normalisation {options.normalisation!r}.",
            hint="leave both out",
        )
    description = orjson.loads(files.read_bytes(files.join(folder, DESCRIPTION)))
    tokenizer = files.join(folder, TOKENIZER) if description["tokenizer"] == SENTENCEPIECE else EOJEOL
    return files.join(folder, ARPA), tokenizer, description["normalisation"]


def load_scorer(path: str) -> Scorer:
    """Load a model file, local or remote.

    Raises:
        UsageError: it is none, or one of kenlm's binaries where kenlm is not installed.
    """
    try:
        if extras.is_installed("kenlm"):
            from malmoi_pipelines.lm.kenlm_model import KenlmModel  # noqa: PLC0415 - an optional package

            with _local_copy(path) as local:
                return KenlmModel(local)
        if starts_with(path, _BINARY):
            extras.require(f"{path} is a binary of kenlm and", "kenlm")
        return ArpaModel(read_arpa(path))
    # What kenlm says names lines of its own C++ source and may quote the file.
    except (ArpaError, DamagedFileError, OSError, RuntimeError):
        raise UsageError(f"{path} cannot be read as a language model.", hint=_WHAT) from None


@contextlib.contextmanager
def _local_copy(path: str) -> Iterator[str]:
    """A local file with the content of `path`; one fetched for this may be removed at once, kenlm keeps it mapped."""
    if files.is_local(path):
        yield files.filesystem(path)[1]
        return
    with tempfile.TemporaryDirectory(prefix="malmoi-") as folder:
        local = os.path.join(folder, os.path.basename(path))
        with files.open_read(path) as source, open(local, "wb") as target:
            shutil.copyfileobj(source, target, files.READ_SIZE)
        yield local
