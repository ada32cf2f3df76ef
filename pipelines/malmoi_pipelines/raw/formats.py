"""The kinds of raw files, and how the name of a file tells its kind."""

from typing import Literal, NamedTuple, get_args

from malmoi_pipelines.contracts.errors import UsageError

Format = Literal["jsonl", "json", "text", "csv", "tsv", "parquet", "arrow", "warc"]
Compression = Literal["", "gz", "zst", "bz2", "xz"]


class FileKind(NamedTuple):
    """What a file is."""

    format: Format
    compression: Compression


SEEKING: tuple[Format, ...] = ("parquet", "arrow")
"""Formats that compress inside and are read at places, so that no compression may lie around them."""

_STREAMED: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".json": "json",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".csv": "csv",
    ".tsv": "tsv",
    ".warc": "warc",
    ".wet": "warc",
}
_SOUGHT: dict[str, Format] = {".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}
_COMPRESSIONS: dict[str, Compression] = {"." + name if name else "": name for name in get_args(Compression)}
EXTENSIONS: dict[str, FileKind] = {
    **{
        extension + suffix: FileKind(form, compression)
        for extension, form in _STREAMED.items()
        for suffix, compression in _COMPRESSIONS.items()
    },
    **{extension: FileKind(form, "") for extension, form in _SOUGHT.items()},
}


def kind_of(path: str, override: Format | None) -> FileKind:
    """The kind of a file, by the end of its name.

    Args:
        path: of the file.
        override: its format, whatever its name says; the compression is still told by the name.

    Raises:
        UsageError: an unknown extension, or a compressed file of a format that is not read as a stream.

    >>> kind_of("news/a.jsonl.zst", None), kind_of("logs/part-00000.gz", "text")
    (FileKind(format='jsonl', compression='zst'), FileKind(format='text', compression='gz'))
    """
    name = path.rpartition("/")[2].lower()
    if override is None:
        extension = extension_of(name)
        if not extension:
            raise UsageError(
                f"{path}: unknown kind of file. Known: {', '.join(_STREAMED)}, each also with "
                f"{', '.join(filter(None, _COMPRESSIONS))} behind; {', '.join(_SOUGHT)}.",
                hint=f"say what it holds: --set read.format=NAME, one of {', '.join(get_args(Format))}; name the files "
                "to read; or pass over others: --set 'ignore=[PATTERN]'",
            )
        return EXTENSIONS[extension]
    kind = FileKind(override, next((c for suffix, c in _COMPRESSIONS.items() if suffix and name.endswith(suffix)), ""))
    if kind.compression and override in SEEKING:
        raise UsageError(f"{path}: {override} cannot be read inside .{kind.compression}.", hint="decompress it first")
    return kind


def extension_of(name: str) -> str:
    """The known extension that a file name ends with, in lower case; "" if none.

    >>> extension_of("NEWS.JSONL.GZ")
    '.jsonl.gz'
    """
    return max((known for known in EXTENSIONS if name.lower().endswith(known)), key=len, default="")
