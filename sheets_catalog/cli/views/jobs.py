"""Jobs in a list, and one in full."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from sheets_catalog.cli.text import LONGEST, WHOLE, both, count, moment, shown, visible
from sheets_catalog.cli.views.parts import books_line, facts, headline, left_out, more, table
from sheets_catalog.cli.views.plans import field_name, named
from sheets_catalog.flows.reporting.words import place_word
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from sheets_catalog.flows.job_files import ItemView, JobSummary, JobView

SHOWN = 50
"""Records of a job shown unless more are asked for."""

STATUS_STYLES = {
    "finished": "green",
    "running": "cyan",
    "waiting": "yellow",
    "planned": "",
    "attention": "red",
    "cancelled": "dim",
    "unreadable": "red",
}
_RESULT_STYLES = {
    Result.PENDING: "cyan",
    Result.DONE: "green",
    Result.REJECTED: "red",
    Result.CONFLICTED: "yellow",
}


def listed(found: Sequence[JobSummary], width: int, *, advice: bool = True) -> Iterator[RenderableType]:
    """One line a job; whatever waits for a person is said below, with what to do about it."""
    if not found:
        yield Text("No jobs yet.")
        return
    cells = [_cells(job) for job in found]
    names = [name for name, least in _COLUMNS.items() if width >= least]
    made = table("", *names)
    made.columns[0].no_wrap = True  # an id is there to be copied
    for each in cells if width >= _ID_BESIDE else ():
        made.add_row(*(each[name] for name in names))
    yield made if made.rows else Text("\n").join(_stacked(each) for each in cells)
    if advice:
        yield from _waiting(found)
    for job in found:
        if job.note:
            yield Text.assemble((f"{job.job_id}: ", "dim"), shown(job.note, 300, "yellow"))


_ID_BESIDE = 46
"""Columns from which a job's id and its status fit beside each other."""


def _stacked(cells: Mapping[str, Text]) -> Text:
    return Text.assemble(cells["Job"], "\n  ", cells["Flow"], " ", cells["Status"])


def _waiting(found: Sequence[JobSummary]) -> Iterator[Text]:
    """What to do about records that were set aside: only an export sends them again with `retry`.

    A task may have failed in one job and gone through in the next: its status in the sheet counts, not the jobs.
    """
    exports = [job for job in found if job.quarantined and job.flow not in _COPYING]
    for job in exports:
        told = f"{count(job.quarantined, 'record')} set aside in {job.job_id}"
        yield Text(f"{told}: see `jobs show`, then `jobs retry`.", style="yellow")
    copying = {job.flow for job in found if job.quarantined} & _COPYING.keys()
    for flow in sorted(copying, reverse=True):
        yield Text(_COPYING[flow], style="yellow")


_COPYING = {
    "stage": "Some tasks could not be staged: `export-status` names them; mend them, then `stage --retry BATCH`.",
    "deliver": "Some tasks could not be delivered: `export-status` names them; then `deliver BATCH --to LINK` again.",
}
"""What to do about failed tasks, by the flow of the job that could not copy them."""

_COLUMNS = {"Job": 0, "Flow": 60, "Status": 0, "Done": 90, "Left": 110, "Set aside": 110, "Changed (UTC)": 78}
"""Columns of the list, each with the width of a terminal that has room for it."""


def _cells(job: JobSummary) -> dict[str, Text]:
    books = job.books
    return {
        "Job": Text(job.job_id),
        "Flow": Text(visible(job.word)),
        "Status": Text(job.status, style=STATUS_STYLES.get(job.status, "")),
        "Done": Text(f"{books.done:,}"),
        "Left": Text(f"{books.pending:,}"),
        "Set aside": Text(f"{books.rejected:,}"),
        "Changed (UTC)": Text(moment(job.updated_at or job.created_at), style="dim"),
    }


def in_full(view: JobView, width: int, limit: int | None = SHOWN) -> Iterator[RenderableType]:
    """A job with every change and what became of it."""
    summary, plan = view.summary, view.plan
    style = STATUS_STYLES.get(summary.status, "") or "bold"
    yield headline("■", f"{summary.word} {summary.status} – {plan.spreadsheet_title}", style)
    yield facts(
        {
            "Job": summary.job_id,
            place_word(plan.flow): plan.shop,
            "By": plan.actor,
            "Policy": plan.policy,
            "Planned": moment(summary.created_at),
            "Last change": moment(summary.updated_at),
            "Not before": moment(summary.not_before),
            "Note": summary.note,
        }
    )
    yield books_line(summary.books)
    yield Text()
    order = [Result.REJECTED, Result.CONFLICTED, Result.PENDING, Result.DONE]
    called = named(plan).changes
    items = [replace(item, change=called[item.number]) for item in view.items]
    items.sort(key=lambda item: order.index(item.result))
    chosen = items if limit is None else items[:limit]
    if chosen:
        yield _items(chosen, width)
    if len(chosen) < len(items):
        yield more(len(items) - len(chosen), "record", "show all with `--all`, or use `--json`")
    yield from left_out(plan, limit)


def _items(items: Sequence[ItemView], width: int) -> RenderableType:
    cells = max(LONGEST, (width - 45) // 3)
    made = table("", "No.", "Result", "Record", "Fields", "Why")
    for item in items:
        result = Text(item.result.name.lower(), style=_RESULT_STYLES[item.result])
        why = item.reason or (f"{count(item.attempts, 'try', 'tries')} failed so far" if item.attempts else "")
        reason = shown(why, WHOLE, "yellow") if why else Text()
        made.add_row(Text(str(item.number)), result, shown(item.change.label, cells), _fields(item, cells), reason)
    return made


def _fields(item: ItemView, cells: int) -> Text:
    if item.change.action == "delete":
        return Text("deleted", style="red")
    lines = []
    for field in item.change.fields:
        before, after = both(field.before, field.after, cells)
        value = after if item.change.action == "create" else Text.assemble(before, " → ", after)
        lines.append(Text.assemble(field_name(item.change.table, field), ": ", value))
    return Text("\n").join(lines)
