"""A tab or a column that stood there at the last sync and does not now is never passed over in silence."""

from __future__ import annotations

import pytest
from sandboxed import desk, imported

from sheets_catalog.errors import PlanError
from sheets_catalog.flows.exporting import ExportOptions, plan_export
from sheets_catalog.flows.importing import ImportOptions, import_catalogue
from sheets_catalog.flows.verification import verify

GONE = r"no tab “Products”, but 30 records stood there at the last sync. It has: .*Products 2026"


@pytest.fixture
def at():
    with imported() as one:
        yield one


def tab(at, title):
    return at.person().worksheet(title)


@pytest.mark.parametrize("tables", [("products", "variants", "inventory"), ("products",)])
def test_a_renamed_tab_stops_plan_import_and_verify(at, tables):
    sheet = tab(at, "Products")
    sheet.update_cell(2, sheet.row_values(1).index("Title") + 1, "Edited title")
    sheet.update_title("Products 2026")
    since = len(at.ledger(service="sheets"))
    with pytest.raises(PlanError, match=GONE):
        plan_export(at.fresh(), ExportOptions(tables=tables))
    with pytest.raises(PlanError, match=GONE):
        import_catalogue(at.fresh(), at.audit, ImportOptions(tables=tables))
    with pytest.raises(PlanError, match=GONE):
        verify(at.fresh(), tables)
    assert len(at.ledger(service="sheets")) == since
    assert "Products" not in [each.title for each in at.person().worksheets()]
    sheet.update_title("Products")
    assert [change.label for change in plan_export(at.fresh(), ExportOptions(tables=tables)).changes]


def test_the_other_tabs_can_be_chosen_and_an_empty_tab_accepts_the_loss(at):
    at.person().del_worksheet(tab(at, "Products"))
    assert plan_export(at.fresh(), ExportOptions(tables=("variants",))).empty
    at.person().add_worksheet("Products", 5, 5)
    import_catalogue(at.fresh(), at.audit)
    assert verify(at.fresh()).clean


def test_verify_names_a_column_that_the_last_sync_had(at):
    assert verify(at.fresh()).columns == []
    sheet = tab(at, "Variants")
    sheet.update_cell(1, sheet.row_values(1).index("Price") + 1, "")
    found = verify(at.fresh())
    (finding,) = found.columns
    assert (finding.severity, finding.rule, finding.tab, finding.column) == (
        "warning",
        "missing_column",
        "Variants",
        "Price",
    )
    assert not found.clean
    assert found.books.balanced


def test_columns_that_the_sheet_never_had_are_noted():
    with desk() as at:
        at.person().add_worksheet("Products", 5, 5).update([["Product ID", "Title"]], "A1")
        (note,) = verify(at.systems, ["products"]).columns
        assert (note.severity, note.rule, note.tab) == ("note", "not_compared", "Products")
        assert "Handle, " in note.message
        assert "Title" not in note.message.split(": ")[1].split(", ")
