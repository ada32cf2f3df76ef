"""What a language model sees of a text: its sentences, normalised, and their tokens. Training and scoring share it.

A sentence is a line that is not blank. `Normalisation` names the rules; a model is stored with the name of its own:

- `plain`  NFC, ASCII white space inside a line → one space. What any foreign model needs at least.
- `fold-1` also ASCII letters → lower case, ASCII digits → 0, after CCNet (Wenzek et al. 2020): n-grams should not be
  spent on numbers and capitals. ASCII only, since that is one table on the UTF-8 bytes; Hangul has no case.
- `ccnet`  what CCNet's own models were trained on (cc_net/text_normalizer.py): lower case, accents off, all digits → 0,
  typographic punctuation → ASCII, control characters off. Decomposed: their SentencePiece models compose it again.

A word that looks like one of the model's own symbols (`<s>`, `</s>`) becomes `<unk>`: it must never be scored as one.
"""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.tokenizers.finding import TokenizerFile, find_tokenizer
from malmoi_pipelines.tokenizers.model_proto import load
from malmoi_pipelines.tokenizers.sentencepiece_model import sentencepiece_encoder

Normalisation = Literal["plain", "fold-1", "ccnet"]
PLAIN: Normalisation = "plain"
FOLD: Normalisation = "fold-1"
CCNET: Normalisation = "ccnet"
EOJEOL = "eojeol"
UNKNOWN = b"<unk>"

ENCODED_LINES = 4096  # encoded at once: as Python lists ids take ten times their bytes

_WHITE = (b"\0\t\v\f\r", b"     ")  # with LF and space all that kenlm takes for white space
_DIGITS = (b"123456789", b"000000000")
_CASE = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_TABLES = {
    CCNET: bytes.maketrans(*_WHITE),
    PLAIN: bytes.maketrans(*_WHITE),
    FOLD: bytes.maketrans(*(b"".join(parts) for parts in zip(_WHITE, _DIGITS, _CASE, strict=True))),
}
_CCNET: dict[int, int | str | None] = {
    **str.maketrans("，。、„”“«»」「《》´∶：？！（）；–～’━〈〉【】％►", ',.,"""""""""\'::?!();-~\'-<>[]%-'),
    **{ord(char): spelled for char, spelled in (("—", " - "), ("．", ". "), ("…", "..."))},
    **dict.fromkeys(code for code in (*range(32), *range(127, 160)) if code != ord("\n")),
}
_SPACES = re.compile(b"   *")
_SYMBOLS = re.compile(b"</?s>|<UNK>")  # kenlm also knows the last


def sentences(text: str, normalisation: Normalisation) -> list[bytes]:
    r"""The sentences of a text in UTF-8: words with one space between them.

    >>> sentences("제12조\n\n  The  Court", "fold-1")
    [b'\xec\xa0\x9c00\xec\xa1\xb0', b'the court']
    """
    if normalisation == CCNET:
        text = _as_ccnet(text)
    elif not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    data = text.encode("utf-8", "replace").translate(_TABLES[normalisation])  # lone surrogates become "?"
    if b"<" in data:
        data = _SYMBOLS.sub(UNKNOWN, data)
    if b"  " in data:
        data = _SPACES.sub(b" ", data)
    return [sentence for line in data.split(b"\n") if (sentence := line.strip(b" "))]


def _as_ccnet(text: str) -> str:
    import regex  # noqa: PLC0415 - no other model needs it

    text = regex.sub(r"\p{Mn}+", "", unicodedata.normalize("NFD", text.lower()))
    return regex.sub(r"\d", "0", text).translate(_CCNET)


class Tokenizer(Protocol):
    """Cuts sentences into tokens, the words of the model."""

    def join(self, lines: Sequence[bytes]) -> list[bytes]:
        """The lines with one space between tokens, as kenlm takes them."""
        ...

    def tokens(self, lines: Sequence[bytes]) -> tuple[pa.DictionaryArray, I64]:
        """All tokens of the lines, one after the other, and how many each line has."""
        ...


class EojeolTokenizer:
    """The tokens are the words between spaces."""

    def join(self, lines: Sequence[bytes]) -> list[bytes]:
        """The lines as they are."""
        return list(lines)

    def tokens(self, lines: Sequence[bytes]) -> tuple[pa.DictionaryArray, I64]:
        """Split at spaces."""
        words = pc.split_pattern(pa.array(lines, pa.large_binary()), b" ")
        return words.flatten().dictionary_encode(), words.value_lengths().to_numpy().astype(np.int64)


class SentencePieceTokenizer:
    """The tokens are the pieces of a SentencePiece model."""

    def __init__(self, model: bytes) -> None:
        # Not through `SentencePieceEncoder`: lines are bytes, and to decode each for it costs an eighth of all tokens a
        # second; nor does it give pieces as text, which keeps what is unknown.
        self._processor = load(model)
        names = map(self._processor.id_to_piece, range(self._processor.get_piece_size()))
        pieces = [name.encode() for name in names]
        pieces[self._processor.unk_id()] = UNKNOWN
        self._pieces = pa.array(pieces, pa.large_binary())

    def join(self, lines: Sequence[bytes]) -> list[bytes]:
        """Encode each line. What the tokenizer has no piece for stands for itself: kenlm takes it for unknown."""
        encode = self._processor.encode
        return [b" ".join(encode(line, out_type=str)) for line in lines]

    def tokens(self, lines: Sequence[bytes]) -> tuple[pa.DictionaryArray, I64]:
        """Encode the lines."""
        flat, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
        for start in range(0, len(lines), ENCODED_LINES):
            ids = self._processor.encode(list(lines[start : start + ENCODED_LINES]), out_type=int, num_threads=1)
            lengths.append(np.fromiter(map(len, ids), np.int64, len(ids)))
            flat.append(np.fromiter(itertools.chain.from_iterable(ids), np.int32, int(lengths[-1].sum())))
        return pa.DictionaryArray.from_arrays(pa.array(np.concatenate(flat)), self._pieces), np.concatenate(lengths)


def find_sentencepiece(name: str) -> TokenizerFile | None:
    """The SentencePiece model whose pieces are the words of a language model; None: its words are eojeol.

    Args:
        name: `eojeol`, or a tokenizer by any name that other verbs take (`malmoi_pipelines.tokenizers.finding`).

    Raises:
        UsageError: there is nothing of that name, or it is a tokenizer of another kind.
        BadInputError: it is no tokenizer.
    """
    if name == EOJEOL:
        return None
    try:
        found = find_tokenizer(name)
    except UsageError as error:
        raise UsageError(error.message, hint=f"{error.hint}; or `eojeol` for words between spaces") from None
    if found.is_json:
        raise UsageError(
            f"{found.path} is no SentencePiece model: the words of a language model are the pieces of one, or eojeol.",
            hint="name a tokenizer.model, a folder that has one, or `eojeol` for words between spaces",
        )
    sentencepiece_encoder(found.path, found.data, found.fingerprint)
    return found


def load_tokenizer(name: str) -> Tokenizer:
    """What cuts sentences, by a name; see `find_sentencepiece`."""
    found = find_sentencepiece(name)
    return EojeolTokenizer() if found is None else SentencePieceTokenizer(found.data)
