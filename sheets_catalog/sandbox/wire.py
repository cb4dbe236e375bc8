"""What every sandbox service shares: the world, the caller, the service contract, vendor-shaped errors.

A service is an object with `name`, `rules()`, `call()`, `dump()` and `load()` (see `Service`). The server does
routing, authentication, counting, latency, quota and faults; a service only answers. It runs under `world.lock`
and needs no locking of its own. A service raises `GoogleError` or `ShopifyHttpError`, or answers a `Response`.

Optional methods of a service, asked for with `getattr`:

- `caller(request) -> Caller`: authenticate by itself (Shopify's header, anonymous endpoints). Without it the
  server verifies `Authorization: Bearer` against the sandbox's identity service.
- `operation_name(request, operation) -> str`: a finer name, used for counts and faults.
- `fault_response(kind, spec, request) -> Response | None`: answer a fault in the service's own words
  (`throttle-graphql`, `user-errors`, `stale-read` ...); None means "not mine".
- `is_read(operation, request) -> bool`: whether the call cannot change state (default: method is GET).
- `connection() -> dict`: its part of the line that tells a client how to connect, such as `{"shopify": {...}}`.
- `plant(body) -> JSON`: `POST /_sandbox/seed/<service>`, for data that no public API could make.
- `seed(catalogue) -> None`: fill itself with sample data at the start (`"sample"`, `"reference"`, a CSV path).

A fault that only the service can play (`lag-list`, `truncate-page`, `etag-moves-by-itself`, `stale-read`) reaches
`call` as `fault_of(request, kind, ...)`.
"""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from werkzeug import Request, Response, routing

from sheets_catalog.sandbox.clock import SandboxClock, rfc3339
from sheets_catalog.sandbox.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

__all__ = [
    "ANONYMOUS",
    "JSON",
    "Caller",
    "Files",
    "GoogleError",
    "Ledger",
    "Request",
    "Response",
    "Rule",
    "SandboxClock",
    "Service",
    "ShopifyHttpError",
    "World",
    "fault_of",
    "json_body",
    "json_response",
    "not_supported",
    "rfc3339",
    "unauthenticated",
]


class Rule(routing.Rule):
    """A route. Addresses are only matched here, never built: making the builders would be most of a sandbox's start."""

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        return lambda *_: ("", "")


JSON: TypeAlias = Any
"""A value that `json.dumps` takes: dict, list, str, int, float, bool or None."""

SHEET_TYPE = "application/vnd.google-apps.spreadsheet"
FOLDER_TYPE = "application/vnd.google-apps.folder"
SHORTCUT_TYPE = "application/vnd.google-apps.shortcut"


@dataclass(frozen=True)
class Caller:
    """Who calls, as told by a verified token."""

    email: str
    scopes: frozenset[str]
    app: str
    shop: str = ""

    def has(self, *scopes: str) -> bool:
        """Whether the token carries at least one of these scopes (short names: `drive`, `spreadsheets` ...)."""
        return any(scope in self.scopes or _full(scope) in self.scopes for scope in scopes)


ANONYMOUS = Caller(email="", scopes=frozenset(), app="")


def _full(scope: str) -> str:
    return f"https://www.googleapis.com/auth/{scope}"


@dataclass
class World:
    """One sandbox: clock, ledger and seeded random source, shared by all its services."""

    clock: SandboxClock
    ledger: Ledger
    random: random.Random
    speed: float
    lock: threading.RLock = field(default_factory=threading.RLock)
    base_url: str = ""

    @classmethod
    def create(cls, *, speed: float = 1.0, seed: int = 1, start: datetime | None = None) -> World:
        """A world at its beginning; its clock stands still until it is told to run."""
        clock = SandboxClock(speed, start)
        return cls(clock=clock, ledger=Ledger(clock), random=random.Random(seed), speed=speed)

    def token(self, length: int, alphabet: str = "") -> str:
        """A random id of the given length, the same for the same seed and order of calls."""
        letters = alphabet or "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return "".join(self.random.choices(letters, k=length))


class Service(Protocol):
    """One vendor's API on the sandbox's port."""

    name: str

    def rules(self) -> Sequence[Rule]:
        """Routes; each rule's endpoint is the operation name, such as `sheets.values.batchUpdate`."""

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        """Do it. `args`: path parameters, percent-decoded one by one (an encoded slash is data)."""

    def dump(self) -> JSON:
        """The whole state."""

    def load(self, state: JSON) -> None:
        """Replace the whole state by one from `dump`."""


