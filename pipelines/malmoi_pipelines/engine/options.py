"""How a job is run, and the strict reading of Beam's own flags (Beam itself drops unknown ones with a warning)."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
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


def check_flags(options: RunOptions, own: Sequence[str] = ()) -> None:
    """Refuse flags that neither malmoi nor Beam knows, those that would be ignored, and a Flink of unknown version.

    Args:
        options: as given.
        own: the options of the verb itself, one of which may have been meant.

    Raises:
        UsageError: naming the flag and the nearest known one.
    """
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"--workers must be at least 1. Got {options.workers}.")
    known = beam_flags() if options.beam_flags else {}
    for flag in options.beam_flags:
        name = flag.partition("=")[0]
        if name.startswith("-") and name not in known:
            candidates = own if options.runner == DIRECT else [*own, *known]  # it takes none of Beam's
            raise unknown_option(name, options.runner, candidates, "see `--help` and the runner's own options")
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
    if options.runner.rpartition(".")[2].lower() == "flinkrunner":
        _check_flink(options.beam_flags)


def unknown_option(name: str, taker: str, known: Iterable[str], otherwise: str) -> UsageError:
    """The error for an option that nothing takes.

    Args:
        name: as it was typed.
        taker: the verb or the runner that does not know it.
        known: what may have been meant.
        otherwise: what to do where that was not meant.

    >>> unknown_option("--budgt", "malmoi expand", ["--base", "--budget"], "see --help").hint
    'did you mean --budget? Otherwise see --help'
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {near[0]}? Otherwise {otherwise}" if near else otherwise
    return UsageError(f"unknown option {name} for {taker}.", hint=hint)


def _check_flink(flags: Sequence[str]) -> None:
    """Refuse to let Beam choose Flink's version: it takes its newest, and a cluster of another fails in the middle.

    Raises:
        UsageError: the version is neither given nor told by a jar or by the cluster itself; or Beam has no jar for it.
    """
    from apache_beam.options.pipeline_options import FlinkRunnerOptions  # noqa: PLC0415  # three seconds

    given = {name: value for name, _, value in (flag.partition("=") for flag in flags)}
    published = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    if "--flink_job_server_jar" in given:
        return  # the jar is of a version
    if "--flink_version" not in given:
        if "--flink_submit_uber_jar" in given and not given.get("--flink_master", "[auto]").startswith("["):
            return  # Beam asks the cluster
        raise UsageError(
            "FlinkRunner needs the version of Flink: Beam would take its newest, whatever the cluster is.",
            hint=f"add --flink_version=VERSION, that of the cluster, one of {', '.join(published)}; "
            "or name a jar: --flink_job_server_jar=FILE",
        )
    if given["--flink_version"] not in published:
        raise UsageError(
            f"--flink_version must be one of {', '.join(published)}. Got {given['--flink_version']!r}.",
            hint="or name a jar of yours: --flink_job_server_jar=FILE",
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
