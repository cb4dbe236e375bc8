"""One record a job changed, against what sheet and shop have now. Pure.

The rule is compare-and-set, for every field by itself: a side that still has what the job sent gets back what was there
before, a side that has that already is left alone, and where any side has something else, neither is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from sheets_catalog.books import Books
from sheets_catalog.changes.compare import UNKNOWN, Unknown
from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.changes.plan import Agreement, Change, FieldChange, Finding
from sheets_catalog.flows.exporting.comparing import context_of, group_of, label_of
from sheets_catalog.records import BadValueError, read_cell, write_cell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sheets_catalog import database
    from sheets_catalog.changes.plan import Severity, Side
    from sheets_catalog.database import RecordEntry
    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.records import Field, Record, Table, Value


@dataclass(slots=True)
class Undoing:
    """What undoing comes to, in the plan's own terms. `books` are of the records that need no change item."""

    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    books: Books = field(default_factory=Books)

    def settle(self, **counts: int) -> None:
        """Count records that need no item."""
        self.books += Books(planned=sum(counts.values()), **counts)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands now. `row` None: not in the sheet; `shop` None: not in the shop.

    `formulas`: fields whose cell in the row holds a formula. `sides_told`: the sides that the job's entries name are
    all that it wrote, and none but those are put back; otherwise what it wrote to the shop came from the sheet.
    """

    layout: Layout
    row: Row | None
    shop: Record | None
    money_digits: int
    formulas: Collection[str] = ()
    sides_told: bool = False

    def written(self, each: database.FieldChange, side: Side) -> bool:
        """Whether a side has to go back with what the job did to a field."""
        return each.side in (side, "both") or not self.sides_told

    def in_sheet(self, name: str) -> Value | Unknown:
        """The field's value in the sheet; UNKNOWN without a row or a column."""
        if self.row is None or name not in self.layout.columns:
            return UNKNOWN
        return self.row.values[name] if name in self.row.values else str(self.row.cell(self.layout.columns[name]))


def undo_record(entry: RecordEntry, place: Place, out: Undoing) -> None:
    """Plan the undoing of one changed record: a change, or findings that say why not."""
    missing = _missing(entry, place)
    if missing:
        out.findings.append(missing)
        out.settle(rejected=1)
        return
    found = _Fields(entry, place)
    for each in entry.changes:
        found.look_at(each)
    out.findings += found.findings
    if found.agreed:
        out.agreements.append(Agreement(entry.table, entry.record_key, found.agreed))
    if found.edits:
        out.changes.append(_change(entry, place, tuple(found.edits), waiting=bool(found.worst)))
    else:
        out.settle(**{found.worst or "unchanged": 1})


def value_of(each: Field, text: str | None, money_digits: int) -> Value:
    """The value that the audit's text stands for: the very same, if a cell of this kind gives it back as it was.

    Raises `BadValueError` for what no cell would.
    """
    try:
        cell = write_cell(each.kind, text)
        back = read_cell(each.kind, float(cell) if isinstance(cell, Decimal) else cell, each.reading(money_digits))
    except (ArithmeticError, ValueError) as error:
        raise _unfit_value(each, text) from error
    if back != text:
        raise _unfit_value(each, text)
    return text


def _unfit_value(each: Field, text: str | None) -> BadValueError:
    return BadValueError(text, f"a value that a cell of “{each.header}” gives back as it was", "")


@dataclass(slots=True)
class _Fields:
    """The fields of one record, looked at one by one. `worst`: what the record counts as for what is left alone."""

    entry: RecordEntry
    place: Place
    edits: list[FieldChange] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    agreed: dict[str, str] = field(default_factory=dict)
    worst: Literal["", "conflicted", "rejected"] = ""

    def look_at(self, each: database.FieldChange) -> None:
        """Sort one field into edits, findings, or what is as it was already."""
        trouble = _trouble(self.place, each)
        if trouble:
            self._leave(each, *trouble)
            return
        shop, sheet = self._shop(each.field), self.place.in_sheet(each.field)
        if shop == each.before and sheet in (each.before, UNKNOWN):
            self.agreed[each.field] = fingerprint(each.before)
        elif shop not in (each.before, each.after) or sheet not in (each.before, each.after, UNKNOWN):
            self._leave(each, "changed_since", _changed(each, shop, sheet))
        elif sheet == each.after and self.place.written(each, "sheet") and each.field in self.place.formulas:
            self._leave(each, "cannot_undo", "Its cell holds a formula, which would have to go.")
        else:
            self.edits += _edits(each, shop, sheet, self.place)

    def _shop(self, name: str) -> Value:
        return self.place.shop.values.get(name) if self.place.shop else None

    def _leave(self, each: database.FieldChange, rule: str, message: str) -> None:
        if rule == "changed_since":
            self.worst = self.worst or "conflicted"
        elif rule != "by_policy":
            self.worst = "rejected"
        sheet = self.place.in_sheet(each.field)
        found = self._shop(each.field) if isinstance(sheet, Unknown) else sheet
        header = _header(self.place, each.field)
        self.findings.append(
            left(
                rule, self.place.layout.table, self.entry, message, row=self.place.row, column=header, found=found or ""
            )
        )


