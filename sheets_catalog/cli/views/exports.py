"""What staging and delivery look like in a terminal: previews, batches, statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from sheets_catalog.cli.naming import named
from sheets_catalog.cli.text import count, visible
from sheets_catalog.cli.views import parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from sheets_catalog.changes.plan import Finding, Plan
    from sheets_catalog.flows.tasks.batches import BatchSummary, BatchVerification, BatchView, ExportReport
    from sheets_catalog.flows.tasks.keeping import Cleaning, LeftAlone
    from sheets_catalog.flows.tasks.leaving import Gone, Leaving
    from sheets_catalog.flows.tasks.selecting import Choices, Left

LIMIT = 30
WHICH = 5
"""Tasks that are named for one reason."""
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(number: int) -> str:
    """Bytes as people read them, in powers of a thousand."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:,.0f} {_UNITS[unit]}" if unit < 2 else f"{value:,.1f} {_UNITS[unit]}"


def preview(plan: Plan, verb: str, where: str, limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """What a plan would copy: the tasks with their files, and everything that is wrong with the others."""
    good = [change for change in plan.changes if "invalid" not in change.context]
    files = [file for change in good for file in change.files]
    total = size(sum(file.size or 0 for file in files))
    text = f"{verb} {count(len(good), 'task')}, {count(len(files), 'file')}, {total}, to {where}"
    yield parts.headline("→", text, "cyan")
    table = parts.table("", "Row", "Task", "Folder", "Files", "Size")
    for change in good[:limit]:
        weight = size(sum(file.size or 0 for file in change.files))
        table.add_row(str(change.row), visible(change.key), visible(change.label), str(len(change.files)), weight)
    if good:
        yield table
    if limit is not None and len(good) > limit:
        yield parts.more(len(good) - limit, "task", "--all shows them")
    yield from findings(plan.findings, limit)
    figures = plan.estimate
    minutes = max(1, round(figures.seconds / 60))
    yield Text(
        f"About {count(minutes, 'minute')}: {figures.google_calls:,} calls, {figures.cost_points:,.0f} quota units "
        f"({figures.basis})",
        style="dim",
    )


def not_ready(left: Mapping[str, str]) -> Iterator[RenderableType]:
    """How many tasks of a batch are not delivered now, by status. `left`: status by task id."""
    if left:
        words: dict[str, int] = {}
        for status in left.values():
            words[status] = words.get(status, 0) + 1
        yield Text(f"{count(len(left), 'task')} of the batch will not be delivered now: {counted(words)}", style="dim")


def findings(found: Sequence[Finding], limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """What is wrong, task by task."""
    if not found:
        return
    yield Text()
    table = parts.table("", "", "Row", "What", "How to mend it")
    for each in found[:limit]:
        symbol, style = parts.SEVERITIES[each.severity]
        table.add_row(
            Text(symbol, style=style), str(each.row or ""), visible(each.message), visible(named(each.advice))
        )
    yield table
    if limit is not None and len(found) > limit:
        yield parts.more(len(found) - limit, "finding", "--all shows them")


def left_out(left: Sequence[Left], limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """Tasks that stay out: by reason, or (`limit` None) each with its own."""
    if not left:
        return
    title = f"{count(len(left), 'task')} left out"
    if limit is None:
        table = parts.table(title, "Row", "Task", "Why")
        for each in left:
            table.add_row(str(each.row), visible(each.task_id or each.label), visible(each.reason))
        yield table
        return
    groups: dict[str, list[Left]] = {}
    for each in left:
        groups.setdefault(each.rule, []).append(each)
    table = parts.table(title, "Tasks", "Why", "Which")
    for rule, some in sorted(groups.items(), key=lambda group: -len(group[1])):
        table.add_row(str(len(some)), visible(_why(rule, some)), visible(_which(some)))
    yield table
    if len(left) > len(groups):
        yield Text("--all shows each task with its reason.", style="dim")


def _why(rule: str, some: Sequence[Left]) -> str:
    """The reason if all have the same one, else what the reasons have in common."""
    reasons = {each.reason for each in some}
    return reasons.pop() if len(reasons) == 1 else rule.replace("_", " ").capitalize()


def _which(some: Sequence[Left]) -> str:
    names = [each.task_id or each.label for each in some]
    return ", ".join(names[:WHICH]) + (f", … ({len(names) - WHICH} more)" if len(names) > WHICH else "")


def choices(found: Choices) -> Iterator[RenderableType]:
    """Words that filters can use, with the number of tasks behind each."""
    table = parts.table("", "Filter", "Values")
    for name in ("batches", "agents", "reviewers", "review_statuses", "statuses", "export_statuses"):
        table.add_row(name.replace("_", " "), counted(getattr(found, name)))
    if found.scores:
        table.add_row("score", f"{found.scores[0]:g} to {found.scores[1]:g}")
    if found.days:
        table.add_row("completed", f"{found.days[0]} to {found.days[1]}")
    yield table


def counted(words: Mapping[str, int]) -> str:
    """``passed 12 · failed 3``; a blank is called so."""
    return parts.joined(f"{visible(word) or '(blank)'} {number:,}" for word, number in words.items())


def batches(found: Sequence[BatchSummary]) -> Iterator[RenderableType]:
    """All batches, one a line."""
    if not found:
        yield Text("No export batches yet.", style="dim")
        return
    table = parts.table("", "Batch", "Made", "Status", "Tasks", "Folder")
    for each in found:
        made = each.batch.created_at[:16].replace("T", " ")
        table.add_row(each.batch.id, made, each.status, counted(each.statuses), parts.linked(each.folder_link))
    yield table


def batch(view: BatchView, limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """One batch in full."""
    summary = view.summary
    yield parts.headline("■", f"{summary.batch.folder_name}: {summary.status}", "cyan")
    yield parts.facts(
        {
            "Made": f"{summary.batch.created_at[:16].replace('T', ' ')} by {summary.batch.actor}",
            "Tasks": counted(summary.statuses),
            "Staging folder": summary.folder_link,
            "Export sheet": view.sheet_link,
            "Jobs": parts.joined(f"{flow} {job_id} {status}" for job_id, flow, status, _ in view.jobs),
        }
    )
    table = parts.table("", "Row", "Task", "Status", "Files", "Size", "Reason")
    for each in view.tasks[:limit]:
        table.add_row(
            str(each.row), visible(each.task_id), each.status, str(each.files), size(each.size), visible(each.reason)
        )
    yield table
    if limit is not None and len(view.tasks) > limit:
        yield parts.more(len(view.tasks) - limit, "task", "--all shows them")
    if view.gone:
        yield gone(view.gone)


def gone(found: Sequence[Gone]) -> RenderableType:
    """Tasks that are no longer in a batch, with who took them out."""
    table = parts.table(f"{count(len(found), 'task')} no longer in it", "Task", "Taken out", "By", "Why")
    for each in found:
        if each.taken:
            when, who, why = each.taken.at[:16].replace("T", " "), each.taken.actor, each.taken.reason
        else:
            when, who, why = "", "", "Its row or its batch id was changed in the sheet."
        now = f" (now in batch {each.batch_id})" if each.batch_id else ""
        table.add_row(visible(f"{each.task_id} {each.label}"), when, visible(who), visible(why + now))
    return table


def leaving(found: Sequence[Leaving]) -> Iterator[RenderableType]:
    """What stays where when tasks are taken out of their batches."""
    for each in found:
        text = f"{each.task_id} ({each.label}) is {each.status} in batch {each.batch_id}, and would no longer be in it."
        yield Text(visible(text), style="yellow")
        if each.folders:
            yield Text("  Its files stay where they are; nobody delivers or verifies them from there:", style="yellow")
        for what, link in each.folders:
            yield Text(f"  {what} {link}", style="yellow")


def verified(found: BatchVerification) -> Iterator[RenderableType]:
    """What reading everything back has shown."""
    read = f"{count(found.files, 'file')} of {count(found.delivered, 'delivered task')}"
    read += f" and {count(found.staged, 'staged task')} read back by id"
    if found.gone:
        read += f"; {count(len(found.gone), 'task')} no longer in it"
    if found.holds:
        yield parts.headline("✓", f"Batch {found.batch.id} stands as it was proven: {read}", "green")
    else:
        yield parts.headline("✗", f"Batch {found.batch.id}: {count(len(found.wrong), 'difference')}; {read}", "red")
    if not (found.wrong or found.renamed):
        return
    table = parts.table("", "Task", "Where", "What")
    for each in (*found.wrong, *found.renamed):
        table.add_row(visible(each.label), each.where, visible(each.problem))
    yield table


def report(found: ExportReport) -> Iterator[RenderableType]:
    """Where all tasks are."""
    yield parts.headline("■", f"{count(found.tasks, 'task')}: {counted(found.statuses)}", "cyan")
    yield parts.facts({"Staging folder": found.staging_name, "Staged copies": size(found.staging_bytes)})
    if found.in_progress:
        yield from batches(found.in_progress)
    if found.failed:
        table = parts.table("Waiting for somebody", "Row", "Task", "Status", "Reason")
        for each in found.failed:
            table.add_row(str(each.row), visible(each.task_id), each.status, visible(each.reason))
        yield table


def cleanings(found: Sequence[Cleaning], *, done: bool, dry: bool = False) -> Iterator[RenderableType]:
    """What cleaning up does. `done`: it was done; `dry`: it will not be."""
    if not found:
        yield parts.headline("=", "Nothing to clean up", "green")
        return
    batches = count(len(found), "batch", "batches")
    verb = f"{batches} cleaned up" if done else f"{batches} to clean up"
    yield parts.headline("■", verb + ("; nothing was changed (--dry-run)" if dry else ""), "cyan")
    moved = "moved to the trash" if done else "would be moved to the trash" if dry else "will be moved to the trash"
    table = parts.table("", "Batch", "Tasks back in line", "Staging folder", "Why")
    for each in found:
        folder = f"{each.folder_name} {moved}" if each.trash else f"{each.folder_name} stays"
        table.add_row(each.batch_id, str(len(each.tasks)), folder, each.why)
    yield table


def left_alone(left: Sequence[LeftAlone]) -> Iterator[RenderableType]:
    """Batches that were not cleaned up as shown, each with its reason."""
    for each in left:
        yield parts.headline("✗", f"Batch {each.batch_id} was left alone: {each.reason}", "yellow")
