"""`tasks configure|migrate|select|status|set` and `stage`."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sheets_catalog.cli import options
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import Here, here
from sheets_catalog.cli.leaves import taught
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.flows.staging import Filters, Preview

app = typer.Typer(
    help="Settings, choice and statuses of tasks that are exported in two phases.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=examples(
        ("sheets-catalog tasks configure --staging-folder LINK", "choose where exports are staged"),
        ("sheets-catalog tasks migrate", "add the columns that exporting needs"),
        ("sheets-catalog tasks select --agent mia@example.com", "what would be staged, and what not, and why"),
        ("sheets-catalog tasks set T-017 --to '' --reason 'new model uploaded'", "put a task back in line"),
    ),
)

STAGE_HELP = examples(
    ("sheets-catalog stage", "choose, show, ask, copy into the staging folder"),
    ("sheets-catalog stage --batch 'Autumn A' --score-min 80 --dry-run", "only show"),
    ("sheets-catalog stage --retry K7Q2MD", "the failed tasks of an export once more, into the same folder"),
)

FILTERS = "Which tasks"
OVERRIDES = "Overrides (each with a warning)"

Batches = Annotated[
    list[str] | None,
    options.value(
        "--batch", metavar="NAME", help="Only tasks whose column “Batch” says this; repeatable.", panel=FILTERS
    ),
]
Agents = Annotated[
    list[str] | None,
    options.value("--agent", metavar="NAME", help="Only tasks of this agent; repeatable.", panel=FILTERS),
]
Reviewers = Annotated[
    list[str] | None,
    options.value("--reviewer", metavar="NAME", help="Only tasks reviewed by this person; repeatable.", panel=FILTERS),
]
Reviews = Annotated[
    list[str] | None,
    options.value("--review-status", metavar="WORD", help="passed, failed or pending; repeatable.", panel=FILTERS),
]
Since = Annotated[str, options.value("--since", metavar="DAY", help="Completed on this day or later.", panel=FILTERS)]
Until = Annotated[str, options.value("--until", metavar="DAY", help="Completed on this day or before.", panel=FILTERS)]
ScoreMin = Annotated[
    float | None, options.value("--score-min", metavar="SCORE", help="Least review score.", panel=FILTERS)
]
ScoreMax = Annotated[
    float | None, options.value("--score-max", metavar="SCORE", help="Highest review score.", panel=FILTERS)
]
TaskIds = Annotated[
    list[str] | None, options.value("--task", metavar="ID", help="Only this task; repeatable.", panel=FILTERS)
]
Unreviewed = Annotated[bool, options.flag("--include-unreviewed", help="Also tasks without a review.", panel=OVERRIDES)]
Failed = Annotated[bool, options.flag("--include-failed", help="Also tasks whose review failed.", panel=OVERRIDES)]
Exported = Annotated[
    bool, options.flag("--include-exported", help="Also tasks that were delivered already.", panel=OVERRIDES)
]
Retry = Annotated[
    str | None,
    options.value(
        "--retry",
        metavar="BATCH",
        help="Only tasks of this export batch that failed, whatever their review says.",
        panel=FILTERS,
    ),
]
DryRun = Annotated[
    bool, options.flag("--dry-run", help="Plan and show, and store or copy nothing.", panel=options.SAFETY)
]
Yes = Annotated[bool, options.flag("--yes", "-y", help="Do not ask before copying.", panel=options.SAFETY)]


@app.command(epilog=taught("tasks configure"))
def configure(
    staging_folder: Annotated[
        str, options.value("--staging-folder", metavar="LINK", help="The folder in which exports are staged.")
    ] = "",
    tab: Annotated[str, options.value("--tab", metavar="TITLE", help="The tab with the tasks.")] = "",
    least_files: Annotated[
        int | None, options.value("--least-files", metavar="NUMBER", help="Files a task must have.")
    ] = None,
    require: Annotated[
        list[str] | None, options.value("--require", metavar=".END", help="An ending a task must have; repeatable.")
    ] = None,
    shortcuts: Annotated[
        Literal["resolve", "refuse"] | None,
        typer.Option(help="Copy what shortcuts point to, or refuse them.", show_default=False),
    ] = None,
    native: Annotated[
        Literal["copy", "refuse"] | None,
        typer.Option(help="Copy files in Google's own formats, or refuse them.", show_default=False),
    ] = None,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Save how tasks of this sheet are exported; what is not given stays. Shows the settings, and what is missing."""
    from sheets_catalog.cli.views.parts import facts, headline
    from sheets_catalog.flows.tasks import keeping, register

    at = here(connection, json=json)
    found = register.load(at.systems).settings
    changes = {"least_files": least_files, "required": tuple(require or ()), "shortcuts": shortcuts, "native": native}
    rules = _rules(found.rules, {name: value for name, value in changes.items() if value not in {None, ()}})
    if staging_folder or tab or rules != found.rules:
        found = keeping.configure(at.systems, staging_folder=staging_folder, tab=tab, rules=rules)
    if found.staging_folder:
        at.screen.show(headline("✓", f"Exports are staged in “{found.staging_name}”", "green"))
    else:
        at.screen.show(headline("!", "Not ready: no staging folder has been chosen.", "yellow"))
        at.screen.hint("Choose one with", at.hint("tasks configure --staging-folder LINK"))
    told = {
        "Tab": found.tab,
        "A task needs": f"{', '.join(found.rules.required)} and {found.rules.least_files} files in all",
        "Shortcuts": found.rules.shortcuts,
        "Google's formats": found.rules.native,
    }
    at.screen.show(facts(told))
    at.screen.answer({"settings": found})
    return Exit.OK


