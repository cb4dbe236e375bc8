"""What a cell held before a column was inserted or deleted under a write: told from two headers and rows."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sheets_catalog.records import Cell


def same_cell(shown: Cell | Decimal, other: Cell | Decimal) -> bool:
    """Whether two cells hold the same; no content is an empty text, a Decimal the number Sheets makes of it."""
    one, two = (float(each) if isinstance(each, Decimal) else "" if each is None else each for each in (shown, other))
    return one == two and isinstance(one, bool) == isinstance(two, bool)


def same_header(one: Sequence[Cell], other: Sequence[Cell]) -> bool:
    """Whether two headers name the same columns in the same places."""
    return _trimmed(one) == _trimmed(other)


def content_before(
    header: Sequence[Cell], row: Sequence[Cell], header_now: Sequence[Cell], row_now: Sequence[Cell], column: int
) -> Cell:
    """What the cell in `column` of today's row held under the old header; ``""`` in a column that was not there."""
    source = _source(header, header_now, column)
    if source is None or source >= len(row):
        return ""
    held = row[source]
    blank = not _named(header_now)[column:][:1] or _named(header_now)[column] is None
    others = [cell for at, cell in enumerate(row_now) if at != column]
    if (
        blank
        and held not in {None, ""}
        and others.count(held) > row[:source].count(held) + row[source + 1 :].count(held)
    ):
        return ""  # the nameless column stands beside: this is the one that was inserted
    return held


def _source(header: Sequence[Cell], now: Sequence[Cell], column: int) -> int | None:
    """The old place of a column; those without name are told by their distance to the nearest one that has a name."""
    old = {name: at for at, name in enumerate(_named(header)) if name is not None}
    new = _named(now)
    name = new[column] if column < len(new) else None
    if name is not None:
        return old.get(name)
    known = [(at, old[each]) for at, each in enumerate(new) if each is not None and each in old]
    right = next(((at, was) for at, was in known if at > column), None)
    left = next(((at, was) for at, was in reversed(known) if at < column), None)
    anchor = right or left
    if anchor is None:
        return column
    source = anchor[1] - (anchor[0] - column)
    names = _named(header)
    nameless = source >= 0 and (source >= len(names) or names[source] is None)
    return source if nameless else None


def _named(header: Sequence[Cell]) -> list[tuple[str, int] | None]:
    """Each column's name and how often it came before, so that twins are told apart; None for a blank header."""
    seen: Counter[str] = Counter()
    names: list[tuple[str, int] | None] = []
    for cell in header:
        text = "" if cell is None else str(cell)
        names.append((text, seen[text]) if text else None)
        seen[text] += 1
    return names


def _trimmed(header: Sequence[Cell]) -> list[str]:
    texts = ["" if cell is None else str(cell) for cell in header]
    while texts and not texts[-1]:
        texts.pop()
    return texts
