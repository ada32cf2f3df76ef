"""Recall and false hits on the generated set."""

from collections import Counter

import pytest
from malmoi_pipelines.text.pii import PiiOptions, find_spans, mask

from tests.pipelines.text.pii_set import look_alikes, positives

POSITIVES = list(positives())
LOOK_ALIKES = list(look_alikes())


def covered(positive, options):
    start = positive.text.index(positive.number)
    end = start + len(positive.number)
    # An opening bracket in front may stay.
    start += positive.number.startswith("(")
    return any(
        span.kind == positive.kind and span.start <= start and end <= span.end
        for span in find_spans(positive.text, options)
    )


def test_the_set_is_large_and_always_the_same():
    assert len(POSITIVES) >= 3000
    assert len(LOOK_ALIKES) >= 3000
    assert list(positives()) == POSITIVES
    assert {positive.kind for positive in POSITIVES} == {"rrn", "acc", "tell"}


@pytest.mark.long
@pytest.mark.parametrize("mode", ["default", "strict"])
def test_ninety_nine_of_a_hundred_numbers_are_covered_in_every_group(mode):
    options = PiiOptions(mode=mode)
    total, found = Counter(), Counter()
    for positive in POSITIVES:
        total[positive.group] += 1
        found[positive.group] += covered(positive, options)
    assert found.total() / total.total() >= 0.99
    assert {group: found[group] / total[group] for group in total if found[group] < 0.95 * total[group]} == {}


def test_two_of_a_thousand_look_alikes_at_most_are_masked():
    wrong = [look_alike for look_alike in LOOK_ALIKES if find_spans(look_alike.text)]
    assert len(wrong) / len(LOOK_ALIKES) <= 0.002, wrong


@pytest.mark.long
def test_masked_sentences_have_nothing_left():
    for positive in POSITIVES:
        assert find_spans(mask(positive.text, find_spans(positive.text))) == []
