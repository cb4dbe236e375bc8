"""A tab that is renamed between plan and apply: nothing is sent, and the job goes on once it has its name again."""

from __future__ import annotations

import pytest
from sandboxed import desk

from sheets_catalog.errors import InputError
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue


def test_a_renamed_tab_is_named_before_anything_is_sent():
    with desk() as at:
        import_catalogue(at.systems, at.audit)
        products = at.person().worksheet("Products")
        row = len(products.col_values(2)) + 1
        products.update([["rain-hat", "Rain Hat"]], f"B{row}:C{row}")
        job = store(at.systems, plan_export(at.systems, ExportOptions()))
        products.update_title("Produkte")
        before = len(at.ledger(service="shopify"))
        with pytest.raises(InputError, match=r"no tab “Products”; it has: .*Produkte"):
            apply(at.systems, at.audit, job)
        assert len(at.ledger(service="shopify")) == before
        products.update_title("Products")
        result = apply(at.fresh(), at.audit, job)
        assert (result.books.done, result.books.pending) == (1, 0)
        made = at.systems.catalogue.product_by_handle("rain-hat")
        assert products.cell(row, 1).value == made.product.key
