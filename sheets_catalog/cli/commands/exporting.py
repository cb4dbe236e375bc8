"""`plan`, `apply` and `export`."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheets_catalog.cli import options, statuses
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import Here, here
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.cli.progress import Telling
    from sheets_catalog.flows.exporting import ExportOptions, JobResult

Archive = Annotated[
    bool, options.flag("--archive", help="Archive products whose rows are gone from the sheet.", panel=options.SCOPE)
]
Delete = Annotated[
    bool, options.flag("--delete", help="Delete products and variants whose rows are gone.", panel=options.SCOPE)
]
SkipHidden = Annotated[
    bool, options.flag("--skip-hidden", help="Leave out rows hidden by hand or by a filter.", panel=options.SCOPE)
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=250,
        metavar="N",
        help="Most records sent between two checkpoints (a product's records stay together); fewer when it gets slow.",
        show_default=False,
    ),
]
Force = Annotated[
    bool,
    options.flag(
        "--force", help="Take over from a run that seems alive (only when you know it is not).", panel=options.SAFETY
    ),
]
DryRun = Annotated[bool, options.flag("--dry-run", help="Plan and show; store and send nothing.", panel=options.SAFETY)]
Yes = Annotated[bool, options.flag("--yes", "-y", help="Do not ask before sending.", panel=options.SAFETY)]

ChangeShare = Annotated[
    float | None,
    typer.Option(
        "--change-share",
        min=0,
        max=1,
        metavar="SHARE",
        help="Ask before more than this share of a tab's records is changed. Left out: 0.5, half of them.",
        show_default=False,
        rich_help_panel=options.SAFETY,
    ),
]
DeleteShare = Annotated[
    float | None,
    typer.Option(
        "--delete-share",
        min=0,
        max=1,
        metavar="SHARE",
        help="Ask before more than this share of a tab's records is deleted or archived. Left out: 0.05.",
        show_default=False,
        rich_help_panel=options.SAFETY,
    ),
]


@dataclass(frozen=True, slots=True)
class Shares:
    """Above which shares of a tab's records a person is asked; None: the library's own."""

    change: float | None = None
    delete: float | None = None

    def given(self) -> dict[str, Any]:
        """What was given, by the names of `ExportOptions`."""
        both = {"change_share": self.change, "delete_share": self.delete}
        return {name: share for name, share in both.items() if share is not None}


PLAN_HELP = examples(
    ("sheets-catalog plan", "everything that differs, stored as a job to apply later"),
    ("sheets-catalog plan --inventory --policy shop", "stock only; where both sides changed, the shop wins"),
    ("sheets-catalog plan --json | jq '.changes[].label'", "for programs"),
)
APPLY_HELP = examples(
    ("sheets-catalog apply 1AbC…", "send what the preview of this job showed"),
    ("sheets-catalog apply last", "the newest job of this sheet"),
)
EXPORT_HELP = examples(
    ("sheets-catalog export", "plan, show, ask, apply"),
    ("sheets-catalog export --dry-run", "only plan and show; nothing is stored or sent"),
    ("sheets-catalog export --yes --json", "for schedulers; a mass change still needs --confirm-mass-change"),
)


def plan(
    products: options.Products = False,
    variants: options.Variants = False,
    inventory: options.Inventory = False,
    policy: options.Policy = options.PolicyName.ASK,
    archive: Archive = False,
    delete: Delete = False,
    skip_hidden: SkipHidden = False,
    change_share: ChangeShare = None,
    delete_share: DeleteShare = None,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Show what an export would send. Nothing is sent; a plan with changes is stored as a job."""
    from sheets_catalog.flows.exporting import all_listed, guard, store

    at = here(connection, json=json)
    tables = options.tables(products=products, variants=variants, inventory=inventory)
    wanted = _options(tables, policy, archive=archive, delete=delete, skip_hidden=skip_hidden)
    wanted = replace(wanted, **Shares(change_share, delete_share).given())
    made = make_plan(at, wanted)
    job_id = at.stored(store(at.systems, made)) if made.to_do else None
    question = guard(made, wanted)
    preview(at, made, question, show_all=show_all)
    at.screen.answer(plan_json(made, job_id, question))
    if job_id:
        yes = " --confirm-mass-change" if question else ""
        at.screen.hint("Send exactly this with", at.hint(f"apply {job_id}{yes}"))
    elif made.conflicts and not all_listed(made):
        at.screen.hint("List the conflicts in the sheet with", at.hint(" ".join(["export", *_flags(tables)])))
    return Exit.OK


