"""Rules of normalisation on layout: runs of spaces, spaces at line ends, blank lines."""

import re
from typing import Literal

CollapseSpaces = Literal["inner", "all", "none"]

# Patterns that begin with plain characters are searched fast. The look-behind asks for a visible character before the
# run, which indentation does not have.
_RUN = {"inner": re.compile("  (?<=[^ \t\n]  ) *"), "all": re.compile("   *")}
_BLANK_LINES = re.compile("\n\n\n\n*")


def tidy(text: str, collapse: CollapseSpaces, changes: dict[str, None]) -> str:
    """Collapse runs of spaces, remove them at line ends and around the text, leave one blank line of several.

    What is done names itself in `changes`. Doing it again changes nothing.
    """
    after = text
    if collapse != "none" and "  " in after:
        after = _RUN[collapse].sub(" ", after)
    if " \n" in after or "\t\n" in after:
        after = "\n".join([line.rstrip(" \t") for line in after.split("\n")])
    after = after.strip(" \t\n")
    if after != text:
        changes["spaces"] = None
    if "\n\n\n" in after:
        after = _BLANK_LINES.sub("\n\n", after)
        changes["blank_lines"] = None
    return after
