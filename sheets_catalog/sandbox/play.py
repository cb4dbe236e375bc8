"""How each fault looks on the wire: vendor-shaped error answers, damaged bodies, dropped connections, waits."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from werkzeug.test import EnvironBuilder

from sheets_catalog.sandbox.quota import Limits, drive_over_quota, sheets_over_quota
from sheets_catalog.sandbox.wire import (
    JSON,
    GoogleError,
    Request,
    Response,
    SandboxClock,
    ShopifyHttpError,
    json_response,
    unauthenticated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sheets_catalog.sandbox.faults import Fault

STEP: Final = 0.02
"""Real seconds between two looks at whether a waiting client has hung up."""

PATIENCE: Final = 30.0
"""Real seconds that `applied-late` waits for the client to hang up, unless `options.patience` says otherwise."""

HTML_429: Final = (
    '<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"/><title>Sorry...</title></head>'
    "<body><div><b>Google</b></div><h1>We're sorry...</h1><p>... but your computer or network may be sending "
    "automated queries. To protect our users, we can't process your request right now.</p></body></html>"
)
HTML_5XX: Final = (
    "<!DOCTYPE html><html lang=en><title>Error {code} (Server Error)!!1</title><p><b>{code}.</b> <ins>That’s an "
    "error.</ins><p>The server encountered a temporary error and could not complete your request."
)
GARBLED: Final = b'{"kind": "drive#file", "id": "1\x00\xff\xfe<!-- upstream connect error -->'

DRIVE_REASONS: Final = {
    400: ("badRequest", "Bad Request"),
    403: ("insufficientFilePermissions", "The user does not have sufficient permissions for this file."),
    404: ("notFound", "File not found: ."),
    408: ("backendError", "Request Timeout"),
    409: ("duplicate", "A file already exists with the provided ID."),
    410: ("deleted", "Gone"),
    412: ("conditionNotMet", "Precondition Failed"),
    429: ("rateLimitExceeded", "Rate limit exceeded."),
    500: ("internalError", "Internal Error"),
    502: ("backendError", "Bad Gateway"),
    503: ("backendError", "Transient failure"),
    504: ("backendError", "Gateway Timeout"),
}
RPC_STATUSES: Final = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    409: ("ABORTED", "The operation was aborted."),
    412: ("FAILED_PRECONDITION", "Precondition check failed."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
SHOPIFY_ERRORS: Final = {
    401: "[API] Invalid API key or access token (unrecognized login or wrong password)",
    402: "Unavailable Shop",
    403: "[API] This action requires merchant approval for the necessary scope.",
    404: "Not Found",
    423: "Locked",
    429: "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
    430: "Shopify Security Rejection",
    500: "Internal Server Error",
}


class Cut(Exception):  # noqa: N818 - not an error of the sandbox: it is what the client is to see
    """The client gets no proper answer: `raw` bytes, or a `portion` of a response, and then the connection ends."""

    def __init__(self, how: str, *, raw: bytes = b"", response: Response | None = None, portion: float = 0.5) -> None:
        super().__init__(how)
        self.reset = how == "reset"
        self.raw = raw
        self.response = response
        self.portion = portion


def fault_answer(fault: Fault, service: str, *, read: bool) -> Response | None:
    """Make the error answer of an answer-kind fault; None for the other kinds."""
    response = _answer(fault, service, read=read)
    if response is not None and fault.retry_after:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _answer(fault: Fault, service: str, *, read: bool) -> Response | None:
    if fault.kind == "html-429":
        return Response(HTML_429, status=429, content_type="text/html; charset=utf-8")
    if fault.kind == "garbled-body":
        return Response(GARBLED, status=200, content_type="application/json; charset=UTF-8")
    if fault.kind == "empty-body":
        return Response(b"", status=200, content_type="application/json; charset=UTF-8")
    if fault.kind == "status":
        return vendor_error(service, fault.status, fault.reason, fault.message)
    if fault.kind == "unauthorized":
        return vendor_error(service, 401, "", fault.message)
    if fault.kind == "rate-limit":
        return _rate_limit(fault, service, read=read)
    return None


def vendor_error(service: str, status: int, reason: str = "", message: str = "") -> Response:
    """An error of this status as the vendor behind `service` words it."""
    if service == "shopify":
        return _shopify_error(status, message)
    if service == "identity":
        code = {401: "invalid_client", 400: "invalid_grant"}.get(status, "internal_failure")
        return json_response({"error": reason or code, "error_description": message or "Bad Request"}, status)
    if status == 401:
        return unauthenticated(message).response()
    if status == 502:
        return Response(HTML_5XX.format(code=502), status=502, content_type="text/html; charset=UTF-8")
    if service == "drive":
        default_reason, text = DRIVE_REASONS.get(status, ("backendError", "Error"))
        domain = "usageLimits" if "RateLimit" in (reason or default_reason) else "global"
        return GoogleError(status, message or text, reason=reason or default_reason, domain=domain).response()
    name, text = RPC_STATUSES.get(status, ("UNKNOWN", "Unknown Error."))
    return GoogleError(status, message or text, status=reason or name).response()


def _shopify_error(status: int, message: str) -> Response:
    if status in {502, 503, 504}:
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        return Response(page, status=status, content_type="text/html")
    return ShopifyHttpError(status, message or SHOPIFY_ERRORS.get(status, "Error")).response()


def _rate_limit(fault: Fault, service: str, *, read: bool) -> Response:
    if service == "drive":
        return drive_over_quota(per_user=True, code=fault.status or 403).response()
    if service == "sheets":
        return sheets_over_quota("Read" if read else "Write", per_user=True, limits=Limits()).response()
    return vendor_error(service, fault.status or 429, fault.reason, fault.message)


def cut_for(fault: Fault, response: Response | None) -> Cut | None:
    """The dropped connection of a connection-kind fault; None for the other kinds.

    response: the answer that would have gone out; None when nothing was applied.
    """
    if fault.kind in {"reset", "fin"}:
        return Cut(fault.kind)
    if fault.kind == "blank-status-line":
        return Cut("fin", raw=b"\r\n")
    if fault.kind == "half-body":
        whole = response or json_response({"kind": "drive#file", "id": "", "name": "", "mimeType": ""})
        return Cut("fin", response=whole)
    return None


def kill_client(fault: Fault, request: Request) -> Cut:
    """SIGKILL the client's process (loopback clients only); the caller raises the answer."""
    if request.remote_addr in {"127.0.0.1", "::1"}:
        pid = fault.pid or peer_process(request)
        if pid == os.getpid():
            raise RuntimeError("kill-client: the client is this very process; run it as one of its own")
        with contextlib.suppress(ProcessLookupError):  # dead already, which is what was asked for
            os.kill(pid, signal.SIGKILL)
    return Cut("fin")


