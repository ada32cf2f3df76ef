"""The spans of raw files, for people: where, what, by which rule, and the text around with its digits hidden."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from malmoi_pipelines.contracts.ledger import IN
from malmoi_pipelines.pii.config import ShowConfig
from malmoi_pipelines.raw.budget import check_read
from malmoi_pipelines.raw.inputs import InputFile, find_inputs
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart
from malmoi_pipelines.raw.unread import Unread
from malmoi_pipelines.text.pii import Span, find_spans_all

CONTEXT_CHARS = 20

_DIGIT = re.compile("[0-9０-９]")
_SPELLED = re.compile("[공영일이삼사오육륙칠팔구]")
_LETTER = re.compile("[A-Za-zＡ-Ｚａ-ｚ]")
_LINE_END = re.compile(r"\s*[\r\n]\s*")


@dataclass(frozen=True)
class Hit:
    """One span in a file."""

    file: str
    """Folder and file name."""
    line: int
    id: str
    span: Span
    before: str
    match: str
    after: str

    def context(self, reveal: bool) -> str:
        """The match in brackets and some text around it, on one line; every digit is 0 unless `reveal`."""
        parts = (self.before, self.match, self.after)
        before, match, after = parts if reveal else (hide(part) for part in parts)
        if not reveal and (self.span.kind in ("email", "passport", "ip") or self.span.rule == "phone_spelled"):
            match = _SPELLED.sub("영", _LETTER.sub("x", match))
        return _LINE_END.sub(" ", f"{before}【{match}】{after}")


@dataclass
class Listing:
    """Counts of what `find_hits` went through."""

    documents: int = 0
    bytes: int = 0
    """UTF-8 bytes of text."""
    unread: Unread = field(default_factory=Unread)
    """What could not be read as documents; its ledger counts those that could, too."""
    files: tuple[InputFile, ...] = ()
    """What was read."""
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, rule) → spans."""


def hide(text: str) -> str:
    """Every digit as 0.

    >>> hide("전화 02-345-6789")
    '전화 00-000-0000'
    """
    return _DIGIT.sub("0", text)


def find_hits(inputs: Sequence[str], config: ShowConfig, listing: Listing) -> Iterator[Hit]:
    """The spans of all documents in the order of files, lines and positions.

    Args:
        inputs: files, globs, folders, as `malmoi clean` takes them.
        config: what is looked for and how files are read.
        listing: counted up on the way.
    """
    listing.files = find_inputs(inputs, config.read_options, ignore=config.ignore, source=config.source).files
    for file in listing.files:
        part = FilePart(file)
        for block in read_blocks(part, config.read):
            listing.unread.add(block, part)
            listing.unread.ledger.add(block.source, IN, len(block.texts))
            yield from _in_block(file.name, block, config, listing)


def check_listed(listing: Listing, config: ShowConfig) -> None:
    """Fail if more could not be read than the budget allows, as `malmoi clean` does; see `check_read`."""
    check_read(listing.unread, listing.unread.ledger, listing.files, config, in_rejects=False)


def _in_block(file: str, block: RawBlock, config: ShowConfig, listing: Listing) -> Iterator[Hit]:
    listing.documents += len(block.texts)
    listing.bytes += sum(len(text.encode(errors="surrogatepass")) for text in block.texts)
    found = find_spans_all(block.texts, config)
    for text, document_id, line, spans in zip(block.texts, block.ids, block.lines, found, strict=True):
        for span in spans:
            listing.rules[span.kind, span.rule] += 1
            before = text[max(0, span.start - CONTEXT_CHARS) : span.start]
            after = text[span.end : span.end + CONTEXT_CHARS]
            yield Hit(file, line, document_id, span, before, text[span.start : span.end], after)
