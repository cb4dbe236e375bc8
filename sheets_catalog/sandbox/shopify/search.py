"""Shopify's search syntax (shopify.dev "API search syntax"), with its traps.

- A timestamp must be quoted: without quotes it is split at its colons, hour only plus a stray term.
- An unknown field matches everything, and only shows as a warning in `extensions.search`.
- Malformed queries are forgiven.
- A documented field that the sandbox cannot match is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from cachetools import LRUCache

from sheets_catalog.sandbox.shopify.problems import unsupported
from sheets_catalog.sandbox.shopify.state import Collection, Item, Location, Product, Store, Variant
from sheets_catalog.sandbox.shopify.values import decimal_of, timestamp

Matcher = Callable[[Any, Store], bool]
JSON = Any


@dataclass(frozen=True)
class Field:
    """How a search field finds its values in a record. kind: keyword, list, words, time, id, number, yes."""

    kind: str
    values: Callable[[Any, Store], Iterable[Any]]
    negated: bool = False


@dataclass(frozen=True)
class Term:
    """One condition. field is empty for a bare word; comparator is one of `: :> :>= :< :<=`."""

    field: str
    comparator: str
    value: str
    quoted: bool


@dataclass(frozen=True)
class Search:
    """A compiled query."""

    matches: Matcher
    parsed: JSON
    warnings: tuple[JSON, ...]


_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<open>-?\() | (?P<close>\)) |
        (?P<word>OR|AND|NOT)(?=\s|\(|$) |
        (?P<term>
            (?P<minus>-)?
            (?:(?P<field>[A-Za-z0-9_][\w.$-]*)(?P<comparator>:(?:>=|<=|>|<)?))?
            (?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s:)'"]+))
        ) |
        (?P<stray>.)
    )""",
    re.VERBOSE,
)


def _product_id(text: str) -> str:
    return text.rsplit("/", 1)[-1]


def _reduced(product: Product) -> bool:
    return any(
        variant.compare_at_price is not None and Decimal(variant.compare_at_price) > Decimal(variant.price)
        for variant in product.variants
    )


def _of_product(get: Callable[[Product], Any]) -> Callable[[Variant, Store], Iterable[Any]]:
    return lambda variant, store: (get(store.home(variant)),)


PRODUCT_FIELDS: Final[dict[str, Field]] = {
    "": Field(
        "words",
        lambda p, _: (p.title, p.vendor, p.product_type, *p.tags, *(v.item.sku or "" for v in p.variants)),
    ),
    "barcode": Field("keyword", lambda p, _: (v.barcode for v in p.variants)),
    "category_id": Field("keyword", lambda p, _: (_product_id(p.category or ""),)),
    "collection_id": Field("id", lambda p, store: (one.id for one in store.collections_of(p.id))),
    "created_at": Field("time", lambda p, _: (p.created_at,)),
    "gift_card": Field("yes", lambda p, _: (p.gift_card,)),
    "handle": Field("list", lambda p, _: (p.handle,)),
    "has_only_default_variant": Field("yes", lambda p, _: (p.only_default_variant,)),
    "id": Field("id", lambda p, _: (p.id,)),
    "inventory_total": Field("number", lambda p, _: (sum(v.stock for v in p.variants if v.item.tracked),)),
    "is_price_reduced": Field("yes", lambda p, _: (_reduced(p),)),
    "out_of_stock_somewhere": Field(
        "yes", lambda p, _: (any(level.available <= 0 for v in p.variants for level in v.item.levels),)
    ),
    "price": Field("number", lambda p, _: (v.price for v in p.variants)),
    "product_type": Field("list", lambda p, _: (p.product_type,)),
    "published_at": Field("time", lambda p, _: (p.published_at,)),
    "sku": Field("keyword", lambda p, _: (v.item.sku for v in p.variants)),
    "status": Field("list", lambda p, _: (p.status,)),
    "tag": Field("keyword", lambda p, _: p.tags),
    "tag_not": Field("keyword", lambda p, _: p.tags, negated=True),
    "title": Field("words", lambda p, _: (p.title,)),
    "tracks_inventory": Field("yes", lambda p, _: (any(v.item.tracked for v in p.variants),)),
    "updated_at": Field("time", lambda p, _: (p.updated_at,)),
    "variant_id": Field("id", lambda p, _: (v.id for v in p.variants)),
    "variant_title": Field("words", lambda p, _: (v.title for v in p.variants)),
    "vendor": Field("list", lambda p, _: (p.vendor,)),
}

