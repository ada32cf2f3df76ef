import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_tokenizer_lab.loop.candidates import find_candidates
from malmoi_tokenizer_lab.loop.curation import Curation, read_curation, with_wanted
from malmoi_tokenizer_lab.loop.intermediate import is_candidate

from tests.tokenizer_lab.loop.toy import MARK, MULTIS_OF_BASES, bases, pieces, toy_inventory, vocabularies
from tests.tokenizer_lab.plain_bpe import parents


@pytest.fixture
def write(memory_root):
    def write(name, content):
        path = f"{memory_root}/{name}"
        files.write_bytes(path, content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(allow=None, deny=None):
    return read_curation(allow, deny, lambda text: text.replace(" ", MARK), is_candidate)


def test_a_line_is_a_piece(write):
    allow = write("allow", f"# words\n나라\n 나라 # with a space\r\n\n   \n{MARK}말 \n나라\n")
    deny = write("deny", b"\xef\xbb\xbf" + "마\nabc\n".encode())
    curation = read(allow, deny)
    assert curation.allowed == ("나라", f"{MARK}나라", f"{MARK}말")
    assert curation.denied == {"마", "abc"}


def test_no_lists_say_nothing():
    assert read() == Curation()


def test_what_is_denied():
    curation = Curation(denied=frozenset({"나라", "뷁"}))
    assert [curation.denies(piece) for piece in ("나라", f"{MARK}나라", "나라의", "뷁", "뷁뷁", "나")] == [
        *(True, False, False),
        *(True, True, False),
    ]


@pytest.mark.parametrize("piece", ["abc", "가나a", "다.", "가 나", "가" * 17, " "])
def test_pieces_that_cannot_be_tokens_are_refused(write, piece):
    if piece.strip():
        with pytest.raises(UsageError, match="cannot become a token, nor can 1 others"):
            read(write("allow", f"가나\n{piece}\n!\n"))
    else:
        assert read(write("allow", f"{piece}\n")).allowed == ()


def test_a_piece_in_both_lists_is_refused(write):
    with pytest.raises(UsageError, match="'나라' is in both lists"):
        read(write("allow", "나라\n말\n"), write("deny", "나라\n"))
    with pytest.raises(UsageError, match=r"'나라' is in both lists.* or a letter of it is denied"):
        read(write("allow", "나라\n말\n"), write("deny", "라\n"))


def test_what_is_no_list_is_refused(write, memory_root):
    with pytest.raises(UsageError, match="there is no file"):
        read(f"{memory_root}/none")
    with pytest.raises(BadInputError, match="is not UTF-8"):
        read(deny=write("deny", b"\xff\xfe"))


@pytest.mark.long
@given(bases, vocabularies, st.lists(pieces, unique=True, max_size=4))
def test_wanted_pieces_become_reachable(base_multis, multis, wanted):
    """And nothing that was reachable before becomes dead, since what is added merges last."""
    inventory = toy_inventory(base_multis)
    multis = [piece for piece in multis if piece not in inventory.ids]
    proposed = with_wanted(multis, wanted, inventory, is_candidate)
    assert proposed[: len(multis)] == multis
    assert len(set(proposed)) == len(proposed)
    candidates, unreachable = find_candidates(proposed, inventory, {}, 1)
    assert set(wanted) <= set(candidates.pieces) | inventory.ids.keys()
    before = {piece: rank for rank, piece in enumerate([*base_multis, *multis])}
    assert set(unreachable) <= {piece for piece in multis if parents(piece, before) is None}


def test_only_what_is_missing_is_added():
    inventory = toy_inventory(MULTIS_OF_BASES[1])  # 가나 is a token of the base
    wanted = ["다", "가나", "나다", "가나다"]
    assert with_wanted(["나다"], wanted, inventory, is_candidate) == ["나다", "가나다"]
    assert with_wanted([], ["ㅋㅋ다다"], inventory, is_candidate) == ["ㅋㅋ", "ㅋㅋ다", "ㅋㅋ다다"]


def test_a_candidate_that_nothing_could_make_is_made_reachable():
    assert with_wanted(["ㅋㅋ다다"], ["ㅋㅋ다다"], toy_inventory(), is_candidate) == ["ㅋㅋ다다", "ㅋㅋ", "ㅋㅋ다"]
    assert with_wanted([f"{MARK}ㅋㅋ"], [f"{MARK}ㅋㅋㅋ"], toy_inventory(), is_candidate) == [
        *(f"{MARK}ㅋㅋ", f"{MARK}ㅋ", f"{MARK}ㅋㅋㅋ")
    ]


def test_pieces_between_may_be_added_themselves():
    """As of bytes: the first byte of a letter is never a token together with what is before it."""
    without = with_wanted([], ["가나다"], toy_inventory(), lambda piece: piece != "가나")
    assert without == ["나다", "가나다"]
    with pytest.raises(UsageError, match="no piece that may be added leads to it"):
        with_wanted([], ["가나다"], toy_inventory(), lambda piece: piece == "가나다")
    with pytest.raises(UsageError, match="neither the base nor the corpus has '뷁'"):
        with_wanted([], ["가뷁"], toy_inventory(), is_candidate)
