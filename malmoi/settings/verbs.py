"""The verbs that have settings, and the class that holds them."""

import importlib

from malmoi_pipelines.contracts.config import Config

CONFIGS = {
    "run": "malmoi.recipe:Recipe",
    "sample": "malmoi_pipelines.sample.config:SampleConfig",
    "clean": "malmoi_pipelines.clean.config:CleanConfig",
    "lm train": "malmoi_pipelines.lm.config:LmConfig",
    "pii show": "malmoi_pipelines.pii.config:ShowConfig",
    "pii mask": "malmoi_pipelines.pii.config:MaskConfig",
    "dedupe": "malmoi_pipelines.dedupe.config:DedupeConfig",
    "count": "malmoi_pipelines.count.config:CountConfig",
    "count tokens": "malmoi_pipelines.count_tokens.config:CountTokensConfig",
    "expand": "malmoi_tokenizer_lab.config:ExpandConfig",
    "tokenizer compare": "malmoi_tokenizer_lab.compare:CompareConfig",
    "shard": "malmoi_pipelines.shard.config:ShardConfig",
    "train": "malmoi_trainer.config:TrainConfig",
}
"""Verb → where its class is. `run` takes a recipe: a section for each stage."""


def config_class(verb: str) -> type[Config]:
    """The class of a verb's settings, imported here: a page of one verb need not load the packages of all."""
    module, name = CONFIGS[verb].split(":")
    found: type[Config] = getattr(importlib.import_module(module), name)
    return found
