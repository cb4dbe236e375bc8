"""Old sessions move into a file that is proven before anything is deleted."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from sheets_catalog.books import Books
from sheets_catalog.database import (
    Audit,
    BatchEnd,
    BatchStart,
    ErrorLog,
    Figure,
    RecordLog,
    SessionEnd,
    SessionStart,
)
from sheets_catalog.errors import InputError, SettingsError, StalePlanError

TODAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def old_and_new(where):
    """Three ended sessions of 200, 91 and 89 days ago, and one of 300 days ago that never ended."""
    with Audit(where, now=lambda: TODAY) as audit:
        for name, days, ended in (("old", 200, True), ("edge", 91, True), ("young", 89, True), ("open", 300, False)):
            begun = TODAY - timedelta(days=days)
            audit.session_started(SessionStart(name, "export", begun))
            audit.batch_started(BatchStart(name, 1, begun, 1))
            audit.records([RecordLog(name, "variants", "1", "update", "done", at=begun)])
            audit.batch_finished(BatchEnd(name, 1, begun))
            audit.error(ErrorLog(name, "E", "said", at=begun))
            audit.metrics(name, "run", [Figure("calls", 1)])
            if ended:
                audit.session_finished(SessionEnd(name, "completed", begun, Books()))
        yield audit


def names(audit):
    return {each.session_id for each in audit.sessions()}


def test_sy_11_planning_writes_nothing_and_counts_everything(old_and_new):
    """The plan names what would go: ended and older than 90 days."""
    plan = old_and_new.plan_retention()
    assert plan.session_ids == ("old", "edge")
    assert {name: count for name, count in plan.rows.items() if count} == dict.fromkeys(
        ("sync_audit_logs", "sync_batch_logs", "sync_record_logs", "sync_error_logs", "sync_metrics"), 2
    )
    assert names(old_and_new) == {"old", "edge", "young", "open"}


def test_sy_11_archive_moves_and_does_not_lose(old_and_new, tmp_path):
    """Every row stands in the file, none in the tables, and the young ones are as they were."""
    plan = old_and_new.plan_retention()
    archive = old_and_new.archive(plan, tmp_path / "archive")
    with gzip.open(archive.path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == sum(plan.rows.values()) == sum(archive.rows.values()) == 10
    assert {each["session_id"] for each in rows} == {"old", "edge"}
    assert names(old_and_new) == {"young", "open"}
    assert {each.session_id for each in old_and_new.find_records()} == {"young", "open"}
    assert [each.name for each in (tmp_path / "archive").iterdir()] == [archive.path.name]
    assert old_and_new.plan_retention().session_ids == ()


def test_a_session_that_runs_again_is_not_archived(old_and_new, tmp_path):
    """Between plan and archive somebody resumed it: nothing is deleted."""
    plan = old_and_new.plan_retention()
    old_and_new.session_started(SessionStart("old", "export", TODAY))
    with pytest.raises(StalePlanError, match="running again"):
        old_and_new.archive(plan, tmp_path / "archive")
    assert names(old_and_new) == {"old", "edge", "young", "open"}


def test_a_file_that_cannot_be_written_deletes_nothing(old_and_new, tmp_path):
    """The archive folder is a file: the error is said and every row is still there."""
    (tmp_path / "archive").write_text("in the way")
    with pytest.raises(SettingsError, match="archive"):
        old_and_new.archive(old_and_new.plan_retention(), tmp_path / "archive")
    assert names(old_and_new) == {"old", "edge", "young", "open"}
    assert len(list(old_and_new.find_records())) == 4


def test_nothing_old_makes_no_file(old_and_new, tmp_path):
    """An empty plan does nothing."""
    archive = old_and_new.archive(old_and_new.plan_retention(older_than_days=1000), tmp_path / "archive")
    assert (archive.path, (tmp_path / "archive").exists()) == (None, False)


def test_keeping_nothing_is_refused(old_and_new):
    """Zero days would take today's work away."""
    with pytest.raises(InputError, match="0 days"):
        old_and_new.plan_retention(0)
