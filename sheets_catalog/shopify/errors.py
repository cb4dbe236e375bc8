"""What Shopify's answers mean: HTTP status, top-level `errors`, search warnings and transport failures.

Shopify answers in three layers (https://shopify.dev/docs/api/admin-graphql#status-and-error-codes): the HTTP status;
`errors` beside HTTP 200, where also throttling and most internal errors are; and `userErrors` inside each mutation's
payload, which are values and read in `operations`. This module is the only place that knows the first two.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3.exceptions

from sheets_catalog.errors import (
    AccessError,
    CredentialsError,
    NotFound,
    PermissionMissing,
    Refused,
    SheetsCatalogError,
    Throttled,
    Unavailable,
)
from sheets_catalog.masking import mask_message
from sheets_catalog.shopify.throttle import BACK_OFF, cost_of, throttle_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_TEXT = 300
"""Characters of a vendor's message that are shown. Messages about variables repeat the whole input: keep it out."""


SHAPE_ERRORS = (KeyError, IndexError, TypeError, AttributeError, ValueError, ArithmeticError)
"""What reading an answer raises when it has not the shape that was asked for."""


@dataclass(frozen=True, slots=True)
class GraphError:
    """One entry of top-level `errors`. `alias`: the root field it is about, "" when it is about the whole request."""

    message: str
    code: str = ""
    alias: str = ""

    def as_error(self, operation: str = "") -> SheetsCatalogError:
        """The exception for it, as if it were about the whole request."""
        return _from_code(self, operation, "", {})


def classify_status(
    status: int, headers: Mapping[str, str], payload: object, operation: str
) -> SheetsCatalogError | None:
    """The error behind an HTTP status other than 200; None for 200.

    `payload`: the decoded body, None when it is not JSON. Statuses: https://shopify.dev/docs/api/usage/response-codes.
    """
    if status == 200:
        return None
    told = _message_of(payload) or f"HTTP {status}"
    details: dict[str, Any] = {"service": "shopify", "operation": operation, "status": status}
    request = headers.get("X-Request-Id", "")
    message = f"{_WORDS.get(status, 'Shopify refused the request')}: {_short(told)}{_reference(request)}"
    advice = _ADVICE.get(status, "")
    if status in {401, 402, 403}:
        return (CredentialsError if status == 401 else PermissionMissing)(message, advice=advice)
    if status == 429:
        return Throttled(message, retry_after=retry_after(headers), reason="HTTP_429", **details)
    if status >= 500 or status == 408:
        return Unavailable(message, applied=False if status in _NEVER_RUN else None, **details)
    return (NotFound if status == 404 else Refused)(message, reason=f"HTTP_{status}", advice=advice, **details)


def about_shop(error: SheetsCatalogError, domain: str) -> SheetsCatalogError:
    """The same error; where a person has to do something about a shop, it says which."""
    if isinstance(error, AccessError | NotFound):
        error.message = f"{domain}: {error.message}"
        error.args = (error.message,)
    return error


def classify_errors(
    payload: Mapping[str, Any], headers: Mapping[str, str], operation: str
) -> SheetsCatalogError | None:
    """The error behind an HTTP 200 that did nothing as a whole; None when there is data to look at.

    Searches that Shopify only warns about match everything: they are refused here, so that nobody acts on them.
    """
    errors = graph_errors(payload)
    request = headers.get("X-Request-Id", "")
    if errors and not _has_data(payload):
        return _from_code(errors[0], operation, request, payload)
    warning = _search_warning(payload)
    if warning:
        return Refused(
            f"Shopify did not understand the search and would have matched everything: {_short(warning)}",
            service="shopify",
            operation=operation,
            status=200,
            reason="search_warning",
        )
    if not isinstance(payload.get("data"), dict):
        return unreadable(operation, "there is no data in it", request)
    return None


def graph_errors(payload: Mapping[str, Any]) -> tuple[GraphError, ...]:
    """The top-level `errors`; the vendor sometimes sends a text or an object instead of a list."""
    errors = payload.get("errors")
    if not errors:
        return ()
    if not isinstance(errors, list):
        return (GraphError(_message_of(payload)),)
    return tuple(_graph_error(each) for each in errors)


def classify_exception(error: Exception, operation: str) -> SheetsCatalogError:
    """The error behind a failure to get an answer at all.

    `applied` is False only when no connection came about (name look-up, refusal, connect timeout, certificate):
    everything later may have reached Shopify.
    """
    details: dict[str, Any] = {"service": "shopify", "operation": operation}
    causes = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Unavailable(
            f"No secure connection to Shopify: {_short(str(error))}",
            applied=False,
            reason="tls",
            advice="Check the clock, the certificates and any proxy of this machine.",
            **details,
        )
    if isinstance(error, requests.exceptions.ConnectTimeout) or any(
        isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes
    ):
        return Unavailable("Shopify could not be reached.", applied=False, reason="unreachable", **details)
    if isinstance(error, requests.exceptions.Timeout):
        return Unavailable("Shopify did not answer in time.", applied=None, reason="timeout", **details)
    return Unavailable(
        f"The connection to Shopify broke off ({type(error).__name__}).", applied=None, reason="broken", **details
    )


def unreadable(operation: str, why: str, request: str = "") -> Unavailable:
    """HTTP 200 with a body that cannot be trusted: the outcome is unknown."""
    return Unavailable(
        f"Shopify's answer to {operation} cannot be read: {why}{_reference(request)}.",
        applied=None,
        service="shopify",
        operation=operation,
        status=200,
        reason="unreadable",
    )


