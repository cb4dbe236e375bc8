"""From a tab's cells to records: which column is which field, and everything wrong with a row, named exactly (EX-2)."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import Unavailable
from sheets_catalog.records import BadValueError, Table, Value
from sheets_catalog.records.values import reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from sheets_catalog.google.sheets import Block
    from sheets_catalog.records import Cell, Field

    _Reading: TypeAlias = tuple[Sequence[str], Sequence[int], Sequence[Callable[[Cell], Value]]]

READING = 1
"""Raised whenever the same cells are read as other values than before, or with other findings."""

_ALIKE = 0.82
"""Ratio of difflib from which an unknown header is taken for a misspelt one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a table stand in a tab. `columns`: field name to column, counted from 0.

    `owned`: the fields with a column that are written to the shop.
    """

    table: Table
    columns: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    owned: tuple[Field, ...] = field(init=False, compare=False, repr=False)
    _readings: dict[int, _Reading] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        owned = tuple(each for each in self.table.fields if each.owned and each.name in self.columns)
        object.__setattr__(self, "owned", owned)

    @property
    def usable(self) -> bool:
        """Whether rows can be read at all."""
        return not any(finding.severity == "error" for finding in self.findings)

    def reading(self, money_digits: int) -> _Reading:
        """Names of our columns, their places and how each is read: made once, used for every row."""
        if money_digits not in self._readings:
            fields = [self.table.by_name[name] for name in self.columns]
            readers = [reader(each.kind, each.reading(money_digits)) for each in fields]
            self._readings[money_digits] = ([*self.columns], [*self.columns.values()], readers)
        return self._readings[money_digits]

    def told(self, money_digits: int) -> str:
        """A digest of all that decides how cells are read: rows that look alike say the same only where it is equal."""
        places = [(name, at, self.table.by_name[name]) for name, at in sorted(self.columns.items())]
        return blake2b(repr((READING, money_digits, places)).encode(), digest_size=8).hexdigest()

    def field_at(self, column: int) -> Field | None:
        """The field whose column this is."""
        return next((self.table.by_name[name] for name, at in self.columns.items() if at == column), None)


@dataclass(frozen=True, slots=True)
class Row:
    """One row with something in it. `number` is the sheet's row number when it was read.

    `values` has a canonical value for each field that has a column and could be read; `cells` are all cells of the row
    as they came, other people's among them. `findings` are what could not be read. `look`: a digest of the row as it
    came. `known`: it looks as it did when it said what both sides agreed on; then it was not read, and has a key only.
    """

    number: int
    key: str | None
    values: Mapping[str, Value]
    cells: Sequence[Cell]
    findings: tuple[Finding, ...] = ()
    look: bytes = b""
    known: bool = False

    def cell(self, column: int) -> Cell:
        """The raw cell in a column, counted from 0."""
        return self.cells[column] if column < len(self.cells) else None

    def natural_key(self, table: Table) -> tuple[str, ...]:
        """What tells a row without key from others."""
        return table.natural_key_of(self.values)


@dataclass(slots=True)
class KeyIndex:
    """Rows by key, to find doubles. Keeps numbers only."""

    seen: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    def add(self, key: tuple[str, ...], number: int) -> None:
        """Count a row."""
        self.seen.setdefault(key, []).append(number)

    def doubles(self) -> dict[tuple[str, ...], list[int]]:
        """Keys that stand in more than one row."""
        return {key: rows for key, rows in self.seen.items() if len(rows) > 1}


def normal(header: object) -> str:
    """A header as it is compared: without case, outer spaces, byte-order mark and composition differences."""
    text = "" if header is None else str(header)
    return " ".join(unicodedata.normalize("NFC", text.replace("\ufeff", "")).split()).casefold()


def lay_out(table: Table, header: Sequence[Cell], tab: str) -> Layout:
    """Match a header row with a table's fields. Order is free; what misleads is an error that names its columns."""
    table = table.with_metafields(str(cell) for cell in header if cell)
    names = {normal(label): each.name for each in table.fields for label in (each.header, *each.aliases)}
    columns: dict[str, int] = {}
    doubles: dict[str, list[int]] = {}
    strangers: list[tuple[int, str]] = []
    for column, cell in enumerate(header):
        name = names.get(normal(cell))
        if name is None:
            strangers.append((column, str(cell or "")))
        elif name in columns:
            doubles.setdefault(name, [columns[name]]).append(column)
        else:
            columns[name] = column
    findings = [
        *(_double(table.by_name[name], at, tab) for name, at in doubles.items()),
        *(_missing_key(table.by_name[name], tab) for name in table.key if name not in columns),
        *_misspelt(table, columns, strangers, tab),
    ]
    return Layout(table, columns, tuple(findings))


def _double(each: Field, columns: Sequence[int], tab: str) -> Finding:
    letters = ", ".join(letter(column) for column in columns)
    return Finding(
        "error",
        "duplicate_column",
        tab,
        1,
        each.header,
        letters,
        f"The column “{each.header}” stands there {len(columns)} times ({letters}).",
        "Keep one of them and rename or delete the others.",
    )


