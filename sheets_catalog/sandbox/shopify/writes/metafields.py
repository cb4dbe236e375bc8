"""Metafields: typed values on products, variants and collections; metafieldsSet, metafieldsDelete, definitions."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.effects import Effect
from sheets_catalog.sandbox.shopify.problems import unsupported
from sheets_catalog.sandbox.shopify.reads import UNIQUE_TYPES, digest_of, owner_kind
from sheets_catalog.sandbox.shopify.state import Collection, Definition, Metafield, Product, Variant
from sheets_catalog.sandbox.shopify.values import decimal_of, gid, split_gid
from sheets_catalog.sandbox.shopify.views import MetafieldView
from sheets_catalog.sandbox.shopify.writes.shared import Error, Input, Path, user_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SET_LIMIT: Final = 25
"""Metafields in one metafieldsSet."""

NAMESPACE: Final = (3, 255)
KEY: Final = (2, 64)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Owner = Product | Variant | Collection


def _parses(text: str, read: Callable[[str], Any]) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _is_json(text: str, kind: type | tuple[type, ...] = object) -> bool:
    try:
        return isinstance(json.loads(text), kind)
    except ValueError:
        return False


def _has(*names: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            value = json.loads(text)
        except ValueError:
            return False
        return isinstance(value, dict) and set(names) <= set(value)

    return check


_CHECKS: Final[dict[str, tuple[Callable[[str], bool], str]]] = {
    "boolean": (lambda text: text in {"true", "false"}, "Value must be true or false."),
    "color": (lambda text: bool(re.fullmatch(r"#[0-9A-Fa-f]{6}", text)), "Value must be in hex (#123ABC) format."),
    "date": (lambda text: _parses(text, date.fromisoformat), "Value must be in YYYY-MM-DD format."),
    "date_time": (
        lambda text: "T" in text and _parses(text, datetime.fromisoformat),
        "Value must be in “YYYY-MM-DDTHH:MM:SS” format.",
    ),
    "dimension": (_has("value", "unit"), "Value must be a valid dimension."),
    "id": (lambda text: bool(text.strip()) and "\n" not in text, "Value must be a single line text string."),
    "json": (_is_json, "Value must be valid JSON."),
    "link": (_has("text", "url"), "Value must be a valid link."),
    "money": (_has("amount", "currency_code"), "Value must be a valid money object."),
    "multi_line_text_field": (lambda _text: True, ""),
    "number_decimal": (lambda text: decimal_of(text) is not None, "Value must be a decimal."),
    "number_integer": (lambda text: bool(re.fullmatch(r"-?\d+", text)), "Value must be an integer."),
    "rating": (_has("value", "scale_min", "scale_max"), "Value must be a valid rating."),
    "rich_text_field": (lambda text: _is_json(text, dict), "Value must be valid rich text JSON."),
    "single_line_text_field": (lambda text: "\n" not in text, "Value must be a single line text string."),
    "url": (
        lambda text: bool(re.match(r"(https?|mailto|sms|tel):\S+", text)),
        "Value must be one of the following URL schemes: http, https, mailto, sms, tel.",
    ),
    "volume": (_has("value", "unit"), "Value must be a valid volume."),
    "weight": (_has("value", "unit"), "Value must be a valid weight."),
}
"""Metafield types: does the text hold a value of it, and what is answered when it does not."""

_REFERENCES: Final = frozenset(
    f"{name}_reference" for name in ("collection", "file", "metaobject", "mixed", "page", "product", "variant")
)


def type_exists(kind: str) -> bool:
    """Whether there is such a metafield type."""
    base = kind.removeprefix("list.")
    return base in _CHECKS or base in _REFERENCES


def value_problem(kind: str, text: str) -> str | None:
    """Why the text is not a value of the type; None when it is one."""
    if kind.startswith("list."):
        return None if _is_json(text, list) else "Value must be a JSON array."
    if kind in _REFERENCES:
        return None if split_gid(text) else "Value must be a valid global id."
    check, message = _CHECKS[kind]
    return None if check(text) else message


class Wish(NamedTuple):
    """One metafield as an input asks for it, its namespace resolved."""

    namespace: str
    key: str
    type: str | None
    value: str | None
    path: Path


def wish_of(context: Context, entry: Input, path: Path, owner: Owner | None) -> Wish:
    """Read one metafield input; an `id` names an existing metafield of the owner."""
    existing = None
    if entry.get("id") and owner is not None:
        existing = next((one for one in owner.metafields if gid("Metafield", one.id) == entry["id"]), None)
    namespace = existing.namespace if existing else context.namespace(entry.get("namespace"))
    key = existing.key if existing else entry.get("key") or ""
    kind = entry.get("type") or (existing.type if existing else None)
    return Wish(namespace, key, kind, entry.get("value"), path)


def wish_problems(context: Context, wish: Wish, owner: Owner | None, kind: str) -> list[Error]:
    """What is wrong with a wish; kind: the owner's GraphQL type."""
    if not _may_write(context, wish.namespace):
        message = "Access to this namespace and key on Metafields for this resource type is not allowed."
        return [user_error(wish.path, message, "APP_NOT_AUTHORIZED")]
    found = _name_problems(wish)
    if found:
        return found
    typed = type_of(context, wish, owner, kind)
    if typed is None:
        return [user_error((*wish.path, "type"), "Type can't be blank", "BLANK")]
    if not type_exists(typed):
        return [user_error((*wish.path, "type"), f"Type {typed} is not a valid type.", "INVALID_TYPE")]
    if not wish.value:
        return [user_error((*wish.path, "value"), "Value can't be blank", "BLANK")]
    wrong = value_problem(typed, wish.value)
    if wrong:
        return [user_error((*wish.path, "value"), wrong, "INVALID_VALUE")]
    taken = _taken(context, wish, owner, kind)
    return [user_error((*wish.path, "value"), taken, "TAKEN")] if taken else []


