"""The gates: what must hold for a SentencePiece tokenizer and the `tokenizer.json` beside it.

Each gate is a function that compares, counts what failed and says where the first failure is. `all_gates` is the list:
`malmoi tokenizer check` shows all results, `expand` stops at the first that fails. Counts over units are compared only
where there is a word table, in `expand`. Messages name pieces, which are published, and places in texts, never a text:
it may be the corpus's.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa
from malmoi_pipelines.contracts.hangul import SPACE_MARK, has_letter
from malmoi_pipelines.tokenizers.finding import JSON_FILE
from malmoi_pipelines.tokenizers.model_proto import BYTE, CONTROL, NORMAL, serialize
from malmoi_pipelines.tokenizers.sentencepiece_model import sentencepiece_encoder

from malmoi_tokenizer_lab.gates.result import GateResult, parting, result_of
from malmoi_tokenizer_lab.gates.texts import FIXED, concatenations, mask_texts, random_texts, unit_documents
from malmoi_tokenizer_lab.sentencepiece.row_gates import (
    base_rows,
    distinct_pieces,
    distinct_scores,
    falling_scores,
    json_rows,
    known_characters,
    no_added_words,
    no_dead_pieces,
)
from malmoi_tokenizer_lab.sentencepiece.text_gates import (
    around_texts,
    as_with_base,
    fixed_rows_in_text,
    masks_of,
    round_trip,
    same_everywhere,
)
from malmoi_tokenizer_lab.words import Units, Words


def all_gates(
    base: Any | None,
    model: Any,
    tokenizer_json: bytes | None,
    names: Mapping[str, str],
    *,
    files: Mapping[str, bytes] | None = None,
    korean: Units | None = None,
) -> Iterator[GateResult]:
    """Every gate, in the order they run.

    Args:
        base: the base's model; None: it is not known, and gates that need it say so.
        model: the extended one.
        tokenizer_json: the file beside it; None: there is none.
        names: the texts to compare, and what to call each.
        files: the folder that transformers is to load, by name; None: it is not asked.
        korean: Korean units of a word table; None: without one, counts over units are not compared.
    """
    yield from row_gates(base, model, tokenizer_json)
    if tokenizer_json is None:
        yield GateResult("SentencePiece = tokenizer.json", 0, note=f"there is no {JSON_FILE}")
    else:
        yield from text_gates(base, model, tokenizer_json, names, files)
    if korean is not None:
        yield counts_by_unit(model, korean)


def row_gates(base: Any | None, model: Any, tokenizer_json: bytes | None) -> Iterator[GateResult]:
    """The gates over rows; where the base or `tokenizer.json` is missing, those that need it say so."""
    size = len(base.pieces) if base is not None else 0
    yield base_rows(base, model) if base is not None else GateResult("the base's rows are untouched", 0, note=NO_BASE)
    yield distinct_pieces(model)
    yield distinct_scores(size, model)
    if base is not None:
        yield falling_scores(base, model)
    yield known_characters(size, model)
    yield no_dead_pieces(0 if masks_of(model) else size, model)
    if tokenizer_json is not None:
        yield json_rows(model, tokenizer_json)
        yield no_added_words(tokenizer_json)


def text_gates(
    base: Any | None,
    model: Any,
    tokenizer_json: bytes,
    names: Mapping[str, str],
    files: Mapping[str, bytes] | None = None,
) -> Iterator[GateResult]:
    """The gates over texts, `names` being the texts and what to call each."""
    yield from same_everywhere(model, tokenizer_json, names, files)
    if files is not None:
        yield from around_texts(model, tokenizer_json, files)
    yield from round_trip(model, tokenizer_json, names)
    yield from fixed_rows_in_text(model, tokenizer_json, names)
    if base is None:
        yield GateResult("text without Hangul is as with the base", 0, note=NO_BASE)
    else:
        yield from as_with_base(base, model, names)


def counts_by_unit(model: Any, korean: Units) -> GateResult:
    """Counts over units are those over documents, token by token, on documents made of the corpus's units."""
    documents = list(unit_documents(korean))
    encoder = sentencepiece_encoder("the extension", serialize(model))
    wrong = []
    for number, units in enumerate(documents):
        [direct] = encoder.encode_texts(["".join(units)[1:]])
        by_unit = encoder.encode_units(pa.array(units, pa.large_string())).ids.tolist()
        if direct != by_unit:
            place = parting(direct, by_unit)
            wrong.append(
                f"document {number} of {len(units)} units: its tokens differ from those of the units, {place}."
            )
    return result_of("documents have the tokens of their units", len(documents), wrong)


NO_BASE = "the base is not known: pass --base"


def special_pieces(model: Any) -> list[str]:
    """A model's special tokens: in plain text, Hugging Face takes them for tokens and SentencePiece does not."""
    trainer = model.trainer_spec
    return [trainer.unk_piece, trainer.bos_piece, trainer.eos_piece, trainer.pad_piece]


def named_texts(
    base_size: int,
    model: Any,
    words: Words | None = None,
    specials: Collection[str] = (),
    added: Collection[str] = (),
) -> dict[str, str]:
    """Distinct texts, each with what to call it in a message.

    Args:
        base_size: rows of the base; later ones are new.
        model: the model.
        words: the corpus, for documents made of its units; None: without.
        specials: names that Hugging Face takes for tokens in plain text and SentencePiece does not. No text holds one.
        added: tokens that only `tokenizer.json` has.
    """
    new = [piece.piece for piece in model.pieces[base_size:] if piece.type == NORMAL]
    old = [piece.piece for piece in model.pieces[:base_size] if piece.type == NORMAL and not has_letter(piece.piece)]
    unmatched = [piece.piece for piece in model.pieces if piece.type == BYTE][:1]
    unmatched += [piece.piece for piece in model.pieces[base_size:] if piece.type == CONTROL][:2]
    korean_and_other = (words.korean, words.other) if words is not None else ()
    documents = ["".join(units)[1:] for source in korean_and_other for units in unit_documents(source)]
    kinds = {
        "fixed text": FIXED,
        "mask text": mask_texts(masks_of(model), unmatched),
        "concatenation of new pieces": concatenations([*new, *added]),
        "document of the corpus's units": [text for text in documents if SPACE_MARK not in text],  # decodes to a space
        "concatenation of base pieces": concatenations(old),
        "random text": random_texts([piece.piece for piece in model.pieces if piece.type == NORMAL]),
    }
    names: dict[str, str] = {}
    for kind, texts in kinds.items():
        for number, text in enumerate(texts):
            if not any(special in text for special in specials):
                names.setdefault(text, f"{kind} {number} ({len(text)} characters)")
    return names
