"""The rules of the clean stage as Markdown: `docs/rules.md`, written by `make docs`, kept true by a test."""

from collections.abc import Iterator

from malmoi_pipelines.contracts.report import markdown_table
from malmoi_pipelines.contracts.values import format_value
from malmoi_pipelines.text import normalise, pii, quality
from malmoi_pipelines.text.thresholds import PRESETS, Thresholds

HEAD = """# Rules of the clean stage

Generated from `malmoi_pipelines.text` by `make docs`; a test keeps it true. A rule is switched off by the parameter
`null`: `--set thresholds.max_bullet_share=null`, or for one source `--set sources.reviews.thresholds.min_chars=5`.
"""


def rules_page() -> str:
    """The whole page."""
    return "\n\n".join([HEAD, *_normalisation(), *_quality(), *_personal_data()]) + "\n"


def _normalisation() -> Iterator[str]:
    yield "## Normalisation"
    yield f"```\n{(normalise.__doc__ or '').strip()}\n```"


def _quality() -> Iterator[str]:
    defaults = Thresholds()
    yield "## Quality\n\nThe first rule that a document breaks is its reject reason. Words are eojeol."
    yield markdown_table(
        [
            {
                "reason": rule.name,
                "measure": rule.measure,
                "parameter": rule.limit if isinstance(rule.limit, str) else "",
                "default": _limit(rule.limit_in(defaults)),
                "asked from": f"`{rule.from_[1]}` = {getattr(defaults, rule.from_[1])}" if rule.from_ else "",
                "what it drops": rule.description,
                "source": rule.source,
            }
            for rule in quality.RULES
        ]
    )
    yield "The parameter `language` sets these, where they are not given:"
    yield markdown_table(
        [
            {"language": name, **{key: _limit(value) for key, value in bounds.items()}}
            for name, bounds in PRESETS.items()
        ]
    )


def _limit(value: float | None) -> str:
    return "off" if value is None else format_value(value)


def _personal_data() -> Iterator[str]:
    yield "## Personal data\n\nEach mask put has a row in `spans/` with the name of its rule."
    yield markdown_table(
        [
            {"rule": name, "mask": f"`<|{rule.kind}|>`", "option": rule.option or "", "what it finds": rule.description}
            for name, rule in pii.RULES.items()
        ]
    )


if __name__ == "__main__":
    print(rules_page(), end="")  # noqa: T201  # the page is this program's output
