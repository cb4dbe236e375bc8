"""Requests that the shop refuses whole, for one value in them: the other records go all the same."""

from __future__ import annotations

import pytest
from sandboxed import desk

from sheets_catalog.flows.exporting import apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue


@pytest.fixture
def at():
    with desk() as one:
        import_catalogue(one.systems, one.audit)
        yield one


def test_a_barcode_typed_as_stock_keeps_no_other_stock_from_being_sent(at):
    sheet = at.person().worksheet("Inventory")
    column = sheet.row_values(1).index("Available") + 1
    cells = sheet.range(2, column, 8, column)
    for number, cell in enumerate(cells):
        cell.value = 4006381333931 if number == 3 else 301 + number
    sheet.update_cells(cells)
    rows = sheet.get("A2:B8")
    keys = ["/".join(row) for row in rows]
    result = apply(at.systems, at.audit, store(at.systems, plan_export(at.systems)))
    assert (result.books.done, result.books.rejected) == (6, 1)
    now = at.systems.catalogue.by_ids("inventory", keys)
    available = [now[key].values["available"] for key in keys]
    assert [*available[:3], *available[4:]] == ["301", "302", "303", "305", "306", "307"]
    (change,) = plan_export(at.systems).changes
    assert change.key == keys[3]
