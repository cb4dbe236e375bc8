"""The command line as people and programs use it: in this process with captured output, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cli_world import COMMAND, Ended, Sheet
from sandboxed import desk, imported

from sheets_catalog.cli import main as cli
from sheets_catalog.flows.connection import save


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Settings of nobody else."""
    where = tmp_path / "home"
    monkeypatch.setenv("SHEETS_CATALOG_HOME", str(where))
    monkeypatch.delenv("SHEETS_CATALOG_CONNECTION", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    return where


@pytest.fixture
def run(home, capsys):
    """Run a command line in this process."""

    def call(*arguments):
        capsys.readouterr()
        status = cli.main([str(each) for each in arguments])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call


@pytest.fixture
def process(home):
    """Run a command line as a process of its own."""

    def call(*arguments, env=None, stdin="", timeout=120):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"} | (env or {}),
            cwd=Path(__file__).parent,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def at(home):
    """A sandbox whose catalogue was imported, with a connection to it saved as `default`."""
    with imported() as one:
        save(one.connection, "default")
        yield one


@pytest.fixture
def bare(home):
    """A sandbox with an empty sheet, with a connection to it saved as `default`."""
    with desk() as one:
        save(one.connection, "default")
        yield one


@pytest.fixture
def sheet(at):
    return lambda title: Sheet(at, title)
