"""Training small models in this process, without an engine."""

import json

import numpy as np
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.lm.arpa import write_arpa
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.train import CountingPlan, train
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.tasks import plan_tasks

from tests.pipelines.lm.naive import Naive, read_arpa


def run_here(job):
    """The results of a job, each step called once a partition; chunks arrive in reverse, since any order must do."""
    results, chunks = [], {}
    for step in job.steps:
        sent = {}
        for partition in range(step.partitions):
            for item in step.run(partition, reversed(chunks.pop(partition, []))):
                if isinstance(item, Send):
                    sent.setdefault(item.partition, []).append(item.chunk)
                else:
                    results.append(item)
        assert not chunks, "chunks for a partition that does not exist"
        chunks = sent
    assert not chunks
    return results


def write_texts(path, texts):
    """A JSON Lines file of texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def train_here(folder, texts, partition_bytes=1 << 20, **settings):
    """Train on texts; returns the path of the ARPA file and what `train` returned."""
    settings = {"held_out": 0, "min_count": 1, "prune": (0,), "word_types": 0, **settings}
    config = LmConfig(partition_bytes=partition_bytes, **settings)
    found = find_inputs([write_texts(folder / "in" / "part.jsonl", texts)], config.read_options)
    plan = CountingPlan(
        tuple(plan_tasks(found.files, config.task_bytes, config.read_options)),
        sum(file.bytes for file in found.files),
        str(folder / "work"),
        config,
    )
    trained = train(plan, run_here)
    write_arpa(str(folder), "model.arpa", trained.words, trained.orders)
    return folder / "model.arpa", trained


def naive_of(texts, order, prune=(0,), min_count=1, word_types=0):
    """The oracle for the same texts: one sentence a line."""
    sentences = [line.split(" ") for text in texts for line in text.split("\n") if line]
    words, counts = np.unique([word for words in sentences for word in words], return_counts=True)
    rare = set(words[counts < min_count].tolist())
    thresholds = [prune[min(n, len(prune) - 1)] for n in range(order)]
    return Naive(sentences, order, thresholds, rare, word_types)


def read_model(path):
    """n-gram → (log10 p, log10 back-off)."""
    return read_arpa(path.read_text())
