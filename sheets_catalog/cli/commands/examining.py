"""`doctor`."""

from __future__ import annotations

from sheets_catalog.cli import options
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import here
from sheets_catalog.cli.statuses import Exit

HELP = examples(
    ("sheets-catalog doctor", "every check, with what to do about those that fail"),
    ("sheets-catalog doctor --json", "for monitoring"),
)


def doctor(connection: options.Connection = "", json: options.Json = False) -> int:
    """Check that everything is in place: access, scopes, quotas, tabs, clock, audit. Writes nothing."""
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.cli.views import checks
    from sheets_catalog.flows.doctor import examine

    at = here(connection, json=json)
    with telling(at.screen) as show:
        at.systems.calls.on_wait = tell_waits(show)
        found = examine(at.systems, show.phase)
    failed = any(check.ok is False for check in found)
    status = Exit.ATTENTION if failed else Exit.OK
    at.screen.show(*checks.examined(found))
    at.screen.answer({"ok": not failed, "connection": at.name, "checks": found, "exit_status": int(status)})
    return status
