"""New rows among others of their name: what cannot get its id is not sent, and what can be told gets it."""

from __future__ import annotations

import pytest
from sandboxed import desk

from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export
from sheets_catalog.flows.exporting.standing import FORMULA
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.google.sheets import Spreadsheets
from tests.flows.test_new_rows import append, go, made, planned, tab


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


@pytest.mark.parametrize("formula", ['=IF(1,"","")', '=""'])
def test_a_new_row_whose_id_cell_holds_a_formula_is_not_sent(at, formula):
    row = append(at, "Products", {"Handle": "x1", "Title": "Formula id", "Status": "active"})
    sheet = tab(at, "Products")
    sheet.format(f"A{row}", {"numberFormat": {"type": "NUMBER"}})
    sheet.update([[formula]], f"A{row}", raw=False)
    before = len(made(at).products)
    result = go(at, planned(at))
    assert result.state.reasons == {0: FORMULA}
    assert len(made(at).products) == before
    sheet.update([[""]], f"A{row}", raw=True)
    assert go(at, planned(at)).books.done == 1


def test_what_stands_beside_the_names_is_not_read_again_for_every_batch(at, monkeypatch):
    append(at, "Products", *({"Title": f"New {number}", "Status": "active"} for number in range(6)))
    job = planned(at)
    blocks = []
    read = Spreadsheets.read_block
    monkeypatch.setattr(Spreadsheets, "read_block", lambda *args: blocks.append(args) or read(*args))
    options = ExportOptions(change_share=1, batch_size=2)
    assert apply(at.fresh(), at.audit, job, options=options).books.done == 6
    assert not blocks
