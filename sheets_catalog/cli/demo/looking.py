"""Which cells of the sheet are not what they were. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Cells = list[list[Any]]


@dataclass(frozen=True, slots=True)
class ChangedCell:
    """One cell whose content, formulas as typed, is another one."""

    table: str
    row: int
    header: str
    before: Any
    after: Any

    @property
    def was_blank(self) -> bool:
        """Whether nothing stood there."""
        return bool(self.before == "" and self.after != "")


def changed_cells(before: Mapping[str, Cells], after: Mapping[str, Cells]) -> list[ChangedCell]:
    """Every cell that differs, by table, row and header."""
    return [cell for table in after for cell in _in_table(table, before.get(table, []), after[table])]


def _in_table(table: str, before: Cells, after: Cells) -> Iterator[ChangedCell]:
    header = [str(cell) for cell in (after[0] if after else [])]
    nothing: list[Any] = []
    for number, (old, new) in enumerate(zip_longest(before, after, fillvalue=nothing), 1):
        if old != new:
            yield from _in_row(table, number, header, old, new)


def _in_row(
    table: str, number: int, header: Sequence[str], old: Sequence[Any], new: Sequence[Any]
) -> Iterator[ChangedCell]:
    for at, (was, now) in enumerate(zip_longest(old, new, fillvalue="")):
        if was != now or isinstance(was, str) is not isinstance(now, str):
            yield ChangedCell(table, number, header[at] if at < len(header) else "?", was, now)
