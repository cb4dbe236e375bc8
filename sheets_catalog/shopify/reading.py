"""Answers of Shopify as records: pure functions from decoded JSON to canonical values.

JSON comes with numbers that have decimals as `Decimal`, so that nothing is lost on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sheets_catalog.errors import UpstreamError
from sheets_catalog.records import Field, Kind, Record, Value
from sheets_catalog.records.values import decimal_text, money, tags_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MARKER_NAMESPACE = "sheets_catalog"
MARKER_KEY = "operation"
"""The metafield that tells which operation made a product or variant."""

_WHOLE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
"""Currencies whose amounts have 0 and 3 decimals instead of 2 (ISO 4217)."""

_NOISE = Decimal("1e-9")
"""Weights are floats on Shopify's side; the same rounding as `records.values` applies to cells."""


@dataclass(frozen=True, slots=True)
class ShopInfo:
    """What a plan needs to know of the shop. `scopes`: access scopes of the token, such as ``write_products``."""

    name: str
    domain: str
    currency: str
    money_digits: int
    time_zone: str
    plan: str
    max_variants: int
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Location:
    """A place with stock. `id`: digits."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records the shop has; `exact` is False when Shopify only gave a lower bound."""

    products: int
    variants: int
    exact: bool


@dataclass(frozen=True, slots=True)
class TreeVariant:
    """A variant with its inventory levels. `operation`: the marker it was made with, "" without one."""

    record: Record
    inventory: tuple[Record, ...]
    inventory_item_id: str
    operation: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A product with its variants and their inventory.

    `operation`: the marker it was made with, "" without one. `complete` is False when there are more variants or levels
    than the answer could hold; `Catalogue.product_tree` then reads them all.
    """

    product: Record
    variants: tuple[TreeVariant, ...]
    operation: str
    complete: bool = True

    @property
    def inventory(self) -> tuple[Record, ...]:
        """The levels of all variants."""
        return tuple(level for variant in self.variants for level in variant.inventory)


@dataclass(frozen=True, slots=True)
class View:
    """What a reader has to know besides the JSON: decimals of the shop's money, and the metafields asked for."""

    money_digits: int
    product_metafields: tuple[Field, ...] = ()
    variant_metafields: tuple[Field, ...] = ()

    @classmethod
    def of(cls, money_digits: int, products: Iterable[Field] = (), variants: Iterable[Field] = ()) -> View:
        """From the fields of tables; those that are not metafields are left out."""
        return cls(money_digits, tuple(metafields_in(products)), tuple(metafields_in(variants)))

    def variables(self) -> dict[str, Any]:
        """The variables of the fragments that select metafields."""
        return {
            **_selection("Product", self.product_metafields),
            **_selection("Variant", self.variant_metafields),
        }


def metafields_in(fields: Iterable[Field]) -> Iterator[Field]:
    """Those of `fields` that are metafields."""
    return (field for field in fields if field.metafield_type)


def metafield_name(field: Field) -> tuple[str, str]:
    """Namespace and key of a metafield's field (named ``metafields.<namespace>.<key>``)."""
    namespace, _, key = field.name.removeprefix("metafields.").rpartition(".")
    return namespace, key


def _selection(owner: str, fields: Sequence[Field]) -> dict[str, Any]:
    lower = owner.lower()
    return {
        f"with{owner}Metafields": bool(fields),
        f"{lower}Metafields": [".".join(metafield_name(field)) for field in fields] or None,
        f"{lower}MetafieldCount": max(1, len(fields)),
    }


def gid(kind: str, digits: str) -> str:
    """The global id of a thing: ``gid("Product", "1")`` is ``gid://shopify/Product/1``."""
    return f"gid://shopify/{kind}/{digits}"


def digits(global_id: str) -> str:
    """The digits of a global id (inventory levels carry a query string behind them)."""
    tail = global_id.rsplit("/", 1)[-1].partition("?")[0]
    if not (tail.isascii() and tail.isdigit()):
        raise UpstreamError(f"Shopify sent the id {global_id!r}; expected digits at its end.", service="shopify")
    return tail


def money_digits(currency: str) -> int:
    """Decimals of the amounts of an ISO 4217 currency code."""
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def shop_info(data: Mapping[str, Any]) -> ShopInfo:
    """The answer of ``shop.graphql``."""
    shop, scopes = data["shop"], data["currentAppInstallation"]["accessScopes"]
    return ShopInfo(
        name=shop["name"],
        domain=shop["myshopifyDomain"],
        currency=shop["currencyCode"],
        money_digits=money_digits(shop["currencyCode"]),
        time_zone=shop["ianaTimezone"],
        plan=shop["plan"]["publicDisplayName"],
        max_variants=int(shop["resourceLimits"]["maxProductVariants"]),
        scopes=frozenset(scope["handle"] for scope in scopes),
    )


def location(node: Mapping[str, Any]) -> Location:
    """A node of ``locations.graphql``."""
    return Location(digits(node["id"]), node["name"], bool(node["isActive"]))


def product(node: Mapping[str, Any], view: View) -> Record:
    """A node with `ProductFields`."""
    options = {int(option["position"]): option["name"] for option in node["options"]}
    key = digits(node["id"])
    values: dict[str, Value] = {
        "id": key,
        "handle": _text(node["handle"]),
        "title": _text(node["title"]),
        "description": _text(node["descriptionHtml"]),
        "vendor": _text(node["vendor"]),
        "product_type": _text(node["productType"]),
        "tags": tags_text(node["tags"]),
        "status": node["status"],
        "option1_name": _text(options.get(1)),
        "option2_name": _text(options.get(2)),
        "option3_name": _text(options.get(3)),
        "seo_title": _text(node["seo"]["title"]),
        "seo_description": _text(node["seo"]["description"]),
        **_metafields(node, view.product_metafields),
    }
    return Record(key, values, node["updatedAt"])


