"""`demo`."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheets_catalog.cli import options
from sheets_catalog.cli.commands.sandboxing import (
    FASTEST,
    SPEED_TOLD,
    Catalogue,
    check_catalogue,
    check_directory,
    serving,
)
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.screen import Screen, screen_for
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sheets_catalog.cli.demo.story import Step, Story
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Connection, Systems

NAME = "demo"
FAST, TOUR = 1000.0, 200.0
"""How many times as fast as life: for programs, and for people who want to see something move."""
_PACES = f"{SPEED_TOLD} Left out: {TOUR:.0f} where somebody watches, else {FAST:.0f}."

HELP = examples(
    ("sheets-catalog demo", "the tour; on a terminal the sandbox stays afterwards to try things on"),
    ("sheets-catalog demo --once --json", "the whole story checked, for programs; ends with 8 if a promise is broken"),
    ("sheets-catalog demo --catalogue products.csv", "with your own Shopify product export"),
)


Once = Annotated[bool, options.flag("--once", help="Tell the story, check every promise, and end.")]
Fast = Annotated[bool, options.flag("--fast", help="Do not pause for reading.")]
Keep = Annotated[Path | None, options.value("--keep", metavar="DIR", help="Save the sandbox and the audit here.")]


def demo(
    once: Once = False,
    catalogue: Catalogue = "sample",
    speed: Annotated[
        float | None, typer.Option(min=0.001, max=FASTEST, metavar="TIMES", help=_PACES, show_default=False)
    ] = None,
    fast: Fast = False,
    keep: Keep = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Same seed, same ids and data.")] = 1,
    json: options.Json = False,
) -> int:
    """See the whole story on a sandbox: import, edit, plan, apply, stop, resume, verify, deliver. No account needed.

    On a terminal the sandbox stays afterwards, until Ctrl-C, to try things on; without one (or with --once) it ends.
    """
    package = serving()
    check_catalogue(catalogue)
    check_directory(keep)
    screen = screen_for(json=json)
    alone = once or json or not sys.stdin.isatty()
    pace = speed or (FAST if alone else TOUR)
    with package.Sandbox.start(catalogue, speed=pace, seed=seed, state=keep) as sandbox, _audits(keep) as audits:
        story, steps = _tell(screen, sandbox, audits, catalogue, pace, paced=not (alone or fast))
        status = Exit.OK if all(step.ok for step in steps) else Exit.BOOKS
        screen.answer(_as_json(steps, catalogue, status))
        if not alone and story.anna:
            _stay(screen, story, audits)
        if keep:
            sandbox.save()
    return status


def _tell(
    screen: Screen, sandbox: Any, audit_path: Path, catalogue: str, speed: float, *, paced: bool
) -> tuple[Story, list[Step]]:
    """Tell the story step by step."""
    from sheets_catalog.cli.demo import tour
    from sheets_catalog.cli.demo.story import Story
    from sheets_catalog.cli.progress import telling

    rich = screen.out.is_terminal
    if rich:
        screen.show(tour.opening(catalogue, speed))
    steps: list[Step] = []
    story = Story(sandbox, lambda connection, systems: _open_audit(audit_path, connection, systems))
    for number, tell in enumerate(story.steps(), 1):
        with telling(screen) as show:  # the bars are gone before the step is printed
            step = tell(show)
        steps.append(step)
        screen.show(tour.panel(number, step, screen.out.width) if rich else tour.line(number, step))
        if not step.told:
            break
        if paced:
            time.sleep(tour.pause_after(step))
    screen.show(tour.ending(steps))
    return story, steps


def _open_audit(path: Path, connection: Connection, systems: Systems) -> Audit:
    import msgspec

    from sheets_catalog.flows.auditing import open_audit

    return open_audit(msgspec.structs.replace(connection, audit_url=str(path)), systems)


@contextmanager
def _audits(keep: Path | None) -> Iterator[Path]:
    """Where the audit goes: each sandbox begins with the same ids, so each has an audit of its own."""
    if keep:
        yield keep / "audit.sqlite3"
        return
    with tempfile.TemporaryDirectory(prefix="sheets-catalog-demo-") as folder:
        yield Path(folder) / "audit.sqlite3"


def _as_json(steps: list[Step], catalogue: str, status: Exit) -> dict[str, Any]:
    from sheets_catalog.books import Books

    broken = [f"{step.name}: {each}" for step in steps for each in step.broken]
    return {
        "ok": not broken,
        "catalogue": catalogue,
        "broken": broken,
        "books": next((step.books for step in reversed(steps) if step.name == "resume"), None) or Books(),
        "steps": [
            {
                "step": step.name,
                "title": step.title,
                "ok": step.ok,
                "told": step.told,
                "books": step.books,
                "facts": step.facts,
                "broken": step.broken,
            }
            for step in steps
        ],
        "exit_status": int(status),
    }


def _stay(screen: Screen, story: Story, audits: Path) -> None:
    """Leave the sandbox running with a connection to it, until Ctrl-C."""
    import threading

    import msgspec
    from rich.text import Text

    from sheets_catalog.cli.demo.edits import edit_more
    from sheets_catalog.cli.stopping import Stopping
    from sheets_catalog.flows.connection import save

    assert story.anna
    what = edit_more(story.anna, story.systems.catalogue.info.money_digits)
    save(msgspec.structs.replace(story.connection, audit_url=str(audits)), NAME)
    screen.show(Text(), Text(f"The sandbox stays at {story.sandbox.url}, saved as “{NAME}”.", "bold"))
    screen.show(Text(f"Anna {what} once more. In another terminal, try:"))
    for command, why in _to_try(story.client_folder):
        line = f"sheets-catalog {command} -c {NAME}"
        screen.show(Text.assemble("  ", (f"{line:<54}", "cyan"), (why, "dim")))
    screen.show(Text("Ctrl-C ends the sandbox; these commands need it.", style="dim"))
    waiting = threading.Event()
    with Stopping(lambda _: waiting.set()):
        waiting.wait()


def _to_try(client_folder: str) -> Iterator[tuple[str, str]]:
    """Commands to play with, and what each answers; those about files only when the story came to the delivery."""
    from sheets_catalog.cli.demo.files import BATCH

    yield "plan", "what would be sent now?"
    yield "export", "plan, ask, send"
    yield "report last --html report.html", "what it did, as a page"
    yield "verify", "sheet against shop"
    if client_folder:
        yield f"batches show {BATCH}", "the tasks that were staged and delivered, and why some were not"
        yield f"verify {BATCH}", "read every delivered file back"
        yield "export-status", "where all tasks are, and what waits for somebody"
        yield "tasks status T-001", "what ever happened to one task"
    yield "jobs list", "what ran"
    yield "doctor", "is everything in place?"