class Files(Protocol):
    """What the Sheets service needs of Drive: a spreadsheet is a Drive file."""

    def create_native(self, name: str, mime_type: str, caller: Caller, parents: Sequence[str] | None = None) -> str:
        """Make a Google-native file owned by the caller (default parent: My Drive); answers its id.

        Calls the `on_create` callback of the type as well.
        """

    def access(self, file_id: str, caller: Caller) -> str:
        """`none`, `reader`, `writer` or `owner`: permissions of the user, cut down by the token's scopes.

        A file that does not exist (or is deleted) raises a 404 GoogleError in Sheets' words.
        """

    def require(self, file_id: str, caller: Caller, role: str) -> None:
        """Raise the 404 or 403 GoogleError that the Sheets API would answer, unless the caller has `role` or more."""

    def exists(self, file_id: str) -> bool:
        """Whether there is such a file, trashed or not."""

    def touched(self, file_id: str, caller: Caller) -> None:
        """The content changed: version, modifiedTime, v2 etag, last modifying user, changes feed."""

    def rename(self, file_id: str, title: str, caller: Caller | None = None) -> None:
        """The title was changed through the content's own API."""

    def name(self, file_id: str) -> str:
        """The file's name."""

    def on_create(self, mime_type: str, callback: Callable[[str, str], None]) -> None:
        """`callback(file_id, name)` when Drive creates an empty file of that type."""

    def on_copy(self, mime_type: str, callback: Callable[[str, str, str], None]) -> None:
        """`callback(source_id, new_id, name)` when a file of that type is copied."""

    def on_delete(self, mime_type: str, callback: Callable[[str], None]) -> None:
        """`callback(file_id)` when a file of that type is deleted for good (not: trashed)."""

    def on_rename(self, mime_type: str, callback: Callable[[str, str], None]) -> None:
        """`callback(file_id, name)` when Drive renames a file of that type."""

    def on_export(self, mime_type: str, callback: Callable[[str, str], bytes | None]) -> None:
        """`callback(file_id, export_mime_type) -> content`; None: this type cannot be exported that way."""

    def on_import(self, mime_type: str, callback: Callable[[str, bytes, str], None]) -> None:
        """`callback(file_id, content, content_type)`: an upload to be converted replaces the content."""


class GoogleError(Exception):
    """An error answer in Google's shape.

    Two shapes exist. Drive (and other older APIs): `errors: [{message, domain, reason, location?}]`, made by giving
    `reason`. Sheets (and other newer APIs): `status` and optional `details`, made by giving `status`. Both may be had.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: str = "",
        details: Sequence[JSON] = (),
        reason: str = "",
        domain: str = "global",
        location: str = "",
        location_type: str = "parameter",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code} {reason or status}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        self.body = _google_body(code, message, status, details, reason, domain, location, location_type)

    def response(self) -> Response:
        answer = json_response(self.body, status=self.code)
        answer.headers.update(self.headers)
        return answer


def _google_body(
    code: int,
    message: str,
    status: str,
    details: Sequence[JSON],
    reason: str,
    domain: str,
    location: str,
    location_type: str,
) -> JSON:
    error: dict[str, Any] = {"code": code, "message": message}
    if reason:
        entry = {"message": message, "domain": domain, "reason": reason}
        if location:
            entry |= {"location": location, "locationType": location_type}
        error["errors"] = [entry]
    if status:
        error["status"] = status
    if details:
        error["details"] = list(details)
    return {"error": error}


class ShopifyHttpError(Exception):
    """An error answer of Shopify's HTTP layer (401, 403, 404, 423, 429, 5xx), body `{"errors": ...}`."""

    def __init__(self, code: int, errors: JSON, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {errors}")
        self.code = code
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> Response:
        answer = json_response({"errors": self.errors}, status=self.code)
        answer.headers.update(self.headers)
        return answer


def not_supported(what: str) -> GoogleError:
    """501 in Google's shape: the real service can do this, the sandbox cannot. Never answer a wrong success."""
    message = f"The sandbox does not support {what}."
    return GoogleError(501, message, status="UNIMPLEMENTED", reason="notImplemented")


def unauthenticated(message: str = "") -> GoogleError:
    """401 for a missing, unknown, expired or revoked token."""
    text = message or (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return GoogleError(
        401,
        text,
        status="UNAUTHENTICATED",
        reason="authError",
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def json_response(body: JSON, status: int = 200) -> Response:
    """A JSON answer with Google's content type."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status=status, content_type="application/json; charset=UTF-8")


def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object (an empty body is an empty object); 400 in Google's words for anything else."""
    data = request.get_data()
    if not data.strip():
        return {}
    try:
        value = json.loads(data)
    except ValueError as error:
        raise GoogleError(
            400,
            f"Invalid JSON payload received. {error}",
            status="INVALID_ARGUMENT",
            reason="parseError",
        ) from error
    if not isinstance(value, dict):
        message = 'Invalid JSON payload received. Unknown name "": Root element must be a message.'
        raise GoogleError(400, message, status="INVALID_ARGUMENT", reason="badRequest")
    return value


class FaultSpec(Protocol):
    """What a service may read of the fault that hits the present call."""

    kind: str
    when: str
    seconds: float
    options: Mapping[str, Any]


def fault_of(request: Request, *kinds: str) -> FaultSpec | None:
    """Answer the fault of the present call if it is of one of these kinds; asking for it promises to play it.

    Ask only where it can be played: the fault counts as consumed from then on.
    """
    fault: FaultSpec | None = request.environ.get("sandbox.fault")
    if fault is None or fault.kind not in kinds:
        return None
    request.environ["sandbox.fault.played"] = True
    return fault
