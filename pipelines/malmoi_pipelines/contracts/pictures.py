"""The pictures of reports: plain axes, and SVG whose bytes depend on the data only."""

import io
import warnings
from collections.abc import Callable
from typing import Any


def draw(axes_of: Callable[[Any], None], salt: str) -> bytes:
    """Draw on one set of axes; returns SVG.

    Args:
        axes_of: draws on the axes it is given.
        salt: names the picture: its SVG ids are made from it.
    """
    import matplotlib as mpl  # noqa: PLC0415  # half a second that only the end of a stage needs
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes_of(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the browser has the glyphs that the layout's font lacks
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def label(name: str) -> str:
    """A name for a legend, which reads $ as mathematics and leaves out what begins with an underscore."""
    escaped = name.replace("$", r"\$")
    return f"\u200b{escaped}" if name.startswith("_") else escaped
