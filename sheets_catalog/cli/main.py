"""Entry point of the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sheets_catalog.cli.naming import named, works_on
from sheets_catalog.cli.screen import screen_for
from sheets_catalog.cli.statuses import Exit
from sheets_catalog.errors import SheetsCatalogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sheets_catalog.cli.failures import Failure

KILLED = "Stopped at once. A job that was running can go on:\n`sheets-catalog jobs resume last`"


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; every error is told here and nowhere else."""
    from sheets_catalog.cli.app import app

    works_on("")
    screen = screen_for(json="--json" in arguments)
    try:
        status = app(args=list(arguments), prog_name="sheets-catalog", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback reaches people
        from sheets_catalog.cli import failures

        if failures.is_help(error):
            return int(Exit.INPUT)
        if type(error).__name__ == "Abort" and screen.err.is_terminal:
            screen.err.print()  # Ctrl-C at a question leaves the cursor behind it
        return failures.tell(screen, _failure(error))
    if status == Exit.KILLED:
        screen.say(named(KILLED))
    return int(status or 0)


def _failure(error: Exception) -> Failure:
    from sheets_catalog.cli import failures

    if isinstance(error, SheetsCatalogError):
        return failures.of_error(error)
    if failures.is_usage(error):
        return failures.of_usage(error)
    if type(error).__name__ == "Abort":
        return failures.Failure("Aborted", "Nothing was done.", "", "", Exit.CONFIRM, "Stopped")
    from sheets_catalog.flows.connection import home

    if isinstance(error, OSError) and failures.is_about_folder(error, home()):
        return failures.of_folder(error, home())
    return failures.of_unexpected(error, home() / "logs")


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))
