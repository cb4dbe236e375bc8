"""A job that was stopped, and goes on after a later export: what that one settled stays settled."""

from __future__ import annotations

import pytest
from sandboxed import desk

from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status


@pytest.fixture
def at():
    with desk() as one:
        import_catalogue(one.systems, one.audit)
        yield one


def tab(at):
    return at.person().worksheet("Variants")


def price(at, row, value):
    sheet = tab(at)
    sheet.update_cell(row, sheet.row_values(1).index("Price") + 1, value)


def export(at):
    return apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh())))


class Calls:
    """Says yes at the second question: after one batch."""

    def __init__(self):
        self.number = 0

    def __call__(self):
        self.number += 1
        return self.number > 1


def test_what_a_later_export_agreed_on_is_not_forgotten(at):
    """Else the sheet's way back to the job's value would look like no edit at all."""
    first, other = (tab(at).cell(row, 1).value for row in (2, 8))
    price(at, 2, 61)
    price(at, 8, 62)
    job = store(at.systems, plan_export(at.systems))
    options = ExportOptions(batch_size=1)
    stopped = apply(at.systems, at.audit, job, options=options, limits=Limits(stopping=Calls()))
    assert (stopped.status, stopped.books.done) == (Status.WAITING, 1)
    assert export(at).books.done == 1
    price(at, 2, 71)
    price(at, 8, 72)
    assert export(at).books.done == 2
    apply(at.fresh(), at.audit, job, options=options)
    assert plan_export(at.fresh()).empty
    price(at, 2, 61)
    price(at, 8, 62)
    assert {change.key for change in plan_export(at.fresh()).changes} == {first, other}
