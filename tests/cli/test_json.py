"""`--json` of every command: one object, with the exit status, and the books where a job is concerned."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from cli_world import Sheet
from sandboxed import desk

from sheets_catalog.cli.app import app
from sheets_catalog.flows.connection import save
from sheets_catalog.flows.tabs import letter

OTHERS = {"demo", "sandbox", "connect google", "connect shopify"}
"""Commands with tests of their own: they ask a person, or run until somebody ends them."""


SETTLED = ("done", "unchanged", "rejected", "conflicted", "pending")
MANY = 30
"""Changes of which a mass change is asked about."""


def commands(group: Any = None, path: str = "") -> set[str]:
    """Every command there is."""
    found = set()
    for name, command in (group or typer.main.get_command(app)).commands.items():
        inside = hasattr(command, "commands")
        found |= commands(command, f"{path}{name} ") if inside else {f"{path}{name}"}
    return found


@pytest.fixture
def world(home):
    """A sandbox with a shop and three good tasks; nothing was imported or configured."""
    with desk(tasks=3) as one:
        save(one.connection, "default")
        yield one


class Told:
    """Runs commands with `--json`, checks what each object must have, and remembers which were run."""

    def __init__(self, run) -> None:
        self.run = run
        self.ran: set[str] = set()

    def __call__(self, line: str, *more: str, status: int = 0, books: bool = False) -> Any:
        words = [*line.split(), *more]
        known = commands()
        self.ran |= {name for name in (" ".join(words[:2]), words[0]) if name in known}
        ended = self.run(*words, "--json")
        told = ended.told
        assert ended.status == status, (line, told)
        assert told["exit_status"] == ended.status, line
        if books:
            counts = told["books"]
            assert counts["planned"] == sum(counts[word] for word in SETTLED), line
        return told


def test_every_command_tells_its_exit_status_and_the_books_of_its_job(run, world):
    told = Told(run)
    told("connect sandbox", world.sandbox.url, "--name", "other")
    told("connect show")
    told("connect forget other")
    told("doctor")
    told("import", books=True)
    told("verify", books=True)
    told("export", "--yes", books=True)
    products = Sheet(world, "Products")
    column = letter(products.header.index("Vendor"))
    products.tab.update([["Acme"]] * MANY, f"{column}2:{column}{MANY + 1}")
    told("export --dry-run", books=True)
    job = told("plan", books=True)["job"]
    told(f"apply {job} --change-share 0", status=6, books=True)
    told(f"jobs show {job}", books=True)
    told(f"apply {job} --confirm-mass-change", books=True)
    told(f"report {job}", books=True)
    told(f"jobs retry {job}", books=True)
    told(f"undo {job} --dry-run", books=True)
    told(f"undo {job} --yes --confirm-mass-change", books=True)
    products.put(2, "Title", "A third title")
    job = told("plan", books=True)["job"]
    told(f"jobs cancel {job}", books=True)
    told(f"jobs resume {job}", status=9, books=True)
    told("jobs list", books=True)
    told("jobs clean --older-than 0 --dry-run", books=True)
    folders = world.sandbox.connection()["tasks"]
    told("tasks configure --staging-folder", folders["staging_folder"])
    told("tasks migrate")
    told("tasks select")
    told("stage --batch-id B1 --dry-run", books=True)
    told("stage --batch-id B1 --yes", books=True)
    told("deliver B1 --dry-run --to", folders["client_folder"], books=True)
    told("deliver B1 --yes --to", folders["client_folder"], books=True)
    told("tasks status task-1")
    told("batches list")
    told("batches show B1")
    told("batches verify B1")
    told("export-status")
    told("clean --older-than 0 --delivered --yes")
    told("tasks set task-1 --to= --reason again --yes")
    missing = commands() - OTHERS - told.ran
    assert not missing, f"commands that this test does not run: {sorted(missing)}"


def test_a_verification_that_does_not_hold_tells_its_status(run, world):
    told = Told(run)
    folders = world.sandbox.connection()["tasks"]
    told("tasks configure --staging-folder", folders["staging_folder"])
    told("tasks migrate")
    told("stage --batch-id B1 --yes")
    tab = Sheet(world, "Tasks")
    tab.put(2, "Export Status", "delivered")
    told("batches verify B1", status=10)


WRONG = ("inf", "-inf", "nan", "1e400", "1e30", "-1")


@pytest.mark.parametrize("number", WRONG)
@pytest.mark.parametrize(
    "line",
    [
        "jobs clean --dry-run --older-than",
        "clean --dry-run --older-than",
        "plan --change-share",
        "plan --delete-share",
        "plan --batch-size",
        "demo --once --speed",
        "sandbox --speed",
        "sandbox --port",
        "sandbox --tasks",
        "sandbox --task-files",
    ],
)
def test_a_number_beyond_all_bounds_is_refused(run, home, line, number):
    ended = run(*line.split(), number, "--json")
    assert (ended.status, ended.told["exit_status"]) == (2, 2), ended.out
    assert ended.told["error"]["type"] in {"UsageError", "InputError"}  # not that there is no connection


@pytest.mark.parametrize("number", ["99999999999", "36501", "100000000000000000000"])
def test_days_beyond_a_hundred_years_are_refused_by_name(run, home, number):
    for command in ("clean", "jobs clean"):
        ended = run(*command.split(), "--older-than", number, "--dry-run")
        assert ended.status == 2
        assert "--older-than" in ended.err
        assert "36500" in ended.err


@pytest.mark.parametrize("number", ["0", "-1", "500001", "100000000000000000000"])
def test_a_count_of_files_that_cannot_be_is_refused(run, world, number):
    assert "least number of files" in run("tasks", "configure", "--least-files", number).err


@pytest.mark.parametrize("number", ["nan", "inf", "1e400"])
def test_a_score_that_is_no_number_is_refused(run, world, number):
    assert "expected a number" in " ".join(run("stage", "--score-min", number).err.split())
