"""Filters of the audit trail answer exactly what a plain loop over everything would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheets_catalog.database import Audit, ErrorLog, RecordLog, SessionStart
from sheets_catalog.database.queries import PAGE

BASE = datetime(2026, 1, 1, tzinfo=UTC)
KEYS, STATES, TABLES, FLOWS = ("1", "2", "3"), ("done", "rejected"), ("products", "variants"), ("export", "import")
hours = st.integers(0, 5)
moments = hours.map(lambda hour: BASE + timedelta(hours=hour))
windows = st.tuples(st.none() | moments, st.none() | moments)

entries = st.lists(
    st.builds(
        RecordLog,
        session_id=st.sampled_from(("a", "b")),
        table=st.sampled_from(TABLES),
        record_key=st.sampled_from(KEYS),
        action=st.sampled_from(("create", "update")),
        status=st.sampled_from(STATES),
        at=moments,
    ),
    max_size=12,
    unique_by=lambda each: (each.session_id, each.table, each.record_key, each.action),
)


def inside(moment, window):
    since, until = window
    return (since is None or moment >= since) and (until is None or moment < until)


@settings(max_examples=80, deadline=None)
@given(
    logs=entries,
    window=windows,
    session_id=st.none() | st.sampled_from(("a", "b", "c")),
    status=st.none() | st.sampled_from(STATES),
    record_key=st.none() | st.sampled_from((*KEYS, "9")),
    table=st.none() | st.sampled_from(TABLES),
    action=st.none() | st.sampled_from(("create", "update")),
    limit=st.none() | st.integers(1, 5),
)
def test_property_10_audit_log_query_filtering(logs, window, session_id, status, record_key, table, action, limit):
    """Date range, status, record key, session, table and action, in every combination."""
    with Audit("sqlite://") as audit:
        for name in ("a", "b"):
            audit.session_started(SessionStart(name, "export", BASE))
        audit.records(logs)
        audit.flush()
        found = list(
            audit.find_records(
                session_id=session_id,
                since=window[0],
                until=window[1],
                status=status,
                record_key=record_key,
                table=table,
                action=action,
                limit=limit,
            )
        )
    wanted = [
        each
        for each in logs
        if inside(each.at, window)
        and session_id in {None, each.session_id}
        and status in {None, each.status}
        and record_key in {None, each.record_key}
        and table in {None, each.table}
        and action in {None, each.action}
    ][:limit]
    identity = [(each.session_id, each.table, each.record_key, each.action) for each in wanted]
    assert [(each.session_id, each.table, each.record_key, each.action) for each in found] == identity


sessions = st.lists(
    st.builds(
        SessionStart,
        session_id=st.sampled_from("abcdef"),
        flow=st.sampled_from(FLOWS),
        started_at=moments,
        spreadsheet_id=st.sampled_from(("s1", "s2")),
        shop=st.sampled_from(("x", "y")),
    ),
    max_size=6,
    unique_by=lambda each: each.session_id,
)


@settings(max_examples=60, deadline=None)
@given(
    starts=sessions,
    window=windows,
    flow=st.none() | st.sampled_from(FLOWS),
    spreadsheet_id=st.none() | st.sampled_from(("s1", "s2")),
    shop=st.none() | st.sampled_from(("x", "y")),
    touched=st.sets(st.sampled_from("abcdef")),
    by_record=st.booleans(),
)
def test_property_10_audit_log_query_filtering_of_sessions(
    starts, window, flow, spreadsheet_id, shop, touched, by_record
):
    """Sessions by date range, flow, sheet, shop, and by a record that they touched, newest first."""
    with Audit("sqlite://") as audit:
        for each in starts:
            audit.session_started(each)
            if each.session_id in touched:
                audit.records([RecordLog(each.session_id, "variants", "4711", "update", "done")])
        audit.flush()
        found = audit.sessions(
            since=window[0],
            until=window[1],
            flow=flow,
            spreadsheet_id=spreadsheet_id,
            shop=shop,
            record_key="4711" if by_record else None,
            status="running",
        )
        assert audit.sessions(status="completed") == []
    wanted = {
        each.session_id
        for each in starts
        if inside(each.started_at, window)
        and flow in {None, each.flow}
        and spreadsheet_id in {None, each.spreadsheet_id}
        and shop in {None, each.shop}
        and (not by_record or each.session_id in touched)
    }
    assert {each.session_id for each in found} == wanted
    assert [each.started_at for each in found] == sorted((each.started_at for each in found), reverse=True)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_records_are_walked_over_the_edge_of_a_page(audit, extra):
    """No record is left out or repeated where one page ends and the next begins."""
    count = 2 * PAGE + extra
    audit.session_started(SessionStart("a", "export", BASE))
    audit.records(RecordLog("a", "variants", str(number), "update", "done") for number in range(count))
    audit.flush()
    assert [each.record_key for each in audit.find_records()] == [str(number) for number in range(count)]
    assert len(list(audit.find_records(limit=PAGE + 1))) == PAGE + 1


def test_errors_are_found_by_category_session_and_time(audit):
    """Each filter alone keeps out what does not match."""
    for name in ("a", "b"):
        audit.session_started(SessionStart(name, "export", BASE))
    for hour, (session_id, category) in enumerate([("a", "throttled"), ("b", "throttled"), ("a", "auth")]):
        audit.error(ErrorLog(session_id, "E", str(hour), category=category, at=BASE + timedelta(hours=hour)))

    def said(**wanted):
        return [each.message for each in audit.find_errors(**wanted)]

    assert said() == ["0", "1", "2"]
    assert said(session_id="a") == ["0", "2"]
    assert said(category="throttled") == ["0", "1"]
    assert said(since=BASE + timedelta(hours=1), until=BASE + timedelta(hours=2)) == ["1"]
    assert said(limit=1) == ["0"]
