"""Reading a sandbox shop: pages, search, errors in Shopify's shapes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.catalogues import sample_catalogue
from sheets_catalog.sandbox.shopify.paging import DEEP_PAGING_LIMIT, page
from sheets_catalog.sandbox.shopify.problems import GraphQLError
from tests.sandbox.shop_client import Shop, available

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Tests in this module only read."""
    with Sandbox.start(latency="none") as sandbox:
        yield Shop(sandbox)


def pages(shop: Shop, root: str, fields: str = "id", size: int = 7, **arguments: Any) -> list[dict[str, Any]]:
    """All nodes of a root connection, page by page."""
    given = "".join(
        f", {name}: {value if name == 'sortKey' else json.dumps(value)}" for name, value in arguments.items()
    )
    query = f"query ($after: String) {{ {root}(first: {size}, after: $after{given}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        found = shop.data(query, {"after": after})[root]
        assert len(found["nodes"]) <= size
        nodes += found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return nodes
        after = found["pageInfo"]["endCursor"]


def titles(shop: Shop, query: str) -> list[str]:
    text = "query ($q: String) { products(first: 250, query: $q) { nodes { title } } productsCount(query: $q) { count precision } }"
    data = shop.data(text, {"q": query})
    found = [node["title"] for node in data["products"]["nodes"]]
    assert data["productsCount"] == {"count": len(found), "precision": "EXACT"}
    return found


def test_shop_and_app(shop: Shop) -> None:
    data = shop.data(
        "{ shop { name myshopifyDomain currencyCode ianaTimezone weightUnit timezoneOffset plan { publicDisplayName "
        "partnerDevelopment shopifyPlus } resourceLimits { maxProductOptions maxProductVariants locationLimit } } "
        "publicApiVersions { handle supported } currentAppInstallation { accessScopes { handle } app { title } } }"
    )
    assert data["shop"]["myshopifyDomain"] == "demo-shop.myshopify.com"
    assert data["shop"]["resourceLimits"] == {"maxProductOptions": 3, "maxProductVariants": 2048, "locationLimit": 200}
    assert data["shop"]["timezoneOffset"] in {"+0100", "+0200"}
    assert {"handle": "2026-10", "supported": True} in data["publicApiVersions"]
    scopes = {scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"]}
    assert scopes == {"read_products", "write_products", "read_inventory", "write_inventory", "read_locations"}


def test_pages_cover_everything_once_in_any_order(shop: Shop) -> None:
    everything = [node["id"] for node in shop.data("{ products(first: 250) { nodes { id } } }")["products"]["nodes"]]
    assert len(everything) == len(sample_catalogue().products)
    for key in ("ID", "TITLE", "UPDATED_AT", "VENDOR", "INVENTORY_TOTAL"):
        found = [node["id"] for node in pages(shop, "products", sortKey=key)]
        assert sorted(found) == sorted(everything), key
        backwards = [node["id"] for node in pages(shop, "products", sortKey=key, reverse=True)]
        assert backwards == found[::-1], key


def test_last_pages_backwards_with_before(shop: Shop) -> None:
    query = "query ($before: String) { products(last: 4, before: $before) { nodes { id } pageInfo { hasPreviousPage hasNextPage startCursor } } }"
    forward = [node["id"] for node in pages(shop, "products")]
    found: list[str] = []
    before = None
    while True:
        one = shop.data(query, {"before": before})["products"]
        found = [node["id"] for node in one["nodes"]] + found
        if not one["pageInfo"]["hasPreviousPage"]:
            break
        before = one["pageInfo"]["startCursor"]
    assert found == forward


def test_edges_carry_the_cursors_of_page_info(shop: Shop) -> None:
    found = shop.data(
        "{ productVariants(first: 3) { edges { cursor node { id } } pageInfo { startCursor endCursor } } }"
    )
    edges, info = found["productVariants"]["edges"], found["productVariants"]["pageInfo"]
    assert (edges[0]["cursor"], edges[-1]["cursor"]) == (info["startCursor"], info["endCursor"])
    last = json.loads(base64.b64decode(edges[-1]["cursor"]))
    assert edges[-1]["node"]["id"].endswith(f"/{last['last_id']}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "you must provide one of first or last"),
        ("(first: 1, last: 1)", "providing both first and last is not supported"),
        ("(first: 251)", "first cannot exceed 250"),
        ("(last: -1)", "last must be a positive number"),
        ('(first: 1, after: "nonsense")', "Malformed cursor"),
    ],
)
def test_page_rules(shop: Shop, arguments: str, message: str) -> None:
    error = shop.error(f"{{ products{arguments} {{ nodes {{ id }} }} }}")
    assert (error["message"], error["extensions"]["code"], error["path"]) == (message, "BAD_REQUEST", ["products"])


