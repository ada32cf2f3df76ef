"""Small tokenizers and word tables for tests, all made here and the same every time."""

import collections
import json

import pyarrow as pa
import tokenizers
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.hangul import is_letter
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import HELD_OUT, LETTERS, SOURCES, WORDS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.text.units import split_units
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from tests.tables import make_batch
from tests.tokenizer_lab.small import CODE_AND_ENGLISH, make_base, make_corpus

# By what Llama-3 and Qwen cut text: contractions, letters, digits by three (or one), punctuation, white space.
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
MARK = "\u2581"


def byte_level(path, pattern=LLAMA_3, ignore_merges=False, added=(), normaliser=None, **more):
    """Train a byte-level `tokenizer.json` of 700 tokens with BOS, EOS and `added` tokens; returns its path."""
    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=ignore_merges))
    cut = [pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")] if pattern else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not pattern)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    if normaliser:
        tokenizer.normalizer = normaliser
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([*make_corpus(), *CODE_AND_ENGLISH.splitlines(keepends=True)], trainer)
    tokenizer.add_special_tokens([BOS, EOS])
    tokenizer.add_tokens([*added])
    return write_json(path, json.loads(tokenizer.to_str()) | more)


def metaspace_json(path, prepend=True, metaspace=None, model=None):
    """The small SentencePiece base as a `tokenizer.json`: its merges are all splits of its pieces, in score order."""
    parsed = proto.ModelProto()
    parsed.ParseFromString(model or make_base())
    ids = {piece.piece: index for index, piece in enumerate(parsed.pieces)}
    normal = {piece.piece for piece in parsed.pieces if piece.type == 1}
    merges = []
    for piece in sorted((p for p in parsed.pieces if p.type == 1), key=lambda p: (-p.score, ids[p.piece])):
        splits = ((piece.piece[:cut], piece.piece[cut:]) for cut in range(1, len(piece.piece)))
        halves = (split for split in splits if normal.issuperset(split))
        merges += sorted(halves, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    tokenizer = tokenizers.Tokenizer(
        models.BPE(vocab=ids, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    )
    steps = [normalizers.Prepend(MARK)] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", MARK)])
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=metaspace, split=False)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return write_json(path, json.loads(tokenizer.to_str()))


def write_json(path, value):
    """Write a JSON file; returns its path as text."""
    files.write_bytes(str(path), json.dumps(value, ensure_ascii=False).encode())
    return str(path)


def edited(path, target, **changes):
    """A copy of a JSON file with some keys changed."""
    return write_json(target, json.loads(files.read_bytes(str(path))) | changes)


def write_base(path, **settings):
    """The small SentencePiece base, with some settings of its normaliser or trainer changed; returns its path."""
    model = proto.ModelProto()
    model.ParseFromString(make_base())
    for name, value in settings.items():
        spec = model.trainer_spec if hasattr(model.trainer_spec, name) else model.normalizer_spec
        setattr(spec, name, value)
    files.write_bytes(str(path), model.SerializeToString(deterministic=True))
    return str(path)


def write_words(folder, documents, units="metaspace", parts=1, held_out=None, group_rows=1 << 20, times=1):
    """Write the word table of (source, text) pairs, each counted `times` times, and of those in `held_out`."""
    names = sorted({source for source, _ in [*documents, *(held_out or [])]})
    infos = []
    for table, chosen in ((WORDS, documents), (HELD_OUT, held_out)):
        if chosen is None:
            continue
        counts = collections.defaultdict(collections.Counter)
        for source, text in chosen:
            for unit in split_units(pa.array([text], pa.large_string()), units).to_pylist():
                counts[unit][names.index(source)] += times
        rows = sorted(
            ((unit, found.total(), sorted(found), [found[n] for n in sorted(found)]) for unit, found in counts.items()),
            key=lambda row: (-row[1], row[0].encode()),
        )
        for part in range(parts):
            batch = make_batch(rows[part::parts], table)
            groups = [batch.slice(first, group_rows) for first in range(0, len(batch), group_rows)]
            infos.append(write_parquet(folder, table, f"part-{part:05d}", groups))
    letters = collections.Counter(x for _, text in documents for x in text if is_letter(x))
    infos.append(write_parquet(folder, LETTERS, "letters", [make_batch(sorted(letters.items()), LETTERS)]))
    sources = [_source_row(number, name, documents, False) for number, name in enumerate(names)]
    sources += [_source_row(number, name, held_out, True) for number, name in enumerate(names) if held_out]
    infos.append(write_parquet(folder, SOURCES, "sources", [make_batch(sources, SOURCES)]))
    manifest = Manifest(
        kind="words",
        stage="count",
        fingerprint=fingerprint(folder),
        inputs={},
        config={"units": units},
        code=Code(stage=""),
        files=tuple(infos),
    )
    write_manifest(folder, manifest)
    return folder


def _source_row(number, name, documents, held_out):
    texts = [text for source, text in documents if source == name]
    num_bytes = sum(len(text.encode()) for text in texts)
    words = sum(len(text.split()) for text in texts)
    return (number, name, held_out, len(texts), num_bytes, sum(map(len, texts)), 0, words, 0, 0)
