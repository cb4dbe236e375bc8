"""Cuts the sandbox's schema out of Shopify's published one.

`python -m sheets_catalog.sandbox.shopify.subset admin_2026-10.json.gz` rewrites `schema.graphql` beside this file.
The source is the introspection result that Shopify publishes in the npm package `@shopify/dev-mcp` (ISC licence):
`dist/data/admin_2026-10.json.gz`. Nothing is added and nothing is changed: types, fields, arguments, input fields,
enum values, nullability, defaults and deprecations are copied; descriptions are left out. A test holds that.

`OBJECTS`, `INPUTS` and `ARGUMENTS_LEFT_OUT` say what the sandbox really does. What is not named here is refused by
validation, with an error that names it: the sandbox never pretends.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any, Final, cast

from graphql import IntrospectionQuery, build_client_schema, print_schema

SCHEMA_FILE: Final = Path(__file__).with_name("schema.graphql")

Type = dict[str, Any]

_CONNECTION: Final = "edges nodes pageInfo"
_EDGE: Final = "cursor node"
_CODED_ERROR: Final = "code field message"

OBJECTS: Final[dict[str, str]] = {
    "QueryRoot": (
        "collection collections currentAppInstallation inventoryItem inventoryItems inventoryLevel location locations "
        "locationsCount metafieldDefinitions node nodes product productByHandle productByIdentifier productOperation "
        "productVariant productVariantByIdentifier productVariants productVariantsCount products productsCount "
        "publicApiVersions shop"
    ),
    "Mutation": (
        "inventoryActivate inventoryAdjustQuantities inventoryItemUpdate inventorySetQuantities "
        "metafieldDefinitionCreate metafieldsDelete metafieldsSet productCreate productDelete productOptionUpdate "
        "productOptionsCreate productSet productUpdate productVariantsBulkCreate productVariantsBulkDelete "
        "productVariantsBulkUpdate tagsAdd tagsRemove"
    ),
    "Shop": (
        "contactEmail createdAt currencyCode email ianaTimezone id myshopifyDomain name plan "
        "resourceLimits taxesIncluded timezoneAbbreviation timezoneOffset timezoneOffsetMinutes updatedAt url "
        "weightUnit unitSystem"
    ),
    "ShopPlan": "partnerDevelopment publicDisplayName shopifyPlus",
    "ShopResourceLimits": "locationLimit maxProductOptions maxProductVariants redirectLimitReached",
    "ApiVersion": "displayName handle supported",
    "AppInstallation": "accessScopes app id",
    "AccessScope": "description handle",
    "App": "apiKey handle id title",
    "Product": (
        "bodyHtml category collections createdAt defaultCursor description descriptionHtml featuredImage "
        "featuredMedia handle hasOnlyDefaultVariant hasOutOfStockVariants id images inCollection isGiftCard "
        "legacyResourceId media mediaCount metafield metafields onlineStoreUrl options priceRange priceRangeV2 "
        "productType publishedAt requiresSellingPlan seo status tags templateSuffix title totalInventory "
        "totalVariants tracksInventory updatedAt variants variantsCount vendor"
    ),
    "ProductVariant": (
        "availableForSale barcode compareAtPrice createdAt defaultCursor displayName id image inventoryItem "
        "inventoryPolicy inventoryQuantity legacyResourceId media metafield metafields position price product "
        "requiresComponents selectedOptions sellableOnlineQuantity showUnitPrice sku taxCode taxable title updatedAt"
    ),
    "SelectedOption": "name optionValue value",
    "ProductOption": "id name optionValues position values",
    "ProductOptionValue": "hasVariants id name",
    "ProductPriceRange": "maxVariantPrice minVariantPrice",
    "ProductPriceRangeV2": "maxVariantPrice minVariantPrice",
    "MoneyV2": "amount currencyCode",
    "SEO": "description title",
    "TaxonomyCategory": "fullName id isArchived isLeaf isRoot level name parentId",
    "Image": "altText height id url width",
    "MediaImage": "alt createdAt fileStatus id image mediaContentType preview status updatedAt",
    "MediaPreviewImage": "image status",
    "Count": "count precision",
    "PageInfo": "endCursor hasNextPage hasPreviousPage startCursor",
    "InventoryItem": (
        "countryCodeOfOrigin createdAt duplicateSkuCount harmonizedSystemCode id inventoryLevel inventoryLevels "
        "legacyResourceId locationsCount measurement provinceCodeOfOrigin requiresShipping sku tracked "
        "trackedEditable unitCost updatedAt variant variants"
    ),
    "EditableProperty": "locked reason",
    "InventoryItemMeasurement": "id weight",
    "Weight": "unit value",
    "InventoryLevel": "canDeactivate createdAt id isActive item location quantities updatedAt",
    "InventoryQuantity": "id name quantity updatedAt",
    "InventoryAdjustmentGroup": "app changes createdAt id reason referenceDocumentUri",
    "InventoryChange": "delta item ledgerDocumentUri location name quantityAfterChange",
    "Location": (
        "address createdAt fulfillsOnlineOrders hasActiveInventory id inventoryLevel inventoryLevels isActive "
        "isFulfillmentService legacyResourceId name shipsInventory updatedAt"
    ),
    "LocationAddress": "address1 address2 city country countryCode formatted phone province provinceCode zip",
    "Metafield": (
        "compareDigest createdAt definition id jsonValue key legacyResourceId namespace owner ownerType sizeInBytes "
        "type updatedAt value"
    ),
    "MetafieldDefinition": (
        "capabilities description id key metafieldsCount name namespace ownerType pinnedPosition type"
    ),
    "MetafieldDefinitionType": "category name",
    "MetafieldCapabilities": "uniqueValues",
    "MetafieldCapabilityUniqueValues": "eligible enabled",
    "MetafieldIdentifier": "key namespace ownerId",
    "Collection": (
        "description descriptionHtml handle hasProduct id legacyResourceId metafield metafields products "
        "productsCount seo sortOrder templateSuffix title updatedAt"
    ),
    "ProductSetOperation": "id product status userErrors",
    "ProductDeleteOperation": "deletedProductId id product status userErrors",
    "ProductCreatePayload": "product shop userErrors",
    "ProductUpdatePayload": "product userErrors",
    "ProductSetPayload": "product productSetOperation userErrors",
    "ProductDeletePayload": "deletedProductId productDeleteOperation shop userErrors",
    "ProductVariantsBulkCreatePayload": "product productVariants userErrors",
    "ProductVariantsBulkUpdatePayload": "product productVariants userErrors",
    "ProductVariantsBulkDeletePayload": "product userErrors",
    "ProductOptionsCreatePayload": "product userErrors",
    "ProductOptionUpdatePayload": "product userErrors",
    "InventorySetQuantitiesPayload": "inventoryAdjustmentGroup userErrors",
    "InventoryAdjustQuantitiesPayload": "inventoryAdjustmentGroup userErrors",
    "InventoryActivatePayload": "inventoryLevel userErrors",
    "InventoryItemUpdatePayload": "inventoryItem userErrors",
    "MetafieldsSetPayload": "metafields userErrors",
    "MetafieldsDeletePayload": "deletedMetafields userErrors",
    "MetafieldDefinitionCreatePayload": "createdDefinition userErrors",
    "TagsAddPayload": "node userErrors",
    "TagsRemovePayload": "node userErrors",
    "UserError": "field message",
    "ProductSetUserError": _CODED_ERROR,
    "ProductVariantsBulkCreateUserError": _CODED_ERROR,
    "ProductVariantsBulkUpdateUserError": _CODED_ERROR,
    "ProductVariantsBulkDeleteUserError": _CODED_ERROR,
    "ProductOptionsCreateUserError": _CODED_ERROR,
    "ProductOptionUpdateUserError": _CODED_ERROR,
    "InventorySetQuantitiesUserError": _CODED_ERROR,
    "InventoryAdjustQuantitiesUserError": _CODED_ERROR,
    "MetafieldsSetUserError": f"{_CODED_ERROR} elementIndex",
    "MetafieldDefinitionCreateUserError": _CODED_ERROR,
    **{
        f"{node}Connection": _CONNECTION
        for node in (
            "Collection",
            "Image",
            "InventoryItem",
            "InventoryLevel",
            "Location",
            "Media",
            "Metafield",
            "MetafieldDefinition",
            "Product",
            "ProductVariant",
        )
    },
    **{
        f"{node}Edge": _EDGE
        for node in (
            "Collection",
            "Image",
            "InventoryItem",
            "InventoryLevel",
            "Location",
            "Media",
            "Metafield",
            "MetafieldDefinition",
            "Product",
            "ProductVariant",
        )
    },
}
"""Output types and the fields of them that have a resolver."""

INTERFACES: Final[dict[str, str]] = {
    "DisplayableError": "field message",
    "HasMetafields": "metafield metafields",
    "LegacyInteroperability": "legacyResourceId",
    "Media": "alt id mediaContentType preview status",
    "Navigable": "defaultCursor",
    "Node": "id",
    "ProductOperation": "product status",
}
"""Interfaces kept; an object keeps only those whose fields it has."""

_PRODUCT_INPUT: Final = (
    "category descriptionHtml handle metafields productType requiresSellingPlan seo status tags templateSuffix title "
    "vendor"
)

INPUTS: Final[dict[str, str]] = {
    "ProductCreateInput": f"{_PRODUCT_INPUT} collectionsToJoin giftCard productOptions",
    "ProductUpdateInput": f"{_PRODUCT_INPUT} collectionsToJoin collectionsToLeave id",
    "ProductUpdateIdentifiers": "customId handle id",
    "ProductSetInput": f"{_PRODUCT_INPUT} collections files giftCard id productOptions variants",
    "ProductSetIdentifiers": "customId handle id",
    "ProductIdentifierInput": "customId handle id",
    "ProductVariantIdentifierInput": "customId id",
    "ProductDeleteInput": "id",
    "ProductVariantSetInput": (
        "barcode compareAtPrice file id inventoryItem inventoryPolicy inventoryQuantities metafields optionValues "
        "position price sku taxCode taxable"
    ),
    "ProductSetInventoryInput": "locationId name quantity",
    "ProductVariantsBulkInput": (
        "barcode compareAtPrice id inventoryItem inventoryPolicy inventoryQuantities mediaId metafields "
        "optionValues price taxCode taxable"
    ),
    "OptionSetInput": "id name position values",
    "OptionValueSetInput": "id name",
    "OptionCreateInput": "name position values",
    "OptionValueCreateInput": "name",
    "OptionUpdateInput": "id name position",
    "OptionValueUpdateInput": "id name",
    "VariantOptionValueInput": "id name optionId optionName",
    "UniqueMetafieldValueInput": "key namespace value",
    "SEOInput": "description title",
    "FileSetInput": "alt contentType id originalSource",
    "CreateMediaInput": "alt mediaContentType originalSource",
    "InventoryLevelInput": "availableQuantity locationId",
    "InventoryItemInput": (
        "cost countryCodeOfOrigin harmonizedSystemCode measurement provinceCodeOfOrigin requiresShipping sku tracked"
    ),
    "InventoryItemMeasurementInput": "weight",
    "WeightInput": "unit value",
    "InventorySetQuantitiesInput": "name quantities reason referenceDocumentUri",
    "InventoryQuantityInput": "changeFromQuantity inventoryItemId locationId quantity",
    "InventoryAdjustQuantitiesInput": "changes name reason referenceDocumentUri",
    "InventoryChangeInput": "changeFromQuantity delta inventoryItemId ledgerDocumentUri locationId",
    "MetafieldInput": "id key namespace type value",
    "MetafieldsSetInput": "compareDigest key namespace ownerId type value",
    "MetafieldIdentifierInput": "key namespace ownerId",
    "MetafieldDefinitionInput": "capabilities description key name namespace ownerType type",
    "MetafieldCapabilityCreateInput": "uniqueValues",
    "MetafieldCapabilityUniqueValuesInput": "enabled",
}
"""Input types and the fields of them that have an effect."""

ARGUMENTS_LEFT_OUT: Final = frozenset(
    {
        ("Image", "url", "transform"),
        ("Location", "inventoryLevels", "query"),
        ("MetafieldDefinition", "metafieldsCount", "validationStatus"),
        ("Mutation", "inventoryActivate", "stockAtLegacyLocation"),
        ("Mutation", "productCreate", "input"),
        ("Mutation", "productUpdate", "input"),
        ("Mutation", "productVariantsBulkCreate", "media"),
        ("Mutation", "productVariantsBulkUpdate", "media"),
        ("Product", "images", "crop"),
        ("Product", "images", "maxHeight"),
        ("Product", "images", "maxWidth"),
        ("Product", "images", "scale"),
        ("Product", "media", "query"),
        ("ProductVariant", "image", "crop"),
        ("ProductVariant", "image", "maxHeight"),
        ("ProductVariant", "image", "maxWidth"),
        ("ProductVariant", "image", "scale"),
        ("QueryRoot", "collections", "savedSearchId"),
        ("QueryRoot", "metafieldDefinitions", "constraintStatus"),
        ("QueryRoot", "metafieldDefinitions", "constraintSubtype"),
        ("QueryRoot", "metafieldDefinitions", "pinnedStatus"),
        ("QueryRoot", "metafieldDefinitions", "query"),
        ("QueryRoot", "productVariants", "savedSearchId"),
        ("QueryRoot", "products", "savedSearchId"),
        ("QueryRoot", "productsCount", "savedSearchId"),
    }
)
"""(type, field, argument): arguments of kept fields that the sandbox refuses."""

BUILT_IN: Final = frozenset({"Boolean", "Float", "ID", "Int", "String"})


def read_introspection(path: Path) -> Type:
    """The `__schema` value of a (gzipped) introspection result."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return cast("Type", json.load(file)["data"]["__schema"])


