"""The loss curve: rows for machines, a picture for people. Neither holds a time."""

import io
from typing import Any

import orjson
from matplotlib.figure import Figure

from malmoi_trainer.training.loop import Step


def curve_rows(steps: list[Step], log_every: int) -> list[dict[str, Any]]:
    """One row for every `log_every` steps and one for what is left.

    The loss is the mean since the row before; learning rate and gradient norm are the last step's; tokens are all seen
    so far.
    """
    rows, tokens, since = [], 0, 0
    for done, step in enumerate(steps, start=1):
        tokens += step.tokens
        if done % log_every == 0 or done == len(steps):
            rows.append(
                {
                    "step": step.step,
                    "loss": mean_loss(steps[since:done]),
                    "learning_rate": step.learning_rate,
                    "tokens": tokens,
                    "grad_norm": step.grad_norm,
                }
            )
            since = done
    return rows


def mean_loss(steps: list[Step]) -> float:
    """Mean loss of some steps, nats per token."""
    return sum(step.loss for step in steps) / len(steps)


def first_and_last(steps: list[Step]) -> tuple[float, float]:
    """Mean loss of the first and of the last tenth of the steps, at least one each: a single batch is noisy."""
    tenth = max(1, len(steps) // 10)
    return mean_loss(steps[:tenth]), mean_loss(steps[-tenth:])


def to_jsonl(rows: list[dict[str, Any]]) -> bytes:
    """One JSON object a line."""
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def to_png(rows: list[dict[str, Any]]) -> bytes:
    """The loss over tokens. A PNG names the library's version unless told not to; equal rows give equal bytes."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["tokens"] for row in rows], [row["loss"] for row in rows], linewidth=1.5, color="#b0413e")
    axes.set_xlabel("tokens seen")
    axes.set_ylabel("loss (nats per token)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
