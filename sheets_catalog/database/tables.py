"""The audit tables: those of SY-1, and ``sync_batch_logs`` for EX-5. Migrations make them, queries use them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

REVISION = "0001"
"""The newest migration; a test holds it equal to Alembic's head."""

VERSION_TABLE = "sync_schema_version"
"""Ours alone, so that the tables can live in a database that another program migrates too."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware moment. SQLite keeps no zone, so UTC goes in and UTC comes out; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A moment without a time zone cannot be audited: {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware UTC moment."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _identity() -> Column[Any]:
    # SQLite numbers rows by itself only in a column that is exactly INTEGER.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _session() -> Column[Any]:
    return Column(
        "session_id", String(128), ForeignKey("sync_audit_logs.session_id", ondelete="CASCADE"), nullable=False
    )


def _text(name: str, size: int | None = None) -> Column[Any]:
    return Column(name, String(size) if size else Text, nullable=False, server_default="")


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default="0")


sessions = Table(
    "sync_audit_logs",
    metadata,
    Column("session_id", String(128), primary_key=True),
    _text("flow", 64),
    _text("status", 32),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    _text("title"),
    _text("spreadsheet_id", 128),
    _text("spreadsheet_title"),
    _text("shop", 255),
    _text("actor", 255),
    _text("plan_digest", 128),
    _count("planned"),
    _count("done"),
    _count("unchanged"),
    _count("rejected"),
    _count("conflicted"),
    _count("pending"),
    _count("resumed"),
    _text("message"),
    _text("advice"),
    Column("details", JSON, nullable=False),
    Index(None, "started_at"),
    Index(None, "status", "started_at"),
    Index(None, "spreadsheet_id", "started_at"),
)

batches = Table(
    "sync_batch_logs",
    metadata,
    _identity(),
    _session(),
    Column("number", Integer, nullable=False),
    _text("table_name", 64),
    _text("action", 32),
    _count("size"),
    _text("status", 32),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    _count("done"),
    _count("unchanged"),
    _count("rejected"),
    _count("conflicted"),
    _count("calls"),
    Column("cost", Float, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="1"),
    UniqueConstraint("session_id", "number"),
)

records = Table(
    "sync_record_logs",
    metadata,
    _identity(),
    _session(),
    _text("operation_key", 512),
    _text("action", 32),
    _text("table_name", 64),
    _text("record_key", 512),
    _text("status", 32),
    _text("label"),
    Column("row_number", Integer),
    Column("changes", JSON, nullable=False),
    _text("reason"),
    _text("advice"),
    Column("batch", Integer),
    Column("attempts", Integer, nullable=False, server_default="1"),
    Column("logged_at", Moment, nullable=False),
    UniqueConstraint("session_id", "operation_key", "action"),
    Index(None, "record_key", "logged_at"),
    Index(None, "session_id", "status"),
    Index(None, "logged_at"),
)

errors = Table(
    "sync_error_logs",
    metadata,
    _identity(),
    _session(),
    Column("occurred_at", Moment, nullable=False),
    _text("type", 128),
    _text("category", 32),
    _text("service", 64),
    _text("operation", 255),
    _count("http_status"),
    _text("reason"),
    _text("message"),
    _text("advice"),
    _text("record_key", 512),
    Column("batch", Integer),
    Column("context", JSON, nullable=False),
    Index(None, "session_id", "occurred_at"),
    Index(None, "category", "occurred_at"),
)

alerts = Table(
    "sync_alerts",
    metadata,
    _identity(),
    Column("session_id", String(128), ForeignKey("sync_audit_logs.session_id", ondelete="SET NULL")),
    Column("created_at", Moment, nullable=False),
    _text("severity", 32),
    _text("type", 64),
    _text("message"),
    Column("details", JSON, nullable=False),
    Column("acknowledged_at", Moment),
    _text("acknowledged_by", 255),
    Index(None, "created_at"),
    Index(None, "type", "created_at"),
)

metrics = Table(
    "sync_metrics",
    metadata,
    _identity(),
    _session(),
    _text("run", 128),
    _text("phase", 64),
    _text("name", 64),
    Column("value", Float, nullable=False),
    _text("unit", 32),
    Column("recorded_at", Moment, nullable=False),
    UniqueConstraint("session_id", "run", "phase", "name"),
    Index(None, "name", "recorded_at"),
)

config = Table(
    "sync_config",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("updated_at", Moment, nullable=False),
    _text("updated_by", 255),
)