VARIANT_FIELDS: Final[dict[str, Field]] = {
    "": Field("words", lambda v, store: (v.title, v.item.sku, v.barcode, store.home(v).title)),
    "barcode": Field("keyword", lambda v, _: (v.barcode,)),
    "collection": Field("id", lambda v, store: (one.id for one in store.collections_of(v.product_id))),
    "gift_card": Field("yes", _of_product(lambda p: p.gift_card)),
    "id": Field("id", lambda v, _: (v.id,)),
    "inventory_quantity": Field("number", lambda v, _: (v.stock,)),
    "location_id": Field("id", lambda v, _: (level.location_id for level in v.item.levels)),
    "option1": Field("keyword", lambda v, _: v.selected[:1]),
    "option2": Field("keyword", lambda v, _: v.selected[1:2]),
    "option3": Field("keyword", lambda v, _: v.selected[2:3]),
    "product_id": Field("id", lambda v, _: (v.product_id,)),
    "product_ids": Field("list", lambda v, _: (str(v.product_id),)),
    "product_status": Field("list", _of_product(lambda p: p.status)),
    "product_type": Field("list", _of_product(lambda p: p.product_type)),
    "sku": Field("keyword", lambda v, _: (v.item.sku,)),
    "tag": Field("keyword", lambda v, store: store.home(v).tags),
    "tag_not": Field("keyword", lambda v, store: store.home(v).tags, negated=True),
    "taxable": Field("yes", lambda v, _: (v.taxable,)),
    "title": Field("words", lambda v, _: (v.title,)),
    "updated_at": Field("time", lambda v, _: (v.updated_at,)),
    "vendor": Field("list", _of_product(lambda p: p.vendor)),
}

ITEM_FIELDS: Final[dict[str, Field]] = {
    "": Field("words", lambda i, _: (i.sku,)),
    "created_at": Field("time", lambda i, _: (i.created_at,)),
    "id": Field("id", lambda i, _: (i.id,)),
    "sku": Field("keyword", lambda i, _: (i.sku,)),
    "updated_at": Field("time", lambda i, _: (i.updated_at,)),
}

COLLECTION_FIELDS: Final[dict[str, Field]] = {
    "": Field("words", lambda c, _: (c.title,)),
    "collection_type": Field("keyword", lambda _, __: ("custom",)),
    "handle": Field("list", lambda c, _: (c.handle,)),
    "id": Field("id", lambda c, _: (c.id,)),
    "product_id": Field("id", lambda c, _: c.product_ids),
    "title": Field("words", lambda c, _: (c.title,)),
    "updated_at": Field("time", lambda c, _: (c.updated_at,)),
}

LOCATION_FIELDS: Final[dict[str, Field]] = {
    "": Field("words", lambda place, _: (place.name, place.city, place.address1)),
    "active": Field("yes", lambda place, _: (place.active,)),
    "address1": Field("words", lambda place, _: (place.address1,)),
    "city": Field("keyword", lambda place, _: (place.city,)),
    "country": Field("keyword", lambda place, _: (place.country, place.country_code)),
    "created_at": Field("time", lambda place, _: (place.created_at,)),
    "id": Field("id", lambda place, _: (place.id,)),
    "location_id": Field("id", lambda place, _: (place.id,)),
    "name": Field("words", lambda place, _: (place.name,)),
    "province": Field("keyword", lambda place, _: (place.province, place.province_code)),
    "zip": Field("keyword", lambda place, _: (place.zip,)),
}

FIELDS: Final[dict[type, dict[str, Field]]] = {
    Product: PRODUCT_FIELDS,
    Variant: VARIANT_FIELDS,
    Item: ITEM_FIELDS,
    Collection: COLLECTION_FIELDS,
    Location: LOCATION_FIELDS,
}

_PUBLICATION: Final = frozenset({"product_publication_status", "publishable_status", "published_status"})

