"""Where the access token of a shop comes from.

A permanent token of an admin-created app, or the client credentials grant, whose tokens live for a day
(https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from sheets_catalog.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from sheets_catalog.upstream import Clock

EARLY = 60.0
"""A token is renewed so many seconds before it ends."""


class TokenSource(Protocol):
    """Gives the access token for each request."""

    def token(self, grant: Callable[[Mapping[str, str]], Mapping[str, Any]]) -> str:
        """The token to send. `grant` posts a form to the shop's token endpoint and gives the decoded answer."""

    def rejected(self, token: str) -> bool:
        """The shop did not take `token` (401). True: ask for another one and send once more."""


class StaticToken:
    """A token that was given once and cannot be renewed."""

    def __init__(self, token: str) -> None:
        if not token.strip():
            raise CredentialsError(
                "The Shopify access token is empty.", advice="Give it with `sheets-catalog connect shopify`."
            )
        self._token = token.strip()

    def token(self, grant: Callable[[Mapping[str, str]], Mapping[str, Any]]) -> str:  # noqa: ARG002 - never needed
        """The token."""
        return self._token

    def rejected(self, token: str) -> bool:  # noqa: ARG002 - there is no other one
        """There is no other one."""
        return False

    def __repr__(self) -> str:
        return "StaticToken(***)"


class ClientCredentials:
    """Tokens by the client credentials grant: asked for by one thread at a time, renewed before they end."""

    def __init__(self, client_id: str, client_secret: str, clock: Clock) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def token(self, grant: Callable[[Mapping[str, str]], Mapping[str, Any]]) -> str:
        """The token in use, or a new one when there is none or it is about to end."""
        with self._lock:
            if not self._token or self._clock.monotonic() >= self._ends:
                self._renew(grant)
            return self._token

    def rejected(self, token: str) -> bool:
        """Forget `token`; another thread may have renewed it already."""
        with self._lock:
            if self._token == token:
                self._token = ""
        return True

    def _renew(self, grant: Callable[[Mapping[str, str]], Mapping[str, Any]]) -> None:
        answer = grant(
            {
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
            }
        )
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise CredentialsError(
                "Shopify answered the request for a token without one.",
                advice="Check the client id and secret, and that the app is installed on this shop.",
            )
        lifetime = float(answer.get("expires_in") or 0.0)
        self._token, self._ends = token, self._clock.monotonic() + max(0.0, lifetime - EARLY)

    def __repr__(self) -> str:
        return f"ClientCredentials({self._client_id!r}, ***)"
