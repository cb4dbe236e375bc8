"""`report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sheets_catalog.cli import options
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import here
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sheets_catalog.cli.here import Here
    from sheets_catalog.database import Audit

PANEL = "Where to"
HELP = examples(
    ("sheets-catalog report last", "on the terminal"),
    ("sheets-catalog report last --html report.html", "one page to keep or send; needs no network"),
    ("sheets-catalog report last --csv changes.csv", "one line per changed field, safe to open in a spreadsheet"),
)

Html = Annotated[Path | None, options.value("--html", metavar="FILE", help="Write a self-contained page.", panel=PANEL)]
Csv = Annotated[Path | None, options.value("--csv", metavar="FILE", help="Write a table of all changes.", panel=PANEL)]


def report(
    job: options.Job,
    html: Html = None,
    csv: Csv = None,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """What a job did, record by record with before and after, from the audit."""
    from sheets_catalog.flows import reporting

    at = here(connection, json=json)
    with at.audit() as audit:
        session = _session(at, audit, job)
        # An import may have tens of thousands of records: only a program gets them all at once.
        found = audit.report(session, records=None if json else reporting.MOST)
        written = {}
        if html:
            written["html"] = _write(html, [reporting.as_html(found, linked=not at.connection.sandboxed)])
        if csv:
            written["csv"] = _write(csv, reporting.csv_lines(audit.find_records(session_id=session)))
    if not written:
        at.screen.show(reporting.as_terminal(found))
    for kind, path in written.items():
        at.screen.say(f"Wrote the {kind.upper()} report to {path}.")
    at.screen.answer(reporting.as_json(found) | {"written": written, "exit_status": int(Exit.OK)})
    return Exit.OK


def _session(at: Here, audit: Audit, job: str) -> str:
    """The audit session of a job; “last” is the newest one of this spreadsheet."""
    from sheets_catalog.errors import InputError

    if job != "last":
        if audit.session(job) is None:
            raise InputError(f"The audit database {audit.place} knows no job {job!r}.", advice=_meant(at, audit, job))
        return job
    if at.last_run and audit.session(at.last_run):
        return at.last_run
    found = audit.sessions(spreadsheet_id=at.connection.spreadsheet_id, limit=1)
    if not found:
        raise InputError("The audit has nothing about this spreadsheet yet.", advice="Import or export first.")
    return found[0].session_id


def _meant(at: Here, audit: Audit, job: str) -> str:
    from sheets_catalog.flows.near import suggestion

    sessions = audit.sessions(spreadsheet_id=at.connection.spreadsheet_id, limit=_LOOKED_AT)
    known = suggestion(job, [session.session_id for session in sessions])
    return " ".join(
        filter(None, (known, "A job that was never applied has no report: `sheets-catalog jobs show JOB`."))
    )


_LOOKED_AT = 200
"""Newest sessions of the audit among which the one that was meant is looked for."""


def _write(path: Path, pieces: Iterable[str]) -> str:
    """Write a file whole or not at all. Raises `SettingsError`."""
    from sheets_catalog.errors import SettingsError

    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror or error}.", advice="Choose another file or folder."
        ) from error
    return str(path)
