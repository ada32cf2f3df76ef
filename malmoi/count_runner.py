"""`malmoi expand --count-runner`: the loop counts each round by the job `count tokens`."""

from typing import TYPE_CHECKING

from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count_tokens.config import CountTokensConfig
from malmoi_pipelines.count_tokens.stage import count_tokens, read_token_counts
from malmoi_pipelines.count_tokens.summary import DISTINCT_UNITS, EOJEOL_TOKENS
from malmoi_pipelines.engine.options import RunOptions

if TYPE_CHECKING:
    from malmoi_tokenizer_lab.job_counter import CountJob


def count_job(words: list[str], options: RunOptions) -> "CountJob":
    """What counts a tokenizer's tokens over word tables by a job.

    Args:
        words: the word tables that the loop runs on.
        options: where the job runs.
    """
    from malmoi_tokenizer_lab.job_counter import JobCounts

    def count(tokenizer: str, out: str) -> JobCounts:
        result = count_tokens(words, tokenizer, out, CountTokensConfig(), options)
        facts = read_report(result.folder).facts
        return JobCounts(read_token_counts(result.folder), facts[DISTINCT_UNITS], facts[EOJEOL_TOKENS])

    return count
