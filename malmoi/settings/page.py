"""All settings as Markdown, `docs/settings.md`, and as a JSON schema: written by `make docs`, kept true by a test."""

import sys
from typing import Any

import orjson
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.report import markdown_table

from malmoi.settings.commented import flow
from malmoi.settings.tree import Setting, flat, json_schema, settings_of
from malmoi.settings.verbs import CONFIGS, config_class

HEAD = """# Settings

Generated from the classes of the settings by `make docs`; a test keeps it true. A setting is given in the file of
`--config`, or as `--set key=value`, the key as it stands here; in a recipe below the name of its stage, so that
`--set near=false` of `malmoi dedupe` is `--set dedupe.near=false` of `malmoi run`. `malmoi config VERB` prints what
stands here as YAML to start from, `malmoi config VERB --schema` as a JSON schema; that of recipes, with all stages,
is [settings.schema.json](settings.schema.json)."""


def settings_page() -> str:
    """The whole page."""
    return "\n\n".join([HEAD, *(_section(verb, config_class(verb)) for verb in CONFIGS)]) + "\n"


def schema_text(cls: type[Config]) -> str:
    """The JSON schema of a class of settings, as a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(cls)}
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode() + "\n"


def _section(verb: str, cls: type[Config]) -> str:
    rows = [_row(key, setting) for key, setting in shown(verb, cls)]
    about = "\n".join(line.strip() for line in (cls.__doc__ or "").strip().split("\n"))
    return f"## malmoi {verb}\n\n{about}\n\n{markdown_table(rows)}"


def shown(verb: str, cls: type[Config]) -> list[tuple[str, Setting]]:
    """The settings of a verb by dotted key: all of them; of a recipe not those of its stages, which stand by theirs."""
    found = list(flat(settings_of(cls)))
    return [(key, setting) for key, setting in found if verb != "run" or "." not in key or key == "lm.inputs"]


def _row(key: str, setting: Setting) -> dict[str, Any]:
    return {
        "setting": f"`{key}`",
        "default": _default(setting),
        "values": "" if setting.settings else setting.values,
        "meaning": setting.description + _of_each_name(setting),
    }


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    if setting.settings and not setting.named:
        return "null" if setting.optional else ""
    return f"`{flow(setting.default)}`"


def _of_each_name(setting: Setting) -> str:
    return f" Of each name: {', '.join(f'`{inner.key}`' for inner in setting.settings)}." if setting.named else ""


if __name__ == "__main__":
    sys.stdout.write(schema_text(config_class("run")) if "--schema" in sys.argv else settings_page())