def variant(node: Mapping[str, Any], view: View) -> Record:
    """A node with `VariantFields`."""
    item, options = node["inventoryItem"], [_text(option["value"]) for option in node["selectedOptions"]]
    weight = (item["measurement"] or {}).get("weight") or {}
    key = digits(node["id"])
    values: dict[str, Value] = {
        "id": key,
        "product_id": digits(node["product"]["id"]),
        "product_handle": _text(node["product"]["handle"]),
        "option1": options[0] if options else None,
        "option2": options[1] if len(options) > 1 else None,
        "option3": options[2] if len(options) > 2 else None,
        "sku": _text(node["sku"]),
        "barcode": _text(node["barcode"]),
        "price": _money(node["price"], view),
        "compare_at_price": _money(node["compareAtPrice"], view),
        "cost": _money((item["unitCost"] or {}).get("amount"), view),
        "weight": _number(weight.get("value")),
        "weight_unit": weight.get("unit"),
        "taxable": _boolean(node["taxable"]),
        "requires_shipping": _boolean(item["requiresShipping"]),
        "tracked": _boolean(item["tracked"]),
        "inventory_policy": node["inventoryPolicy"],
        **_metafields(node, view.variant_metafields),
    }
    return Record(key, values, node["updatedAt"])


def levels(variant_node: Mapping[str, Any], item_id: str, connection: Mapping[str, Any]) -> tuple[Record, ...]:
    """The levels of one item: `variant_node` has id, title, sku and product, `connection` is a `LevelPage`."""
    item = digits(item_id)
    owner = variant_node["product"]
    common: dict[str, Value] = {
        "inventory_item_id": item,
        "product_title": _text(owner["title"]),
        "variant_title": _text(variant_node["title"]),
        "sku": _text(variant_node["sku"]),
        "variant_id": digits(variant_node["id"]),
        "product_id": digits(owner["id"]),
    }
    return tuple(_level(node, item, common) for node in connection["nodes"])


def _level(node: Mapping[str, Any], item: str, common: Mapping[str, Value]) -> Record:
    place = digits(node["location"]["id"])
    quantities = {each["name"]: each["quantity"] for each in node["quantities"]}
    values: dict[str, Value] = {
        **common,
        "location_id": place,
        "location": _text(node["location"]["name"]),
        "available": str(int(quantities["available"])),
    }
    return Record(f"{item}/{place}", values, node["updatedAt"])


def tree(node: Mapping[str, Any], view: View) -> Tree:
    """A node with `ProductTree`."""
    variants = node["variants"]
    page = variants["pageInfo"]
    branches = tuple(tree_variant(each, view) for each in variants["nodes"])
    whole = not page["hasNextPage"] and all(levels_complete(each) for each in variants["nodes"])
    return Tree(product(node, view), branches, marker_of(node), whole)


def tree_variant(node: Mapping[str, Any], view: View) -> TreeVariant:
    """A node with `VariantFields`, `StockFields` and a marker."""
    item = node["inventoryItem"]
    return TreeVariant(
        record=variant(node, view),
        inventory=levels(node, item["id"], item["inventoryLevels"]),
        inventory_item_id=digits(item["id"]),
        operation=marker_of(node),
    )


def levels_complete(node: Mapping[str, Any]) -> bool:
    """Whether all levels of a node with `StockFields` are in it."""
    return not node["inventoryItem"]["inventoryLevels"]["pageInfo"]["hasNextPage"]


def marker_of(node: Mapping[str, Any]) -> str:
    """The marker of a node that was asked for it, "" without one."""
    return (node["marker"] or {}).get("value") or ""


def _text(value: str | None) -> Value:
    """Shopify says "" or null for nothing; both are None here."""
    return value or None


def _boolean(value: bool) -> Value:
    return "true" if value else "false"


def _money(amount: str | None, view: View) -> Value:
    return None if amount is None else money(amount, view.money_digits)


def _number(value: Decimal | float | None) -> Value:
    return None if value is None else decimal_text(Decimal(str(value)).quantize(_NOISE, rounding=ROUND_HALF_UP))


def _metafields(node: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Value]:
    """Every metafield asked for: None when the owner has none."""
    found = {(each["namespace"], each["key"]): each for each in (node.get("metafields") or {}).get("nodes", ())}
    return {field.name: _metafield(found.get(metafield_name(field)), field) for field in fields}


def _metafield(node: Mapping[str, Any] | None, field: Field) -> Value:
    if node is None:
        return None
    text = str(node["value"])
    try:
        return _METAFIELD_READERS.get(field.kind, _text)(text)
    except (InvalidOperation, ValueError):
        # The shop's metafield has another type than the column's header says: its text is still the truth.
        return _text(text)


_METAFIELD_READERS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.DECIMAL: lambda text: _number(Decimal(text)),
    Kind.INTEGER: lambda text: str(int(text)),
}


def quantities_after(payload: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Record key and available quantity of each change in a payload with `InventorySetAnswer`."""
    group = payload.get("inventoryAdjustmentGroup") or {}
    for change in group.get("changes") or ():
        if change["name"] == "available" and change["quantityAfterChange"] is not None:
            key = f"{digits(change['item']['id'])}/{digits(change['location']['id'])}"
            yield key, int(change["quantityAfterChange"])


def level_now(key: str, available: int) -> Record:
    """A level of which only the quantity is known."""
    item, _, place = key.partition("/")
    return Record(key, {"inventory_item_id": item, "location_id": place, "available": str(available)})
