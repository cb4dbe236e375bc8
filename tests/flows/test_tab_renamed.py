"""A tab that is renamed between plan and apply: nothing is sent, and the job goes on once it has its name again."""

from __future__ import annotations

import pytest
from sandboxed import imported

from sheets_catalog.errors import InputError
from sheets_catalog.flows import resuming
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store, work
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status


def test_a_renamed_tab_is_named_before_anything_is_sent():
    with imported() as at:
        products, row = with_a_new_one(at)
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


def with_a_new_one(at):
    """The tab of products with a row for a new one, and that row's number."""
    products = at.person().worksheet("Products")
    row = len(products.col_values(2)) + 1
    products.update([["rain-hat", "Rain Hat"]], f"B{row}:C{row}")
    return products, row


class DiedError(Exception):
    """Ends a process where it is, as far as the job can tell."""


def test_a_job_whose_tab_was_deleted_after_its_records_were_made_can_be_cancelled(monkeypatch):
    with imported() as at:
        products, row = with_a_new_one(at)
        job, deliver = store(at.systems, plan_export(at.systems, ExportOptions())), work.deliver

        def dying(*words):
            deliver(*words)
            raise DiedError

        with monkeypatch.context() as patch, pytest.raises(DiedError):
            patch.setattr(work, "deliver", dying)
            apply(at.systems, at.audit, job)
        at.person().del_worksheet(products)
        assert resuming.cancel(at.fresh(), at.audit, job) is Status.CANCELLED
        result = apply(at.fresh(), at.audit, job)
        assert result.books.conflicted == 1
        assert "Its id in the shop is" in result.state.reasons[0]


def test_so_can_one_whose_ids_were_written_by_a_process_that_died(monkeypatch):
    with imported() as at:
        products, row = with_a_new_one(at)
        products.update_cell(2, 3, "Another title")
        job = store(at.systems, plan_export(at.systems, ExportOptions()))
        asked = []

        def dying():
            asked.append(1)
            if len(asked) > 1:
                raise DiedError
            return False

        with pytest.raises(DiedError):
            apply(at.systems, at.audit, job, options=ExportOptions(batch_size=1), limits=Limits(stopping=dying))
        assert products.cell(row, 1).value
        at.person().del_worksheet(products)
        assert resuming.cancel(at.fresh(), at.audit, job) is Status.CANCELLED
        assert apply(at.fresh(), at.audit, job).books.done == 1
