"""`malmoi config`: every setting of a verb or of a recipe, as YAML to start from or as a JSON schema."""

from typing import Annotated

import typer

from malmoi.arguments import Set
from malmoi.settings.verbs import CONFIGS, config_class, settings_verb


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(config)


def config(
    what: Annotated[
        list[str],
        typer.Argument(metavar="VERB|RECIPE", help=f"A recipe, or a verb: {', '.join(CONFIGS)}."),
    ],
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead.")] = False,
    set_: Set = None,
) -> None:
    """Print every setting with what it does, what it can be and its value: YAML that the verb takes as it stands."""
    from malmoi_pipelines.contracts.config import apply_overrides, parse_config

    from malmoi.settings.commented import commented_yaml
    from malmoi.settings.page import schema_text

    name = " ".join(what)
    verb = settings_verb(name)
    if schema:
        typer.echo(schema_text(config_class(verb or "run")), nl=False)
        return
    if verb is None:
        from malmoi.recipe import load_recipe, recipe_values

        load_recipe(name, set_ or [])  # which names what is wrong with it
        given = recipe_values(name, set_ or [])
        typer.echo(commented_yaml(config_class("run"), _head("run", name), given), nl=False)
        return
    given = apply_overrides({}, set_ or [])
    if given:
        parse_config(config_class(verb), given, f"malmoi {verb}")  # which names what is wrong with them
    typer.echo(commented_yaml(config_class(verb), _head(verb), given), nl=False)


def _head(verb: str, recipe: str | None = None) -> str:
    what = f"Every setting of {recipe}" if recipe else f"Every setting of malmoi {verb}, as it is by default"
    use = "malmoi run THIS.yaml --out DIR" if verb == "run" else f"malmoi {verb} ... --config THIS.yaml"
    return f"{what}.\n{use}. What is left out has its default."
