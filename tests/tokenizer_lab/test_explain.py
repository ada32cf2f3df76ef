import orjson
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.schemas import CANDIDATES, HISTORY, NEW_TOKENS, ROUNDS, TOKENIZER, WORD_TABLE
from malmoi_pipelines.tokenizers.byte_alphabet import spell
from malmoi_pipelines.tokenizers.model_proto import parse_model
from malmoi_tokenizer_lab.explain import explain

from tests.tokenizer_lab.extended import extended, write_tables, write_tokenizer
from tests.tokenizer_lab.small import make_base

KEPT = ("나라", "우리", "우리나라")
DROPPED = {"나라가": ("cutoff", 2, 3), "▁나라": ("budget", 4, 40), "라나라": ("unreachable", None, 0)}


def candidate(number, piece, parents=(), **values):
    row = {"candidate": number, "piece": piece, "kind": "multi" if len(piece) > 1 else "letter"}
    row |= {"parents": list(parents), "first_count": 50, "count": 30, "raw_count": 70}
    return row | {"kept": True, "reason": "kept", "round": None} | values


def dropped(number, piece, parents):
    reason, when, count = DROPPED[piece]
    return candidate(number, piece, parents, kept=False, reason=reason, round=when, count=count)


CANDIDATE_ROWS = [
    candidate(0, "나라", ("나", "라")),
    candidate(1, "우리", ("우", "리"), reason="scaffold", count=2),
    dropped(2, "나라가", ("나라", "가")),
    candidate(3, "우리나라", ("우리", "나라")),
    dropped(4, "▁나라", ("▁", "나라")),
    dropped(5, "라나라", ()),
    candidate(6, "나", reason="letter"),
]
ROUND_ROWS = [
    dict.fromkeys((field.name for field in ROUNDS.schema), 0)
    | {"round": number, "phase": phase, "tokens": 10 - number, "tokens_per_eojeol": 2.0}
    for number, phase in enumerate(["cutoff", "cutoff", "scaffold", "budget", "end"], 1)
]
HISTORY_ROWS = [
    {"round": 1, "candidate": 2, "count": 5},
    {"round": 2, "candidate": 2, "count": 3},
    {"round": 1, "candidate": 0, "count": 50},
    {"round": 3, "candidate": 0, "count": 53},
    {"round": 5, "candidate": 0, "count": 30},
]


def new_row(index, piece, kind="multi", reason="kept"):
    row = {"id": index, "piece": piece, "text": piece, "score": -9.0, "kind": kind, "reason": reason}
    return row | {"count": 30, "raw_count": 70, "parents": [], "base_ids": []}


def write_explained(folder, new, candidates=CANDIDATE_ROWS, source="intermediate"):
    tables = {NEW_TOKENS: new, CANDIDATES: candidates, HISTORY: HISTORY_ROWS, ROUNDS: ROUND_ROWS}
    write_tables(folder, TOKENIZER, tables, config={"candidates": source, "intermediate_vocab_size": 900})
    Report("expand", facts={"cutoff": 7}).write(folder)
    return folder


@pytest.fixture(scope="module")
def base():
    return parse_model(make_base(), "base")


@pytest.fixture(scope="module")
def folder(base, tmp_path_factory):
    model = extended(base, KEPT)
    path = write_tokenizer(tmp_path_factory.mktemp("tokenizer"), model)
    kinds = {"<|im_end|>": "reserved", "<|im_start|>": "reserved"} | dict.fromkeys(
        ("<|acc|>", "<|rrn|>", "<|tell|>"), "mask"
    )
    pieces = [piece.piece for piece in model.pieces]
    rows = [
        new_row(i, pieces[i], kinds.get(pieces[i], "multi"), kinds.get(pieces[i], "kept"))
        for i in range(len(base.pieces), len(pieces))
    ]
    return write_explained(path, rows)


def test_a_kept_token(folder, base):
    found = explain(folder, "나라")
    index = len(base.pieces) + 5
    assert found.verdict == f"in, as id {index}: it occurs at least as often as the cutoff"
    assert found.facts["count at the end"] == 30
    assert (found.facts["count of its characters"], found.facts["cutoff"]) == (70, 7)
    assert found.facts["spelled now"] == f"나라 ({index})"
    assert found.facts["spelled by the base"].count("(") == 6  # bytes
    rounds = found.tables["count by round, where it changed"]
    assert [(row["round"], row["phase"], row["its count"]) for row in rounds] == [
        (1, "cutoff", 50),
        (3, "scaffold", 53),
        (5, "end", 30),
    ]
    assert [row["piece"] for row in found.tables["made from"]] == ["나", "라"]
    assert found.tables["made from"][0]["state"].endswith("(letter)")
    assert {row["piece"]: row["state"] for row in found.tables["made into"]} == {
        "나라가": "out in round 2 (cutoff)",
        "우리나라": f"in, id {index + 2} (kept)",
        "▁나라": "out in round 4 (budget)",
    }
    assert [row["piece"] for row in found.tables["made into"]] == ["우리나라", "▁나라", "나라가"]
    assert found.facts["candidates made from it"] == 3
    near = found.tables["neighbours in merge order"]
    assert [row["piece"] for row in near] == ["나라", "우리", "나라가", "우리나라"]


