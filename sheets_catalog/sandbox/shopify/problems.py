"""Top-level errors in Shopify's words: every one has `extensions.code`.

Shapes: shopify.dev "Status and error codes" of the Admin GraphQL API, and recorded answers of development stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS_PAGE: Final = "https://shopify.dev/api/usage/rate-limits"
ACCESS_PAGE: Final = "https://shopify.dev/api/usage/access-scopes"


def problem(
    code: str,
    message: str,
    *,
    path: Sequence[str | int] | None = None,
    nodes: Sequence[Node] | None = None,
    **extensions: Any,
) -> GraphQLError:
    """An error with a code; raised from a resolver it nulls the field and names the path."""
    return GraphQLError(message, path=path, nodes=nodes, extensions={"code": code, **extensions})


def bad_request(message: str) -> GraphQLError:
    """`BAD_REQUEST`."""
    return problem("BAD_REQUEST", message)


def unsupported(what: str) -> GraphQLError:
    """Shopify can do this, the sandbox cannot: refused by name, never answered wrongly."""
    return problem("BAD_REQUEST", f"The sandbox does not support {what}.")


def invalid_id(text: str) -> GraphQLError:
    """A malformed id, or an id of another type. (An unknown id of the right type is `null`, not an error.)."""
    return problem("RESOURCE_NOT_FOUND", f"Invalid id: {text}")


def too_many(path: Sequence[str], size: int, limit: int) -> GraphQLError:
    """An input array above its limit."""
    message = f"The input array size of {size} is greater than the maximum allowed of {limit}."
    return problem("MAX_INPUT_SIZE_EXCEEDED", message, path=path)


def access_denied(field: str, access: str) -> GraphQLError:
    """The token lacks a scope."""
    message = f"Access denied for {field} field. Required access: {access}"
    return problem("ACCESS_DENIED", message, documentation=ACCESS_PAGE, requiredAccess=access)


def internal_error(request_id: str) -> dict[str, Any]:
    """Shopify answers HTTP 200 for most of its own failures."""
    message = (
        "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests)."
    )
    return {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id}}


def throttled() -> dict[str, Any]:
    """The bucket is too empty for this request."""
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE}}


def too_expensive(cost: float, limit: float) -> dict[str, Any]:
    """One request may not ask for more than the limit, however full the bucket is."""
    message = (
        f"Query cost is {cost:g}, which exceeds the single query max cost limit ({limit:g}).\n\n"
        f"See {LIMITS_PAGE} for more information on how the cost of a query is calculated."
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": limit, "documentation": LIMITS_PAGE}
    return {"message": message, "extensions": extensions}
