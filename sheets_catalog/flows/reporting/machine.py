"""A report for programs: one JSON object, or a CSV with one line per changed field."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sheets_catalog.database import RecordEntry, Report

CSV_HEADERS = (
    "table",
    "record_key",
    "label",
    "row",
    "action",
    "status",
    "field",
    "before",
    "after",
    "base",
    "reason",
    "advice",
    "operation_key",
    "at",
)

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def as_json(report: Report) -> dict[str, Any]:
    """The whole report as JSON-able values; moments are ISO 8601 in UTC, and `books` stand at the top."""
    plain: dict[str, Any] = _plain(report)
    session = plain.pop("session")
    books = {**session.pop("books").as_dict(), "balanced": report.session.books.balanced}
    return {
        "job": session["session_id"],
        "books": books,
        "session": {**session, "seconds": report.session.seconds},
        **plain,
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def as_csv(records: Iterable[RecordEntry]) -> str:
    """`csv_lines` in one text."""
    return "".join(csv_lines(records))


def csv_lines(records: Iterable[RecordEntry]) -> Iterator[str]:
    """RFC 4180 lines with a header: one per changed field, and one for a record without changes.

    A field that a spreadsheet would run as a formula gets an apostrophe in front (OWASP: CSV injection). Begins with a
    byte order mark, without which Excel misreads every letter beyond ASCII.
    """
    yield "\ufeff" + _line(CSV_HEADERS)
    for record in records:
        for cells in _cells(record):
            yield _line(guarded(each) for each in cells)


def _cells(record: RecordEntry) -> Iterator[tuple[str, ...]]:
    head = (record.table, record.record_key, record.label, "" if record.row is None else str(record.row))
    state = (record.action, record.status)
    tail = (record.reason, record.advice, record.operation_key, record.at.isoformat())
    for change in record.changes:
        values = (change.before or "", change.after or "", change.base or "")
        yield (*head, *state, change.field, *values, *tail)
    if not record.changes:
        yield (*head, *state, "", "", "", "", *tail)


def guarded(text: str) -> str:
    """`text` as a CSV field that no spreadsheet evaluates."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