def test_an_id_is_looked_up_as_its_piece(folder, base):
    assert explain(folder, str(len(base.pieces) + 5)) == explain(folder, "나라")
    with pytest.raises(UsageError, match="no token has the id 99999"):
        explain(folder, "99999")


def test_a_scaffold_says_so(folder):
    assert "below the cutoff, but a kept token is made from it" in explain(folder, "우리").verdict


@pytest.mark.parametrize("token", ["▁나라", " 나라"])
def test_a_dropped_token(folder, token):
    found = explain(folder, token)
    assert found.token == "▁나라"
    assert found.verdict.startswith("out, dropped in round 4: there were more tokens than the budget")
    assert found.facts["count when it was dropped"] == 40
    assert found.facts["spelled now"].count("(") == 2
    states = {row["piece"]: row["state"] for row in found.tables["made from"]}
    assert states["▁"].startswith("in the base, id")
    assert "made into" not in found.tables


def test_a_candidate_that_was_never_in(folder):
    assert explain(folder, "라나라").verdict.startswith("out, never in: no text can produce it")


def test_tokens_that_are_no_candidates(folder):
    the = explain(folder, "▁the")
    assert the.verdict.startswith("in the base already, as id")
    assert explain(folder, "다.").verdict.endswith("Hangul letters only, after one space at most")
    assert "the corpus has it less often than the cutoff" in explain(folder, "뷁").verdict
    assert "among the 7 that the intermediate vocabulary of 900 pieces reached" in explain(folder, "나랏").verdict
    assert "a mask of personal data" in explain(folder, "<|tell|>").verdict
    assert "no plain text encodes to it" in explain(folder, "<|im_end|>").verdict
    with pytest.raises(UsageError, match="at least one character"):
        explain(folder, "")


def test_a_typo_gets_suggestions_with_and_without_a_space(folder):
    near = [row["piece"] for row in explain(folder, "나랏가").tables["nearest candidates"]]
    assert near[0] == "나라가"
    assert explain(folder, "▁우리").tables["nearest candidates"][0]["piece"] == "우리"
    assert "nearest candidates" not in explain(folder, "뷁쀍").tables


def test_other_folders_are_refused(tmp_path):
    other = write_tables(str(tmp_path), WORD_TABLE, {})
    with pytest.raises(BadInputError, match="of tokenizer: it holds words"):
        explain(other, "나라")


def test_a_byte_level_folder(tmp_path):
    """나라 = two letters of three bytes; the base has the bytes and 나."""
    letters = [spell(text.encode()) for text in ("나", "라")]
    vocab = {spell(bytes([byte])): byte for byte in range(256)}
    merges = []
    for letter in letters:
        vocab |= {letter[:2]: len(vocab), letter: len(vocab) + 1}
        merges += [[letter[0], letter[1]], [letter[:2], letter[2]]]
    first = len(vocab)
    vocab["".join(letters)] = first
    merges.append(letters)
    value = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    }
    files.write_bytes(f"{tmp_path}/tokenizer.json", orjson.dumps(value))
    rows = [row | {"piece": spell(row["piece"].encode())} for row in CANDIDATE_ROWS[:1]]
    rows[0]["parents"] = letters
    folder = write_explained(str(tmp_path), [new_row(first, "".join(letters))], rows, "continued")
    found = explain(folder, "나라")
    assert found == explain(folder, str(first))
    assert (found.token, found.facts["spelled now"]) == ("나라", f"나라 ({first})")
    assert found.facts["spelled by the base"] == f"나 ({vocab[letters[0]]}) 라 ({vocab[letters[1]]})"
    assert [row["state"] for row in found.tables["made from"]] == [f"in the base, id {vocab[x]}" for x in letters]
    assert explain(folder, " 나라").token == "▁나라"
    assert explain(folder, " 나라").verdict == (
        "out, never a candidate: it is not among the 1 that continued training of the base made, which stops at 900"
    )
