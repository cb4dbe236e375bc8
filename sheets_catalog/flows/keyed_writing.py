"""Writing cells to the right rows while people sort, insert and delete (promise 5).

Sheets has no conditional write. So a write is a loop: look where each row stands, write, look again, and do so until
what stands there is what should. Had rows moved between the look and the write, the second look shows it: the cell that
was hit by mistake gets back what it had, and the right one is written. A process that dies in between leaves nothing
worse than the loop itself would mend on resume.

A cell that holds a formula, or that a person changed meanwhile, is left alone and reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sheets_catalog.records import BadValueError, Cell, Value, read_cell, write_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.flows.tabs import Layout

ROUNDS = 6
"""Most looks; each round that is needed means that somebody moved rows in the second between a look and a write."""


class Columns(Protocol):
    """Reads whole columns and writes single cells of one tab."""

    def read(self, columns: Sequence[int], *, formulas: bool) -> list[list[Cell]]:
        """The cells of each column (from 0), from the first row after the header on."""

    def write(self, cells: Mapping[tuple[int, int], Cell | Decimal]) -> None:
        """Write cells by (row number, column from 0), RAW."""

    def restore(self, formulas: Mapping[tuple[int, int], str]) -> None:
        """Put formulas back by (row number, column from 0)."""


@dataclass(frozen=True, slots=True)
class RowWrite:
    """What one row should get. `item` names it in the answer.

    The row is found by `key`, or by `natural_key` where the key itself is to be written. `values`: field name to what
    stands there now and what should. `guard`: field name to what may stand there; if anything else does, nothing of the
    row is written.
    """

    item: int
    key: str
    natural_key: tuple[str, ...]
    values: Mapping[str, tuple[Value, Value]]
    guard: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Look:
    """One snapshot: for each field of interest a column of values, and of formulas."""

    values: dict[str, list[Cell]]
    formulas: dict[str, list[Cell]]
    size: int
    rows: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    keys: dict[str, list[int]] = field(default_factory=dict)

    def cell(self, name: str, row: int) -> Cell:
        column = self.values[name]
        return column[row] if row < len(column) else None

    def has_formula(self, name: str, row: int) -> bool:
        """A formula shows its text when asked for formulas and its value otherwise; a text shows itself both times."""
        column = self.formulas.get(name, [])
        shown = column[row] if row < len(column) else None
        return isinstance(shown, str) and shown.startswith("=") and shown != self.cell(name, row)

    def formula(self, name: str, row: int) -> str:
        """The formula's text."""
        return str(self.formulas[name][row])


