"""The cost model against the sandbox's, which counts points by walking the document; and the pacer's arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from graphql import OperationDefinitionNode
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.errors import Throttled
from sheets_catalog.records import PRODUCTS, VARIANTS
from sheets_catalog.sandbox.shopify.cost import charges_of, requested_cost
from sheets_catalog.sandbox.shopify.documents import Documents
from sheets_catalog.shopify.documents import load
from sheets_catalog.shopify.reading import View
from sheets_catalog.shopify.throttle import (
    MOST_POINTS,
    Pacer,
    Throttle,
    connection_cost,
    cost_of,
    cost_of_nodes,
    cost_of_page,
    nodes_per_call,
    points_to_seconds,
    throttle_of,
)
from sheets_catalog.shopify.writes import WriteRequest
from tests.shopify.examples import EVERY_WRITE

HEADERS = [f"Metafield: custom.field_{number} [single_line_text_field]" for number in range(12)]


def charged(schema, text, variables):
    prepared = Documents(schema).prepare(text)
    operation = prepared.operation(None)
    assert isinstance(operation, OperationDefinitionNode)
    return requested_cost(charges_of(schema, prepared, operation, variables))


class Clock:
    """Stands still but for sleeping."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return datetime(2026, 11, 22, tzinfo=UTC)

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds


@pytest.mark.parametrize("metafields", [0, 1, 5, 12])
@pytest.mark.parametrize("first", [1, 10, 50, 250])
def test_page_estimates_are_exact(first, metafields, subset_schema):
    view = View.of(
        2, PRODUCTS.with_metafields(HEADERS[:metafields]).fields, VARIANTS.with_metafields(HEADERS[:metafields]).fields
    )
    assert charged(subset_schema, load("products").text, {"first": first, "sortKey": "ID", **view.variables()}) == int(
        cost_of_page("products", first, metafields=metafields)
    )
    assert charged(subset_schema, load("variants").text, {"first": first, **view.variables()}) == int(
        cost_of_page("variants", first, metafields=metafields)
    )


@pytest.mark.parametrize("levels", [1, 3, 10, 250])
@pytest.mark.parametrize("first", [1, 50, 250])
def test_inventory_page_estimates_are_exact(first, levels, subset_schema):
    variables = {"first": first, "levels": levels}
    assert charged(subset_schema, load("inventory").text, variables) == int(
        cost_of_page("inventory", first, levels=levels)
    )


@pytest.mark.parametrize("write", EVERY_WRITE, ids=lambda each: type(each).__name__)
def test_write_estimates_are_never_too_low_and_hardly_too_high(write, subset_schema):
    request = WriteRequest((write,), 2)
    document, variables = request.document()
    actual = charged(subset_schema, document.text, variables)
    assert actual - 1 <= request.points <= actual + 2


def test_every_page_fits_into_one_request_even_with_all_it_can_hold():
    assert cost_of_page("products", 250, metafields=250) < MOST_POINTS
    assert cost_of_page("variants", 250, metafields=250) < MOST_POINTS
    assert cost_of_page("inventory", 250, levels=250) < MOST_POINTS


@given(st.sampled_from(["products", "variants", "inventory"]), st.integers(0, 100), st.integers(1, 250))
def test_reads_by_id_fit_into_one_request(table, metafields, levels):
    count = nodes_per_call(table, metafields=metafields, levels=levels)
    assert 1 <= count <= 250
    assert cost_of_nodes(table, count, metafields=metafields, levels=levels) <= MOST_POINTS


def test_recorded_connection_costs():
    """Figures that a real store answered: `first` of a flat connection and its requested cost."""
    assert {n: connection_cost(n, 1) for n in (1, 5, 10, 20, 50, 100, 250)} == {
        1: 3,
        5: 5,
        10: 6,
        20: 7,
        50: 9,
        100: 11,
        250: 13,
    }


def test_numbers_may_be_ints_decimals_or_missing():
    status = {"maximumAvailable": Decimal("2000.0"), "currentlyAvailable": 1986, "restoreRate": Decimal("100.0")}
    assert throttle_of({"throttleStatus": status}) == Throttle(2000.0, 1986.0, 100.0)
    assert throttle_of({"throttleStatus": {"maximumAvailable": 2000}}) is None
    assert throttle_of({}) is None
    assert cost_of({"requestedQueryCost": 14, "actualQueryCost": None}).actual is None


def test_the_first_request_never_waits_but_a_crowd_of_them_does():
    clock = Clock()
    pacer = Pacer(clock)
    pacer.before(1000)
    assert clock.seconds == 0
    assert pacer.told is None
    pacer.before(100)
    assert clock.seconds == pytest.approx(2.0)


def hears(pacer, told, points=0.0):
    """One request of `points`, answered with a bucket."""
    pacer.after(pacer.before(points), told)


def test_waits_for_exactly_what_is_missing():
    clock = Clock()
    pacer = Pacer(clock)
    hears(pacer, Throttle(2000, 100, 50), points=10)
    pacer.before(300)
    assert clock.seconds == pytest.approx(4.0)
    assert pacer.waited == pytest.approx(4.0)


def test_a_request_on_its_way_counts_against_the_next():
    clock = Clock()
    pacer = Pacer(clock)
    hears(pacer, Throttle(1000, 1000, 100))
    first = pacer.before(800)  # not answered yet
    pacer.before(300)
    assert clock.seconds == pytest.approx(1.0)
    pacer.after(first, Throttle(1000, 950, 100))
    assert pacer.told == Throttle(1000, 650, 100)


def test_an_answer_that_was_overtaken_does_not_give_back_what_others_spent():
    pacer = Pacer(Clock())
    hears(pacer, Throttle(1000, 1000, 100))
    slow, fast = pacer.before(100), pacer.before(500)
    pacer.after(fast, Throttle(1000, 400, 100))
    pacer.after(slow, Throttle(1000, 900, 100))  # looked into the bucket before the other one took its points
    assert pacer.told == Throttle(1000, 400, 100)


def test_a_bucket_smaller_than_the_request_is_waited_full_and_no_longer():
    clock = Clock()
    pacer = Pacer(clock)
    hears(pacer, Throttle(500, 0, 100))
    pacer.before(900)
    assert clock.seconds == pytest.approx(5.0)


def test_a_long_wait_is_told_instead_of_slept():
    clock = Clock()
    pacer = Pacer(clock, patience=2.0)
    hears(pacer, Throttle(2000, 0, 50))
    with pytest.raises(Throttled) as caught:
        pacer.before(500)
    assert caught.value.retry_after == pytest.approx(10.0)
    assert clock.seconds == 0
    assert pacer.told == Throttle(2000, 0, 50)


def test_points_as_time():
    assert points_to_seconds(10_000) == 100
    assert points_to_seconds(10_000, Throttle(2000, 2000, 200)) == 40
    assert points_to_seconds(100, Throttle(2000, 2000, 200)) == 0
