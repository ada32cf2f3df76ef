"""The verbs that have settings, and the class that holds them."""

import importlib

from malmoi_pipelines.contracts.config import Config

from malmoi.stages import STAGES

CONFIGS = {
    "run": "malmoi.recipe:Recipe",
    # The section `lm` of a recipe says more than its verb needs: the inputs.
    **{stage.name: stage.config for stage in STAGES if stage.name != "lm"},
    "lm train": "malmoi_pipelines.lm.config:LmConfig",
    "count tokens": "malmoi_pipelines.count_tokens.config:CountTokensConfig",
    "tokenizer compare": "malmoi_tokenizer_lab.compare:CompareConfig",
    "pii show": "malmoi_pipelines.pii.config:ShowConfig",
    "pii mask": "malmoi_pipelines.pii.config:MaskConfig",
}
"""Verb → where its class is. `run` takes a recipe: a section for each stage."""


def config_class(verb: str) -> type[Config]:
    """The class of a verb's settings, imported here: a page of one verb need not load the packages of all."""
    module, name = CONFIGS[verb].split(":")
    found: type[Config] = getattr(importlib.import_module(module), name)
    return found
