"""Names of rows that no text encodes to: reserved rows, masks and padding, in both kinds of bases."""

import itertools
import re
from collections.abc import Collection

ROW_NAME = re.compile(r"<\|[a-z0-9_]+\|>")
"""Of this shape no two names overlap, so "leftmost match" means the same to every library."""


def padding_names(taken: Collection[str], count: int) -> list[str]:
    """The first `count` names `<|reserved_N|>` that are not taken; none if `count` is not positive.

    >>> padding_names({"<|reserved_1|>"}, 2)
    ['<|reserved_0|>', '<|reserved_2|>']
    """
    names = (f"<|reserved_{number}|>" for number in itertools.count())
    return list(itertools.islice((name for name in names if name not in taken), max(count, 0)))
