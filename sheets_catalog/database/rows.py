"""From what is said to what is stored: secrets masked, lengths held, text that a database refuses made harmless."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sheets_catalog.masking import mask_details, mask_message, mask_value

if TYPE_CHECKING:
    from datetime import datetime

    from sheets_catalog.database.entries import (
        BatchEnd,
        BatchStart,
        ErrorLog,
        FieldChange,
        Figure,
        RecordLog,
        SessionEnd,
        SessionStart,
    )

MESSAGE_LIMIT = 2_000
"""Characters kept of a message, a reason, an advice."""

VALUE_LIMIT = 65_536
"""Characters kept of a field value: more than the 50,000 that a cell of a sheet can hold."""

DETAILS_LIMIT = 65_536
"""Characters kept of details and contexts, as JSON."""


_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes rows of the audit tables; `secrets` are never in them."""

    secrets: tuple[str, ...] = ()

    def session(self, start: SessionStart) -> dict[str, Any]:
        """A row of sync_audit_logs."""
        return {
            "session_id": short(start.session_id, 128),
            "flow": short(start.flow, 64),
            "status": "running",
            "started_at": start.started_at,
            "title": self._message(start.title),
            "spreadsheet_id": short(start.spreadsheet_id, 128),
            "spreadsheet_title": self._message(start.spreadsheet_title),
            "shop": short(start.shop, 255),
            "actor": short(self._message(start.actor), 255),
            "plan_digest": short(start.plan_digest, 128),
            "planned": start.planned,
            "pending": start.planned,
            "details": self._details(start.details),
        }

    def session_end(self, end: SessionEnd) -> dict[str, Any]:
        """The columns of sync_audit_logs that an end changes."""
        return {
            "status": short(end.status, 32),
            "finished_at": end.finished_at,
            "message": self._message(end.message),
            "advice": self._message(end.advice),
            **end.books.as_dict(),
        }

    def batch(self, start: BatchStart) -> dict[str, Any]:
        """A row of sync_batch_logs."""
        return {
            "session_id": short(start.session_id, 128),
            "number": start.number,
            "table_name": short(start.table, 64),
            "action": short(start.action, 32),
            "size": start.size,
            "status": "running",
            "started_at": start.started_at,
        }

    def batch_end(self, end: BatchEnd) -> dict[str, Any]:
        """The columns of sync_batch_logs that an end changes."""
        counts = ("done", "unchanged", "rejected", "conflicted", "calls", "cost", "finished_at")
        return {"status": short(end.status, 32), **{name: getattr(end, name) for name in counts}}

    def record(self, log: RecordLog, now: datetime) -> dict[str, Any]:
        """A row of sync_record_logs."""
        return {
            "session_id": short(log.session_id, 128),
            "operation_key": short(log.operation_key or f"{log.table}/{log.record_key}", 512),
            "action": short(log.action, 32),
            "table_name": short(log.table, 64),
            "record_key": short(self._value(log.record_key), 512),
            "status": short(log.status, 32),
            "label": self._value(log.label)[:MESSAGE_LIMIT],
            "row_number": log.row,
            "changes": [self._change(each) for each in log.changes],
            "reason": self._message(log.reason),
            "advice": self._message(log.advice),
            "batch": log.batch,
            "logged_at": log.at or now,
        }

    def error(self, log: ErrorLog, now: datetime) -> dict[str, Any]:
        """A row of sync_error_logs."""
        return {
            "session_id": short(log.session_id, 128),
            "occurred_at": log.at or now,
            "type": short(log.type, 128),
            "category": short(log.category, 32),
            "service": short(log.service, 64),
            "operation": short(log.operation, 255),
            "http_status": log.status,
            "reason": self._message(log.reason),
            "message": self._message(log.message),
            "advice": self._message(log.advice),
            "record_key": short(self._value(log.record_key), 512),
            "batch": log.batch,
            "context": self._details(log.context),
        }

    @staticmethod
    def figure(session_id: str, run: str, figure: Figure, now: datetime) -> dict[str, Any]:
        """A row of sync_metrics."""
        return {
            "session_id": short(session_id, 128),
            "run": short(run, 128),
            "phase": short(figure.phase, 64),
            "name": short(figure.name, 64),
            "value": float(figure.value),
            "unit": short(figure.unit, 32),
            "recorded_at": now,
        }

    def _message(self, text: str) -> str:
        return storable(mask_message(text, self.secrets))[:MESSAGE_LIMIT]

    def _value(self, text: str) -> str:
        return storable(mask_value(text, self.secrets))

    def _change(self, change: FieldChange) -> dict[str, Any]:
        said = {"before": change.before, "after": change.after, "base": change.base}
        kept = {name: None if text is None else self._value(text)[:VALUE_LIMIT] for name, text in said.items()}
        stored: dict[str, Any] = {"field": storable(change.field), "before": kept["before"], "after": kept["after"]}
        if change.base is not None:
            stored["base"] = kept["base"]
        if not change.intact or kept != said:
            stored["intact"] = False
        if change.side != "shop":
            stored["side"] = change.side
        return stored

    def _details(self, details: Any) -> Any:
        masked = mask_details(details, self.secrets)
        whole = storable(json.dumps(masked, ensure_ascii=False, allow_nan=False, default=str))
        return json.loads(whole) if len(whole) <= DETAILS_LIMIT else {"cut": whole[:DETAILS_LIMIT]}


def storable(text: str) -> str:
    """`text` without what PostgreSQL or UTF-8 cannot hold (NUL, half of a surrogate pair): U+FFFD stands there."""
    return _NOT_STORABLE.sub("\ufffd", text)


def short(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; two long ones that differ stay different."""
    text = storable(text)
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: limit - 17]}~{digest}"
