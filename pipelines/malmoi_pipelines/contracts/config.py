"""The base of all configurations: frozen, typed, no unknown keys, errors that name key, value and remedy."""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from malmoi_pipelines.contracts.errors import UsageError

FOLLOWS = "follows"
"""Key of a setting's JSON schema: the setting that decides its default. Given, it holds whatever that one says."""


class Config(BaseModel):
    """Base of every stage's configuration. The docstring below a setting is its description wherever it is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)


C = TypeVar("C", bound=Config)


def parse_config(cls: type[C], values: Mapping[str, Any], where: str) -> C:
    """Build a config; turn pydantic's errors into one UsageError a person can act on.

    Args:
        cls: the configuration class.
        values: plain values, for example from YAML.
        where: the origin named in the message, for example `recipes/quickstart.yaml`.

    Raises:
        UsageError: naming each key, the value it got, and what it must be.
    """
    try:
        return cls.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explain(cls, problem) for problem in error.errors()]
        raise UsageError(f"{where}: " + "; ".join(lines), hint="correct the setting(s) named above") from None


def _explain(cls: type[BaseModel], problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    value = problem.get("input")
    if problem["type"] == "extra_forbidden":
        known = _keys_at(cls, problem["loc"][:-1])
        name = str(problem["loc"][-1])
        near = difflib.get_close_matches(name, known, n=1) or _paths_to(cls, name)
        remedy = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return f"unknown key {key!r} = {value!r} ({remedy})"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key} = {value!r}: {message[:1].lower()}{message[1:]}"


def _keys_at(cls: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the model at a path: through optional models, and through mappings of models, whose keys are free."""
    annotation: Any = cls
    for part in path:
        model = _model_in(annotation)
        if model is not None and str(part) in model.model_fields:
            annotation = model.model_fields[str(part)].annotation
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
    model = _model_in(annotation)
    return list(model.model_fields) if model is not None else []


def _paths_to(cls: type[BaseModel], name: str) -> list[str]:
    """Where a key stands in nested settings, dotted, the highest first: what was meant by one that has moved there."""
    found: list[str] = []
    for key, field in cls.model_fields.items():
        model = _model_in(field.annotation)
        if model is not None:
            inner = [name] if name in model.model_fields else _paths_to(model, name)
            found += [f"{key}.{path}" for path in inner]
    return sorted(found, key=lambda path: path.count("."))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *(get_args(annotation) if get_origin(annotation) is not dict else ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def apply_overrides(values: Mapping[str, Any], overrides: list[str]) -> dict[str, Any]:
    """Apply `--set key=value` items; the key may be dotted, the value is read as YAML.

    >>> apply_overrides({"a": {"b": 1}}, ["a.b=2", "c=[x, y]"])
    {'a': {'b': 2}, 'c': ['x', 'y']}
    """
    result: dict[str, Any] = {**values}
    for item in overrides:
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise UsageError(f"--set must be key=value. Got {item!r}.")
        node = result
        *parents, last = key.split(".")
        for part in parents:
            child = node.get(part)
            node[part] = dict(child) if isinstance(child, Mapping) else {}
            node = node[part]
        try:
            node[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"--set {key}: the value is not YAML. Got {text!r}.") from error
    return result
