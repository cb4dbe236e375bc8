"""`deliver`, `batches list|show|verify`, `export-status` and `clean`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheets_catalog.cli import options
from sheets_catalog.cli.commands.staging import DryRun, Yes, actor, agree, preview_json
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import Here, here
from sheets_catalog.cli.leaves import taught
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from sheets_catalog.flows.delivery import Preview

app = typer.Typer(
    help="List, look at and verify export batches.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=examples(
        ("sheets-catalog batches list", "all exports, newest first"),
        ("sheets-catalog batches show K7Q2MD", "every task of it, with reasons and links"),
        ("sheets-catalog batches verify K7Q2MD", "read every copy back by its id"),
    ),
)

DELIVER_HELP = examples(
    ("sheets-catalog deliver K7Q2MD --to LINK --dry-run", "what would go to the client"),
    ("sheets-catalog deliver K7Q2MD --to LINK", "show, ask, copy, and prove every file"),
)
STATUS_HELP = examples(("sheets-catalog export-status", "how many tasks are where, and what needs attention"))
CLEAN_HELP = examples(
    ("sheets-catalog clean --older-than 14 --dry-run", "only show what would be done"),
    ("sheets-catalog clean --delivered", "also trash staging folders of batches that were delivered as a whole"),
)

BatchId = Annotated[
    str, typer.Argument(metavar="BATCH", help="The batch's id, as `batches list` shows it.", show_default=False)
]


def deliver(
    batch: BatchId,
    to: Annotated[str, options.value("--to", metavar="FOLDER", help="Link or id of the client's folder.")],
    again: Annotated[
        bool,
        options.flag("--again", help="Also tasks whose folder is at the client already; there will be two of each."),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Copy the staged tasks of an export into the client's folder, and prove every file there."""
    from sheets_catalog.cli.commands.exporting import Apply, run_job
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows import delivery

    at = here(connection, json=json)
    made = _plan(at, delivery.DeliveryOptions(batch, to, actor(at), again))
    limit = None if show_all else exports.LIMIT
    at.screen.show(
        *exports.preview(made.plan, "Deliver", f"“{made.client_name}”", limit), *exports.not_ready(made.left)
    )
    if dry_run:
        at.screen.answer(preview_json(made.plan) | {"batch": batch, "left": made.left, "dry_run": True})
        return Exit.OK
    agree(at, f"Deliver this to “{made.client_name}”?", yes=yes)
    status = run_job(at, at.stored(delivery.store(at.systems, made)), Apply())
    if status in {Exit.OK, Exit.ATTENTION}:
        at.screen.hint("Prove it again any time:", at.hint(f"verify {made.batch.id}"))
    return status


def _plan(at: Here, wanted: Any) -> Preview:
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.flows.delivery import plan_delivery

    words = {"sheet": "Reading the sheet", "files": "Proving the staged files"}
    with telling(at.screen) as show:
        at.systems.calls.on_wait = tell_waits(show)
        return plan_delivery(at.systems, wanted, lambda name, done, all_: show.phase(words.get(name, name), done, all_))


@app.command("list", epilog=taught("batches list"))
def list_(connection: options.Connection = "", json: options.Json = False) -> int:
    """All exports, newest first, with the statuses of their tasks."""
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows.tasks.batches import list_batches

    at = here(connection, json=json)
    found = list_batches(at.systems)
    at.screen.show(*exports.batches(found))
    at.screen.answer({"batches": [{"status": each.status, "tasks": each.tasks, "summary": each} for each in found]})
    return Exit.OK


@app.command(epilog=taught("batches show"))
def show(
    batch: BatchId,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """One export: every task, what became of it and why, with links."""
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows.tasks.batches import show_batch

    at = here(connection, json=json)
    found = show_batch(at.systems, batch)
    at.screen.show(*exports.batch(found, None if show_all else exports.LIMIT))
    at.screen.answer({"batch": found, "status": found.summary.status})
    return Exit.OK


@app.command(epilog=taught("batches verify"))
def verify(batch: BatchId, connection: options.Connection = "", json: options.Json = False) -> int:
    """Read every copy of an export back by its id: place, name, size and checksum."""
    return verify_batch(here(connection, json=json), batch)


def verify_batch(at: Here, batch: str) -> int:
    """`verify BATCH`."""
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows.tasks import batches

    with telling(at.screen) as shown:
        at.systems.calls.on_wait = tell_waits(shown)
        shown.phase("Reading every copy back", 0, 0)
        found = batches.verify_batch(at.systems, batch)
    at.screen.show(*exports.verified(found))
    status = Exit.OK if found.holds else Exit.DIFFERS
    at.screen.answer({"holds": found.holds, "verification": found}, status)
    return status


def export_status(connection: options.Connection = "", json: options.Json = False) -> int:
    """Where all tasks are: counts, exports in progress, failed tasks, storage used by staging."""
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows.tasks.batches import export_report

    at = here(connection, json=json)
    found = export_report(at.systems)
    at.screen.show(*exports.report(found))
    at.screen.answer({"report": found})
    return Exit.OK


def clean(
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            min=0,
            max=options.MOST_DAYS,
            metavar="DAYS",
            help="Only batches made more than so many days ago.",
        ),
    ] = 30,
    delivered: Annotated[
        bool, options.flag("--delivered", help="Also trash staging folders of batches that were delivered as a whole.")
    ] = False,
    dry_run: Annotated[
        bool, options.flag("--dry-run", help="Only show what would be done; change nothing.", panel=options.SAFETY)
    ] = False,
    yes: Annotated[
        bool, options.flag("--yes", "-y", help="Do not ask before it is done.", panel=options.SAFETY)
    ] = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Clean up after old export batches: failed tasks back in line, staging folders that nobody needs into the trash.

    A folder goes only if nothing in it is staged or delivered (or, with --delivered, all of it was delivered).
    Nothing is deleted for good, and the client's folders are never touched. Shows what it will do, and asks.
    """
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows.tasks import keeping

    at = here(connection, json=json)
    found, left = keeping.plan_cleaning(at.systems, older_than, delivered=delivered), []
    if found and not dry_run:
        at.screen.show(*exports.cleanings(found, done=False))
        agree(at, "Do this?", yes=yes)
        with at.audit() as audit:
            left = keeping.clean(at.systems, audit, found, actor(at))
    cleaned = [each for each in found if each.batch_id not in {other.batch_id for other in left}]
    if cleaned or not left:
        at.screen.show(*exports.cleanings(cleaned, done=not dry_run, dry=dry_run))
    at.screen.show(*exports.left_alone(left))
    status = Exit.ATTENTION if left else Exit.OK
    at.screen.answer({"cleaned": cleaned, "left": left, "dry_run": dry_run}, status)
    return status
