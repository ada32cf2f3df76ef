import numpy as np
import pytest
from datasketch import MinHash
from malmoi_pipelines.contracts.arrays import offsets
from malmoi_pipelines.dedupe.near import minhash as module
from malmoi_pipelines.dedupe.near.minhash import band_digests, signatures


def random_pair(rng: np.random.Generator, size: int, similarity: float) -> tuple[np.ndarray, np.ndarray, float]:
    shared = round(2 * size * similarity / (1 + similarity))
    values = rng.integers(0, 2**64, 2 * size - shared, dtype=np.uint64)
    return values[:size], values[size - shared :], shared / len(values)


def estimate(left: np.ndarray, right: np.ndarray, seed: int, permutations: int = 112) -> float:
    both = signatures(np.concatenate([left, right]), offsets(np.array([len(left), len(right)])), permutations, seed)
    return float(np.mean(both[:, 0] == both[:, 1]))


@pytest.mark.parametrize("size", [20, 300])
@pytest.mark.parametrize("similarity", [0.3, 0.8, 0.95])
def test_the_estimate_is_unbiased_and_as_good_as_the_binomial_says(size, similarity):
    rng = np.random.default_rng(size)
    errors = []
    for trial in range(300):
        left, right, truth = random_pair(rng, size, similarity)
        errors.append(estimate(left, right, seed=trial) - truth)
    deviation = (truth * (1 - truth) / 112) ** 0.5
    assert np.mean(errors) == pytest.approx(0, abs=4 * deviation / 300**0.5)
    assert np.std(errors) == pytest.approx(deviation, rel=0.2)


def test_the_error_is_like_datasketch_s():
    rng = np.random.default_rng(5)
    ours, theirs = [], []
    for trial in range(150):
        left, right, truth = random_pair(rng, 100, 0.8)
        ours.append(estimate(left, right, seed=trial) - truth)
        sketches = [MinHash(112, seed=trial + 1) for _ in range(2)]
        for sketch, values in zip(sketches, (left, right), strict=True):
            sketch.update_batch([value.tobytes() for value in values])
        theirs.append(sketches[0].jaccard(sketches[1]) - truth)
    assert np.std(ours) < 1.25 * np.std(theirs)
    assert abs(np.mean(ours)) < 0.012


def test_signatures_do_not_depend_on_chunks_neighbours_or_repeats(monkeypatch):
    rng = np.random.default_rng(7)
    sets = [rng.integers(0, 2**64, size, dtype=np.uint64) for size in (1, 3, 500, 2, 60)]
    together = signatures(np.concatenate(sets), offsets(np.array([len(s) for s in sets])), 16, 3)
    for number, values in enumerate(sets):
        alone = signatures(np.r_[values, values], np.array([0, 2 * len(values)]), 16, 3)
        assert alone[:, 0].tolist() == together[:, number].tolist()
    for chunk in (1, 4, 64):
        monkeypatch.setattr(module, "_CHUNK", chunk)
        again = signatures(np.concatenate(sets), offsets(np.array([len(s) for s in sets])), 16, 3)
        assert np.array_equal(again, together)


def test_a_band_s_digest_is_equal_when_all_its_rows_are():
    signature = np.array([[1, 1, 1], [2, 2, 9], [3, 3, 3], [4, 5, 4], [1, 1, 1], [2, 2, 2]], np.uint32)
    digests = band_digests(signature, bands=3, seed=0)
    assert (digests[0] == digests[1]).tolist() == [True, False, True]
    assert (digests[0] == digests[2]).tolist() == [False, True, True]
    assert len(np.unique(digests[:, [0, 2]])) == 3  # equal rows in another band are another digest
    assert not np.any(band_digests(signature, bands=3, seed=1) == digests)


GOLDEN_SIGNATURE = [478123353, 1554461465, 2785463501, 1004568978]
GOLDEN_BANDS = [4273665696806101928, 5056990378974157062]


def test_golden_signature():
    hashes = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210, 0xDEADBEEFCAFEF00D], np.uint64)
    signature = signatures(hashes, np.array([0, 3]), 4, seed=0)
    assert signature[:, 0].tolist() == GOLDEN_SIGNATURE
    assert band_digests(signature, 2, seed=0)[0].tolist() == GOLDEN_BANDS
