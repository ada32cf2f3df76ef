"""The recipes that come with malmoi, known by their names."""

import importlib.resources

from malmoi_pipelines.contracts import files

SUFFIX = ".yaml"


def recipe_names() -> list[str]:
    """The names of the recipes that come with malmoi."""
    names = (entry.name for entry in importlib.resources.files("malmoi.recipes").iterdir())
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def find_recipe(name: str) -> str:
    """The file of a recipe: one of a person's own, or one that comes with malmoi, wherever one stands.

    >>> find_recipe("quickstart").endswith("malmoi/recipes/quickstart.yaml")
    True
    >>> find_recipe("my/recipe.yaml")
    'my/recipe.yaml'
    """
    shipped = name.removeprefix("recipes/").removesuffix(SUFFIX)
    if shipped not in recipe_names() or (files.exists(name) and not files.is_folder(name)):
        return name  # a folder of that name is what a run made of it
    return str(importlib.resources.files("malmoi.recipes") / f"{shipped}{SUFFIX}")