def test_up_to_2048_variants_below_one_product_but_250_below_many(shop: Shop) -> None:
    product = shop.product("linen-shirt")["id"]
    one = shop.data("query ($id: ID!) { product(id: $id) { variants(first: 2000) { nodes { id } } } }", {"id": product})
    assert len(one["product"]["variants"]["nodes"]) == 6
    error = shop.answer("{ products(first: 1) { nodes { variants(first: 251) { nodes { id } } } } }")["errors"][0]
    assert error["message"] == "first cannot exceed 250"


def test_deep_paging_ends_at_25_000() -> None:
    rows = range(DEEP_PAGING_LIMIT + 10)

    def order(row: int) -> tuple[int, int]:
        return row, row

    def after(row: int) -> str:
        return base64.b64encode(json.dumps({"last_id": row, "last_value": row}).encode()).decode()

    assert page(rows, order, {"first": 1, "after": after(DEEP_PAGING_LIMIT - 2)}).nodes
    with pytest.raises(GraphQLError, match="25000"):
        page(rows, order, {"first": 1, "after": after(DEEP_PAGING_LIMIT - 1)})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sku:00123", ["Numbers that are text"]),
        ("sku:'=SUM(A1)'", ["=SUM(A1)"]),
        ("sku:TWIN", ["Twin one", "Twin two"]),
        ("sku:LS-S*", ["Linen Shirt"]),
        ("barcode:1E5", ["Numbers that are text"]),
        ("handle:linen-shirt,sofa", ["Linen Shirt", "Sofa"]),
        ("vendor:'Atelier Nord' tag:linen", ["Linen Shirt"]),
        ("tag:linen -vendor:'Atelier Nord'", ["Tea Towel"]),
        ("status:draft,archived", ["Rain Coat", "Old Season Dress"]),
        ("(title:sofa OR title:candle) AND NOT tag:x", ["Candle", "Sofa"]),
        ("title:Lin*", ["Linen Shirt"]),
        ("product_type:traps price:>1000000", ["Price edges"]),
        ("is_price_reduced:true", ["Old Season Dress", "Price edges"]),
        ("metafields.custom.material:Linen", ["Linen Shirt"]),
        ("gift_card:true", ["Gift Card"]),
        ("קיץ", ["חולצת פשתן"]),
        ("updated_at:<'2001-01-01T00:00:00Z'", []),
        ("id:8000000000001", ["Linen Shirt"]),
        ("id:>8000000000001 id:<=8000000000003", ["Merino Jumper", "T-Shirt “Hello, World”"]),
        ("variant_id:45000000000001", ["Linen Shirt"]),
    ],
)
def test_search(shop: Shop, query: str, expected: list[str]) -> None:
    assert titles(shop, query) == expected


def test_search_by_collection_and_by_product(shop: Shop) -> None:
    kitchen = shop.data('{ collections(first: 5, query: "title:kitchen") { nodes { id productsCount { count } } } }')
    (collection,) = kitchen["collections"]["nodes"]
    found = titles(shop, f"collection_id:{collection['id'].rsplit('/', 1)[1]}")
    assert len(found) == collection["productsCount"]["count"] == 4
    product = shop.product("linen-shirt")["id"].rsplit("/", 1)[1]
    variants = pages(shop, "productVariants", "product { id }", query=f"product_id:{product}")
    assert len(variants) == 6


def test_quoted_timestamps_work_and_unquoted_ones_fall_apart(shop: Shop) -> None:
    now = shop.product("linen-shirt")["updatedAt"]
    everything = len(titles(shop, ""))
    assert titles(shop, f"updated_at:>'{now}'") == []
    assert len(titles(shop, f"updated_at:>='{now}'")) == everything
    answer = shop.answer(
        "query ($q: String) { products(first: 1, query: $q) { nodes { id } } }", {"q": f"updated_at:>={now}"}
    )
    (search,) = answer["extensions"]["search"]
    hour, minute, rest = now.split(":")
    assert search["parsed"]["and"][0]["range_gte"].startswith(f"{hour}:00:00")
    assert search["parsed"]["and"][1] == {"field": minute, "match_all": rest}
    assert search["warnings"] == [
        {"field": minute, "message": "Invalid search field for this query.", "code": "invalid_field"}
    ]


def test_an_unknown_search_field_matches_everything_and_only_warns(shop: Shop) -> None:
    answer = shop.answer('{ products(first: 250, query: "colour:red") { nodes { id } } }')
    assert len(answer["data"]["products"]["nodes"]) == len(titles(shop, ""))
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"
    quiet = shop.answer('{ products(first: 1, query: "vendor:x") { nodes { id } } }')
    assert "search" not in quiet["extensions"]