NOT_SUPPORTED: Final[dict[type, frozenset[str]]] = {
    Product: _PUBLICATION
    | {
        "bundles",
        "combined_listing_role",
        "delivery_profile_id",
        "error_feedback",
        "has_only_composites",
        "has_variant_with_components",
        "product_configuration_owner",
        "publication_ids",
    },
    Variant: _PUBLICATION
    | {
        "delivery_profile_id",
        "exclude_composite",
        "exclude_variants_with_components",
        "managed",
        "managed_by",
        "requires_components",
    },
    Item: frozenset(),
    Collection: _PUBLICATION | {"published_at"},
    Location: frozenset({"address2", "geolocated", "legacy", "pickup_in_store"}),
}
"""Documented search fields that need things a sandbox shop does not have."""

_CACHE: Final[LRUCache[tuple[type, str, str], Search]] = LRUCache(maxsize=512)


def compiled(query: str, kind: type, timezone: str) -> Search:
    """The query as a predicate on records of `kind`; raises BAD_REQUEST for a field the sandbox cannot match."""
    key = (kind, query, timezone)
    found = _CACHE.get(key)
    if found is None:
        found = _CACHE[key] = _Compiler(query, kind, ZoneInfo(timezone)).compile()
    return found


class _Compiler:
    """Recursive descent over the tokens of one query; forgiving, like the real one."""

    def __init__(self, query: str, kind: type, zone: ZoneInfo) -> None:
        self._tokens = [match for match in _TOKEN.finditer(query) if match.group(0).strip()]
        self._place = 0
        self._fields = FIELDS[kind]
        self._refused = NOT_SUPPORTED[kind]
        self._kind = kind
        self._zone = zone
        self._warnings: list[JSON] = []

    def compile(self) -> Search:
        parts: list[tuple[Matcher, JSON]] = []
        while self._peek():
            before = self._place
            parts.append(self._any())
            if self._place == before:
                self._place += 1
        matches, parsed = _all(parts)
        return Search(matches, parsed, tuple(self._warnings))

    def _peek(self) -> re.Match[str] | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _any(self) -> tuple[Matcher, JSON]:
        parts = [self._every()]
        while (token := self._peek()) and token.group("word") == "OR":
            self._place += 1
            parts.append(self._every())
        parts = [part for part in parts if part[1] is not None]
        if len(parts) < 2:
            return parts[0] if parts else _all([])
        matchers = [matcher for matcher, _ in parts]
        return (lambda row, store: any(one(row, store) for one in matchers)), {"or": [echo for _, echo in parts]}

    def _every(self) -> tuple[Matcher, JSON]:
        parts: list[tuple[Matcher, JSON]] = []
        while (token := self._peek()) and not token.group("close") and token.group("word") != "OR":
            self._place += 1
            if token.group("word") != "AND" and not token.group("stray"):
                parts.append(self._one(token))
        return _all(parts)

    def _one(self, token: re.Match[str]) -> tuple[Matcher, JSON]:
        if token.group("word") == "NOT":
            following = self._peek()
            if following is None:
                return _all([])
            self._place += 1
            return _negated(self._one(following))
        if token.group("open"):
            inside = self._any()
            closing = self._peek()
            if closing and closing.group("close"):
                self._place += 1
            return _negated(inside) if token.group("open").startswith("-") else inside
        part = self._term(_term(token))
        return _negated(part) if token.group("minus") else part

    def _term(self, term: Term) -> tuple[Matcher, JSON]:
        echo = _echo(term, self._zone)
        if term.field in self._refused:
            raise unsupported(f"the search field '{term.field}' of {self._kind.__name__.lower()}s")
        field = self._fields.get(term.field)
        if term.field.startswith("metafields."):
            field = _metafield(term.field)
        if field is None:
            self._warnings.append(
                {"field": term.field, "message": "Invalid search field for this query.", "code": "invalid_field"}
            )
            return (lambda _row, _store: True), echo
        check = _check(field.kind, term, self._zone)
        values, negated = field.values, field.negated
        return (lambda row, store: any(check(value) for value in values(row, store)) != negated), echo


def _term(token: re.Match[str]) -> Term:
    for group in ("single", "double"):
        if token.group(group) is not None:
            value = re.sub(r"\\(.)", r"\1", token.group(group))
            return Term(token.group("field") or "", token.group("comparator") or ":", value, quoted=True)
    return Term(token.group("field") or "", token.group("comparator") or ":", token.group("plain"), quoted=False)


