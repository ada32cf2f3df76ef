"""Every table that passes between stages: its fields, their units, and the schema version.

`docs/data-format.md` is generated from `DATASETS` (`make docs`); a test keeps the two equal.
"""

from dataclasses import dataclass

import pyarrow as pa

from malmoi_pipelines.contracts.errors import BadInputError

SCHEMA_VERSION = 5


@dataclass(frozen=True)
class Field:
    """One column: its Arrow type, its unit and what it means."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table of a dataset folder; `name` is its folder (`data`, `spans`, ...)."""

    name: str
    meaning: str
    fields: tuple[Field, ...]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, field comments in the metadata left out so that bytes do not depend on prose."""
        return pa.schema([pa.field(f.name, f.type, nullable=f.nullable) for f in self.fields])


@dataclass(frozen=True)
class DatasetKind:
    """What one stage writes: its tables."""

    name: str
    stage: str
    meaning: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table called `name`."""
        return next(table for table in self.tables if table.name == name)


_ID = Field("id", pa.string(), "text", "the document's id: given by the source, or derived from its content")
_SOURCE = Field("source", pa.string(), "text", "name of the source the document came from")
_TEXT = Field("text", pa.large_string(), "UTF-8", "the document's text, NFC, PII masked")
_META = Field(
    "meta", pa.string(), "JSON", "the input's other fields as one JSON object, PII masked; null if none", True
)

DOCUMENTS = Table(
    "data",
    "one row a document",
    (
        _ID,
        _SOURCE,
        _TEXT,
        _META,
        Field("perplexity", pa.float32(), "per token", "by the language model; null if none was used", True),
        Field("bad_perplexity", pa.float32(), "per token", "by the model of bad text; null if none was used", True),
        Field(
            "cluster_size",
            pa.int32(),
            "documents",
            "it stands for, itself included, in the dedupe that wrote it; else null",
            True,
        ),
    ),
)

REJECTS = Table(
    "rejects",
    "one row a document or line that was not kept, as it was read: NOT masked, keep it private",
    (
        Field("id", pa.string(), "text", "the document's id; null where the line could not be parsed", True),
        _SOURCE,
        Field(
            "text",
            pa.large_string(),
            "UTF-8",
            "the text as read; null where the line could not be parsed",
            True,
        ),
        Field("meta", pa.string(), "JSON", "the input's other fields as they were read; null if none", True),
        Field("raw", pa.large_binary(), "bytes", "the line as read, only where it could not be parsed", True),
        Field("file", pa.string(), "text", "base name of the input file"),
        Field("start", pa.int64(), "bytes", "where in the file the lines are counted from: 0 unless it was split"),
        Field("line", pa.int64(), "1-based", "line or row, counted from `start`"),
        Field("reason", pa.string(), "text", "the one reason, as counted in the ledger"),
    ),
)

SPANS = Table(
    "spans",
    "one row a masked span: where a mask was put and why, never the text itself",
    (
        _ID,
        _SOURCE,
        Field("start", pa.int32(), "characters", "start of the span in the normalised text before masking"),
        Field("end", pa.int32(), "characters", "end of the span, exclusive"),
        Field(
            "kind",
            pa.string(),
            "text",
            "rrn, tell, acc, email, card, ip or passport: the mask `<|kind|>` stands in its place",
        ),
        Field("rule", pa.string(), "text", "name of the rule that matched"),
    ),
)

REMOVALS = Table(
    "removals",
    "one row a removed document and why",
    (
        _ID,
        _SOURCE,
        Field("bytes", pa.int64(), "UTF-8 bytes", "size of the removed text"),
        Field("reason", pa.string(), "text", "exact, near, or lines: all its lines are repeated lines"),
        Field("partner_id", pa.string(), "text", "id of the document that it repeats"),
        Field("partner_source", pa.string(), "text", "source of that document"),
        Field("partner_old", pa.bool_(), "yes or no", "the partner is in an earlier corpus (--against)"),
        Field("similarity", pa.float32(), "0..1", "similarity to the partner, exact on shingle sets; 1 if not near"),
        Field("cluster_id", pa.string(), "text", "id of its cluster's survivor: the partner, but with components"),
        Field("cluster_source", pa.string(), "text", "source of the survivor"),
    ),
)

DIGESTS = Table(
    "digests",
    "one row a document of `data`, in the same place: what later runs compare new documents with (docs/signatures.md)",
    (
        Field("key_high", pa.uint64(), "hash", "high half of the exact key, the xxh3-128 of the dedupe form"),
        Field("key_low", pa.uint64(), "hash", "low half"),
        Field("rank", pa.uint64(), "order", "the total order: shorter texts have larger ranks"),
        Field("tie", pa.uint64(), "order", "orders equal ranks"),
        Field(
            "bands",
            pa.list_(pa.uint64()),
            "hashes",
            "the band digests; none for documents that are too short, or without near dedupe",
        ),
    ),
)

