"""The command line as a person meets it: what it prints, and the code it ends with."""

import sys

from acrnn.cli import main as cli


def run_command(monkeypatch, capsys, *arguments) -> tuple[int, str, str]:
    """Run `acrnn argument …` in this process; gives its exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["acrnn", *map(str, arguments)])
    code = 0
    try:
        cli.main()
    except SystemExit as stop:
        code = stop.code or 0
    printed = capsys.readouterr()
    return code, printed.out, printed.err
