"""A job that dies and goes on leaves the same audit trail as one that never died: nothing twice, nothing missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheets_catalog.books import Books
from sheets_catalog.database import Audit, BatchEnd, BatchStart, FieldChange, RecordLog, SessionStart
from sheets_catalog.errors import StateError

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STATES = ("done", "unchanged", "rejected", "conflicted", "quarantined")


def record(number: int, status: str = "done") -> RecordLog:
    change = (FieldChange("price", "1.00", f"{number}.00"),)
    return RecordLog("job-1", "variants", str(number), "update", status, f"op-{number}", change)


def test_saying_it_all_again_changes_nothing(audit):
    """The same session, batches and records twice: one session resumed once, one batch tried twice, each record once."""
    for _ in range(2):
        audit.session_started(SessionStart("job-1", "export", NOON, planned=3))
        audit.batch_started(BatchStart("job-1", 1, NOON, 3))
        audit.records([record(number) for number in range(3)])
        audit.batch_finished(BatchEnd("job-1", 1, NOON, done=3, books=Books(3, 3)))
    report = audit.report("job-1")
    assert [(each.operation_key, each.attempts) for each in report.records] == [(f"op-{n}", 1) for n in range(3)]
    assert (report.session.resumed, [each.attempts for each in report.batches]) == (1, [2])
    assert report.session.books == Books(3, 3)


def test_a_resumed_session_is_running_again_and_keeps_its_first_start(audit):
    """Resuming takes back the end, not the beginning, and not the books."""
    audit.session_started(SessionStart("job-1", "export", NOON, planned=3))
    audit.progress("job-1", Books(3, 2, pending=1))
    audit.session_started(SessionStart("job-1", "export", NOON.replace(hour=18), planned=3))
    session = audit.session("job-1")
    assert (session.started_at, session.status, session.books.pending) == (NOON, "running", 1)


def test_a_retried_reject_becomes_done_and_done_is_final(audit):
    """Outcomes only get better: a late, stale word about a record that is done is not believed."""
    audit.session_started(SessionStart("job-1", "export", NOON))
    for status in ("rejected", "done", "rejected", "conflicted"):
        audit.records([record(1, status)])
        audit.flush()
    (kept,) = audit.find_records()
    assert (kept.status, kept.attempts) == ("done", 2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(STATES), st.sampled_from(("", "flush", "crash", "batch"))),
        max_size=40,
    )
)
def test_any_crashes_any_repeats_leave_one_entry_an_operation(migrated, said):
    """Whatever was said, lost in crashes and said again: after the resumed job fills in, the trail equals the model."""
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copy(migrated, Path(folder) / "audit.sqlite3")
        audit = Audit(path)
        audit.session_started(SessionStart("job-1", "export", NOON))
        stored: dict[str, str] = {}
        waiting: list[RecordLog] = []
        for number, status, then in said:
            audit.records([record(number, status)])
            waiting.append(record(number, status))
            if then == "crash":
                waiting.clear()
                audit._engine.dispose()  # a killed process writes nothing more
                audit = Audit(path)
                audit.session_started(SessionStart("job-1", "export", NOON))
            elif then == "flush":
                audit.flush()
            elif then == "batch":
                audit.batch_finished(BatchEnd("job-1", 1, NOON))
            if then in {"flush", "batch"}:
                for each in waiting:
                    if stored.get(each.operation_key) != "done":
                        stored[each.operation_key] = each.status
                waiting.clear()
            assert audit.logged("job-1") == stored
        missing = {f"op-{number}" for number in range(7)} - set(audit.logged("job-1"))
        audit.records([record(number) for number in range(7) if f"op-{number}" in missing])
        audit.close()
        with Audit(path) as after:
            keys = [each.operation_key for each in after.find_records()]
        assert sorted(keys) == [f"op-{number}" for number in range(7)]


CRASHING = """
import os, sys
from datetime import UTC, datetime
from sheets_catalog.database import Audit, BatchEnd, RecordLog, SessionStart
audit = Audit(sys.argv[1])
now = datetime.now(UTC)
audit.session_started(SessionStart("job-1", "export", now, planned=30))
for batch in range(3):
    audit.records([RecordLog("job-1", "variants", str(n), "update", "done", f"op-{n}") for n in range(batch * 10, batch * 10 + 10)])
    if batch == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    audit.batch_finished(BatchEnd("job-1", batch, now, done=10))
"""


def test_a_killed_process_loses_at_most_its_open_batch(tmp_path):
    """SIGKILL between records and the end of their batch; the resumed process says all again and the trail is whole."""
    path = str(tmp_path / "audit.sqlite3")
    for killed_in, kept in ((1, 10), (2, 20)):
        ended = subprocess.run([sys.executable, "-c", CRASHING, path, str(killed_in)], check=False)
        assert ended.returncode == -9
        with Audit(path) as audit:
            assert len(audit.logged("job-1")) == kept
    assert subprocess.run([sys.executable, "-c", CRASHING, path, "9"], check=False).returncode == 0
    with Audit(path) as audit:
        entries = list(audit.find_records())
        assert sorted(int(each.record_key) for each in entries) == list(range(30))
        assert {each.attempts for each in entries} == {1}
        assert audit.session("job-1").resumed == 2


def test_a_failed_write_keeps_its_records_for_the_next_one(audit):
    """The database refuses once: nothing of the batch is half there, and nothing is forgotten."""
    audit.session_started(SessionStart("job-1", "export", NOON))
    stray = RecordLog("no-such-job", "variants", "1", "update", "done", "op-x")
    audit.records([record(1), stray])
    for _ in range(2):
        with pytest.raises(StateError):
            audit.flush()
    assert audit.logged("job-1") == {}
    audit._open.remove(stray)
    audit.flush()
    assert audit.logged("job-1") == {"op-1": "done"}