@dataclass(slots=True)
class KeyedWriter:
    """Writes rows of one tab until they stand as they should."""

    layout: Layout
    columns: Columns
    money_digits: int

    def write(self, writes: Sequence[RowWrite]) -> dict[int, str]:
        """Write; returns what could not be written, as a sentence by item.

        Raises what the reading and writing calls raise; the call is repeatable.
        """
        if not writes:
            return {}
        by_name = any(not write.key for write in writes)
        names = self._names(writes, by_name=by_name)
        before: _Look | None = None
        written: dict[tuple[str, ...], dict[str, Value]] = {}
        for _ in range(ROUNDS):
            look = self._look(names, by_name=by_name)
            repairs, formulas = self._repairs(before, look, written) if before else ({}, {})
            cells, problems, written = self._next(writes, look, by_name=by_name)
            if not (cells or repairs or formulas):
                return problems
            if cells or repairs:
                self.columns.write({**cells, **repairs})
            if formulas:
                self.columns.restore(formulas)
            before = look
        return {
            write.item: "The row kept moving while it was written; import to bring it up to date." for write in writes
        }

    def _names(self, writes: Iterable[RowWrite], *, by_name: bool) -> list[str]:
        table = self.layout.table
        identity = {name for names in table.natural_keys for name in names} if by_name else set()
        wanted = {*table.key, *identity, *(name for write in writes for name in (*write.values, *write.guard))}
        return [name for name in self.layout.columns if name in wanted]

    def _look(self, names: Sequence[str], *, by_name: bool) -> _Look:
        columns = [self.layout.columns[name] for name in names]
        values = dict(zip(names, self.columns.read(columns, formulas=False), strict=True))
        formulas = dict(zip(names, self.columns.read(columns, formulas=True), strict=True))
        look = _Look(values, formulas, max((len(column) for column in values.values()), default=0))
        for row in range(look.size):
            record = {name: self._value(look, name, row) for name in look.values}
            key = self.layout.table.key_of(record)
            identity = self.layout.table.natural_key_of(record) if by_name else (key or "",)
            if any(identity):
                look.rows.setdefault(identity, []).append(row)
            if key:
                look.keys.setdefault(key, []).append(row)
        return look

    def _rows_of(self, write: RowWrite, look: _Look, *, by_name: bool) -> list[int]:
        """The rows a write is about: once a new id stands there, the id tells the row, whatever its name is by then."""
        if not by_name:
            return look.rows.get((write.key,), [])
        new = self.layout.table.key_of({name: after for name, (_, after) in write.values.items()})
        return look.keys.get(new or "", []) or look.rows.get(write.natural_key, [])

    def _value(self, look: _Look, name: str, row: int) -> Value:
        each = self.layout.table.by_name[name]
        cell = look.cell(name, row)
        try:
            return read_cell(each.kind, cell, each.reading(self.money_digits))
        except BadValueError:
            return str(cell)

    def _next(
        self, writes: Sequence[RowWrite], look: _Look, *, by_name: bool
    ) -> tuple[dict[tuple[int, int], Cell | Decimal], dict[int, str], dict[tuple[str, ...], dict[str, Value]]]:
        cells: dict[tuple[int, int], Cell | Decimal] = {}
        problems: dict[int, str] = {}
        written: dict[tuple[str, ...], dict[str, Value]] = {}
        for write in writes:
            identity = write.natural_key if by_name else (write.key,)
            rows = self._rows_of(write, look, by_name=by_name)
            if len(rows) != 1:
                problems[write.item] = _lost(rows)
                continue
            todo, problem = self._missing(write, look, rows[0])
            if problem:
                problems[write.item] = problem
            if todo:
                written[identity] = todo
            for name, value in todo.items():
                kind = self.layout.table.by_name[name].kind
                cells[rows[0] + 2, self.layout.columns[name]] = write_cell(kind, value)
        return cells, problems, written

    def _missing(self, write: RowWrite, look: _Look, row: int) -> tuple[dict[str, Value], str]:
        todo: dict[str, Value] = {}
        problem = self._guarded(write, look, row)
        for name, (before, after) in () if problem else write.values.items():
            current = self._value(look, name, row)
            if name not in self.layout.columns or current == after:
                continue
            header = self.layout.table.by_name[name].header
            if look.has_formula(name, row):
                problem = f"“{header}” holds a formula; it was kept."
            elif current != before:
                problem = f"“{header}” was edited meanwhile; the edit was kept."
            else:
                todo[name] = after
        return todo, problem

    def _guarded(self, write: RowWrite, look: _Look, row: int) -> str:
        """Why nothing of the row may be written; empty when it may."""
        for name, allowed in write.guard.items():
            found = self._value(look, name, row)
            if found not in allowed:
                header = self.layout.table.by_name[name].header
                return f"“{header}” is “{found or ''}” meanwhile; the row was left alone."
        return ""

    def _repairs(
        self, before: _Look, now: _Look, written: Mapping[tuple[str, ...], Mapping[str, Value]]
    ) -> tuple[dict[tuple[int, int], Cell | Decimal], dict[tuple[int, int], str]]:
        """Cells of other rows that our last writing hit because rows had moved, with the values or formulas before."""
        hits = {(name, value) for values in written.values() for name, value in values.items()}
        repairs: dict[tuple[int, int], Cell | Decimal] = {}
        formulas: dict[tuple[int, int], str] = {}
        for identity, rows in now.rows.items():
            old = before.rows.get(identity, [])
            if len(rows) != 1 or len(old) != 1:
                continue
            for name, value in hits:
                if written.get(identity, {}).get(name) == value or self._value(now, name, rows[0]) != value:
                    continue
                spot = (rows[0] + 2, self.layout.columns[name])
                if before.has_formula(name, old[0]):
                    formulas[spot] = before.formula(name, old[0])
                elif self._value(before, name, old[0]) != value:
                    repairs[spot] = before.cell(name, old[0]) or ""
        return repairs, formulas


def _lost(rows: Sequence[int]) -> str:
    if rows:
        return f"Several rows look alike ({', '.join(str(row + 2) for row in rows)}); none of them was written."
    return "The row is no longer in the sheet, or its name was changed; it was not written."
