"""Opening what a run reads: the shards and the tokenizer they were made with, checked byte by byte."""

from dataclasses import dataclass

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.manifest import MANIFEST, Manifest, verify_file

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def check_pair(shards: Manifest, tokenizer: Manifest) -> None:
    """Prove that the shards were made with this tokenizer: both manifests name the hash of its main file.

    Raises:
        UsageError: the tokenizer folder lacks one of `TOKENIZER_FILES`.
        CheckError: they were made with another.
    """
    hashes = {info.path: info.xxh3_128 for info in tokenizer.files}
    if missing := [name for name in TOKENIZER_FILES if name not in hashes]:
        raise UsageError(f"the tokenizer folder must hold {', '.join(TOKENIZER_FILES)}. Missing: {', '.join(missing)}.")
    if shards.tokenizer != tokenizer.tokenizer:
        raise CheckError(
            f"the shards were made with the tokenizer {shards.tokenizer}. Got {tokenizer.tokenizer}.",
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
class Inputs:
    """What a run reads."""

    shards: str
    shards_manifest: Manifest
    tokenizer: str
    tokenizer_manifest: Manifest
    model_folder: str | None
    """None: the model is made from scratch."""