def test_created_at_is_no_filter_for_variants_but_updated_at_is(shop: Shop) -> None:
    answer = shop.answer(
        "{ productVariants(first: 1, query: \"created_at:>'2030-01-01T00:00:00Z'\") { nodes { id } } }"
    )
    assert answer["data"]["productVariants"]["nodes"]
    assert answer["extensions"]["search"][0]["warnings"][0]["field"] == "created_at"
    none = shop.data("{ productVariants(first: 1, query: \"updated_at:>'2030-01-01T00:00:00Z'\") { nodes { id } } }")
    assert none["productVariants"]["nodes"] == []


def test_a_search_field_the_sandbox_cannot_match_is_refused_by_name(shop: Shop) -> None:
    error = shop.error('{ products(first: 1, query: "published_status:published") { nodes { id } } }')
    assert error["message"] == "The sandbox does not support the search field 'published_status' of products."


def test_values_that_spreadsheets_spoil_come_out_as_they_are(shop: Shop) -> None:
    variants = {one["title"]: one for one in shop.product("numbers-that-are-text")["variants"]["nodes"]}
    assert {title: (one["sku"], one["barcode"]) for title, one in variants.items()} == {
        "00123": ("00123", "0012345678905"),
        "1E5": ("1E5", "1E5"),
        "3-4": ("3-4", "3/4"),
        "18 digits": ("123456789012345678", "987654321098765432"),
        "TRUE": ("TRUE", "FALSE"),
        "1.5": ("1,5", "1.50"),
    }
    spaced = shop.product("spaces-around")
    assert (spaced["title"], spaced["variants"]["nodes"][0]["sku"]) == ("  Spaces around  ", " SKU with spaces ")
    assert shop.product("sku-is-missing")["variants"]["nodes"][0]["sku"] is None


def test_stock_money_and_weight(shop: Shop) -> None:
    chair = shop.product("oak-chair")["variants"]["nodes"][0]
    assert (available(chair, "Warehouse Berlin"), available(chair, "Store Wien")) == (6, 1)
    assert (chair["price"], chair["inventoryQuantity"]) == ("189.00", 7)
    assert chair["inventoryItem"]["unitCost"] == {"amount": "82.5", "currencyCode": "EUR"}
    assert chair["inventoryItem"]["measurement"]["weight"] == {"unit": "KILOGRAMS", "value": 7.4}


def test_unknown_ids_are_null_and_ids_of_another_type_are_errors(shop: Shop) -> None:
    query = "query ($id: ID!) { product(id: $id) { id } }"
    assert shop.data(query, {"id": "gid://shopify/Product/1"}) == {"product": None}
    error = shop.error(query, {"id": "gid://shopify/ProductVariant/45000000000001"})
    assert error["message"] == "Invalid id: gid://shopify/ProductVariant/45000000000001"
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    nodes = shop.data(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
        {
            "ids": [
                "gid://shopify/Product/8000000000001",
                "gid://shopify/Product/1",
                "gid://shopify/InventoryItem/47000000000001",
            ]
        },
    )["nodes"]
    assert [node and node["__typename"] for node in nodes] == ["Product", None, "InventoryItem"]


def test_inventory_level_by_its_own_id(shop: Shop) -> None:
    level = shop.product("oak-chair")["variants"]["nodes"][0]["inventoryItem"]["inventoryLevels"]["nodes"][0]
    data = shop.data(
        'query ($id: ID!) { inventoryLevel(id: $id) { id item { sku } quantities(names: ["available"]) { quantity } } }',
        {"id": level["id"]},
    )
    assert data["inventoryLevel"] == {"id": level["id"], "item": {"sku": "CH-1"}, "quantities": [{"quantity": 6}]}


def test_inactive_locations_only_when_asked_for(shop: Shop) -> None:
    query = "query ($all: Boolean) { locations(first: 10, includeInactive: $all) { nodes { name isActive } } }"
    active = shop.data(query, {"all": False})["locations"]["nodes"]
    assert [place["name"] for place in active] == ["Pop-up München", "Store Wien", "Warehouse Berlin"]
    assert len(shop.data(query, {"all": True})["locations"]["nodes"]) == 4


def test_metafields_by_name_and_by_the_apps_own_namespace(shop: Shop) -> None:
    data = shop.data(
        '{ p: productByIdentifier(identifier: {handle: "linen-shirt"}) { metafield(namespace: "custom", key: "material") { value type '
        'definition { name } jsonValue ownerType } metafields(first: 10, namespace: "custom") { nodes { key } } none: metafield(key: "x1") { id } } }'
    )["p"]
    assert data["metafield"] == {
        "value": "Linen",
        "type": "single_line_text_field",
        "definition": {"name": "Material"},
        "jsonValue": "Linen",
        "ownerType": "PRODUCT",
    }
    assert [one["key"] for one in data["metafields"]["nodes"]] == ["material", "care", "erp_id"]
    assert data["none"] is None


