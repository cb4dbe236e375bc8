"""Statements that may be repeated without a second effect. SQLite and PostgreSQL share the ``ON CONFLICT`` clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_
from sqlalchemy.dialects import postgresql, sqlite

from sheets_catalog.database.entries import DONE
from sheets_catalog.database.tables import batches, metrics, records, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

Row = dict[str, Any]


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def save_session(connection: Connection, row: Row) -> None:
    """A new session, or one more resumption of it: its start, plan and books stay as they are."""
    statement = _insert(connection, sessions).values(row)
    again = {"status": row["status"], "finished_at": None, "message": "", "advice": ""}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["session_id"], set_={**again, "resumed": sessions.c.resumed + 1}
        )
    )


def save_batch(connection: Connection, row: Row) -> None:
    """A new batch, or one more attempt at it."""
    statement = _insert(connection, batches).values(row)
    again = {
        "status": row["status"],
        "size": row["size"],
        "started_at": row["started_at"],
        "finished_at": None,
        "attempts": batches.c.attempts + 1,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["session_id", "number"], set_=again))


def save_records(connection: Connection, rows: Sequence[Row], *, overrule: bool = False) -> None:
    """Record outcomes: the same again changes nothing, another one replaces any that was not final.

    `overrule`: it replaces a final one as well.
    """
    if not rows:
        return
    statement = _insert(connection, records)
    new = statement.excluded
    replaced = ("status", "changes", "reason", "advice", "label", "row_number", "batch", "logged_at")
    other = records.c.status != new.status
    moved_on = other if overrule else and_(records.c.status != DONE, other)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["session_id", "operation_key", "action"],
            set_={**{name: new[name] for name in replaced}, "attempts": records.c.attempts + 1},
            where=moved_on,
        ),
        list(rows),
    )


def save_figures(connection: Connection, rows: Sequence[Row]) -> None:
    """Figures of a run, replacing what the same run said before."""
    if not rows:
        return
    statement = _insert(connection, metrics)
    replaced = {name: statement.excluded[name] for name in ("value", "unit", "recorded_at")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["session_id", "run", "phase", "name"], set_=replaced),
        list(rows),
    )
