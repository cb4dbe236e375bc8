"""Writing cells to the right rows while people sort, insert and delete (promise 5).

Sheets has no conditional write. So a write is a loop: look where each row and column stands, write, look again, and do
so until what stands there is what should. Had rows or columns moved between the look and the write, the second look
shows it: the cell that was hit by mistake gets back what it had, and the right one is written. A process that dies in
between leaves nothing worse than the loop itself would mend on resume.

A cell that holds a formula, or that a person changed meanwhile, is left alone and reported.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

from sheets_catalog.errors import Refused, Unavailable
from sheets_catalog.flows.moved_columns import content_before, same_cell, same_header
from sheets_catalog.flows.tabs import lay_out
from sheets_catalog.records import BadValueError, Cell, Value, read_cell, write_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from typing import TypeAlias

    from sheets_catalog.flows.tabs import Layout
    from sheets_catalog.records import Table

    _Identity: TypeAlias = tuple[str, ...]

ROUNDS = 20
"""Most looks. Each one beyond the second means that rows moved in the moment between a look and a write."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What one call saw: the header, columns from the first row after it on, and whole rows by their numbers."""

    header: Sequence[Cell]
    columns: Sequence[Sequence[Cell]]
    rows: Mapping[int, Sequence[Cell]] = field(default_factory=dict)


class Columns(Protocol):
    """Reads columns and writes single cells of one tab."""

    def look(self, columns: Sequence[int], rows: Sequence[int], *, formulas: bool) -> Shot:
        """The header, the cells of each column (from 0), and the rows of these numbers, all of one moment."""

    def write(self, cells: Mapping[tuple[int, int], Cell | Decimal]) -> None:
        """Write cells by (row number, column from 0), RAW."""

    def restore(self, formulas: Mapping[tuple[int, int], str]) -> None:
        """Put formulas back by (row number, column from 0)."""


@dataclass(frozen=True, slots=True)
class RowWrite:
    """What one row should get. `item` names it in the answer.

    The row is found by `key`, or by `natural_key` where the key itself is to be written. `values`: field name to what
    stands there now and what should.
    """

    item: int
    key: str
    natural_key: tuple[str, ...]
    values: Mapping[str, tuple[Value, Value]]


def is_formula(shown: Cell, value: Cell) -> bool:
    """A formula shows its text when asked for formulas and its value otherwise; a text shows itself both times."""
    return isinstance(shown, str) and shown.startswith("=") and shown != value


@dataclass(slots=True)
class _Look:
    """One snapshot: for each field of interest a column of values, and of formulas; some rows whole, as typed.

    `names`: what the record of each row is called, ``()`` where nothing tells; `rows` the same the other way round.
    Rows are counted from 0 below the header.
    """

    layout: Layout
    header: Sequence[Cell]
    values: dict[str, Sequence[Cell]]
    formulas: dict[str, Sequence[Cell]] = field(default_factory=dict)
    whole: dict[int, Sequence[Cell]] = field(default_factory=dict)
    names: list[_Identity] = field(default_factory=list)
    rows: dict[_Identity, list[int]] = field(default_factory=dict)

    def cell(self, name: str, row: int) -> Cell:
        column = self.values[name]
        return column[row] if row < len(column) else None

    def typed(self, name: str, row: int) -> Cell:
        """The cell as it was typed: a formula's text, or the value."""
        return self.formula(name, row) if self.has_formula(name, row) else self.cell(name, row)

    def has_formula(self, name: str, row: int) -> bool:
        """Whether the cell holds a formula."""
        column = self.formulas.get(name, [])
        return is_formula(column[row] if row < len(column) else None, self.cell(name, row))

    def formula(self, name: str, row: int) -> str:
        """The formula's text."""
        return str(self.formulas[name][row])

    def only(self, identity: _Identity) -> int | None:
        """The row of a record, when it is the only one."""
        rows = self.rows.get(identity, [])
        return rows[0] if len(rows) == 1 else None


