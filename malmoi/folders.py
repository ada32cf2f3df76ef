"""The dataset folders that lie at or below a path."""

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.manifest import has_manifest, read_manifest


def dataset_folders(path: str) -> list[str]:
    """`path` if it is a dataset folder, else the dataset folders directly below it.

    Raises:
        UsageError: there is nothing at the path.
        BadInputError: neither.
    """
    if has_manifest(path):
        return [path]
    fs, inner = files.filesystem(path)
    children = sorted(fs.ls(inner, detail=False)) if fs.isdir(inner) else []
    found = [files.join(path, child.rstrip("/").rsplit("/", 1)[-1]) for child in children]
    found = [child for child in found if has_manifest(child)]
    if not found:
        read_manifest(path)  # which says what is there instead
    return found
