"""Keep the audit store small: old sessions move into a compressed file (SY-11). Plan first, then archive."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, func, select

from sheets_catalog.database.entries import RUNNING
from sheets_catalog.database.tables import alerts, batches, errors, metrics, records, sessions
from sheets_catalog.errors import InputError, SettingsError, StalePlanError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

KEEP_DAYS = 90
"""Days kept by default (SY-11)."""

_CHUNK = 200
"""Sessions named in one statement: far below the number of parameters that SQLite takes (999 in old builds)."""

_TABLES = (sessions, batches, records, errors, metrics, alerts)


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """The sessions that would go, and how many rows of each table go with them."""

    before: datetime
    session_ids: tuple[str, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Archive:
    """Where they went; `path` is None when there was nothing to do."""

    path: Path | None
    rows: Mapping[str, int]


def plan(connection: Connection, older_than_days: int, now: datetime) -> RetentionPlan:
    """Ended sessions that began more than `older_than_days` before `now`. Raises `InputError` below one day."""
    if older_than_days < 1:
        raise InputError(
            f"Sessions cannot be archived after {older_than_days} days.", advice="Keep them a day at least."
        )
    before = now - timedelta(days=older_than_days)
    old = (sessions.c.started_at < before) & (sessions.c.status != RUNNING)
    ids = tuple(connection.execute(select(sessions.c.session_id).where(old).order_by(sessions.c.started_at)).scalars())
    return RetentionPlan(before, ids, _count(connection, ids))


def archive(connection: Connection, plan: RetentionPlan, folder: Path) -> Archive:
    """Copy the plan's rows to a file, prove the file, delete the rows. Raises as `Audit.archive` does."""
    if not plan.session_ids:
        return Archive(None, {})
    _refuse_running(connection, plan)
    path = folder / f"audit-before-{plan.before:%Y-%m-%d}-{plan.session_ids[-1][:24]}.jsonl.gz"
    try:
        rows = _write(connection, plan.session_ids, path)
    except OSError as error:
        raise SettingsError(
            f"The archive {path} cannot be written ({error.strerror}); nothing was deleted.",
            advice="Choose a folder with room that you may write to.",
        ) from error
    for ids in _chunks(plan.session_ids):
        for table in reversed(_TABLES):
            connection.execute(table.delete().where(table.c.session_id.in_(ids)))
    return Archive(path, rows)


def _refuse_running(connection: Connection, plan: RetentionPlan) -> None:
    for ids in _chunks(plan.session_ids):
        busy = (sessions.c.session_id.in_(ids)) & (sessions.c.status == RUNNING)
        if running := connection.execute(select(sessions.c.session_id).where(busy)).scalars().first():
            raise StalePlanError(f"The job {running} is running again.", advice="Plan the archiving again.")


def _write(connection: Connection, ids: tuple[str, ...], path: Path) -> dict[str, int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    written: dict[str, int] = {}
    with partial.open("wb") as raw:
        with gzip.open(raw, "wt", encoding="utf-8") as lines:
            for name, row in _rows(connection, ids):
                lines.write(json.dumps({"table": name, **row}, ensure_ascii=False, default=_moment) + "\n")
                written[name] = written.get(name, 0) + 1
        raw.flush()
        os.fsync(raw.fileno())
    with gzip.open(partial, "rt", encoding="utf-8") as lines:
        found = sum(1 for _ in lines)
    if found != sum(written.values()):
        raise StateError(
            f"The archive {partial} holds {found} lines, expected {sum(written.values())}; nothing was deleted.",
            advice="Check the disk, then archive again.",
        )
    partial.replace(path)
    return written


def _rows(connection: Connection, ids: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    for table in _TABLES:
        for chunk in _chunks(ids):
            for row in connection.execute(select(table).where(table.c.session_id.in_(chunk))):
                yield table.name, dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def _count(connection: Connection, ids: tuple[str, ...]) -> dict[str, int]:
    return {table.name: sum(_count_of(connection, table, chunk) for chunk in _chunks(ids)) for table in _TABLES}


def _count_of(connection: Connection, table: Table, ids: tuple[str, ...]) -> int:
    wanted = select(func.count()).select_from(table).where(table.c.session_id.in_(ids))
    return connection.execute(wanted).scalar_one()


def _chunks(ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be archived")
