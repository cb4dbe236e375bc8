"""Looking at the shop ahead of time: fewer calls, and never a record that was looked at long ago or used before."""

from __future__ import annotations

import pytest
from sandboxed import desk

from benchmarks.measures import Calls
from benchmarks.people import edit
from benchmarks.place import Place
from sheets_catalog.flows.exporting import ExportOptions, plan_export
from sheets_catalog.flows.exporting.looking import FRESH, Looks
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.records import TABLES

SPEED = 5.0


@pytest.fixture
def at():
    with desk(speed=SPEED) as one:
        import_catalogue(one.systems, one.audit)
        yield one


@pytest.fixture
def looks(at):
    """The looks of a plan that changes three variants; the last two come after the batch."""
    edit(Place(at.sandbox.connection()), "Variants", "Price", [2, 3, 4], lambda price: price + 1)
    plan = plan_export(at.systems, ExportOptions())
    assert len(plan.changes) == 3
    return Looks(at.systems, plan, "job", TABLES, coming=[1, 2])


def keys(looks):
    return [change.key for change in looks.plan.changes]


def reads(at, look):
    """What a look found, and how many calls it made."""
    place = Place(at.sandbox.connection())
    before = place.counts()
    found = look()
    return found, Calls.between(before, place.counts()).count("shopify")


def price_of(found, key):
    return found[key].values["price"]


def test_what_comes_next_is_read_with_the_batch(at, looks):
    first, second, third = keys(looks)
    found, calls = reads(at, lambda: looks.at("variants", [first]))
    assert (list(found), calls) == ([first], 1)
    found, calls = reads(at, lambda: looks.at("variants", [second, third]))
    assert (sorted(found), calls) == (sorted([second, third]), 0)


def test_a_record_read_ahead_is_used_once(at, looks):
    """A write whose outcome is not known is followed by a look of its own."""
    first, second, _ = keys(looks)
    looks.at("variants", [first])
    looks.at("variants", [second])
    at.sandbox.services["shopify"].edit_variant(second, price="4.44")
    found, calls = reads(at, lambda: looks.at("variants", [second]))
    assert (price_of(found, second), calls) == ("4.44", 1)


def test_a_record_read_long_ago_is_read_again(at, looks):
    first, second, _ = keys(looks)
    looks.at("variants", [first])
    at.sandbox.services["shopify"].edit_variant(second, price="4.44")
    at.systems.clock.sleep(FRESH + 1)
    assert price_of(looks.at("variants", [second]), second) == "4.44"


def test_a_record_that_was_gone_when_read_ahead_stays_gone(at, looks):
    first, second, third = keys(looks)
    at.sandbox.services["shopify"].delete_variant(second)
    looks.at("variants", [first])
    assert list(looks.at("variants", [second, third])) == [third]
