"""Settings as data, read from the JSON schema that pydantic makes of a class: what the YAML and the page show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.contracts.config import FOLLOWS, Config
from malmoi_pipelines.contracts.values import format_value
from pydantic.json_schema import GenerateJsonSchema

Schema = Mapping[str, Any]

_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


class _Untitled(GenerateJsonSchema):
    """Without titles: pydantic's are the keys again, in other words."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@dataclass(frozen=True)
class Setting:
    """One setting, or a group of them."""

    key: str
    description: str
    values: str
    """What it can be, in words: `number from 0 to 1, or null`."""
    default: Any
    """Its default; of a required one an example."""
    required: bool = False
    follows: str | None = None
    """The setting beside it that decides its default; given, it holds whatever that one says."""
    settings: tuple["Setting", ...] = ()
    """Of a group: what is in it."""
    named: bool = False
    """Of a group: there is one for each name that a person chooses."""

    @property
    def optional(self) -> bool:
        """Of a group: it is not there unless it is given."""
        return bool(self.settings) and self.default is None


def json_schema(cls: type[Config]) -> dict[str, Any]:
    """The JSON schema of a class of settings, with their descriptions."""
    return cls.model_json_schema(schema_generator=_Untitled)


def settings_of(cls: type[Config]) -> tuple[Setting, ...]:
    """The settings of a class, in its order.

    >>> from malmoi_pipelines.shard.config import ShardConfig
    >>> {setting.key: setting.values for setting in settings_of(ShardConfig)}["sequence_length"]
    'integer from 8'
    """
    schema = json_schema(cls)
    return tuple(_settings(schema, schema.get("$defs", {}), {}))


def flat(settings: tuple[Setting, ...], prefix: str = "") -> Iterator[tuple[str, Setting]]:
    """Every setting with its dotted key, as `--set` takes it; groups before what is in them.

    Of groups by name what is in them is left out: it is the group's own page again.
    """
    for setting in settings:
        yield f"{prefix}{setting.key}", setting
        if not setting.named:
            yield from flat(setting.settings, f"{prefix}{setting.key}.")


def _settings(model: Schema, defs: Schema, defaults: Mapping[str, Any]) -> Iterator[Setting]:
    """The settings of a model; `defaults` are those that the group around it gives it."""
    for key, schema in model["properties"].items():
        yield _setting(key, schema, defs, key in model.get("required", ()), defaults.get(key, schema.get("default")))


def _setting(key: str, schema: Schema, defs: Schema, required: bool, default: Any) -> Setting:
    branches = [_resolved(branch, defs) for branch in schema.get("anyOf", [schema])]
    by_name = [_resolved(branch.get("additionalProperties", {}), defs) for branch in branches]
    found = [model for model in (*branches, *by_name) if "properties" in model]
    inside = default if found and isinstance(default, dict) else {}
    return Setting(
        key,
        # Pydantic leaves a description out that is that of the class, too.
        description=" ".join(schema.get("description", found[0].get("description", "") if found else "").split()),
        values=_either([kind for branch in branches for kind in _values(branch, defs)]),
        default=schema["examples"][0] if required and "examples" in schema else default,
        required=required,
        follows=schema.get(FOLLOWS),
        settings=tuple(_settings(found[0], defs, inside)) if found else (),
        named=any("properties" in model for model in by_name),
    )


def _resolved(schema: Any, defs: Schema) -> Schema:
    if not isinstance(schema, dict):
        return {}
    reference = schema.get("$ref")
    return defs[reference.rsplit("/", 1)[-1]] if reference else schema


def _either(kinds: list[str]) -> str:
    """`a, b or c`."""
    *first, last = kinds
    return f"{', '.join(first)} or {last}" if first else last


def _values(schema: Schema, defs: Schema) -> list[str]:
    """What a value can be, in words."""
    if "anyOf" in schema:
        return [kind for branch in schema["anyOf"] for kind in _values(_resolved(branch, defs), defs)]
    if "enum" in schema:
        return [str(value) for value in schema["enum"]]
    kind = schema.get("type", "anything")
    if kind == "array":
        return [f"list of {_either(_values(_resolved(schema['items'], defs), defs))}"]
    if kind == "object":
        inside = _resolved(schema.get("additionalProperties"), defs)
        return [f"mapping of names to {_either(_values(inside, defs))}" if "type" in inside else "mapping"]
    return [{"string": "text", "boolean": "true or false"}.get(kind, f"{kind}{_bounds(schema)}")]


def _bounds(schema: Schema) -> str:
    """The bounds of a number, in words."""
    return "".join(f" {word} {format_value(schema[key])}" for key, word in _BOUNDS.items() if key in schema)
