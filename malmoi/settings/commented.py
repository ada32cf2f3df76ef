"""Settings as YAML with comments: a file that the verb accepts as it stands, to be cut down to what one changes."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from malmoi_pipelines.contracts.config import Config

from malmoi.settings.tree import Setting, settings_of

WIDTH = 100
INDENT = "  "


def commented_yaml(cls: type[Config], head: str, given: Mapping[str, Any] | None = None) -> str:
    """Every setting of a class: its description, what it can be, and its value.

    A `#` with one space after it begins a comment. Any other stands before a setting that is off: a group that is there
    only if it is given, or a value that another setting decides; without the `#` it holds.

    Args:
        cls: the class.
        head: what the file says first.
        given: values that differ from the defaults, as a recipe gives them.
    """
    lines = [*_comment(head, ""), "", *_settings(settings_of(cls), given or {}, "")]
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    r"""A value as YAML on one line.

    >>> flow({"web": [1, None]}), flow(1e-05), flow("\n")
    ('{web: [1, null]}', '1.0e-05', '"\\n"')
    """
    style = '"' if isinstance(value, str) and "\n" in value else None
    text = yaml.safe_dump(
        value, default_flow_style=True, default_style=style, allow_unicode=True, width=float("inf"), sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _settings(settings: tuple[Setting, ...], given: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The lines of some settings, each after `indent`, which has a `#` where all of them are off."""
    for number, setting in enumerate(settings):
        if setting.settings and number and not indent:
            yield ""
        yield from _comment(_explained(setting, setting.key in given), indent)
        yield from _value(setting, given, indent)


def _explained(setting: Setting, is_given: bool) -> str:
    notes = [] if setting.settings else [setting.values]
    if setting.named:
        notes.append(f"of each name: {', '.join(inner.key for inner in setting.settings)}")
    if setting.required:
        notes.append("required")
    elif setting.follows:
        notes.append(f"decided by {setting.follows} unless given")
    elif is_given and not setting.settings:
        notes.append(f"default {flow(setting.default)}")
    return f"{setting.description} ({'; '.join(notes)})" if notes else setting.description


def _value(setting: Setting, given: Mapping[str, Any], indent: str) -> Iterator[str]:
    value = given.get(setting.key, setting.default)
    if setting.named and value:
        yield f"{indent}{setting.key}:"
        yield from (f"{indent}{INDENT}{flow({name: own})[1:-1]}" for name, own in value.items())
    elif setting.settings and not setting.named and isinstance(value, Mapping):
        yield f"{indent}{setting.key}:"
        yield from _settings(setting.settings, given.get(setting.key) or {}, indent + INDENT)
    elif setting.follows and setting.key not in given:
        yield f"{indent}#{setting.key}: {flow(value)}"
    else:
        yield f"{indent}{setting.key}: {flow(value)}"
        if setting.optional and value is None:
            yield f"{indent}#{setting.key}:"
            yield from _settings(setting.settings, {}, f"{indent}#{INDENT}")


def _comment(text: str, indent: str) -> list[str]:
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, WIDTH - len(indent) - 2)]
    return [f"{indent}# {line}" for line in lines]