def cut(schema: Type) -> Type:
    """The subset, as an introspection value without descriptions."""
    source = {kind["name"]: kind for kind in schema["types"]}
    kept = [_object(source[name], fields.split()) for name, fields in sorted(OBJECTS.items())]
    kept += [_interface(source[name], fields.split()) for name, fields in sorted(INTERFACES.items())]
    kept += [_input(source[name], fields.split()) for name, fields in sorted(INPUTS.items())]
    leaves = {name for kind in kept for name in _named(kind)} - {kind["name"] for kind in kept}
    wrong = sorted(name for name in leaves if source[name]["kind"] not in {"ENUM", "SCALAR"})
    if wrong:
        raise ValueError(f"the subset refers to types it does not contain: {', '.join(wrong)}")
    kept += [_leaf(source[name]) for name in sorted(leaves | BUILT_IN)]
    return {
        "queryType": {"name": "QueryRoot"},
        "mutationType": {"name": "Mutation"},
        "subscriptionType": None,
        "types": kept,
        "directives": [_bare(item) for item in schema["directives"] if item["name"] != "oneOf"],
    }


def sdl(subset: Type) -> str:
    """The subset in schema definition language."""
    built = build_client_schema(cast("IntrospectionQuery", {"__schema": subset}), assume_valid=True)
    header = (
        "# Part of Shopify's Admin GraphQL schema, version 2026-10, as published in @shopify/dev-mcp\n"
        "# (ISC licence, Copyright 2025-present, Shopify Inc.). Generated: do not edit by hand, see subset.py.\n\n"
    )
    return header + print_schema(built) + "\n"


