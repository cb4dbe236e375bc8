"""The report for programs: JSON that holds everything, CSV that any spreadsheet reads and none evaluates."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.database import FieldChange
from sheets_catalog.flows.reporting import as_csv, as_json
from sheets_catalog.flows.reporting.machine import CSV_HEADERS, guarded
from tests.flows.sample_reports import conflicted, entry, rejected, report


def read(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


def test_json_is_json_and_holds_everything():
    """Books and job at the top, moments with a zone, every record with every change."""
    shown = report(20, waiting=3, conflicts=2, pending=7)
    said = json.loads(json.dumps(as_json(shown), allow_nan=False))
    assert said["job"] == "job-20261122-0001"
    assert said["books"] == {**shown.session.books.as_dict(), "balanced": True}
    assert list(said["books"])[:6] == ["planned", "done", "unchanged", "rejected", "conflicted", "pending"]
    assert datetime.fromisoformat(said["session"]["started_at"]).utcoffset().total_seconds() == 0
    assert said["session"]["seconds"] == 3.5
    assert [each["record_key"] for each in said["records"]] == [each.record_key for each in shown.records]
    assert said["records"][0]["changes"][0] == {
        "field": "price",
        "before": "19.99",
        "after": "24.99",
        "base": None,
        "intact": True,
        "side": "shop",
    }
    assert len(said["errors"]) == 3
    assert [each["name"] for each in said["phases"]] == ["fetch", "compare", "update", "verify"]


def test_csv_has_a_line_for_every_changed_field():
    """A record without changes still has its line."""
    records = [entry(1), conflicted(2), replace(rejected(3), changes=())]
    rows = read(as_csv(records))
    assert tuple(rows[0]) == CSV_HEADERS
    assert len(rows) == 2 + 2 + 1
    assert (rows[2]["before"], rows[2]["after"], rows[2]["base"]) == ("21.00", "24.99", "19.99")
    assert rows[4]["status"] == "quarantined"
    assert rows[4]["reason"].startswith("Shopify refused")


@given(before=st.none() | st.text(), after=st.none() | st.text(), label=st.text())
def test_csv_comes_back_as_it_went_in(before, after, label):
    """Quotes, commas, line breaks, odd letters: read by a strict reader they are what they were, but for the guard."""
    change = FieldChange("title", before, after)
    (row,) = read(as_csv([entry(1, changes=(change,), label=label)]))
    assert (row["before"], row["after"], row["label"]) == (guarded(before or ""), guarded(after or ""), guarded(label))


@given(st.text())
def test_no_field_begins_a_formula(text):
    """The guard is total, adds at most one apostrophe, and leaves harmless text alone."""
    safe = guarded(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"))
    assert safe in {text, f"'{text}"}


def test_values_that_spreadsheets_would_run_are_guarded():
    """The known ways to make Excel or Sheets run something."""
    for text in ("=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "=cmd|'/C calc'!A0", "＝1"):
        assert guarded(text) == f"'{text}"
    for text in ("", "1", "plain", " =1", "'=1", "a=b"):
        assert guarded(text) == text
