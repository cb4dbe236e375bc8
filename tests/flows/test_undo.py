"""Undo of a job, end to end: what the audit has goes back into shop and sheet, and nobody's later edit is touched."""

from __future__ import annotations

import pytest
from sandboxed import desk

from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.flows.verification import verify


@pytest.fixture
def at():
    with desk() as one:
        import_catalogue(one.systems, one.audit)
        yield one


def tab(at, title):
    return at.person().worksheet(title)


def column(sheet, header):
    return sheet.row_values(1).index(header) + 1


def put(at, title, row, header, value):
    sheet = tab(at, title)
    sheet.update_cell(row, column(sheet, header), value)


def cell(at, title, row, header, render="UNFORMATTED_VALUE"):
    sheet = tab(at, title)
    return sheet.cell(row, column(sheet, header), value_render_option=render).value


def in_shop(at, table, key):
    return dict(at.fresh().catalogue.by_ids(table, [key])[key].values)


def sent(at, since):
    return [line for line in at.ledger(since, "shopify") if line["actor"] != "merchant"]


def run(at, plan):
    return apply(at.systems, at.audit, store(at.systems, plan), confirmed=True)


def export(at, **options):
    result = run(at, plan_export(at.systems, ExportOptions(**options)))
    assert result.books.balanced
    return result.job_id


def undo(at, job, **how):
    plan = plan_undo(at.systems, at.audit, job, **how)
    result = run(at, plan)
    assert result.books.balanced
    return plan, result


def test_one_price_goes_back_in_shop_and_sheet_and_the_baseline_agrees(at):
    before, key = cell(at, "Variants", 2, "Price"), str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    assert in_shop(at, "variants", key)["price"] == "77.50"
    since = len(at.ledger())
    plan, result = undo(at, job)
    assert [(each.field, each.before, each.after, each.side) for change in plan.changes for each in change.fields] == [
        ("price", "77.50", f"{before:.2f}", "shop"),
        ("price", "77.50", f"{before:.2f}", "sheet"),
    ]
    assert (result.books.done, result.books.conflicted, result.books.rejected) == (1, 0, 0)
    assert len(sent(at, since)) == 1
    assert in_shop(at, "variants", key)["price"] == f"{before:.2f}"
    assert cell(at, "Variants", 2, "Price") == before
    assert verify(at.systems).clean
    assert plan_export(at.systems).empty
    session = at.audit.session(result.job_id)
    assert session.title.startswith("Undo of ")
    assert session.details["undo_of"] == job
