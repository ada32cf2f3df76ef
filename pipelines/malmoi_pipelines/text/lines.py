"""What the lines and words of texts look like: bullets, ellipses, ends, for all texts of a block at once."""

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, Bool
from malmoi_pipelines.text.characters import one_of
from malmoi_pipelines.text.text_block import TextBlock, space_table

# What opens an item of a list; Korean notices use the geometric ones. Hyphen and asterisk only before a space: `-5` and
# `**bold**` open no item.
_BULLETS = "•‣⁃∙◦·ㆍ・■□▪▫▶▷►◀◁◆◇◈●○◎★☆※☞➔→✓✔"
_BULLETS_BEFORE_SPACE = "-*+–—"
_ENDS = ".!?…。．！？"
_CLOSERS = "\"'”’」』)]）》〉"
_FULL_STOP, _HASH = ord("."), ord("#")
_ELLIPSES = "…⋯"


def hash_marks(block: TextBlock) -> F64:
    """Number signs in each text."""
    return block.count(block.codes == _HASH)


def ellipses(block: TextBlock) -> F64:
    """Ellipses in each text: runs of three or more full stops (one each), and ellipsis characters."""
    stop = block.codes == _FULL_STOP
    third = stop[2:] & stop[1:-1] & stop[:-2]
    marks = one_of(_ELLIPSES).take(block.codes)
    marks[2:] |= third & np.concatenate([[True], ~third[:-1]])[: len(third)]
    return block.count(marks)


def bullet_lines(block: TextBlock) -> F64:
    """Lines of each text that open with a bullet."""
    starts = block.lines.starts
    first, following = block.codes[starts], block.codes[starts + 1]  # LF ends every text
    opens = one_of(_BULLETS)[first] | one_of(_BULLETS_BEFORE_SPACE)[first] & space_table()[following]
    return block.lines.count(opens)


def ellipsis_lines(block: TextBlock) -> F64:
    """Lines of each text that end with an ellipsis."""
    codes, ends = block.codes, block.lines.ends
    stops: Bool = block.lines.lengths >= 3
    for back in (1, 2, 3):
        stops &= codes[np.maximum(ends - back, 0)] == _FULL_STOP
    return block.lines.count(stops | one_of(_ELLIPSES)[codes[ends - 1]])


def terminal_lines(block: TextBlock) -> F64:
    """Lines of each text that end a sentence: with one of .!?… or with one of these and a closing mark."""
    codes, ends = block.codes, block.lines.ends
    terminal = one_of(_ENDS)
    last, before = codes[ends - 1], codes[np.maximum(ends - 2, 0)]
    closed = one_of(_CLOSERS)[last] & terminal[before] & (block.lines.lengths >= 2)
    return block.lines.count(terminal[last] | closed)
