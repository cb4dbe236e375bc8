"""`jobs list|show|resume|cancel|retry|clean`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sheets_catalog.cli import options
from sheets_catalog.cli.commands.exporting import Apply, BatchSize, Force, run_job
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import here
from sheets_catalog.cli.leaves import taught
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from sheets_catalog.books import Books
    from sheets_catalog.flows.connection import Systems

app = typer.Typer(
    help="List, look at, resume, cancel, retry and clean up jobs.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=examples(
        ("sheets-catalog jobs list", "all jobs of this sheet, newest first"),
        ("sheets-catalog jobs resume last", "go on where it stopped; what was in flight is looked up first"),
        ("sheets-catalog jobs retry last", "put records that were set aside back in line, then resume"),
    ),
)


AllSheets = Annotated[bool, options.flag("--all-sheets", help="Jobs of every spreadsheet in the folder.")]
DryRun = Annotated[bool, options.flag("--dry-run", help="Only show which jobs would be moved; move none.")]
Item = Annotated[
    list[int] | None,
    options.value("--item", metavar="NUMBER", help="Only this record of `jobs show`; may be repeated."),
]


@app.command("list", epilog=taught("jobs list"))
def list_(
    all_sheets: AllSheets = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """All jobs, newest first, and what waits in them."""
    from sheets_catalog.books import Books
    from sheets_catalog.cli.views import jobs as views

    at = here(connection, json=json)
    found = at.jobs(all_sheets=all_sheets)
    at.screen.show(*views.listed(found, at.screen.out.width))
    at.screen.answer({"jobs": found, "books": sum((job.books for job in found), Books())})
    return Exit.OK


@app.command(epilog=taught("jobs show"))
def show(
    job: options.Job,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """One job: every record, what became of it and why."""
    from sheets_catalog.cli.views import jobs as views
    from sheets_catalog.flows import job_files

    at = here(connection, json=json)
    view = job_files.show(at.systems, at.job(job))
    at.screen.show(*views.in_full(view, at.screen.out.width, None if show_all else views.SHOWN))
    summary = view.summary
    at.screen.answer(
        {
            "job": summary.job_id,
            "flow": summary.flow,
            "status": summary.status,
            "books": summary.books,
            "summary": summary,
            "conflicts": view.plan.conflicts,
            "findings": view.plan.findings,
            "left_out": [
                {"tab": each.tab, "row": each.row, "column": each.column, "reason": each.message, "advice": each.advice}
                for each in view.plan.left_out
            ],
            "items": [
                {
                    "number": item.number,
                    "result": item.result.name.lower(),
                    "reason": item.reason,
                    "attempts": item.attempts,
                    "change": item.change,
                }
                for item in view.items
            ],
        }
    )
    return Exit.OK


@app.command(epilog=taught("jobs resume"))
def resume(
    job: options.Job,
    batch_size: BatchSize = None,
    force: Force = False,
    confirm_mass_change: options.ConfirmMassChange = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Go on with a job that stopped. What was in flight is looked up first; nothing is sent twice."""
    at = here(connection, json=json)
    return run_job(at, at.unfinished_job(job), Apply(batch_size, confirmed=confirm_mass_change, force=force))


@app.command(epilog=taught("jobs cancel"))
def cancel(job: options.Job, connection: options.Connection = "", json: options.Json = False) -> int:
    """Stop a job for good, at its next checkpoint when it is running. What was applied stays applied."""
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.flows import resuming

    at = here(connection, json=json)
    job_id = at.job(job)
    with at.audit() as audit:
        status = resuming.cancel(at.systems, audit, job_id)
    words = {
        "cancelled": "The job is cancelled.",
        "finished": "The job had already finished; nothing was cancelled.",
    }
    text = words.get(status.value, f"The job is {status.value}; it ends at its next checkpoint.")
    at.screen.show(headline("■", text, "yellow"))
    at.screen.answer({"job": job_id, "status": status.value, "books": _books(at.systems, job_id)})
    return Exit.OK


@app.command(epilog=taught("jobs retry"))
def retry(
    job: options.Job,
    item: Item = None,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Go on with the job at once.")] = True,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Put records that were set aside back in line, and go on with the job."""
    from sheets_catalog.cli.text import count
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.errors import InputError
    from sheets_catalog.flows import job_files

    at = here(connection, json=json)
    job_id = at.job(job)
    number = job_files.retry(at.systems, job_id, item or None)
    if run and number:
        at.screen.say(f"{count(number, 'record')} back in line.")
        return run_job(at, job_id, Apply(confirmed=True))
    if item and not number:
        numbers = ", ".join(str(each) for each in item)
        advice = f"`{at.hint(f'jobs show {job}')}` has the numbers."
        raise InputError(f"No record {numbers} of this job was set aside.", advice=advice)
    if not number:
        at.screen.say("No record of this job was set aside while sending.")
        at.screen.say("Rows that were left out when planning: mend their cells, then export again.")
    at.screen.show(headline("↻", f"{count(number, 'record')} back in line", "cyan"))
    at.screen.answer({"job": job_id, "retried": number, "books": _books(at.systems, job_id)})
    return Exit.OK


@app.command(epilog=taught("jobs clean"))
def clean(
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            min=0,
            max=options.MOST_DAYS,
            metavar="DAYS",
            help="Only jobs without a change for so many days.",
        ),
    ] = 30,
    dry_run: DryRun = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Move old jobs to Drive's trash: ended ones, and plans that nobody applied. Running and paused ones stay."""
    from sheets_catalog.books import Books
    from sheets_catalog.cli.text import count
    from sheets_catalog.cli.views import jobs as views
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.flows import job_files

    at = here(connection, json=json)
    found = job_files.clean(at.systems, older_than, dry_run=dry_run, also=at.newest_jobs)
    verb = "would be moved to the trash; nothing was moved (--dry-run)" if dry_run else "moved to the trash"
    at.screen.show(headline("■", f"{count(len(found), 'job')} {verb}", "cyan"))
    if found:
        at.screen.show(*views.listed(found, at.screen.out.width, advice=False))
    at.screen.answer({"cleaned": found, "dry_run": dry_run, "books": sum((job.books for job in found), Books())})
    return Exit.OK


def _books(systems: Systems, job_id: str) -> Books:
    from sheets_catalog.flows import job_files

    return job_files.show(systems, job_id).summary.books