# -- errors before anything runs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "{ products(first: 1) { nodes { colour } } }",
            "undefinedField",
            "Field 'colour' doesn't exist on type 'Product'",
        ),
        (
            "{ products(first: 1, size: 2) { nodes { id } } }",
            "argumentNotAccepted",
            "Field 'products' doesn't accept argument 'size'",
        ),
        ("{ product { id } }", "missingRequiredArguments", "Field 'product' is missing required arguments: id"),
        (
            "query ($a: Int) { shop { name } }",
            "variableNotUsed",
            "Variable $a is declared by anonymous query but not used",
        ),
        ("{ shop }", "selectionMismatch", "Field must have selections (field 'shop' returns Shop!"),
        ("{ shop @nice { name } }", "undefinedDirective", "Directive @nice is not defined"),
        (
            'mutation { tagsAdd(id: "x", tags: ["a"]) { userErrors { code } } }',
            "undefinedField",
            "Field 'code' doesn't exist on type 'UserError'",
        ),
        (
            'mutation { bulkOperationRunQuery(query: "{}") { userErrors { message } } }',
            "undefinedField",
            "'bulkOperationRunQuery'",
        ),
    ],
)
def test_documents_that_do_not_fit_the_schema(shop: Shop, query: str, code: str, message: str) -> None:
    answer = shop.answer(query)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == code
    assert message in answer["errors"][0]["message"]
    assert answer["errors"][0]["locations"]


def test_syntax_errors(shop: Shop) -> None:
    error = shop.error("{ products(")
    assert error["extensions"]["code"] == "PARSE_ERROR"


@pytest.mark.parametrize(
    "query",
    [
        "{ products(first: 1) { nodes { bodyHtml } } }",
        "{ products(first: 1) { nodes { totalVariants } } }",
        "{ products(first: 1) { nodes { featuredImage { url } } } }",
        "{ productVariants(first: 1) { nodes { image { url } } } }",
        "{ inventoryItems(first: 1) { nodes { variant { id } } } }",
        '{ productByHandle(handle: "sofa") { id } }',
    ],
)
def test_deprecated_reads_are_refused(shop: Shop, query: str) -> None:
    error = shop.error(query)
    assert error["extensions"]["code"] == "deprecatedField"
    assert "Use `" in error["message"]


def test_deprecated_reads_are_served_when_asked_for() -> None:
    with Sandbox.start(latency="none") as sandbox:
        shop = Shop(sandbox)
        shop.service.documents.serve_deprecated = True
        data = shop.data(
            '{ productByHandle(handle: "sofa") { bodyHtml totalVariants images(first: 1) { nodes { url } } } }'
        )
        assert data["productByHandle"] == {"bodyHtml": "", "totalVariants": 4, "images": {"nodes": []}}


def test_variables_that_do_not_fit(shop: Shop) -> None:
    query = "mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) { userErrors { message } } }"
    error = shop.error(query, {"product": {"colour": "red", "status": "SOLD", "tags": [1]}})
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    problems = {tuple(one["path"]): one["explanation"] for one in error["extensions"]["problems"]}
    assert problems["colour",] == "Field is not defined on ProductUpdateInput"
    assert problems["status",].startswith('Expected "SOLD" to be one of: ')
    assert problems["tags", 0] == "Could not coerce value 1 to String"
    assert error["extensions"]["value"]["colour"] == "red"
    missing = shop.error(query)
    assert missing["extensions"]["problems"] == [{"path": [], "explanation": "Expected value to not be null"}]


def test_aliases_fragments_and_directives(shop: Shop) -> None:
    data = shop.data(
        'query ($deep: Boolean!) { one: productByIdentifier(identifier: {handle: "sofa"}) { ...F } two: productByIdentifier(identifier: {handle: "candle"}) '
        "{ ...F variants(first: 1) @include(if: $deep) { nodes { id } } } } fragment F on Product { title handle }",
        {"deep": False},
    )
    assert data == {"one": {"title": "Sofa", "handle": "sofa"}, "two": {"title": "Candle", "handle": "candle"}}


def test_an_operation_is_chosen_by_name(shop: Shop) -> None:
    import requests

    response = requests.post(
        f"{shop.sandbox.url}/admin/api/2026-10/graphql.json",
        json={"query": "query A { shop { name } } query B { shop { id } }", "operationName": "B"},
        headers={"X-Shopify-Access-Token": shop.token},
        timeout=10,
    )
    assert list(response.json()["data"]["shop"]) == ["id"]
    error = shop.error("query A { shop { name } } query B { shop { id } }")
    assert error["message"] == "An operation name is required"
