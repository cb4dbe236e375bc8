"""One shop's Admin GraphQL endpoint.

Sends each request once: no retries, no redirects, no proxies from the environment, always with timeouts. The one
thing that is sent a second time is a request refused with 401 after the token could be renewed: it did not run.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter

from sheets_catalog.errors import CredentialsError, Refused, SettingsError
from sheets_catalog.shopify import errors
from sheets_catalog.shopify.throttle import Cost, Pacer, Throttle, cost_of, throttle_of
from sheets_catalog.upstream import directly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sheets_catalog.shopify.documents import Document
    from sheets_catalog.shopify.errors import GraphError
    from sheets_catalog.shopify.tokens import TokenSource
    from sheets_catalog.upstream import Around, Clock, Safety

API_VERSION = "2026-10"

MOST_BYTES = 2_000_000
"""Bytes of a request that are sent at most; Shopify publishes no figure for documents, 10 MB for metafields."""

DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com")

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
"""Decimals stay exact."""

UNTOLD = Cost(0.0, None)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    `data`: root alias to what it gave, None where it gave nothing. `errors`: top-level errors that leave some data
    to look at (of writes only: a read with any error is raised). `version`: the API version that answered.
    """

    data: Mapping[str, Any]
    errors: tuple[GraphError, ...] = ()
    cost: Cost = UNTOLD
    throttle: Throttle | None = None
    request_id: str = ""
    version: str = ""


