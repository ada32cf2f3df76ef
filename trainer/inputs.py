"""Opening what a run reads: the shards and the tokenizer they were made with, checked byte by byte."""

from dataclasses import dataclass
from typing import Any

from transformers import AutoTokenizer

from pipelines.contracts import files
from pipelines.contracts.errors import CheckError, UsageError
from pipelines.contracts.manifest import MANIFEST, Manifest, read_manifest, verify_file
from pipelines.contracts.schemas import NEW_TOKENS
from pipelines.contracts.tables import read_table
from trainer.surgery import NewRows

TOKENIZER_FILES = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json")
SPACE_MARK = "\u2581"


def open_folder(folder: str, kind: str) -> Manifest:
    """The manifest of a dataset folder of the wanted kind.

    Raises:
        UsageError: it is a folder of another kind.
    """
    manifest = read_manifest(folder)
    if manifest.kind != kind:
        raise UsageError(f"{folder} must be a dataset folder of kind {kind!r}. Got {manifest.kind!r}.")
    return manifest


def check_pair(shards: Manifest, tokenizer: Manifest) -> None:
    """Prove that the shards were made with this tokenizer: it is known by the hash of its `tokenizer.model`.

    Raises:
        UsageError: the tokenizer folder lacks one of `TOKENIZER_FILES`.
        CheckError: they were made with another.
    """
    hashes = {info.path: info.xxh3_128 for info in tokenizer.files}
    if missing := [name for name in TOKENIZER_FILES if name not in hashes]:
        raise UsageError(f"the tokenizer folder must hold {', '.join(TOKENIZER_FILES)}. Missing: {', '.join(missing)}.")
    if shards.tokenizer != hashes["tokenizer.model"]:
        raise CheckError(
            f"the shards were made with the tokenizer {shards.tokenizer}. Got {hashes['tokenizer.model']}.",
            hint="shard the corpus again with this tokenizer, or train with the one the shards name",
        )


def fetch(folder: str, manifest: Manifest, scratch: str) -> str:
    """A verified local copy of a dataset folder: the folder itself if it is local, else a copy in `scratch`.

    Raises:
        CheckError: naming the first file whose size or hash is not the manifest's.
    """
    local = folder
    if not files.is_local(folder):
        local = scratch
        for name in (*(info.path for info in manifest.files), MANIFEST):
            with (
                files.open_read(files.join(folder, name)) as source,
                files.atomic_write(files.join(local, name)) as copy,
            ):
                while data := source.read(files.READ_SIZE):
                    copy.write(data)
    for info in manifest.files:
        verify_file(local, manifest, info)
    return files.filesystem(local)[1]


@dataclass(frozen=True)
class ExtendedTokenizer:
    """A tokenizer folder as training needs it."""

    processor: Any
    """The Hugging Face tokenizer."""
    base_size: int
    """Tokens of the base; the new ones follow."""
    rows: NewRows

    @property
    def vocab_size(self) -> int:
        """Tokens in all."""
        return self.base_size + len(self.rows.base_ids)


def load_tokenizer(folder: str) -> ExtendedTokenizer:
    """Read a local tokenizer folder.

    Raises:
        UsageError: it adds no tokens.
        CheckError: the new ids do not follow the base's without a gap, or are spelled with one another.
    """
    table = read_table(folder, NEW_TOKENS)
    ids, base_ids = table["id"].to_pylist(), table["base_ids"].to_pylist()
    if not ids:
        raise UsageError(f"{folder} adds no tokens: there are no rows to grow.", hint="expand with a lower cutoff")
    processor = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    vocabulary, first = processor.get_vocab(), ids[0]
    if ids != list(range(first, first + len(ids))) or first + len(ids) != len(vocabulary):
        raise CheckError(
            f"{folder}: the new tokens must be the last ids of the vocabulary of {len(vocabulary)}, without a gap. "
            f"Got {len(ids)} ids from {ids[0]} to {ids[-1]}."
        )
    if (highest := max((max(spelling, default=0) for spelling in base_ids), default=0)) >= first:
        raise CheckError(f"{folder}: base_ids must be ids of the base, below {first}. Got {highest}.")
    rows = NewRows(tuple(tuple(spelling) for spelling in base_ids), vocabulary.get(SPACE_MARK))
    return ExtendedTokenizer(processor, first, rows)
