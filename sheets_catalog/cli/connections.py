"""Which connection a command works on: a saved name, a settings file, or what a sandbox told about itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sheets_catalog.cli.naming import DEFAULT
from sheets_catalog.cli.text import visible
from sheets_catalog.errors import SettingsError, Unavailable
from sheets_catalog.flows import connection as connections
from sheets_catalog.flows.connection import ClockSettings, Connection, GoogleSettings, ShopifySettings

if TYPE_CHECKING:
    from collections.abc import Mapping


def find(wanted: str) -> tuple[str, Connection]:
    """The name and settings of the wanted connection (empty: the default one). Raises `SettingsError`."""
    if not wanted:
        name = _only_one(connections.saved())
        return name, connections.load(name)
    if looks_like_a_file(wanted):
        path = Path(wanted).expanduser()
        return str(path), from_bytes(_read(path), str(path))
    return wanted, connections.load(wanted)


def _only_one(saved: list[str]) -> str:
    if DEFAULT in saved:
        return DEFAULT
    if len(saved) == 1:
        return saved[0]
    if not saved:
        raise SettingsError(
            "There is no connection yet.",
            advice="Try `sheets-catalog demo`, or make one with `sheets-catalog connect google` and `connect shopify`; "
            "without an account: `sheets-catalog sandbox --port 8080 &`, then `connect sandbox http://127.0.0.1:8080`.",
        )
    raise SettingsError(
        f"There are several connections: {', '.join(saved)}.",
        advice="Choose one with `--connection NAME` or SHEETS_CATALOG_CONNECTION.",
    )


def looks_like_a_file(wanted: str) -> bool:
    """Whether it is a path rather than a name."""
    return "/" in wanted or "\\" in wanted or wanted.endswith((".json", ".jsonl"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read: {error.strerror or error}.",
            advice="Give the name of a saved connection, or the path of a readable file.",
        ) from error


def from_bytes(content: bytes, where: str) -> Connection:
    """A connection from settings as saved, or from the first line a sandbox prints. Raises `SettingsError`."""
    told = _object(content, where)
    return from_sandbox(told, where) if "url" in told else connections.parse(msgspec.json.encode(told), where)


def _object(content: bytes, where: str) -> dict[str, Any]:
    first, _, _ = content.lstrip().partition(b"\n")
    for text in (content, first):
        try:
            return msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            continue
    raise SettingsError(
        f"{where} does not hold the settings of a connection: found “{_beginning(content)}”, expected a JSON object.",
        advice="Give a file that `sheets-catalog connect` saved, or the line that `sheets-catalog sandbox` printed.",
    )


def _beginning(content: bytes) -> str:
    """The first line of what should have been JSON, as far as it can be read."""
    text = visible(content.decode("utf-8", "replace").strip().partition("\n")[0].rstrip("\r"))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


_SHOWN = 40
"""Characters of it."""


def from_sandbox(told: Mapping[str, Any], where: str) -> Connection:
    """The connection to a sandbox, from what it says about itself. Raises `SettingsError` naming what is missing."""
    try:
        url, google, shopify, clock = str(told["url"]), told["google"], told["shopify"], told["clock"]
        return Connection(
            google=GoogleSettings(access_token=google["token"], root_url=google.get("root") or url),
            shopify=ShopifySettings(
                shop=shopify["shop"],
                access_token=shopify["access_token"],
                base_url=shopify.get("base_url") or url,
            ),
            spreadsheet_id=told["spreadsheet_id"],
            folder_id=told["folder_id"],
            clock=ClockSettings(float(clock["speed"]), float(clock["real_epoch"]), float(clock["simulated_epoch"])),
            actor=google.get("email", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"What {where} says about its sandbox cannot be used: {_why(error)}.",
            advice="Start it again with `sheets-catalog sandbox` and give its first line whole.",
        ) from error


def _why(error: Exception) -> str:
    """What a sandbox's words about itself lack."""
    return f"“{error.args[0]}” is missing" if isinstance(error, KeyError) else str(error)


def tasks_of(content: bytes) -> dict[str, str]:
    """What a sandbox says of the tasks planted in it, for people; empty when it has none."""
    from sheets_catalog.flows.tasks.leaving import FOLDER_LINK

    planted = _object(content, "a sandbox").get("tasks") or {}
    if not planted:
        return {}
    return {
        "Tasks": f"{planted['tasks']:,} in the tab “Tasks”, {planted['files']:,} files",
        "Staging folder": FOLDER_LINK.format(planted["staging_folder"]),
        "Client's folder": FOLDER_LINK.format(planted["client_folder"]),
    }


def check_answers(name: str, connection: Connection) -> None:
    """Raise `Unavailable` when the connection is to a sandbox that has ended: waiting would be for nothing.

    One connection is opened and closed; nothing is sent. Anything but a refused connection is left to the command.
    """
    import socket
    from urllib.parse import urlsplit

    address = connection.google.root_url or connection.shopify.base_url
    parts = urlsplit(address)
    if parts.hostname not in _HERE or not parts.port:
        return
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=3).close()
    except ConnectionRefusedError as error:
        raise Unavailable(
            f"The sandbox of “{name}” is gone: nobody listens at {address}.",
            applied=False,
            service="sandbox",
            advice="Start one with `sheets-catalog sandbox --port 8080 &`, then `sheets-catalog connect sandbox "
            "http://127.0.0.1:8080`. The one of `sheets-catalog demo` ends with the demo.",
        ) from error
    except OSError:
        return


_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def command_hint(command: str, name: str) -> str:
    """A command line to copy, with the connection named unless it is the default one."""
    return f"sheets-catalog {command}" + ("" if name == DEFAULT else f" --connection {_quoted(name)}")


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
