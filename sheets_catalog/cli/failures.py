"""How an error ends a command: one clear message with advice, or the same as JSON, and a meaningful exit status."""

from __future__ import annotations

import os
import re
import secrets
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from sheets_catalog.cli.naming import named
from sheets_catalog.cli.statuses import Exit
from sheets_catalog.cli.stopping import Stopped
from sheets_catalog.cli.text import duration, visible
from sheets_catalog.errors import (
    AccessError,
    BooksError,
    BusyError,
    ConfirmationNeeded,
    SettingsError,
    SheetsCatalogError,
    StalePlanError,
    StateError,
    Throttled,
    UpstreamError,
)
from sheets_catalog.jobs.retry import CIRCUIT_OPEN
from sheets_catalog.masking import mask_message

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from sheets_catalog.cli.screen import Screen


CANNOT = "Cannot go on"
TITLES = (
    (SettingsError, "The settings need mending"),
    (ConfirmationNeeded, "A person has to say yes"),
    (StalePlanError, "Plan again"),
    (AccessError, "Access is missing"),
    (BusyError, "Another run is at work"),
    (StateError, "What is stored cannot be used"),
    (BooksError, "The books do not balance"),
    (Throttled, "Asked to wait"),
    (Stopped, "Stopped"),
)
"""What heads the message, by kind of error; for all others it is `CANNOT`."""

USAGE = "The command line needs mending"

BOOKS = "books_of_its_job"
"""Attribute of an error about a job: the job's books, where a program is told of it."""

JOB = "its_job"
"""Attribute of an error that a job met: the job's id, for its advice."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a person or a program is told. `where`: the service and call, the holder, or the log file.

    `type`: the name of the error's class, for programs; `title`: what heads the message, for people; `books`: those of
    the job it is about, for programs.
    """

    type: str
    message: str
    advice: str
    where: str
    status: int
    title: str = CANNOT
    books: Any = None

    def as_json(self) -> dict[str, Any]:
        """The error object of ``--json``."""
        told = {"type": self.type, "message": self.message, "advice": self.advice, "where": self.where}
        return {"error": told, "exit_status": self.status} | ({"books": self.books} if self.books is not None else {})


def of_error(error: SheetsCatalogError) -> Failure:
    """What an expected error says."""
    message = mask_message(error.message)
    title = next((title for kind, title in TITLES if isinstance(error, kind)), CANNOT)
    if isinstance(error, Throttled) and error.reason == CIRCUIT_OPEN:
        title = CANNOT  # nobody asked: the service does not answer
    advice = named(error.advice or _advice(error))
    books = getattr(error, BOOKS, None)
    return Failure(type(error).__name__, message, advice, _where(error), error.exit_status, title, books)


def _where(error: SheetsCatalogError) -> str:
    if isinstance(error, BusyError):
        return " ".join(filter(None, (error.holder, error.job_id and f"job {error.job_id}")))
    if not isinstance(error, UpstreamError):
        return ""
    facts = [error.operation, f"HTTP {error.status}" if error.status else "", error.reason]
    return ", ".join(filter(None, facts if any(facts) else [error.service]))


def _advice(error: SheetsCatalogError) -> str:
    if not isinstance(error, UpstreamError):
        return ""
    job_id = getattr(error, JOB, "")
    later = error.retry_after if isinstance(error, Throttled) else None
    again = f"Try again in about {duration(later)}" if later else "Try again"
    return again + (f": `sheets-catalog jobs resume {job_id}` goes on where it was." if job_id else ".")


