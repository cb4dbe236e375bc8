"""The audit of a job: who, when, every record with before and after, errors, figures (EX-5)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog import database
from sheets_catalog.errors import (
    AccessError,
    CredentialsError,
    InputError,
    PreconditionFailed,
    SheetsCatalogError,
    Throttled,
    Unavailable,
    UpstreamError,
)
from sheets_catalog.jobs.state import JobState, Result, Status
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sheets_catalog.books import Books
    from sheets_catalog.changes.plan import Change, FieldChange, Plan
    from sheets_catalog.flows.connection import Connection, Systems
    from sheets_catalog.jobs.retry import Figures
    from sheets_catalog.jobs.runner import Outcome, Watcher

WORDS = {
    Result.DONE: "done",
    Result.REJECTED: "quarantined",
    Result.CONFLICTED: "conflicted",
    Result.PENDING: "pending",
}

ENDS = {Status.FINISHED: "completed", Status.CANCELLED: "cancelled", Status.ATTENTION: "failed"}
"""How a job's status is called in the audit; any other one is ``stopped``: it can be resumed."""

TAKEN_BACK = frozenset({"stage", "deliver"})
"""Flows that may have to take back what was done: the copies of a task that turns out to be somebody else's. What an
export has sent stays sent, whatever the record looks like later."""


def open_audit(connection: Connection, systems: Systems | None = None) -> database.Audit:
    """The connection's audit database, with its secrets known so that none is ever stored."""
    from sheets_catalog.flows.connection import home

    secrets = (
        connection.google.access_token,
        connection.shopify.access_token,
        connection.shopify.client_secret,
    )
    where: object = connection.audit_url or home() / "audit.sqlite3"
    now = {"now": systems.clock.now} if systems else {}
    return database.Audit(where, secrets=[each for each in secrets if each], **now)  # type: ignore[arg-type]


@dataclass(slots=True)
class Auditing:
    """A `Watcher` that writes the audit, and passes everything on to another watcher.

    The session begins with the first thing that happens: a run that found the sheet busy leaves no trace in the audit
    of a job that somebody else works on. `books` are those of the last checkpoint. Batches of a resumed job are
    numbered on from those before.
    """

    audit: database.Audit
    systems: Systems
    session_id: str
    plan: Plan
    books: Books
    then: Watcher | None = None
    calls_before: int = 0
    batches_before: int = 0
    begun_at: datetime | None = None
    done_before: int = field(init=False)
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        self.done_before = self.books.done

    def begin(self) -> None:
        """The first line, unless it was written."""
        if self.begun_at:
            return
        start = start_of(self.systems, self.session_id, self.plan)
        self.begun_at = start.started_at
        self.batches_before = self.audit.last_batch(self.session_id)
        self.audit.session_started(start)
        self.audit.records(findings_as_records(self.session_id, self.plan))

    def figures(self, now: datetime) -> None:
        """The figures of this run so far: a process that is killed has told those up to its last checkpoint.

        Time counts from the run's line of the session on, by the clock that dates those lines.
        """
        seconds = (now - self.begun_at).total_seconds() if self.begun_at else 0.0
        done = self.books.done - self.done_before
        self.audit.metrics(self.session_id, self.run, figures_of(self.systems.calls.figures, done, seconds))

    def batch_started(self, number: int, items: Sequence[int]) -> None:
        """A batch goes out."""
        self.begin()
        kinds = {(self.plan.changes[item].table, self.plan.changes[item].action) for item in items}
        table, action = next(iter(kinds)) if len(kinds) == 1 else ("", "")
        mine = self.batches_before + number
        start = database.BatchStart(self.session_id, mine, self.systems.clock.now(), len(items), table, action)
        self.calls_before = self.systems.calls.figures.total
        self.audit.batch_started(start)
        if self.then:
            self.then.batch_started(number, items)

    def batch_ended(self, number: int, outcomes: Sequence[Outcome], seconds: float) -> None:
        """A batch came back."""
        settled = [outcome for outcome in outcomes if outcome.result is not Result.PENDING]
        mine = self.batches_before + number
        self.audit.records(self._log(outcome.item, outcome.result, outcome.reason, mine) for outcome in settled)
        end = database.BatchEnd(
            self.session_id,
            mine,
            self.systems.clock.now(),
            done=sum(outcome.result is Result.DONE for outcome in outcomes),
            rejected=sum(outcome.result is Result.REJECTED for outcome in outcomes),
            conflicted=sum(outcome.result is Result.CONFLICTED for outcome in outcomes),
            calls=self.systems.calls.figures.total - self.calls_before,
        )
        self.audit.batch_finished(end)
        for log in self._unsettled(outcomes, mine):
            self.audit.error(log)
        if self.then:
            self.then.batch_ended(number, outcomes, seconds)

    def progressed(self, books: Books, note: str) -> None:
        """A checkpoint was stored."""
        self.begin()
        self.books = books
        self.audit.progress(self.session_id, books)
        self.figures(self.systems.clock.now())
        if self.then:
            self.then.progressed(books, note)

    def troubled(self, error: SheetsCatalogError, wait: float) -> None:
        """An error stopped a batch."""
        self.audit.error(error_log(self.session_id, error))
        if self.then:
            self.then.troubled(error, wait)

    def waited(self, error: SheetsCatalogError) -> None:
        """A call failed and is sent again after a wait."""
        self.begin()
        self.audit.error(error_log(self.session_id, error))

    def complete(self, state: JobState) -> None:
        """Log what a process that died had settled without saying so."""
        known = self.audit.logged(self.session_id)
        missing = [
            item
            for item in range(state.total)
            if state.result(item) is not Result.PENDING and known.get(str(item)) != WORDS[state.result(item)]
        ]
        self.audit.records(self._log(item, state.result(item), state.reasons.get(item, ""), None) for item in missing)
        self.audit.flush()

    def _unsettled(self, outcomes: Sequence[Outcome], batch: int) -> Iterable[database.ErrorLog]:
        """What kept records of a batch from being settled, once for each reason."""
        reasons = {
            outcome.reason: outcome.blameless
            for outcome in outcomes
            if outcome.result is Result.PENDING and outcome.reason
        }
        for reason, blameless in reasons.items():
            kind, category = ("Throttled", "throttled") if blameless else ("Unavailable", "retryable")
            yield database.ErrorLog(self.session_id, kind, reason, category, batch=batch)

    def _log(self, item: int, result: Result, reason: str, batch: int | None) -> database.RecordLog:
        change = self.plan.changes[item]
        return database.RecordLog(
            self.session_id,
            change.table,
            change.key or "/".join(change.natural_key),
            change.action,
            WORDS[result],
            operation_key=str(item),
            changes=tuple(fields_of(change)),
            label=change.label,
            row=change.row or None,
            reason=reason,
            batch=batch,
            at=self.systems.clock.now(),
            overrules=self.plan.flow in TAKEN_BACK,
        )


