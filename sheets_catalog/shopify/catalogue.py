"""Reading the catalogue: pages, records by id, one product with all that belongs to it.

Nothing is cut off in silence: inner lists that do not fit are paged on, and a page comes with its cursor and whether
there is more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sheets_catalog.errors import Refused
from sheets_catalog.shopify import reading
from sheets_catalog.shopify.documents import load
from sheets_catalog.shopify.errors import trusted
from sheets_catalog.shopify.reading import Counts, Location, ShopInfo, Tree, TreeVariant, View, gid
from sheets_catalog.shopify.throttle import (
    Cost,
    connection_cost,
    cost_of_nodes,
    cost_of_page,
    node_cost,
    nodes_per_call,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.records import Field, Record
    from sheets_catalog.shopify.transport import Answer, Shop

PAGE = 250
"""Most nodes of a page (https://shopify.dev/docs/api/usage/limits)."""

DEEPEST = 25_000
"""Objects behind one another that paging reaches (limits page); further ones need a search by id."""

TREE_PAGE = 100
"""Variants of a product that are read at once, with levels and metafields."""

PARALLEL = 4
"""Look-ups by id under way at once; more only empties the bucket of cost points faster."""

NODE_TYPES = {"products": "Product", "variants": "ProductVariant", "inventory": "InventoryItem"}
"""The type of the first part of a record's key."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records. `cursor` continues after them; `nodes`: how many things Shopify counted on the page."""

    records: tuple[Record, ...]
    cursor: str
    has_next: bool
    cost: Cost
    nodes: int = 0


class Catalogue:
    """The products, variants and inventory levels of a shop. May be shared by threads."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @cached_property
    def info(self) -> ShopInfo:
        """`shop_info`, asked once."""
        return self.shop_info()

    @cached_property
    def places(self) -> tuple[Location, ...]:
        """`locations`, asked once."""
        return self.locations()

    def shop_info(self) -> ShopInfo:
        """What a plan needs to know of the shop."""
        answer = self._read("shop", {}, 3)
        with trusted("shop", answer.request_id):
            return reading.shop_info(answer.data)

    def locations(self) -> tuple[Location, ...]:
        """All locations, also inactive ones."""
        found: list[Location] = []
        cursor: str | None = None
        while True:
            answer = self._read("locations", {"first": PAGE, "after": cursor}, connection_cost(PAGE, 1))
            with trusted("locations", answer.request_id):
                found += [reading.location(node) for node in answer.data["locations"]["nodes"]]
                info = answer.data["locations"]["pageInfo"]
            if not info["hasNextPage"]:
                return tuple(found)
            cursor = info["endCursor"]

    def counts(self, query: str | None = None) -> Counts:
        """How many products and variants there are, in all or matching a search."""
        answer = self._read("counts", {"productQuery": query, "variantQuery": query}, 20)
        with trusted("counts", answer.request_id):
            products, variants = answer.data["productsCount"], answer.data["productVariantsCount"]
            exact = products["precision"] == variants["precision"] == "EXACT"
            return Counts(int(products["count"]), int(variants["count"]), exact)

    def products(
        self,
        first: int = PAGE,
        query: str | None = None,
        metafields: Iterable[Field] = (),
        *,
        after: str | None = None,
    ) -> Iterator[Page]:
        """Pages of products. `query`: Shopify search syntax; then by time of change, otherwise by id."""
        view = View.of(self.info.money_digits, products=metafields)
        points = cost_of_page("products", first, metafields=len(view.product_metafields))
        variables = {**_only(view.variables(), "Product"), "sortKey": "UPDATED_AT" if query else "ID"}
        return self._pages("products", variables, first, query, after, points, self._of(reading.product, view))

    def variants(
        self,
        first: int = PAGE,
        query: str | None = None,
        metafields: Iterable[Field] = (),
        *,
        after: str | None = None,
    ) -> Iterator[Page]:
        """Pages of variants of all products, by id."""
        view = View.of(self.info.money_digits, variants=metafields)
        points = cost_of_page("variants", first, metafields=len(view.variant_metafields))
        variables = _only(view.variables(), "Variant")
        return self._pages("variants", variables, first, query, after, points, self._of(reading.variant, view))

    def inventory(self, first: int = PAGE, query: str | None = None, *, after: str | None = None) -> Iterator[Page]:
        """Pages of inventory levels: those of `first` variants each, by the variants' ids."""
        points = cost_of_page("inventory", first, levels=self._levels)
        return self._pages("inventory", {"levels": self._levels}, first, query, after, points, self._levels_of)

    def by_ids(self, table: str, ids: Iterable[str], metafields: Iterable[Field] = ()) -> dict[str, Record]:
        """Records by key, those that are not there left out.

        `table`: ``products``, ``variants`` or ``inventory``. `ids`: record keys; of an inventory level's key the item
        alone is asked for, and only the levels in `ids` are given.
        """
        wanted = dict.fromkeys(ids)
        metafields = tuple(metafields)
        heads = list(dict.fromkeys(key.partition("/")[0] for key in wanted))
        levels = self._levels if table == "inventory" else 0
        found: dict[str, Record] = {}
        while heads:
            # the first call tells how many ids fit into the others
            calls = 1 if self._shop.correction(f"shopify.{table}_by_id") == 1 else PARALLEL
            step = self.ids_per_call(table, len(metafields))
            now, heads = heads[: step * calls], heads[step * calls :]
            parts = [now[first : first + step] for first in range(0, len(now), step)]
            for records in self._at_once(lambda part: self._nodes(table, part, metafields, levels), parts):
                found.update((record.key, record) for record in records)
        return {key: found[key] for key in wanted if key in found}

    def ids_per_call(self, table: str, metafields: int) -> int:
        """How many ids `by_ids` asks for in one call, as far as it is known by now."""
        correction = self._shop.correction(f"shopify.{table}_by_id")
        levels = self._levels if table == "inventory" else 0
        return nodes_per_call(table, metafields=metafields, levels=levels, correction=correction)

    @staticmethod
    def _at_once(
        read: Callable[[Sequence[str]], Iterator[Record]], parts: Sequence[Sequence[str]]
    ) -> Iterator[list[Record]]:
        """What is read of each part, in their order; a few calls are under way at once."""
        if len(parts) == 1:
            yield list(read(parts[0]))
            return
        with ThreadPoolExecutor(PARALLEL, "shopify") as pool:
            yield from pool.map(lambda part: list(read(part)), parts)

    def product_by_handle(
        self, handle: str, *, metafields: Iterable[Field] = (), variant_metafields: Iterable[Field] = ()
    ) -> Tree | None:
        """The product with its variants, levels and marker; None when there is none with this handle."""
        return self._tree({"handle": handle}, metafields, variant_metafields)

    def product_tree(
        self, product_id: str, *, metafields: Iterable[Field] = (), variant_metafields: Iterable[Field] = ()
    ) -> Tree | None:
        """The product with its variants, levels and marker; None when it is not there."""
        return self._tree({"id": gid("Product", product_id)}, metafields, variant_metafields)

    def newest_with(self, markers: Iterable[str]) -> dict[str, str]:
        """Ids of products by the marker they were made with, among the newest ones.

        It is for products made moments ago: a list by id, unlike a search, does not lag behind what was written.
        """
        wanted = set(markers)
        answer = self._read("newest_products", {"first": PAGE}, connection_cost(PAGE, 2))
        with trusted("newest_products", answer.request_id):
            nodes = answer.data["products"]["nodes"]
            found = {reading.marker_of(node): reading.digits(node["id"]) for node in nodes}
        return {marker: key for marker, key in found.items() if marker in wanted}

    @property
    def _levels(self) -> int:
        """Levels asked for with each item: one per active location, so that they fit nearly always."""
        return min(PAGE, max(1, sum(place.active for place in self.places)))

    def _read(self, name: str, variables: Mapping[str, Any], points: float) -> Answer:
        return self._shop.execute(load(name), variables, safety="read", points=points)

    def _pages(
        self,
        name: str,
        variables: Mapping[str, Any],
        first: int,
        query: str | None,
        after: str | None,
        points: float,
        read: Callable[[Sequence[Any]], Iterable[Record]],
    ) -> Iterator[Page]:
        """Pages of the connection of ``<name>.graphql``. Without a search, what lies too deep is reached by id."""
        window, seen, cursor, search = query, 0, after, query
        while True:
            answer = self._read(name, {**variables, "first": first, "after": cursor, "query": search}, points)
            with trusted(name, answer.request_id):
                page, nodes = self._page(answer, read)
            yield page
            seen += len(nodes)
            if not page.has_next:
                return
            cursor = page.cursor
            if seen + first > DEEPEST:
                if window is not None:
                    raise Refused(
                        f"More than {DEEPEST:,} records match the search; Shopify gives no more of them.",
                        service="shopify",
                        operation=name,
                        reason="too_deep",
                        advice="Read everything instead of what changed.",
                    )
                search, seen, cursor = f"id:>{reading.digits(nodes[-1]['id'])}", 0, None

    def _page(
        self, answer: Answer, read: Callable[[Sequence[Any]], Iterable[Record]]
    ) -> tuple[Page, Sequence[Mapping[str, Any]]]:
        (connection,) = answer.data.values()
        nodes, info = connection["nodes"], connection["pageInfo"]
        records = tuple(read(nodes))
        return Page(records, info["endCursor"] or "", bool(info["hasNextPage"]), answer.cost, len(nodes)), nodes

    def _nodes(self, table: str, ids: Sequence[str], metafields: Sequence[Field], levels: int) -> Iterator[Record]:
        view = View.of(self.info.money_digits, metafields, metafields)
        variables: dict[str, Any] = {"ids": [gid(NODE_TYPES[table], each) for each in ids]}
        if table == "inventory":
            variables["levels"] = levels
        else:
            variables |= _only(view.variables(), "Product" if table == "products" else "Variant")
        points = cost_of_nodes(table, len(ids), metafields=len(metafields), levels=levels)
        answer = self._read(f"{table}_by_id", variables, points)
        with trusted(f"{table}_by_id", answer.request_id):
            nodes = [node for node in answer.data["nodes"] if node]
            if table == "inventory":
                yield from (record for node in nodes for record in self._item_levels(node))
            else:
                reader = reading.product if table == "products" else reading.variant
                yield from (reader(node, view) for node in nodes)

    def _tree(
        self, identifier: Mapping[str, Any], metafields: Iterable[Field], variant_metafields: Iterable[Field]
    ) -> Tree | None:
        view = View.of(self.info.money_digits, metafields, variant_metafields)
        shared = {"treeVariants": TREE_PAGE, "levels": self._levels}
        answer = self._read(
            "product_tree", {"identifier": identifier, **shared, **view.variables()}, self._tree_points(view)
        )
        with trusted("product_tree", answer.request_id):
            node = answer.data["productByIdentifier"]
            return None if node is None else self._whole(node, view)

    def _whole(self, node: Mapping[str, Any], view: View) -> Tree:
        """The tree with all its variants and levels."""
        tree = reading.tree(node, view)
        connection, branches = node["variants"], [self._branch(each, view) for each in node["variants"]["nodes"]]
        while connection["pageInfo"]["hasNextPage"]:
            shared = {"treeVariants": TREE_PAGE, "levels": self._levels, **_only(view.variables(), "Variant")}
            variables = {"product": node["id"], "after": connection["pageInfo"]["endCursor"], **shared}
            answer = self._read("tree_variants", variables, self._tree_points(view))
            owner = answer.data["product"]
            if owner is None:  # deleted while it was read
                break
            connection = owner["variants"]
            branches += [self._branch(each, view) for each in connection["nodes"]]
        return replace(tree, variants=tuple(branches), complete=not connection["pageInfo"]["hasNextPage"])

    def _branch(self, node: Mapping[str, Any], view: View) -> TreeVariant:
        return replace(reading.tree_variant(node, view), inventory=self._levels_of_variant(node))

    def _tree_points(self, view: View) -> float:
        own = node_cost("variants", metafields=len(view.variant_metafields)) + connection_cost(self._levels, 3) + 1
        return node_cost("products", metafields=len(view.product_metafields)) + 1 + connection_cost(TREE_PAGE, own)

    def _levels_of(self, nodes: Sequence[Any]) -> Iterator[Record]:
        for node in nodes:
            yield from self._levels_of_variant(node)

    def _levels_of_variant(self, node: Mapping[str, Any]) -> tuple[Record, ...]:
        """All levels of a node with `StockFields`."""
        return self._all_levels(node, node["inventoryItem"])

    def _item_levels(self, item: Mapping[str, Any]) -> tuple[Record, ...]:
        """All levels of an item read by id."""
        owners = item["variants"]["nodes"]
        return self._all_levels(owners[0], item) if owners else ()

    def _all_levels(self, variant: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[Record, ...]:
        connection = item["inventoryLevels"]
        records = [*reading.levels(variant, item["id"], connection)]
        while connection["pageInfo"]["hasNextPage"]:
            variables = {"item": item["id"], "first": PAGE, "after": connection["pageInfo"]["endCursor"]}
            answer = self._read("levels", variables, 1 + connection_cost(PAGE, 3))
            if answer.data["inventoryItem"] is None:  # deleted while it was read
                break
            connection = answer.data["inventoryItem"]["inventoryLevels"]
            records += reading.levels(variant, item["id"], connection)
        return tuple(records)

    @staticmethod
    def _of(read: Callable[[Mapping[str, Any], View], Record], view: View) -> Callable[[Sequence[Any]], list[Record]]:
        return lambda nodes: [read(node, view) for node in nodes]


def _only(variables: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Of the metafield variables those of ``Product`` or ``Variant``: a document must use all it is given."""
    return {name: value for name, value in variables.items() if owner.lower() in name.lower()}