def _may_write(context: Context, namespace: str) -> bool:
    return not namespace.startswith("app--") or namespace.split("--")[1] == str(context.app_id)


def _name_problems(wish: Wish) -> list[Error]:
    found: list[Error] = []
    for field, text, (least, most) in (("namespace", wish.namespace, NAMESPACE), ("key", wish.key, KEY)):
        name, path = field.capitalize(), (*wish.path, field)
        if len(text) < least:
            found.append(user_error(path, f"{name} is too short (minimum is {least} characters)", "TOO_SHORT"))
        elif len(text) > most:
            found.append(user_error(path, f"{name} is too long (maximum is {most} characters)", "TOO_LONG"))
        elif not _NAME.fullmatch(text):
            message = f"{name} contains one or more invalid characters."
            found.append(user_error(path, message, "INVALID"))
    return found


def type_of(context: Context, wish: Wish, owner: Owner | None, kind: str) -> str | None:
    """The type that the value will have: said, or known from the definition or from the stored metafield."""
    definition = context.store.definition(kind.upper(), wish.namespace, wish.key)
    if definition:
        return definition.type
    stored = find(owner, wish.namespace, wish.key) if owner else None
    return wish.type or (stored.type if stored else None)


def _taken(context: Context, wish: Wish, owner: Owner | None, kind: str) -> str | None:
    definition = context.store.definition(kind.upper(), wish.namespace, wish.key)
    if definition is None or not definition.unique or kind != "Product":
        return None
    holder = context.store.find_by_metafield(wish.namespace, wish.key, wish.value or "")
    if holder is None or (owner is not None and holder.id == owner.id):
        return None
    return "Value has already been assigned to another metafield"


def find(owner: Owner, namespace: str, key: str) -> Metafield | None:
    """The owner's metafield of that name."""
    return next((one for one in owner.metafields if (one.namespace, one.key) == (namespace, key)), None)


