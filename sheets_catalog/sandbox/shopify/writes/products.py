"""productCreate, productUpdate, productDelete, tagsAdd, tagsRemove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.problems import bad_request, problem, unsupported
from sheets_catalog.sandbox.shopify.state import DEFAULT_OPTION, DEFAULT_VALUE, Operation, Product
from sheets_catalog.sandbox.shopify.values import gid, split_gid, tidy_tags
from sheets_catalog.sandbox.shopify.writes.metafields import Wish, wish_of, wish_problems, with_wishes
from sheets_catalog.sandbox.shopify.writes.options import added_options, options_problems
from sheets_catalog.sandbox.shopify.writes.shared import (
    Error,
    Input,
    Path,
    collection_problems,
    handle_taken,
    join_collections,
    leave_collections,
    media_problems,
    new_product,
    option_of,
    product_problems,
    required_number,
    user_error,
    with_fields,
    with_media,
)
from sheets_catalog.sandbox.shopify.writes.variants import new_variant, stocked

if TYPE_CHECKING:
    from collections.abc import Sequence

ASYNCHRONOUS_SECONDS = 2.0
"""Simulated seconds until an asynchronous operation is carried out."""


def product_create(
    _root: Any,
    info: Info,
    product: Input | None = None,
    media: Sequence[Input] | None = None,
) -> dict[str, Any]:
    """`productCreate`: an unpublished product with one variant, the first of its options."""
    context = of(info)
    if product is None:
        raise problem("INVALID_FIELD_ARGUMENTS", "ProductCreate must include the following argument: product.")
    errors = _input_errors(context, product, None) + media_problems(media)
    if product.get("productOptions"):
        found = options_problems(context, None, product["productOptions"], ("productOptions",))
        errors += [user_error(error["field"], error["message"]) for error in found]
    if errors:
        return {"product": None, "shop": context.store.shop, "userErrors": errors}
    made = with_media(context, new_product(context, product), media)
    made = first_variant(context, made, product.get("productOptions") or ())
    made = with_wishes(context, made, _wishes(context, product, None), "Product")
    stored = context.commit("productCreate", None, made)
    join_collections(context, "productCreate", made.id, product.get("collectionsToJoin") or ())
    return {"product": stored, "shop": context.store.shop, "userErrors": []}


def first_variant(context: Context, product: Product, options: Sequence[Input]) -> Product:
    """The product with its options and the one variant it starts with."""
    if options:
        product = added_options(context, product, options)
        selected = tuple(option.values[0].name for option in product.options)
    else:
        default = option_of(context.store, DEFAULT_OPTION, [DEFAULT_VALUE])
        product, selected = replace(product, options=(default,)), (DEFAULT_VALUE,)
    variant = stocked(context, new_variant(context, product, selected, tracked=False))
    return replace(product, variants=(variant,))


def product_update(
    _root: Any,
    info: Info,
    product: Input | None = None,
    identifier: Input | None = None,
    media: Sequence[Input] | None = None,
) -> dict[str, Any]:
    """`productUpdate`: the fields given; metafields are added to, tags are replaced."""
    context = of(info)
    entry: Input = product or {}
    present, errors = _find(context, entry, identifier)
    if present is None:
        return {"product": None, "userErrors": errors}
    errors = _input_errors(context, entry, present) + media_problems(media)
    if errors:
        return {"product": present, "userErrors": errors}
    after = with_media(context, with_fields(context, present, entry), media)
    after = with_wishes(context, after, _wishes(context, entry, present), "Product")
    stored = context.commit("productUpdate", present, after)
    join_collections(context, "productUpdate", present.id, entry.get("collectionsToJoin") or ())
    leave_collections(context, "productUpdate", present.id, entry.get("collectionsToLeave") or ())
    return {"product": stored, "userErrors": []}


def _find(context: Context, entry: Input, identifier: Input | None) -> tuple[Product | None, list[Error]]:
    if identifier is None:
        if not entry.get("id"):
            return None, [user_error(["id"], "Product id is required")]
        found = context.store.products.get(required_number(entry["id"], "Product"))
    else:
        found = find_product(context, identifier)
    return found, [] if found else [user_error(["id"], "Product does not exist")]


def find_product(context: Context, identifier: Input) -> Product | None:
    """The product that an identifier input names; raises BAD_REQUEST unless it names exactly one way."""
    given = {name: value for name, value in identifier.items() if value is not None}
    if len(given) != 1:
        raise bad_request("Exactly one identifier must be provided: id, handle or customId.")
    if "id" in given:
        return context.store.products.get(required_number(given["id"], "Product"))
    if "handle" in given:
        return context.store.products.get(context.store.handles.get(given["handle"], 0))
    custom = given["customId"]
    return context.store.find_by_metafield(context.namespace(custom.get("namespace")), custom["key"], custom["value"])


def _input_errors(context: Context, entry: Input, present: Product | None) -> list[Error]:
    errors = [user_error([field], message) for field, message in product_problems(entry, creating=present is None)]
    taken = handle_taken(context.store, entry, present.id if present else None)
    if taken:
        errors.append(user_error(["input", "handle"], taken))
    errors += [
        user_error([field], message)
        for field, message in collection_problems(context, entry, "collectionsToJoin", "collectionsToLeave")
    ]
    for wish in _wishes(context, entry, present):
        found = wish_problems(context, wish, present, "Product")
        errors += [user_error(error["field"], error["message"]) for error in found]
    return errors


def _wishes(context: Context, entry: Input, present: Product | None) -> list[Wish]:
    return metafield_wishes(context, entry, present, ())


def metafield_wishes(context: Context, entry: Input, owner: Product | None, path: Path) -> list[Wish]:
    """The metafields of a product input."""
    return [
        wish_of(context, one, (*path, "metafields", str(index)), owner)
        for index, one in enumerate(entry.get("metafields") or ())
    ]


def product_delete(
    _root: Any,
    info: Info,
    input: Input,  # noqa: A002 - names of the API
    synchronous: bool = True,
) -> dict[str, Any]:
    """`productDelete`, with everything that belongs to the product."""
    context = of(info)
    present = context.store.products.get(required_number(input["id"], "Product"))
    answer: dict[str, Any] = {"shop": context.store.shop, "deletedProductId": None, "productDeleteOperation": None}
    if present is None:
        return answer | {"userErrors": [user_error(["id"], "Product does not exist")]}
    if not synchronous:
        operation = later(context, "ProductDeleteOperation", {"id": input["id"]}, present.id)
        return answer | {"productDeleteOperation": operation, "userErrors": []}
    context.commit("productDelete", present, None)
    return answer | {"deletedProductId": gid("Product", present.id), "userErrors": []}


def later(context: Context, kind: str, arguments: dict[str, Any], product_id: int | None) -> Operation:
    """Queue an asynchronous operation."""
    operation = Operation(
        id=context.store.next_id(kind),
        kind=kind,
        status="CREATED",
        due=context.world.clock.seconds() + ASYNCHRONOUS_SECONDS,
        app=context.caller.app,
        product_id=product_id,
        arguments=arguments,
    )
    context.store.operations[operation.id] = operation
    return operation


def tags_add(_root: Any, info: Info, id: str, tags: list[str]) -> dict[str, Any]:  # noqa: A002
    """`tagsAdd` on products."""
    return _retag(of(info), "tagsAdd", id, lambda present: tidy_tags([*present, *tags]))


def tags_remove(_root: Any, info: Info, id: str, tags: list[str]) -> dict[str, Any]:  # noqa: A002
    """`tagsRemove` on products."""
    gone = {tag.casefold() for tag in tidy_tags(tags)}
    return _retag(of(info), "tagsRemove", id, lambda present: tuple(t for t in present if t.casefold() not in gone))


def _retag(context: Context, operation: str, text: str, change: Any) -> dict[str, Any]:
    parts = split_gid(text)
    if parts and parts[0] in {"Customer", "Order", "DraftOrder", "Article"}:
        raise unsupported(f"tags on {parts[0]}")
    present = context.store.products.get(required_number(text, "Product"))
    if present is None:
        return {"node": None, "userErrors": [user_error(["id"], "Product does not exist")]}
    stored = context.commit(operation, present, replace(present, tags=change(present.tags)))
    return {"node": stored, "userErrors": []}
