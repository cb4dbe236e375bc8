"""The audit tables: sessions, batches, records, errors, alerts, metrics, settings."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration is history: it spells its columns out and takes nothing from the tables module, which moves on.

INDEXES = (
    ("sync_audit_logs", "started_at"),
    ("sync_audit_logs", "status", "started_at"),
    ("sync_audit_logs", "spreadsheet_id", "started_at"),
    ("sync_record_logs", "record_key", "logged_at"),
    ("sync_record_logs", "session_id", "status"),
    ("sync_record_logs", "logged_at"),
    ("sync_error_logs", "session_id", "occurred_at"),
    ("sync_error_logs", "category", "occurred_at"),
    ("sync_alerts", "created_at"),
    ("sync_alerts", "type", "created_at"),
    ("sync_metrics", "name", "recorded_at"),
)

MADE_FIRST_TO_LAST = (
    "sync_audit_logs",
    "sync_batch_logs",
    "sync_record_logs",
    "sync_error_logs",
    "sync_alerts",
    "sync_metrics",
    "sync_config",
)


def upgrade() -> None:
    op.create_table(
        "sync_audit_logs",
        sa.Column("session_id", sa.String(128), primary_key=True),
        *_texts({"flow": 64, "status": 32}),
        _moment("started_at"),
        _moment("finished_at", nullable=True),
        *_texts({"title": 0, "spreadsheet_id": 128, "spreadsheet_title": 0, "shop": 255, "actor": 255}),
        *_texts({"plan_digest": 128}),
        *_counts("planned", "done", "unchanged", "rejected", "conflicted", "pending", "resumed"),
        *_texts({"message": 0, "advice": 0}),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_table(
        "sync_batch_logs",
        _identity(),
        _session(),
        sa.Column("number", sa.Integer, nullable=False),
        *_texts({"table_name": 64, "action": 32}),
        *_counts("size"),
        *_texts({"status": 32}),
        _moment("started_at"),
        _moment("finished_at", nullable=True),
        *_counts("done", "unchanged", "rejected", "conflicted", "calls"),
        sa.Column("cost", sa.Float, nullable=False, server_default="0"),
        *_counts("attempts", default="1"),
        _unique("sync_batch_logs", "session_id", "number"),
    )
    op.create_table(
        "sync_record_logs",
        _identity(),
        _session(),
        *_texts({"operation_key": 512, "action": 32, "table_name": 64, "record_key": 512, "status": 32, "label": 0}),
        sa.Column("row_number", sa.Integer),
        sa.Column("changes", sa.JSON, nullable=False),
        *_texts({"reason": 0, "advice": 0}),
        sa.Column("batch", sa.Integer),
        *_counts("attempts", default="1"),
        _moment("logged_at"),
        _unique("sync_record_logs", "session_id", "operation_key", "action"),
    )
    op.create_table(
        "sync_error_logs",
        _identity(),
        _session(),
        _moment("occurred_at"),
        *_texts({"type": 128, "category": 32, "service": 64, "operation": 255}),
        *_counts("http_status"),
        *_texts({"reason": 0, "message": 0, "advice": 0, "record_key": 512}),
        sa.Column("batch", sa.Integer),
        sa.Column("context", sa.JSON, nullable=False),
    )
    op.create_table(
        "sync_alerts",
        _identity(),
        _session(ondelete="SET NULL", nullable=True),
        _moment("created_at"),
        *_texts({"severity": 32, "type": 64, "message": 0}),
        sa.Column("details", sa.JSON, nullable=False),
        _moment("acknowledged_at", nullable=True),
        *_texts({"acknowledged_by": 255}),
    )
    op.create_table(
        "sync_metrics",
        _identity(),
        _session(),
        *_texts({"run": 128, "phase": 64, "name": 64}),
        sa.Column("value", sa.Float, nullable=False),
        *_texts({"unit": 32}),
        _moment("recorded_at"),
        _unique("sync_metrics", "session_id", "run", "phase", "name"),
    )
    op.create_table(
        "sync_config",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        *_counts("version", default="1"),
        _moment("updated_at"),
        *_texts({"updated_by": 255}),
    )
    for table, *columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def downgrade() -> None:
    for table in reversed(MADE_FIRST_TO_LAST):
        op.drop_table(table)  # its indexes go with it


def _identity() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _session(ondelete: str = "CASCADE", *, nullable: bool = False) -> sa.Column[Any]:
    to_session = sa.ForeignKey("sync_audit_logs.session_id", ondelete=ondelete)
    return sa.Column("session_id", sa.String(128), to_session, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _texts(sizes: dict[str, int]) -> list[sa.Column[Any]]:
    """Text columns by name and size, 0 being without a limit."""
    return [
        sa.Column(name, sa.String(size) if size else sa.Text(), nullable=False, server_default="")
        for name, size in sizes.items()
    ]


def _counts(*names: str, default: str = "0") -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer, nullable=False, server_default=default) for name in names]


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")
