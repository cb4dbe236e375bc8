"""How inserting, deleting and moving rows or columns moves everything that points at them.

An `Edit` maps old indexes to new ones. The grid, ranges (merges, protections, filters ...), developer metadata,
dimension groups and the references inside formulas all follow the same mapping, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.sheets.ranges import Area

Dimension: TypeAlias = Literal["ROWS", "COLUMNS"]
Span: TypeAlias = tuple[int, int | None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Insert:
    """`count` new, empty places in front of index `at`."""

    at: int
    count: int

    def span(self, start: int, end: int | None) -> Span | None:
        """A span that begins at or after `at` moves; one that contains it grows."""
        if start >= self.at:
            return start + self.count, None if end is None else end + self.count
        return start, None if end is None else end + self.count if end > self.at else end

    def apply(self, items: list[T], blank: T) -> None:
        """Do it to a list that may be shorter than the dimension (its tail is blank)."""
        if self.at < len(items):
            items[self.at : self.at] = [blank] * self.count


@dataclass(frozen=True, slots=True)
class Delete:
    """The places `start` to `end` (exclusive) are gone."""

    start: int
    end: int

    def span(self, start: int, end: int | None) -> Span | None:
        """What is left of a span; None when nothing is."""
        new_start = self._moved(start)
        if end is None:
            return new_start, None
        new_end = self._moved(end)
        return None if new_end == new_start else (new_start, new_end)

    def _moved(self, index: int) -> int:
        return index if index <= self.start else max(self.start, index - (self.end - self.start))

    def apply(self, items: list[T], blank: T) -> None:
        """Do it to a list that may be shorter than the dimension."""
        del items[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Move:
    """The places `start` to `end` go in front of index `to`, counted before they are taken out."""

    start: int
    end: int
    to: int

    @property
    def landing(self) -> int:
        """Where the block begins afterwards."""
        return self.to - (self.end - self.start) if self.to > self.start else self.to

    def span(self, start: int, end: int | None) -> Span | None:
        """A span inside the block goes with it; any other closes over the gap and opens for the landing."""
        if end is not None and self.start <= start and end <= self.end:
            shift = self.landing - self.start
            return start + shift, end + shift
        left = Delete(self.start, self.end).span(start, end)
        assert left is not None, "only a span inside the block loses everything"
        return Insert(self.landing, self.end - self.start).span(*left)

    def apply(self, items: list[T], blank: T) -> None:
        """Do it to a list that may be shorter than the dimension."""
        items.extend([blank] * (max(self.end, self.to) - len(items)))
        block = items[self.start : self.end]
        del items[self.start : self.end]
        items[self.landing : self.landing] = block


Edit: TypeAlias = Insert | Delete | Move


def moved_area(area: Area, dimension: Dimension, edit: Edit) -> Area | None:
    """Where a rectangle of the edited sheet is afterwards; None when it is gone."""
    if dimension == "ROWS":
        rows = edit.span(area.top, area.bottom)
        return None if rows is None else replace(area, top=rows[0], bottom=rows[1])
    columns = edit.span(area.left, area.right)
    return None if columns is None else replace(area, left=columns[0], right=columns[1])


_KEYS: Mapping[Dimension, tuple[str, str]] = {
    "ROWS": ("startRowIndex", "endRowIndex"),
    "COLUMNS": ("startColumnIndex", "endColumnIndex"),
}


def moved_range(grid_range: Mapping[str, Any], dimension: Dimension, edit: Edit) -> dict[str, Any] | None:
    """A GridRange afterwards; ends that were open stay open. None: gone."""
    start_key, end_key = _KEYS[dimension]
    if start_key not in grid_range and end_key not in grid_range:
        return dict(grid_range)
    span = edit.span(grid_range.get(start_key, 0), grid_range.get(end_key))
    if span is None:
        return None
    moved = dict(grid_range)
    if start_key in moved:
        moved[start_key] = span[0]
    if span[1] is not None:
        moved[end_key] = span[1]
    return moved


def moved_places(places: Mapping[int, T], edit: Edit) -> dict[int, T]:
    """Sparse per-index data afterwards."""
    moved = {}
    for index, item in places.items():
        span = edit.span(index, index + 1)
        if span is not None:
            moved[span[0]] = item
    return moved
