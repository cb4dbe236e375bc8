"""Access tokens and the OAuth endpoint: client credentials, expiring and standing tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.wire import JSON, Caller, Request, ShopifyHttpError, World

if TYPE_CHECKING:
    from collections.abc import Iterable

FULL_TOKEN: Final = "shpat_sandbox_full"  # noqa: S105 - a token of the sandbox, worth nothing elsewhere
APP: Final = "sheets-catalog"
CLIENT_ID: Final = "sandbox-shopify-client"
CLIENT_SECRET: Final = "shpss_sandbox_secret"  # noqa: S105 - as above
TOKEN_SECONDS: Final = 86_399
"""Life of a token from the client credentials grant (shopify.dev "Client credentials grant")."""

ALL_SCOPES: Final = (
    "read_inventory",
    "read_locations",
    "read_products",
    "write_inventory",
    "write_products",
)

INVALID_TOKEN: Final = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105
CLOSED: Final[dict[int, str]] = {
    402: "Unavailable Shop",
    403: "User does not have access",
    404: "Not Found",
    423: "This shop is unavailable",
}
"""States a shop can be put into: the HTTP status that every call then gets, and its body."""


@dataclass(frozen=True)
class Token:
    """An access token; `expires` is on the clock's real time, 0 stands for never."""

    app: str
    scopes: tuple[str, ...]
    expires: float = 0.0


class Tokens:
    """Who may call. State is plain JSON (see `dump`)."""

    def __init__(self, world: World, domain: str) -> None:
        self._world = world
        self.domain = domain
        self._tokens: dict[str, Token] = {FULL_TOKEN: Token(APP, ALL_SCOPES)}
        self._clients: dict[str, tuple[str, str, tuple[str, ...]]] = {CLIENT_ID: (CLIENT_SECRET, APP, ALL_SCOPES)}
        self.closed = 0

    def mint(self, scopes: Iterable[str] = ALL_SCOPES, *, app: str = APP, seconds: float = 0.0, token: str = "") -> str:
        """A new token (a given one for tests); seconds: its life in real time, 0 for ever."""
        value = token or f"shpat_{self._world.token(32, '0123456789abcdef')}"
        self._tokens[value] = Token(app, tuple(sorted(scopes)), self._world.clock.wall() + seconds if seconds else 0.0)
        return value

    def revoke(self, token: str) -> None:
        """The token stops working."""
        self._tokens.pop(token, None)

    def caller(self, request: Request) -> Caller:
        """Who sends this request; 401 in Shopify's words (`errors` is a string) for a bad token."""
        if self.closed:
            raise ShopifyHttpError(self.closed, CLOSED[self.closed])
        token = self._tokens.get(request.headers.get("X-Shopify-Access-Token", ""))
        if token is None or (token.expires and token.expires < self._world.clock.wall()):
            raise ShopifyHttpError(401, INVALID_TOKEN)
        return Caller(email="", scopes=frozenset(token.scopes), app=token.app, shop=self.domain)

    def grant(self, given: dict[str, Any]) -> JSON:
        """`POST /admin/oauth/access_token`: only the client credentials grant."""
        if given.get("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "The sandbox supports the client_credentials grant only")
        client = self._clients.get(str(given.get("client_id", "")))
        if client is None or client[0] != given.get("client_secret"):
            raise OAuthError("invalid_client", "Client authentication failed", status=401)
        _, app, scopes = client
        token = self.mint(scopes, app=app, seconds=TOKEN_SECONDS)
        return {"access_token": token, "scope": ",".join(scopes), "expires_in": TOKEN_SECONDS}

    def dump(self) -> JSON:
        """Tokens as JSON."""
        return {
            "closed": self.closed,
            "tokens": {
                value: {"app": token.app, "scopes": list(token.scopes), "expires": token.expires}
                for value, token in self._tokens.items()
            },
        }

    def load(self, state: JSON) -> None:
        """Replace the tokens."""
        self.closed = state["closed"]
        self._tokens = {
            value: Token(one["app"], tuple(one["scopes"]), one["expires"]) for value, one in state["tokens"].items()
        }


class OAuthError(Exception):
    """An error of the token endpoint, in OAuth's shape."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.body = {"error": error, "error_description": description}
        self.status = status
