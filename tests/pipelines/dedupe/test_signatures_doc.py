"""`docs/signatures.md` as a second implementation in plain Python, and its golden vectors."""

import json
import pathlib
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.dedupe import digest
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.exact_key import exact_keys
from malmoi_pipelines.dedupe.near.minhash import band_digests, signatures
from malmoi_pipelines.dedupe.near.shingles import shingles
from malmoi_pipelines.dedupe.normalise import normalise

PAGE = pathlib.Path(__file__).parents[3] / "docs/signatures.md"
SIZES = {"eojeol": 5, "syllables": 12}
WORD = 2**64
WHITE = {"Cc", "Zl", "Zp", "Zs"}
PUNCTUATION = {"Cf", "Me", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So"}
FOLDS = ("digits", "punctuation", "case")
P = 0x9E3779B97F4A7C15


def form_of(text, fold=()):
    folded = "".join(folded_character(character, fold) for character in unicodedata.normalize("NFC", text))
    return "".join(word + " " for word in folded.split(" ") if word)


def folded_character(character, fold):
    code, category = ord(character), unicodedata.category(character)
    if code >= 0x20000 or category == "Cs":
        return character
    if category in WHITE or ("punctuation" in fold and (category in PUNCTUATION or 0xFE00 <= code <= 0xFE0F)):
        return " "
    if "digits" in fold and category == "Nd":
        return "0"
    for folded in (character.casefold(), character.lower()):
        if "case" in fold and len(folded) == 1:
            return folded
    return character


def exact_key(text, fold=()):
    form = form_of(text, set(fold) & {"case"})
    if form:
        return xxhash.xxh3_128_intdigest(form.encode("utf-32-le", "surrogatepass"))
    return xxhash.xxh3_128_intdigest(text.encode(), seed=1)


def shingles_of(text, unit, size, max_chars=500_000, fold=()):
    form = form_of(text, fold)
    # A word that the cap cuts is left out whole.
    kept = form[:max_chars] if form[max_chars : max_chars + 1] in ("", " ") else form[:max_chars].rpartition(" ")[0]
    units = kept.split() if unit == "eojeol" else list(form[:max_chars].replace(" ", ""))
    between = " " if unit == "eojeol" else ""
    return [between.join(units[i : i + size]) for i in range(max(len(units) - size + 1, 1))] if units else []


def mix64(value):
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % WORD
    value = (value ^ value >> 27) * 0x94D049BB133111EB % WORD
    return value ^ value >> 31


def shingle_hash(shingle):
    total = sum(mix64((ord(character) + 1) * P % WORD) * pow(P, i, WORD) for i, character in enumerate(shingle))
    return mix64(total % WORD)


def signature_of(hashes, permutations, seed):
    stream = [mix64((n * P + (seed << 32)) % WORD) >> 32 for n in range(1, 2 * permutations + 1)]
    pairs = zip((value | 1 for value in stream[:permutations]), stream[permutations:], strict=True)
    return [min((factor * (h >> 32) + addend) % 2**32 for h in hashes) for factor, addend in pairs]


def digests_of(signature, bands, seed):
    rows = len(signature) // bands
    result = []
    for band in range(bands):
        value = (seed << 32) + band
        for row in signature[band * rows : (band + 1) * rows]:
            value = mix64((value + P) % WORD) ^ row
        result.append(mix64(value))
    return result


def length_of(text, unit, size):
    shingled = shingles_of(text, unit, size)
    repeats = len(shingled) - len(set(shingled))
    num_bytes = len(text.encode())
    if repeats and 3 * repeats >= len(shingled):
        return num_bytes * max(len(shingled) - 2 * repeats, 0) // len(shingled)
    return num_bytes


def code_digests(path, texts, sources, ids, **settings):
    columns = [pa.array(texts, pa.large_string()), pa.array(sources), pa.array(ids)]
    pq.write_table(pa.table(columns, names=["text", "source", "id"]), path)
    config = DedupeConfig.model_validate(settings)
    return [row for batch in digest.digest_documents(str(path), config) for row in batch.to_pylist()]


def code_keys(texts, fold=()):
    keys = exact_keys(pa.array(texts, pa.large_string()), set(fold) & {"case"}).tolist()
    return [(high << 64) + low for high, low in keys]


def code_shingles(texts, unit, size, max_chars=500_000, fold=()):
    hashes, bounds = shingles(normalise(texts, fold), unit, size, max_chars)
    return [part.tolist() for part in np.split(hashes, bounds[1:-1])]


def code_signature(hashes, permutations, seed):
    return signatures(np.array(hashes, np.uint64), np.array([0, len(hashes)]), permutations, seed)


CHARACTERS = [*"가 ßİA７1.-\n♡ㅠ𠮷Ⅷﬁŉ\u200b\ufe0f\u20dd\u11ab\U000e0041"]
PIECES = st.sampled_from([*CHARACTERS, "나라", "말이 ", "Σς", "e\u0301", "\u1112\u1161", "\U0001f468\u200d\U0001f469"])
TEXTS = st.lists(st.one_of(PIECES, st.text(st.characters(exclude_categories=["Cs"]), max_size=3)), max_size=40).map(
    "".join
)


@given(st.lists(TEXTS, max_size=4), st.sets(st.sampled_from(FOLDS)))
@example(["", "...", "가", "가.", "𠮷\U000e0041"], set(FOLDS))
@settings(max_examples=150, deadline=None)
def test_forms_and_exact_keys(texts, fold):
    block = normalise(texts, fold)
    forms = [part.tobytes().decode("utf-32-le") for part in np.split(block.codes, block.documents[1:-1])]
    assert forms[: len(texts)] == [form_of(text, fold) for text in texts]
    assert code_keys(texts, fold) == [exact_key(text, fold) for text in texts]


def test_the_order(tmp_path):
    pasted = "같은 글이 한 번 더 붙어 있으면 길이는 두 배가 되지만 새로운 것은 하나도 없다 " * 2
    texts = ["짧은 글", "더 긴 글이다.", "짧은 글", pasted, "한 말 " * 6 + pasted]
    sources, ids = ["web", "books", "news", "web", "web"], ["1", "2", "3", "4", "5"]
    for unit, size in SIZES.items():
        rows = code_digests(
            tmp_path / "a.parquet", texts, sources, ids, source_priority=["books", "news"], shingle=unit
        )
        assert 0 < length_of(pasted, unit, size) < len(pasted.encode()) / 2
        for i, priority in enumerate([2, 0, 1, 2, 2]):
            text, name = texts[i].encode(), f"{sources[i]}\0{ids[i]}".encode()
            assert rows[i]["rank"] == 2**63 + (2**39 - 1 - length_of(texts[i], unit, size)) * 2**24 + priority
            high, low = (xxhash.xxh3_64_intdigest(value) >> 32 for value in (text, name))
            assert rows[i]["tie"] == high * 2**32 + low
            assert bool(rows[i]["bands"]) == (len(shingles_of(texts[i], unit, 1)) >= size)


@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.sampled_from(["eojeol", "syllables"]),
    st.integers(1, 13),
    st.integers(1, 60),
    st.sets(st.sampled_from(FOLDS)),
)
@settings(max_examples=200, deadline=None)
def test_shingle_hashes(texts, unit, size, max_chars, fold):
    expected = [list(map(shingle_hash, shingles_of(text, unit, size, max_chars, fold))) for text in texts]
    assert code_shingles(texts, unit, size, max_chars, fold) == expected


