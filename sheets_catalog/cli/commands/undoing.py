"""`undo`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sheets_catalog.cli import options, statuses
from sheets_catalog.cli.commands import exporting
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import LAST, here
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.cli.here import Here


class CreatedName(StrEnum):
    """What becomes of records that the job made."""

    KEEP = "keep"
    ARCHIVE = "archive"
    DELETE = "delete"


Created = Annotated[
    CreatedName,
    typer.Option(
        help="What becomes of products and variants that the job made. Variants can only be deleted.",
        rich_help_panel=options.SCOPE,
    ),
]

Job = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        help="The job's id, or “last”: the newest export that is not an undo and was not undone. "
        "`jobs list` shows them.",
        show_default=False,
    ),
]

HELP = examples(
    ("sheets-catalog undo 1AbC… --dry-run", "what would go back to what it was, and what cannot"),
    ("sheets-catalog undo last", "show, ask, and undo the newest export of this sheet"),
    ("sheets-catalog undo 1AbC… --created archive", "and archive the products it made"),
)


def undo(
    job: Job,
    created: Created = CreatedName.KEEP,
    batch_size: exporting.BatchSize = None,
    dry_run: exporting.DryRun = False,
    yes: exporting.Yes = False,
    confirm_mass_change: options.ConfirmMassChange = False,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Put back what a finished export changed, in shop and sheet: plan, show, ask, send."""
    from sheets_catalog.flows.exporting import ExportOptions, guard, store

    at = here(connection, json=json)
    made = _plan(at, job, created, batch_size)
    question = guard(made, ExportOptions())
    exporting.preview(at, made, question, show_all=show_all)
    if dry_run or made.empty:
        status = Exit.OK if dry_run else statuses.of_books(made.books)
        at.screen.answer(exporting.plan_json(made, None, question) | {"dry_run": dry_run}, status)
        return status
    exporting.agree(at, made, question, yes=yes, confirmed=confirm_mass_change)
    return exporting.run_job(at, at.stored(store(at.systems, made)), exporting.Apply(batch_size, confirmed=True))


def _plan(at: Here, job: str, created: CreatedName, batch_size: int | None) -> Plan:
    """Plan with progress shown."""
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.flows.undoing import plan_undo
    from sheets_catalog.flows.undoing.choosing import last_export

    with at.audit() as audit, telling(at.screen) as show:
        at.systems.calls.on_wait = tell_waits(show)
        job_id = last_export(audit, at.jobs(), at.connection.spreadsheet_id) if job == LAST else job
        note = exporting.named(show)
        return plan_undo(at.systems, audit, job_id, created=created.value, batch_size=batch_size, note=note)