def with_wishes(context: Context, owner: Any, wishes: Sequence[Wish], kind: str, *, only: bool = False) -> Any:
    """The owner with checked wishes granted. only: metafields that no wish names are dropped (but not other apps')."""
    fields = {(one.namespace, one.key): one for one in owner.metafields}
    if only:
        wanted = {(wish.namespace, wish.key) for wish in wishes}
        fields = {name: one for name, one in fields.items() if name in wanted or not _may_write(context, name[0])}
    for wish in wishes:
        name = (wish.namespace, wish.key)
        kind_of_value, value = type_of(context, wish, owner, kind), wish.value
        assert kind_of_value is not None, "checked by wish_problems"
        assert value is not None, "checked by wish_problems"
        old = fields.get(name)
        if old is None:
            number = context.store.next_id("Metafield")
            fields[name] = Metafield(number, *name, kind_of_value, value, context.now, context.now)
        else:
            fields[name] = replace(old, type=kind_of_value, value=value)
    return replace(owner, metafields=tuple(fields.values()))


def owner_of(context: Context, text: str) -> tuple[str, Owner | None]:
    """`(GraphQL type, the thing)` for an ownerId; raises for types the sandbox keeps no metafields on."""
    parts = split_gid(text)
    kind = parts[0] if parts else text
    tables: Mapping[str, Mapping[int, Owner]] = {
        "Product": context.store.products,
        "ProductVariant": context.store.variants,
        "Collection": context.store.collections,
    }
    if parts is None or kind not in tables:
        raise unsupported(f"metafields on {kind}")
    return kind, tables[kind].get(int(parts[1]) if parts[1].isdigit() else 0)


def commit_owner(context: Context, operation: str, before: Owner, after: Any) -> None:
    """Make a changed owner the present one."""
    store = context.store
    if isinstance(before, Product):
        context.commit(operation, before, after)
    elif isinstance(before, Variant):
        product = store.products[before.product_id]
        variants = tuple(after if one.id == after.id else one for one in product.variants)
        context.commit(operation, product, replace(product, variants=variants))
    else:
        _commit_collection(context, operation, before, after)


def _commit_collection(context: Context, operation: str, before: Collection, after: Collection) -> None:
    old = {one.id: one for one in before.metafields}
    context.store.collections[after.id] = replace(after, updated_at=context.now)
    for one in after.metafields:
        if old.get(one.id) != one:
            was = old.get(one.id)
            changes = {"value": {"before": was.value if was else None, "after": one.value}}
            where = {"owner": gid("Collection", after.id), "namespace": one.namespace, "key": one.key}
            kind = "update" if was else "create"
            context.record(operation, Effect(gid("Metafield", one.id), kind, changes, where))


def metafields_set(_root: Any, info: Info, metafields: list[Input]) -> dict[str, Any]:
    """`metafieldsSet`: all or nothing; `compareDigest` guards each value."""
    context = of(info)
    if len(metafields) > SET_LIMIT:
        message = f"Exceeded the maximum metafields input limit of {SET_LIMIT}."
        error = user_error(["metafields"], message, "LESS_THAN_OR_EQUAL_TO", elementIndex=None)
        return {"metafields": None, "userErrors": [error]}
    errors: list[Error] = []
    granted: list[tuple[str, Wish]] = []
    for index, entry in enumerate(metafields):
        path = ("metafields", str(index))
        kind, owner = owner_of(context, entry["ownerId"])
        context.require(info, ("write_products",))
        wish = wish_of(context, entry, path, None)
        found = _set_problems(context, entry, wish, owner, kind)
        errors += [error | {"elementIndex": None} for error in found]
        granted.append((entry["ownerId"], wish))
    if errors:
        return {"metafields": [], "userErrors": errors}
    for text in dict.fromkeys(owner_id for owner_id, _ in granted):
        kind, owner = owner_of(context, text)
        assert owner is not None
        wishes = [wish for owner_id, wish in granted if owner_id == text]
        commit_owner(context, "metafieldsSet", owner, with_wishes(context, owner, wishes, kind))
    return {"metafields": [_view(context, *one) for one in granted], "userErrors": []}


