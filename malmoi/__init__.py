"""malmoi: the command line and the recipe. One verb per stage; everything heavy is imported by the verb."""

from importlib.metadata import version

__version__ = version("malmoi")
