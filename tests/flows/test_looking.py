"""The shop is looked at with each batch, moments before it is written."""

from __future__ import annotations

from sandboxed import imported

from benchmarks.people import edit
from benchmarks.place import Place
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store


class Merchant:
    """Edits a variant in the shop as soon as the first batch is done."""

    def __init__(self, shop, key):
        self.shop, self.key = shop, key

    def batch_started(self, number, items):
        """Nothing."""

    def batch_ended(self, number, outcomes, seconds):
        if number == 1:
            self.shop.edit_variant(self.key, price="4.44")

    def progressed(self, books, note):
        """Nothing."""

    def troubled(self, error, wait):
        """Nothing."""


def test_an_edit_in_the_shop_between_two_batches_is_seen():
    options = ExportOptions(batch_size=1)
    with imported() as at:
        edit(Place(at.sandbox.connection()), "Variants", "Price", [2, 10], lambda price: price + 1)
        plan = plan_export(at.systems, options)
        first, second = plan.changes
        shop = at.sandbox.services["shopify"]
        result = apply(
            at.systems, at.audit, store(at.systems, plan), options=options, watcher=Merchant(shop, second.key)
        )
        assert (result.books.done, result.books.conflicted) == (1, 1)
        found = at.systems.catalogue.by_ids("variants", [first.key, second.key], [])
        assert found[first.key].values["price"] == first.fields[0].after
        assert found[second.key].values["price"] == "4.44"
