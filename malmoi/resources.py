"""Peak memory of this process and its children, sampled while a stage runs."""

import contextlib
import threading
import time
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Usage:
    """What a stage used."""

    seconds: float
    peak_mb: float
    """Peak of the summed resident memory of all processes, MB; pages shared between processes count in each."""


class Meter:
    """Measures a with-statement.

    >>> with Meter() as meter:
    ...     pass
    >>> meter.usage.seconds >= 0
    True
    """

    def __enter__(self) -> "Meter":
        self._peak = 0
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self.usage = Usage(round(time.monotonic() - self._started, 2), round(self._peak / 1e6, 1))

    def _sample(self) -> None:
        me = psutil.Process()
        while True:
            total = 0
            for process in [me, *me.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
            self._peak = max(self._peak, total)
            if self._stop.wait(SAMPLE_SECONDS):
                return
