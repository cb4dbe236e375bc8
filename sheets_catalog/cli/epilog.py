"""The end of `--help`: first steps, and what the exit statuses mean."""

from __future__ import annotations

from sheets_catalog.cli.statuses import MEANINGS

STEPS = (
    ("sheets-catalog demo", "the whole story on a sandbox; no account"),
    ("sheets-catalog connect google", "then [cyan]connect shopify[/]: your sheet and shop"),
    ("sheets-catalog doctor", "is everything in place?"),
    ("sheets-catalog import", "the shop's catalogue into the sheet"),
    ("sheets-catalog plan", "what would be sent, before anything is"),
    ("sheets-catalog apply JOB", "send exactly that"),
    ("sheets-catalog export", "plan, ask, apply in one go"),
)


def _steps() -> str:
    width = max(len(command) for command, _ in STEPS)
    return "\n".join(f"[dim]$[/] [cyan]{command.ljust(width)}[/]  {what}" for command, what in STEPS)


def _statuses() -> str:
    return "\n".join(f"  [bold]{int(status):>3}[/]  {meaning}" for status, meaning in MEANINGS.items())


TEXT = f"[bold]First steps[/]\n{_steps()}\n\n[bold]Exit statuses[/]\n{_statuses()}"
"""In rich markup."""


def examples(*lines: tuple[str, str]) -> str:
    """The examples at the end of a command's help: (command line, what it does)."""
    shown = "\n".join(f"[dim]$[/] [cyan]{command}[/]\n    {what}" for command, what in lines)
    return f"[bold]Examples[/]\n{shown}"
