"""Earlier corpora: their files and digests, for new documents to be compared with."""

from collections.abc import Iterable
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.manifest import Manifest, open_dataset
from malmoi_pipelines.contracts.schemas import CORPUS
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.steps import CorpusFiles

SIGNATURE = 2
"""Version of the arithmetic in `docs/signatures.md`; digests of different versions never meet."""


def signature(config: DedupeConfig) -> dict[str, Any]:
    """All that digests depend on."""
    lines = config.repeated_lines
    return {
        "signature": SIGNATURE,
        "near": config.near,
        "fold": sorted(config.fold),
        "lines_before_near": lines.model_dump() if lines is not None and config.lines_before_near else None,
        "shingle": config.shingle,
        "shingle_size": config.size,
        **{name: getattr(config, name) for name in ("bands", "rows", "seed", "max_chars")},
    }


def add_old(new: tuple[str, ...], against: list[str], config: DedupeConfig) -> tuple[CorpusFiles, dict[str, str]]:
    """The files of a job with those of earlier corpora.

    Args:
        new: the input files.
        against: folders of earlier corpora; their order does not matter.
        config: the settings of this run.

    Returns:
        the files, and what the result depends on by role.

    Raises:
        BadInputError: a folder is no corpus.
        UsageError: it has no digests, or they were made in another way.
    """
    manifests: list[Manifest] = []
    old: list[tuple[str, str]] = []
    old_bytes = 0
    for folder in sorted({files.absolute(folder): folder for folder in against}.values(), key=files.absolute):
        manifest = open_dataset(folder, CORPUS)
        _check(folder, manifest, config)
        manifests.append(manifest)
        old_bytes += sum(info.text_bytes for info in manifest.table_files())
        pairs = zip(manifest.table_files(), manifest.table_files("digests"), strict=True)
        old += [(files.join(folder, data.path), files.join(folder, digests.path)) for data, digests in pairs]
    inputs = {"against": fingerprint_of(manifests)} if manifests else {}
    data, digests = (tuple(pair[side] for pair in old) for side in (0, 1))
    return CorpusFiles(new, data, digests, old_bytes), inputs


def fingerprint_of(corpora: Iterable[Manifest]) -> str:
    """What stands for earlier corpora in a manifest; their order does not matter."""
    return fingerprint(sorted(manifest.content_fingerprint for manifest in corpora))


def _check(folder: str, manifest: Manifest, config: DedupeConfig) -> None:
    if not manifest.table_files("digests"):
        raise UsageError(
            f"{folder} has no digests to compare with.", hint="make it again with --set digests=true, the default"
        )
    made, asked = manifest.config["signature"], signature(config)
    if made.get("signature") != SIGNATURE:
        raise UsageError(
            f"the digests of {folder} are of version {made.get('signature')}; this is version {SIGNATURE}, for which "
            "other texts are equal.",
            hint=f"make that corpus again with this malmoi: malmoi dedupe {folder}/data --out NEW, then --against NEW",
        )
    if differ := [
        f"{name}: {made.get(name)!r} there, {value!r} here" for name, value in asked.items() if made.get(name) != value
    ]:
        raise UsageError(
            f"the digests of {folder} were made in another way: {'; '.join(differ)}.",
            hint="use its settings, or make that corpus again with these",
        )
