"""Writing cells to the right rows while people sort, insert and delete (promise 5).

Sheets has no conditional write. So a write is a loop: look where each row stands, write, look again, and do so until
what stands there is what should. Had rows moved between the look and the write, the second look shows it: the cell that
was hit by mistake gets back what it had, and the right one is written. A process that dies in between leaves nothing
worse than the loop itself would mend on resume.

A cell that holds a formula, or that a person changed meanwhile, is left alone and reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

from sheets_catalog.errors import Unavailable
from sheets_catalog.records import BadValueError, Cell, Value, read_cell, write_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.flows.tabs import Layout
    from sheets_catalog.records import Table

ROUNDS = 20
"""Most looks. Each one beyond the second means that rows moved in the moment between a look and a write."""


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


@dataclass(frozen=True, slots=True)
class _Original:
    """What a cell held before we wrote anything."""

    value: Value
    cell: Cell
    formula: str = ""


@dataclass(slots=True)
class _Round:
    """What one look asks to be written."""

    cells: dict[tuple[int, int], Cell | Decimal] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether everything stands as it should."""
        return not (self.cells or self.formulas)


@dataclass(slots=True)
class KeyedWriter:
    """Writes rows of one tab until they stand as they should, and all others as they stood."""

    layout: Layout
    columns: Columns
    money_digits: int

    def write(self, writes: Sequence[RowWrite]) -> dict[int, str]:
        """Write; returns what could not be written, as a sentence by item.

        All of `writes` are found by key, or all by natural key. Raises what the reading and writing calls raise, and
        `Unavailable` when rows moved at every look; the call is repeatable.
        """
        if not writes:
            return {}
        by_name = not writes[0].key
        task = _Task(self, {write.natural_key if by_name else (write.key,): write for write in writes}, by_name=by_name)
        for _ in range(ROUNDS):
            todo = task.next_round()
            if todo.empty:
                return todo.problems
            if todo.cells:
                self.columns.write(todo.cells)
            if todo.formulas:
                self.columns.restore(todo.formulas)
        raise Unavailable("The rows of the sheet kept moving while they were written.", service="google")


@dataclass(slots=True)
class _Task:
    """One call of `KeyedWriter.write`: which row wants what, what all rows held before, and what we ever wrote."""

    writer: KeyedWriter
    wanted: Mapping[tuple[str, ...], RowWrite]
    by_name: bool
    originals: dict[tuple[tuple[str, ...], str], _Original] = field(default_factory=dict)
    ours: set[tuple[str, Value]] = field(default_factory=set)

    def next_round(self) -> _Round:
        """Look, and decide about every cell of the columns that are written."""
        look = self._look()
        todo = _Round()
        for identity, write in self.wanted.items():
            rows = look.rows.get(identity, [])
            if len(rows) != 1:
                todo.problems[write.item] = _lost(rows)
        for identity, rows in look.rows.items():
            if len(rows) == 1:
                for name in self._written:
                    self._cell(look, identity, rows[0], name, todo)
        return todo

    @property
    def _table(self) -> Table:
        return self.writer.layout.table

    @property
    def _written(self) -> list[str]:
        names = {name for write in self.wanted.values() for name in write.values}
        return [name for name in self.writer.layout.columns if name in names]

    def _cell(self, look: _Look, identity: tuple[str, ...], row: int, name: str, todo: _Round) -> None:
        current = self._value(look, name, row)
        original = self.originals.get((identity, name))
        mine = (name, current) in self.ours
        if original is None or (not mine and current != original.value):  # first seen, or edited by a person
            formula = look.formula(name, row) if look.has_formula(name, row) else ""
            original = self.originals[identity, name] = _Original(current, look.cell(name, row), formula)
        write = self.wanted.get(identity)
        spot = (row + 2, self.writer.layout.columns[name])
        if write is not None and name in write.values:
            self._target(write, name, current, original, todo, spot, mine=mine)
        elif current != original.value or (original.formula and not look.has_formula(name, row)):
            self._put_back(name, original, todo, spot)

    def _target(
        self,
        write: RowWrite,
        name: str,
        current: Value,
        original: _Original,
        todo: _Round,
        spot: tuple[int, int],
        *,
        mine: bool,
    ) -> None:
        before, after = write.values[name]
        header = self._table.by_name[name].header
        if current == after:
            return
        if original.formula:
            todo.problems[write.item] = f"“{header}” holds a formula; it was kept."
        elif current != before and not mine:
            todo.problems[write.item] = f"“{header}” was edited meanwhile; the edit was kept."
        else:
            todo.cells[spot] = write_cell(self._table.by_name[name].kind, after)
            self.ours.add((name, after))

    def _put_back(self, name: str, original: _Original, todo: _Round, spot: tuple[int, int]) -> None:
        """A cell that one of our writes hit because rows had moved gets back what it held."""
        if original.formula:
            todo.formulas[spot] = original.formula
        else:
            todo.cells[spot] = "" if original.cell is None else original.cell
        self.ours.add((name, original.value))

    def _look(self) -> _Look:
        identity = {name for names in self._table.natural_keys for name in names} if self.by_name else set()
        wanted = {*self._table.key, *identity, *self._written}
        names = [name for name in self.writer.layout.columns if name in wanted]
        look = self._read(names)
        for row in range(look.size):
            key = self._identity(look, row)
            if key:
                look.rows.setdefault(key, []).append(row)
        return look

    def _read(self, names: Sequence[str]) -> _Look:
        """Values and formulas of the same moment: read again when rows moved between the two calls."""
        columns = [self.writer.layout.columns[name] for name in names]
        for _ in range(ROUNDS):
            values = self.writer.columns.read(columns, formulas=False)
            formulas = self.writer.columns.read(columns, formulas=True)
            if all(_same_moment(one, other) for one, other in zip(values, formulas, strict=True)):
                size = max((len(column) for column in values), default=0)
                return _Look(dict(zip(names, values, strict=True)), dict(zip(names, formulas, strict=True)), size)
        raise Unavailable("The rows of the sheet kept moving while they were read.", service="google")

    def _identity(self, look: _Look, row: int) -> tuple[str, ...]:
        values = {name: self._value(look, name, row) for name in look.values}
        if self.by_name:
            return self._table.natural_key_of(values)
        key = self._table.key_of(values)
        return (key,) if key else ()

    def _value(self, look: _Look, name: str, row: int) -> Value:
        each = self._table.by_name[name]
        cell = look.cell(name, row)
        try:
            return read_cell(each.kind, cell, each.reading(self.writer.money_digits))
        except BadValueError:
            return str(cell)


def _same_moment(values: Sequence[Cell], formulas: Sequence[Cell]) -> bool:
    """Whether a column read twice only differs where it holds formulas."""
    return all(
        value == formula or (isinstance(formula, str) and formula.startswith("="))
        for value, formula in zip_longest(values, formulas, fillvalue="")
    )


def _lost(rows: Sequence[int]) -> str:
    if rows:
        return f"Several rows look alike ({', '.join(str(row + 2) for row in rows)}); none of them was written."
    return "The row is no longer in the sheet, or its name was changed; it was not written."
