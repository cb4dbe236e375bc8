"""Google credentials from settings, shared safely by many threads.

google-auth's credentials refresh once per thread that finds them expired, fetch their token with hidden retries, and
(service accounts) ask Google in the background where requests may come from. `SharedCredentials` and `fetch_token`
take all three away: one refresh at a time, one request for it, nothing else.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from google.auth import exceptions as auth
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from sheets_catalog.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping

    from google.auth.credentials import Credentials

_AUTH = "https://www.googleapis.com/auth/"

SCOPES: Mapping[str, tuple[str, ...]] = {
    "sheets": (_AUTH + "spreadsheets",),
    "drive": (_AUTH + "drive.file",),
    "any_drive_file": (_AUTH + "drive",),
    "business_profile": (_AUTH + "business.manage",),
}
"""Scopes by feature, the least that does it. ``drive.file`` covers files made by or picked for this app;
``any_drive_file`` is Google's restricted scope: for a service account it means the files that were shared with it, for
a user all files; staging copies files that the app did not make.
https://developers.google.com/workspace/drive/api/guides/api-specific-auth"""

DEFAULT_FEATURES = ("sheets", "drive")

_SOURCES = (
    "service_account_file",
    "service_account_info",
    "authorized_user_file",
    "authorized_user_info",
    "access_token",
)
_OTHERS = ("subject", "scopes", "features")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def scopes_for(features: Iterable[str]) -> tuple[str, ...]:
    """The scopes of these features, each once. Raises `SettingsError` for an unknown feature."""
    try:
        return tuple(dict.fromkeys(scope for feature in features for scope in SCOPES[feature]))
    except KeyError as error:
        found, known = error.args[0], ", ".join(SCOPES)
        raise SettingsError(f"Google settings: found the feature {found!r}, expected one of {known}.") from error


class SharedCredentials:
    """Credentials that many threads may use: one refresh serves all who wait for it.

    Has the two methods that `google.auth.transport.requests.AuthorizedSession` calls. `refreshable` is False for a
    bare access token: nothing can renew it, so a 401 stands. Never shows a secret.
    """

    def __init__(self, inner: Credentials, *, refreshable: bool, label: str) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._sent = threading.local()
        self._attempts = 0
        self._failure: auth.GoogleAuthError | None = None
        self.refreshable = refreshable
        self.label = label

    def __repr__(self) -> str:
        return f"<SharedCredentials {self.label}>"

    def before_request(
        self,
        request: Callable[..., Any],
        method: str,  # noqa: ARG002 - the signature is google-auth's
        url: str,  # noqa: ARG002
        headers: MutableMapping[str, str],
    ) -> None:
        """Put a valid token into `headers`, fetching one first if need be."""
        if self.refreshable and not self._inner.valid:
            self._renew(request, lambda: not self._inner.valid)
        self._sent.token = self._inner.token
        self._inner.apply(headers, token=self._sent.token)

    def refresh(self, request: Callable[..., Any]) -> None:
        """Called after a 401: fetch a new token, unless another thread has done so since this one's was sent."""
        self._renew(request, lambda: self._inner.token == self._sent.token)

    def _renew(self, request: Callable[..., Any], needed: Callable[[], bool]) -> None:
        """Refresh if still needed once it is our turn; who waited for a refresh that failed shares its failure."""
        before = self._attempts
        with self._lock:
            if not needed():
                return
            if self._attempts != before and self._failure is not None:
                raise self._failure
            self._failure = None
            try:
                self._inner.refresh(request)
            except auth.GoogleAuthError as error:
                self._failure = error
                raise
            finally:
                self._attempts += 1


def shared(inner: Credentials) -> SharedCredentials:
    """Credentials made elsewhere (gspread, google-auth), for our transport."""
    if isinstance(inner, user_credentials.Credentials):
        renewable = bool(inner.refresh_token or inner.refresh_handler)
        return SharedCredentials(inner, refreshable=renewable, label="user")
    return SharedCredentials(inner, refreshable=True, label=type(inner).__name__)


def credentials_from(settings: Mapping[str, Any]) -> SharedCredentials:
    """Credentials from exactly one of ``service_account_file``, ``authorized_user_file`` or ``access_token``.

    The two files may be given as dictionaries too (``service_account_info``, ``authorized_user_info``), for secret
    stores. ``scopes``, or ``features`` of `SCOPES`, choose what is asked for; ``subject`` is the user whom a service
    account stands in for. Raises `SettingsError`.
    """
    source = _only_source(settings)
    scopes = tuple(settings.get("scopes") or scopes_for(settings.get("features") or DEFAULT_FEATURES))
    if source == "access_token":
        return _bare_token(settings[source])
    info = _read_file(source, settings[source]) if source.endswith("_file") else dict(settings[source])
    try:
        if source.startswith("service_account"):
            return _service_account(info, scopes, settings.get("subject"))
        return _authorized_user(info, settings.get("scopes"))
    except (ValueError, TypeError, auth.GoogleAuthError) as error:
        raise SettingsError(
            f"Google settings: {source} cannot be used: {error}",
            advice="Download the file again from the Google Cloud console.",
        ) from error


