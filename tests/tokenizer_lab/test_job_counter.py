"""Counting in the loop by a job that knows nothing of our merging: SentencePiece on what each round wrote."""

import numpy as np
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.hangul import has_letter
from malmoi_pipelines.contracts.progress import SILENT
from malmoi_pipelines.tokenizers.model_proto import load_for_units, parse_model
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.build import Builder
from malmoi_tokenizer_lab.job_counter import JobCounting, JobCounts
from malmoi_tokenizer_lab.loop.curation import Curation
from malmoi_tokenizer_lab.stage import expand

from tests.tokenizer_lab.small import SMALL, WAYS, count_units, make_corpus, read_model, write_words

CONFIG = SMALL.model_copy(update={"intermediate_vocab_size": 400, "budget": 200})


class Job:
    """Counts a tokenizer's tokens over documents, unit by unit."""

    def __init__(self, documents):
        self.units, self.calls = count_units(documents), []

    def __call__(self, tokenizer, out):
        self.calls.append((tokenizer, out))
        assert not files.exists(out)  # nothing of the round before
        model = parse_model(read_model(tokenizer), tokenizer)
        encoded = load_for_units(model).encode(list(self.units), out_type=int)
        counts, eojeol = np.zeros(len(model.pieces), np.int64), 0
        for (unit, times), ids in zip(self.units.items(), encoded, strict=True):
            np.add.at(counts, ids, times)
            eojeol += times * len(ids) * (unit.startswith(" ") and has_letter(unit))
        files.write_bytes(f"{out}/counts", counts.tobytes())
        return JobCounts(counts, len(self.units), eojeol)


@pytest.fixture(scope="module")
def documents():
    return make_corpus(40, seed=5)


@pytest.fixture(scope="module")
def table(documents, tmp_path_factory):
    return write_words(str(tmp_path_factory.mktemp("words")), documents)


def loops(documents, table, small_base, work, policy, candidates):
    base = open_base(small_base)
    config = CONFIG.model_copy(update={"candidates": candidates})
    words = base.read_words([table], config)
    job = Job(documents)
    counting = JobCounting(base, config, job, work)
    builders = [Builder(base, words, config, Curation(), this) for this in (None, counting)]
    return [builder.run(policy, SILENT).fixed_point for builder in builders], job


@pytest.mark.parametrize(("policy", "candidates"), WAYS)
def test_a_job_leads_to_the_same_fixed_point(documents, table, small_base, memory_root, policy, candidates):
    (here, there), job = loops(documents, table, small_base, memory_root, policy, candidates)
    assert here.alive.tolist() == there.alive.tolist()
    assert here.counts.tolist() == there.counts.tolist()
    assert here.rounds == there.rounds
    assert [[part.tolist() for part in this] for this in here.history] == [
        [part.tolist() for part in this] for this in there.history
    ]
    assert len(job.calls) == len(there.rounds) > 2
    assert set(there.recounted) == {len(job.units)}


@pytest.mark.long
def test_a_job_leads_to_the_same_bytes(documents, table, small_base, tmp_path):
    config = CONFIG.model_copy(update={"base": small_base})
    here = expand([table], str(tmp_path / "here"), config)
    job = Job(documents)
    there = expand([table], str(tmp_path / "there"), config, count_job=job)
    assert job.calls
    assert {info.path: info.xxh3_128 for info in here.manifest.files} == {
        info.path: info.xxh3_128 for info in there.manifest.files
    }
    assert here.manifest.fingerprint == there.manifest.fingerprint
    assert not any(files.exists(folder) for folder in job.calls[-1])  # each round's tokenizer is gone
