"""Settings for sources by name: weights, priorities, policies."""

import difflib
from collections.abc import Iterable

from malmoi_pipelines.contracts.errors import UsageError

SHOWN = 20  # sources that an error names


def check_sources_occur(setting: str, named: Iterable[str], there: Iterable[str]) -> None:
    """Refuse a setting for a source that has no documents: a misspelt name would silently mean the default.

    Args:
        setting: its name, for the message.
        named: the sources that it is given for.
        there: the sources that there are.

    Raises:
        UsageError: naming the first that there is not, the one it may have meant, and those there are.
    """
    known = sorted(set(there))
    for name in sorted(set(named) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        more = f" and {len(known) - SHOWN:,} more" if len(known) > SHOWN else ""
        raise UsageError(
            f"{setting} names the source {name!r}, of which there are no documents.",
            hint=f"{meant}the sources are: {', '.join(known[:SHOWN]) or 'none'}{more}",
        )
