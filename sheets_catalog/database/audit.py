"""Write the audit trail and ask it questions.

Records are collected and written in one transaction per batch. The order that loses nothing: `Audit.batch_finished`
first, then the job's own checkpoint. A crash between two batches loses at most the records of the open one; the
resumed job says them again, and those that were stored already are recognised by their operation key.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from sheets_catalog.database import queries, retention
from sheets_catalog.database.opening import BUSY_SECONDS, engine_for, migrate, place, telling, url_of, writing
from sheets_catalog.database.queries import Filter
from sheets_catalog.database.rows import Rows
from sheets_catalog.database.statements import save_batch, save_figures, save_records, save_session
from sheets_catalog.database.tables import batches, errors, sessions
from sheets_catalog.errors import SheetsCatalogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy import Connection

    from sheets_catalog.books import Books
    from sheets_catalog.database.entries import (
        BatchEnd,
        BatchStart,
        ErrorEntry,
        ErrorLog,
        Figure,
        RecordEntry,
        RecordLog,
        Report,
        Session,
        SessionEnd,
        SessionStart,
    )
    from sheets_catalog.database.retention import Archive, RetentionPlan

FLUSH_AT = 500
"""Records that are collected at most before they are written, whether their batch has ended or not."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Audit:
    """The audit store at a file path or database URL; its tables are made or brought up to date when it is opened.

    `secrets` are texts that must never be stored (the tokens in use); whatever looks like a token is masked besides.
    `now` dates entries that bring no moment of their own. May be used from several threads.

    Every method raises `BusyError` (locked), `DamagedStateError`, `NewerStateError`, `SettingsError` (not reachable
    or not writable) or another `StateError`, each with what to do.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        secrets: Iterable[str] = (),
        now: Callable[[], datetime] = _utc_now,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._url = url_of(where)
        self._now = now
        self._rows = Rows(tuple(sorted({each for each in secrets if len(each) >= 4}, key=len, reverse=True)))
        self._open: list[RecordLog] = []
        self._lock = threading.RLock()
        self._engine = engine_for(self._url, busy_seconds)
        try:
            migrate(self._engine)
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def place(self) -> str:
        """Where it is kept, for people: the file, or the URL without its password."""
        return place(self._url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What went wrong inside matters more than that its last records could not be written either.
        with suppress(SheetsCatalogError) if error else nullcontext():
            self.close()

    def close(self) -> None:
        """Write what is still open and let go of the database."""
        try:
            self.flush()
        finally:
            self._engine.dispose()

    # -- writing ------------------------------------------------------------------------------------------------------

    def session_started(self, start: SessionStart) -> None:
        """Note that a job begins. The same session again counts a resumption and is running again."""
        with self._transaction() as connection:
            save_session(connection, self._rows.session(start))

    def progress(self, session_id: str, books: Books) -> None:
        """Note the books of a checkpoint; open records are written first."""
        with self._transaction() as connection:
            self._write_books(connection, session_id, books)

    def batch_started(self, start: BatchStart) -> None:
        """Note that a batch is about to be sent; the same number again counts an attempt."""
        with self._transaction() as connection:
            save_batch(connection, self._rows.batch(start))

    def batch_finished(self, end: BatchEnd) -> None:
        """Note how a batch ended, together with its records and, when it knows them, the session's books."""
        with self._transaction() as connection:
            matching = (batches.c.session_id == end.session_id) & (batches.c.number == end.number)
            connection.execute(batches.update().where(matching).values(self._rows.batch_end(end)))
            if end.books is not None:
                self._write_books(connection, end.session_id, end.books)

    def records(self, logs: Iterable[RecordLog]) -> None:
        """Take what happened to records; written with the end of their batch, or when `FLUSH_AT` have come together."""
        with self._lock:
            self._open.extend(logs)
            if len(self._open) >= FLUSH_AT:
                self.flush()

    def error(self, log: ErrorLog) -> None:
        """Note an error at once, with the records before it."""
        with self._transaction() as connection:
            connection.execute(errors.insert(), self._rows.error(log, self._now()))

    def metrics(self, session_id: str, run: str, figures: Iterable[Figure]) -> None:
        """Note the figures of one run (a slice, a process) of a session. The same `run` again replaces its figures."""
        with self._transaction() as connection:
            save_figures(connection, [self._rows.figure(session_id, run, each, self._now()) for each in figures])

    def session_finished(self, end: SessionEnd) -> None:
        """Note how a job ended or where it paused."""
        with self._transaction() as connection:
            changed = self._rows.session_end(end)
            connection.execute(sessions.update().where(sessions.c.session_id == end.session_id).values(changed))

    def flush(self) -> None:
        """Write the open records now. When that fails they stay open, and nothing of them was stored."""
        with self._lock:
            if self._open:
                with self._transaction():
                    pass

    # -- asking -------------------------------------------------------------------------------------------------------

    def logged(self, session_id: str) -> Mapping[str, str]:
        """Status by operation key of everything the session has stored: a resumed job says the missing ones again."""
        with self._reading() as connection:
            return queries.logged(connection, session_id)

    def sessions(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        status: str | None = None,
        record_key: str | None = None,
        flow: str | None = None,
        spreadsheet_id: str | None = None,
        shop: str | None = None,
        limit: int = 100,
    ) -> list[Session]:
        """Sessions that began in [since, until) and match everything given, newest first.

        `record_key` keeps those that have an entry for this record.
        """
        equal = {"status": status, "flow": flow, "spreadsheet_id": spreadsheet_id, "shop": shop}
        with self._reading() as connection:
            return queries.find_sessions(connection, Filter(since, until, equal), record_key, limit)

    def session(self, session_id: str) -> Session | None:
        """One session, or None."""
        with self._reading() as connection:
            return queries.find_session(connection, session_id)

    def find_records(
        self,
        *,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        status: str | None = None,
        record_key: str | None = None,
        table: str | None = None,
        action: str | None = None,
        limit: int | None = None,
    ) -> Iterator[RecordEntry]:
        """Record entries of [since, until) that match everything given, in the order in which they were written.

        Read in pages: any number can be walked in bounded memory.
        """
        equal = {
            "session_id": session_id,
            "status": status,
            "record_key": record_key,
            "table_name": table,
            "action": action,
        }
        yield from queries.walk_records(self._reading, Filter(since, until, equal), limit)

    def find_errors(
        self,
        *,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        category: str | None = None,
        limit: int = 1000,
    ) -> list[ErrorEntry]:
        """Errors of [since, until) that match everything given, in the order in which they happened."""
        wanted = Filter(since, until, {"session_id": session_id, "category": category})
        with self._reading() as connection:
            return queries.find_errors(connection, wanted, limit)

    def last_batch(self, session_id: str) -> int:
        """The highest number of a session's batches, 0 before the first: a resumed job numbers on from there."""
        with self._reading() as connection:
            return queries.last_batch(connection, session_id)

    def report(self, session_id: str, *, records: int | None = None) -> Report:
        """Everything about one session, with at most `records` of its records (those that need attention first).

        Raises `InputError` when there is no such session.
        """
        self.flush()
        with self._reading() as connection:
            return queries.report(connection, self.place, session_id, records)

    # -- keeping it small ---------------------------------------------------------------------------------------------

    def plan_retention(self, older_than_days: int = retention.KEEP_DAYS) -> RetentionPlan:
        """What `archive` would take away: ended sessions that began more than so many days ago. Writes nothing."""
        with self._reading() as connection:
            return retention.plan(connection, older_than_days, self._now())

    def archive(self, plan: RetentionPlan, folder: Path) -> Archive:
        """Move the plan's sessions into one compressed JSON-lines file in `folder`, then delete them here.

        They are deleted only after the file is complete on disk and was read back. Raises `StalePlanError` when one of
        the sessions is running again, `SettingsError` when the file cannot be written.
        """
        with self._transaction() as connection:
            return retention.archive(connection, plan, folder)

    # -- inside -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """One writing transaction that begins with the open records; they stay open when it fails."""
        with self._lock:
            taken = len(self._open)
            with telling(self._url), writing(self._engine) as connection:
                now = self._now()
                for overrule in (False, True):
                    logs = [each for each in self._open if each.overrules is overrule]
                    save_records(connection, [self._rows.record(each, now) for each in logs], overrule=overrule)
                yield connection
            del self._open[:taken]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with telling(self._url), self._engine.connect() as connection:
            yield connection

    @staticmethod
    def _write_books(connection: Connection, session_id: str, books: Books) -> None:
        connection.execute(sessions.update().where(sessions.c.session_id == session_id).values(books.as_dict()))
