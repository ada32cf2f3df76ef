"""The command line, called in this process."""

import sys

import pytest
import typer
from typer.testing import CliRunner

from malmoi import cli
from malmoi.console import out as console


@pytest.fixture
def malmoi(monkeypatch, capsys):
    """Call the command line; returns (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["malmoi", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        output = capsys.readouterr()
        return code, output.out, output.err

    return call


@pytest.fixture
def call_verb(monkeypatch):
    """Call `malmoi ...` of one verb's module; returns its output.

    Errors are raised, as `malmoi.cli.main` gets them, with what was `printed`.
    """
    monkeypatch.setattr(console, "_width", 240)  # no cell of a table is folded

    def call(module, *arguments, code=0):
        app = typer.Typer()
        app.callback()(lambda: None)
        module.register(app)
        with console.capture() as capture:
            result = CliRunner().invoke(app, [*map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            result.exception.printed = capture.get()
            raise result.exception
        assert result.exit_code == code, result.output
        return capture.get() + result.output

    return call
