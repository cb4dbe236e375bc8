"""Users, tokens and service accounts: the values that the identity endpoints deal in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.wire import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER: Final = "owner@example.com"
APP: Final = "sheets-catalog"
STANDING_TOKEN: Final = "sandbox-token"  # noqa: S105 - a made-up token of a made-up user, on loopback only
CLIENT_ID: Final = "100000000001-sheetscatalog.apps.googleusercontent.com"
CLIENT_SECRET: Final = "GOCSPX-sandbox"  # noqa: S105
PROJECT_NUMBER: Final = "100000000001"
TOKEN_LIFE: Final = 3599
CLOCK_SKEW: Final = 300
"""Seconds by which an assertion's `iat` may be ahead of the server."""

AUTH: Final = "https://www.googleapis.com/auth/"
ALL_SCOPES: Final = (
    "openid",
    AUTH + "userinfo.email",
    AUTH + "userinfo.profile",
    AUTH + "drive",
    AUTH + "spreadsheets",
    AUTH + "business.manage",
)
ISSUER: Final = "https://accounts.google.com"
JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True)
class Token:
    """An access token. `expires`: Unix time of `SandboxClock.wall()`; None: never."""

    value: str
    email: str
    scopes: tuple[str, ...]
    app: str
    client_id: str = CLIENT_ID
    expires: float | None = None
    revoked: bool = False


@dataclass(frozen=True)
class Grant:
    """A refresh token or authorization code and what it may be exchanged for."""

    value: str
    email: str
    scopes: tuple[str, ...]
    app: str
    client_id: str
    redirect_uri: str = ""
    challenge: str = ""
    revoked: bool = False


@dataclass(frozen=True)
class ServiceAccount:
    """A service account. `delegates`: users it may act for (domain-wide delegation); `*` stands for all."""

    email: str
    client_id: str
    app: str
    key_id: str
    public_key: str
    delegates: tuple[str, ...] = ()
    disabled: bool = False


@dataclass(frozen=True)
class User:
    """A person or service account as the userinfo endpoint shows it."""

    email: str
    sub: str
    name: str


class OAuthError(Exception):
    """An error of the token endpoint: `{"error": code, "error_description": text}`."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status

    def response(self) -> Response:
        return json_response({"error": self.code, "error_description": self.description}, self.status)


def full_scope(scope: str) -> str:
    """`drive.file` as `https://www.googleapis.com/auth/drive.file`; the openid words stay, two have aliases."""
    aliases = {"email": AUTH + "userinfo.email", "profile": AUTH + "userinfo.profile"}
    if scope in aliases:
        return aliases[scope]
    return scope if scope == "openid" or "://" in scope else AUTH + scope


def with_tuple(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The saved fields of a value, with one of them a tuple again."""
    return {**item, name: tuple(item[name])}
