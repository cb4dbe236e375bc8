"""Does what the sandbox's ledger saw agree with what the plan said? Pure, and written without the engine.

Every planned field change must stand in the ledger exactly once, with the planned value, and nothing else may: besides
what the shop does by itself (positions, option lists, on-hand stock) and the marker each new record carries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sheets_catalog.records.values import decimal_text, tags_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, Plan

NAMES = {
    "products": {
        "handle": "handle",
        "title": "title",
        "description": "descriptionHtml",
        "vendor": "vendor",
        "product_type": "productType",
        "tags": "tags",
        "status": "status",
        "seo_title": "seo.title",
        "seo_description": "seo.description",
    },
    "variants": {
        "option1": "title",
        "option2": "title",
        "option3": "title",
        "sku": "sku",
        "barcode": "barcode",
        "price": "price",
        "compare_at_price": "compareAtPrice",
        "cost": "cost",
        "weight": "weight",
        "weight_unit": "weight",
        "taxable": "taxable",
        "requires_shipping": "requiresShipping",
        "tracked": "tracked",
        "inventory_policy": "inventoryPolicy",
    },
    "inventory": {"available": "available"},
}
"""Our field names and the ledger's."""

COMPOUND = frozenset({"title", "weight"})
"""Ledger fields of variants that several of our fields make up: seen once, whatever the value."""

BY_ITSELF = {"Product": frozenset({"variants", "options"}), "ProductVariant": frozenset({"position", "title"})}
"""What the shop changes by itself when variants come or go."""

MARKER = "operation"
"""Key of the metafield that a new record carries."""

DEFAULT = "Default Title"
"""The variant that the shop gives a new product for which none was planned."""

Spot = tuple[str, str]
"""What changed (its global id; of a metafield its owner), and the ledger's name of the field."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the ledger says about a plan. `settled`: numbers of the items whose whole effect is there."""

    settled: frozenset[int]
    fields: int
    created: int
    deleted: int
    broken: tuple[str, ...]


def prove(plan: Plan, lines: Iterable[Mapping[str, Any]], done: Collection[int]) -> Proof:
    """Compare the ledger's lines with the plan, of which the items in `done` were called done."""
    found = _Found(plan)
    for line in lines:
        if line["service"] == "shopify":
            found.take(line)
    return found.verdict(frozenset(done))


