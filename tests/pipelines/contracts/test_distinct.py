"""Registers against those that datasketch fills itself, and estimates against exact numbers."""

import numpy as np
import pytest
from datasketch import HyperLogLogPlusPlus
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.distinct import BITS, REGISTERS, distinct, fill, registers
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64

from tests.conftest import STANDARD_ERROR

EDGES = [0, 1, 2**64 - 1, 1 << 63, 1 << BITS, (1 << BITS) - 1, (1 << 50) - 1 << BITS, 2**64 - (1 << BITS)]


def drawn(count, seed=0):
    return mix64(np.arange(seed + 1, seed + count + 1, dtype=np.uint64) * np.uint64(GOLDEN))


@given(st.lists(st.one_of(st.sampled_from(EDGES), st.integers(0, 2**64 - 1)), max_size=30))
def test_registers_are_those_of_datasketch(values):
    theirs = HyperLogLogPlusPlus(BITS, hashfunc=lambda value: value)
    for value in values:
        theirs.update(value)
    np.testing.assert_array_equal(registers(np.array(values, np.uint64)), theirs.reg)


@pytest.mark.parametrize("count", [0, 1, 2, 100, 5_000, 11_500, 20_000, 80_000, 1_000_000])
def test_the_estimate_is_within_three_standard_errors(count):
    assert abs(distinct(registers(drawn(count))) - count) <= 3 * STANDARD_ERROR * count


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 20))
def test_parts_in_any_order_make_the_whole(values, cut):
    hashes = np.array(values, np.uint64)
    parts = registers(hashes[cut:]), registers(hashes[:cut][::-1]), registers(hashes[cut:])
    np.testing.assert_array_equal(np.maximum.reduce(parts), registers(hashes))


def test_rows_are_filled_apart():
    rows = np.zeros(3 * REGISTERS, np.int8)
    hashes = drawn(1000)
    fill(rows, (np.arange(1000) % 3).astype(np.int8), hashes)
    for row in range(3):
        np.testing.assert_array_equal(rows.reshape(3, -1)[row], registers(hashes[row::3]))