def _rules(before: Any, changes: dict[str, Any]) -> Any:
    import msgspec

    from sheets_catalog.errors import InputError

    try:
        return msgspec.convert({**msgspec.to_builtins(before), **changes}, type(before))
    except msgspec.ValidationError as error:
        raise InputError(f"These rules cannot be used: {error}.", advice="See `tasks configure --help`.") from error


@app.command(epilog=taught("tasks migrate"))
def migrate(connection: options.Connection = "", json: options.Json = False) -> int:
    """Add the columns that exporting needs, and call tasks with an export time delivered. Repeatable."""
    from sheets_catalog.cli.text import count
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.flows.tasks import keeping

    at = here(connection, json=json)
    with at.audit() as audit:
        done = keeping.migrate(at.systems, audit, actor(at))
    text = f"{count(len(done.columns), 'column')} added, {count(len(done.delivered), 'task')} called delivered"
    at.screen.show(headline("✓", "Nothing to do" if done.empty else text, "green"))
    at.screen.answer({"migration": done})
    return Exit.OK


@app.command("select", epilog=taught("tasks select"))
def select_(
    task: TaskIds = None,
    batch: Batches = None,
    agent: Agents = None,
    since: Since = "",
    until: Until = "",
    review_status: Reviews = None,
    score_min: ScoreMin = None,
    score_max: ScoreMax = None,
    reviewer: Reviewers = None,
    include_unreviewed: Unreviewed = False,
    include_failed: Failed = False,
    include_exported: Exported = False,
    retry: Retry = None,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Show which tasks would be staged and which not, and why. Reads the sheet only."""
    from sheets_catalog.cli.text import count
    from sheets_catalog.cli.views import exports
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.flows.tasks import register
    from sheets_catalog.flows.tasks.selecting import choices, label_of, select
    from sheets_catalog.flows.tasks.sheet import open_tasks

    at = here(connection, json=json)
    given = Given(task, batch, agent, since, until, review_status, score_min, score_max, reviewer)
    wanted = given.filters(include_unreviewed, include_failed, include_exported, retry)
    known = register.load(at.systems)
    if retry is not None:
        known.batch(retry)
    title = known.settings.tab
    rows = list(open_tasks(at.systems, title).rows())
    found = select(rows, wanted, title)
    limit = None if show_all else exports.LIMIT
    fit = f"{count(len(found.chosen), 'task')} of {len(rows)} {'fits' if len(found.chosen) == 1 else 'fit'}"
    at.screen.show(headline("→", fit, "cyan"))
    at.screen.show(*exports.left_out(found.left, limit), *exports.findings(found.findings, limit))
    at.screen.show(*exports.choices(choices(rows)))
    chosen = [{"task": row.key, "label": label_of(row), "row": row.number} for row in found.chosen]
    at.screen.answer(
        {
            "chosen": chosen,
            "left": found.left,
            "reasons": found.reasons(),
            "findings": found.findings,
            "choices": choices(rows),
        }
    )
    return Exit.OK


@app.command(epilog=taught("tasks status"))
def status(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="The task's id.", show_default=False)],
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """One task: its status now, and every change of it that was ever logged."""
    from sheets_catalog.cli.views.parts import facts, headline, table
    from sheets_catalog.errors import InputError
    from sheets_catalog.flows.near import nearest
    from sheets_catalog.flows.tasks import keeping, register
    from sheets_catalog.flows.tasks.selecting import label_of
    from sheets_catalog.flows.tasks.sheet import open_tasks

    at = here(connection, json=json)
    rows = list(open_tasks(at.systems, register.load(at.systems).settings.tab).rows())
    row = next((row for row in rows if row.key == task_id), None)
    if row is None:
        near = nearest(task_id, [row.key for row in rows if row.key])
        advice = f"Did you mean {' or '.join(near)}?" if near else "Check the id in the column “Task ID”."
        raise InputError(f"There is no task “{task_id}”.", advice=advice)
    with at.audit() as audit:
        history = keeping.history(at.systems, audit, task_id)
    names = ("export_status", "export_batch_id", "staged_count", "export_time")
    now = {name: row.values.get(name) or "" for name in names}
    at.screen.show(headline("■", f"{task_id} ({label_of(row)}): {now['export_status'] or 'not exported'}", "cyan"))
    at.screen.show(facts({"Row": str(row.number), "Batch": now["export_batch_id"], "Files": now["staged_count"]}))
    shown = table("", "When", "From", "To", "Why")
    for each in history:
        move = next((change for change in each.changes if change.field == "export_status"), None)
        when = each.at.isoformat(" ", "seconds") if each.at else ""
        shown.add_row(when, (move and move.before) or "", (move and move.after) or "", each.reason)
    if history:
        at.screen.show(shown)
    at.screen.answer({"task": task_id, "row": row.number, **now, "history": history})
    return Exit.OK


@app.command("set", epilog=taught("tasks set"))
def set_(
    task_ids: Annotated[list[str], typer.Argument(metavar="TASK...", help="Ids of tasks.", show_default=False)],
    to: Annotated[str, options.value("--to", metavar="STATUS", help="The status; '' puts them back in line.")],
    reason: Annotated[str, options.value("--reason", metavar="TEXT", help="Why; it is logged.")],
    yes: Annotated[
        bool, options.flag("--yes", "-y", help="Do not ask before tasks leave their batch.", panel=options.SAFETY)
    ] = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Set statuses by hand, with a reason. Only moves that no proof contradicts are allowed.

    A task that is put back in line leaves its batch; its copies stay where they are.
    """
    from sheets_catalog.cli.text import count
    from sheets_catalog.cli.views import exports
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.flows.tasks import keeping
    from sheets_catalog.flows.tasks.leaving import plan_leaving

    at = here(connection, json=json)
    out = [] if to else plan_leaving(at.systems, task_ids)
    if out:
        at.screen.show(*exports.leaving(out))
        agree(at, f"Take {count(len(out), 'task')} out of {'its' if len(out) == 1 else 'their'} batch?", yes=yes)
    with at.audit() as audit:
        done = keeping.set_status(at.systems, audit, task_ids, to, reason, actor(at))
    number = len(done.moves) - len(done.refused)
    at.screen.show(headline("✓", f"{count(number, 'task')} {f'set to “{to}”' if to else 'back in line'}", "green"))
    for task_id, why in done.refused:
        at.screen.say(f"{task_id}: {why}", "yellow")
    status = Exit.ATTENTION if done.refused else Exit.OK
    at.screen.answer({"change": done, "left": out}, status)
    return status


def stage(
    task: TaskIds = None,
    batch: Batches = None,
    agent: Agents = None,
    since: Since = "",
    until: Until = "",
    review_status: Reviews = None,
    score_min: ScoreMin = None,
    score_max: ScoreMax = None,
    reviewer: Reviewers = None,
    include_unreviewed: Unreviewed = False,
    include_failed: Failed = False,
    include_exported: Exported = False,
    retry: Retry = None,
    batch_id: Annotated[
        str, options.value("--batch-id", metavar="ID", help="A name for the export batch. Left out: one is made up.")
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Choose finished tasks, check their files, and copy them into the staging folder for review."""
    from sheets_catalog.cli.commands.exporting import Apply, run_job
    from sheets_catalog.cli.views import exports
    from sheets_catalog.flows import staging
    from sheets_catalog.flows.tasks import register

    at = here(connection, json=json)
    given = Given(task, batch, agent, since, until, review_status, score_min, score_max, reviewer)
    wanted = given.filters(include_unreviewed, include_failed, include_exported, retry)
    if retry == "":  # such as a variable that is not set: everything that fits would be staged
        register.load(at.systems).batch(retry)
    made = _plan(at, staging.StagingOptions(wanted, batch_id, actor(at)))
    limit = None if show_all else exports.LIMIT
    at.screen.show(*exports.preview(made.plan, "Stage", f"“{made.plan.shop}/{made.batch.folder_name}”", limit))
    if dry_run:
        at.screen.show(*exports.left_out(made.left, limit))
        at.screen.answer(preview_json(made.plan) | {"batch": made.batch.id, "left": made.left, "dry_run": True})
        return Exit.OK
    agree(at, f"Stage this as batch {made.batch.id}?", yes=yes)
    unfit = frozenset(item for item, change in enumerate(made.plan.changes) if "invalid" in change.context)
    status = run_job(at, at.stored(staging.store(at.systems, made)), Apply(told=unfit))
    if status in {Exit.OK, Exit.ATTENTION}:
        at.screen.hint("Look at what was staged, then deliver it:", at.hint(f"batches show {made.batch.id}"))
    return status


def _plan(at: Here, wanted: Any) -> Preview:
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.flows.staging import plan_staging

    words = {"sheet": "Reading the sheet", "files": "Looking at the files"}
    with telling(at.screen) as show:
        at.systems.calls.on_wait = tell_waits(show)
        return plan_staging(at.systems, wanted, lambda name, done, all_: show.phase(words.get(name, name), done, all_))


def actor(at: Here) -> str:
    """Who acts, for the log."""
    import getpass

    return at.connection.actor or getpass.getuser()


def agree(at: Here, question: str, *, yes: bool) -> None:
    """A person says yes, or `ConfirmationNeeded` is raised."""
    from sheets_catalog.errors import ConfirmationNeeded

    if yes:
        return
    if not at.screen.interactive:
        raise ConfirmationNeeded("Nobody is there to say yes.", advice="Give --yes to go on without being asked.")
    if not typer.confirm(question, default=False, err=True):
        raise ConfirmationNeeded("You said no; nothing was done.")


def preview_json(plan: Plan) -> dict[str, Any]:
    """A plan of either phase for programs."""
    good = [change for change in plan.changes if "invalid" not in change.context]
    return {
        "flow": plan.flow,
        "target": plan.shop,
        "books": plan.books,
        "tasks": [
            {
                "task": change.key,
                "folder": change.label,
                "row": change.row,
                "files": len(change.files),
                "bytes": sum(file.size or 0 for file in change.files),
            }
            for change in good
        ],
        "files": sum(len(change.files) for change in good),
        "bytes": sum(file.size or 0 for change in good for file in change.files),
        "invalid": len(plan.changes) - len(good),
        "findings": plan.findings,
        "estimate": plan.estimate,
    }


@dataclass(frozen=True, slots=True)
class Given:
    """Filters as typed."""

    task: list[str] | None
    batch: list[str] | None
    agent: list[str] | None
    since: str
    until: str
    review_status: list[str] | None
    score_min: float | None
    score_max: float | None
    reviewer: list[str] | None

    def filters(self, unreviewed: bool, failed: bool, exported: bool, retry: str | None) -> Filters:
        """As the flow takes them. Raises `InputError`."""
        from sheets_catalog.flows.staging import Filters

        return Filters(
            task_ids=tuple(self.task or ()),
            batches=tuple(self.batch or ()),
            agents=tuple(self.agent or ()),
            since=_day(self.since, "--since"),
            until=_day(self.until, "--until"),
            review_statuses=tuple(self.review_status or ()),
            score_min=self.score_min,
            score_max=self.score_max,
            reviewers=tuple(self.reviewer or ()),
            include_unreviewed=unreviewed,
            include_failed=failed,
            include_exported=exported,
            retry=retry or "",
        )


def _day(text: str, option: str) -> date | None:
    from sheets_catalog.errors import InputError

    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InputError(
            f"{option}: found “{text}”, expected a day as YYYY-MM-DD.",
            advice=f"Write year, month and day, such as {_meant(text)}.",
        ) from error


def _meant(text: str) -> str:
    """The day that was meant where it is written the German way, else any."""
    parts = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text.strip())
    with suppress(ValueError):
        if parts:
            return date(int(parts[3]), int(parts[2]), int(parts[1])).isoformat()
    return "2026-10-01"
