import datetime
import re
import unicodedata
from collections import Counter, defaultdict

import ftfy
import orjson
import pytest
from malmoi_pipelines.sample.check_digits import reads_as_rrn
from malmoi_pipelines.sample.copies import jaccard, near_duplicate, related, shingles
from malmoi_pipelines.sample.draws import Dice, key_of
from malmoi_pipelines.sample.look_alikes import LOOK_ALIKES
from malmoi_pipelines.sample.personal import ACC_FORMS, PII_FORMS, RRN_FORMS


@pytest.fixture(scope="module")
def rows(sample):
    by_kind = defaultdict(list)
    for row in sample.truth():
        by_kind[row["kind"]].append(row)
    return by_kind


def brute_force_jaccard(left: str, right: str) -> float:
    """The definition, letter by letter, apart from the code under test."""

    def words(text: str) -> list[str]:
        folded = "".join(
            "0" if c.isdecimal() else c if c.isalnum() else " " for c in unicodedata.normalize("NFC", text).casefold()
        )
        return folded.split()

    a, b = (
        {" ".join(group) for group in zip(*(found[i:] for i in range(5)), strict=False)}
        for found in (words(left), words(right))
    )
    return len(a & b) / len(a | b)


@pytest.mark.long
def test_every_row_points_at_its_line(sample, rows):
    for row in (row for found in rows.values() for row in found):
        line = sample.lines(row["file"])[row["line"] - 1]
        assert line.startswith(b'{"id":"' + row["id"].encode() + b'"')
        assert row["id"].startswith(row["source"])


def test_planted_strings_are_in_the_text(rows, records):
    kinds = ("pii", "look_alike", "mojibake", "nfd", "control", "html", "too_short", "literal_mask")
    for row in (row for kind in kinds for row in rows[kind]):
        assert row["text"] in records[row["id"]]["text"], row
        assert row["form"]


def test_truncated_lines_end_as_recorded_and_are_no_json(sample, rows):
    for row in rows["truncated"]:
        line = sample.lines(row["file"])[row["line"] - 1]
        assert line.decode().endswith(row["text"])
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(line)


def test_invalid_lines_hold_the_recorded_bytes_and_are_no_utf8(sample, rows):
    for row in rows["invalid_utf8"]:
        line = sample.lines(row["file"])[row["line"] - 1]
        assert bytes.fromhex(row["text"]) in line
        with pytest.raises(UnicodeDecodeError):
            line.decode()


def test_exact_duplicates_are_identical_and_cross_files_and_sources(rows, records):
    for row in rows["exact_duplicate"]:
        assert records[row["of"]]["text"] == records[row["id"]]["text"]
        assert row["of"] != row["id"]
        assert row["similarity"] == 1
    assert len({row["of"][:-7] != row["id"][:-7] for row in rows["exact_duplicate"]}) == 2
    assert any(not row["of"].startswith(row["source"]) for row in rows["exact_duplicate"])


def test_originals_carry_nothing(rows):
    planted = {row["id"] for found in rows.values() for row in found}
    assert not planted & {row["of"] for found in rows.values() for row in found if "of" in row}


@pytest.mark.parametrize(("kind", "low", "high"), [("near_duplicate", 0.87, 0.999), ("related", 0.3, 0.6)])
def test_similarities_are_true(rows, records, kind, low, high):
    assert len(rows[kind]) >= 5
    for row in rows[kind]:
        measured = brute_force_jaccard(records[row["of"]]["text"], records[row["id"]]["text"])
        assert measured == pytest.approx(row["similarity"], abs=1e-9)
        assert low <= measured <= high


def test_documents_not_recorded_as_copies_are_dissimilar(rows, records):
    planted = {row["id"] for found in rows.values() for row in found}
    long = [shingles(r["text"]) for i, r in records.items() if r["source"] == "web" and i not in planted]
    owners = Counter(shingle for found in long for shingle in found)
    shared = [sum(owners[shingle] > 1 for shingle in found) / len(found) for found in long if len(found) > 20]
    assert max(shared) < 0.05


def test_mojibake_is_what_ftfy_repairs(rows, records):
    for row in rows["mojibake"]:
        assert row["text"] != row["clean"]
        assert row["clean"] in ftfy.fix_encoding(records[row["id"]]["text"])


def test_nfd_text_composes_to_its_clean_form(rows, records):
    for row in rows["nfd"]:
        text = records[row["id"]]["text"]
        assert not unicodedata.is_normalized("NFC", text)
        assert row["clean"] in unicodedata.normalize("NFC", text)


def test_a_document_carries_one_kind_of_planting(rows):
    kinds = defaultdict(set)
    for kind, found in rows.items():
        for row in found:
            kinds[row["id"]].add(kind)
    assert {len(found) for found in kinds.values()} == {1}


@pytest.mark.parametrize("kind", PII_FORMS)
def test_all_forms_of_personal_numbers_occur(kind):
    for form in PII_FORMS[kind]:
        written = [form.write(Dice(key_of(form.name, n))) for n in range(30)]
        assert all(text in sentence for text, sentence in written)
        assert len({text for text, _ in written}) == 30, "digits vary"


def test_resident_numbers_have_real_dates():
    by_name = {form.name: form for form in RRN_FORMS}
    checked = without = 0
    for n in range(300):
        digits = re.sub(r"\D", "", by_name["hyphen"].number(Dice(n)))
        checked += reads_as_rrn(digits)
        digits = re.sub(r"\D", "", by_name["hyphen_no_check"].number(Dice(n)))
        datetime.date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
        without += not reads_as_rrn(digits)
    assert (checked, without) == (300, 300)


def test_accounts_stand_beside_a_bank_or_a_label():
    label = re.compile("계좌|은행|농협|수협|뱅크|금고|우체국|신한|하나|송금|이체")
    for form in ACC_FORMS:
        for n in range(20):
            text, sentence = form.write(Dice(n))
            place = sentence.index(text)
            assert label.search(sentence[max(0, place - 15) : place] + sentence[place + len(text) :][:12])


def test_look_alikes_that_are_13_digits_are_no_resident_numbers():
    by_name = {form.name: form for form in LOOK_ALIKES}
    for name in ("barcode", "epoch_milliseconds"):
        for n in range(2000):
            digits = by_name[name].number(Dice(n))
            assert len(digits) == 13
            assert not reads_as_rrn(digits)


def test_an_edit_that_would_cost_too_much_is_not_made():
    word = lambda dice: f"x{dice.below(1000)}"  # noqa: E731
    assert near_duplicate("가 나 다 라 마", Dice(1), word) is None
    assert related("가 나 다", "라 마 바", Dice(1)) is None
    base = " ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(150))
    copy, similarity = near_duplicate(base, Dice(1), word)
    assert copy != base
    assert similarity == jaccard(shingles(base), shingles(copy)) >= 0.88
