"""Where a run computes and in which arithmetic."""

import contextlib
from collections.abc import Iterator

import torch
from malmoi_pipelines.contracts.errors import UsageError

from malmoi_trainer.config import TrainConfig


def resolve(config: TrainConfig) -> TrainConfig:
    """The config with `auto` replaced.

    Raises:
        UsageError: CUDA is asked for and there is no device.
    """
    has_cuda = torch.cuda.is_available()
    if config.device == "cuda" and not has_cuda:
        raise UsageError("device = 'cuda': torch finds no CUDA device here.", hint="use device: auto or cpu")
    device = config.device if config.device != "auto" else ("cuda" if has_cuda else "cpu")
    dtype = config.dtype if config.dtype != "auto" else ("bfloat16" if device == "cuda" else "float32")
    return config.model_copy(update={"device": device, "dtype": dtype})


@contextlib.contextmanager
def reproducible(config: TrainConfig) -> Iterator[None]:
    """Set torch's global state for a run, and put back what was there.

    On one kind of CPU two runs then give equal bytes. On CUDA they do not: attention and index kernels sum in an order
    that depends on timing.
    """
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    precision = torch.get_float32_matmul_precision()
    with torch.random.fork_rng():
        try:
            torch.manual_seed(config.seed)
            torch.set_num_threads(config.cpu_threads)
            torch.use_deterministic_algorithms(config.device == "cpu")
            if config.dtype == "bfloat16":  # the loss stays float32; TF32 products are still finer than bfloat16
                torch.set_float32_matmul_precision("high")
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)
            torch.set_float32_matmul_precision(precision)
