"""The one way out to Google: each request is sent once, with timeouts, over one authorised session.

The stock transport of google-api-python-client (httplib2) sends a POST again by itself when a connection breaks, and
hangs when threads share it; gspread waits for ever. Here nothing is sent twice - the one exception is a request that
Google turned away with 401, which is sent once more with a fresh token - and nothing waits without an end.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from google.auth.transport.requests import AuthorizedSession
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from sheets_catalog.errors import SettingsError, Unavailable
from sheets_catalog.google.credentials import SharedCredentials, fetch_token, is_safe_address
from sheets_catalog.google.errors import FAILURES, SERVICE, error_from_answer, error_from_exception

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

T = TypeVar("T")

LONGEST_URL = 2048
"""A GET with a longer address is sent as a POST with ``X-HTTP-Method-Override: GET``, as Google's own client does."""

IDLE_LIMIT = 30.0
"""Seconds after which an unused connection is not trusted any more: gateways drop them without a word."""

_READ_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, for each piece of the answer, and for the whole answer. Never endless.

    A bit over 3 s to connect is one lost packet's grace; Google gives up on a Sheets request after 180 s.
    """

    connect: float = 3.05
    read: float = 60.0
    total: float = 185.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            found = getattr(self, name)
            if not isinstance(found, int | float) or not math.isfinite(found) or found <= 0:
                raise SettingsError(f"Timeouts: found {name}={found!r}, expected a number of seconds above 0.")

    @property
    def pair(self) -> tuple[float, float]:
        """As requests takes them."""
        return (self.connect, min(self.read, self.total))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: headers are looked up without case, the body is decoded from any compression."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    operation: str = ""

    @property
    def server_time(self) -> datetime | None:
        """Google's clock when it answered (the ``Date`` header, whole seconds, UTC)."""
        try:
            return parsedate_to_datetime(self.headers.get("date", ""))
        except (TypeError, ValueError):
            return None

    def decoded(self, shape: type[T], *, strict: bool = True) -> T:
        """The JSON body as `shape`; not `strict`: numbers may come as texts, as Drive writes 64-bit ones.

        Raises `Unavailable`: an answer that cannot be read proves nothing.
        """
        try:
            if not self.body.isascii():
                self.body.decode()  # parts that stay encoded are not looked at otherwise
            return msgspec.json.decode(self.body, type=shape, strict=strict)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            said = f"Google answered {self.operation} with {self.status}, but not as expected: {error}"
            raise Unavailable(said, service=SERVICE, operation=self.operation, status=self.status) from error


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `operation` names it for people and figures, such as ``drive.files.get``."""

    operation: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class Transport:
    """Sends requests to Google as one account; any number of threads may share it.

    `root_url`: another place that speaks Google's protocols (``http://127.0.0.1:8080``); empty: Google itself.
    `threads`: connections kept open for reuse.
    """

    def __init__(
        self,
        credentials: SharedCredentials,
        *,
        root_url: str = "",
        timeouts: Timeouts | None = None,
        threads: int = 8,
    ) -> None:
        if root_url and not is_safe_address(root_url):
            raise SettingsError(f"Google settings: found root_url {root_url!r}, expected https, or this machine.")
        self.root_url = root_url.rstrip("/")
        self.timeouts = timeouts or Timeouts()
        self.credentials = credentials
        self._token_session = _plain(requests.Session(), 1)
        self._session: requests.Session = _plain(
            AuthorizedSession(
                credentials,
                refresh_status_codes=(401,) if credentials.refreshable else (),
                max_refresh_attempts=1,
                auth_request=fetch_token(self._token_session, self.timeouts.pair),
            ),
            threads,
        )
        self._session.hooks["response"].append(_read_refusal)
        self._lock = threading.Lock()
        self._busy = 0
        self._idle_since = time.monotonic()
        self._services: dict[tuple[str, str], Any] = {}

    def __repr__(self) -> str:
        return f"<Transport {self.root_url or 'Google'} as {self.credentials!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()
        self._token_session.close()

    def service(self, name: str, version: str) -> Any:
        """Google's own client for an API (``drive``, ``v3``), made from the package's discovery document.

        Used to build requests (`Transport.send` sends them); its `execute()` goes through this transport as well.
        """
        with self._lock:
            if (name, version) not in self._services:
                self._services[name, version] = _build(name, version, self.root_url, HttplibFacade(self))
            return self._services[name, version]

    def send(self, built: Any, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request built by `service`; raise what any answer but 2xx means.

        `body` replaces the built body, `headers` are added. Raises `sheets_catalog.errors.UpstreamError`,
        `AccessError` or `SettingsError`.
        """
        request = request_from(built, body=body, headers=headers or {})
        answer = self.exchange(request)
        if not 200 <= answer.status < 300:
            raise error_from_answer(answer.status, answer.headers, answer.body, operation=request.operation)
        return answer

    def exchange(self, request: Request) -> Answer:
        """Send once and read the whole answer, whatever its status. Raises when no whole answer came."""
        if not self._may_see_the_token(request.url):
            raise SettingsError(f"{request.operation} would send the token to {urlsplit(request.url).netloc!r}.")
        short = shortened(request)
        try:
            with self._in_use():
                return self._once(short)
        except FAILURES as error:
            raise error_from_exception(error, operation=request.operation) from error

    def _once(self, request: Request) -> Answer:
        deadline = time.monotonic() + self.timeouts.total
        response = self._session.request(
            request.method,
            request.url,
            data=request.body,
            headers=dict(request.headers),
            timeout=self.timeouts.pair,
            allow_redirects=False,
            stream=True,
        )
        try:
            body = response.content if _is_refusal(response) else b"".join(_pieces(response, deadline))
        finally:
            response.close()
        return Answer(response.status_code, CaseInsensitiveDict(response.headers), body, request.operation)

    def _may_see_the_token(self, url: str) -> bool:
        if self.root_url:
            return url.startswith(self.root_url + "/")
        parts = urlsplit(url)
        return parts.scheme == "https" and (parts.hostname or "").endswith(".googleapis.com")

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Count the running exchanges, and drop the connections that lay idle too long before the first."""
        with self._lock:
            if not self._busy and time.monotonic() - self._idle_since > IDLE_LIMIT:
                for adapter in self._session.adapters.values():
                    adapter.close()
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._idle_since = time.monotonic()


def request_from(built: Any, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Request:
    """Our request from one of google-api-python-client's (`googleapiclient.http.HttpRequest`)."""
    content = built.body if body is None else body
    encoded = content.encode() if isinstance(content, str) else content
    all_headers = {**built.headers, **(headers or {})}
    return Request(operation_of(built), built.method, built.uri, all_headers, encoded)