@given(
    st.lists(st.integers(0, WORD - 1), min_size=1, max_size=9),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
)
@example([0, WORD - 1], 14, 8, 2**32 - 1)
@settings(max_examples=150, deadline=None)
def test_signatures_and_band_digests(hashes, bands, rows, seed):
    signature = code_signature(hashes, bands * rows, seed)
    assert signature[:, 0].tolist() == signature_of(hashes, bands * rows, seed)
    assert band_digests(signature, bands, seed)[0].tolist() == digests_of(signature[:, 0].tolist(), bands, seed)


def tables():
    """The rows of the page's tables of golden vectors, table by table, without the backticks."""
    lines = PAGE.read_text().partition("## Golden vectors")[2].splitlines()
    result, before = [], ""
    for line in lines:
        if line.startswith("|"):
            cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
            if not before.startswith("|"):
                result.append([])  # the head
            elif not line.startswith("|--"):
                result[-1].append(cells)
        before = line
    return result


TEXT_ROWS, SHINGLE_ROWS, SIGNATURE_ROWS = tables()
GOLDEN = {number: json.loads(text) for number, text, _, _, _ in TEXT_ROWS}


def numbers(cell):
    return [int(value, 16) for value in cell.split()]


def test_the_page_has_vectors_of_all_kinds():
    assert len(GOLDEN) >= 6
    assert {unit for _, unit, _, _ in SHINGLE_ROWS} == set(SIZES)
    assert {seed for _, _, seed, _, _ in SIGNATURE_ROWS} == {"0", "7"}


@pytest.mark.parametrize("row", TEXT_ROWS, ids=lambda row: row[0])
def test_golden_keys(row):
    number, _, form, folded, key = row
    assert json.loads(form) == form_of(GOLDEN[number])
    assert json.loads(folded) == form_of(GOLDEN[number], FOLDS)
    assert int(key, 16) == exact_key(GOLDEN[number])
    assert [int(key, 16)] == code_keys([GOLDEN[number]])


@pytest.mark.parametrize("row", SHINGLE_ROWS, ids=lambda row: "-".join(row[:2]))
def test_golden_shingles(row):
    number, unit, count, first = row
    text, size = GOLDEN[number], SIZES[unit]
    own = list(map(shingle_hash, shingles_of(text, unit, size)))
    assert code_shingles([text], unit, size)[0] == own
    assert (int(count), numbers(first)) == (len(own), own[:2])


@pytest.mark.parametrize("row", SIGNATURE_ROWS, ids=lambda row: "-".join(row[:3]))
def test_golden_signatures(row):
    number, unit, seed, values, digests = row
    hashes = list(map(shingle_hash, shingles_of(GOLDEN[number], unit, SIZES[unit])))
    own = signature_of(hashes, 4, int(seed))
    by_code = code_signature(hashes, 4, int(seed))
    assert numbers(values) == own == by_code[:, 0].tolist()
    assert numbers(digests) == digests_of(own, 2, int(seed)) == band_digests(by_code, 2, int(seed))[0].tolist()
