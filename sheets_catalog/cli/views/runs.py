"""How a run ended: of an apply or export, and of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sheets_catalog.cli.text import count, duration, shown, visible
from sheets_catalog.cli.views.parts import books_line, headline, joined, left_out, more, table
from sheets_catalog.cli.views.plans import findings
from sheets_catalog.jobs.state import Result, Status
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from sheets_catalog.books import Books
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.jobs.retry import Figures
    from sheets_catalog.jobs.state import JobState

LIMIT = 20
"""Records that need attention shown after a run."""

_ENDINGS = {
    Status.FINISHED: ("✓", "Finished", "green"),
    Status.CANCELLED: ("■", "Cancelled", "yellow"),
    Status.WAITING: ("‖", "Paused", "yellow"),
    Status.RUNNING: ("‖", "Stopped", "yellow"),
    Status.PLANNED: ("‖", "Not begun", "yellow"),
    Status.ATTENTION: ("✗", "Needs attention", "red"),
}


def job_result(
    plan: Plan, state: JobState, books: Books, figures: Figures, told: Container[int] = frozenset()
) -> Iterator[RenderableType]:
    """How an apply ended: the books, what it cost, and every record that needs a person.

    `told`: changes whose reasons stand in the preview that was just shown.
    """
    yield job_title(plan, state, books)
    yield books_line(books)
    yield figures_line(figures)
    yield from attention(plan, state, told=told)
    yield from left_out(plan, LIMIT)
    if plan.conflicts and state.status is Status.FINISHED:
        fields = count(len(plan.conflicts), "field was", "fields were")
        said = f"{fields} edited on both sides: choose in the tab “Conflicts”, then export again."
        yield Text(f"\n{said}", style="yellow")


def job_title(plan: Plan, state: JobState, books: Books) -> Text:
    """One line: how it ended."""
    symbol, word, style = _ENDINGS[state.status]
    noun, sent, to = ("change", "sent", "to") if plan.flow == "export" else ("task", "copied", "into")
    note = f": {state.note}" if state.note else ""
    if state.status is Status.FINISHED and (books.rejected or books.conflicted):
        symbol, style = "!", "yellow"
        left = [*state.items(Result.REJECTED), *state.items(Result.CONFLICTED)]
        note = f", but not everything could be {sent}" if left else ", and some rows need you"
        if left and overtaken(state) == len(left):
            note = ", and left alone what others changed meanwhile"
    changes = count(len(plan.changes), noun)
    if note or noun == "task" or state.status is not Status.FINISHED:
        changes = f"{len(state.items(Result.DONE)):,} of {changes}"
    return headline(symbol, f"{word}{note} – {changes} {to} {plan.shop}", style)


def asked_nobody(plan: Plan, figures: Figures) -> bool:
    """Whether a run of an export called the shop not even once: whatever its books count was done by earlier runs."""
    return plan.flow == "export" and not any(name.startswith("shopify.") for name in figures.calls)


def overtaken(state: JobState) -> int:
    """How many records were left alone because shop or sheet is no longer as it was when this was planned."""
    return sum(SINCE in state.reasons.get(item, "") for item in state.items(Result.CONFLICTED))


SINCE = "since the plan was made"
"""Part of the reason of a record that was changed meanwhile (`flows.exporting.looking`, `shopify.verdicts`)."""


def attention(
    plan: Plan, state: JobState, limit: int = LIMIT, told: Container[int] = frozenset()
) -> Iterator[RenderableType]:
    """Records that were set aside or are in conflict, each with its reason; those in `told` are only counted."""
    items = [*state.items(Result.REJECTED), *state.items(Result.CONFLICTED)]
    before = sum(item in told for item in items)
    items = [item for item in items if item not in told]
    if before:
        where = f"`batches show {plan.options.get('batch', 'BATCH')}` has them as well"
        yield Text(f"{count(before, 'task')} set aside, for the reasons above ({where}).", style="yellow")
    if not items:
        return
    noun = "record" if plan.flow == "export" else "task"
    yield Text()
    if late := overtaken(state):
        yield Text(
            f"{count(late, 'record was', 'records were')} changed by a later export, or by somebody, since this was "
            "planned. Nothing of theirs was overwritten.",
            style="yellow",
        )
    heading = "Left as they are" if late == len(items) else "Needs you"
    yield Text(f"{heading}: {count(len(items), noun)}", style="bold yellow")
    for item in items[:limit]:
        change = plan.changes[item]
        row = f"  row {change.row}" if change.row else ""
        yield Text.assemble(f"  {item}  ", _called(plan, item), (row, "dim"))
        yield Padding(shown(state.reasons.get(item, ""), 400, "yellow"), (0, 0, 0, 6))
    if len(items) > limit:
        yield more(len(items) - limit, "record", "see `sheets-catalog report`")


def _called(plan: Plan, item: int) -> Text:
    """What people call a record; a task by its id as well."""
    change = plan.changes[item]
    if plan.flow == "export":
        return shown(change.label)
    return Text.assemble((visible(change.key), "bold"), " ", shown(change.label))


def figures_line(figures: Figures) -> Text:
    """What the calls cost."""
    parts = (
        count(figures.total, "call"),
        count(figures.retries, "retry", "retries") if figures.retries else "",
        f"slowed down {count(figures.throttled, 'time')}" if figures.throttled else "",
        f"{duration(figures.waited)} waited" if figures.waited >= 0.1 else "",
    )
    return Text.assemble(("Calls: ", "dim"), joined(parts))


def import_result(books: Books, tables: Mapping[str, Mapping[str, Any]], width: int) -> Iterator[RenderableType]:
    """How an import ended, a line a tab; where that is wider than the terminal, without columns of nothing."""
    symbol, style = ("!", "yellow") if books.conflicted or books.rejected else ("✓", "green")
    yield headline(symbol, f"Imported: {count(books.planned, 'record')} compared, {books.done:,} written", style)
    columns = list(dict.fromkeys(name for counts in tables.values() for name in counts))
    made = _counts(tables, columns)
    if Console(width=10_000).measure(made).maximum > width:
        columns = [name for name in columns if name == "read" or any(counts.get(name) for counts in tables.values())]
        made = _counts(tables, columns)
        made.padding = (0, 1, 0, 0)
    yield made
    yield books_line(books)


def _counts(tables: Mapping[str, Mapping[str, Any]], columns: Sequence[str]) -> Table:
    made = table("", "Tab", *(column.replace("_", " ").capitalize() for column in columns))
    for name, counts in tables.items():
        made.add_row(
            Text(TABLES[name].title if name in TABLES else name),
            *(Text(f"{counts.get(column, 0):,}") for column in columns),
        )
    return made


def import_findings(found: Any, limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """What an import found."""
    if found:
        yield Text()
        yield from findings(found, limit)
