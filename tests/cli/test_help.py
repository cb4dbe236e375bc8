"""Help that teaches."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from sheets_catalog.cli.app import app
from sheets_catalog.cli.statuses import Exit


def commands(group=None, path=()):
    """Every command line there is."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield (*path, name)
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


ALL = sorted(commands())
GROUPS = {path for path in ALL if any(other[:-1] == path for other in ALL)}
ASKED_FOR = {
    *{(each,) for each in ("demo", "sandbox", "connect", "doctor", "import", "plan", "apply", "export", "jobs")},
    *{("jobs", each) for each in ("list", "show", "resume", "cancel", "retry", "clean")},
    *{("connect", each) for each in ("sandbox", "google", "shopify", "show")},
    ("report",),
    ("verify",),
}


def help_of(*path, columns="80"):
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": columns, "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done.output


def test_every_command_that_was_promised_is_there():
    assert set(ALL) >= ASKED_FOR


@pytest.mark.parametrize("path", ALL, ids=" ".join)
@pytest.mark.parametrize("columns", [60, 80, 140])
def test_every_command_explains_itself_within_the_terminal(path, columns):
    text = help_of(*path, columns=str(columns))
    assert re.search(r"Usage: \S+.* " + path[-1], text)
    assert max(map(len, text.splitlines())) <= columns


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_examples_that_fit_the_terminal(path):
    shown = [line.strip() for line in help_of(*path).splitlines() if line.strip().startswith("$ ")]
    assert any(line.startswith("$ sheets-catalog " + " ".join(path)) for line in shown)
    whole = [line.strip() for line in help_of(*path, columns="200").splitlines() if line.strip().startswith("$ ")]
    assert shown == whole or path == ("import",)  # whose metafield has a header that is long by itself


@pytest.mark.parametrize("path", [path for path in ALL if path not in {*GROUPS, ("sandbox",)}], ids=" ".join)
def test_every_command_speaks_json(path):
    assert "--json" in help_of(*path)


def test_the_front_page_shows_first_steps_and_every_exit_status():
    text = help_of()
    for panel in ("Try it", "Set up", "Work", "Afterwards", "First steps", "Exit statuses"):
        assert panel in text
    for status in Exit:
        assert re.search(rf"^\s+{int(status)}  \S", text, re.MULTILINE)


def test_without_arguments_it_shows_the_help():
    done = CliRunner().invoke(app, [])
    assert "First steps" in done.output


def test_brackets_in_a_help_are_not_taken_for_markup():
    assert help_of("import", columns="140").count("[single_line_text_field]") == 2


def test_it_says_its_version():
    from importlib.metadata import version

    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"sheets-catalog {version('sheets-catalog')}"


def test_a_shell_can_complete_it(process):
    done = process(
        env={"_SHEETS_CATALOG_COMPLETE": "complete_bash", "COMP_WORDS": "sheets-catalog ver", "COMP_CWORD": "1"}
    )
    assert done.out.split() == ["verify"]


def test_a_shell_completes_saved_connections(process, at):
    words = {"COMP_WORDS": "sheets-catalog plan --connection def", "COMP_CWORD": "3"}
    done = process(env={"_SHEETS_CATALOG_COMPLETE": "complete_bash"} | words)
    assert done.out.split() == ["default"]