def _trouble(place: Place, each: database.FieldChange) -> tuple[str, str] | None:
    """Why a field cannot be undone whatever stands there now: the rule, and a sentence."""
    known = place.layout.table.by_name.get(each.field)
    if each.side == "sheet" and not place.sides_told:
        return "by_policy", f"The job took the shop's value into the sheet; the sheet had {quoted(each.before)}."
    if not each.intact:
        return "kept_in_part", "The audit does not have the whole value: it was cut, or something in it was masked."
    if known is None:
        return "cannot_undo", "Its column is gone from the sheet, so it is not known how to read it."
    if each.before is None and known.required and place.written(each, "shop"):
        return "cannot_undo", "There was nothing before, and this column cannot be empty."
    try:
        value_of(known, each.before, place.money_digits)
    except BadValueError as error:
        return "cannot_undo", f"It was {quoted(each.before)}; expected {error.expected}."
    return None


def _edits(each: database.FieldChange, shop: Value, sheet: Value | Unknown, place: Place) -> Iterator[FieldChange]:
    """Back to what was before, on the sides that the job wrote and that still have what it sent."""
    if shop == each.after and place.written(each, "shop"):
        yield FieldChange(each.field, before=each.after, after=each.before)
    if sheet == each.after and place.written(each, "sheet"):
        yield FieldChange(each.field, before=each.after, after=each.before, side="sheet")


def _changed(each: database.FieldChange, shop: Value, sheet: Value | Unknown) -> str:
    now = [f"the shop has {quoted(shop)}"]
    if not isinstance(sheet, Unknown):
        now.append(f"the sheet has {quoted(sheet)}")
    sent = f"the job sent {quoted(each.after)} instead of {quoted(each.before)}"
    return f"It was changed since: {sent}, now {' and '.join(now)}."


def quoted(value: Value) -> str:
    """A value in a sentence."""
    return "nothing" if value is None else f"“{value if len(value) <= _SHOWN else value[:_SHOWN] + '…'}”"


_SHOWN = 60
"""Characters of a value that are shown in a sentence."""

UNDO_OF_UNDO = "undo_of_undo"
"""The rule of the finding that says that an undo is undone."""

ADVICE = {
    "changed_since": "Nobody's edit is overwritten. Put it back by hand, if that is still wanted.",
    "kept_in_part": "Type the old value into the sheet, and export it.",
    "cannot_undo": "Put it back by hand; `sheets-catalog report {job}` has the old value.",
    "gone": "Nothing to do, if that was meant.",
    "by_policy": "The shop was not changed there. Type the old value into the sheet to have it back.",
    "created": "Undo with --created archive or --created delete to take it out of the shop.",
    UNDO_OF_UNDO: "Leave it, if the values from before that job are wanted.",
    "deleted": "It cannot be brought back. `sheets-catalog report {job} --csv FILE` has every value it had.",
}
"""What to do, by rule; ``{job}`` stands for the job that is undone."""

_NOTES = frozenset({"by_policy", "created"})


def left(
    rule: str,
    table: Table,
    entry: RecordEntry,
    message: str,
    *,
    row: Row | None = None,
    column: str = "",
    found: str = "",
) -> Finding:
    """The finding for what is left as it is."""
    number = row.number if row else entry.row or 0
    severity: Severity = "note" if rule in _NOTES else "error"
    advice = ADVICE[rule].replace("{job}", entry.session_id)
    return Finding(severity, rule, table.title, number, column, found, f"{entry.label}: {message}", advice)


def _header(place: Place, name: str) -> str:
    known = place.layout.table.by_name.get(name)
    return known.header if known else name


def _missing(entry: RecordEntry, place: Place) -> Finding | None:
    """A record that is gone on one side. One that had no row when the job ran needs none (it was archived)."""
    table, key = place.layout.table, entry.record_key
    if place.shop is None:
        return left("gone", table, entry, f"This {table.noun} is no longer in the shop.", row=place.row, found=key)
    if place.row is None and entry.row is not None:
        return left("gone", table, entry, f"The row of this {table.noun} is no longer in the sheet.", found=key)
    return None


def _change(entry: RecordEntry, place: Place, edits: tuple[FieldChange, ...], *, waiting: bool) -> Change:
    table, shop, row = place.layout.table, place.shop, place.row
    assert shop is not None
    values = {**(row.values if row else {}), **shop.values}
    return Change(
        action="update",
        table=table.name,
        key=entry.record_key,
        group=group_of(table, values, entry.record_key),
        label=label_of(table, values),
        row=row.number if row else 0,
        fields=edits,
        context=context_of(table, shop),
        waiting=waiting,
    )
