"""What Google's answers and failed exchanges mean."""

from __future__ import annotations

import contextlib
import http.client
import inspect
import json
import ssl

import msgspec
import pytest
import requests
import requests.exceptions
import urllib3.exceptions
from google.auth import exceptions as auth

from sheets_catalog import errors as tree
from sheets_catalog.google import errors
from sheets_catalog.google.errors import error_from_answer, error_from_exception, read_error, retry_after


def drive(code: int, reason: str, message: str = "said so") -> bytes:
    entry = {"domain": "global", "reason": reason, "message": message}
    return json.dumps({"error": {"code": code, "message": message, "errors": [entry]}}).encode()


def sheets(code: int, status: str, message: str = "said so", reason: str = "") -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}]
    if reason:
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}, *details]
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": details}}).encode()


ROBOTS = b"<html><head><title>Sorry...</title></head><body>... may be sending automated queries.</body></html>"

TABLE = [
    # rate limits: 403 and 429
    (403, drive(403, "userRateLimitExceeded"), tree.Throttled),
    (403, drive(403, "rateLimitExceeded"), tree.Throttled),
    (403, drive(403, "sharingRateLimitExceeded"), tree.Throttled),
    (429, drive(429, "rateLimitExceeded"), tree.Throttled),
    (429, sheets(429, "RESOURCE_EXHAUSTED", reason="RATE_LIMIT_EXCEEDED"), tree.Throttled),
    (403, sheets(403, "RESOURCE_EXHAUSTED"), tree.Throttled),
    (429, ROBOTS, tree.Throttled),
    (403, ROBOTS, tree.Throttled),
    (503, ROBOTS, tree.Throttled),
    (429, b"", tree.Throttled),
    (409, sheets(409, "ABORTED"), tree.Throttled),
    # theirs
    (500, drive(500, "internalError"), tree.Unavailable),
    (502, b"<title>Error 502 (Server Error)!!1</title>", tree.Unavailable),
    (503, drive(503, "backendError"), tree.Unavailable),
    (503, sheets(503, "UNAVAILABLE"), tree.Unavailable),
    (504, sheets(504, "DEADLINE_EXCEEDED"), tree.Unavailable),
    (408, b"", tree.Unavailable),
    (403, drive(403, "backendError"), tree.Unavailable),
    (400, drive(400, "internalError"), tree.Unavailable),
    (302, b"", tree.Unavailable),
    # quotas that no short wait mends, and limits of structure
    *((403, drive(403, reason), tree.Refused) for reason in errors.REFUSAL_ADVICE),
    # a person has to act
    *((403, drive(403, reason), tree.PermissionMissing) for reason in errors.PERMISSION_ADVICE),
    (403, sheets(403, "PERMISSION_DENIED"), tree.PermissionMissing),
    (403, sheets(403, "PERMISSION_DENIED", reason="SERVICE_DISABLED"), tree.PermissionMissing),
    (403, drive(403, "aReasonOfTomorrow"), tree.PermissionMissing),
    (403, b"", tree.PermissionMissing),
    (401, drive(401, "authError"), tree.CredentialsError),
    (401, b'{"error": "invalid_token"}', tree.CredentialsError),
    # the request
    (404, drive(404, "notFound"), tree.NotFound),
    (404, b"<title>Error 404 (Not Found)!!1</title>", tree.NotFound),
    (410, drive(410, "deleted"), tree.NotFound),
    (409, drive(409, "duplicate"), tree.Refused),
    (412, drive(412, "conditionNotMet"), tree.PreconditionFailed),
    (400, sheets(400, "INVALID_ARGUMENT", "Unable to parse range: X!A1"), tree.Refused),
    (400, sheets(400, "FAILED_PRECONDITION"), tree.Refused),
    (413, b"", tree.Refused),
    (501, drive(501, "notImplemented"), tree.Refused),
]


