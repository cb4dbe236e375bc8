"""How an error ends a command: one clear message with advice, or the same as JSON, and a meaningful exit status."""

from __future__ import annotations

import secrets
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from sheets_catalog.cli.statuses import Exit
from sheets_catalog.cli.text import visible
from sheets_catalog.errors import BusyError, SheetsCatalogError, Throttled, UpstreamError
from sheets_catalog.masking import mask_message

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from sheets_catalog.cli.screen import Screen


@dataclass(frozen=True, slots=True)
class Failure:
    """What a person or a program is told. `where`: the service and call, the holder, or the log file."""

    type: str
    message: str
    advice: str
    where: str
    status: int

    def as_json(self) -> dict[str, Any]:
        """The error object of ``--json``."""
        told = {"type": self.type, "message": self.message, "advice": self.advice, "where": self.where}
        return {"error": told, "exit_status": self.status}


def of_error(error: SheetsCatalogError) -> Failure:
    """What an expected error says."""
    message = mask_message(error.message)
    return Failure(type(error).__name__, message, error.advice or _advice(error), _where(error), error.exit_status)


def _where(error: SheetsCatalogError) -> str:
    if isinstance(error, BusyError):
        return " ".join(filter(None, (error.holder, error.job_id and f"job {error.job_id}")))
    if not isinstance(error, UpstreamError):
        return ""
    facts = [error.operation or error.service, f"HTTP {error.status}" if error.status else "", error.reason]
    return ", ".join(filter(None, facts))


def _advice(error: SheetsCatalogError) -> str:
    if isinstance(error, Throttled) and error.retry_after:
        return f"Try again in about {error.retry_after:.0f} seconds; {_RESUME}"
    if isinstance(error, UpstreamError):
        return f"Try again; {_RESUME}"
    return ""


_RESUME = "a job that was running can be resumed with `sheets-catalog jobs resume JOB`."


def of_usage(error: Exception) -> Failure:
    """What a wrong command line says (typer's own exceptions)."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "") or "sheets-catalog"
    message = getattr(error, "format_message", lambda: str(error))()
    message = message.replace(": Value error, ", ": ")  # what pydantic, when typer finds it, puts before its own words
    return Failure("UsageError", message, f"See `{path} --help`.", path, Exit.INPUT)


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


def rendered(failure: Failure) -> RenderableType:
    """The failure for people."""
    lines = [Text(visible_lines(failure.message))]
    if failure.where and failure.type != "UsageError":
        lines.append(Text(visible_lines(failure.where), style="dim"))
    if failure.advice:
        lines.append(Text.assemble(("→ ", "bold cyan"), visible_lines(failure.advice)))
    title = Text(f" {failure.type} ", style="bold red")
    return Panel(Group(*lines), title=title, title_align="left", border_style="red", padding=(0, 1))


def visible_lines(text: str) -> str:
    """Text of several lines with everything else in it to be seen."""
    return "\n".join(visible(line.rstrip()) if line.strip() else "" for line in text.splitlines())


def tell(screen: Screen, failure: Failure) -> int:
    """Tell it, and return the exit status."""
    if screen.json:
        screen.answer(failure.as_json())
    else:
        screen.err.print(rendered(failure))
    return int(failure.status)
