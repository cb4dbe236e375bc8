"""A report for the terminal. Everything people typed goes in as text, never as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sheets_catalog.database.entries import ATTENTION, CONFLICTED
from sheets_catalog.flows.reporting import words
from sheets_catalog.flows.reporting.differences import difference, shown
from sheets_catalog.flows.reporting.tasks import one_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sheets_catalog.books import Books
    from sheets_catalog.database import FieldChange, RecordEntry, Report

SHOWN = 20
"""Records in the table."""

BAR = 60
"""Columns of the books' bar."""

STYLES = {
    "done": "green",
    "unchanged": "bright_black",
    "rejected": "red",
    "conflicted": "yellow",
    "pending": "blue",
}

_FILLS = {"done": "█", "unchanged": "░", "rejected": "▓", "conflicted": "▒", "pending": "·"}


def as_terminal(report: Report, *, shown: int = SHOWN) -> RenderableType:
    """What rich prints: heading, verdict, books, figures, what waits for a person, the first `shown` records."""
    return Group(*_parts(one_each(report), shown))


def _parts(report: Report, most: int) -> Iterator[RenderableType]:
    yield from _head(report)
    yield Padding(_books(report.session.books), (1, 0))
    yield _figures(report)
    attention = [each for each in report.records if each.status in ATTENTION]
    conflicts = [each for each in report.records if each.status == CONFLICTED]
    yield from _titled("Needs attention", [_waiting(each) for each in attention], most)
    yield from _titled("Conflicts", [_conflict(each) for each in conflicts], most)
    yield from _records(report, most)
    yield from _titled("Errors on the way", [Text(f"{each.type}: {each.message}") for each in report.errors], most)


def _head(report: Report) -> Iterator[RenderableType]:
    session = report.session
    status = Text(f" {words.status_word(session.status)} ", f"reverse {STYLES[words.tone(session.status)]}")
    yield Text.assemble(status, " ", (words.heading(report), "bold"))
    facts = (
        session.spreadsheet_title or session.spreadsheet_id,
        session.shop,
        session.actor,
        words.moment(session.started_at),
        words.duration(session.seconds),
        f"resumed {words.plural(session.resumed, 'time')}" if session.resumed else "",
    )
    yield Text(" · ".join(each for each in facts if each), "dim")
    verdict, tone = words.verdict(report)
    said = "".join(f" {each}" for each in (session.message, session.advice) if each)
    yield Text.assemble((verdict, STYLES[tone]), said)


def _books(books: Books) -> Group:
    counts = [(name, word, getattr(books, name)) for name, word, _ in words.BOOKS]
    bar = Text()
    for (name, _, _), width in zip(counts, bar_widths([each for _, _, each in counts], BAR), strict=True):
        bar.append(_FILLS[name] * width, STYLES[name])
    legend = Text("  ").join(
        Text.assemble((_FILLS[name], STYLES[name]), f" {word} {number:,}") for name, word, number in counts
    )
    balance = ("✓ ", "green") if books.balanced else ("✗ the books do not balance: ", "bold red")
    return Group(bar, legend, Text.assemble(balance, (words.equation(books), "dim")))


def bar_widths(counts: Sequence[int], width: int) -> list[int]:
    """`width` columns shared out by `counts`: never more than all, at least one for what is not zero, room allowing."""
    total = sum(counts)
    if total <= 0:
        return [0] * len(counts)
    widths = [max(1, count * width // total) if count > 0 else 0 for count in counts]
    largest = max(range(len(counts)), key=counts.__getitem__)
    widths[largest] = max(1, widths[largest] + width - sum(widths))
    return widths


def _figures(report: Report) -> Table:
    grid = Table.grid(padding=(0, 3))
    figures = words.figures(report) + [
        (f"Time to {phase.name}", words.duration(phase.seconds)) for phase in report.phases
    ]
    for start in range(0, len(figures), 3):
        cells = [Text.assemble((f"{word} ", "dim"), (text, "bold")) for word, text in figures[start : start + 3]]
        grid.add_row(*cells, *[""] * (3 - len(cells)))
    return grid


def _titled(title: str, lines: Sequence[Text], most: int) -> Iterator[RenderableType]:
    if not lines:
        return
    yield Text(f"\n{title} ({len(lines):,})", "bold")
    yield from lines[:most]
    if len(lines) > most:
        yield Text(f"and {len(lines) - most:,} more", "dim")


def _waiting(record: RecordEntry) -> Text:
    return Text.assemble(
        ("• ", STYLES["rejected"]),
        (words.record_name(record), "bold"),
        (f"  {words.record_place(record)}\n", "dim"),
        f"  {record.reason}",
        (f"\n  → {record.advice}" if record.advice else "", "cyan"),
    )


def _conflict(record: RecordEntry) -> Text:
    text = Text.assemble(
        ("• ", STYLES["conflicted"]),
        (words.record_name(record), "bold"),
        (f"  {words.record_place(record)}", "dim"),
    )
    for change in record.changes:
        sides = (("was", change.base), ("sheet", change.after), ("shop", change.before))
        text.append(f"\n  {words.field_word(record.table, change.field)}: ")
        text.append(", ".join(f"{side} {shown(value).text}" for side, value in sides))
    return text.append(f"\n  → {record.advice}", "cyan") if record.advice else text


def _records(report: Report, most: int) -> Iterator[RenderableType]:
    if not report.records:
        yield Text("\nNo record was touched: there was nothing to change.", "dim")
        return
    table = Table("Record", "Outcome", "Changes", box=SIMPLE_HEAD, pad_edge=False)
    for record in report.records[:most]:
        name = Text.assemble(words.record_name(record), (f"\n{words.record_place(record)}", "dim"))
        outcome = Text.assemble(
            (words.status_word(record.status), STYLES[words.tone(record.status)]), (f"\n{record.action}", "dim")
        )
        table.add_row(name, outcome, Text("\n").join(_changed(record.table, each) for each in record.changes))
    yield Text(f"\n{words.noun(report.session.flow).title()}s ({report.records_total:,})", "bold")
    yield table
    if report.records_total > most:
        yield Text(f"and {report.records_total - most:,} more: --csv and --html have them", "dim")


def _changed(table: str, change: FieldChange) -> Text:
    old, new = difference(change.before, change.after)
    return Text.assemble(
        (f"{words.field_word(table, change.field)} ", "dim"), (old.text, "red"), (" → ", "dim"), (new.text, "green")
    )
