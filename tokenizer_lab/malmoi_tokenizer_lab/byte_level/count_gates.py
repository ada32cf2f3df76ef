"""The gates over counts: what the loop counts, pre-token by pre-token, is what the published file encodes.

Messages give places in the word table, never a text of it.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import offsets
from malmoi_pipelines.contracts.hangul import LETTER_CLASS
from tokenizers import Tokenizer

from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase, parse_byte_level
from malmoi_tokenizer_lab.byte_level.merging import merge_texts, ranked_merges
from malmoi_tokenizer_lab.gates.result import GateResult, parting, result_of
from malmoi_tokenizer_lab.gates.texts import NUM_DOCUMENTS, UNITS_A_DOCUMENT, unit_documents
from malmoi_tokenizer_lab.words import Units

_SPACED = f"^ [{LETTER_CLASS}]+$"  # such pre-tokens can follow each other in any order


def count_gates(data: bytes, korean: Units) -> Iterator[GateResult]:
    """Compare the published file with the loop's merging, and documents with their pre-tokens.

    Args:
        data: the extended `tokenizer.json`.
        korean: the Korean pre-tokens.
    """
    tokenizer = Tokenizer.from_buffer(data)
    yield _documents(tokenizer, korean)
    yield _as_the_loop_merges(tokenizer, parse_byte_level(orjson.loads(data), {}, "the extension"), korean)


def corpus_documents(units: Units) -> list[str]:
    """Documents made of units of the corpus, the same ones for the same table."""
    return ["".join(document) for document in unit_documents(units)]


def _documents(tokenizer: Tokenizer, korean: Units) -> GateResult:
    """A document has the tokens of its pre-tokens, one after the other."""
    spaced = korean.where(pc.match_substring_regex(korean.text, _SPACED))
    documents = list(unit_documents(spaced))
    whole = _encode(tokenizer, ["".join(document) for document in documents])
    parts = iter(_encode(tokenizer, [unit for document in documents for unit in document]))
    wrong = []
    for number, (document, ids) in enumerate(zip(documents, whole, strict=True)):
        joined = list(itertools.chain.from_iterable(itertools.islice(parts, len(document))))
        if ids != joined:
            wrong.append(
                f"document {number} of {len(document)} pre-tokens must have their tokens: {parting(ids, joined)}."
            )
    return result_of("documents have the tokens of their pre-tokens", len(documents), wrong)


def _as_the_loop_merges(tokenizer: Tokenizer, extended: ByteLevelBase, korean: Units) -> GateResult:
    """The loop's own merging makes the library's tokens of a sample of pre-tokens, spread over the table."""
    step = max(1, len(korean) // (NUM_DOCUMENTS * UNITS_A_DOCUMENT))
    sample = korean.text.take(pa.array(range(0, len(korean), step)))
    symbols, sizes = merge_texts(extended, ranked_merges(extended), sample, num_threads=1)
    found = np.split(symbols, offsets(sizes)[1:-1])
    wrong = [
        f"pre-token {place * step} of the table must encode as the loop counts it: {parting(ids, merged.tolist())}."
        for place, (ids, merged) in enumerate(zip(_encode(tokenizer, sample.to_pylist()), found, strict=True))
        if ids != merged.tolist()
    ]
    return result_of("pre-tokens have the tokens that the loop counts", len(sample), wrong)


def _encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
