"""Parts that several views share: tables in the house style, books, hints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sheets_catalog.cli.naming import named
from sheets_catalog.cli.text import count, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import RenderableType

    from sheets_catalog.books import Books
    from sheets_catalog.changes.plan import Plan

_BOOK_STYLES = {
    "planned": "bold",
    "done": "green",
    "unchanged": "",
    "rejected": "red",
    "conflicted": "yellow",
    "pending": "cyan",
}

SEVERITIES = {"error": ("✗", "red"), "warning": ("!", "yellow"), "note": ("i", "cyan")}


def table(title: str, *columns: str, **styles: str) -> Table:
    """A table without vertical lines; `styles` by column name in lower case with underscores."""
    made = Table(
        title=Text(visible(title), style="bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        header_style="dim",
    )
    for column in columns:
        style = styles.get(column.lower().replace(" ", "_"), "")
        number = column in {"Row", "Records", "Rows"}
        made.add_column(column, style=style, overflow="fold", justify="right" if number else "left", no_wrap=number)
    return made


def headline(symbol: str, text: str, style: str) -> Text:
    """One line that says how it went."""
    return Text.assemble((f"{symbol} ", f"bold {style}"), (visible(text), "bold"))


def books_line(books: Books) -> Text:
    """``Books: 12 planned = 10 done + 0 unchanged + ...``: the identity itself, with what is not nothing in colour."""
    line = Text("Books: ", style="dim")
    names = ("planned", "done", "unchanged", "rejected", "conflicted", "pending")
    for number, name in enumerate(names):
        value = getattr(books, name)
        line.append("" if number == 0 else " = " if number == 1 else " + ", style="dim")
        line.append(f"{value:,} {name}", style=_BOOK_STYLES[name] if value else "dim")
    if not books.balanced:
        line.append("  do not balance!", style="bold red")
    return line


def facts(pairs: Mapping[str, str]) -> Table:
    """Names and values, one a line; empty values are left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            made.add_row(Text(name), linked(visible(value)))
    return made


def linked(text: str) -> Text:
    """The text; where it is an address, one that a terminal opens even when it goes over several lines."""
    return Text(text, style=f"link {text}" if re.fullmatch(r"https://\S+", text) else "")


def more(left: int, noun: str, how: str) -> Text:
    """That something was left out, and how to see it."""
    return Text(f"… and {count(left, f'more {noun}')} ({how})", style="dim")


def left_out(plan: Plan, limit: int | None) -> Iterator[RenderableType]:
    """Rows that were rejected when the plan was made, each with its reason and what mends it."""
    found = plan.left_out
    if not found:
        return
    symbol, style = SEVERITIES["error"]
    yield Text()
    told = f"Left out when planning: {count(plan.settled.rejected, 'record')}"
    if plan.undone:
        told = f"Not undone: {count(len(found), 'finding')}"
    yield Text(told, style="bold yellow")
    for each in found if limit is None else found[:limit]:
        yield Text.assemble(
            (f"  {symbol} ", f"bold {style}"), (f"{visible(each.where())}: ", style), visible(each.message)
        )
        if each.advice:
            yield Padding(Text(visible(named(each.advice)), style="dim"), (0, 0, 0, 6))
    if limit is not None and len(found) > limit:
        yield more(len(found) - limit, "row", "show all with `jobs show JOB --all`, or use `--json`")


def joined(words: Iterable[str]) -> str:
    """Those of the words that are not empty, with dots between."""
    return " · ".join(word for word in words if word)