def _echo(term: Term, zone: ZoneInfo) -> JSON:
    """The term as the real API repeats it in `extensions.search[].parsed`."""
    if term.comparator != ":":
        bound = "range_gte" if ">" in term.comparator else "range_lte"
        moment = _moment(term.value, zone)
        return {"field": term.field, bound: moment.isoformat() if moment else term.value}
    kind = "match_phrase" if term.quoted else "match_all"
    return {"field": term.field or "default", kind: term.value}


def _metafield(name: str) -> Field:
    _, namespace, key = ([*name.split(".", 2), "", ""])[:3]
    return Field(
        "keyword",
        lambda row, _: (m.value for m in row.metafields if (m.namespace, m.key) == (namespace, key)),
    )


def _all(parts: list[tuple[Matcher, JSON]]) -> tuple[Matcher, JSON]:
    parts = [part for part in parts if part[1] is not None]
    if not parts:
        return (lambda _row, _store: True), None
    if len(parts) == 1:
        return parts[0]
    matchers = [matcher for matcher, _ in parts]
    return (lambda row, store: all(one(row, store) for one in matchers)), {"and": [echo for _, echo in parts]}


def _negated(part: tuple[Matcher, JSON]) -> tuple[Matcher, JSON]:
    matcher, echo = part
    return (lambda row, store: not matcher(row, store)), {"not": echo}


def _check(kind: str, term: Term, zone: ZoneInfo) -> Callable[[Any], bool]:
    """Whether one value of a record satisfies the term."""
    if kind == "time":
        return _check_time(term, zone)
    if kind == "id":
        return _check_number(term, lambda value: int(value) if value.isdigit() else None)
    if kind == "number":
        return _check_number(term, decimal_of)
    if kind == "yes":
        wanted = term.value.casefold() == "true"
        return lambda value: bool(value) == wanted
    if term.value == "*":
        return lambda value: value not in {None, ""}
    if kind == "words":
        return _check_words(term)
    return _check_keyword(term, several=kind == "list")


def _check_keyword(term: Term, *, several: bool) -> Callable[[Any], bool]:
    wanted = term.value.casefold()
    choices = frozenset(part.strip() for part in wanted.split(",")) if several else frozenset({wanted})
    if not term.quoted and wanted.endswith("*"):
        return lambda value: value is not None and str(value).casefold().startswith(wanted[:-1])
    return lambda value: value is not None and str(value).casefold() in choices


def _check_words(term: Term) -> Callable[[Any], bool]:
    wanted = re.findall(r"\w+", term.value.casefold())
    prefix = not term.quoted and term.value.endswith("*")
    phrase = " " + " ".join(wanted) + ("" if prefix else " ")

    def check(value: Any) -> bool:
        return phrase in " " + " ".join(re.findall(r"\w+", str(value or "").casefold())) + " "

    return check


def _check_number(term: Term, read: Callable[[str], Any]) -> Callable[[Any], bool]:
    wanted = read(term.value)
    if wanted is None:
        return lambda _value: False
    compare = _COMPARE[term.comparator]
    return lambda value: value is not None and compare(Decimal(value) if isinstance(value, str) else value, wanted)


def _check_time(term: Term, zone: ZoneInfo) -> Callable[[Any], bool]:
    start = _moment(term.value, zone)
    if start is None:
        return lambda _value: False
    first, last = timestamp(start), timestamp(start + _precision(term.value))
    if term.comparator == ":":
        return lambda value: value is not None and (value == first or first <= value < last)
    compare = _COMPARE[term.comparator]
    return lambda value: value is not None and compare(value, first)


def _precision(text: str) -> timedelta:
    """How long the stretch is that a date or an hour without minutes stands for."""
    if "T" not in text:
        return timedelta(days=1)
    return timedelta(hours=1) if ":" not in text else timedelta(0)


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A date or time as text, in the shop's zone unless it names one."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}", text):
        text += ":00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ":": lambda one, other: one == other,
    ":>": lambda one, other: one > other,
    ":>=": lambda one, other: one >= other,
    ":<": lambda one, other: one < other,
    ":<=": lambda one, other: one <= other,
}

__all__ = ["FIELDS", "NOT_SUPPORTED", "Search", "compiled"]