def operation_of(built: Any) -> str:
    """The call's name: ``drive.files.copy``, ``sheets.values.batchGet``; content is ``drive.files.download``."""
    name = str(built.methodId).replace("sheets.spreadsheets.", "sheets.", 1)
    return "drive.files.download" if name == "drive.files.get" and "alt=media" in built.uri else name


def shortened(request: Request) -> Request:
    """The same request in a form that Google takes however long its address is."""
    if request.method != "GET" or len(request.url) <= LONGEST_URL:
        return request
    address, _, query = request.url.partition("?")
    headers = {
        **request.headers,
        "X-HTTP-Method-Override": "GET",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Request(request.operation, "POST", address, headers, query.encode())


def _is_refusal(response: requests.Response) -> bool:
    return response.status_code == 401


def _read_refusal(response: requests.Response, *_: object, **__: object) -> None:
    """Read a 401 at once: the session drops it for a second try, and its connection would stay open, forgotten."""
    if _is_refusal(response):
        response.content  # noqa: B018 - reading it is what gives the connection back


def _pieces(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """The body as it comes in, until the deadline. A body shorter than announced raises."""
    while piece := response.raw.read1(_READ_AT_ONCE, decode_content=True):
        yield piece
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("the answer took too long to come in")


SessionT = TypeVar("SessionT", bound=requests.Session)


def _plain(session: SessionT, connections: int) -> SessionT:
    """The session without retries, cookies, or proxies and passwords from the environment."""
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=0, pool_maxsize=connections))
    return session


@lru_cache(maxsize=8)
def _document(name: str, version: str) -> str:
    from googleapiclient.discovery_cache import get_static_doc

    document = get_static_doc(name, version)
    if document is None:
        raise SettingsError(f"google-api-python-client brings no discovery document for {name} {version}.")
    return str(document)


def _build(name: str, version: str, root_url: str, http: HttplibFacade) -> Any:
    """Google's client for an API. `root_url` goes into the document: batches and uploads then follow it as well."""
    from googleapiclient.discovery import build_from_document

    document = msgspec.json.decode(_document(name, version))
    document.pop("mtlsRootUrl", None)
    for schema in document.get("schemas", {}).values():
        schema.pop("properties", None)  # they only fill docstrings, which for Sheets takes a third of a second
    if root_url:
        document["rootUrl"] = root_url + "/"
    return build_from_document(document, http=http)


class HttplibFacade:
    """What google-api-python-client expects of an `httplib2.Http`, over a `Transport`. Safe to share by threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.timeout = transport.timeouts.read

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        redirections: int = 0,  # noqa: ARG002 - httplib2's signature; redirects are never followed
        connection_type: object = None,  # noqa: ARG002
    ) -> tuple[Any, bytes]:
        """Send once; the answer as httplib2 gives it: (`httplib2.Response`, body)."""
        import httplib2

        content = _whole(body)
        answer = self._transport.exchange(
            Request(f"{method} {urlsplit(uri).path}", method, uri, headers or {}, content)
        )
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        lowered.pop("content-encoding", None)
        return httplib2.Response({**lowered, "status": str(answer.status)}), answer.body

    def close(self) -> None:
        """Nothing: the transport's owner closes it."""


def _whole(body: Any) -> bytes | None:
    """Bytes of a request body: text, bytes, or a stream (as chunks of a resumable upload are)."""
    if hasattr(body, "read"):
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else body