REPEATED_LINES = Table(
    "lines",
    "one row a removed line or paragraph (only with `repeated_lines`)",
    (
        _ID,
        _SOURCE,
        Field("line", pa.int32(), "0-based", "number of the line or paragraph in the document as it came in"),
        Field("bytes", pa.int64(), "UTF-8 bytes", "size of the removed line"),
        Field("partner_id", pa.string(), "text", "id of the document that keeps it"),
        Field("partner_source", pa.string(), "text", "source of that document"),
    ),
)

_UNIT_FIELDS = (
    Field("unit", pa.string(), "UTF-8", "one pre-token, by the rule the table was cut by (glossary: unit)"),
    Field("count", pa.int64(), "occurrences", "how often it occurs in the corpus"),
    Field("sources", pa.list_(pa.int16()), "numbers", "the sources it occurs in, ascending: `number` of `sources`"),
    Field("source_counts", pa.list_(pa.int64()), "occurrences", "how often in each of them; they sum to `count`"),
)

WORDS = Table(
    "data",
    "one row a distinct unit; files are hash partitions, rows ordered by count descending, then UTF-8 bytes",
    _UNIT_FIELDS,
)

HELD_OUT = Table(
    "held_out",
    "the same for the documents that were held out for evaluation (only with `held_out_share`); not in `data`",
    _UNIT_FIELDS,
)

SOURCES = Table(
    "sources",
    "one row a source and part of the corpus, ordered by number; sources are numbered by name",
    (
        Field("number", pa.int16(), "0-based", "its number in `data` and `held_out`"),
        _SOURCE,
        Field("held_out", pa.bool_(), "yes or no", "whether the row counts the held-out documents or all others"),
        Field("documents", pa.int64(), "documents", "how many"),
        Field("bytes", pa.int64(), "UTF-8 bytes", "of their texts"),
        Field("characters", pa.int64(), "characters", "code points of their texts"),
        Field("lines", pa.int64(), "lines", "line ends of their texts, and the last line where it has none"),
        Field("eojeol", pa.int64(), "words", "runs of characters other than ASCII spaces and control characters"),
        Field("units", pa.int64(), "units", "pre-tokens"),
        Field("letters", pa.int64(), "letters", "Hangul letters"),
    ),
)

LETTERS = Table(
    "letters",
    "one row a Hangul letter of `data`, ordered by count descending, then code point",
    (
        Field("letter", pa.string(), "one character", "Hangul syllable or compatibility jamo"),
        Field("count", pa.int64(), "occurrences", "how often it occurs in the corpus"),
    ),
)

GROWTH = Table(
    "growth",
    "one row a sample of the documents of `data`, each holding the next: how distinct units grow with the text",
    (
        Field(
            "depth",
            pa.int16(),
            "0 to 4",
            "the sample holds 1/4^depth of the documents, by a hash of their length and last 16 bytes",
        ),
        Field("documents", pa.int64(), "documents", "of the sample"),
        Field("bytes", pa.int64(), "UTF-8 bytes", "of their texts"),
        Field("registers", pa.binary(), "16,384 bytes", "HyperLogLog++ registers of their distinct units"),
    ),
)

NEW_TOKENS = Table(
    "data",
    "one row a token added to the base tokenizer, in id order",
    (
        Field("id", pa.int32(), "token id", "id in the extended tokenizer"),
        Field(
            "piece", pa.string(), "text", "the piece as `tokenizer.json` spells it (SentencePiece: U+2581 for a space)"
        ),
        Field(
            "text", pa.string(), "UTF-8", "what it stands for, a space for U+2581; null if it is no whole text", True
        ),
        Field("score", pa.float32(), "log-like", "SentencePiece score, below every real score of the base; else -rank"),
        Field("kind", pa.string(), "text", "multi, letter, mask or reserved"),
        Field(
            "reason",
            pa.string(),
            "text",
            "kept (count >= cutoff), letter (needed or count >= cutoff in the text), scaffold (part of a kept token), "
            "allowed (by the list of the user), mask, reserved",
        ),
        Field("count", pa.int64(), "occurrences", "times the final tokenizer emits it on the corpus"),
        Field("raw_count", pa.int64(), "occurrences", "times its characters occur, inside longer tokens, too"),
        Field("parents", pa.list_(pa.int32()), "token ids", "the two tokens that merge into it; empty for letters"),
        Field(
            "base_ids",
            pa.list_(pa.int32()),
            "token ids",
            "its spelling by the base tokenizer, without dummy prefix: what its embedding starts from",
        ),
    ),
)

CANDIDATES = Table(
    "candidates",
    "one row a candidate of the loop: multis in merge order, then letters by falling frequency",
    (
        Field("candidate", pa.int32(), "0-based", "its number"),
        Field("piece", pa.string(), "text", "as in `data`"),
        Field("kind", pa.string(), "text", "multi or letter"),
        Field("parents", pa.list_(pa.string()), "pieces", "the two that merged into it in the first round; or empty"),
        Field("first_count", pa.int64(), "occurrences", "times it was emitted in the first round"),
        Field("count", pa.int64(), "occurrences", "times it was emitted when it was dropped, or at the end"),
        Field("raw_count", pa.int64(), "occurrences", "times its characters occur in the corpus"),
        Field("kept", pa.bool_(), "yes or no", "whether it is in the tokenizer"),
        Field("reason", pa.string(), "text", "why: as in `data`, or cutoff, budget, denied, unreachable, scaffold"),
        Field("round", pa.int32(), "1-based", "the round that dropped it; null if it was kept or never was in", True),
    ),
)

