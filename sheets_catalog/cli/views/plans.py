"""The preview: what a plan would change, where both sides disagree, what is wrong, and what it will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from sheets_catalog.cli import naming
from sheets_catalog.cli.text import BLANK, LONGEST, WHOLE, both, count, duration, shown, visible
from sheets_catalog.cli.views.parts import SEVERITIES, books_line, headline, joined, more, table
from sheets_catalog.flows.exporting.planning import tables_of
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from sheets_catalog.changes.plan import Change, Conflict, FieldChange, Finding, Plan

LIMIT = 50
"""Lines of changed fields shown unless more are asked for."""

NARROW = 76
"""Columns below which changes are listed instead of tabulated."""

_VERBS = {"create": "new", "update": "changed", "delete": "deleted"}
_STYLES = {"create": "green", "update": "", "delete": "red"}


def rendered(plan: Plan, width: int, limit: int | None = LIMIT) -> Iterator[RenderableType]:
    """The whole preview for a terminal of `width` columns; `limit` None shows every field."""
    plan = named(plan)
    yield title(plan)
    yield Text()
    if plan.changes:
        yield from changes(plan, width, limit)
    if plan.conflicts:
        yield from conflicts(plan.conflicts, width, limit)
    if plan.findings:
        yield from findings(plan.findings, limit)
    yield books_line(plan.books)
    if plan.changes:
        yield estimate(plan)


def named(plan: Plan) -> Plan:
    """The plan with its metafields called by the headers of their columns, which only this plan's tabs know."""
    headers = {
        (name, each.name): each.header
        for name, its in tables_of(plan).items()
        for each in its.fields
        if each.metafield_type
    }
    if not headers:
        return plan
    changes = tuple(_named(change, headers) for change in plan.changes)
    conflicts = tuple(replace(each, field=headers.get((each.table, each.field), each.field)) for each in plan.conflicts)
    return replace(plan, changes=changes, conflicts=conflicts)


def _named(change: Change, headers: Mapping[tuple[str, str], str]) -> Change:
    fields = (replace(each, field=headers.get((change.table, each.field), each.field)) for each in change.fields)
    return replace(change, fields=tuple(fields))


def title(plan: Plan) -> Text:
    """One line: how many records of which kind would change."""
    if not plan.changes:
        return _nothing(plan)
    kinds = [f"{count(number, 'record')} {_VERBS[action]}" for action, number in plan.counts().items()]
    what = ", ".join(kinds)
    if plan.undone:
        return headline("±", f"Undo of job {plan.undone}: {what} in {plan.shop} and “{plan.spreadsheet_title}”", "cyan")
    return headline("±", f"{what} in {plan.shop}, from “{plan.spreadsheet_title}”", "cyan")


def _nothing(plan: Plan) -> Text:
    """Nothing to send. The shop was not asked about rows that nobody edited, so this does not say that both agree."""
    if plan.undone:
        return _nothing_to_undo(plan)
    waiting = [
        f"{count(len(plan.conflicts), 'field')} in conflict" if plan.conflicts else "",
        f"{count(plan.books.rejected, 'row')} left out" if plan.books.rejected else "",
    ]
    told = ", ".join(filter(None, waiting))
    if told:
        return headline("!", f"Nothing to send to {plan.shop} from “{plan.spreadsheet_title}”, but {told}.", "yellow")
    return headline("=", f"Nothing to send: “{plan.spreadsheet_title}” has no changes for {plan.shop}.", "green")


def _nothing_to_undo(plan: Plan) -> Text:
    left = plan.books.conflicted + plan.books.rejected
    if left:
        stays = f"{count(left, 'record')} {'was' if left == 1 else 'were'} left as found"
        return headline("!", f"Nothing can be undone of job {plan.undone}; {stays}.", "yellow")
    return headline("=", f"Nothing left to undo of job {plan.undone}.", "green")


def changes(plan: Plan, width: int, limit: int | None) -> Iterator[RenderableType]:
    """The changes of each table, one line a field."""
    left = limit if limit is not None else len(plan.changes) * 1000
    hidden = 0
    for name, each in TABLES.items():
        found = sorted((change for change in plan.changes if change.table == name), key=_seniority)
        chosen, cut = _up_to(found, left)
        left -= sum(_lines(change) for change in chosen)
        hidden += cut
        if chosen:
            yield from _table_changes(f"{each.title}: {count(len(found), 'record')}", chosen, width)
    if hidden:
        yield more(hidden, "record", "show all with `--all`, or use `--json`")
        yield Text()