def _object(kind: Type, fields: list[str]) -> Type:
    own = _fields(kind, fields)
    names = {field["name"] for field in own}
    interfaces = [
        item
        for item in kind["interfaces"]
        if item["name"] in INTERFACES and set(INTERFACES[item["name"]].split()) <= names
    ]
    return _bare(kind) | {"fields": own, "interfaces": interfaces}


def _interface(kind: Type, fields: list[str]) -> Type:
    possible = [item for item in kind["possibleTypes"] if _implements(kind["name"], item["name"])]
    return _bare(kind) | {"fields": _fields(kind, fields), "interfaces": [], "possibleTypes": possible}


def _implements(interface: str, name: str) -> bool:
    return name in OBJECTS and set(INTERFACES[interface].split()) <= set(OBJECTS[name].split())


def _input(kind: Type, fields: list[str]) -> Type:
    known = {field["name"]: field for field in kind["inputFields"]}
    _require(kind["name"], fields, known)
    missing = [name for name, field in known.items() if name not in fields and _required(field)]
    if missing:
        raise ValueError(f"{kind['name']}: required input fields are left out: {', '.join(missing)}")
    return _bare(kind) | {"inputFields": [_bare(known[name]) for name in sorted(fields)]}


def _fields(kind: Type, fields: list[str]) -> list[Type]:
    known = {field["name"]: field for field in kind["fields"]}
    _require(kind["name"], fields, known)
    return [
        _bare(known[name])
        | {
            "args": [
                _bare(argument)
                for argument in known[name]["args"]
                if (kind["name"], name, argument["name"]) not in ARGUMENTS_LEFT_OUT
            ]
        }
        for name in sorted(fields)
    ]


