"""How a run tells how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int, float], None]
"""Called after each step with (steps done, steps of the run, steps per second); what is left takes the rest over it."""
