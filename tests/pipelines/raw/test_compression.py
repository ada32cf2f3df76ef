"""Compressed files: several frames, legal padding, damage, and files that unfold to far more than they are."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.raw.compression import CORRUPT, OUTPUT_BYTES, TRUNCATED, DamagedFileError, read_chunks, read_range
from malmoi_pipelines.raw.formats import kind_of

from tests.pipelines.raw.raw_files import COMPRESS, put

SUFFIXES = [suffix for suffix in COMPRESS if suffix]
PADDED = [".gz", ".xz"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compressed")


def unfold(folder, suffix, stored):
    """All bytes that can be read, and the reason why there are no more."""
    path = put(folder, f"a.jsonl{suffix}", stored)
    data = b""
    try:
        for chunk in read_chunks(path, kind_of(path, None).compression):
            data += chunk
    except DamagedFileError as error:
        return data, error.reason
    return data, None


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40)
@given(data=st.binary(max_size=2000), times=st.integers(1, 300), parts=st.integers(1, 5))
def test_frames_behind_each_other_are_one_file(folder, suffix, data, times, parts):
    data *= times
    assert unfold(folder, suffix, COMPRESS[suffix](data, parts)) == (data, None)


@pytest.mark.parametrize("suffix", PADDED)
@pytest.mark.parametrize("zeros", [4, 512, 100_000])
def test_zeros_behind_a_frame_are_padding(folder, suffix, zeros):
    frame = COMPRESS[suffix](b"one\n")
    padding = b"\0" * zeros
    assert unfold(folder, suffix, frame + padding) == (b"one\n", None)
    assert unfold(folder, suffix, (frame + padding) * 3) == (b"one\n" * 3, None)
    assert unfold(folder, suffix, frame + padding + b"<html>502 Bad Gateway</html>") == (b"one\n", CORRUPT)
    assert unfold(folder, suffix, padding + frame) == (b"", CORRUPT)


@pytest.mark.parametrize("suffix", [".zst", ".bz2"])
@pytest.mark.fault("broken input")
def test_zeros_behind_other_frames_are_damage(folder, suffix):
    data, reason = unfold(folder, suffix, COMPRESS[suffix](b"one\n") + b"\0" * 512)
    assert data == b"one\n"
    assert reason in (CORRUPT, TRUNCATED)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=60)
@given(cut=st.integers(1, 200), lines=st.integers(1, 400))
def test_a_file_cut_anywhere_is_noticed_and_a_beginning_of_it_is_read(folder, suffix, cut, lines):
    data = b"".join(b"line %d\n" % n for n in range(lines))
    stored = COMPRESS[suffix](data)
    cut = min(cut, len(stored) - 1)
    found, reason = unfold(folder, suffix, stored[:-cut])
    assert (data.startswith(found), reason) == (True, TRUNCATED)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_lies_before_the_cut_is_all_given(folder, suffix):
    first = b"first\n" * 50_000
    stored = COMPRESS[suffix](first)
    found, reason = unfold(folder, suffix, stored + COMPRESS[suffix](b"second\n")[:-3])
    assert (found.startswith(first), reason) == (True, TRUNCATED)


BOMB_BYTES = 128 << 20


@pytest.mark.long
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_unfolds_enormously_is_read_in_pieces(folder, suffix):
    path = put(folder, f"bomb.jsonl{suffix}", COMPRESS[suffix](bytes(BOMB_BYTES)))
    tracemalloc.start()
    largest = total = 0
    for chunk in read_chunks(path, kind_of(path, None).compression):
        largest, total = max(largest, len(chunk)), total + len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == BOMB_BYTES
    if suffix != ".zst":  # whose library cannot be told
        assert largest <= OUTPUT_BYTES
        assert peak < 16 * OUTPUT_BYTES  # xz keeps a dictionary of 8 MiB


@given(data=st.binary(max_size=300), first=st.integers(0, 300), length=st.integers(0, 300))
def test_a_range_is_read_as_it_is_stored(folder, data, first, length):
    path = put(folder, "range.bin", data)
    assert b"".join(read_range(path, first, first + length)) == data[first : first + length]
    assert b"".join(read_range(path, first, None)) == data[first:]
