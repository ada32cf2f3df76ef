"""Word tables written by hand, and a tokenizer that is easy to do in one's head."""

import collections

import numpy as np
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import HELD_OUT, SOURCES, WORDS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.tokenizers.tokens import Tokens
from malmoi_tokenizer_lab.evaluate.subject import Subject

from tests.tables import make_batch
from tests.tokenizer_lab.small import split

PIECES = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "▁a", "가", "나", "다", "▁가", "▁가나"]
NEW, SIZE = PIECES.index("▁가"), len(PIECES)
IDS = {piece: index for index, piece in enumerate(PIECES)}


def encode(text):
    """Longest piece first, from the left; bytes where no piece fits."""
    text, ids = text.replace(" ", "▁"), []
    while text:
        size = next((n for n in (3, 2, 1) if text[:n] in IDS and len(text) >= n), 0)
        ids += [IDS[text[:size]]] if size else [1 + byte for byte in text[0].encode()]
        text = text[max(size, 1) :]
    return ids


def spelled(piece):
    """The bytes of a piece, one of byte fallback or a text."""
    return bytes.fromhex(piece[3:5]) if piece.startswith("<0x") else piece.replace("▁", " ").encode()


def toy_subject(name="toy", size=SIZE, first_new=NEW):
    def units(text):
        ids = [encode_with(unit, size) for unit in text.to_pylist()]
        return Tokens(
            np.array([index for row in ids for index in row], np.int32), np.array(list(map(len, ids)), np.int32)
        )

    return Subject(
        name=name,
        units="metaspace",
        encode_units=units,
        encode_texts=lambda texts: [encode_with(" " + text, size) for text in texts],
        vocab_size=size,
        first_new=first_new,
        byte_ids=frozenset(range(1, 257)),
        pieces=lambda ids: [PIECES[index] for index in ids],
        spellings=lambda ids: [spelled(PIECES[index]) for index in ids],
        mergeable=lambda: PIECES[257:size],
    )


def encode_with(text, size):
    """As `encode`, with the first `size` pieces only."""
    ids = []
    for index in encode(text):
        ids += [index] if index < size else encode_short(PIECES[index])
    return ids


def encode_short(piece):
    return [IDS[character] for character in piece]


def counts_by_source(documents):
    """Source → unit → count, from (source, text)."""
    result = collections.defaultdict(collections.Counter)
    for source, text in documents:
        result[source].update(split(text))
    return result


def write_table(folder, documents, held_out=(), parts=1, units="metaspace", sources=None):
    """A word table of (source, text) documents as `malmoi count` writes it."""
    names = sources or sorted({source for source, _ in [*documents, *held_out]})
    infos = []
    for table, these in ((WORDS, documents), (HELD_OUT, held_out)):
        rows = _rows(counts_by_source(these), names)
        for part in range(parts):
            infos.append(write_parquet(folder, table, f"part-{part:05d}", [make_batch(rows[part::parts], table)]))
    numbered = [(number, name, False, *[0] * 7) for number, name in enumerate(names)]
    infos.append(write_parquet(folder, SOURCES, "sources", [make_batch(numbered, SOURCES)]))
    manifest = Manifest(
        kind="words",
        stage="count",
        fingerprint="",
        inputs={},
        config={"units": units},
        code=Code(stage=""),
        files=tuple(infos),
    )
    write_manifest(folder, manifest)
    return folder


def _rows(by_source, names):
    total = sum(by_source.values(), collections.Counter())
    rows = []
    for unit, count in sorted(total.items(), key=lambda item: (-item[1], item[0].encode())):
        numbers = [number for number, name in enumerate(names) if by_source[name][unit]]
        rows.append((unit, count, numbers, [by_source[names[number]][unit] for number in numbers]))
    return rows
