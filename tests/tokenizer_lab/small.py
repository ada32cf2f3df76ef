"""A small Korean-like corpus, its word table, and a small base tokenizer, all made here and the same every time."""

import collections
import io
import random
import re

import sentencepiece
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import LETTERS, SOURCES, WORDS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.tokenizers.finding import DEFAULT, find_tokenizer
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.loop.policies import POLICIES
from sentencepiece import sentencepiece_model_pb2 as proto

from tests.tables import make_batch

HANGUL = "\uac00-\ud7a3\u3131-\u318e"
UNIT = re.compile(rf"[\x00-\x1f\x7f]|[ \u2581]*[{HANGUL}]+|[ \u2581]*[^ \u2581\x00-\x1f\x7f{HANGUL}]+|[ \u2581]+")
MASKS = ("<|acc|>", "<|rrn|>", "<|tell|>")
ENDINGS = ["은", "는", "이", "가", "을", "를", "에서", "으로", "하고", "했다", "합니다", "하는", "ㅋㅋㅋ", "", "", ""]
FOREIGN = [
    "the",
    "code",
    "for x in range(10):",
    "3.14",
    "2024년",
    "GPU가",
    "(주)",
    "...",
    "a_b",
    "<|tell|>",
    "<|acc|>로",
]

SMALL = ExpandConfig(intermediate_vocab_size=900, cutoff=5, budget=320)
WAYS = [*((policy, "intermediate") for policy in POLICIES), ("leaf-first", "continued")]
"""Policies and where their candidates come from: every policy, and every source."""
CODE_AND_ENGLISH = (
    "The quick brown fox jumps over the lazy dog.\n"
    "def add(left, right):\n    return left + right\n\nclass Stack:\n    def __init__(self):\n        self.items = []\n"
    "https://example.com/?a=1&b=2  100% of 3.14159, (x) [y] {z}; \"quoted\" 'text' #tag @name\n"
    "Numbers 0123456789 and words like them, that, this, there, where, when and then.\n"
)


def make_corpus(num_documents=150, seed=1):
    """Documents of stems with endings, Zipf-like, among English, code, numbers, masks and space runs."""
    rng = random.Random(seed)
    alphabet = [chr(rng.randint(0xAC00, 0xD7A3)) for _ in range(150)]
    stems = ["".join(rng.choices(alphabet, k=rng.randint(1, 4))) for _ in range(400)]
    weights = [1 / rank for rank in range(1, len(stems) + 1)]

    def word():
        if rng.random() < 0.12:
            return rng.choice(FOREIGN)
        return rng.choices(stems, weights)[0] + rng.choice(ENDINGS)

    def document():
        words = [word() + rng.choice(["", "", "", ".", ","]) for _ in range(rng.randint(5, 90))]
        return "".join(x + rng.choice([" "] * 12 + ["  ", "\n", "\n\n    ", "\t"]) for x in words)

    return [document() for _ in range(num_documents)]


def split(document):
    """The units of a document, by the definition in words: the oracle for the word table."""
    units = UNIT.findall(" " + document)
    assert "".join(units) == " " + document
    return units


def count_units(documents):
    return collections.Counter(unit for document in documents for unit in split(document))


def write_words(folder, documents, parts=1, order=None, units=None, kind="words", rule="metaspace", source="web"):
    """Write the word table of some documents as a dataset folder in `parts` files."""
    units = units or count_units(documents)
    letters = collections.Counter(x for document in documents for x in re.findall(f"[{HANGUL}]", document))
    rows = sorted(units.items(), key=order or (lambda item: (-item[1], item[0].encode())))
    rows = [(unit, count, [0], [count]) for unit, count in rows]
    infos = [write_parquet(folder, WORDS, f"part-{i:05d}", [make_batch(rows[i::parts], WORDS)]) for i in range(parts)]
    ordered = sorted(letters.items(), key=lambda item: (-item[1], item[0]))
    infos.append(write_parquet(folder, LETTERS, "letters", [make_batch(ordered, LETTERS)]))
    num_bytes, characters = (sum(map(len, texts)) for texts in ((x.encode() for x in documents), documents))
    sums = [0, source, False, len(documents), num_bytes, characters, 0, 0, sum(units.values()), sum(letters.values())]
    infos.append(write_parquet(folder, SOURCES, "sources", [make_batch([sums], SOURCES)]))
    manifest = Manifest(
        kind=kind,
        stage="count",
        fingerprint=fingerprint(folder),
        inputs={},
        config={"units": rule},
        code=Code(stage=""),
        files=tuple(infos),
    )
    write_manifest(folder, manifest)
    return folder


def make_base():
    """A byte-fallback BPE base in the manner of Mistral: some Hangul syllables, runs of spaces at -1e9."""
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter([*CODE_AND_ENGLISH.split("\n") * 3, "이 가 는 다 한", "          deep"]),
        model_writer=output,
        model_type="bpe",
        vocab_size=620,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        num_threads=1,
        minloglevel=2,
    )
    model = proto.ModelProto()
    model.ParseFromString(output.getvalue())
    # Runs of 1, 2, 4 and 8 spaces: with equal scores SentencePiece goes by place and merges go by rank, and for these
    # (as for Mistral's) both come to the same.
    pieces = [piece for piece in model.pieces if set(piece.piece) != {"\u2581"}]
    del model.pieces[:]
    model.pieces.extend(pieces)
    for size in (2, 4, 8, 1):
        model.pieces.add(piece="\u2581" * size, score=-1e9, type=1)
    model.trainer_spec.vocab_size = len(model.pieces)
    return model.SerializeToString(deterministic=True)


def read_model(path):
    """The SentencePiece model that a folder or a file is; None: the default one."""
    return find_tokenizer(path or DEFAULT).data


def parse_folder(folder):
    """The SentencePiece model of an expanded folder, as a protocol buffer."""
    model = proto.ModelProto()
    model.ParseFromString(read_model(folder))
    return model
