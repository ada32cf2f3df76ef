"""`expand` where there is little, too much, or something twice."""

import pathlib
import shutil

import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_tokenizer_lab.stage import expand
from malmoi_tokenizer_lab.words import letters_in, read_units

from tests.tokenizer_lab.small import SMALL, WAYS, write_words


def run(words, out, base, **settings):
    return expand(words, str(out), SMALL.model_copy(update={"base": base, "morphemes": False, **settings}))


def listed(path, *pieces):
    files.write_bytes(str(path), "\n".join(pieces).encode())
    return str(path)


@pytest.mark.long
@pytest.mark.parametrize(("policy", "candidates"), WAYS)
def test_a_corpus_of_one_letter_is_too_little(small_base, tmp_path, policy, candidates):
    words = write_words(str(tmp_path / "words"), ["가"])
    with pytest.raises(UsageError, match="leaves no token"):
        run([words], tmp_path / "out", small_base, policy=policy, candidates=candidates)


def test_a_table_is_not_counted_twice(words, small_base, tmp_path):
    for again in (words, shutil.copytree(words, tmp_path / "copy")):
        with pytest.raises(UsageError, match="are the same word table: its text would be counted twice"):
            run([words, str(again)], tmp_path / "out", small_base)
    with pytest.raises(UsageError, match="are the same word table"):
        run([words], tmp_path / "out", small_base, held_out=(words,))


def test_held_out_text_must_be_cut_by_the_same_rule(words, small_base, tmp_path):
    other = write_words(str(tmp_path / "bytes"), ["나라"], rule="byte-level")
    with pytest.raises(UsageError, match="holds byte-level units"):
        run([words], tmp_path / "out", small_base, held_out=(other,))


@pytest.mark.long
def test_pieces_that_the_budget_has_no_room_for_are_refused(words, small_base, tmp_path):
    letters = sorted(letters_in(read_units([words])))
    allow = listed(tmp_path / "allow", *(f" {a}{b}" for a, b in zip(letters, letters[60:120], strict=False)))
    with pytest.raises(UsageError, match=r"need \d+ rows with what they are made from\. The budget leaves \d+"):
        run([words], tmp_path / "out", small_base, allow=allow, budget=100)
    assert not pathlib.Path(tmp_path / "out" / "manifest.json").exists()


@pytest.mark.long
def test_a_denied_letter_is_recorded(words, small_base, tmp_path):
    tokens = pq.read_table(run([words], tmp_path / "out", small_base).folder + "/data/new_tokens.parquet").to_pylist()
    letter = next(row["piece"] for row in tokens if row["kind"] == "letter")
    result = run([words], tmp_path / "denied", small_base, deny=listed(tmp_path / "deny", letter))
    candidates = pq.read_table(f"{result.folder}/candidates/candidates.parquet").to_pylist()
    (row,) = [row for row in candidates if row["piece"] == letter]
    assert (row["kind"], row["kept"], row["reason"], row["raw_count"] > 0) == ("letter", False, "denied", True)
    kept = [row["piece"] for row in candidates if row["kept"]]
    assert not any(letter in piece for piece in kept)


@pytest.mark.long
def test_a_mask_that_the_base_has_is_refused_at_once(words, small_base, tmp_path):
    folder = run([words], tmp_path / "once", small_base, masks=(), reserved=("<|acc|>",)).folder
    with pytest.raises(UsageError, match=r"has the mask '<\|acc\|>' already"):
        run([words], tmp_path / "twice", folder, masks=("<|acc|>",))
