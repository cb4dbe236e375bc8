"""New rows among others of their name: what cannot get its id is not sent, and what can be told gets it."""

from __future__ import annotations

import pytest
from sandboxed import desk

from sheets_catalog.flows.exporting import ExportOptions, plan_export
from sheets_catalog.flows.importing import import_catalogue
from tests.flows.test_new_rows import append, tab


@pytest.fixture
def at():
    with desk() as one:
        import_catalogue(one.systems, one.audit)
        yield one


def test_two_new_rows_of_one_name_are_refused_though_one_of_them_cannot_be_read(at):
    good = {"Handle": "dup", "Title": "Dup", "Status": "active"}
    row = append(at, "Products", good, {**good, "Status": "bogus"})
    plan = plan_export(at.systems)
    assert not plan.changes
    found = [(each.rule, each.row) for each in plan.findings if each.severity == "error"]
    assert sorted(found) == [("bad_value", row + 1), ("duplicate_key", row)]
    assert plan.books.rejected == 2


def test_two_new_rows_of_one_name_are_refused_though_one_of_them_is_hidden(at):
    row = append(at, "Products", *[{"Handle": "dup", "Title": "Dup", "Status": "active"}] * 2)
    tab(at, "Products").hide_rows(row, row + 1)  # counted from 0: the second one
    plan = plan_export(at.systems, ExportOptions(include_hidden=False))
    assert not plan.changes
    assert [(each.rule, each.row) for each in plan.findings if each.severity == "error"] == [("duplicate_key", row)]
