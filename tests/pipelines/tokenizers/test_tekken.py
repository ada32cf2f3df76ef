import base64
import os
import random

import mistral_common
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.tokenizers.tekken import SPECIALS
from malmoi_tokenizer_lab.gates.texts import FIXED, random_texts
from mistral_common.tokens.tokenizers import tekken

from tests.strategies import texts
from tests.tokenizer_lab.byte_level.small import encode, library, read_base
from tests.tokenizer_lab.small import CODE_AND_ENGLISH, make_corpus

PATTERN = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# "zqx" is no merge of two tokens: only a whole pre-token can be it. Its rank is not used up by the others.
TOKENS = ["in", "de", "def", " d", "  ", "   ", "가나", "나다", "가나다", "zqx", "    ", "==", "===", "unused"]
RANKS = [bytes([byte]) for byte in range(256)] + ["가".encode()[:2], "가".encode(), *(text.encode() for text in TOKENS)]
NUM_SPECIALS = 30


def tekken_json(**changes):
    rows = [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for i, t in enumerate(RANKS)]
    config = {
        "pattern": PATTERN,
        "num_vocab_tokens": len(rows),
        "default_vocab_size": len(rows) - 1 + NUM_SPECIALS,  # the last rank is not used
        "default_num_special_tokens": NUM_SPECIALS,
        "version": "v3",
    }
    return {"config": {**config, **changes}, "vocab": rows}


class Pair:
    """A Tekken file as we read it and as mistral-common does."""

    def __init__(self, path):
        self.base = read_base(path)
        self.ours, self.theirs = library(self.base.json), tekken.Tekkenizer.from_file(path)
        self.specials = [token["content"] for token in self.base.json["added_tokens"]]

    def check(self, text):
        if not any(special in text for special in self.specials):  # mistral-common never finds these in text
            ids = encode(self.ours, text)
            assert ids == self.theirs.encode(text, bos=False, eos=False), repr(text)
            assert self.ours.decode(ids, skip_special_tokens=False) == text


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("tekken") / "tekken_tiny.json")
    files.write_bytes(path, orjson.dumps(tekken_json()))
    return Pair(path)


@pytest.fixture(scope="module")
def real():
    """The newer of the two files; both have the same ranks and pattern."""
    folder = os.path.dirname(mistral_common.__file__)
    return Pair(os.path.join(folder, "data", "tekken_240911.json"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*TOKENS, "zq", "qx", " ", "=", "def zqx", "\n", "/", "가", "다", "a"])).map("".join))
def test_a_tiny_file_encodes_as_in_mistral_common(tiny, text):
    tiny.check(text)


def test_a_token_that_no_merge_makes_is_taken_whole(tiny):
    zqx = len(RANKS) - TOKENS[::-1].index("zqx") - 1 + NUM_SPECIALS
    assert encode(tiny.ours, "zqx") == [zqx]
    assert tiny.base.tokens[zqx] == b"zqx"
    assert zqx not in tiny.base.merges[:, 2]
    assert tiny.base.ignore_merges


def test_ranks_beyond_the_vocabulary_size_are_not_used(tiny):
    assert tiny.base.size == len(RANKS) - 1 + NUM_SPECIALS
    assert b"unused" not in tiny.base.tokens


def test_special_tokens_come_first_and_are_named(tiny):
    assert tiny.specials == [*SPECIALS, *(f"<SPECIAL_{i}>" for i in range(len(SPECIALS), NUM_SPECIALS))]
    assert tiny.base.tokens[:NUM_SPECIALS] == (b"",) * NUM_SPECIALS
    assert tiny.ours.encode("가").ids == [tiny.theirs.bos_id, *encode(tiny.ours, "가")]
    config = orjson.loads(tiny.base.files["tokenizer_config.json"])
    for role in ("bos", "eos", "pad", "unk"):
        assert tiny.ours.token_to_id(config[f"{role}_token"]) == getattr(tiny.theirs, f"{role}_id")


def test_special_tokens_that_the_file_lists():
    value = tekken_json() | {"special_tokens": [{"rank": i, "token_str": t} for i, t in ((1, "<b>"), (0, "<a>"))]}
    files.write_bytes("memory://tekken/tekken_listed.json", orjson.dumps(value))
    base = read_base("memory://tekken/tekken_listed.json")
    assert [token["content"] for token in base.json["added_tokens"]][:3] == ["<a>", "<b>", "<SPECIAL_2>"]
    assert base.json["post_processor"] is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"default_vocab_size": 10_000}, "must make 10000"),
        ({"default_num_special_tokens": "x"}, "not a complete Tekken file"),
        ({"default_num_special_tokens": 10}, "20 special tokens must make"),
    ],
)
def test_files_that_contradict_themselves(changes, reason):
    files.write_bytes("memory://tekken/tekken_bad.json", orjson.dumps(tekken_json(**changes)))
    with pytest.raises(BadInputError, match=reason):
        read_base("memory://tekken/tekken_bad.json")


def test_a_rank_spelled_as_a_special_token_or_out_of_order():
    value = tekken_json()
    value["vocab"][260]["token_bytes"] = base64.b64encode(b"<s>").decode()
    files.write_bytes("memory://tekken/tekken_bad.json", orjson.dumps(value))
    with pytest.raises(BadInputError, match="spelled as an ordinary one"):
        read_base("memory://tekken/tekken_bad.json")
    value = tekken_json()
    value["vocab"][3], value["vocab"][4] = value["vocab"][4], value["vocab"][3]
    files.write_bytes("memory://tekken/tekken_bad.json", orjson.dumps(value))
    with pytest.raises(BadInputError, match="single bytes"):
        read_base("memory://tekken/tekken_bad.json")


@pytest.mark.long
@pytest.mark.long
def test_the_real_file_has_its_size(real):
    assert real.base.size == 131_072
    assert len(real.base.merges) == 269_443
    assert sum(token != b"" for token in real.base.tokens) == 130_072


@pytest.mark.long
@pytest.mark.long
def test_the_real_file_on_fixed_texts_code_and_korean(real):
    for text in [*FIXED, CODE_AND_ENGLISH, *make_corpus(30), *random_texts([])]:
        real.check(text)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(text=texts)
def test_the_real_file_on_any_text(real, text):
    real.check(text)


@pytest.mark.long
def test_the_real_file_on_its_own_tokens_in_any_order(real):
    """Runs of spaces and signs are where an order of merges could differ from ranks."""
    rng = random.Random(0)
    whole = [token.decode() for token in real.base.tokens if token and _is_text(token)]
    signs = [text for text in whole if set(text) <= set(" \n\t\r.-=_*#/")]
    for pieces in (whole, signs):
        for _ in range(2_000):
            real.check("".join(rng.choices(pieces, k=rng.randint(1, 8))))


def _is_text(token):
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("where", ["{tmp_path}", "memory://tekken-folder"])
def test_a_folder_with_a_tekken_file(where, tmp_path):
    folder = where.format(tmp_path=tmp_path)
    files.write_bytes(f"{folder}/tekken.json", orjson.dumps(tekken_json()))
    files.write_bytes(f"{folder}/config.json", b'{"vocab_size": 2000}')
    alone = read_base(f"{folder}/tekken.json")
    base = read_base(folder)
    assert base.json == alone.json
    assert (base.size, base.merges.tolist()) == (2000, alone.merges.tolist())
    files.write_bytes(f"{folder}/tekken_2.json", b"{}")
    with pytest.raises(UsageError, match="holds 2 files"):
        read_base(folder)