def apply(
    job: options.Job,
    batch_size: BatchSize = None,
    confirm_mass_change: options.ConfirmMassChange = False,
    change_share: ChangeShare = None,
    delete_share: DeleteShare = None,
    force: Force = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Send what a stored plan says, or go on with a job that was interrupted."""
    from sheets_catalog.errors import ConfirmationNeeded

    at = here(connection, json=json)
    shares = Shares(change_share, delete_share)
    job_id, how = at.job(job), Apply(batch_size, confirmed=confirm_mass_change, force=force, shares=shares)
    try:
        return run_job(at, job_id, how)
    except ConfirmationNeeded as question:
        if not (at.screen.interactive and typer.confirm(question.message, default=False, err=True)):
            raise
    return run_job(at, job_id, replace(how, confirmed=True))


def export(
    products: options.Products = False,
    variants: options.Variants = False,
    inventory: options.Inventory = False,
    policy: options.Policy = options.PolicyName.ASK,
    archive: Archive = False,
    delete: Delete = False,
    skip_hidden: SkipHidden = False,
    batch_size: BatchSize = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm_mass_change: options.ConfirmMassChange = False,
    change_share: ChangeShare = None,
    delete_share: DeleteShare = None,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Plan, show the plan, ask, and send it."""
    from sheets_catalog.flows.exporting import all_listed, guard, store

    at = here(connection, json=json)
    tables = options.tables(products=products, variants=variants, inventory=inventory)
    wanted = _options(tables, policy, archive=archive, delete=delete, skip_hidden=skip_hidden)
    wanted = replace(wanted, batch_size=batch_size, **Shares(change_share, delete_share).given())
    made = make_plan(at, wanted)
    question = guard(made, wanted)
    preview(at, made, question, show_all=show_all)
    if dry_run or made.empty or all_listed(made):
        status = Exit.OK if dry_run else statuses.of_books(made.books)
        at.screen.answer(plan_json(made, None, question) | {"dry_run": dry_run}, status)
        return status
    agree(at, made, question, yes=yes, confirmed=confirm_mass_change)
    return run_job(at, at.stored(store(at.systems, made)), Apply(batch_size, confirmed=True))


def _flags(tables: tuple[str, ...]) -> list[str]:
    """The options that choose these tables; none for all of them."""
    every = options.tables(products=False, variants=False, inventory=False)
    return [] if tables == every else [f"--{each}" for each in tables]


def _options(
    tables: tuple[str, ...], policy: options.PolicyName, *, archive: bool, delete: bool, skip_hidden: bool
) -> ExportOptions:
    from sheets_catalog.errors import InputError
    from sheets_catalog.flows.exporting import ExportOptions

    if archive and delete:
        raise InputError("--archive and --delete were both given.", advice="Choose one of them.")
    return ExportOptions(
        tables=tables,
        policy=policy.value,
        deletes="delete" if delete else "archive" if archive else "ignore",
        include_hidden=not skip_hidden,
    )


PHASES = {"sheet": "Opening the sheet", "compare": "Reading the sheet", "shop": "Asking the shop"}
"""What the phases of planning are called; the tab follows where one is named."""


def make_plan(at: Here, wanted: ExportOptions) -> Plan:
    """Plan with progress shown."""
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.flows.exporting import plan_export

    with telling(at.screen) as show:
        at.systems.calls.on_wait = tell_waits(show)
        return plan_export(at.systems, wanted, named(show))


def named(show: Telling) -> Callable[[str, int, int], None]:
    """Tells the phases of planning by what people call them."""
    from sheets_catalog.records import TABLES

    def tell(phase: str, done: int, total: int) -> None:
        kind, _, table = phase.partition(" ")
        where = f": {TABLES[table].title}" if table in TABLES else ""
        show.phase(PHASES.get(kind, kind) + where, done, total)

    return tell


def preview(at: Here, made: Plan, question: str | None, *, show_all: bool) -> None:
    """Show a plan, and what it asks before it may be sent."""
    from rich.text import Text

    from sheets_catalog.cli.views import plans

    at.screen.show(*plans.rendered(made, at.screen.out.width, None if show_all else plans.LIMIT))
    if question:
        at.screen.show(Text(f"Mass change: {question}", style="bold yellow"))


def agree(at: Here, made: Plan, question: str | None, *, yes: bool, confirmed: bool) -> None:
    """A person says yes, or `ConfirmationNeeded` is raised. A mass change is never agreed to by ``--yes`` alone."""
    from sheets_catalog.errors import ConfirmationNeeded

    if question and not confirmed:
        if not (at.screen.interactive and typer.confirm(question, default=False, err=True)):
            raise ConfirmationNeeded(question, advice="Look at the plan, then say yes with --confirm-mass-change.")
        return
    if yes or confirmed:
        return
    if not at.screen.interactive:
        raise ConfirmationNeeded("Nobody is there to say yes.", advice="Give --yes to send without being asked.")
    asked = f"Send this to {made.shop}?" if made.to_do else f"List the conflicts in “{made.spreadsheet_title}”?"
    if any(each.rule == "undo_of_undo" for each in made.findings):
        asked = f"This undoes an undo, so the earlier export's values come back. {asked}"
    if not typer.confirm(asked, default=False, err=True):
        raise ConfirmationNeeded("You said no; nothing was sent.")


@dataclass(frozen=True, slots=True)
class Apply:
    """How to apply. `told`: changes whose reasons for not going through were shown already."""

    batch_size: int | None = None
    confirmed: bool = False
    force: bool = False
    told: frozenset[int] = frozenset()
    shares: Shares = Shares()


def run_job(at: Here, job_id: str, how: Apply) -> int:
    """Apply or resume a job with progress shown, stopping at a checkpoint on Ctrl-C; then tell how it ended."""
    from sheets_catalog.cli.progress import RunWatcher, tell_waits, telling
    from sheets_catalog.cli.stopping import Stopping
    from sheets_catalog.flows.exporting import ExportOptions
    from sheets_catalog.flows.resuming import apply_any
    from sheets_catalog.jobs.runner import Limits

    with about(at, job_id), at.audit() as audit, telling(at.screen) as show, Stopping(show.remark) as stop:
        at.systems.calls.on_wait = tell_waits(show)
        result = apply_any(
            at.systems,
            audit,
            job_id,
            watcher=RunWatcher(show, told=how.told),
            limits=Limits(stopping=stop.wanted),
            options=ExportOptions(batch_size=how.batch_size, **how.shares.given()),
            confirmed=how.confirmed,
            force=how.force,
        )
    at.ran(result.job_id)
    return tell_result(at, result, how.told)


@contextmanager
def about(at: Here, job_id: str) -> Iterator[None]:
    """An error raised in it is about this job, and says so: its advice names the job, and people see that it paused.

    With ``--json`` the error carries the job's books, where they can be read.
    """
    from sheets_catalog.cli.failures import BOOKS, JOB
    from sheets_catalog.cli.views.parts import headline
    from sheets_catalog.errors import SheetsCatalogError, Throttled, Unavailable, UpstreamError
    from sheets_catalog.flows import job_files

    try:
        yield
    except SheetsCatalogError as error:
        setattr(error, JOB, job_id)
        if isinstance(error, Throttled | Unavailable):
            at.screen.show(headline("‖", f"Paused – job {job_id} keeps its place", "yellow"))
        if at.screen.json and not isinstance(error, UpstreamError):  # who just failed is not asked once more
            with suppress(SheetsCatalogError):
                setattr(error, BOOKS, job_files.show(at.systems, job_id).summary.books)
        raise


def tell_result(at: Here, result: JobResult, told: frozenset[int] = frozenset()) -> int:
    """How a job ended, for people or programs; the exit status."""
    from sheets_catalog.cli.views import runs

    status = statuses.of_job(result.status, result.books)
    at.screen.show(*runs.job_result(result.plan, result.state, result.books, result.figures, told))
    if result.books.done and runs.asked_nobody(result.plan, result.figures):
        at.screen.say("Nothing was sent this time: it had been done before.")
    if status is Exit.PAUSED:
        at.screen.hint("Go on with", at.hint(f"jobs resume {result.job_id}"))
    elif status is Exit.ATTENTION:
        if runs.overtaken(result.state):
            at.screen.hint("Compare anew and send what still differs:", at.hint("export"))
        at.screen.hint("Everything that happened, record by record:", at.hint(f"report {result.job_id}"))
    at.screen.answer(result_json(result, status))
    return status


def plan_json(made: Plan, job_id: str | None, question: str | None) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "job": job_id,
        "flow": made.flow,
        "status": "planned",
        "empty": made.empty,
        "books": made.books,
        "spreadsheet": {"id": made.spreadsheet_id, "title": made.spreadsheet_title},
        "shop": made.shop,
        "tables": made.tables,
        "policy": made.policy,
        "counts": made.counts(),
        "changes": made.changes,
        "conflicts": made.conflicts,
        "findings": made.findings,
        "resolved": made.resolved,
        "undo_of": made.undone or None,
        "estimate": made.estimate,
        "mass_change": question,
    }


def result_json(result: JobResult, status: Exit) -> dict[str, Any]:
    """The end of a run for programs: what was set aside, and what the plan had left out or in conflict."""
    from sheets_catalog.jobs.state import Result

    state = result.state
    attention = [*state.items(Result.REJECTED), *state.items(Result.CONFLICTED)]
    return {
        "job": result.job_id,
        "flow": result.plan.flow,
        "status": result.status.value,
        "books": result.books,
        "note": state.note,
        "not_before": state.not_before or None,
        "resumable": not result.status.ended,
        "attention": [
            {
                "item": item,
                "table": result.plan.changes[item].table,
                "key": result.plan.changes[item].key,
                "label": result.plan.changes[item].label,
                "row": result.plan.changes[item].row,
                "result": state.result(item).name.lower(),
                "reason": state.reasons.get(item, ""),
            }
            for item in attention
        ],
        "conflicts": result.plan.conflicts,
        "findings": result.plan.findings,
        "figures": result.figures,
        "exit_status": int(status),
    }
