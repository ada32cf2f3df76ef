"""A verb that has subverbs, too: `malmoi dedupe DOCS...` and `malmoi dedupe explain ID`."""

from typing import Any

import typer
import typer.main
from typer.core import TyperCommand


def with_subverbs(subverbs: typer.Typer) -> type[TyperCommand]:
    """The class of a verb whose first argument may name a subverb; any other first argument is its own.

    A file or folder that is named like a subverb can be given as `./name`.

    Args:
        subverbs: their commands; parameters of a callback are not supported.

    Returns:
        What `app.command(cls=...)` takes.
    """
    # Typer has its own copy of click's classes, so contexts are `Any` here: their class depends on Typer's version.
    group = typer.main.get_group(subverbs)
    group.add_help_option, group.options_metavar = False, None  # the verb has a help, which tells of the subverbs

    class VerbWithSubverbs(TyperCommand):
        def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
            if args and args[0] in group.commands:
                return group.make_context(info_name, args, parent, **extra)
            return super().make_context(info_name, args, parent, **extra)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            super().format_help(ctx, formatter)
            group.format_help(group.context_class(group, info_name=ctx.info_name, parent=ctx.parent), formatter)

    return VerbWithSubverbs
