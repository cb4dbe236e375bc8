"""What the doctor found, and how sheet and shop differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from sheets_catalog.cli.naming import named
from sheets_catalog.cli.text import WHOLE, both, count, shown, visible
from sheets_catalog.cli.views.parts import books_line, headline, more, table
from sheets_catalog.cli.views.plans import findings
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from sheets_catalog.flows.doctor import Check
    from sheets_catalog.flows.verification import Difference, Verification

LIMIT = 30
"""Differences of one kind shown unless more are asked for."""

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}


def examined(checks: Sequence[Check]) -> Iterator[RenderableType]:
    """Each check with what was found, and what to do where something is."""
    for check in checks:
        symbol, style = _MARKS[check.ok]
        yield Text.assemble((f"{symbol} ", f"bold {style}"), (f"{check.name}  ", "bold"), visible(check.found))
        if check.advice:
            yield Padding(Text.assemble(("→ ", "cyan"), visible(named(check.advice))), (0, 0, 0, 2))
    yield Text()
    yield summary(checks)


def summary(checks: Sequence[Check]) -> Text:
    """One line: how many are well."""
    failed = sum(check.ok is False for check in checks)
    unsure = sum(check.ok is None for check in checks)
    if failed:
        return headline("✗", f"{count(failed, 'check')} failed; do what stands below each.", "red")
    if unsure:
        return headline("!", f"Ready. {count(unsure, 'thing')} to know about.", "yellow")
    return headline("✓", "Everything is in place.", "green")


def verified(found: Verification, limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """Sheet against shop: what is equal, missing here, missing there, different, and what could not be compared."""
    kinds = {
        "Different": found.differs,
        "Missing in the sheet": found.missing_here,
        "Missing in the shop": found.missing_there,
    }
    yield verdict(found)
    for name, differences in kinds.items():
        if differences:
            yield Text()
            yield from _differences(name, differences, limit)
    if found.errors:
        yield Text()
        yield Text("Not comparable", style="bold")
        yield from findings(found.errors, limit)
    if found.columns:
        yield Text()
        yield Text("Columns not compared", style="bold")
        yield from findings(found.columns, limit)
    yield books_line(found.books)


def verdict(found: Verification) -> Text:
    """One line: how many records are equal, and how many are not."""
    if found.clean:
        return headline("=", f"Sheet and shop agree: {count(found.equal, 'record')} equal", "green")
    wrong = found.books.planned - found.equal
    if not wrong:
        return headline("!", f"{count(found.equal, 'record')} equal in what was compared", "yellow")
    return headline("≠", f"{count(found.equal, 'record')} equal, {count(wrong, 'record')} not", "yellow")


def _differences(name: str, found: Sequence[Difference], limit: int | None) -> Iterator[RenderableType]:
    chosen = found if limit is None else found[:limit]
    values = ("Field", "In the sheet", "In the shop") if any(each.field for each in found) else ()
    made = table(f"{name}: {len(found):,}", "Tab", "Row", "Record", *values)
    for each in chosen:
        cells = [Text(TABLES[each.table].title), Text(str(each.row or "–")), shown(each.label or each.key)]
        if values:
            cells += [Text(visible(each.header)), *both(each.sheet, each.shop, WHOLE)]
        made.add_row(*cells)
    yield made
    if len(chosen) < len(found):
        yield more(len(found) - len(chosen), "difference", "show all with `--all`, or use `--json`")
