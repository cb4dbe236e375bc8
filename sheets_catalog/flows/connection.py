"""Which spreadsheet, which folder, which shop, with which credentials: settings, and the systems opened with them.

A connection is one frozen value, saved as one file that only its owner can read. Nothing here is global: whoever works
for two tenants opens two connections (promise 8).
"""

from __future__ import annotations

import os
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from sheets_catalog.errors import SettingsError
from sheets_catalog.flows.near import suggestion
from sheets_catalog.google.credentials import DEFAULT_FEATURES, credentials_from
from sheets_catalog.google.drive import Drive
from sheets_catalog.google.sheets import Spreadsheets
from sheets_catalog.google.transport import Timeouts, Transport
from sheets_catalog.jobs.clock import ScaledClock, SystemClock
from sheets_catalog.jobs.retry import Retrying, RetryPolicy
from sheets_catalog.shopify.catalogue import Catalogue
from sheets_catalog.shopify.tokens import ClientCredentials, StaticToken, TokenSource
from sheets_catalog.shopify.transport import Shop

if TYPE_CHECKING:
    from sheets_catalog.upstream import Clock

SHARED_FILES = ("sheets", "any_drive_file")
"""Features that work on files which people shared with the account."""

THREADS = 64
"""Calls to Google at once, and connections kept open. At 1.25 s a call that is about 3,070 calls a minute: 154,000
units of the 325,000 that a user has, were all of them copies
(https://developers.google.com/workspace/drive/api/guides/limits)."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class GoogleSettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How to reach Google: exactly one of the first three. `root_url` only for a sandbox.

    `subject`: the user a service account stands in for. `features`: what a service account asks for, of
    `google.credentials.SCOPES`; empty: `features_of` says.
    """

    service_account_file: str = ""
    authorized_user_file: str = ""
    access_token: str = ""
    subject: str = ""
    features: tuple[str, ...] = ()
    root_url: str = ""

    def __repr__(self) -> str:
        return f"GoogleSettings({self.root_url or 'Google'})"


class ShopifySettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How to reach the shop: an access token, or an app's client id and secret. `base_url` only for a sandbox."""

    shop: str
    access_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    base_url: str = ""

    def __repr__(self) -> str:
        return f"ShopifySettings({self.shop})"


class ClockSettings(msgspec.Struct, frozen=True):
    """A sandbox's time: `speed` times as fast as life since the two epochs (seconds since 1970)."""

    speed: float
    real_epoch: float
    simulated_epoch: float


class Connection(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One spreadsheet, the Drive folder for jobs and baseline, and the shop it belongs to.

    `audit_url`: SQLAlchemy address of the audit database; empty: a file beside the settings. `timeout`: seconds to wait
    for bytes of an answer.
    """

    google: GoogleSettings
    shopify: ShopifySettings
    spreadsheet_id: str
    folder_id: str
    clock: ClockSettings | None = None
    audit_url: str = ""
    actor: str = ""
    timeout: float = 30.0

    @property
    def sandboxed(self) -> bool:
        """Whether it talks to a sandbox on this machine."""
        return bool(self.google.root_url or self.shopify.base_url)


def home() -> Path:
    """Where settings and the audit database live: ``SHEETS_CATALOG_HOME``, or the system's usual place."""
    import platformdirs

    return Path(os.environ.get("SHEETS_CATALOG_HOME") or platformdirs.user_config_dir("sheets-catalog"))


def path_of(name: str) -> Path:
    """The file of a saved connection. Raises `SettingsError` for a name that is none."""
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"“{name}” cannot be the name of a connection.", advice="Use letters, digits, hyphens and underscores."
        )
    return home() / "connections" / f"{name}.json"


def save(connection: Connection, name: str) -> Path:
    """Save a connection, readable by its owner only."""
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(connection), indent=2))
    unfinished.replace(path)
    return path


def load(name: str) -> Connection:
    """Load a saved connection. Raises `SettingsError`."""
    path = path_of(name)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SettingsError(
            f"There is no connection called “{name}” ({path}).",
            advice=suggestion(name, saved(), "there is")
            or "Make one with `sheets-catalog connect`, or try `sheets-catalog demo` first.",
        ) from error
    except OSError as error:
        raise SettingsError(f"The settings {path} cannot be read: {error.strerror}.") from error
    return parse(content, str(path))


def parse(content: bytes, where: str) -> Connection:
    """Read a connection from JSON. Unknown and wrong settings are refused by name; raises `SettingsError`."""
    try:
        return msgspec.json.decode(content, type=Connection)
    except msgspec.MsgspecError as error:
        raise SettingsError(f"The settings in {where} cannot be used: {error}.", advice="Connect again.") from error


def saved() -> list[str]:
    """The names of all saved connections."""
    return sorted(path.stem for path in (home() / "connections").glob("*.json"))


@dataclass(frozen=True, slots=True)
class Systems:
    """A connection with its systems opened. `calls` is the one layer that retries, and counts what was called.

    A context manager: leaving it closes the connections that are kept for reuse.
    """

    connection: Connection
    transport: Transport
    sheets: Spreadsheets
    drive: Drive
    shop: Shop
    catalogue: Catalogue
    clock: Clock
    rng: random.Random
    calls: Retrying

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        self.transport.close()
        self.shop.close()

    @property
    def shop_name(self) -> str:
        """The shop's permanent domain."""
        return self.shop.domain


def open_systems(
    connection: Connection, *, rng: random.Random | None = None, policy: RetryPolicy | None = None, calls: Any = None
) -> Systems:
    """Open everything a connection names. Nothing is sent yet. Raises `SettingsError`."""
    clock = clock_of(connection)
    rng = rng or random.Random()  # noqa: S311 - spreads retries, keeps no secret
    calls = calls or Retrying(clock, rng, policy or RetryPolicy())
    given = msgspec.to_builtins(connection.google)
    root_url = given.pop("root_url", "")
    timeouts = Timeouts(read=connection.timeout)
    given["features"] = features_of(connection.google)
    transport = Transport(credentials_from(given), root_url=root_url, timeouts=timeouts, threads=THREADS)
    shop = Shop(
        connection.shopify.shop,
        _token_source(connection.shopify, clock),
        clock=clock,
        base_url=connection.shopify.base_url,
        around=calls,
        timeout=(3.05, connection.timeout),
    )
    sheets, drive = Spreadsheets(transport, calls), Drive(transport, calls)
    return Systems(connection, transport, sheets, drive, shop, Catalogue(shop), clock, rng, calls)


def features_of(google: GoogleSettings) -> tuple[str, ...]:
    """What is asked for: the least that works.

    ``drive.file`` shows an app only files that it made or that were picked for it, and nobody can pick for a service
    account: one that stands in for nobody asks for every file it may see, which are those that were shared with it.
    """
    if google.service_account_file and not google.subject:
        return google.features or SHARED_FILES
    return google.features or DEFAULT_FEATURES


def clock_of(connection: Connection) -> Clock:
    """The clock a connection runs on."""
    given = connection.clock
    return ScaledClock(given.speed, given.real_epoch, given.simulated_epoch) if given else SystemClock()


def _token_source(settings: ShopifySettings, clock: Clock) -> TokenSource:
    if settings.access_token:
        return StaticToken(settings.access_token)
    if settings.client_id and settings.client_secret:
        return ClientCredentials(settings.client_id, settings.client_secret, clock)
    raise SettingsError(
        f"The connection to {settings.shop} has no credentials.",
        advice="Give an access token, or the client id and secret of your app: `sheets-catalog connect shopify`.",
    )
