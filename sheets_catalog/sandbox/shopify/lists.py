"""Pages of products, variants, items, collections and locations: sort keys, search, counting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.shopify.paging import PAGE_LIMIT, Connection, Key, Order, page
from sheets_catalog.sandbox.shopify.problems import unsupported
from sheets_catalog.sandbox.shopify.search import compiled
from sheets_catalog.sandbox.shopify.state import Collection, Item, Location, Product, Variant
from sheets_catalog.sandbox.shopify.views import CountView, MetafieldView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sheets_catalog.sandbox.shopify.context import Context, Info


def by_id(row: Any) -> Key:
    """Order by id."""
    return row.id, row.id


item_order = by_id
media_order = by_id


def metafield_order(view: MetafieldView) -> Key:
    """Order of metafields: the order they were made in."""
    return view.field.id, view.field.id


def _text(get: Callable[[Any], str | None]) -> Order:
    return lambda row: ((get(row) or "").casefold(), row.id)


PRODUCT_ORDERS: Final[dict[str, Order]] = {
    "ID": by_id,
    "RELEVANCE": by_id,
    "CREATED_AT": lambda p: (p.created_at, p.id),
    "UPDATED_AT": lambda p: (p.updated_at, p.id),
    "PUBLISHED_AT": lambda p: (p.published_at or "", p.id),
    "TITLE": _text(lambda p: p.title),
    "VENDOR": _text(lambda p: p.vendor),
    "PRODUCT_TYPE": _text(lambda p: p.product_type),
    "INVENTORY_TOTAL": lambda p: (sum(v.stock for v in p.variants if v.item.tracked), p.id),
}

VARIANT_ORDERS: Final[dict[str, Order]] = {
    "ID": by_id,
    "RELEVANCE": by_id,
    "POSITION": lambda v: (v.position, v.id),
    "SKU": _text(lambda v: v.item.sku),
    "TITLE": _text(lambda v: v.title),
    "NAME": _text(lambda v: v.title),
    "FULL_TITLE": _text(lambda v: v.title),
    "INVENTORY_QUANTITY": lambda v: (v.stock, v.id),
    "INVENTORY_POLICY": _text(lambda v: v.inventory_policy),
}

COLLECTION_ORDERS: Final[dict[str, Order]] = {
    "ID": by_id,
    "RELEVANCE": by_id,
    "TITLE": _text(lambda c: c.title),
    "UPDATED_AT": lambda c: (c.updated_at, c.id),
}

LOCATION_ORDERS: Final[dict[str, Order]] = {
    "ID": by_id,
    "RELEVANCE": by_id,
    "NAME": _text(lambda place: place.name),
}


def product_page(context: Context, rows: Sequence[Product], info: Info, arguments: dict[str, Any]) -> Connection:
    """A page of products."""
    return _page(context, rows, info, arguments, Product, PRODUCT_ORDERS)


def variant_page(
    context: Context, rows: Sequence[Variant], info: Info, arguments: dict[str, Any], *, limit: int = PAGE_LIMIT
) -> Connection:
    """A page of variants; below a single product up to 2,048 at once."""
    return _page(context, rows, info, arguments, Variant, VARIANT_ORDERS, limit=limit)


def item_page(context: Context, rows: Sequence[Item], info: Info, arguments: dict[str, Any]) -> Connection:
    """A page of inventory items."""
    return _page(context, rows, info, arguments, Item, {"ID": by_id})


def collection_page(context: Context, rows: Sequence[Collection], info: Info, arguments: dict[str, Any]) -> Connection:
    """A page of collections."""
    return _page(context, rows, info, arguments, Collection, COLLECTION_ORDERS)


def location_page(context: Context, rows: Sequence[Location], info: Info, arguments: dict[str, Any]) -> Connection:
    """A page of locations."""
    return _page(context, rows, info, arguments, Location, LOCATION_ORDERS)


def count(
    context: Context, rows: Sequence[Any], kind: type, info: Info, query: str | None, limit: int | None
) -> CountView:
    """How many match, cut off at the limit (default of the API: 10,000; null: exact)."""
    matches = _predicate(context, kind, info, query)
    number = len(rows) if matches is None else sum(1 for row in rows if matches(row))
    if limit is not None and number > limit:
        return CountView(limit, "AT_LEAST")
    return CountView(number, "EXACT")


def _page(
    context: Context,
    rows: Sequence[Any],
    info: Info,
    arguments: dict[str, Any],
    kind: type,
    orders: dict[str, Order],
    *,
    limit: int = PAGE_LIMIT,
) -> Connection:
    key = arguments.get("sortKey") or "ID"
    if key not in orders:
        raise unsupported(f"the sort key {key} of {info.field_name}")
    order = orders[key]
    if order is not by_id or kind is Collection:
        rows = sorted(rows, key=order)
    matches = _predicate(context, kind, info, arguments.get("query"))
    found = page(rows, order, arguments, matches=matches, limit=limit)
    if len(found.nodes) > 1 and arguments.get("first") is not None and context.fault("truncate-page"):
        return Connection(found.nodes[: len(found.nodes) // 2], order, has_next=True, has_previous=found.has_previous)
    return found


def _predicate(context: Context, kind: type, info: Info, query: str | None) -> Callable[[Any], bool] | None:
    """The search as a predicate; notes it for `extensions.search` when it has warnings, or when asked to."""
    if not query or not query.strip():
        return None
    store = context.store
    search = compiled(query, kind, store.shop.timezone)
    if search.warnings or context.searching:
        context.search.append(
            {
                "path": info.path.as_list(),
                "query": query,
                "parsed": search.parsed,
                "warnings": list(search.warnings),
            }
        )
    return lambda row: search.matches(row, store)
