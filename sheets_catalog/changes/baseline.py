"""The baseline: per record, a fingerprint per field of the value both sides last agreed on.

Stored as one compressed file, replaced as a whole. In memory each row stays encoded: equal bytes decide the unchanged
rows, and only rows that differ are decoded (performance facts: a row test settles 99 % of the rows).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.changes.compare import UNKNOWN, Unknown
from sheets_catalog.errors import DamagedStateError, NewerStateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
LARGEST = 1 << 30
"""Bytes a baseline may have when unpacked: a guard against a damaged or hostile file."""


class _File(msgspec.Struct, array_like=True):
    version: int
    spreadsheet_id: str
    shop: str
    generation: int
    job_id: str
    tables: dict[str, _Table]


class _Table(msgspec.Struct, array_like=True):
    fields: tuple[str, ...]
    rows: dict[str, msgspec.Raw]
    layout: str = ""
    looks: dict[str, bytes] = {}
    apart: dict[str, int] = {}


_encode = msgspec.msgpack.Encoder().encode
_marks = msgspec.msgpack.Decoder(list[str | None])


@dataclass(slots=True)
class TableBaseline:
    """Fingerprints of one table. `rows` maps a record key to the encoded marks, in the order of `fields`.

    `looks`: by record key, a digest of the row as the sheet sent it when it was found to say what both sides agreed on,
    with the columns standing as in `layout`. A row that looks the same still says the same and need not be read.
    `apart`: keys of records that an export made and whose row did not get their id, with the number that row had.
    """

    fields: tuple[str, ...] = ()
    rows: dict[str, bytes | msgspec.Raw] = field(default_factory=dict)
    layout: str = ""
    looks: dict[str, bytes] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.rows

    def unchanged(self, key: str, marks: Mapping[str, str]) -> bool:
        """Whether all of `marks` (field name to fingerprint) are exactly what the baseline has for `key`.

        One comparison of bytes tells in nearly every row; fields that are not among `marks` need not agree.
        """
        row = self.rows.get(key)
        if row is None:
            return False
        if _encode([marks.get(name) for name in self.fields]) == bytes(row) and len(marks) == len(self.fields):
            return True
        known = self.marks(key)
        return all(known.get(name) == mark for name, mark in marks.items())

    def mark(self, key: str, name: str) -> str | Unknown:
        """The fingerprint of one field, or UNKNOWN."""
        return self.marks(key).get(name, UNKNOWN)

    def marks(self, key: str) -> dict[str, str]:
        """The known fingerprints of one record."""
        row = self.rows.get(key)
        if row is None:
            return {}
        return {name: mark for name, mark in zip(self.fields, _marks.decode(row), strict=False) if mark is not None}

    def without_row(self, key: str) -> bool:
        """Whether this record was made and never stood in a row since, as far as is known: no field was agreed on."""
        return key in self.apart and not self.marks(key)

    def agree(self, key: str, marks: Mapping[str, str]) -> None:
        """Both sides now agree on these fields of `key`."""
        new = tuple(name for name in marks if name not in self.fields)
        if new:
            self._widen(new)
        self.looks.pop(key, None)
        merged = {**self.marks(key), **marks}
        self.rows[key] = _encode([merged.get(name) for name in self.fields])

    def forget(self, keys: Iterable[str]) -> None:
        """These records are gone on both sides."""
        for key in keys:
            self.rows.pop(key, None)
            self.looks.pop(key, None)
            self.apart.pop(key, None)

    def saw(self, key: str, look: bytes, layout: str) -> None:
        """The row of `key` looks like this, and every field of ours in it is what both sides agreed on."""
        if layout != self.layout:
            self.layout = layout
            self.looks.clear()
        self.looks[key] = look

    def seen(self, layout: str) -> dict[bytes, str]:
        """Record keys by the looks of their rows, if they were taken with the columns standing like this."""
        return {look: key for key, look in self.looks.items()} if layout == self.layout else {}

    def forget_field(self, name: str) -> None:
        """Nothing is known of this field any more, as if it never had been there."""
        if name not in self.fields:
            return
        at = self.fields.index(name)
        self.looks.clear()
        self.fields = self.fields[:at] + self.fields[at + 1 :]
        for key, row in self.rows.items():
            marks = _marks.decode(row)
            self.rows[key] = _encode(marks[:at] + marks[at + 1 :])

    def _widen(self, new: tuple[str, ...]) -> None:
        self.fields += new
        room: list[str | None] = [None] * len(new)
        for key, row in self.rows.items():
            self.rows[key] = _encode(_marks.decode(row) + room)


@dataclass(slots=True)
class Baseline:
    """What sheet and shop last agreed on, and in which generation. `job_id`: the job that wrote it."""

    spreadsheet_id: str
    shop: str
    generation: int = 0
    job_id: str = ""
    tables: dict[str, TableBaseline] = field(default_factory=dict)

    def table(self, name: str) -> TableBaseline:
        """The part of one table, made when it is not there."""
        return self.tables.setdefault(name, TableBaseline())


def dump(baseline: Baseline) -> bytes:
    """The file's content."""
    tables = {
        name: _Table(
            table.fields,
            {key: msgspec.Raw(bytes(row)) for key, row in table.rows.items()},
            table.layout,
            table.looks,
            table.apart,
        )
        for name, table in baseline.tables.items()
    }
    content = _File(VERSION, baseline.spreadsheet_id, baseline.shop, baseline.generation, baseline.job_id, tables)
    return zlib.compress(_encode(content), 6)


def load(content: bytes) -> Baseline:
    """Read a baseline file. Raises `DamagedStateError` or `NewerStateError`; never returns half of one."""
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(content, LARGEST)
        if not unpacker.eof:
            raise DamagedStateError("The baseline file is cut short or too large.")
        version = msgspec.msgpack.decode(raw, type=list[msgspec.Raw])[0]
        if msgspec.msgpack.decode(version, type=int) > VERSION:
            raise NewerStateError("The baseline was written by a newer version of Sheets Catalog.", advice="Upgrade.")
        parsed = msgspec.msgpack.decode(raw, type=_File)
    except (zlib.error, msgspec.MsgspecError, IndexError) as error:
        raise DamagedStateError("The baseline file cannot be read.") from error
    tables = {
        name: TableBaseline(table.fields, dict(table.rows), table.layout, dict(table.looks), dict(table.apart))
        for name, table in parsed.tables.items()
    }
    return Baseline(parsed.spreadsheet_id, parsed.shop, parsed.generation, parsed.job_id, tables)