def peer_process(request: Request) -> int:
    """The process at the other end of a loopback connection, found in Linux's /proc; RuntimeError without one."""
    port = int(request.environ["REMOTE_PORT"])
    inode = _inode_of(port, int(request.environ["SERVER_PORT"]))
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if path.readlink().name == f"socket:[{inode}]":
                return int(path.parts[2])
    raise RuntimeError(f"kill-client: no process holds the client's port {port}; give `pid`")


def _inode_of(port: int, server: int) -> str:
    """The socket that connects a loopback port to the server's: see columns 2, 3 and 10 of /proc/net/tcp.

    A port may have several lines: connections to other servers, and closed ones, which linger without a socket.
    """
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        columns = line.split()
        if columns[1:3] == [f"0100007F:{port:04X}", f"0100007F:{server:04X}"] and columns[9] != "0":
            return columns[9]
    return ""


def hung_up(request: Request) -> bool:
    """Whether the client has closed its side of the connection."""
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is None:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def stall(seconds: float, clock: SandboxClock, request: Request) -> None:
    """Wait for simulated seconds, or until the client hangs up."""
    wait_until_hung_up(request, seconds / clock.speed)


def wait_until_hung_up(request: Request, patience: float) -> None:
    """Wait until the client hangs up, at most `patience` real seconds."""
    end = time.monotonic() + patience
    while (left := end - time.monotonic()) > 0 and not hung_up(request):
        time.sleep(min(STEP, left))


def apply_late(fault: Fault, clock: SandboxClock, request: Request) -> None:
    """Wait until the client has given up and `seconds` more: what comes next is applied behind its back."""
    wait_until_hung_up(request, float(fault.options.get("patience", PATIENCE)))
    clock.sleep(fault.seconds)


def damage(fault: Fault, response: Response, clock: SandboxClock) -> Response:
    """Play the kinds that change a good answer: dropped fields and tokens, corrupted data, slow bodies."""
    data = response.get_data()
    if fault.kind == "slow-body":
        response.response = _pieces(data, fault.seconds, clock)
        response.content_length = len(data)
        return response
    try:
        body = json.loads(data)
    except ValueError:
        return _flip_a_byte(response, data) if fault.kind == "corrupt-data" else response
    if fault.kind == "drop-field":
        body = without(body, fault.field)
    elif fault.kind == "drop-page-token":
        body = _without_page_token(body)
    elif fault.kind == "corrupt-data":
        body = _corrupt(body)
    return json_response(body, response.status_code)


def without(value: JSON, name: str) -> JSON:
    """The JSON value without any field of this name, at any depth."""
    if isinstance(value, dict):
        return {key: without(item, name) for key, item in value.items() if key != name}
    if isinstance(value, list):
        return [without(item, name) for item in value]
    return value


def _without_page_token(value: JSON) -> JSON:
    if isinstance(value, dict):
        kept = {key: _without_page_token(item) for key, item in value.items() if key != "nextPageToken"}
        return kept | {"hasNextPage": False} if "hasNextPage" in kept else kept
    if isinstance(value, list):
        return [_without_page_token(item) for item in value]
    return value


def _corrupt(value: JSON) -> JSON:
    """The same shape with one wrong value: the last number or text found, outside ids and kinds."""
    changed = False

    def walk(item: Any, name: str) -> Any:
        nonlocal changed
        if isinstance(item, dict):
            return {key: walk(item[key], key) for key in reversed(item)}
        if isinstance(item, list):
            return [walk(entry, name) for entry in reversed(item)][::-1]
        if changed or name in {"id", "kind", "spreadsheetId", "__typename"} or isinstance(item, bool):
            return item
        if isinstance(item, str) and item:
            changed = True
            return ("x" if item[0] != "x" else "y") + item[1:]
        if isinstance(item, int | float):
            changed = True
            return item + 1
        return item

    return walk(value, "")


def _flip_a_byte(response: Response, data: bytes) -> Response:
    if data:
        middle = len(data) // 2
        response.set_data(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    return response


def _pieces(data: bytes, seconds: float, clock: SandboxClock, count: int = 8) -> Iterator[bytes]:
    """The body in `count` pieces spread over simulated seconds."""
    size = max(1, -(-len(data) // count))
    for start in range(0, len(data), size):
        clock.sleep(seconds / count)
        yield data[start : start + size]


def hook_request(spec: Mapping[str, Any]) -> Request:
    """Make the request that a hook plays: {method, path, body?} with a JSON body."""
    body = spec.get("body")
    builder = EnvironBuilder(path=str(spec["path"]), method=str(spec["method"]).upper(), json=body)
    environ = builder.get_environ()
    environ["RAW_URI"] = str(spec["path"])
    return Request(environ)
