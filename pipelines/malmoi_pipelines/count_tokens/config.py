"""Configuration of `malmoi count tokens`."""

from typing import Literal

from malmoi_pipelines.contracts.config import Config


class CountTokensConfig(Config):
    """What is counted."""

    table: Literal["data", "held_out"] = "data"
    """The documents that were counted as usual, or those that `count` held out for evaluation."""
    hidden_tokens: Literal["refuse", "as_text"] = "refuse"
    """What to do if the corpus may have an added token that is cut into several units (`<think>` is): fail, or count
    such tokens as the text that they are."""
