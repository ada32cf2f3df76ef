import numpy as np
import orjson
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.hangul import has_letter
from malmoi_pipelines.tokenizers.model_proto import CONTROL, NORMAL, Piece, extend, load, parse_model
from malmoi_tokenizer_lab.gates.texts import FIXED, mask_texts
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.sentencepiece.export import lay_out
from malmoi_tokenizer_lab.sentencepiece.inventory import sentencepiece_inventory
from malmoi_tokenizer_lab.sentencepiece.tokenizer_json import all_merges

from tests.strategies import texts
from tests.tokenizer_lab.small import MASKS, SMALL, make_base, read_model

PROPERTY = settings(max_examples=300, deadline=None)
UNMATCHED = ("<0x0A>", "<|im_end|>", "<|reserved_0|>")
SPECIALS = ("<unk>", "<s>", "</s>")  # in plain text these are tokens to Hugging Face, as with the base


class Pair:
    """One expanded folder as every library reads it."""

    def __init__(self, folder, base):
        self.folder = folder
        self.sentencepiece = load(read_model(folder))
        self.json = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.base = load(base.SerializeToString())

    def check(self, text):
        assert self.json.encode(text, add_special_tokens=False).ids == self.sentencepiece.encode(text), repr(text)


@pytest.fixture(scope="module")
def pair(expanded, base):
    return Pair(expanded.folder, base)


@pytest.mark.long
def test_fixed_texts(pair):
    for text in [*FIXED, *mask_texts(MASKS, UNMATCHED)]:
        pair.check(text)


parts = st.one_of(texts, st.sampled_from([*MASKS, *UNMATCHED, "<", "<|", "|>", " ", "▁", "x<0x0A>"]))


@PROPERTY
@given(st.lists(parts, max_size=6).map("".join))
def test_any_text(pair, text):
    if not any(special in text for special in SPECIALS):
        pair.check(text)


@PROPERTY
@given(st.data())
def test_new_pieces_in_any_order(pair, data):
    pieces = [pair.sentencepiece.id_to_piece(i) for i in range(pair.base.vocab_size(), pair.sentencepiece.vocab_size())]
    pieces = [piece for piece in pieces if not piece.startswith("<|reserved")]
    pair.check("".join(data.draw(st.lists(st.sampled_from(pieces), max_size=8))).replace("▁", " "))


@pytest.mark.long
@PROPERTY
@given(texts)
def test_text_without_hangul_encodes_as_before(pair, text):
    if not has_letter(text):
        assert pair.sentencepiece.encode(text) == pair.base.encode(text)


def test_code_and_documents(pair, corpus):
    for text in corpus:
        pair.check(text)
        assert pair.sentencepiece.decode(pair.sentencepiece.encode(text)) == text
        assert pair.json.decode(pair.sentencepiece.encode(text)) == text


def test_transformers_loads_the_folder_and_agrees(pair, corpus):
    transformers = pytest.importorskip("transformers")
    loaders = (transformers.AutoTokenizer, transformers.PreTrainedTokenizerFast)
    for loader in loaders if pair.base.vocab_size() < 10_000 else loaders[:1]:  # seconds each on the real base
        tokenizer = loader.from_pretrained(pair.folder)
        assert len(tokenizer) == pair.sentencepiece.vocab_size()
        assert tokenizer("가 나")["input_ids"][0] == tokenizer.bos_token_id == 1
        for text in [*FIXED, *mask_texts(MASKS, UNMATCHED)[:200], *corpus[:20]]:
            assert tokenizer(text, add_special_tokens=False)["input_ids"] == pair.sentencepiece.encode(text), repr(text)
        for text in corpus[:20]:
            assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_masks_are_one_token_wherever_they_stand(pair):
    for mask in MASKS:
        index = pair.sentencepiece.piece_to_id(mask)
        for text in (mask, f"전화{mask}입니다", f" {mask} ", f"tel:{mask}.", f"\n{mask}"):
            assert pair.sentencepiece.encode(text).count(index) == 1
            assert pair.json.encode(text).ids.count(index) == 1


def test_reserved_rows_never_come_from_plain_text(pair):
    reserved = [i for i in range(pair.sentencepiece.vocab_size()) if pair.sentencepiece.is_control(i)]
    for name in ("<|im_end|>", "<|im_start|>", "<|reserved_0|>"):
        for text in (name, f"a{name}", f"<|tell|>{name}<|tell|>", f"가 {name} 나"):
            assert not set(reserved).intersection(pair.json.encode(text, add_special_tokens=False).ids)


def test_merges_are_all_splits_in_score_order():
    pieces = [Piece(text, -float(i)) for i, text in enumerate(["ab", "bc", "abc", "a", "b", "c"])]
    assert all_merges([_Row(piece) for piece in pieces]) == [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")]


class _Row:
    def __init__(self, piece):
        self.piece, self.score, self.type = piece.text, piece.score, NORMAL


def test_padding_takes_names_that_are_free():
    base = extend(parse_model(make_base(), "base"), [Piece("<|reserved_0|>", 0.0, CONTROL)])
    config = SMALL.model_copy(
        update={"reserved": ("<|reserved_1|>",), "masks": ("<|reserved_3|>",), "pad_multiple": len(base.pieces) + 6}
    )
    none = np.zeros(0, np.int64)
    layout = lay_out(base, Candidates((), 0, none, sentencepiece_inventory(base, {})), none, config)
    names = [row.text for row in layout.rows]
    assert names == [f"<|reserved_{number}|>" for number in (1, 3, 2, 4, 5, 6)]
    assert (layout.size, layout.kinds[2:]) == (config.pad_multiple, ("reserved",) * 4)


def test_files_say_what_they_are(pair):
    config = orjson.loads(files.read_bytes(f"{pair.folder}/tokenizer_config.json"))
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert (config["bos_token"], config["eos_token"], config["unk_token"]) == ("<s>", "</s>", "<unk>")
    model = orjson.loads(files.read_bytes(f"{pair.folder}/tokenizer.json"))["model"]
    assert all(len(merge) == 2 for merge in model["merges"])
    assert sorted(model["vocab"].values()) == list(range(pair.sentencepiece.vocab_size()))