def _only_source(settings: Mapping[str, Any]) -> str:
    unknown = [name for name in settings if name not in (*_SOURCES, *_OTHERS)]
    found = [name for name in _SOURCES if settings.get(name)]
    if unknown or len(found) != 1:
        raise SettingsError(
            f"Google settings: found {', '.join([*found, *unknown]) or 'none'}, "
            f"expected exactly one of {', '.join(_SOURCES)} (and, if wanted, {', '.join(_OTHERS)})."
        )
    return found[0]


def _bare_token(token: object) -> SharedCredentials:
    text = str(token).strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise SettingsError("Google settings: access_token holds characters that no token has.")
    return SharedCredentials(user_credentials.Credentials(token=text), refreshable=False, label="access token")


def _service_account(info: Mapping[str, Any], scopes: tuple[str, ...], subject: str | None) -> SharedCredentials:
    _check_token_uri(info)
    inner = service_account.Credentials.from_service_account_info(info, scopes=scopes, subject=subject)
    return SharedCredentials(inner, refreshable=True, label=f"service account {inner.service_account_email}")


def _authorized_user(info: Mapping[str, Any], scopes: Iterable[str] | None) -> SharedCredentials:
    """A user who signed in once. Without explicit `scopes` the token has all that the user granted."""
    _check_token_uri(info)
    inner = user_credentials.Credentials.from_authorized_user_info(info, list(scopes) if scopes else None)
    if info.get("token_uri"):  # google-auth ignores it
        inner = inner.with_token_uri(info["token_uri"])
    return SharedCredentials(inner, refreshable=True, label="authorized user")


def _check_token_uri(info: Mapping[str, Any]) -> None:
    """The key goes nowhere but to https, or to this machine."""
    uri = str(info.get("token_uri") or "https://oauth2.googleapis.com/token")
    if not is_safe_address(uri):
        raise ValueError(f"found the token_uri {uri!r}, expected an https address")


def is_safe_address(url: str) -> bool:
    """Whether a secret may travel to this address: https, or plain http to this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


_GIVE_FILE = "Give the path of the JSON file as it was downloaded, and check that you may read it."


def _read_file(source: str, path: object) -> Mapping[str, Any]:
    where = Path(str(path)).expanduser()
    try:
        found = json.loads(where.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"Google settings: {source} {where} cannot be read: {error.strerror or error}.", advice=_GIVE_FILE
        ) from error
    except ValueError as error:
        raise SettingsError(
            f"Google settings: {source} {where} cannot be read: it holds no JSON ({error}).", advice=_GIVE_FILE
        ) from error
    if not isinstance(found, dict):
        raise SettingsError(f"Google settings: {source} {where} holds {type(found).__name__}, expected a JSON object.")
    return found


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What google-auth reads of a token endpoint's answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def fetch_token(session: requests.Session, timeout: tuple[float, float]) -> Callable[..., TokenAnswer]:
    """The `request` that google-auth uses to fetch tokens: one try, always with a timeout.

    google-auth repeats by itself what it takes for passing (5xx, 429, ``temporarily_unavailable`` ...); here these
    raise `TransportError` instead, so that the one layer that retries decides.
    """

    def request(
        url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> TokenAnswer:
        try:
            answer = session.request(
                method, url, data=body, headers=dict(headers or {}), timeout=timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise auth.TransportError(f"The token endpoint did not answer: {error}") from error
        if answer.status_code in {408, 429} or answer.status_code >= 500 or not _is_final(answer):
            raise auth.TransportError(f"The token endpoint answered with {answer.status_code}.")
        return TokenAnswer(answer.status_code, answer.headers, answer.content)

    return request


def _is_final(answer: requests.Response) -> bool:
    """A token, or a refusal in OAuth's words that another try would hear again."""
    try:
        said = answer.json()
    except ValueError:
        return False
    if not isinstance(said, dict):
        return False
    if answer.status_code == 200:
        return isinstance(said.get("access_token"), str)
    passing = {"internal_failure", "server_error", "temporarily_unavailable"}
    return bool(said.get("error")) and not passing & {str(said["error"]), str(said.get("error_description"))}