class _Found:
    """The ledger's lines about the shop, sorted."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.updates: dict[Spot, list[Any]] = {}
        self.created: Counter[tuple[str, ...]] = Counter()
        self.deleted: Counter[str] = Counter()
        self.born: set[str] = set()
        self.bare: set[str] = set()
        variants = (change for change in plan.changes if change.table == "variants" and change.action == "create")
        self.with_variants = {change.context.get("product_handle", "") for change in variants}

    def take(self, line: Mapping[str, Any]) -> None:
        effect, target = line["effect"], line["target"]
        kind = _kind(target)
        changes = effect.get("changes", {})
        if kind == "Metafield":
            self._metafield(effect, changes)
        elif effect["kind"] == "create":
            self._created(kind, target, effect.get("product", ""), changes)
        elif effect["kind"] == "delete":
            self.deleted[target] += 1
        else:
            self._updated_fields(kind, target, effect, changes)

    def _updated_fields(self, kind: str, target: str, effect: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        level = kind == "InventoryLevel"
        if level and effect["variant"] in self.born:
            return  # stock of a variant that was just made belongs to its creation
        where = _level(effect) if level else target
        for name, values in changes.items():
            if not (level and name == "on_hand"):
                self.updates.setdefault((where, name), []).append(values["after"])

    def _metafield(self, effect: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        if effect["key"] == MARKER or effect["owner"] in self.born:
            return
        name = f"metafields.{effect['namespace']}.{effect['key']}"
        self.updates.setdefault((effect["owner"], name), []).append((changes.get("value") or {}).get("after"))

    def _created(self, kind: str, target: str, product: str, changes: Mapping[str, Any]) -> None:
        self.born.add(target)
        if kind == "Product":
            handle = str(changes["handle"]["after"])
            self.created["products", handle] += 1
            if handle not in self.with_variants:
                self.bare.add(target)
        elif kind == "ProductVariant":
            name = ("variants", str((changes.get("sku") or {}).get("after") or ""), str(changes["title"]["after"]))
            if product not in self.bare or name[1:] != ("", DEFAULT):
                self.created[name] += 1

    def verdict(self, done: frozenset[int]) -> Proof:
        settled, spots, wanted_creates, removed = set(), set[Spot](), Counter[tuple[str, ...]](), 0
        broken: list[str] = []
        for number, change in enumerate(self.plan.changes):
            if change.action == "create":
                name = _name(change)
                wanted_creates[name] += 1
                complete = self.created[name] == 1
            elif change.action == "delete":
                complete = self.deleted[_target(change)] == 1
                removed += complete
            else:
                complete = self._updated(change, spots, broken)
            if complete:
                settled.add(number)
            elif number in done:
                broken.append(f"“{change.label}” was called done, but the ledger does not show it exactly once.")
        broken += self._unplanned(spots, wanted_creates)
        return Proof(
            frozenset(settled), len(spots & self.updates.keys()), sum(self.created.values()), removed, tuple(broken)
        )

    def _updated(self, change: Change, spots: set[Spot], broken: list[str]) -> bool:
        complete = True
        for spot, after in _expected(change):
            spots.add(spot)
            seen = self.updates.get(spot, [])
            if len(seen) > 1:
                broken.append(f"{spot[1]} of “{change.label}” was written {len(seen)} times.")
            right = len(seen) == 1 and (spot[1] in COMPOUND or _canonical(seen[0]) == after)
            if len(seen) == 1 and not right:
                broken.append(f"{spot[1]} of “{change.label}” became {seen[0]!r}, planned was {after!r}.")
            complete = complete and right
        return complete

    def _unplanned(self, spots: set[Spot], creates: Counter[tuple[str, ...]]) -> Iterator[str]:
        for where, name in self.updates.keys() - spots:
            if name not in BY_ITSELF.get(_kind(where), ()) and where not in self.born:
                yield f"{name} of {where} was changed, which nobody planned."
        for made, number in self.created.items():
            if creates[made] != number:
                yield f"{' '.join(made)} was created {number} times, planned was {creates[made]}."
        planned = Counter(_target(change) for change in self.plan.changes if change.action == "delete")
        for target, number in self.deleted.items():
            if number != planned[target] and _kind(target) == "Product":
                yield f"{target} was deleted, which nobody planned."


def _kind(target: str) -> str:
    return target.removeprefix("gid://shopify/").partition("/")[0]


def _digits(target: str) -> str:
    return target.rsplit("/", 1)[-1].partition("?")[0]


def _level(effect: Mapping[str, Any]) -> str:
    """A stock level by our own key."""
    return f"level:{_digits(effect['item'])}/{_digits(effect['location'])}"


def _target(change: Change) -> str:
    if change.table == "inventory":
        return f"level:{change.key}"
    return f"gid://shopify/{'Product' if change.table == 'products' else 'ProductVariant'}/{change.key}"


def _name(change: Change) -> tuple[str, ...]:
    """What a new record is recognised by."""
    after = {each.field: each.after or "" for each in change.fields}
    if change.table == "products":
        return ("products", after.get("handle") or change.context.get("handle", ""))
    options = [after[name] for name in ("option1", "option2", "option3") if after.get(name)]
    return ("variants", after.get("sku", ""), " / ".join(options) or DEFAULT)


def _expected(change: Change) -> Sequence[tuple[Spot, Any]]:
    """(where, name) and value of everything an update sends to the shop."""
    target = _target(change)
    found: dict[Spot, Any] = {}
    for each in change.on("shop"):
        name = NAMES[change.table].get(each.field, each.field)
        found[target, name] = each.after
    return list(found.items())


def _canonical(value: Any) -> Any:
    """A ledger value in our canonical text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return tags_text([str(each) for each in value])
    if isinstance(value, int | float):
        return decimal_text(Decimal(repr(value)))
    return value or None