def of_usage(error: Exception) -> Failure:
    """What a wrong command line says (typer's own exceptions)."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "") or "sheets-catalog"
    message = getattr(error, "format_message", lambda: str(error))()
    message = message.replace(": Value error, ", ": ")  # what pydantic, when typer finds it, puts before its own words
    if misplaced := _misplaced(error, context):
        text = f"{misplaced} stands before the command."
        example = f"{path} plan {misplaced}" + ("" if misplaced == "--json" else " NAME")
        return Failure(_USAGE_TYPE, text, f"Put {misplaced} after it: `{example}`.", path, Exit.INPUT, USAGE)
    message = _MEANT.sub(lambda found: f". Did you mean {found[1].replace(', ', ' or ')}?", message)
    return Failure(_USAGE_TYPE, message + _there_is(context, message), f"See `{path} --help`.", path, Exit.INPUT, USAGE)


def _misplaced(error: Exception, context: Any) -> str:
    """An option of every command that was given before any; else empty."""
    option = getattr(error, "option_name", "")
    first = context is not None and context.parent is None
    return option if first and option in {"--json", "--connection", "-c"} else ""


_USAGE_TYPE = "UsageError"
_MEANT = re.compile(r" \((?:Possible options: |Did you mean )([^)?]+)\??\)$")
"""How typer ends what it says of an unknown option: with those that are alike."""


def _there_is(context: Any, message: str) -> str:
    """The commands there are, where an unknown one is not like any of them."""
    if not message.startswith("No such command") or "Did you mean" in message or context is None:
        return ""
    known = getattr(context.command, "list_commands", lambda _: ())(context)
    return f" There is: {', '.join(known)}." if known else ""


def is_about_folder(error: OSError, folder: Path) -> bool:
    """Whether the settings folder, something in it, or a folder above it could not be made or written."""
    place = type(folder)(error.filename) if isinstance(error.filename, str) else None
    return place is not None and (place.is_relative_to(folder) or folder.is_relative_to(place))


def of_folder(error: OSError, folder: Path) -> Failure:
    """What is said when the settings folder cannot be used: no fault of ours, and no log could be written either."""
    told = SettingsError(
        f"The settings folder {folder} cannot be used: {error.strerror}.",
        advice="Give yourself the right to write there, or name another folder in SHEETS_CATALOG_HOME.",
    )
    return of_error(told)


def of_unexpected(error: BaseException, folder: Path) -> Failure:
    """What a fault of ours says: a reference and a log file, never a traceback. Writes the log."""
    reference = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    kind, message = type(error).__name__, mask_message(str(error)) or "no message"
    try:
        path = str(_write_log(error, folder, reference))
    except OSError as failure:
        path = f"(no log could be written: {failure})"
    return Failure(
        kind,
        f"Something unexpected happened ({kind}: {message}). Reference {reference}.",
        f"Run the command again; jobs go on where they were. If it stays, report it with the log {path}.",
        path,
        Exit.UNEXPECTED,
        "Something unexpected",
    )


def _write_log(error: BaseException, folder: Path, reference: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{reference}.log"
    path.touch(mode=0o600)
    path.write_text(mask_message("".join(traceback.format_exception(error))), encoding="utf-8")
    return path


def is_usage(error: Exception) -> bool:
    """Whether typer raised it about the command line (its exceptions have moved between modules over versions)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def is_help(error: Exception) -> bool:
    """Whether a command or group was named without anything that follows: its help was printed, and is the answer."""
    return type(error).__name__ == "NoArgsIsHelpError"


def rendered(failure: Failure) -> RenderableType:
    """The failure for people."""
    lines = [Text(visible_lines(failure.message))]
    if failure.type != _USAGE_TYPE and re.search(r"[ ./]", failure.where):  # a service alone is in the message already
        lines.append(Text(visible_lines(failure.where), style="dim"))
    if failure.advice:
        lines.append(Text.assemble(("→ ", "bold cyan"), visible_lines(failure.advice)))
    title = Text(f" {failure.title} ", style="bold red")
    return Panel(Group(*lines), title=title, title_align="left", border_style="red", padding=(0, 1))


def visible_lines(text: str) -> str:
    """Text of several lines with everything else in it to be seen."""
    return "\n".join(visible(line.rstrip()) if line.strip() else "" for line in text.splitlines())


def tell(screen: Screen, failure: Failure) -> int:
    """Tell it, and return the exit status. JSON that stdout does not take (its disk is full) is told on stderr."""
    try:
        screen.answer(failure.as_json())
        told = screen.json
    except OSError:
        told = False
        _give_up_stdout()
    if not told:
        screen.err.print(rendered(failure))
    return int(failure.status)


def _give_up_stdout() -> None:
    """What stdout still holds is dropped, or Python would try to write it once more when it ends, and fail."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
