"""Reading against the sandbox: complete, in canonical form, never cut off in silence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sheets_catalog.errors import PermissionMissing, Refused, Throttled, Unavailable
from sheets_catalog.jobs.clock import ScaledClock
from sheets_catalog.sandbox import Sandbox
from sheets_catalog.shopify import Catalogue, CreateProduct, NewVariant, Shop, StaticToken, WriteRequest, pack, send
from sheets_catalog.shopify import catalogue as module
from tests.shopify.conftest import Control
from tests.shopify.test_writes import P_TABLE, V_TABLE, variant


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start(catalogue="empty", speed=1000.0, latency="none") as running:
        yield running


@pytest.fixture
def filled(shop, catalogue, control):
    """23 products with 1 to 3 variants, in two locations, made once."""
    if catalogue.counts().products < 23:
        control.merchant("add_location", name="Lager Süd")
        operations = [
            CreateProduct(
                f"p{number}",
                {
                    "handle": f"shirt-{number}",
                    "title": f"Shirt {number}",
                    "status": "ACTIVE",
                    "option1_name": "Size",
                    "metafields.custom.material": f"M{number}",
                },
                tuple(
                    NewVariant(
                        f"{number}-{size}",
                        variant(size, sku=f"{number}-{size}", **{"metafields.custom.length": "1.5"}),
                        {place.id: number for place in Catalogue(shop).places},
                    )
                    for size in ("S", "M", "L")[: 1 + number % 3]
                ),
                f"job/{number}",
                P_TABLE,
                V_TABLE,
            )
            for number in range(23)
        ]
        for request in pack(operations, 2):
            assert all(result.applied for result in send(shop, request))
    return Catalogue(shop)


VARIANT_COUNT = sum(1 + number % 3 for number in range(23))


def records(pages):
    return [record for page in pages for record in page.records]


def test_the_shop_and_its_places(filled):
    info = filled.info
    assert (info.domain, info.money_digits) == ("demo-shop.myshopify.com", 2)
    assert {"read_products", "write_products", "write_inventory"} <= info.scopes
    assert info.max_variants == 2048
    assert "Lager Süd" in {place.name for place in filled.places}
    assert all(place.active for place in filled.places)


def test_counts(filled):
    counts = filled.counts()
    assert (counts.products, counts.variants, counts.exact) == (23, VARIANT_COUNT, True)
    assert filled.counts("title:'Shirt 7'").products == 1


@pytest.mark.parametrize("first", [1, 4, 23, 250])
def test_pages_bring_every_product_once(filled, first):
    pages = list(filled.products(first, metafields=P_TABLE.fields))
    found = records(pages)
    assert len(pages) == -(-23 // first)
    assert sorted(record.values["handle"] for record in found) == sorted(f"shirt-{number}" for number in range(23))
    assert all(record.values["metafields.custom.material"].startswith("M") for record in found)
    assert [page.has_next for page in pages] == [True] * (len(pages) - 1) + [False]


def test_reading_goes_on_after_a_cursor(filled):
    pages = filled.products(5)
    first = next(pages)
    rest = records(filled.products(5, after=first.cursor))
    assert len(first.records) + len(rest) == 23
    assert {record.key for record in first.records}.isdisjoint(record.key for record in rest)


def test_variants(filled):
    found = records(filled.variants(10, metafields=V_TABLE.fields))
    assert len({record.key for record in found}) == len(found) == VARIANT_COUNT
    assert {record.values["metafields.custom.length"] for record in found} == {"1.5"}
    assert all(record.values["product_handle"].startswith("shirt-") for record in found)


def test_inventory_has_a_record_per_variant_and_place(filled):
    found = records(filled.inventory(10))
    assert len({record.key for record in found}) == len(found) == VARIANT_COUNT * len(filled.places)
    assert all(record.values["product_title"] == f"Shirt {record.values['available']}" for record in found)


def test_levels_that_do_not_fit_are_read_on(filled, monkeypatch):
    whole = {record.key: record for record in records(filled.inventory(10))}
    monkeypatch.setattr(Catalogue, "_levels", 1)
    assert {record.key: record for record in records(filled.inventory(10))} == whole
    assert filled.by_ids("inventory", whole) == whole
    tree = filled.product_by_handle("shirt-5")
    assert {level.key: level for level in tree.inventory} == {
        key: level for key, level in whole.items() if level.values["product_title"] == "Shirt 5"
    }


def test_variants_that_do_not_fit_into_a_tree_are_read_on(filled, monkeypatch):
    whole = filled.product_by_handle("shirt-5", metafields=P_TABLE.fields, variant_metafields=V_TABLE.fields)
    monkeypatch.setattr(module, "TREE_PAGE", 1)
    assert filled.product_by_handle("shirt-5", metafields=P_TABLE.fields, variant_metafields=V_TABLE.fields) == whole
    assert len(whole.variants) == 3
    assert whole.operation == "job/5"
    assert whole.complete


def test_a_tree_of_nothing(filled):
    assert filled.product_by_handle("no-such-thing") is None
    assert filled.product_tree("424242") is None


@pytest.mark.parametrize("table", ["products", "variants", "inventory"])
def test_records_by_id_are_those_of_the_pages(filled, table, monkeypatch):
    fields = {"products": P_TABLE.fields, "variants": V_TABLE.fields, "inventory": ()}[table]
    pages = getattr(filled, table)(**({"metafields": fields} if fields else {}))
    whole = {record.key: record for record in records(pages)}
    missing = "424242/1" if table == "inventory" else "424242"
    wanted = [field for field in fields if field.metafield_type]
    assert filled.by_ids(table, [*whole, missing, next(iter(whole))], wanted) == whole
    monkeypatch.setattr(module, "nodes_per_call", lambda *_, **__: 3)
    assert filled.by_ids(table, whole, wanted) == whole
    assert filled.by_ids(table, []) == {}


def test_of_an_item_only_the_levels_asked_for_are_given(filled):
    first, second = list(records(filled.inventory(1))[:2])
    assert first.values["variant_id"] == second.values["variant_id"]
    assert list(filled.by_ids("inventory", [second.key])) == [second.key]


def test_what_lies_too_deep_is_reached_by_id(filled, control, monkeypatch):
    monkeypatch.setattr(module, "DEEPEST", 8)
    control.forget()
    assert len({record.key for record in records(filled.products(4))}) == 23
    assert len({record.key for record in records(filled.variants(4))}) == VARIANT_COUNT
    with pytest.raises(Refused, match="More than 8 records"):
        list(filled.products(4, query="status:active"))


def test_a_search_by_time_finds_what_changed(filled, shop, control):
    since = max(record.updated_at for record in records(filled.products()))
    control.merchant("edit_product", product=records(filled.products(1))[0].key, title="Changed")
    found = records(filled.products(query=f"updated_at:>'{since}'"))
    assert [record.values["title"] for record in found] == ["Changed"]
    control.merchant("edit_product", product=found[0].key, title="Shirt 0")


def test_a_search_that_is_not_understood_finds_nothing_at_all(filled):
    with pytest.raises(Refused, match="no_such_field"):
        list(filled.products(query="no_such_field:1"))


def test_a_broken_answer_is_never_taken_for_an_empty_shop(filled, control):
    for kind, when in (
        ("reset", "before"),
        ("half-body", "after"),
        ("garbled-body", "after"),
        ("empty-body", "after"),
        ("internal-error", "before"),
    ):
        control.fault("shopify.products", kind, when)
        with pytest.raises(Unavailable):
            next(filled.products())


def test_partial_data_is_an_error_of_the_whole_page(filled, control):
    control.fault("shopify.products", "partial-data")
    with pytest.raises(Unavailable):
        next(filled.products())


def test_an_answer_that_lacks_what_was_asked_for_is_not_believed(filled, control):
    for field in ("pageInfo", "nodes", "tags", "products"):
        control.fault("shopify.products", "drop-field", "after", field=field)
        with pytest.raises(Unavailable, match="cannot be read"):
            next(filled.products())


def test_estimates_learn_from_what_is_charged(filled, connect):
    shop = connect()
    catalogue = Catalogue(shop)
    keys = [record.key for record in records(catalogue.variants())]
    reserved = []
    before = shop.pacer.before
    shop.pacer.before = lambda points: (reserved.append(points), before(points))[1]
    for _ in range(2):
        assert len(catalogue.by_ids("variants", keys)) == VARIANT_COUNT
    assert reserved == [6 * VARIANT_COUNT, 6]


def test_reads_by_id_grow_to_what_the_shop_charges(filled, connect, control):
    catalogue = Catalogue(connect())
    keys = [record.key for record in records(catalogue.variants())]
    control.forget()
    assert set(catalogue.by_ids("variants", [*keys, *(str(number) for number in range(1, 700))])) == set(keys)
    assert len(control.requests()) == 1 + -(-(VARIANT_COUNT + 699 - 166) // 250)


def test_eight_threads_share_the_bucket_without_being_throttled(filled, control, connect):
    control.merchant("plan", bucket=150, restore_rate=1)
    shop = connect(patience=10_000.0)
    try:
        assert Catalogue(shop).info.name
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: len(records(Catalogue(shop).variants(250))), range(40)))
    finally:
        control.merchant("plan", bucket=2000, restore_rate=100)
    assert found == [VARIANT_COUNT] * 40
    assert shop.pacer.waited > 0


def test_throttling_is_an_error_with_a_time(filled, control):
    control.fault("shopify.products", "throttle-graphql")
    with pytest.raises(Throttled):
        next(filled.products())


def test_a_token_without_the_scope_cannot_read(connect, control, filled):
    shop = connect(StaticToken(control.merchant("mint_token", scopes=["write_inventory", "read_inventory"])))
    with pytest.raises(PermissionMissing, match="read_products"):
        Catalogue(shop).counts()


def test_reads_cost_what_was_estimated(filled, shop):
    from sheets_catalog.shopify.throttle import cost_of_page

    for table in ("products", "variants", "inventory"):
        page = next(getattr(filled, table)(250))
        assert page.cost.requested == int(cost_of_page(table, 250, levels=len(filled.places)))


def test_the_pacer_keeps_out_of_throttling():
    """In a sandbox of its own that is slow enough for the bucket to run dry on any machine."""
    with Sandbox.start(catalogue="sample", speed=5.0, latency="none") as sandbox:
        control, given = Control(sandbox), sandbox.connection()
        clock = ScaledClock(*(given["clock"][name] for name in ("speed", "real_epoch", "simulated_epoch")))

        def connected(patience):
            source = StaticToken(given["shopify"]["access_token"])
            return Shop(given["shopify"]["shop"], source, clock=clock, base_url=sandbox.url, patience=patience)

        control.merchant("plan", bucket=100, restore_rate=10)
        shop, hasty = connected(1000.0), connected(0.0)
        assert len({len(records(Catalogue(shop).variants(250))) for _ in range(12)}) == 1
        impatient = Catalogue(hasty)
        with pytest.raises(Throttled) as caught:
            _ = [records(impatient.variants(250)) for _ in range(30)]
        assert shop.pacer.waited > 0
        assert caught.value.retry_after > 0
        shop.close()
        hasty.close()


def test_writes_and_reads_share_one_bucket(filled, shop):
    request = WriteRequest((CreateProduct("x", {"handle": "shirt-1", "title": "x", "status": "DRAFT"}, (), "m"),), 2)
    (result,) = send(shop, request)
    assert result.verdicts[0].outcome == "refused"
    assert shop.throttle is not None
