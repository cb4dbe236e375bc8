"""A1 notation: where cells are, as Google writes it. Rows and columns count from 1. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sheets_catalog.errors import InputError

LAST_COLUMN = 18_278
"""``ZZZ``, the last column a sheet can have."""

_RANGE = re.compile(
    r"(?:(?P<tab>'(?:[^']|'')*'|[^'!]+)!)?"
    r"\$?(?P<col>[A-Za-z]{1,3})?\$?(?P<row>[1-9]\d*)?(?::\$?(?P<col2>[A-Za-z]{1,3})?\$?(?P<row2>[1-9]\d*)?)?"
)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of a tab, both ends included; None: open on that side. `tab` is empty when it was not named."""

    tab: str
    row: int | None = None
    column: int | None = None
    row2: int | None = None
    column2: int | None = None

    @property
    def height(self) -> int | None:
        """Rows, or None when open."""
        return None if self.row2 is None else self.row2 - (self.row or 1) + 1

    @property
    def width(self) -> int | None:
        """Columns, or None when open."""
        return None if self.column2 is None else self.column2 - (self.column or 1) + 1


def column_letters(number: int) -> str:
    """``A`` for 1, ``AA`` for 27. Raises `InputError` outside 1..18,278."""
    if not 1 <= number <= LAST_COLUMN:
        raise InputError(f"Found column {number}, expected one from 1 to {LAST_COLUMN} (ZZZ).")
    letters = ""
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def column_number(letters: str) -> int:
    """1 for ``A``, 27 for ``aa``."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def quoted(tab: str) -> str:
    """The tab's title as a range needs it: always in quotes, its own quotes doubled."""
    return "'" + tab.replace("'", "''") + "'"


def a1(
    tab: str, row: int | None = None, column: int | None = None, row2: int | None = None, column2: int | None = None
) -> str:
    """The range, both ends included: ``'Products'!A2:C9``.

    An empty `tab` leaves it out (Google then takes the first one). Without `row2` and `column2` it is one cell; with a
    None at one end only, it is open there (``A2:C``); with nothing but the tab, the whole tab.
    """
    if row is None and column is None and row2 is None and column2 is None:
        return quoted(tab)
    start = _corner(row, column)
    end = _corner(row2, column2) if row2 is not None or column2 is not None else ""
    before = quoted(tab) + "!" if tab else ""
    return f"{before}{start}:{end}" if end else f"{before}{start}"


def _corner(row: int | None, column: int | None) -> str:
    if row is not None and row < 1:
        raise InputError(f"Found row {row}, expected 1 or more.")
    return (column_letters(column) if column is not None else "") + (str(row) if row is not None else "")


def area_of(text: str) -> Area:
    """The rectangle that a range names. Raises `InputError` for anything but A1 notation."""
    if re.fullmatch(r"'(?:[^']|'')*'", text):
        return Area(_bare(text))
    match = _RANGE.fullmatch(text)
    if match is None or not (match["col"] or match["row"]):
        raise InputError(f"Found the range {text!r}, expected A1 notation such as 'Products'!A2:C9.")
    column, row = _number(match["col"]), _row(match["row"])
    if ":" not in text[match.end("tab") if match["tab"] else 0 :]:
        return Area(_bare(match["tab"] or ""), row, column, row, column)
    return Area(_bare(match["tab"] or ""), row, column, _row(match["row2"]), _number(match["col2"]))


def _number(letters: str | None) -> int | None:
    return column_number(letters) if letters else None


def _row(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _bare(tab: str) -> str:
    return tab[1:-1].replace("''", "'") if tab.startswith("'") else tab