def _seniority(change: Change) -> int:
    """What changes or goes is looked at before what is new, which has many fields."""
    return change.action == "create"


def _lines(change: Change) -> int:
    return max(1, len(lines(change)))


def _up_to(found: Sequence[Change], left: int) -> tuple[list[Change], int]:
    """As many whole records as fit into `left` lines, and how many do not."""
    chosen: list[Change] = []
    for change in found:
        left -= _lines(change)
        if left < 0:
            break
        chosen.append(change)
    return chosen, len(found) - len(chosen)


def _table_changes(heading: str, found: Sequence[Change], width: int) -> Iterator[RenderableType]:
    if width < NARROW:
        yield Text(heading, style="bold")
        for change in found:
            yield from _listed(change)
        yield Text()
        return
    made = table(heading, "Row", "Record", "Field", "Before", "After")
    widths = _widths(found, width)
    for change in found:
        for number, (row, record, field, before, after) in enumerate(_rows(change, widths)):
            made.add_row(*(Text(), Text()) if number else (row, record), field, before, after)
    yield made
    yield Text()


def _widths(found: Sequence[Change], width: int) -> list[int]:
    """Cells for record, field, before and after: a fair share of what there is, and at least what a usual value needs.

    What does not fit beside the others goes on below itself.
    """
    fields = [(change, *line) for change in found for line in lines(change)]
    names = (field_name(change.table, field, twice=twice) for change, field, twice in fields)
    befores = [field.before for change, field, _ in fields if change.action != "create"]
    needs = [
        max(cell_len(visible(change.label)) + _verb_width(change) for change in found),
        max((cell_len(name.plain) for name in names), default=5),
        max((cell_len(visible(value or BLANK)) for value in befores), default=6),
        max((cell_len(visible(field.after or BLANK)) for _, field, _ in fields), default=5),
    ]
    return [max(LONGEST, share) for share in shares(needs, width - _ROW_AND_GAPS)]


_ROW_AND_GAPS = 18
"""Columns of a row number and of the spaces between five columns."""


def _verb_width(change: Change) -> int:
    return 0 if change.action == "update" else len(_VERBS[change.action]) + 1


