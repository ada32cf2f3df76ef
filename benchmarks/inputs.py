"""Inputs for measurements that are given none: a generated sample, as raw text, as documents, as a word table."""

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample

ANY_LANGUAGE = CleanConfig.model_validate({"thresholds": {"min_hangul_share": 0}})


def raw_text(folder: str, size: str) -> str:
    """The root of a sample of so many bytes, such as 48MB: one folder a source."""
    sample(f"{folder}/raw", SampleConfig.model_validate({"bytes": size}), RunOptions())
    return f"{folder}/raw/data"


def documents(folder: str, size: str) -> str:
    """The dataset folder of such a sample, cleaned; documents of all languages stay."""
    clean([raw_text(folder, size)], f"{folder}/docs", ANY_LANGUAGE, RunOptions())
    return f"{folder}/docs"


def words(folder: str, size: str) -> str:
    """The word table of such documents, with a held-out part."""
    config = CountConfig(held_out_share=0.02)
    count([documents(folder, size)], f"{folder}/words", config, RunOptions())
    return f"{folder}/words"