class Shop:
    """A shop, its token and its bucket of cost points. May be shared by threads.

    `domain`: the permanent name, ``<name>.myshopify.com``. `base_url`: another address to talk to, on this machine only
    (a sandbox). `around` wraps each call. `clock` is used for pacing and token life. `timeout`: seconds to connect
    and to wait for bytes. `patience`: see `Pacer`. Raises `SettingsError` when domain or address cannot be right.
    """

    def __init__(
        self,
        domain: str,
        token_source: TokenSource,
        *,
        clock: Clock,
        api_version: str = API_VERSION,
        base_url: str = "",
        around: Around = directly,
        timeout: tuple[float, float] = (3.05, 30.0),
        patience: float = 10.0,
    ) -> None:
        self.domain = shop_domain(domain)
        self.api_version = api_version
        self.pacer = Pacer(clock, patience=patience)
        self._root = loopback(base_url) if base_url else f"https://{self.domain}"
        self._tokens = token_source
        self._around = around
        self._timeout = timeout
        self._idle: deque[requests.Session] = deque()
        self._ratios: dict[str, float] = {}
        self._warned = False

    def __repr__(self) -> str:
        return f"Shop({self.domain!r}, api_version={self.api_version!r})"

    @property
    def throttle(self) -> Throttle | None:
        """The bucket of cost points as it should be now; None before the first answer."""
        return self.pacer.told

    def correction(self, operation: str) -> float:
        """What estimates for `operation` have to be multiplied with, as learnt from its last answer; 1 at first."""
        return self._ratios.get(operation, 1.0)

    def execute(
        self,
        document: Document,
        variables: Mapping[str, Any],
        *,
        safety: Safety,
        points: float = 0.0,
        operation: str = "",
    ) -> Answer:
        """Run a document.

        `points`: its estimated cost, waited for before it is sent. `operation`: name for the wrapper and messages.
        With safety ``read`` any error is raised; otherwise errors that are about single root fields come with the
        answer. Raises `UpstreamError` and `AccessError`.
        """
        name = f"shopify.{operation or document.name}"
        body = _encode(document, variables, name)
        return self._around(safety, "shopify", name, lambda: self._paced(body, name, points, whole=safety == "read"))

    def _paced(self, body: bytes, name: str, points: float, *, whole: bool) -> Answer:
        """Send once, when the bucket allows it. `whole`: an answer with any error is an error."""
        told: Throttle | None = None
        reservation = self.pacer.before(points * self.correction(name))
        try:
            headers, payload = self._send(body, name)
            cost = _cost(payload)
            told = throttle_of(cost)
        finally:
            self.pacer.after(reservation, told)
        self._learn(name, points, cost_of(cost).requested)
        failure = errors.classify_errors(payload, headers, name)
        if failure is not None:
            raise failure
        left = errors.graph_errors(payload)
        if whole and left:
            raise left[0].as_error(name)
        request_id = headers.get("X-Request-Id", "")
        return Answer(payload["data"], left, cost_of(cost), told, request_id, self._version(headers))

    def _learn(self, name: str, points: float, requested: float) -> None:
        """Correct the next estimate by what this call was really charged at first."""
        if points > 0 and requested > 0:
            self._ratios[name] = requested / points

    def _send(self, body: bytes, name: str) -> tuple[Mapping[str, str], dict[str, Any]]:
        """Headers and body of the answer; a refused token is renewed once, where it can be."""
        token = self._tokens.token(self._grant)
        try:
            return self._once(body, name, token)
        except CredentialsError:
            if not self._tokens.rejected(token):
                raise
        return self._once(body, name, self._tokens.token(self._grant))

    def _once(self, body: bytes, name: str, token: str) -> tuple[Mapping[str, str], dict[str, Any]]:
        path = f"/admin/api/{self.api_version}/graphql.json"
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Access-Token": token,
            # Searches fail open: with this, those that were not understood are told in the answer.
            "Shopify-Search-Query-Debug": "1",
        }
        response, payload = self._post(path, body, headers, name)
        if not isinstance(payload, dict):
            raise errors.unreadable(name, "it is no JSON object", response.headers.get("X-Request-Id", ""))
        return response.headers, payload

    def _version(self, headers: Mapping[str, str]) -> str:
        """The version that answered. A retired one is answered by the oldest that is still supported: say so once."""
        served = headers.get("X-Shopify-API-Version", "")
        if served and served != self.api_version and not self._warned:
            self._warned = True
            _log.warning("Shopify answered with API version %s; %s was asked for.", served, self.api_version)
        return served or self.api_version

    def _grant(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask the token endpoint. A refusal there is about the credentials, whatever its status."""
        body = msgspec.json.encode(dict(form))
        headers = {"Content-Type": "application/json"}
        try:
            _, payload = self._post("/admin/oauth/access_token", body, headers, "shopify.token")
        except (Refused, CredentialsError) as refusal:
            raise CredentialsError(
                f"Shopify gave no access token. {refusal.message}",
                advice="Check the client id and secret, and that the app is installed on this shop.",
            ) from refusal
        return payload if isinstance(payload, dict) else {}

    def _post(self, path: str, body: bytes, headers: Mapping[str, str], name: str) -> tuple[requests.Response, object]:
        """Post JSON and read the whole answer; raises for everything but HTTP 200."""
        try:
            with self._session() as session:
                response = session.post(
                    self._root + path,
                    data=body,
                    headers={**headers, "Accept": "application/json"},
                    timeout=self._timeout,
                    allow_redirects=False,
                )
        except (requests.RequestException, OSError) as error:
            raise errors.classify_exception(error, name) from error
        if response.is_redirect or 300 <= response.status_code < 400:
            raise errors.redirected(response.status_code, name)
        payload = _decode(response.content)
        failure = errors.classify_status(response.status_code, response.headers, payload, name)
        if failure is not None:
            raise errors.about_shop(failure, self.domain)
        return response, payload

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """A session for one call, kept for the next one: sessions of requests are not made to be shared by threads."""
        try:
            session = self._idle.pop()
        except IndexError:
            session = _plain_session()
        try:
            yield session
        finally:
            self._idle.append(session)

    def close(self) -> None:
        """Close the connections that are kept for reuse."""
        while self._idle:
            self._idle.pop().close()


def _plain_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", HTTPAdapter(max_retries=0))
    session.mount("http://", HTTPAdapter(max_retries=0))
    return session


def shop_domain(text: str) -> str:
    """The shop's permanent name, checked strictly: a token must never go to a look-alike."""
    domain = text.strip().lower()
    if not DOMAIN.fullmatch(domain):
        raise SettingsError(
            f"shop is {text!r}; expected its permanent name, such as my-shop.myshopify.com.",
            advice="Find it in the shop's admin under Settings, Domains.",
        )
    return domain


def loopback(url: str) -> str:
    """An address on this machine, without a path; refuses all others, so that a setting cannot send the token away."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not _is_loopback(parts.hostname or "") or parts.username:
        raise SettingsError(
            f"The Shopify address is {url!r}; expected one on this machine, such as http://127.0.0.1:8765.",
            advice="Leave it out to talk to Shopify itself.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _encode(document: Document, variables: Mapping[str, Any], name: str) -> bytes:
    body = msgspec.json.encode({"query": document.text, "variables": dict(variables)})
    if len(body) > MOST_BYTES:
        raise Refused(
            f"The request has {len(body):,} bytes; at most {MOST_BYTES:,} are sent.",
            service="shopify",
            operation=name,
            reason="request_too_large",
            advice="Shorten the longest texts of this record.",
        )
    return body


def _cost(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    extensions = payload.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    return cost if isinstance(cost, dict) else {}


def _decode(content: bytes) -> object:
    """The JSON value, decimals exact; None when it is not JSON."""
    try:
        return _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
