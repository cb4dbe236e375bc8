"""Where writes landed that missed their cell, because rows or columns moved under them; told from looks. Pure.

Cells that were written and records that got their value are counted against each other: a record may hold its value
although its own write missed, because the write of another one with the same value hit it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sheets_catalog.flows.moved_columns import content_before, same_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.flows.row_looks import Identity, Look
    from sheets_catalog.records import Cell, Value

Place: TypeAlias = "tuple[Identity, str]"
"""A cell of a known record: which one, and which field."""


@dataclass(frozen=True, slots=True)
class Original:
    """What a cell held before we wrote anything."""

    value: Value
    typed: Cell
    formula: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A cell that was written: for which record and field, what, and where that stood when we looked."""

    identity: Identity
    name: str
    value: Value
    cell: Cell | Decimal
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Restore:
    """A cell that gets back what it held. `row` counts from 0 below the header, `column` from 0."""

    row: int
    column: int
    typed: Cell

    @property
    def formula(self) -> bool:
        """Whether it was a formula."""
        return isinstance(self.typed, str) and self.typed.startswith("=")


@dataclass(slots=True)
class Strays:
    """What our writes have hit by mistake, in one call of the keyed writer.

    `first`: the look before anything was written; rows that have no name in it are unknown: blank ones, new ones, and
    those whose name was hit. `dirty`: cells of known records that were hit, with what they were hit with; they wait for
    what they held. `loose`: values that stand in unknown rows and should not, by field and value.
    """

    first: Look
    dirty: dict[Place, Value] = field(default_factory=dict)
    loose: Counter[tuple[str, Value]] = field(default_factory=Counter)

    def find(
        self,
        look: Look,
        before: Look,
        sent: Sequence[Sent],
        originals: Mapping[Place, Original],
        meant: Mapping[Place, Value],
    ) -> Iterator[Restore]:
        """Judge the writes that were decided on `before`; yields cells that no record's name leads to.

        Those of known records are in `dirty` afterwards. `meant`: what is to stand in cells that are written.
        """
        for (identity, name), value in list(self.dirty.items()):
            row = look.only(identity)
            if row is None or name not in look.values or look.value(name, row) != value:
                del self.dirty[identity, name]
        astray = []
        for one in sent:
            if not _landed(look, one):
                found = self._in_other_column(look, before, one, originals)
                if found is None:
                    astray.append(one)
                else:
                    yield from found
        changed = self._changed(look, originals, meant) if astray else {}
        lost: Counter[tuple[str, Value]] = Counter()
        for one in astray:
            rows = changed.get((one.name, one.value), [])
            if rows:  # first the spot it was sent to: a person may type the same value anywhere
                row = rows.pop(rows.index(one.row) if one.row in rows else 0)
                self.dirty[look.names[row], one.name] = one.value
            elif one.name in look.values:
                lost[one.name, one.value] += 1
        for (name, value), number in lost.items():
            came = len(self._unknown(look, name, value)) - len(self._unknown(before, name, value))
            self.loose[name, value] += max(0, min(number, came))
        yield from self._put_back(look, {one.row for one in sent})

    def _put_back(self, look: Look, spots: set[int]) -> Iterator[Restore]:
        """What unknown rows held; a value that is not found in any of them any more is not waited for."""
        hit: dict[int, dict[str, Value]] = {}
        for (name, value), number in list(self.loose.items()):
            rows = sorted(self._unknown(look, name, value), key=lambda row: (row not in spots, row))[:number]
            self.loose[name, value] = len(rows)
            for row in rows:
                hit.setdefault(row, {})[name] = value
        self.loose = +self.loose
        for row, names in hit.items():
            held = self._held(look, row, names)
            for name in names:
                yield Restore(row, look.layout.columns[name], held[name])

    def _unknown(self, look: Look, name: str, value: Value) -> list[int]:
        """Rows with this value whose record was not there, under this name, when we first looked."""
        if name not in look.values:
            return []
        return [
            row
            for row, identity in enumerate(look.names)
            if identity not in self.first.rows and look.value(name, row) == value
        ]

    def _held(self, look: Look, row: int, hit: Mapping[str, Value]) -> dict[str, Cell]:
        """What stood in an unknown row that was hit in these fields: told by its other cells, else blank."""
        first = self.first
        others = [name for name in look.values if name not in hit and name in first.values]

        def alike(one: Look, at: int) -> bool:
            return all(same_cell(one.typed(name, at) or "", look.typed(name, row) or "") for name in others)

        gone = [at for at, each in enumerate(first.names) if each not in look.rows and alike(first, at)]
        here = [at for at, each in enumerate(look.names) if each not in first.rows and alike(look, at)]
        held: dict[str, Cell] = {}
        for name in hit:
            then: Counter[Cell] = Counter(first.typed(name, at) or "" for at in gone if name in first.values)
            now: Counter[Cell] = Counter(look.typed(name, at) or "" for at in here)
            held[name] = next((cell for cell in then - now if cell), "")
        return held

    def _changed(
        self, look: Look, originals: Mapping[Place, Original], meant: Mapping[Place, Value]
    ) -> dict[tuple[str, Value], list[int]]:
        """Rows of cells that hold something else than before and than they should, by field and value."""
        found: dict[tuple[str, Value], list[int]] = {}
        for (identity, name), original in originals.items():
            row = look.only(identity) if name in look.values else None
            if row is None or (identity, name) in self.dirty:
                continue
            value = look.value(name, row)
            as_meant = (identity, name) in meant and meant[identity, name] == value
            if not as_meant and (value != original.value or look.has_formula(name, row) != original.formula):
                found.setdefault((name, value), []).append(row)
        return found

    def _in_other_column(
        self, look: Look, before: Look, one: Sent, originals: Mapping[Place, Original]
    ) -> list[Restore] | None:
        """What a write hit in another column, because columns had moved, gets back; None when it did not."""
        if look.layout.columns.get(one.name) == one.column:
            return None
        for row in dict.fromkeys((look.only(one.identity), one.row)):
            now = look.whole.get(row, ()) if row is not None else ()
            then = before.only(look.names[row]) if row is not None and row < len(look.names) else None
            if row is None or then is None or one.column >= len(now) or not same_cell(now[one.column], one.cell):
                continue
            each = look.layout.field_at(one.column)
            if each is not None and (look.names[row], each.name) in originals:
                self.dirty[look.names[row], each.name] = look.value(each.name, row)
            elif then in before.whole:
                held = content_before(before.header, before.whole[then], look.header, now, one.column)
                if not same_cell(held, now[one.column]):
                    return [Restore(row, one.column, held)]
            return []
        return None


def _landed(look: Look, one: Sent) -> bool:
    rows = look.rows.get(one.identity, []) if one.name in look.values else []
    return any(look.value(one.name, row) == one.value for row in rows)