def _leaf(kind: Type) -> Type:
    if kind["kind"] == "ENUM":
        return _bare(kind) | {"enumValues": [_bare(value) for value in kind["enumValues"]]}
    return _bare(kind)


_KEPT_KEYS: Final = (
    "kind",
    "name",
    "type",
    "ofType",
    "defaultValue",
    "isDeprecated",
    "deprecationReason",
    "locations",
    "isRepeatable",
    "specifiedByURL",
)


def _bare(item: Type) -> Type:
    """Without descriptions and Shopify's extra keys; nested lists are filled in by the caller."""
    bare: Type = {key: item[key] for key in _KEPT_KEYS if key in item}
    if "args" in item:
        bare["args"] = [_bare(argument) for argument in item["args"]]
    return bare


def _require(owner: str, fields: list[str], known: dict[str, Type]) -> None:
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise ValueError(f"{owner} has no {', '.join(unknown)} in the published schema")


def _required(field: Type) -> bool:
    return field["type"]["kind"] == "NON_NULL" and field["defaultValue"] is None


def _named(kind: Type) -> set[str]:
    """Names of all types that the fields, arguments and input fields of `kind` refer to."""
    names: set[str] = set()
    for field in (kind.get("fields") or []) + (kind.get("inputFields") or []):
        names.add(_base(field["type"]))
        names.update(_base(argument["type"]) for argument in field.get("args") or [])
    return names


def _base(reference: Type) -> str:
    while reference.get("ofType"):
        reference = reference["ofType"]
    return cast("str", reference["name"])


def main(arguments: list[str]) -> int:
    """Write `schema.graphql`; answers the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m sheets_catalog.sandbox.shopify.subset INTROSPECTION.json[.gz]\n")
        return 2
    SCHEMA_FILE.write_text(sdl(cut(read_introspection(Path(arguments[0])))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
