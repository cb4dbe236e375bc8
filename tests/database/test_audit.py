"""What is said to the audit store is what it answers, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sheets_catalog.books import Books
from sheets_catalog.database import (
    BatchEnd,
    BatchStart,
    ErrorLog,
    FieldChange,
    Figure,
    Phase,
    RecordLog,
    SessionEnd,
    SessionStart,
)
from sheets_catalog.errors import InputError, StateError

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def start(session_id="job-1", **others):
    return SessionStart(session_id, "export", others.pop("started_at", NOON), **others)


def done(key, session_id="job-1", **others):
    return RecordLog(session_id, "variants", key, "update", others.pop("status", "done"), f"op-{key}", **others)


def test_property_06_sync_start_logging(audit):
    """A start is there at once, with all that was said, running, and everything pending."""
    said = start(
        title="Export of Autumn",
        spreadsheet_id="sheet-1",
        spreadsheet_title="Autumn",
        shop="demo-shop.myshopify.com",
        actor="owner@example.com",
        plan_digest="ab12",
        planned=3,
        details={"tables": ["variants"], "dry_run": False},
    )
    audit.session_started(said)
    kept = audit.session("job-1")
    for name in SessionStart.__dataclass_fields__:
        if name != "planned":
            assert getattr(kept, name) == getattr(said, name), name
    assert (kept.status, kept.books, kept.resumed, kept.seconds) == ("running", Books(planned=3, pending=3), 0, None)


def test_property_07_record_processing_logging(audit):
    """A record comes back field by field, with nothing, empty text and odd letters told apart."""
    audit.session_started(start())
    log = RecordLog(
        "job-1",
        "variants",
        "4711",
        "update",
        "conflicted",
        "op-1",
        (
            FieldChange("price", "19.99", "24.99", base="18.00"),
            FieldChange("barcode", None, "00123"),
            FieldChange("title", "", "=SUM(A1) 👕 שלום"),
        ),
        label="T-shirt / M",
        row=17,
        reason="changed in the shop too",
        advice="choose one",
        batch=2,
        at=NOON,
    )
    audit.records([log])
    audit.flush()
    (kept,) = audit.find_records()
    for name in RecordLog.__dataclass_fields__.keys() - {"overrules"}:  # how it is written, not what
        assert getattr(kept, name) == getattr(log, name), name
    assert kept.attempts == 1


def test_what_is_done_stays_done_unless_it_is_overruled(audit):
    audit.session_started(start())
    done = RecordLog("job-1", "tasks", "task-1", "stage", "done", "0", at=NOON)
    audit.records([done, replace(done, status="conflicted", reason="a late word")])
    audit.flush()
    assert [each.status for each in audit.find_records()] == ["done"]
    audit.records([replace(done, status="conflicted", reason="taken back", overrules=True)])
    audit.flush()
    (kept,) = audit.find_records()
    assert (kept.status, kept.reason, kept.attempts) == ("conflicted", "taken back", 2)


def test_property_08_error_logging_completeness(audit):
    """An error is there at once with all of its context."""
    audit.session_started(start())
    log = ErrorLog(
        "job-1",
        "Unavailable",
        "Shopify answered 503",
        category="retryable",
        service="shopify",
        operation="productVariantsBulkUpdate",
        status=503,
        reason="backendError",
        advice="It is tried again.",
        record_key="4711",
        batch=1,
        context={"attempt": 2, "waited": 1.5, "request": None},
        at=NOON,
    )
    audit.error(log)
    (kept,) = audit.find_errors()
    for name in ErrorLog.__dataclass_fields__:
        assert getattr(kept, name) == getattr(log, name), name


def test_property_09_sync_completion_logging(audit):
    """An end keeps status, moment, message and books."""
    audit.session_started(start(planned=4))
    books = Books(planned=4, done=1, unchanged=1, rejected=1, conflicted=1)
    audit.session_finished(SessionEnd("job-1", "completed", NOON + timedelta(minutes=2), books, "2 wait", "look"))
    kept = audit.session("job-1")
    assert (kept.status, kept.books, kept.seconds, kept.message, kept.advice) == (
        "completed",
        books,
        120,
        "2 wait",
        "look",
    )


def test_batch_and_its_records_become_visible_together(audit):
    """Before a batch ends nothing of it shows, afterwards all of it does, books included."""
    audit.session_started(start(planned=3))
    audit.batch_started(BatchStart("job-1", 1, NOON, 2, "variants", "update"))
    audit.records([done("1", batch=1), done("2", batch=1)])
    assert list(audit.find_records()) == []
    audit.batch_finished(BatchEnd("job-1", 1, NOON, done=2, calls=1, cost=22.5, books=Books(3, 2, 0, 0, 0, 1)))
    report = audit.report("job-1")
    assert [each.record_key for each in report.records] == ["1", "2"]
    (batch,) = report.batches
    assert (batch.size, batch.status, batch.done, batch.calls, batch.cost) == (2, "completed", 2, 1, 22.5)
    assert report.session.books.pending == 1


def test_many_records_are_written_before_their_batch_ends(audit):
    """What is collected stays bounded."""
    audit.session_started(start())
    audit.records([done(str(number)) for number in range(499)])
    assert audit.logged("job-1") == {}
    audit.records([done("499")])
    assert len(audit.logged("job-1")) == 500


def test_an_error_brings_the_records_before_it(audit):
    """When the process dies of an error, what led to it is on record."""
    audit.session_started(start())
    audit.records([done("1")])
    audit.error(ErrorLog("job-1", "Unavailable", "gone"))
    assert audit.logged("job-1") == {"op-1": "done"}


def test_figures_add_up_over_runs_and_repeat_within_one(audit):
    """Slices add up, a slice said twice counts once, a peak is the highest."""
    audit.session_started(start())
    first = [Figure("calls", 10), Figure("peak_memory", 90, "MB"), Figure("seconds", 2, "s", phase="fetch")]
    audit.metrics("job-1", "slice-1", first)
    audit.metrics("job-1", "slice-1", first)
    audit.metrics(
        "job-1",
        "slice-2",
        [
            Figure("calls", 5),
            Figure("peak_memory", 70, "MB"),
            Figure("seconds", 4, "s", phase="update"),
            Figure("records", 20, phase="update"),
        ],
    )
    report = audit.report("job-1")
    assert report.figures == {"calls": 15, "peak_memory": 90}
    assert report.phases == (Phase("fetch", 2, 0), Phase("update", 4, 20))
    assert [each.records_per_second for each in report.phases] == [None, 5]


def test_report_shows_what_needs_a_person_first(audit):
    """Rejected, then conflicted, then the rest; cut to a number, the total stays true."""
    audit.session_started(start())
    states = ["done", "unchanged", "conflicted", "rejected", "done", "quarantined"]
    audit.records([done(str(number), status=status) for number, status in enumerate(states)])
    report = audit.report("job-1")
    assert [each.record_key for each in report.records] == ["3", "5", "2", "0", "1", "4"]
    short = audit.report("job-1", records=2)
    assert ([each.record_key for each in short.records], short.records_total) == (["3", "5"], 6)


def test_moments_are_kept_as_utc_and_naive_ones_are_refused(audit):
    """A moment in another zone is the same moment afterwards."""
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    audit.session_started(start(started_at=datetime(2026, 3, 29, 7, 0, tzinfo=kathmandu)))
    assert audit.session("job-1").started_at == datetime(2026, 3, 29, 1, 15, tzinfo=UTC)
    with pytest.raises(StateError, match="without a time zone"):
        audit.session_started(start("job-2", started_at=datetime(2026, 3, 29, 7, 0)))  # noqa: DTZ001
    assert audit.session("job-2") is None


def test_text_that_a_database_cannot_hold_is_kept_readable(audit):
    """NUL and half surrogates neither stop the record nor vanish without a trace."""
    audit.session_started(start(title="a\x00b"))
    audit.records([done("1", changes=(FieldChange("title", "a\x00b", "half \ud83d pair"),), reason="x\x00")])
    audit.flush()
    (kept,) = audit.find_records()
    assert kept.changes == (FieldChange("title", "a\ufffdb", "half \ufffd pair", intact=False),)
    assert (kept.reason, audit.session("job-1").title) == ("x\ufffd", "a\ufffdb")


def test_long_values_are_kept_whole_up_to_more_than_a_cell_can_hold(audit):
    """A full cell of 50,000 characters survives; beyond the limit it is cut and says so."""
    audit.session_started(start())
    cell, huge = "x" * 50_000, "y" * 70_000
    audit.records([done("1", changes=(FieldChange("body", cell, cell + "!"), FieldChange("more", huge, None)))])
    audit.flush()
    ((body, more),) = [each.changes for each in audit.find_records()]
    assert body == FieldChange("body", cell, cell + "!")
    assert (len(more.before), more.intact) == (65_536, False)


def test_long_operation_keys_that_differ_only_at_the_end_stay_two(audit):
    """Cutting a key must not merge two operations."""
    audit.session_started(start())
    keys = ["k" * 600 + end for end in "ab"]
    audit.records([RecordLog("job-1", "products", key, "create", "done", key) for key in keys])
    audit.flush()
    assert len(audit.logged("job-1")) == 2


def test_a_record_of_an_unknown_session_is_refused_and_said(audit):
    """An audit line without its job would be an orphan; the foreign key holds on both databases."""
    audit.records([done("1", session_id="nobody")])
    with pytest.raises(StateError, match=r"(?i)foreign key"):
        audit.flush()
    audit._open.clear()


def test_report_of_an_unknown_job_says_what_to_do(audit):
    """The message names job and place, the advice a command."""
    with pytest.raises(InputError, match="'nope'") as caught:
        audit.report("nope")
    assert "jobs list" in caught.value.advice


def test_details_that_are_too_much_are_cut(audit):
    """Details stay bounded whatever a caller puts in."""
    audit.session_started(start(details={"plan": "p" * 100_000}))
    assert len(audit.session("job-1").details["cut"]) == 65_536


def test_several_threads_write_and_nothing_is_lost(audit):
    """One store, eight threads, each record once."""
    from concurrent.futures import ThreadPoolExecutor

    audit.session_started(start())

    def write(worker: int) -> None:
        for number in range(20):
            audit.records([done(f"{worker}-{number}")])
            if number % 7 == 0:
                audit.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    audit.flush()
    assert len(audit.logged("job-1")) == 160
    assert len(list(audit.find_records())) == 160
