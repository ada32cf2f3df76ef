"""Time and peak memory of a stage: of this process and its children, sampled while it runs."""

import contextlib
import ctypes
import gc
import threading
import time
from dataclasses import dataclass

import psutil
import pyarrow as pa

SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Usage:
    """What a stage used."""

    seconds: float
    peak_mb: float
    """Peak of the summed resident memory of all processes, MB, above what they held when the stage began: what
    an earlier stage left behind is not this one's. Pages shared between processes count in each."""


class Meter:
    """Measures a with-statement.

    >>> with Meter() as meter:
    ...     pass
    >>> meter.usage.seconds >= 0
    True
    """

    def __enter__(self) -> "Meter":
        _release()
        self._before = self._peak = _resident()
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self.usage = Usage(round(time.monotonic() - self._started, 2), round((self._peak - self._before) / 1e6, 1))

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._peak = max(self._peak, _resident())


def _resident() -> int:
    """Bytes of this process and its children."""
    me, total = psutil.Process(), 0
    for process in [me, *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _release() -> None:
    """Give memory that is held but not used back to the system."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # glibc has it, others do not
        ctypes.CDLL(None).malloc_trim(0)
