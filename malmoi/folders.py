"""The dataset folders that lie at or below a path."""

from malmoi_pipelines.contracts.manifest import folders_below, has_manifest, read_manifest


def dataset_folders(path: str) -> list[str]:
    """`path` if it is a dataset folder, else the dataset folders directly below it.

    Raises:
        UsageError: there is nothing at the path.
        BadInputError: neither.
    """
    if has_manifest(path):
        return [path]
    found = folders_below(path)
    if not found:
        read_manifest(path)  # which says what is there instead
    return found