@pytest.mark.parametrize(("status", "body", "kind"), TABLE)
def test_each_answer_becomes_the_error_that_says_what_to_do(status, body, kind) -> None:
    error = error_from_answer(status, {}, body, operation="drive.files.copy")
    assert type(error) is kind
    assert "drive.files.copy" in error.message
    assert str(status) in error.message
    if isinstance(error, tree.UpstreamError):
        assert (error.service, error.operation, error.status) == ("google", "drive.files.copy", status)
    if isinstance(error, tree.Unavailable):
        assert error.applied is None


@pytest.mark.parametrize("reason", ["duplicate", "fileIdInUse", "alreadyExists"])
def test_every_word_for_an_id_that_is_taken_is_duplicate(reason) -> None:
    assert error_from_answer(409, {}, drive(409, reason)).reason == "duplicate"
    assert error_from_answer(409, {}, b"").reason == "duplicate"
    assert error_from_answer(409, {}, sheets(409, "ALREADY_EXISTS")).reason == "duplicate"


def test_another_conflict_keeps_its_own_reason() -> None:
    assert error_from_answer(409, {}, drive(409, "cyclicMemberships")).reason == "cyclicMemberships"


def test_a_token_in_the_vendors_words_does_not() -> None:
    token = "ya29." + "a0AfH6SMBx" * 4
    error = error_from_answer(400, {}, drive(400, "badRequest", f"Bad value {token}"), operation="drive.files.get")
    assert token not in error.message
    assert "Bad value" in error.message


def test_the_vendors_words_reach_the_user() -> None:
    error = error_from_answer(404, {}, drive(404, "notFound", "File not found: 1abc."), operation="drive.files.get")
    assert error.message == "Google answered drive.files.get with 404 notFound: File not found: 1abc."
    assert "picker" in error.advice


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "invalid_token"}',
        b'{"error": {"message": "no code here"}}',
        b'{"error": {"code": 400, "errors": "oops", "details": {"reason": 1}}}',
        b'{"error": {"errors": [{"reason": 5}], "details": [7, {"reason": ["x"]}]}}',
        b'[{"error": {"code": 400, "message": "in a list"}}]',
        b"[]",
        b"null",
        b"17",
        b'"text"',
        b"",
        b"\xff\xfe\x00not text",
        b"<html>no end",
        b'{"error": null}',
        b'{"error": [1]}',
    ],
)
def test_no_error_body_is_too_odd(body) -> None:
    assert isinstance(read_error(body), errors.Said)
    assert isinstance(error_from_answer(400, {}, body), tree.Refused)


def test_a_page_is_told_by_its_title_and_kept_short() -> None:
    said = read_error(b"<html><head><title>\n Error 502 </title></head>" + b"x" * 100_000)
    assert said.message == "Error 502"
    assert len(read_error(b"word " * 10_000).message) == 500


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:59:29 GMT"}, 30.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Sat, 01 Jan 2000 00:00:10 GMT"}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "soon", "Date": "Sat, 01 Jan 2000 00:00:10 GMT"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds) -> None:
    assert retry_after(headers) == seconds
    error = error_from_answer(429, headers, b"")
    assert isinstance(error, tree.Throttled)
    assert error.retry_after == seconds


def test_a_job_stops_only_for_reasons_that_are_refusals() -> None:
    assert set(errors.REFUSAL_ADVICE) >= errors.JOB_WIDE


# --- exceptions ---


def classes_of(module, *roots) -> list[type[BaseException]]:
    found = [each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, roots)]
    return [each for each in found if not issubclass(each, Warning)]


ESCAPING = [
    *classes_of(requests.exceptions, requests.RequestException),
    *classes_of(urllib3.exceptions, urllib3.exceptions.HTTPError, urllib3.exceptions.ProxySchemeUnsupported),
    *classes_of(auth, auth.GoogleAuthError),
    *classes_of(http.client, http.client.HTTPException),
    ConnectionResetError,
    BrokenPipeError,
    TimeoutError,
    ssl.SSLError,
    ssl.SSLCertVerificationError,
]


class Half:
    """As much of a response as urllib3's errors look at."""

    _fp_bytes_read, length_remaining = 3, 5

    def tell(self) -> int:
        return 3


