"""Read the audit tables back into values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, case, func, select

from sheets_catalog.books import Books
from sheets_catalog.database.entries import (
    ATTENTION,
    CONFLICTED,
    Batch,
    ErrorEntry,
    FieldChange,
    Phase,
    RecordEntry,
    Report,
    Session,
)
from sheets_catalog.database.tables import batches, errors, metrics, records, sessions
from sheets_catalog.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

PAGE = 1_000
"""Record entries read at a time."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows of [since, until) whose columns equal what is not None."""

    since: datetime | None = None
    until: datetime | None = None
    equal: Mapping[str, str | None] = field(default_factory=dict)

    def on(self, table: Table, moment: str) -> list[ColumnElement[bool]]:
        """The conditions, `moment` being the column that dates a row."""
        wanted = {name: value for name, value in self.equal.items() if value is not None}
        conditions: list[ColumnElement[bool]] = [table.c[name] == value for name, value in wanted.items()]
        if self.since is not None:
            conditions.append(table.c[moment] >= self.since)
        if self.until is not None:
            conditions.append(table.c[moment] < self.until)
        return conditions


def logged(connection: Connection, session_id: str) -> dict[str, str]:
    """Status by operation key."""
    wanted = select(records.c.operation_key, records.c.status).where(records.c.session_id == session_id)
    return {key: status for key, status in connection.execute(wanted)}  # noqa: C416 - rows are not pairs to dict()


def find_sessions(connection: Connection, wanted: Filter, record_key: str | None, limit: int) -> list[Session]:
    """Sessions, newest first."""
    conditions = wanted.on(sessions, "started_at")
    if record_key is not None:
        conditions.append(
            sessions.c.session_id.in_(select(records.c.session_id).where(records.c.record_key == record_key))
        )
    found = select(sessions).where(*conditions).order_by(sessions.c.started_at.desc(), sessions.c.session_id)
    return [_session(row) for row in connection.execute(found.limit(limit))]


def find_session(connection: Connection, session_id: str) -> Session | None:
    """One session."""
    row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).first()
    return None if row is None else _session(row)


def last_batch(connection: Connection, session_id: str) -> int:
    """The highest number of a session's batches, 0 before the first."""
    wanted = select(func.max(batches.c.number)).where(batches.c.session_id == session_id)
    return connection.execute(wanted).scalar() or 0


def find_errors(connection: Connection, wanted: Filter, limit: int) -> list[ErrorEntry]:
    """Errors, oldest first."""
    found = select(errors).where(*wanted.on(errors, "occurred_at")).order_by(errors.c.id).limit(limit)
    return [_error(row) for row in connection.execute(found)]


def walk_records(
    reading: Callable[[], AbstractContextManager[Connection]], wanted: Filter, limit: int | None
) -> Iterator[RecordEntry]:
    """Record entries by page, in the order of first writing. No connection is held between two pages."""
    conditions = wanted.on(records, "logged_at")
    after, left = 0, limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        query = select(records).where(records.c.id > after, *conditions).order_by(records.c.id).limit(size)
        with reading() as connection:
            page = connection.execute(query).all()
        yield from map(_record, page)
        if len(page) < size:
            return
        after = page[-1].id
        left = None if left is None else left - size


def report(connection: Connection, place: str, session_id: str, limit: int | None) -> Report:
    """Everything about one session."""
    session = find_session(connection, session_id)
    if session is None:
        raise InputError(
            f"The audit database {place} knows no job {session_id!r}.",
            advice="`sheets-catalog jobs list` shows the jobs there are.",
        )
    mine = records.c.session_id == session_id
    figures, phases = _figures(connection, session_id)
    return Report(
        session=session,
        figures=figures,
        phases=phases,
        batches=tuple(_batch(row) for row in connection.execute(_of(batches, session_id, "number"))),
        records=tuple(_record(row) for row in connection.execute(_by_urgency(select(records).where(mine), limit))),
        records_total=connection.execute(select(func.count()).select_from(records).where(mine)).scalar_one(),
        errors=tuple(_error(row) for row in connection.execute(_of(errors, session_id, "id"))),
    )


def _of(table: Table, session_id: str, order: str) -> Select[Any]:
    return select(table).where(table.c.session_id == session_id).order_by(table.c[order])


def _by_urgency(wanted: Select[Any], limit: int | None) -> Select[Any]:
    urgency = case((records.c.status.in_(ATTENTION), 0), (records.c.status == CONFLICTED, 1), else_=2)
    return wanted.order_by(urgency, records.c.id).limit(limit)


def _figures(connection: Connection, session_id: str) -> tuple[dict[str, float], tuple[Phase, ...]]:
    """Figures over all runs, those of a phase apart, phases in the order in which they were first seen."""
    totals: dict[str, dict[str, float]] = {}
    for row in connection.execute(_of(metrics, session_id, "id")):
        phase = totals.setdefault(row.phase, {})
        earlier = phase.get(row.name, 0.0)
        phase[row.name] = max(earlier, row.value) if row.name.startswith("peak_") else earlier + row.value
    whole = totals.pop("", {})
    return whole, tuple(_phase(name, values) for name, values in totals.items())


def _phase(name: str, values: Mapping[str, float]) -> Phase:
    return Phase(name, seconds=values.get("seconds", 0.0), records=round(values.get("records", 0.0)))


def _session(row: Row[Any]) -> Session:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    books = Books(**{name: values.pop(name) for name in Books.__struct_fields__})
    return Session(books=books, **values)


def _batch(row: Row[Any]) -> Batch:
    values = _without(row, "id", "session_id")
    return Batch(table=values.pop("table_name"), **values)


def _record(row: Row[Any]) -> RecordEntry:
    values = _without(row, "id")
    return RecordEntry(
        table=values.pop("table_name"),
        row=values.pop("row_number"),
        at=values.pop("logged_at"),
        changes=_changes(values.pop("changes")),
        **values,
    )


def _changes(stored: Iterable[Mapping[str, Any]]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(**each) for each in stored)


def _error(row: Row[Any]) -> ErrorEntry:
    values = _without(row, "id")
    return ErrorEntry(at=values.pop("occurred_at"), status=values.pop("http_status"), **values)


def _without(row: Row[Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in names}  # noqa: SLF001
