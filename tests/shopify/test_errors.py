"""Every answer of Shopify that is no success, and what it is taken for."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests
import urllib3.exceptions

from sheets_catalog.errors import (
    CredentialsError,
    NotFound,
    PermissionMissing,
    Refused,
    SheetsCatalogError,
    Throttled,
    Unavailable,
)
from sheets_catalog.shopify import errors

NOTHING: dict[str, str] = {}
COST = {
    "requestedQueryCost": 752,
    "actualQueryCost": None,
    "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 252, "restoreRate": 100},
}


def status(code, payload=None, headers=NOTHING):
    error = errors.classify_status(code, headers, payload, "shopify.products")
    assert isinstance(error, SheetsCatalogError)
    return error


def graphql(payload):
    return errors.classify_errors(payload, {"X-Request-Id": "req-1"}, "shopify.products")


@pytest.mark.parametrize(
    ("code", "payload", "kind"),
    [
        (400, {"errors": {"query": "Required parameter missing or invalid"}}, Refused),
        (
            401,
            {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
            CredentialsError,
        ),
        (402, {"errors": "Unavailable Shop"}, PermissionMissing),
        (403, {"errors": "User does not have access"}, PermissionMissing),
        (404, {"errors": "Not Found"}, NotFound),
        (408, None, Unavailable),
        (413, None, Refused),
        (423, {"errors": "This shop is unavailable"}, Refused),
        (429, {"errors": "Exceeded 2 calls per second"}, Throttled),
        (430, None, Refused),
        (500, {"errors": "An unexpected error occurred"}, Unavailable),
        (502, None, Unavailable),
        (503, None, Unavailable),
        (504, None, Unavailable),
        (530, None, Unavailable),
        (540, None, Unavailable),
        (783, None, Unavailable),
    ],
)
def test_http_status(code, payload, kind):
    error = status(code, payload)
    assert type(error) is kind
    if payload and isinstance(payload["errors"], str):
        assert payload["errors"] in error.message


def test_success_is_no_error():
    assert errors.classify_status(200, NOTHING, {"data": {}}, "x") is None


@pytest.mark.parametrize(("code", "applied"), [(500, None), (502, None), (504, None), (530, False), (540, False)])
def test_only_failures_at_the_edge_are_known_to_have_done_nothing(code, applied):
    assert status(code).applied is applied


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2.0"}, 2.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert status(429, None, headers).retry_after == seconds


def test_throttled_at_200_tells_how_long_to_wait():
    error = graphql(
        {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": COST}}
    )
    assert isinstance(error, Throttled)
    assert error.retry_after == pytest.approx(5.0)
    assert error.reason == "THROTTLED"


def test_throttled_without_figures_waits_the_recommended_second():
    error = graphql({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})
    assert isinstance(error, Throttled)
    assert error.retry_after == 1.0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("MAX_COST_EXCEEDED", Refused),
        ("INTERNAL_SERVER_ERROR", Unavailable),
        ("TIMEOUT", Unavailable),
        ("ACCESS_DENIED", PermissionMissing),
        ("SHOP_INACTIVE", PermissionMissing),
        ("RESOURCE_NOT_FOUND", NotFound),
        ("MAX_INPUT_SIZE_EXCEEDED", Refused),
        ("INVALID_VARIABLE", Refused),
        ("undefinedField", Refused),
        ("PARSE_ERROR", Refused),
        ("SOMETHING_NEW", Refused),
    ],
)
def test_codes_at_200(code, kind):
    error = graphql({"errors": [{"message": "Words", "extensions": {"code": code}}], "data": None})
    assert type(error) is kind
    assert "Words" in error.message
    assert "req-1" in error.message


@pytest.mark.parametrize(
    "payload",
    [
        {"errors": "Internal error"},
        {"errors": {"base": ["Internal error"]}},
        {"errors": ["Internal error"]},
        {"errors": [{"message": "Internal error"}]},
    ],
)
def test_errors_of_any_shape_are_told(payload):
    error = graphql(payload)
    assert isinstance(error, Refused)
    assert "Internal error" in error.message


def test_an_answer_without_data_is_not_believed():
    for payload in ({}, {"data": None}, {"data": []}, {"extensions": {"cost": COST}}):
        error = graphql(payload)
        assert isinstance(error, Unavailable)
        assert error.applied is None


def test_what_is_partly_there_is_left_to_the_caller():
    payload = {
        "data": {"o0": {"userErrors": []}, "o1": None},
        "errors": [{"message": "Internal error", "path": ["o1"], "extensions": {"code": "INTERNAL_SERVER_ERROR"}}],
    }
    assert graphql(payload) is None
    assert errors.graph_errors(payload) == (errors.GraphError("Internal error", "INTERNAL_SERVER_ERROR", "o1"),)


def refused(alias, code="ACCESS_DENIED"):
    return {"message": "No", "path": [alias], "extensions": {"code": code}}


def test_the_same_error_for_all_fields_is_an_error_of_the_whole():
    payload = {"data": {"o0": None, "o1": None}, "errors": [refused("o0"), refused("o1")]}
    assert isinstance(graphql(payload), PermissionMissing)


@pytest.mark.parametrize(
    "found",
    [[refused("o0")], [refused("o0"), refused("o1", "INTERNAL_SERVER_ERROR")]],
    ids=["one has none", "two kinds"],
)
def test_errors_that_differ_are_left_to_the_caller(found):
    assert graphql({"data": {"o0": None, "o1": None}, "errors": found}) is None


def test_nothing_but_empty_fields_and_an_error_without_a_place_is_an_error_of_the_whole():
    payload = {
        "data": {"o0": None},
        "errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}],
    }
    assert isinstance(graphql(payload), Unavailable)


def test_a_search_that_is_not_understood_is_refused():
    payload = {
        "data": {"products": {"nodes": []}},
        "extensions": {
            "search": [
                {
                    "path": ["products"],
                    "query": "x:1",
                    "warnings": [
                        {"field": "x", "message": "Invalid search field for this query.", "code": "invalid_field"}
                    ],
                }
            ]
        },
    }
    error = graphql(payload)
    assert isinstance(error, Refused)
    assert error.reason == "search_warning"
    assert "x: Invalid search field" in error.message


def test_a_message_that_repeats_the_input_is_cut():
    error = graphql({"errors": [{"message": "Variable $o0 was provided invalid value " + "secret " * 500}]})
    assert error is not None
    assert len(error.message) < 400


def test_a_message_that_repeats_a_token_does_not_pass_it_on():
    token = "shpat_" + "0123456789abcdef" * 2
    error = graphql({"errors": [{"message": f"Bad header Authorization: Bearer {token}"}]})
    assert error is not None
    assert token not in error.message
    assert "Bad header" in error.message


def chain(*causes):
    """A requests error as the library builds it: the pool's error with the connection's error inside."""
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason=causes[0]))


@pytest.mark.parametrize(
    ("error", "applied", "reason"),
    [
        (chain(urllib3.exceptions.NewConnectionError(None, "refused")), False, "unreachable"),
        (
            chain(urllib3.exceptions.NameResolutionError("host", None, socket.gaierror(-2, "unknown"))),
            False,
            "unreachable",
        ),
        (requests.exceptions.ConnectTimeout(), False, "unreachable"),
        (
            requests.exceptions.SSLError(
                urllib3.exceptions.MaxRetryError(
                    None, "/", urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed"))
                )
            ),
            False,
            "tls",
        ),
        (
            requests.exceptions.SSLError(
                urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.SSLError(ssl.SSLEOFError("EOF")))
            ),
            None,
            "broken",
        ),
        (requests.exceptions.ReadTimeout(), None, "timeout"),
        (
            requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError())),
            None,
            "broken",
        ),
        (requests.exceptions.ChunkedEncodingError(), None, "broken"),
        (ConnectionResetError(), None, "broken"),
    ],
)
def test_transport_failures(error, applied, reason):
    found = errors.classify_exception(error, "shopify.products")
    assert isinstance(found, Unavailable)
    assert (found.applied, found.reason) == (applied, reason)