def _set_problems(context: Context, entry: Input, wish: Wish, owner: Owner | None, kind: str) -> list[Error]:
    if owner is None:
        return [user_error((*wish.path, "ownerId"), "Owner does not exist.", "INVALID_VALUE")]
    if "compareDigest" in entry:
        stored, digest = find(owner, wish.namespace, wish.key), entry["compareDigest"]
        if digest is not None and not _DIGEST.fullmatch(digest):
            message = "The `compareDigest` value is invalid."
            return [user_error((*wish.path, "compareDigest"), message, "INVALID_COMPARE_DIGEST")]
        if digest != (digest_of(stored) if stored else None):
            message = (
                "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
            )
            return [user_error(wish.path, message, "STALE_OBJECT")]
    return wish_problems(context, wish, owner, kind)


def _view(context: Context, owner_id: str, wish: Wish) -> MetafieldView:
    _, owner = owner_of(context, owner_id)
    assert owner is not None
    stored = find(owner, wish.namespace, wish.key)
    assert stored is not None, "just set"
    return MetafieldView(stored, owner)


def metafields_delete(_root: Any, info: Info, metafields: list[Input]) -> dict[str, Any]:
    """`metafieldsDelete`: what is not there is answered as null."""
    context = of(info)
    context.require(info, ("write_products",))
    deleted: list[dict[str, str] | None] = []
    for entry in metafields:
        _, owner = owner_of(context, entry["ownerId"])
        namespace = context.namespace(entry["namespace"])
        stored = find(owner, namespace, entry["key"]) if owner else None
        if owner is None or stored is None or not _may_write(context, namespace):
            deleted.append(None)
            continue
        rest = tuple(one for one in owner.metafields if one.id != stored.id)
        commit_owner(context, "metafieldsDelete", owner, replace(owner, metafields=rest))
        deleted.append({"ownerId": entry["ownerId"], "namespace": namespace, "key": entry["key"]})
    return {"deletedMetafields": deleted, "userErrors": []}


_OWNER_TYPES: Final = frozenset({"PRODUCT", "PRODUCTVARIANT", "COLLECTION"})


def definition_create(_root: Any, info: Info, definition: Input) -> dict[str, Any]:
    """`metafieldDefinitionCreate` for products, variants and collections."""
    context = of(info)
    context.require(info, ("write_products",))
    if definition["ownerType"] not in _OWNER_TYPES:
        raise unsupported(f"metafield definitions of owner type {definition['ownerType']}")
    wish = Wish(context.namespace(definition.get("namespace")), definition["key"], definition["type"], "x", ())
    errors = [error | {"field": ["definition", *error["field"]]} for error in _name_problems(wish)]
    unique = bool(((definition.get("capabilities") or {}).get("uniqueValues") or {}).get("enabled"))
    if not type_exists(definition["type"]):
        message = f"Type name {definition['type']} is not a valid type."
        errors.append(user_error(["definition", "type"], message, "INCLUSION"))
    elif unique and definition["type"] not in UNIQUE_TYPES:
        message = "The capability unique_values is not valid for this definition."
        errors.append(user_error(["definition", "capabilities"], message, "INVALID_CAPABILITY"))
    if context.store.definition(definition["ownerType"], wish.namespace, wish.key):
        message = (
            f"Key is in use for {definition['ownerType'].capitalize()} metafields on the '{wish.namespace}' namespace."
        )
        errors.append(user_error(["definition", "key"], message, "TAKEN"))
    if errors:
        return {"createdDefinition": None, "userErrors": errors}
    made = Definition(
        id=context.store.next_id("MetafieldDefinition"),
        namespace=wish.namespace,
        key=wish.key,
        owner_type=definition["ownerType"],
        name=definition["name"],
        type=definition["type"],
        description=definition.get("description"),
        unique=unique or definition["type"] == "id",
    )
    context.store.definitions[made.id] = made
    where = {"namespace": made.namespace, "key": made.key, "ownerType": made.owner_type}
    changes = {"type": {"before": None, "after": made.type}}
    context.record("metafieldDefinitionCreate", Effect(gid("MetafieldDefinition", made.id), "create", changes, where))
    return {"createdDefinition": made, "userErrors": []}


__all__ = [
    "Wish",
    "commit_owner",
    "definition_create",
    "find",
    "metafields_delete",
    "metafields_set",
    "owner_kind",
    "wish_of",
    "wish_problems",
    "with_wishes",
]