def shares(needs: Sequence[int], room: int) -> list[int]:
    """Room for each need: the small ones get what they ask for, the large ones share the rest evenly."""
    given = [0] * len(needs)
    for done, at in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        given[at] = min(needs[at], max(8, room // (len(needs) - done)))
        room -= given[at]
    return given


def _rows(change: Change, widths: Sequence[int]) -> Iterator[tuple[Text, Text, Text, Text, Text]]:
    row = Text(str(change.row) if change.row else "–", style="dim")
    record = shown(change.label, widths[0] - _verb_width(change), _STYLES[change.action])
    if change.action != "update":
        record = Text.assemble((f"{_VERBS[change.action]} ", f"bold {_STYLES[change.action]}"), record)
    if not change.fields:
        yield row, record, Text(), Text(), Text()
    for field, twice in lines(change):
        before, after = both(field.before, field.after, widths[2], widths[3])
        yield (
            row,
            record,
            field_name(change.table, field, twice=twice),
            Text() if change.action == "create" else before,
            after,
        )


def lines(change: Change) -> list[tuple[FieldChange, bool]]:
    """The fields to show, and of each whether shop and sheet are written alike: that is one line."""
    alike = {replace(field, side="shop") for field in change.on("sheet")} & set(change.on("shop"))
    return [
        (field, field in alike)
        for field in change.fields
        if field.side == "shop" or replace(field, side="shop") not in alike
    ]


def field_name(table_name: str, field: FieldChange, *, twice: bool = False) -> Text:
    """The column's header; a field that is written to the sheet says so. `twice`: it is written to the shop as well."""
    name = Text(header_of(table_name, field.field))
    if twice:
        name.append(" (both sides)", style="dim")
    elif field.side == "sheet":
        name.append(" (into the sheet)", style="dim")
    if field.loser is not None:
        name.append(" (conflict)", style="yellow")
    return name


def header_of(table_name: str, field: str) -> str:
    """What people call a field."""
    known = TABLES[table_name].by_name.get(field) if table_name in TABLES else None
    return known.header if known else field


def _listed(change: Change) -> Iterator[RenderableType]:
    where = f"row {change.row}" if change.row else ""
    verb = "" if change.action == "update" else _VERBS[change.action]
    yield Text.assemble((joined((where, verb)), "dim"), " ", shown(change.label, LONGEST, _STYLES[change.action]))
    for field, twice in lines(change):
        before, after = both(field.before, field.after, LONGEST)
        arrow = Text.assemble(before, " → ", after) if change.action != "create" else after
        yield Padding(Text.assemble(field_name(change.table, field, twice=twice), ": ", arrow), (0, 0, 0, 2))


def conflicts(found: Sequence[Conflict], width: int, limit: int | None) -> Iterator[RenderableType]:
    """Fields that both sides changed, with all three values."""
    chosen = found if limit is None else found[:limit]
    heading = f"Conflicts: {count(len(found), 'field')} edited on both sides"
    if width < NARROW:
        yield Text(heading, style="bold")
        for each in chosen:
            yield from _conflict_listed(each)
    else:
        made = table(heading, "Row", "Record", "Field", *_SIDES)
        for each in chosen:
            name = Text(header_of(each.table, each.field))
            made.add_row(Text(str(each.row)), shown(each.label), name, *_three(each))
        yield made
    if len(chosen) < len(found):
        yield more(len(found) - len(chosen), "conflict", "show all with `--all`, or use `--json`")
    yield Text(
        "Choose “sheet” or “shop” in the Conflicts tab (filled by export and apply), or plan with `--policy`.", "dim"
    )
    yield Text()


_SIDES = ("Last agreed", "In the sheet", "In the shop")


def _conflict_listed(each: Conflict) -> Iterator[RenderableType]:
    yield Text.assemble((f"row {each.row} ", "dim"), shown(each.label), f"  {header_of(each.table, each.field)}")
    for side, value in zip(_SIDES, _three(each), strict=True):
        yield Padding(Text.assemble((f"{side}: ", "dim"), value), (0, 0, 0, 2))


def _three(each: Conflict) -> tuple[Text, Text, Text]:
    """The three values of a conflict, whole unless they are very long: then where the two sides differ."""
    base = shown(each.base, WHOLE) if each.base_known else Text("(not known)", style="dim italic")
    sheet, shop = both(each.sheet, each.shop, WHOLE)
    for text, style in ((sheet, "cyan"), (shop, "magenta")):
        if text.plain != BLANK:
            text.style = style
    return base, sheet, shop


def findings(found: Sequence[Finding], limit: int | None) -> Iterator[RenderableType]:
    """What people should know or mend: errors first."""
    order = list(SEVERITIES)
    ordered = sorted(found, key=lambda each: order.index(each.severity))
    chosen = ordered if limit is None else ordered[:limit]
    yield Text(f"Findings: {_counted(ordered)}", style="bold")
    for each in chosen:
        symbol, style = SEVERITIES[each.severity]
        where = f"{visible(each.where())}: "
        yield Text.assemble((f"  {symbol} ", f"bold {style}"), (where, style), shown(each.message, 400))
        if each.advice:
            yield Padding(Text(visible(naming.named(each.advice)), style="dim"), (0, 0, 0, 6))
    if len(chosen) < len(found):
        yield more(len(found) - len(chosen), "finding", "show all with `--all`, or use `--json`")
    yield Text()


def _counted(found: Iterable[Finding]) -> str:
    counts: dict[str, int] = {}
    for each in found:
        counts[each.severity] = counts.get(each.severity, 0) + 1
    return ", ".join(count(number, severity) for severity, number in counts.items())


def estimate(plan: Plan) -> Text:
    """What applying will take, before anything is sent (LEAP-1)."""
    told = plan.estimate
    parts = (
        count(told.writes, "write"),
        count(told.reads, "read"),
        f"{told.cost_points:,.0f} cost points" if told.cost_points else "",
        f"{count(told.google_calls, 'Google call')}" if told.google_calls else "",
    )
    basis = f" ({told.basis})" if told.basis else ""
    line = Text.assemble(("Estimate: ", "dim"), joined(parts), ", about ", (duration(told.seconds), "bold"))
    return line.append(basis, style="dim")