@contextmanager
def trusted(operation: str, request: str = "") -> Iterator[None]:
    """Reading in here raises `Unavailable` when the answer has not the shape that was asked for."""
    try:
        yield
    except SHAPE_ERRORS as error:
        raise unreadable(operation, f"{type(error).__name__} {_short(str(error))}", request) from error


def redirected(status: int, operation: str) -> Refused:
    """The shop answers from another address; the token is never sent there."""
    return Refused(
        f"Shopify sent HTTP {status} to another address.",
        service="shopify",
        operation=operation,
        status=status,
        reason="redirect",
        advice="Check the shop's name in the settings: it must be its permanent myshopify.com name.",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds in `Retry-After`: Shopify writes a decimal (``2.0``), proxies a date. None when absent or unreadable."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        return _seconds_until(text, headers.get("Date", ""))


def _seconds_until(moment: str, now: str) -> float | None:
    """Both are HTTP dates of the same server, so that this machine's clock does not matter."""
    try:
        return max(0.0, (parsedate_to_datetime(moment) - parsedate_to_datetime(now)).total_seconds())
    except (TypeError, ValueError):
        return None


def _from_code(error: GraphError, operation: str, request: str, payload: Mapping[str, Any]) -> SheetsCatalogError:
    message = f"Shopify answered: {_short(error.message)}{_reference(request)}"
    details: dict[str, Any] = {"service": "shopify", "operation": operation, "status": 200, "reason": error.code}
    if error.code == "THROTTLED":
        return Throttled(message, retry_after=_wait(payload), **details)
    if error.code == "ACCESS_DENIED":
        return PermissionMissing(message, advice=_ADVICE[403])
    if error.code == "SHOP_INACTIVE":
        return PermissionMissing(message, advice=_ADVICE[402])
    if error.code in {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
        return Unavailable(message, applied=None, **details)
    if error.code == "RESOURCE_NOT_FOUND":
        return NotFound(message, **details)
    return Refused(message, **details)


def _wait(payload: Mapping[str, Any]) -> float:
    """How long until the request fits the bucket, from the answer's own figures."""
    extensions = payload.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    bucket = throttle_of(cost) if isinstance(cost, dict) else None
    return BACK_OFF if bucket is None or cost is None else max(BACK_OFF, bucket.wait_for(cost_of(cost).requested))


def _graph_error(entry: object) -> GraphError:
    if not isinstance(entry, dict):
        return GraphError(str(entry))
    extensions = entry.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    path = entry.get("path")
    # Errors found before running have a path into the document, which starts with the words "query" or "mutation".
    alias = str(path[0]) if isinstance(path, list) and path else ""
    return GraphError(str(entry.get("message") or ""), str(code or ""), alias)


def _has_data(payload: Mapping[str, Any]) -> bool:
    """Whether there is something to look at: a root field with an answer, or fields with errors of different kinds."""
    data = payload.get("data")
    if not isinstance(data, dict) or not data:
        return False
    if any(value is not None for value in data.values()):
        return True
    errors = graph_errors(payload)
    everywhere = {error.alias for error in errors} >= set(data) or any(not error.alias for error in errors)
    return not everywhere or len({error.code for error in errors}) > 1


def _search_warning(payload: Mapping[str, Any]) -> str:
    extensions = payload.get("extensions")
    searches: Sequence[Any] = (extensions.get("search") or ()) if isinstance(extensions, dict) else ()
    warnings = [warning for search in searches for warning in search.get("warnings") or ()]
    return "; ".join(f"{each.get('field')}: {each.get('message')}" for each in warnings)


def _message_of(payload: object) -> str:
    """The text in `errors`, which may be a text, a list or an object of texts or lists."""
    errors = (
        payload.get("errors") or payload.get("error_description") or payload.get("error")
        if isinstance(payload, dict)
        else None
    )
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {_flat(value)}" for name, value in errors.items())
    return _flat(errors)


def _flat(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_flat(each) for each in value)
    if isinstance(value, dict):
        return str(value.get("message") or "")
    return "" if value is None else str(value)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: requests puts urllib3's error into `args`, urllib3 its own cause into `reason`."""
    cause: object = error
    for _ in range(8):
        if not isinstance(cause, BaseException):
            return
        yield cause
        inner = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
        cause = inner if isinstance(inner, BaseException) else cause.__cause__


def _short(text: str) -> str:
    line = mask_message(" ".join(text.split()))
    return line if len(line) <= MOST_TEXT else line[: MOST_TEXT - 1] + "…"


def _reference(request: str) -> str:
    return f" (request {request})" if request else ""


_WORDS = {
    401: "Shopify does not accept the credentials",
    402: "The shop is frozen or its plan does not allow this",
    403: "The access token may not do this",
    404: "There is no such shop or API version",
    423: "The shop is locked",
    429: "Shopify asks to wait",
    430: "Shopify took the request for malicious",
    **dict.fromkeys((408, 500, 502, 503, 504, 530, 540), "Shopify failed"),
}

_ADVICE = {
    401: "Make a new access token for this shop and save it with `sheets-catalog connect shopify`.",
    402: "Open the shop's admin: its bill or its plan has to be settled there.",
    403: "Give the app the missing access scope, then make a new token.",
    404: "Check the shop's name and the API version in the settings.",
    423: "The shop's owner has to ask Shopify's support to unlock it.",
    430: "Ask Shopify's support, naming the request id.",
}

_NEVER_RUN = frozenset({530, 540})
"""DNS failure at Shopify's edge, and "temporarily disabled": the request was not run."""
