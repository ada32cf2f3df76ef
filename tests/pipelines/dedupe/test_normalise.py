import sys
import unicodedata

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.dedupe.normalise import Block, letters, normalise

from tests.pipelines.dedupe.corpus import FOLDS, plain_normalise, plain_words

TEXT = st.text(
    st.one_of(st.characters(max_codepoint=0x1FFFF, exclude_categories=["Cs"]), st.sampled_from(" \n.,1９가각á가\u200b"))
)


def texts_of(block: Block) -> list[str]:
    pairs = zip(block.documents, block.documents[1:], strict=False)
    return [block.codes[start:end].tobytes().decode("utf-32-le") for start, end in pairs]


@given(st.lists(TEXT, max_size=6), st.sets(st.sampled_from(FOLDS)))
@settings(max_examples=200, deadline=None)
def test_a_block_holds_each_text_as_the_plain_rule_normalises_it(texts, fold):
    block = normalise(texts, fold)
    expected = [plain_words(text, tuple(sorted(fold))) for text in texts]
    assert texts_of(block) == ["".join(f"{word} " for word in document) for document in expected]
    assert block.word_counts.tolist() == [len(document) for document in expected]
    flat = [word for document in expected for word in document]
    found = [
        block.codes[start:end].tobytes().decode("utf-32-le")
        for start, end in zip(block.word_starts, block.word_ends, strict=True)
    ]
    assert found == flat


def test_known_texts():
    cases = {
        "제12조(목적) 이 법은…": "제12조(목적) 이 법은… ",
        "12 + 34 =\u00a046": "12 + 34 = 46 ",
        "  C#\t\tC++\r\n\u3000👍\u2028": "C# C++ 👍 ",
        "?!": "?! ",
        " \n": "",
        "": "",
    }
    assert texts_of(normalise(list(cases))) == list(cases.values())


def test_known_texts_folded():
    cases = {
        "제12조(목적) 이 법은…": "제00조 목적 이 법은 ",
        "ＡＢＣ Éa\tß": "ａｂｃ éa ß ",
        "  앞뒤\u200b공백\n\n": "앞뒤 공백 ",
        "좋아요❤️❤️ ㅋㅋㅋ": "좋아요 ㅋㅋㅋ ",
        "٣ ३ ３ 3": "0 0 0 0 ",
        "?!": "",
        "": "",
    }
    assert texts_of(normalise(list(cases), FOLDS)) == list(cases.values())


def test_letters_are_counted_without_marks_and_spaces():
    assert letters(normalise(["제12조 (목적)", "-----", "", "a\u0301 ♡ ３"])).tolist() == [6, 0, 0, 2]


def test_decomposed_text_equals_composed_text():
    text = "한국어 위키 café"
    block = normalise([unicodedata.normalize("NFD", text), text])
    assert len(set(texts_of(block))) == 1


def test_neighbours_do_not_compose_across_documents():
    assert texts_of(normalise(["e", "\u0301x"])) == ["e ", "\u0301x "]


def test_every_code_point_has_a_place():
    everything = "".join(chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000)
    block = normalise([everything])
    assert block.documents[-1] == len(block.codes)
    assert np.all(block.codes[block.word_ends] == 32)


def test_plain_rule_is_idempotent_on_korean():
    once = plain_normalise("“한국어”, 2024년 ABC")
    assert plain_normalise(once) == once