def fields_of(change: Change) -> Iterable[database.FieldChange]:
    """A change's fields in the audit's terms; one that is written to both sides alike is one entry."""
    sides: dict[FieldChange, str] = {}
    for each in change.fields:
        alike = msgspec.structs.replace(each, side="shop")
        sides[alike] = "both" if alike in sides else each.side
    for each, side in sides.items():
        yield database.FieldChange(each.field, each.before, each.after, each.loser, side=side)


def start_of(systems: Systems, session_id: str, plan: Plan) -> database.SessionStart:
    """The first line of a job's audit."""
    return database.SessionStart(
        session_id,
        plan.flow,
        systems.clock.now(),
        title=_title(plan),
        spreadsheet_id=plan.spreadsheet_id,
        spreadsheet_title=plan.spreadsheet_title,
        shop=plan.shop,
        actor=plan.actor,
        planned=plan.books.planned,
        details={"policy": plan.policy, "tables": ", ".join(plan.tables)} | _undone(plan),
    )


def _title(plan: Plan) -> str:
    if plan.undone:
        return f"Undo of job {plan.undone} in “{plan.spreadsheet_title}”"
    return f"{_TITLES.get(plan.flow, plan.flow.title())} of “{plan.spreadsheet_title}”"


_TITLES = {"stage": "Staging", "deliver": "Delivery"}


def _undone(plan: Plan) -> dict[str, str]:
    return {"undo_of": plan.undone} if plan.undone else {}


def findings_as_records(session_id: str, plan: Plan) -> Iterable[database.RecordLog]:
    """Rows that were rejected and fields in conflict when planning, as records of the audit."""
    for number, finding in enumerate(plan.findings):
        if finding.severity == "error":
            yield database.RecordLog(
                session_id,
                next((table.name for table in TABLES.values() if table.title == finding.tab), finding.tab),
                f"row {finding.row}" if finding.row else finding.tab,
                "plan",
                "rejected",
                operation_key=f"finding {number}",
                label=finding.where(),
                row=finding.row or None,
                reason=finding.message,
                advice=finding.advice,
            )
    for number, conflict in enumerate(plan.conflicts):
        change = database.FieldChange(conflict.field, conflict.shop, conflict.sheet, conflict.base)
        yield database.RecordLog(
            session_id,
            conflict.table,
            conflict.key,
            "plan",
            "conflicted",
            operation_key=f"conflict {number}",
            changes=(change,),
            label=conflict.label,
            row=conflict.row or None,
            reason="Both sides changed it.",
            advice="Choose in the tab “Conflicts”.",
        )


def category_of(error: SheetsCatalogError) -> str:
    """The categories of EX-4: retryable, throttled, auth, permission, conflict, invalid, fatal."""
    kinds: tuple[tuple[type[SheetsCatalogError], str], ...] = (
        (Throttled, "throttled"),
        (Unavailable, "retryable"),
        (CredentialsError, "auth"),
        (AccessError, "permission"),
        (PreconditionFailed, "conflict"),
        (InputError, "invalid"),
        (UpstreamError, "invalid"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "fatal")


def error_log(session_id: str, error: SheetsCatalogError) -> database.ErrorLog:
    """An error in the audit's terms."""
    upstream = error if isinstance(error, UpstreamError) else None
    return database.ErrorLog(
        session_id,
        type(error).__name__,
        error.message,
        category=category_of(error),
        service=upstream.service if upstream else "",
        operation=upstream.operation if upstream else "",
        status=upstream.status if upstream else 0,
        reason=upstream.reason if upstream else "",
        advice=error.advice,
    )


def figures_of(figures: Figures, records: int, seconds: float) -> list[database.Figure]:
    """The figures of one run."""
    by_operation = [
        database.Figure(f"calls_{operation}", count, "calls") for operation, count in sorted(figures.calls.items())
    ]
    return [
        database.Figure("calls", figures.total, "calls"),
        database.Figure("retries", figures.retries, "calls"),
        database.Figure("throttled", figures.throttled, "calls"),
        database.Figure("seconds_waited", figures.waited, "s"),
        database.Figure("seconds", seconds, "s", phase="update"),
        database.Figure("records", records, "records", phase="update"),
        *by_operation,
    ]
