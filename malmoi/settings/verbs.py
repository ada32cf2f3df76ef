"""The verbs that have settings, and the class that holds them."""

import difflib
import importlib

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.errors import UsageError

from malmoi.recipes import find_recipe
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


def settings_verb(name: str) -> str | None:
    """The verb of that name; None where it is a file, so a recipe.

    Raises:
        UsageError: neither.
    """
    if name in CONFIGS:
        return name
    if files.exists(find_recipe(name)):
        return None
    near = difflib.get_close_matches(name, CONFIGS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"name a recipe file, or one of: {', '.join(CONFIGS)}"
    raise UsageError(f"{name} is no verb with settings and no file.", hint=hint)