@dataclass(frozen=True, slots=True)
class _Original:
    """What a cell held before we wrote anything."""

    value: Value
    typed: Cell
    formula: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    """A cell that was written: for which record and field, what, and where that stood when we looked."""

    identity: _Identity
    name: str
    value: Value
    cell: Cell | Decimal
    row: int
    column: int


@dataclass(slots=True)
class _Round:
    """What one look asks to be written."""

    cells: dict[tuple[int, int], Cell | Decimal] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    sent: list[_Sent] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether everything stands as it should."""
        return not (self.cells or self.formulas)

    def put(self, spot: tuple[int, int], typed: Cell, *, formula: bool) -> None:
        """Give a cell back what it held."""
        if formula:
            self.formulas[spot] = str(typed)
        else:
            self.cells[spot] = "" if typed is None else typed


@dataclass(slots=True)
class KeyedWriter:
    """Writes rows of one tab until they stand as they should, and all others as they stood.

    `layout`: as the tab was when it was opened; every look reads the header again and follows it.
    """

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
        wanted = {write.natural_key if by_name else (write.key,): write for write in writes}
        task = _Task(self, wanted, self.layout, by_name=by_name)
        refused: tuple[Refused, _Round] | None = None
        for _ in range(ROUNDS):
            todo = task.next_round()
            if todo.empty:
                return todo.problems
            if refused is not None and refused[1].cells == todo.cells:
                raise refused[0]
            refused = None
            try:
                self._send(todo)
            except Refused as error:  # the last rows or columns may have been deleted a moment ago
                refused = error, todo
        raise Unavailable("The rows of the sheet kept moving while they were written.", service="google")

    def _send(self, todo: _Round) -> None:
        if todo.cells:
            self.columns.write(todo.cells)
        if todo.formulas:
            self.columns.restore(todo.formulas)


@dataclass(slots=True)
class _Task:
    """One call of `KeyedWriter.write`: which row wants what, what all rows held before, and what we wrote last.

    `sent` and `before`: the cells of the last round and the look it was decided on. `dirty`: cells of others that were
    hit by mistake and still wait for what they held, with what they were hit with.
    """

    writer: KeyedWriter
    wanted: Mapping[_Identity, RowWrite]
    layout: Layout
    by_name: bool
    originals: dict[tuple[_Identity, str], _Original] = field(default_factory=dict)
    dirty: dict[tuple[_Identity, str], Value] = field(default_factory=dict)
    sent: Sequence[_Sent] = ()
    before: _Look | None = None

    def next_round(self) -> _Round:
        """Look, and decide about every cell of the columns that are written."""
        look = self._look()
        todo = _Round()
        if not look.layout.usable:
            todo.problems = dict.fromkeys((write.item for write in self.wanted.values()), _unusable(look.layout))
            return todo
        mine = self._ours(look, todo)
        for identity, write in self.wanted.items():
            rows = look.rows.get(identity, [])
            gone = [name for name in write.values if name not in look.layout.columns]
            if len(rows) != 1:
                todo.problems[write.item] = _lost(rows)
            elif gone:
                header = look.layout.table.by_name[gone[0]].header
                todo.problems[write.item] = f"The column “{header}” is no longer in the sheet; it was not written."
        for identity, rows in look.rows.items():
            if len(rows) == 1:
                for name in self._written:
                    self._cell(look, identity, rows[0], name, todo, mine=(rows[0], name) in mine)
        self.sent, self.before = todo.sent, look
        return todo

    @property
    def _table(self) -> Table:
        return self.layout.table

    @property
    def _written(self) -> list[str]:
        names = {name for write in self.wanted.values() for name in write.values}
        return [name for name in self.layout.columns if name in names]

    # --- what our last writes hit ---

    def _ours(self, look: _Look, todo: _Round) -> set[tuple[int, str]]:
        """Cells that hold what we meant for another one, by row and field; what no field stands for is put back here.

        A value that stands where it was meant to proves that nothing moved under its write. Only one that does not is
        looked for, first at the spot it was sent to: a person may type the same value anywhere.
        """
        for (identity, name), value in list(self.dirty.items()):
            row = look.only(identity)
            if row is None or name not in look.values or self._value(look, name, row) != value:
                del self.dirty[identity, name]
        astray = [one for one in self.sent if not self._landed(look, one)]
        astray = [one for one in astray if not self._in_other_column(look, one, todo)]
        changed = self._changed(look) if astray else {}
        for one in astray:
            rows = changed.get((one.name, one.value), [])
            if rows:
                row = rows.pop(rows.index(one.row) if one.row in rows else 0)
                self.dirty[look.names[row], one.name] = one.value
            else:
                self._in_nameless_row(look, one, todo)
        return {(row, name) for identity, name in self.dirty if (row := look.only(identity)) is not None}

    def _landed(self, look: _Look, one: _Sent) -> bool:
        rows = look.rows.get(one.identity, []) if one.name in look.values else []
        return any(self._value(look, one.name, row) == one.value for row in rows)

    def _changed(self, look: _Look) -> dict[tuple[str, Value], list[int]]:
        """Rows of cells that hold something else than before and than they should, by field and value."""
        found: dict[tuple[str, Value], list[int]] = {}
        for (identity, name), original in self.originals.items():
            row = look.only(identity) if name in look.values else None
            if row is None or (identity, name) in self.dirty:
                continue
            value, write = self._value(look, name, row), self.wanted.get(identity)
            meant = write is not None and name in write.values and write.values[name][1] == value
            if not meant and (value != original.value or look.has_formula(name, row) != original.formula):
                found.setdefault((name, value), []).append(row)
        return found

    def _in_other_column(self, look: _Look, one: _Sent, todo: _Round) -> bool:
        """Whether a write hit another column because columns had moved; that cell gets back what it held."""
        if self.before is None or look.layout.columns.get(one.name) == one.column:
            return False
        for row in dict.fromkeys((look.only(one.identity), one.row)):
            now = look.whole.get(row, ()) if row is not None else ()
            then = self.before.only(look.names[row]) if row is not None and row < len(look.names) else None
            if row is None or then is None or one.column >= len(now) or not same_cell(now[one.column], one.cell):
                continue
            each = look.layout.field_at(one.column)
            if each is not None and (look.names[row], each.name) in self.originals:
                self.dirty[look.names[row], each.name] = self._value(look, each.name, row)
            elif then in self.before.whole:
                held = content_before(self.before.header, self.before.whole[then], look.header, now, one.column)
                if not same_cell(held, now[one.column]):
                    todo.put((row + 2, one.column), held, formula=isinstance(held, str) and held.startswith("="))
            return True
        return False

    def _in_nameless_row(self, look: _Look, one: _Sent, todo: _Round) -> None:
        """A write that hit a row without name, such as one inserted this moment: it gets back what is missing now."""
        if self.before is None or one.name not in look.values or one.row >= len(look.names) or look.names[one.row]:
            return
        now: list[Cell] = [look.typed(one.name, row) or "" for row, name in enumerate(look.names) if not name]
        then: list[Cell] = [
            self.before.typed(one.name, row) or "" for row, name in enumerate(self.before.names) if not name
        ]
        if self._value(look, one.name, one.row) != one.value or Counter(now) <= Counter(then):
            return
        held = next((cell for cell in Counter(then) - Counter(now) if cell), "")
        formula = isinstance(held, str) and held.startswith("=")
        todo.put((one.row + 2, look.layout.columns[one.name]), held, formula=formula)

    # --- what every cell should hold ---

    def _cell(self, look: _Look, identity: _Identity, row: int, name: str, todo: _Round, *, mine: bool) -> None:
        current = self._value(look, name, row)
        original = self.originals.get((identity, name))
        if original is None or not mine:  # first seen, or as a person left it
            formula = look.has_formula(name, row)
            original = self.originals[identity, name] = _Original(current, look.typed(name, row), formula)
        write = self.wanted.get(identity)
        spot = (row + 2, look.layout.columns[name])
        if write is not None and name in write.values and not original.formula:
            after = self._target(write, name, current, todo, mine=mine)
            if after is not _LEFT:
                cell = todo.cells[spot] = write_cell(self._table.by_name[name].kind, after)
                todo.sent.append(_Sent(identity, name, after, cell, row, spot[1]))
            return
        if write is not None and name in write.values and current != write.values[name][1]:
            todo.problems[write.item] = f"“{self._table.by_name[name].header}” holds a formula; it was kept."
        if mine:
            todo.put(spot, original.typed, formula=original.formula)
            if not original.formula:
                todo.sent.append(_Sent(identity, name, original.value, todo.cells[spot], row, spot[1]))

    def _target(self, write: RowWrite, name: str, current: Value, todo: _Round, *, mine: bool) -> Value:
        """What to write into a cell that is to get a value; `_LEFT` when nothing."""
        before, after = write.values[name]
        if current == after:
            return _LEFT
        if current != before and not mine:
            header = self._table.by_name[name].header
            todo.problems[write.item] = f"“{header}” was edited meanwhile; the edit was kept."
            return _LEFT
        return after

    # --- looking ---

    def _look(self) -> _Look:
        """Values and formulas of the same moment: read again when rows or columns moved between the two calls."""
        for attempt in range(ROUNDS):
            try:
                look = self._read()
            except Refused:  # what was asked for may lie behind the last column since one was deleted
                if attempt > 1:
                    raise
                shot = self.writer.columns.look([], [], formulas=False)
                self.layout = lay_out(self._table, shot.header, self._table.title)
                look = None
            if look is not None:
                return look
        raise Unavailable("The rows of the sheet kept moving while they were read.", service="google")

    def _read(self) -> _Look | None:
        """Look; None when something moved. Rows that are written are read whole, for what stands in other columns."""
        names = self._interesting
        columns = [self.layout.columns[name] for name in names]
        shot = self.writer.columns.look(columns, [], formulas=False)
        layout = lay_out(self._table, shot.header, self._table.title)
        if layout.columns != self.layout.columns:
            self.layout = layout
            return None if layout.usable else _Look(layout, shot.header, {})
        look = _Look(layout, shot.header, dict(zip(names, shot.columns, strict=True)))
        self._name_rows(look)
        spots = {row for identity in self.wanted for row in look.rows.get(identity, [])}
        spots |= {one.row for one in self.sent if one.row < len(look.names)}
        typed = self.writer.columns.look(columns, [row + 2 for row in spots], formulas=True)
        same = all(_same_moment(one, other) for one, other in zip(shot.columns, typed.columns, strict=True))
        if not same or not same_header(shot.header, typed.header):
            return None
        look.formulas = dict(zip(names, typed.columns, strict=True))
        look.whole = {row: typed.rows[row + 2] for row in spots if row + 2 in typed.rows}
        return look

    @property
    def _interesting(self) -> list[str]:
        identity = {name for names in self._table.natural_keys for name in names} if self.by_name else set()
        wanted = {*self._table.key, *identity, *self._written}
        return [name for name in self.layout.columns if name in wanted]

    def _name_rows(self, look: _Look) -> None:
        for row in range(max((len(column) for column in look.values.values()), default=0)):
            identity = self._identity(look, row)
            look.names.append(identity)
            if identity:
                look.rows.setdefault(identity, []).append(row)

    def _identity(self, look: _Look, row: int) -> _Identity:
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


_LEFT: Value = "\0left"
"""In place of a value: the cell is left as it is. No cell can hold it."""


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


def _unusable(layout: Layout) -> str:
    return next(finding.message for finding in layout.findings if finding.severity == "error")
