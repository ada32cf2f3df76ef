"""How a job is run, and the strict reading of Beam's own flags (Beam itself drops unknown ones with a warning)."""

import argparse
import difflib
from dataclasses import dataclass

from malmoi_pipelines.contracts.errors import UsageError

DIRECT = "DirectRunner"
# Options of Flink's job server that the Python SDK forwards undeclared (Beam 2.77, FlinkPipelineOptions).
FLINK_FLAGS = (
    "--parallelism",
    "--max_parallelism",
    "--max_bundle_size",
    "--max_bundle_time_mills",
    "--object_reuse",
    "--checkpointing_interval",
    "--state_backend",
    "--execution_mode_for_batch",
    "--number_of_execution_retries",
    "--use_data_stream_for_batch",
    "--flink_conf_dir",
    "--savepoint_path",
)


@dataclass(frozen=True)
class RunOptions:
    """Where and with how many processes a job runs. Never part of a fingerprint: it must not change any byte."""

    runner: str = DIRECT
    workers: int | None = None
    """Worker processes on this machine. None: small jobs run in this process, large ones with one a core."""
    beam_flags: tuple[str, ...] = ()


def check_flags(options: RunOptions) -> None:
    """Refuse flags that neither malmoi nor Beam knows, and those that would be ignored.

    Raises:
        UsageError: naming the flag and the nearest known one.
    """
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"--workers must be at least 1. Got {options.workers}.")
    known = beam_flags() if options.beam_flags else {}
    for flag in options.beam_flags:
        name = flag.partition("=")[0]
        if name.startswith("-") and name not in known:
            near = difflib.get_close_matches(name, [*known, "--workers", "--overwrite", "--config", "--set"], n=1)
            hint = f"did you mean {near[0]}?" if near else "see `--help` and the runner's own options"
            raise UsageError(f"unknown option {name} for runner {options.runner}.", hint=hint)
        if "=" not in flag and known.get(name):
            raise UsageError(f"{name} needs a value.", hint=f"write it as {name}=VALUE")
    if options.runner != DIRECT and options.workers is not None:
        raise UsageError(
            f"--workers is for DirectRunner, {options.runner} would ignore it.",
            hint="use the runner's own option, such as --parallelism=N or --max_num_workers=N",
        )
    if options.runner == DIRECT and options.beam_flags:
        raise UsageError(
            f"DirectRunner takes no Beam options, they would be ignored. Got {' '.join(options.beam_flags)}.",
            hint="use --workers N for the number of processes, or name another --runner",
        )


def beam_flags() -> dict[str, bool]:
    """All option strings Beam declares, and Flink's, with whether they need a value."""
    from apache_beam.options import pipeline_options  # noqa: PLC0415  # Beam takes three seconds to import
    from apache_beam.options.pipeline_options import PipelineOptions  # noqa: PLC0415

    flags = dict.fromkeys(FLINK_FLAGS, True)
    for value in vars(pipeline_options).values():
        if isinstance(value, type) and issubclass(value, PipelineOptions) and value is not PipelineOptions:
            parser = argparse.ArgumentParser(add_help=False, conflict_handler="resolve")
            if hasattr(value, "_add_argparse_args"):
                value._add_argparse_args(parser)
            flags.update({name: action.nargs != 0 for name, action in parser._option_string_actions.items()})
    return flags