def instance_of(kind: type[BaseException]) -> BaseException:
    """One of its kind, whatever its constructor asks for."""
    pool = urllib3.connectionpool.HTTPConnectionPool("127.0.0.1", 1)
    shapes = [
        ("it broke",),
        (pool, "it broke"),
        (pool, "/", "it broke"),
        (3, 5),
        (Half(), b"x"),
        ("host", pool, OSError()),
        ("m", "{", 0),
    ]
    for shape in shapes:
        with contextlib.suppress(TypeError, AttributeError):
            made = kind(*shape)
            str(made)
            return made
    raise AssertionError(f"no way to make a {kind}")


@pytest.mark.parametrize("kind", ESCAPING, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_the_libraries_is_known(kind) -> None:
    assert issubclass(kind, errors.FAILURES)
    error = error_from_exception(instance_of(kind), operation="drive.files.get")
    assert isinstance(error, tree.Unavailable | tree.CredentialsError | tree.SettingsError)
    assert "drive.files.get" in error.message


def test_the_list_of_escaping_exceptions_is_not_empty_handed() -> None:
    assert len(ESCAPING) > 80


def wrapped(cause: Exception) -> Exception:
    """As requests hands on what urllib3 gave up with."""
    gave_up = urllib3.exceptions.MaxRetryError(None, "/", cause)  # type: ignore[arg-type]
    return requests.exceptions.ConnectionError(gave_up)


def test_only_what_surely_never_left_is_not_applied() -> None:
    pool = urllib3.connectionpool.HTTPConnectionPool("127.0.0.1", 1)
    never = [
        wrapped(urllib3.exceptions.NewConnectionError(pool, "refused")),  # type: ignore[arg-type]
        wrapped(urllib3.exceptions.NameResolutionError("nowhere.example", pool, OSError("no such name"))),  # type: ignore[arg-type]
        requests.exceptions.ConnectTimeout("slow"),
        requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("expired"))),
        auth.TransportError("the token endpoint did not answer"),
    ]
    maybe = [
        requests.exceptions.ReadTimeout("slow"),
        requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("reset", ConnectionResetError())),
        requests.exceptions.ChunkedEncodingError("half"),
        requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLEOFError("eof"))),
        urllib3.exceptions.ProtocolError("half", http.client.IncompleteRead(b"x", 5)),
        ConnectionResetError("reset"),
    ]
    assert [error_from_exception(each).applied for each in never] == [False] * len(never)  # type: ignore[attr-defined]
    assert [error_from_exception(each).applied for each in maybe] == [None] * len(maybe)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (auth.RefreshError("invalid_grant: gone", {"error": "invalid_grant"}), tree.CredentialsError),
        (auth.RefreshError("deleted_client: x", {"error": "deleted_client"}), tree.CredentialsError),
        (auth.RefreshError("no refresh token"), tree.CredentialsError),
        (auth.RefreshError("busy", {"error": "internal_failure"}, retryable=True), tree.Unavailable),
        (auth.RefreshError("odd", {"hello": 1}), tree.Unavailable),
        (auth.TransportError("no route"), tree.Unavailable),
        (auth.MalformedError("key"), tree.CredentialsError),
    ],
)
def test_a_token_that_cannot_be_had_is_told_from_one_that_cannot_be_had_now(error, kind) -> None:
    assert type(error_from_exception(error)) is kind


def test_our_own_errors_pass_through() -> None:
    ours = tree.BusyError("held")
    assert error_from_exception(ours) is ours


def test_an_endless_chain_of_causes_ends() -> None:
    first, second = ValueError("a"), requests.exceptions.ConnectionError("b")
    first.__cause__, second.__cause__ = second, first
    assert not errors.never_sent(second)


def test_bodies_of_any_size_are_read_with_care() -> None:
    deep = b'{"error":' * 2000 + b"1" + b"}" * 2000
    assert isinstance(read_error(deep), errors.Said)
    assert msgspec.json.encode(read_error(b"\xf0\x9f").message)
