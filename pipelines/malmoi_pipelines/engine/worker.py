"""How a worker process starts. Imports no Beam: what is set here must be set before Beam is imported."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import threading


def start_worker() -> None:
    """Quieten the loggers of libraries, and end this worker at once when the process that started it is gone.

    A killed parent would leave workers that still write chunk files, into the folder that its successor has cleared.
    """
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns at import that optional clients are missing
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
