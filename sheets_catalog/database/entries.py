"""The values that go into the audit store and come out of it. All moments are aware; they are stored as UTC.

What goes in ends in ``Start``, ``End`` or ``Log``; what comes out (`Session`, `Batch`, `RecordEntry`, `ErrorEntry`,
`Report`) is what was stored: secrets masked, very long values cut (`FieldChange.intact` says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from sheets_catalog.books import Books

Details: TypeAlias = Mapping[str, Any]
"""JSON-able facts that have no column of their own."""

RUNNING = "running"
"""The status of a session that has started and not yet said how it ended."""

DONE = "done"
"""The status of a record whose effect is proven. It is final: no later entry takes it back."""

ATTENTION = ("rejected", "quarantined")
"""The statuses of a record that was not written and waits for a person. Both count as `rejected` in the books."""

CONFLICTED = "conflicted"
"""The status of a record both sides have edited."""


@dataclass(frozen=True, slots=True)
class SessionStart:
    """A job begins, or goes on: the same `session_id` again counts a resumption and keeps the first start.

    `session_id` is the job id. `flow` is ``export``, ``import``, ... `title` is one line for people. `actor` is the
    account that acts. `details` takes whatever else is worth keeping (plan digest, options).
    """

    session_id: str
    flow: str
    started_at: datetime
    title: str = ""
    spreadsheet_id: str = ""
    spreadsheet_title: str = ""
    shop: str = ""
    actor: str = ""
    plan_digest: str = ""
    planned: int = 0
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A job ends or pauses: ``completed``, ``stopped`` (resumable), ``failed``, ``cancelled``, with a message."""

    session_id: str
    status: str
    finished_at: datetime
    books: Books
    message: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class BatchStart:
    """A batch is about to be sent. `number` counts up within the session and is the same when it is repeated."""

    session_id: str
    number: int
    started_at: datetime
    size: int
    table: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """A batch came back. `books` are the session's books at this checkpoint, when they are known here."""

    session_id: str
    number: int
    finished_at: datetime
    status: str = "completed"
    done: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicted: int = 0
    calls: int = 0
    cost: float = 0.0
    books: Books | None = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after. In a conflict: the shop's value, the sheet's, and as `base` the baseline's.

    Where a conflict was settled, `base` is the value that lost. `side`: what was written, ``shop``, ``sheet`` or
    ``both``.

    None is "nothing there". `intact` is False when the stored values were cut or masked: such a field is evidence, but
    must never be written back.
    """

    field: str
    before: str | None
    after: str | None
    base: str | None = None
    intact: bool = True
    side: str = "shop"


@dataclass(frozen=True, slots=True)
class RecordLog:
    """What happened to one record.

    Unique by (`session_id`, `operation_key`, `action`): saying it again changes nothing, so a resumed job may repeat
    itself. A later, better outcome replaces an earlier one that was not ``done`` (a retried reject); with `overrules`
    also one that was. Without an `operation_key` the table and record key stand in. `label` is what people call the
    record, `row` where it stood.
    """

    session_id: str
    table: str
    record_key: str
    action: str
    status: str
    operation_key: str = ""
    changes: tuple[FieldChange, ...] = ()
    label: str = ""
    row: int | None = None
    reason: str = ""
    advice: str = ""
    batch: int | None = None
    at: datetime | None = None
    overrules: bool = False


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """Something went wrong. `category`: retryable, throttled, auth, permission, conflict, invalid or fatal (EX-4)."""

    session_id: str
    type: str
    message: str
    category: str = ""
    service: str = ""
    operation: str = ""
    status: int = 0
    reason: str = ""
    advice: str = ""
    record_key: str = ""
    batch: int | None = None
    context: Details = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number about a session: ``calls``, ``cost_points``, ``retries``, ``seconds_waited``; or about one `phase`.

    What a phase has is ``seconds`` and ``records``.
    Figures of several runs of one session are added up, but for names that begin with ``peak_``: the highest counts.
    """

    name: str
    value: float
    unit: str = ""
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A job as the audit store knows it."""

    session_id: str
    flow: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    books: Books
    title: str = ""
    spreadsheet_id: str = ""
    spreadsheet_title: str = ""
    shop: str = ""
    actor: str = ""
    plan_digest: str = ""
    message: str = ""
    advice: str = ""
    resumed: int = 0
    details: Details = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """How long it took on the clock, pauses included; None while it runs."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as stored; `finished_at` is None when it never came back."""

    number: int
    table: str
    action: str
    size: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    done: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicted: int = 0
    calls: int = 0
    cost: float = 0.0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """A record's outcome as stored. `attempts` counts how often its outcome was replaced by a later one, plus one."""

    session_id: str
    table: str
    record_key: str
    action: str
    status: str
    operation_key: str
    at: datetime
    changes: tuple[FieldChange, ...] = ()
    label: str = ""
    row: int | None = None
    reason: str = ""
    advice: str = ""
    batch: int | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """An error as stored."""

    session_id: str
    at: datetime
    type: str
    message: str
    category: str = ""
    service: str = ""
    operation: str = ""
    status: int = 0
    reason: str = ""
    advice: str = ""
    record_key: str = ""
    batch: int | None = None
    context: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phase:
    """Time and records of one phase: fetch, compare, update, verify (SY-6)."""

    name: str
    seconds: float
    records: int = 0

    @property
    def records_per_second(self) -> float | None:
        """Throughput, or None where it says nothing."""
        return self.records / self.seconds if self.records and self.seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to say about one session. `records` may hold fewer than `records_total`."""

    session: Session
    figures: Mapping[str, float] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
    batches: tuple[Batch, ...] = ()
    records: tuple[RecordEntry, ...] = ()
    records_total: int = 0
    errors: tuple[ErrorEntry, ...] = ()
