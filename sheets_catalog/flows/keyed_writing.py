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
from sheets_catalog.flows.moved_columns import same_header
from sheets_catalog.flows.row_looks import Look, Twins
from sheets_catalog.flows.strays import Original, Sent, Strays
from sheets_catalog.flows.tabs import lay_out
from sheets_catalog.google.cells import LONGEST_TEXT
from sheets_catalog.records import Cell, Value, write_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.flows.row_looks import Identity
    from sheets_catalog.flows.strays import Place
    from sheets_catalog.flows.tabs import Layout
    from sheets_catalog.records import Table

ROUNDS = 20
"""Most looks. Each one beyond the second means that rows moved in the moment between a look and a write."""

HELD = "Another row has its id already."
"""Why nothing is written by name: what is made got a row of its own, or its row had the id from a process that died."""

STUCK = 3
"""Writes without effect on a cell that stayed where it was: Sheets keeps nothing in a cell that is merged away."""


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
    stands there now and what should. `whole`: when one of them cannot be written, none is. `names`: other natural keys
    by which a row is known for it that has the key already.
    """

    item: int
    key: str
    natural_key: tuple[str, ...]
    values: Mapping[str, tuple[Value, Value]]
    whole: bool = False
    names: tuple[Identity, ...] = ()

    @property
    def too_long(self) -> bool:
        """Whether a text is more than a cell can hold."""
        return any(len(after or "") > LONGEST_TEXT for _, after in self.values.values())

    def key_in(self, table: Table) -> str:
        """The key, whether the row is found by it or gets it; empty when there is none."""
        return self.key or table.key_of({name: after for name, (_, after) in self.values.items()}) or ""


@dataclass(slots=True)
class _Round:
    """What one look asks to be written."""

    cells: dict[tuple[int, int], Cell | Decimal] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

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

    `sent` and `before`: the cells of the last round and the look it was decided on. `barred`: why nothing is written
    into a row, or into it any more. `stuck`: how often a write into a cell had no effect.
    """

    writer: KeyedWriter
    wanted: Mapping[Identity, RowWrite]
    layout: Layout
    by_name: bool
    originals: dict[Place, Original] = field(default_factory=dict)
    barred: dict[Identity, str] = field(default_factory=dict)
    stuck: Counter[Place] = field(default_factory=Counter)
    sent: Sequence[Sent] = ()
    before: Look | None = None
    strays: Strays | None = None
    twins: Twins | None = None

    def next_round(self) -> _Round:
        """Look, and decide about every cell of the columns that are written."""
        look = self._look()
        if self.before is None and look.shared:  # everything is read then, to tell them by it
            self.twins = Twins()
            look = self._look()
            names = [name for name in look.values if name not in {*self._written, *self._table.key}]
            self.twins = Twins.of(look, look.shared, names)
        todo = _Round()
        if not look.layout.usable:
            todo.problems = dict.fromkeys((write.item for write in self.wanted.values()), _unusable(look.layout))
            return todo
        mine = self._hit(look, todo)
        self._bar(look)
        for identity, write in self.wanted.items():
            problem = self.barred.get(identity) or _absent(look, identity, write)
            if problem:
                todo.problems[write.item] = problem
        for identity, rows in look.rows.items():
            if len(rows) == 1:
                for name in self._written:
                    self._cell(look, identity, rows[0], name, todo, mine=(identity, name) in mine)
        self.sent, self.before = todo.sent, look
        return todo

    @property
    def _table(self) -> Table:
        return self.layout.table

    @property
    def _written(self) -> list[str]:
        names = {name for write in self.wanted.values() for name in write.values}
        return [name for name in self.layout.columns if name in names]

    def _hit(self, look: Look, todo: _Round) -> Mapping[Place, Value]:
        """Cells of known records that our last writes hit by mistake; what no name leads to is put back here."""
        if self.strays is None or self.before is None:
            self.strays = Strays(look)
            return {}
        meant = {
            (identity, name): write.values[name][1] for identity, write in self.wanted.items() for name in write.values
        }
        for each in self.strays.find(look, self.before, self.sent, self.originals, meant):
            todo.put((each.row + 2, each.column), each.typed, formula=each.formula)
        return self.strays.dirty

    def _bar(self, look: Look) -> None:
        """Rows that are written whole or not at all, and cells in which nothing stays."""
        if self.before is None:
            found = {each: self._blocked(look, each, write) for each, write in self.wanted.items() if write.whole}
            self.barred = {identity: problem for identity, problem in found.items() if problem} | self._held(look)
            return
        for one in self.sent:
            row, was = look.only(one.identity), self.before.only(one.identity)
            still = row is not None and row == was == one.row and look.layout.columns.get(one.name) == one.column
            if still and look.value(one.name, one.row) == self.before.value(one.name, one.row) != one.value:
                self.stuck[one.identity, one.name] += 1
                if self.stuck[one.identity, one.name] >= STUCK:
                    header = self._table.by_name[one.name].header
                    self.barred[one.identity] = f"“{header}” keeps no value here: its cell is merged with others."

    def _held(self, look: Look) -> dict[Identity, str]:
        """Of rows told by name, those whose key stands in a row that may be theirs. With another name it strayed."""
        keys = {key: identity for identity, key in self._keys.items()}
        held: dict[Identity, str] = {}
        for row in range(len(look.names) if keys else 0):
            identity = keys.get(look.key(row) or "")
            if identity and {identity, *self.wanted[identity].names}.intersection(look.natural_keys(row)):
                held[identity] = HELD
        return held

    @property
    def _keys(self) -> dict[Identity, str]:
        """The keys that rows told by name are to get."""
        found = {identity: write.key_in(self._table) for identity, write in self.wanted.items() if self.by_name}
        return {identity: key for identity, key in found.items() if key}

    def _blocked(self, look: Look, identity: Identity, write: RowWrite) -> str:
        """Why not all values of a row can be written; empty when they can."""
        absent, row = _absent(look, identity, write), look.only(identity)
        if absent or row is None:
            return absent
        for name, (before, after) in write.values.items():
            current = look.value(name, row)
            if current != after and look.has_formula(name, row):
                return self._formula(name)
            if current not in {before, after}:
                return self._edited(name)
        return ""

    def _formula(self, name: str) -> str:
        return f"“{self._table.by_name[name].header}” holds a formula; it was kept."

    def _edited(self, name: str) -> str:
        return f"“{self._table.by_name[name].header}” was edited meanwhile; the edit was kept."

    # --- what every cell should hold ---

    def _cell(self, look: Look, identity: Identity, row: int, name: str, todo: _Round, *, mine: bool) -> None:
        current = look.value(name, row)
        original = self.originals.get((identity, name))
        if original is None or not mine:  # first seen, or as a person left it
            formula = look.has_formula(name, row)
            original = self.originals[identity, name] = Original(current, look.typed(name, row), formula)
        write = None if identity in self.barred else self.wanted.get(identity)
        spot = (row + 2, look.layout.columns[name])
        if write is not None and name in write.values and not original.formula:
            after = self._target(write, name, current, todo, mine=mine)
            if after is not _LEFT:
                cell = todo.cells[spot] = write_cell(self._table.by_name[name].kind, after)
                todo.sent.append(Sent(identity, name, after, cell, row, spot[1]))
            return
        if write is not None and name in write.values and current != write.values[name][1]:
            todo.problems[write.item] = self._formula(name)
        if mine:
            todo.put(spot, original.typed, formula=original.formula)
            if not original.formula:
                todo.sent.append(Sent(identity, name, original.value, todo.cells[spot], row, spot[1]))

    def _target(self, write: RowWrite, name: str, current: Value, todo: _Round, *, mine: bool) -> Value:
        """What to write into a cell that is to get a value; `_LEFT` when nothing."""
        before, after = write.values[name]
        if current == after:
            return _LEFT
        if current != before and not mine:
            todo.problems[write.item] = self._edited(name)
            return _LEFT
        return after

    # --- looking ---

    def _look(self) -> Look:
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

    def _read(self) -> Look | None:
        """Look; None when something moved. Rows that are written are read whole, for what stands in other columns."""
        names = self._interesting
        columns = [self.layout.columns[name] for name in names]
        shot = self.writer.columns.look(columns, [], formulas=False)
        layout = lay_out(self._table, shot.header, self._table.title)
        if layout.columns != self.layout.columns:
            self.layout = layout
            return None if layout.usable else Look(layout, self.writer.money_digits, shot.header, {})
        values = dict(zip(names, shot.columns, strict=True))
        look = Look(
            layout, self.writer.money_digits, shot.header, values, self.by_name, self._keys, self.twins or Twins()
        )
        spots = {row for identity in self.wanted for row in look.rows.get(identity, [])}
        spots |= {one.row for one in self.sent if one.row < len(look.names)}
        typed = self.writer.columns.look(columns, [row + 2 for row in spots], formulas=True)
        same = all(same_moment(one, other) for one, other in zip(shot.columns, typed.columns, strict=True))
        if not same or not same_header(shot.header, typed.header):
            return None
        look.formulas = dict(zip(names, typed.columns, strict=True))
        look.whole = {row: typed.rows[row + 2] for row in spots if row + 2 in typed.rows}
        return look

    @property
    def _interesting(self) -> list[str]:
        identity = {name for names in self._table.natural_keys for name in names} if self.by_name else set()
        wanted = {*self._table.key, *identity, *self._written}
        return [name for name in self.layout.columns if name in wanted or self.twins is not None]


_LEFT: Value = "\0left"
"""In place of a value: the cell is left as it is. No cell can hold it."""


def _absent(look: Look, identity: Identity, write: RowWrite) -> str:
    """Why a row cannot be written as a whole, or not all of it; empty when it can."""
    rows = look.rows.get(identity, [])
    if len(rows) != 1:
        return _lost(rows)
    gone = next((name for name in write.values if name not in look.layout.columns), "")
    header = look.layout.table.by_name[gone].header if gone else ""
    return f"The column “{header}” is no longer in the sheet; it was not written." if gone else ""


def same_moment(values: Sequence[Cell], formulas: Sequence[Cell]) -> bool:
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
