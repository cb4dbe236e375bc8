"""What the rows of a tab are called at this moment: their keys and names alone, however much else stands in them."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from sheets_catalog.errors import Refused, Unavailable
from sheets_catalog.flows.exporting.standing import Standing
from sheets_catalog.flows.keyed_writing import same_moment
from sheets_catalog.flows.moved_columns import same_header
from sheets_catalog.flows.row_looks import is_formula
from sheets_catalog.flows.tabs import lay_out, rows_of_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.flows.keyed_writing import Columns
    from sheets_catalog.flows.tabs import Layout
    from sheets_catalog.records import Cell, Table

ATTEMPTS = 20
"""Most readings; each one beyond the first means that rows or columns moved in the moment between two calls."""


def names_now(columns: Columns, table: Table, money_digits: int, *, new: bool) -> Standing:
    """The rows of a tab by key and natural key, as of one moment. `new`: rows without key matter, formulas with them.

    Takes the header, the columns that name rows, and for `new` ones the formulas among their keys: a call each. Raises
    what the calls raise, and `Unavailable` when rows or columns moved at every attempt.
    """
    naming = {*table.key, *(name for names in table.natural_keys for name in names)}
    for attempt in range(ATTEMPTS):
        header = columns.look([], [], formulas=False).header
        layout = lay_out(table, header, table.title)
        places = {name: at for name, at in layout.columns.items() if name in naming}
        keys = [name for name in places if name in table.key]
        try:
            shot = columns.look([*places.values()], [], formulas=False)
            typed = columns.look([places[name] for name in keys], [], formulas=True) if new else None
        except Refused:  # what was asked for may lie behind the last column since one was deleted
            if attempt > 1:
                raise
            continue
        values = dict(zip(places, shot.columns, strict=True))
        formulas = dict(zip(keys, typed.columns, strict=True)) if typed else {}
        still = all(same_header(header, each.header) for each in (shot, typed) if each)
        if still and all(same_moment(values[name], cells) for name, cells in formulas.items()):
            return _standing(layout, values, formulas, money_digits)
    raise Unavailable("The rows of the sheet kept moving while they were read.", service="google")


_Columns: TypeAlias = "Mapping[str, Sequence[Cell]]"


def _standing(layout: Layout, values: _Columns, formulas: _Columns, money_digits: int) -> Standing:
    holding = {
        number
        for name, shown in formulas.items()
        for number, (one, other) in enumerate(zip_longest(shown, values[name]), 2)
        if is_formula(one, other)
    }
    return Standing.of(layout, rows_of_columns(layout, values, money_digits), holding)