def _missing_key(each: Field, tab: str) -> Finding:
    return Finding(
        "error",
        "missing_column",
        tab,
        1,
        each.header,
        "",
        f"The column “{each.header}” is missing; without it no row can be told from another.",
        "Undo its removal in the sheet (Edit, Undo, or File, Version history).",
    )


def _misspelt(
    table: Table, columns: Mapping[str, int], strangers: Iterable[tuple[int, str]], tab: str
) -> list[Finding]:
    missing = {normal(each.header): each for each in table.fields if each.name not in columns}
    findings = []
    for column, text in strangers:
        close = difflib.get_close_matches(normal(text), missing, 1, _ALIKE)
        if text and close:
            findings.append(_renamed(missing[close[0]], column, text, tab))
    return findings


def _renamed(each: Field, column: int, text: str, tab: str) -> Finding:
    return Finding(
        "warning",
        "renamed_column",
        tab,
        1,
        text,
        text,
        f"Column {letter(column)} is called “{text}”. Is it “{each.header}”? As it is, its values are left alone.",
        f"Rename it to “{each.header}” if its values should be sent.",
    )


def read_row(layout: Layout, number: int, cells: Sequence[Cell], money_digits: int, look: bytes = b"") -> Row | None:
    """Read one row; None when nothing stands in any of our columns."""
    names, places, readers = layout.reading(money_digits)
    width = len(cells)
    mine = [cells[at] if at < width else None for at in places]
    try:
        values = dict(zip(names, [read(cell) for read, cell in zip(readers, mine, strict=True)], strict=True))
    except BadValueError:
        return _read_with_findings(layout, number, cells, money_digits)
    if not any(values.values()) and all(cell is None or cell == "" for cell in mine):
        return None
    return Row(number, layout.table.key_of(values), values, cells, (), look)


def rows_of(
    layout: Layout, blocks: Iterable[Block], money_digits: int, seen: Mapping[bytes, str] | None = None
) -> Iterator[Row]:
    """The rows of a tab's blocks. `seen`: record keys by looks; such rows are not read.

    Raises `Unavailable` for a row that is no array of cells.
    """
    seen = seen or {}
    for block in blocks:
        for number, raw in enumerate(block.rows, block.number):
            look = blake2b(raw, digest_size=8).digest()
            key = seen.get(look)
            if key is not None:
                yield Row(number, key, _NOTHING, (), look=look, known=True)
            elif (row := read_row(layout, number, _cells_of(raw), money_digits, look)) is not None:
                yield row


def rows_of_columns(layout: Layout, columns: Mapping[str, Sequence[Cell]], money_digits: int) -> Iterator[Row]:
    """The rows that some columns show from row 2 on, by field: with the values of these fields alone."""
    bare = Layout(layout.table, {name: at for at, name in enumerate(columns)}, layout.findings)
    for number, cells in enumerate(zip_longest(*columns.values()), 2):
        row = read_row(bare, number, cells, money_digits)
        if row is not None:
            yield row


_NOTHING: Mapping[str, Value] = {}
_decode_cells = msgspec.json.Decoder(list[str | int | float | bool | None]).decode


def _cells_of(raw: bytes | msgspec.Raw) -> Sequence[Cell]:
    try:
        return _decode_cells(raw)
    except msgspec.DecodeError as error:
        raise Unavailable(f"Google sent a row that is none: {error}", service="google") from error


def _read_with_findings(layout: Layout, number: int, cells: Sequence[Cell], money_digits: int) -> Row:
    """The same for a row in which something cannot be read."""
    values: dict[str, Value] = {}
    findings = []
    for name, at, read in zip(*layout.reading(money_digits), strict=True):
        cell = cells[at] if at < len(cells) else None
        try:
            values[name] = read(cell)
        except BadValueError as error:
            findings.append(bad_value(layout.table, number, layout.table.by_name[name], error))
    return Row(number, layout.table.key_of(values), values, cells, tuple(findings))


def bad_value(table: Table, number: int, each: Field, error: BadValueError) -> Finding:
    """The finding for a cell that cannot be read."""
    return Finding(
        "error",
        "bad_value",
        table.title,
        number,
        each.header,
        str(error.found)[:80],
        f"Expected {error.expected}, found “{str(error.found)[:80]}”.",
        error.advice,
    )


def double_keys(table: Table, doubles: Mapping[tuple[str, ...], Sequence[int]], what: str) -> list[Finding]:
    """A finding for every row of a key that stands in several rows: none of them is guessed to be the right one."""
    return [
        Finding(
            "error",
            "duplicate_key",
            table.title,
            row,
            table.by_name[table.key[0]].header,
            "/".join(part for part in key if part),
            f"Rows {', '.join(map(str, rows))} have the same {what}; none of them is sent.",
            "Keep one of these rows, or clear the id in those that should become new records.",
        )
        for key, rows in doubles.items()
        for row in rows
    ]


def letter(column: int) -> str:
    """The letters of a column counted from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
