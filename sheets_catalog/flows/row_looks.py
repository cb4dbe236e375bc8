"""One snapshot of a tab's rows for the keyed writer: what stands in them, and what its record is called. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sheets_catalog.records import BadValueError, Cell, Value, read_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.flows.tabs import Layout

Identity: TypeAlias = tuple[str, ...]
"""What a record is called: its key, or its natural key; ``()`` where nothing tells."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Rows of one name, told by what else stood in them before anything was written: a write may hit the wrong one.

    `names`: the fields that are compared, none of which is written. `told`: what a row with a natural key and these
    values is called.
    """

    names: tuple[str, ...] = ()
    told: Mapping[tuple[Identity, tuple[Value, ...]], Identity] = field(default_factory=dict)

    def know(self, name: Identity) -> bool:
        """Whether there were several rows of this name."""
        return any(name == each for each, _ in self.told)

    @classmethod
    def of(cls, look: Look, shared: Mapping[Identity, Sequence[int]], names: Sequence[str]) -> Twins:
        """The rows of `shared` names, as far as their values differ."""
        seen = [(each, look.content(row, names)) for each, rows in shared.items() for row in rows]
        called = [look.names[row] for rows in shared.values() for row in rows]
        return cls(tuple(names), {one: name for one, name in zip(seen, called, strict=True) if seen.count(one) == 1})


@dataclass(slots=True)
class Look:
    """Columns of values, and of formulas, by field; some rows whole, as typed. Rows count from 0 below the header.

    `by_name`: rows are told by natural key. `keys`: by natural key, the key that its row is to get: of several rows
    with that name it is the one that `twins` tell, or those without a key, else those with this one, else all of them.
    `names`: the identity of each row; `rows` the same the other way round. `shared`: the rows of names in `keys` that
    several of them have.
    """

    layout: Layout
    money_digits: int
    header: Sequence[Cell]
    values: Mapping[str, Sequence[Cell]]
    by_name: bool = False
    keys: Mapping[Identity, str] = field(default_factory=dict)
    twins: Twins = field(default_factory=Twins)
    formulas: Mapping[str, Sequence[Cell]] = field(default_factory=dict)
    whole: Mapping[int, Sequence[Cell]] = field(default_factory=dict)
    names: list[Identity] = field(default_factory=list)
    rows: dict[Identity, list[int]] = field(default_factory=dict)
    shared: dict[Identity, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in range(max((len(column) for column in self.values.values()), default=0)):
            identity = self._identity(row)
            self.names.append(identity)
            if identity:
                self.rows.setdefault(identity, []).append(row)
        for identity, key in self.keys.items():
            if len(self.rows.get(identity, ())) > 1 or (identity in self.rows and self.twins.know(identity)):
                self._tell_apart(identity, key)

    def _tell_apart(self, identity: Identity, key: str) -> None:
        """Rows of one name: those that are not meant are called by their key instead."""
        rows = {
            row: self.twins.told.get((identity, self.content(row, self.twins.names)), ()) for row in self.rows[identity]
        }
        found = {row: self.key(row) or "" for row, called in rows.items() if not called}
        without = [row for row, held in found.items() if not held]
        meant = without or [row for row, held in found.items() if held == key] or [*found]
        self.shared[identity] = [*rows]
        told = identity in rows.values()
        for row, held in found.items():
            rows[row] = identity if row in meant and not told else ("", held)
        del self.rows[identity]
        for row, called in rows.items():
            self.names[row] = called
            self.rows.setdefault(called, []).append(row)

    def content(self, row: int, names: Sequence[str]) -> tuple[Value, ...]:
        """What stands in a row's cells of these fields."""
        return tuple(self.value(name, row) if name in self.values else None for name in names)

    def _identity(self, row: int) -> Identity:
        if self.by_name:
            return next(iter(self.natural_keys(row)), ())
        key = self.key(row)
        return (key,) if key else ()

    def key(self, row: int) -> str | None:
        """The key that stands in a row."""
        return self.layout.table.key_of({name: self.value(name, row) for name in self.values})

    def natural_keys(self, row: int) -> list[Identity]:
        """All that a row may be told by, whether it has a key or not."""
        return self.layout.table.natural_keys_of({name: self.value(name, row) for name in self.values})

    def cell(self, name: str, row: int) -> Cell:
        """The raw cell."""
        column = self.values[name]
        return column[row] if row < len(column) else None

    def value(self, name: str, row: int) -> Value:
        """The cell's canonical value; its text where it cannot be read."""
        each = self.layout.table.by_name[name]
        cell = self.cell(name, row)
        try:
            return read_cell(each.kind, cell, each.reading(self.money_digits))
        except BadValueError:
            return str(cell)

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

    def only(self, identity: Identity) -> int | None:
        """The row of a record, when it is the only one."""
        rows = self.rows.get(identity, [])
        return rows[0] if len(rows) == 1 else None


def is_formula(shown: Cell, value: Cell) -> bool:
    """A formula shows its text when asked for formulas and its value otherwise; a text shows itself both times."""
    return isinstance(shown, str) and shown.startswith("=") and shown != value
