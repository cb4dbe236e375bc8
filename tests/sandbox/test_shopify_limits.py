"""Costs, throttling, tokens, faults, merchant's edits, saved state."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest
import requests

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.shopify.bucket import Bucket
from sheets_catalog.sandbox.shopify.cost import factor
from sheets_catalog.sandbox.shopify.merchant import EDITS
from tests.sandbox.clients import control
from tests.sandbox.shop_client import Shop, available

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Sandbox.start(latency="none", speed=1.0) as sandbox:
        yield Shop(sandbox)


def cost(shop: Shop, query: str, variables: dict[str, Any] | None = None) -> tuple[int, int]:
    figures = shop.answer(query, variables)["extensions"]["cost"]
    return figures["requestedQueryCost"], figures["actualQueryCost"]


# -- costs: figures recorded from real shops ---------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "points"), [(1, 3), (5, 5), (10, 6), (20, 7), (50, 9), (100, 11), (250, 13)])
def test_a_flat_page(shop: Shop, size: int, points: int) -> None:
    assert (
        cost(shop, f"{{ products(first: {size}) {{ nodes {{ id title }} pageInfo {{ hasNextPage }} }} }}")[0] == points
    )
    assert 2 + factor(size) == points


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ shop { name } }", 1),
        ("{ productsCount { count } }", 10),
        ("{ products(first: 5) { nodes { id } } productsCount { count } }", 15),
        ("{ products(first: 10) { edges { node { id } } nodes { id } } }", 10),
        ("{ products(first: 5) { nodes { seo { title } priceRangeV2 { minVariantPrice { amount } } } } }", 8),
        (
            (
                "{ products(first: 25) { nodes { variants(first: 50) { nodes { inventoryItem { inventoryLevels(first: 5) { nodes { location { id } "
                'quantities(names: ["available"]) { quantity } } } } } } } } }'
            ),
            566,
        ),
        (
            (
                "{ products(first: 50) { nodes { variants(first: 100) { nodes { inventoryItem { inventoryLevels(first: 5) { nodes { location { id } "
                'quantities(names: ["available"]) { quantity } } } } } } } } }'
            ),
            842,
        ),
        ('{ nodes(ids: ["gid://shopify/Product/1", "gid://shopify/Product/2"]) { id } }', 1),
        (
            '{ node(id: "gid://shopify/Product/1") { id ... on Product { options { name } seo { title } } ... on InventoryItem { sku } } }',
            2,
        ),
    ],
)
def test_requested_costs(shop: Shop, query: str, points: int) -> None:
    assert cost(shop, query)[0] == points


def test_actual_costs_follow_what_came_back(shop: Shop) -> None:
    level = 'inventoryLevels(first: 5) { nodes { location { id } quantities(names: ["available"]) { name } } }'
    one = shop.product("sku-is-missing")["variants"]["nodes"][0]["inventoryItem"]["id"]
    assert cost(shop, f'{{ inventoryItem(id: "{one}") {{ id {level} }} }}') == (12, 6)
    assert cost(shop, '{ products(first: 5, query: "tag:nothing") { nodes { id } } productsCount { count } }') == (
        15,
        15,
    )
    assert cost(shop, '{ products(first: 5, query: "id:8000000000001") { nodes { id } } productsCount { count } }') == (
        15,
        13,
    )


def test_costs_of_mutations(shop: Shop) -> None:
    text = "mutation ($p: ProductCreateInput!) { productCreate(product: $p) { product { id variants(first: 1) { nodes { id inventoryItem { id } } } } userErrors { field message } } }"
    assert cost(shop, text, {"p": {"title": "Costs"}}) == (14, 14)
    text = "mutation ($i: ProductSetInput!) { productSet(input: $i) { product { id variants(first: 10) { nodes { id inventoryItem { id } } } } productSetOperation { id } userErrors { field } } }"
    options = [{"name": "Size", "values": [{"name": "S"}, {"name": "M"}]}]
    variants = [{"optionValues": [{"optionName": "Size", "name": name}]} for name in "SM"]
    assert cost(shop, text, {"i": {"title": "Two", "productOptions": options, "variants": variants}}) == (21, 14)
    fields = [
        {"namespace": "custom", "key": f"key{n}", "type": "single_line_text_field", "value": "v"} for n in range(5)
    ]
    files = [{"originalSource": f"https://images.example.com/{n}.jpg"} for n in range(10)]
    flat = "mutation ($i: ProductSetInput!) { productSet(input: $i) { product { id } userErrors { field } } }"
    assert cost(shop, flat, {"i": {"title": "Rich", "metafields": fields, "files": files}}) == (31, 31)
    two = "mutation ($i: ProductSetInput!) { a: productSet(input: $i) { product { id } userErrors { field } } b: productSet(input: $i) { product { id } userErrors { field } } }"
    assert cost(shop, two, {"i": {"title": "x"}})[0] == 20


def test_the_cost_of_a_refused_inventory_mutation_is_ten(shop: Shop) -> None:
    text = (
        'mutation { inventorySetQuantities(input: {name: "damaged", reason: "correction", quantities: []}) @idempotent(key: "k") { inventoryAdjustmentGroup { '
        "changes { item { id } location { id } } } userErrors { code } } }"
    )
    assert cost(shop, text) == (13, 10)


def test_cost_debug_header(shop: Shop) -> None:
    query = "{ products(first: 5) { nodes { id variants(first: 2) { nodes { id } } } } }"
    assert "fields" not in shop.answer(query)["extensions"]["cost"]
    fields = shop.answer(query, Shopify_GraphQL_Cost_Debug="1")["extensions"]["cost"]["fields"]
    assert [(line["path"], line["requestedTotalCost"]) for line in fields if line["requestedTotalCost"]] == [
        (["products"], 14),
        (["products", "variants"], 3),
    ]


def test_too_expensive_is_refused_before_it_runs(shop: Shop) -> None:
    levels = 'inventoryLevels(first: 50) { nodes { location { id } quantities(names: ["available"]) { quantity } } }'
    query = f"{{ products(first: 250) {{ nodes {{ variants(first: 100) {{ nodes {{ inventoryItem {{ {levels} }} }} }} }} }} }}"
    answer = shop.answer(query)
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["maxCost"] == 1000
    assert error["message"].startswith(
        f"Query cost is {error['extensions']['cost']}, which exceeds the single query max cost limit (1000)."
    )
    assert shop.answer("{ shop { name } }")["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 1999


# -- the bucket --------------------------------------------------------------------------------------------------------


def test_an_empty_bucket_throttles_without_data_and_refills(shop: Shop) -> None:
    shop.service.drain(1995)
    query = "{ products(first: 250) { nodes { id } } }"
    answer = shop.answer(query)
    assert "data" not in answer
    assert answer["errors"] == [
        {
            "message": "Throttled",
            "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
        }
    ]
    figures = answer["extensions"]["cost"]
    assert (figures["requestedQueryCost"], figures["actualQueryCost"]) == (13, None)
    assert figures["throttleStatus"]["maximumAvailable"] == 2000
    assert figures["throttleStatus"]["restoreRate"] == 100
    assert 5 <= figures["throttleStatus"]["currentlyAvailable"] < 13
    shop.sandbox.world.clock.advance(0.1)
    assert "data" in shop.answer(query)


def test_the_bucket_is_each_apps_own(shop: Shop) -> None:
    shop.service.drain(2000)
    other = Shop(shop.sandbox, shop.service.tokens.mint(app="another-app"))
    assert "data" in other.answer("{ products(first: 250) { nodes { id } } }")


def test_requested_is_taken_and_the_rest_given_back() -> None:
    bucket = Bucket.full(2000, 100, 0)
    assert bucket.take(800, 0)
    bucket.give_back(700)
    assert bucket.status(0)["currentlyAvailable"] == 1900
    assert not bucket.take(1901, 0)
    assert bucket.take(1901, 0.01)
    assert bucket.status(100)["currentlyAvailable"] == 2000


def test_the_bucket_refills_with_the_sandboxs_speed() -> None:
    with Sandbox.start(latency="none", speed=1000.0) as sandbox:
        shop = Shop(sandbox)
        shop.service.drain(2000)
        time.sleep(0.05)
        assert "data" in shop.answer("{ products(first: 250) { nodes { id } } }")


def test_another_plan(shop: Shop) -> None:
    control(shop.sandbox.url, "seed/shopify", {"do": "plan", "bucket": 4000, "restore_rate": 200})
    status = shop.answer("{ shop { name } }")["extensions"]["cost"]["throttleStatus"]
    assert status == {"maximumAvailable": 4000, "currentlyAvailable": ANY, "restoreRate": 200}
    assert status["currentlyAvailable"] in {3999, 4000}  # the one point of the query, unless it is back already


# -- tokens and the HTTP layer -----------------------------------------------------------------------------------------


def test_a_bad_token_is_401_with_a_string(shop: Shop) -> None:
    response = Shop(shop.sandbox, "shpat_wrong").post("{ shop { name } }")
    assert response.status_code == 401
    assert response.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
    shop.service.tokens.revoke(shop.token)
    assert shop.post("{ shop { name } }").status_code == 401


def test_headers_and_versions(shop: Shop) -> None:
    response = shop.post("{ shop { name } }")
    assert response.headers["X-Shopify-API-Version"] == "2026-10"
    assert response.headers["X-Request-Id"]
    other = requests.post(
        f"{shop.sandbox.url}/admin/api/2024-01/graphql.json",
        json={"query": "{ shop { name } }"},
        headers={"X-Shopify-Access-Token": shop.token},
        timeout=10,
    )
    assert other.status_code == 404
    assert "2026-10" in other.json()["errors"]


def test_a_body_without_a_query_is_400(shop: Shop) -> None:
    response = shop.post("")
    assert response.status_code == 400
    assert response.json() == {"errors": {"query": "Required parameter missing or invalid"}}


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_a_closed_shop(shop: Shop, status: int) -> None:
    control(shop.sandbox.url, "seed/shopify", {"do": "close_shop", "status": status})
    response = shop.post("{ shop { name } }")
    assert response.status_code == status
    assert isinstance(response.json()["errors"], str)
    control(shop.sandbox.url, "seed/shopify", {"do": "close_shop", "status": 0})
    assert shop.post("{ shop { name } }").status_code == 200


def test_missing_scopes_leave_partial_data(shop: Shop) -> None:
    token = control(shop.sandbox.url, "seed/shopify", {"do": "mint_token", "scopes": ["read_products"]})["answer"]
    reader = Shop(shop.sandbox, token)
    answer = reader.answer("{ shop { name } products(first: 1) { nodes { id } } locations(first: 1) { nodes { id } } }")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_locations` access scope" in error["message"]
    assert error["path"] == ["locations"]
    assert answer["data"] is None, "locations is not nullable, so the whole data is"
    answer = reader.answer('{ shop { name } location(id: "gid://shopify/Location/70000000001") { id } }')
    assert answer["data"] == {"shop": {"name": "Demo Shop"}, "location": None}
    denied = reader.answer(
        'mutation { tagsAdd(id: "gid://shopify/Product/8000000000001", tags: ["x"]) { userErrors { message } } }'
    )
    assert denied["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert shop.lines() == []


def test_write_scopes_include_reading(shop: Shop) -> None:
    writer = Shop(shop.sandbox, shop.service.tokens.mint(["write_products", "write_inventory"]))
    assert writer.data(
        "{ products(first: 1) { nodes { variants(first: 1) { nodes { inventoryItem { inventoryLevels(first: 1) { nodes { id } } } } } } } }"
    )


def test_client_credentials(shop: Shop) -> None:
    address = f"{shop.sandbox.url}/admin/oauth/access_token"
    client = shop.sandbox.connection()["shopify"]
    form = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    for given in ({"data": form}, {"json": form}):
        granted = requests.post(address, timeout=10, **given).json()  # type: ignore[arg-type]
        assert granted["expires_in"] == 86399
        assert "write_products" in granted["scope"].split(",")
        assert Shop(shop.sandbox, granted["access_token"]).data("{ shop { name } }")
    shop.sandbox.world.clock.advance(86400)
    assert Shop(shop.sandbox, granted["access_token"]).post("{ shop { name } }").status_code == 401
    wrong = requests.post(address, data=form | {"client_secret": "no"}, timeout=10)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    other = requests.post(address, data=form | {"grant_type": "password"}, timeout=10)
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


# -- faults ------------------------------------------------------------------------------------------------------------

RENAME = 'mutation { productUpdate(product: {id: "gid://shopify/Product/8000000000001", title: "Renamed"}) { product { title } userErrors { field message } } }'


def fault(shop: Shop, kind: str, **more: Any) -> None:
    control(shop.sandbox.url, "faults", {"service": "shopify", "kind": kind, **more})


def consumed(shop: Shop) -> bool:
    return control(shop.sandbox.url, "faults")["unconsumed"] == []


def test_faults_and_counts_go_by_root_field(shop: Shop) -> None:
    fault(shop, "internal-error", operation="shopify.productUpdate")
    shop.data("{ shop { name } products(first: 1) { nodes { id } } }")
    assert shop.answer(RENAME)["errors"]
    assert consumed(shop)
    counts = control(shop.sandbox.url, "requests")["operations"]
    assert counts["shopify.shop+products"] == {"200": 1}
    assert counts["shopify.productUpdate"] == {"200": 1}


def test_throttle_fault_tells_figures_that_agree(shop: Shop) -> None:
    fault(shop, "throttle-graphql", operation="shopify.productUpdate", times=1)
    answer = shop.answer(RENAME)
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in answer
    figures = answer["extensions"]["cost"]
    assert (
        figures["requestedQueryCost"],
        figures["actualQueryCost"],
        figures["throttleStatus"]["currentlyAvailable"],
    ) == (10, None, 0)
    shop.sandbox.world.clock.advance(1)
    assert "data" in shop.answer(RENAME)


def test_throttle_fault_for_ever(shop: Shop) -> None:
    fault(shop, "throttle-graphql", times="forever")
    for _ in range(5):
        assert shop.answer("{ shop { name } }")["errors"][0]["message"] == "Throttled"
        shop.sandbox.world.clock.advance(60)


def test_internal_error_before_and_after(shop: Shop) -> None:
    fault(shop, "internal-error", when="before")
    (error,) = shop.answer(RENAME)["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] in error["message"]
    assert shop.lines() == []
    fault(shop, "internal-error", when="after")
    assert "data" not in shop.answer(RENAME)
    assert [line["effect"]["changes"]["title"]["after"] for line in shop.lines()] == ["Renamed"]


def test_user_errors_fault(shop: Shop) -> None:
    options = {"codes": ["INVALID_INPUT", "TOO_LONG"], "field": ["title"]}
    fault(shop, "user-errors", options=options, message="No.")
    data = shop.data(RENAME)
    errors = [{"field": ["title"], "message": "No."}] * 2
    assert data == {"productUpdate": {"product": None, "userErrors": errors}}
    assert shop.lines() == []


def test_user_errors_fault_fills_what_fragments_select(shop: Shop) -> None:
    fault(shop, "user-errors", options={"field": ["title"]}, message="No.")
    fields = "{ product { title } userErrors { field message } }"
    text = RENAME.replace(fields, "{ ...Result }").replace("mutation", "mutation Rename")
    text += " fragment Result on ProductUpdatePayload { product { title } userErrors { ...Problem } }"
    text += " fragment Problem on UserError { field message }"
    errors = [{"field": ["title"], "message": "No."}]
    assert shop.data(text) == {"productUpdate": {"product": None, "userErrors": errors}}
    assert shop.lines() == []


def test_partial_data_fault(shop: Shop) -> None:
    text = (
        "mutation { a: "
        + RENAME.split("{", 1)[1].rsplit("}", 1)[0]
        + ' b: tagsAdd(id: "gid://shopify/Product/8000000000001", tags: ["t"]) { userErrors { message } } }'
    )
    fault(shop, "partial-data", options={"alias": "a"})
    answer = shop.answer(text)
    assert answer["data"]["a"] is None
    assert answer["data"]["b"] == {"userErrors": []}
    assert answer["errors"][0]["path"] == ["a"]
    assert len(shop.lines()) == 2, "both were applied"


def test_access_denied_fault(shop: Shop) -> None:
    fault(shop, "access-denied")
    answer = shop.answer(RENAME)
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert answer["data"] == {"productUpdate": None}
    assert shop.lines() == []


def test_truncated_page_fault(shop: Shop) -> None:
    fault(shop, "truncate-page", operation="shopify.products")
    query = "query ($after: String) { products(first: 10, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    first = shop.data(query)["products"]
    assert len(first["nodes"]) == 5
    assert first["pageInfo"]["hasNextPage"]
    second = shop.data(query, {"after": first["pageInfo"]["endCursor"]})["products"]
    assert second["nodes"][0]["id"] == "gid://shopify/Product/8000000000006"
    assert consumed(shop)


def test_lagging_list_fault(shop: Shop) -> None:
    query = '{ products(first: 250, query: "title:Renamed") { nodes { id variants(first: 1) { nodes { product { title } } } } } }'
    shop.data(RENAME)
    shop.service.delete_product("gid://shopify/Product/8000000000002")
    fault(shop, "lag-list", operation="shopify.products", seconds=120)
    assert shop.data(query)["products"]["nodes"] == []
    assert len(shop.data(query)["products"]["nodes"]) == 1
    fault(shop, "lag-list", operation="shopify.productVariants", seconds=120)
    stale = shop.data("{ productVariants(first: 10) { nodes { id product { handle } } } }")["productVariants"]["nodes"]
    assert stale[6]["product"]["handle"] == "merino-jumper"
    assert consumed(shop)


def test_lists_can_lag_all_the_time(shop: Shop) -> None:
    shop.service.search_lag = 30.0
    shop.data(RENAME)
    query = '{ products(first: 1, query: "title:Renamed") { nodes { id } } product(id: "gid://shopify/Product/8000000000001") { title } }'
    data = shop.data(query)
    assert (data["products"]["nodes"], data["product"]["title"]) == ([], "Renamed")
    shop.sandbox.world.clock.advance(31)
    assert len(shop.data(query)["products"]["nodes"]) == 1


def test_wire_faults_after_apply_leave_one_effect(shop: Shop) -> None:
    fault(shop, "reset", when="after")
    with pytest.raises(requests.ConnectionError):
        shop.post(RENAME)
    assert [line["operation"] for line in shop.lines()] == ["shopify.productUpdate"]


# -- the merchant ------------------------------------------------------------------------------------------------------


def test_merchants_edits_are_seen_and_recorded(shop: Shop) -> None:
    merchant = shop.service.merchant
    product = shop.product("sofa")
    variant = product["variants"]["nodes"][0]["id"]
    shop.service.edit_product(product["id"], title="Couch", tags=["b", "a"])
    shop.service.edit_variant(variant, price="1.5", sku="C-1")
    shop.service.set_inventory(variant, 70000000001, 42)
    made = merchant.add_variant(product["id"], {"Fabric": "Linen", "Seats": "2"}, price="10")
    merchant.delete_variant(product["variants"]["nodes"][1]["id"])
    new = shop.service.add_product("By hand", vendor="V")
    merchant.set_metafield(new, "custom", "material", "single_line_text_field", "Wood")
    after = shop.product("sofa")
    assert (after["title"], after["tags"]) == ("Couch", ["a", "b"])
    first = after["variants"]["nodes"][0]
    assert (first["price"], first["sku"], available(first, "Warehouse Berlin")) == ("1.50", "C-1", 42)
    assert after["variants"]["nodes"][-1]["id"] == made
    assert shop.product("by-hand")["metafields"]["nodes"][0]["value"] == "Wood"
    shop.service.delete_product(new)
    assert {line["actor"] for line in shop.lines()} == {"merchant"}
    assert {line["effect"]["kind"] for line in shop.lines()} == {"create", "update", "delete"}


def test_merchants_edits_over_http(shop: Shop) -> None:
    product = shop.product("sofa")["id"]
    control(shop.sandbox.url, "seed/shopify", {"do": "edit_product", "product": product, "title": "Over HTTP"})
    assert shop.product("sofa")["title"] == "Over HTTP"
    assert "edit_variant" in EDITS
    wrong = requests.post(
        f"{shop.sandbox.url}/_sandbox/seed/shopify",
        json={"do": "edit_product", "product": product, "colour": 1},
        timeout=10,
    )
    assert wrong.status_code == 400
    assert "unknown fields ['colour']" in wrong.text


# -- state -------------------------------------------------------------------------------------------------------------


def test_saved_state_is_complete(shop: Shop) -> None:
    shop.data(RENAME)
    shop.service.drain(500)
    state = json.loads(json.dumps(shop.service.dump()))
    with Sandbox.start("empty", latency="none", speed=1.0) as sandbox:
        other = Shop(sandbox)
        other.service.load(state)
        assert other.product("linen-shirt") == shop.product("linen-shirt")
        again = other.service.dump()
        assert again["store"] == state["store"]
        assert again["tokens"] == state["tokens"]
        made = 'mutation { productCreate(product: {title: "After"}) { product { id } userErrors { message } } }'
        assert other.payload(made)["product"] == shop.payload(made)["product"], "ids go on where they were"


def test_the_same_start_has_the_same_ids(shop: Shop) -> None:
    with Sandbox.start(latency="none") as sandbox:
        ids = [
            [
                node["id"]
                for node in one.data("{ productVariants(first: 250) { nodes { id } } }")["productVariants"]["nodes"]
            ]
            for one in (shop, Shop(sandbox))
        ]
    assert ids[0] == ids[1]
    assert all(len(one.rsplit("/", 1)[1]) == 14 for one in ids[0])


def test_a_page_of_250_variants_is_quick() -> None:
    with Sandbox.start("reference", latency="none") as sandbox:
        shop = Shop(sandbox)
        query = (
            "{ productVariants(first: 250) { nodes { id sku barcode title position price compareAtPrice taxable inventoryPolicy inventoryQuantity updatedAt "
            "selectedOptions { name value } product { id handle } inventoryItem { id tracked } } } }"
        )
        shop.data(query)
        took = []
        for _ in range(5):
            start = time.perf_counter()
            shop.data(query)
            took.append(time.perf_counter() - start)
        assert min(took) < 0.3, f"{min(took):.3f} s; 0.05 s on an idle machine"
