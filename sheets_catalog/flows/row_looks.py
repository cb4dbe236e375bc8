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


@dataclass(slots=True)
class Look:
    """Columns of values, and of formulas, by field; some rows whole, as typed. Rows count from 0 below the header.

    `by_name`: rows are told by natural key. `names`: the identity of each row; `rows` the same the other way round.
    """

    layout: Layout
    money_digits: int
    header: Sequence[Cell]
    values: Mapping[str, Sequence[Cell]]
    by_name: bool = False
    formulas: Mapping[str, Sequence[Cell]] = field(default_factory=dict)
    whole: Mapping[int, Sequence[Cell]] = field(default_factory=dict)
    names: list[Identity] = field(default_factory=list)
    rows: dict[Identity, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in range(max((len(column) for column in self.values.values()), default=0)):
            identity = self._identity(row)
            self.names.append(identity)
            if identity:
                self.rows.setdefault(identity, []).append(row)

    def _identity(self, row: int) -> Identity:
        table = self.layout.table
        values = {name: self.value(name, row) for name in self.values}
        if self.by_name:
            return table.natural_key_of(values)
        key = table.key_of(values)
        return (key,) if key else ()

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
