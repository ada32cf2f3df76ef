"""Whether clean keeps its rate and its memory as the input grows: one JSON line a size.

    python benchmarks/bench_sizes.py [--sizes 20MB 100MB] [--workers 1] [--folder FOLDER]

The inputs are generated; FOLDER keeps them for the next time (1 GB of text is 450 MB there).
"""

import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample

from benchmarks.measure import bytes_read, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["20MB", "100MB"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", help="where generated inputs are kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for size in arguments.sizes:
            bench(size, arguments.folder or temporary, f"{temporary}/docs", RunOptions(workers=arguments.workers))


def bench(size: str, folder: str, out: str, options: RunOptions) -> None:
    raw = f"{folder}/{size}"
    if not pathlib.Path(f"{raw}/manifest.json").exists():
        sample(raw, SampleConfig(bytes=size), options)
    config = CleanConfig.model_validate(
        {"sources": {name: {"thresholds": {"language": name}} for name in ("english", "parallel")}}
    )
    measure(
        f"clean {size}",
        lambda: clean([f"{raw}/data"], out, config, options, overwrite=True),
        lambda: bytes_read(out),
        workers=options.workers,
    )


if __name__ == "__main__":
    main()
