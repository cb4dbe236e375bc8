"""Values out of a sheet: render options, trimming, major dimension.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values#ValueRange: empty trailing rows
and columns are left out, so rows are ragged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from sheets_catalog.sandbox.sheets import numberformat
from sheets_catalog.sandbox.sheets.grid import CellError, Extra, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sheets_catalog.sandbox.sheets.document import Sheet
    from sheets_catalog.sandbox.sheets.locales import Locale
    from sheets_catalog.sandbox.sheets.ranges import Area
    from sheets_catalog.sandbox.wire import JSON

ValueRender: TypeAlias = Literal["FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"]
DateRender: TypeAlias = Literal["SERIAL_NUMBER", "FORMATTED_STRING"]


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a read shows values."""

    values: ValueRender = "FORMATTED_VALUE"
    dates: DateRender = "SERIAL_NUMBER"


def number_format(extra: Extra) -> Mapping[str, str] | None:
    """The number format that a cell shows its value in: its own, else the one its formula implies."""
    own: Mapping[str, str] | None = extra.data.get("userEnteredFormat", {}).get("numberFormat")
    return own or extra.implied


def render(value: Value, extra: Extra, how: Rendering, locale: Locale) -> JSON:
    """One cell as the read shows it; None for a blank one."""
    if how.values == "FORMULA" and extra.formula:
        return extra.formula
    if value is None:
        return None
    if how.values == "FORMATTED_VALUE":
        return numberformat.shown(value, number_format(extra), locale)
    if isinstance(value, CellError):
        return value.text
    if how.dates == "FORMATTED_STRING" and not isinstance(value, bool | str):
        shown = number_format(extra)
        if shown and shown.get("type") in numberformat.DATE_TYPES:
            return numberformat.shown(value, shown, locale)
    return value


def plain_renderer(how: Rendering, locale: Locale) -> Callable[[Value], JSON]:
    """The same for cells without format and formula: almost all of them, so this has to be quick."""
    if how.values == "FORMATTED_VALUE":
        return lambda value: (
            value if value is None or value.__class__ is str else numberformat.shown(value, None, locale)
        )
    return lambda value: value.text if isinstance(value, CellError) else value


def read(sheet: Sheet, area: Area, how: Rendering, locale: Locale) -> list[list[JSON]]:
    """The values of a clipped area, row by row, trailing blanks left out and blanks in between None.

    A formula cell whose result is "" is not blank and stays.
    """
    plain = plain_renderer(how, locale)
    left, right = area.left, area.end_column
    rows: list[list[JSON]] = []
    last = min(area.end_row, max(len(sheet.grid.values), len(sheet.grid.extras)))
    for index in range(area.top, last):
        values, extras = sheet.grid.row(index)[left:right], sheet.grid.extra_row(index)[left:right]
        if not extras:
            rows.append([plain(value) for value in _trimmed(values)])
        else:
            rows.append(_rendered(values, extras, how, locale))
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _trimmed(values: Sequence[Value]) -> Sequence[Value]:
    end = len(values)
    while end and values[end - 1] is None:
        end -= 1
    return values[:end]


_NOTHING = Extra()


def _rendered(values: Sequence[Value], extras: Sequence[Extra | None], how: Rendering, locale: Locale) -> list[JSON]:
    values = _trimmed(values)
    return [
        render(value, (extras[place] if place < len(extras) else None) or _NOTHING, how, locale)
        for place, value in enumerate(values)
    ]


def by_rows(rows: Sequence[Sequence[JSON]]) -> list[list[JSON]]:
    """What `read` found as answers show it: a blank in between is ""."""
    return [["" if cell is None else cell for cell in row] for row in rows]


def by_columns(rows: Sequence[Sequence[JSON]]) -> list[list[JSON]]:
    """The same column by column, trailing blanks left out."""
    width = max((len(row) for row in rows), default=0)
    columns = (_trimmed([row[column] if column < len(row) else None for row in rows]) for column in range(width))
    return by_rows(list(columns))