HISTORY = Table(
    "history",
    "one row a round and candidate whose count differs from the round before; a dropped candidate has no more rows",
    (
        Field("round", pa.int32(), "1-based", "number of the round"),
        Field("candidate", pa.int32(), "0-based", "its number in `candidates`"),
        Field("count", pa.int64(), "occurrences", "times it was emitted at the start of the round"),
    ),
)

ROUNDS = Table(
    "rounds",
    "one row a round of the loop",
    (
        Field("round", pa.int32(), "1-based", "number of the round"),
        Field(
            "phase",
            pa.string(),
            "text",
            "what it dropped for: cutoff, scaffold, budget; or refill, tokens return; or end, the fixed point",
        ),
        Field("tokens", pa.int32(), "tokens", "new tokens at the start of the round"),
        Field("letters", pa.int32(), "tokens", "single letters among them"),
        Field("dropped", pa.int32(), "tokens", "dropped in the round"),
        Field("dropped_count", pa.int64(), "occurrences", "times the dropped ones had been emitted"),
        Field("added", pa.int32(), "tokens", "letters added in the round"),
        Field("corpus_tokens", pa.int64(), "tokens", "length of the corpus in tokens at the start of the round"),
        Field("tokens_per_eojeol", pa.float64(), "tokens", "fertility at the start of the round"),
    ),
)

TOKENS = Table(
    "data",
    "one row a token of a tokenizer, in id order",
    (
        Field("id", pa.int32(), "token id", "its id"),
        Field("piece", pa.string(), "text", "as the tokenizer spells it"),
        Field("count", pa.int64(), "occurrences", "times it is emitted on the corpus"),
    ),
)

EXAMPLES = Table(
    "data",
    "one row a packed example; Arrow stream files that `datasets.load_from_disk` opens",
    (
        Field(
            "input_ids",
            pa.list_(pa.uint16()),
            "token ids",
            "sequence_length ids (uint32 above 65,536 tokens)",
        ),
        Field(
            "lengths",
            pa.list_(pa.int32()),
            "tokens",
            "lengths of the document pieces packed in it; they sum to its length",
        ),
        Field("n_new", pa.int32(), "tokens", "how many of the ids are new tokens"),
    ),
)

WIDE_IDS = ("input_ids", pa.list_(pa.uint32()))  # what `EXAMPLES` holds of a vocabulary above 65,536

LM = DatasetKind("lm", "lm train", "an n-gram language model: ARPA, its tokenizer and how it was made", ())
CLEANED = DatasetKind("documents", "clean", "clean, PII-masked documents", (DOCUMENTS, REJECTS, SPANS))
CORPUS = DatasetKind(
    "corpus",
    "dedupe",
    "documents without exact and near duplicates",
    (DOCUMENTS, REMOVALS, DIGESTS, REPEATED_LINES, REJECTS),
)
WORD_TABLE = DatasetKind("words", "count", "the word table", (WORDS, LETTERS, SOURCES, GROWTH, HELD_OUT, REJECTS))
TOKEN_COUNTS = DatasetKind("token-counts", "count tokens", "how often each token of a tokenizer occurs", (TOKENS,))
TOKENIZER = DatasetKind("tokenizer", "expand", "the extended tokenizer", (NEW_TOKENS, CANDIDATES, ROUNDS, HISTORY))
COMPARISON = DatasetKind("comparison", "tokenizer compare", "tokenizers measured side by side: a report", ())
SHARDS = DatasetKind("shards", "shard", "packed training examples", (EXAMPLES, REJECTS))
RAW = DatasetKind("raw", "sample", "generated raw text with its ground truth (JSON Lines)", ())
RUN = DatasetKind("run", "train", "a training run: checkpoints as plain Hugging Face models and the loss curve", ())

DATASETS = (RAW, LM, CLEANED, CORPUS, WORD_TABLE, TOKEN_COUNTS, TOKENIZER, COMPARISON, SHARDS, RUN)


def check_schema(actual: pa.Schema, expected: pa.Schema, where: str) -> None:
    """Fail unless `actual` has exactly the expected names and types.

    Raises:
        BadInputError: naming the file and the first difference.
    """
    if actual.names != expected.names:
        raise BadInputError(f"{where} must have the columns {expected.names}. Got {actual.names}.")
    for name in expected.names:
        if actual.field(name).type != expected.field(name).type and (name, actual.field(name).type) != WIDE_IDS:
            raise BadInputError(
                f"{where}: column {name!r} must be {expected.field(name).type}. Got {actual.field(name).type}."
            )
