"""Connections that are not complete yet: Google is connected first, Shopify then, or the other way round."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from sheets_catalog.errors import SettingsError
from sheets_catalog.flows import connection as connections
from sheets_catalog.flows.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_GOOGLE = frozenset({"google", "spreadsheet_id", "folder_id"})
_SHOPIFY = frozenset({"shopify"})
_NEEDED = _GOOGLE | _SHOPIFY


def known(name: str) -> dict[str, Any]:
    """What is known of a connection: all of it when it is complete, a part when it is a draft, else nothing."""
    path = connections.path_of(name)
    if path.exists():
        found: dict[str, Any] = msgspec.to_builtins(connections.load(name))
        return found
    try:
        return msgspec.json.decode(_path(name).read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f"The unfinished settings {_path(name)} cannot be read: {error}.",
            advice="Delete the file and connect again.",
        ) from error


def merge(name: str, part: Mapping[str, Any]) -> tuple[Path, Connection | None]:
    """Save a part of a connection. Returns where, and the connection when it is complete now."""
    whole = known(name) | dict(part)
    if not whole.keys() >= _NEEDED:
        return _save_draft(name, whole), None
    connection = connections.parse(msgspec.json.encode(whole), f"the connection “{name}”")
    path = connections.save(connection, name)
    _path(name).unlink(missing_ok=True)
    return path, connection


def missing(name: str) -> str:
    """Which side is not connected yet: ``google``, ``shopify`` or empty."""
    have = known(name).keys()
    if not have >= _GOOGLE:
        return "google"
    return "" if have >= _SHOPIFY else "shopify"


def names() -> list[str]:
    """Connections that are not complete."""
    return sorted(path.stem for path in (connections.home() / "drafts").glob("*.json"))


def forget(name: str) -> bool:
    """Delete a connection's settings, complete or not; whether there were any."""
    paths = [connections.path_of(name), _path(name)]
    there = [path for path in paths if path.exists()]
    for path in there:
        path.unlink()
    return bool(there)


def _path(name: str) -> Path:
    return connections.home() / "drafts" / connections.path_of(name).name


def _save_draft(name: str, content: Mapping[str, Any]) -> Path:
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content), indent=2))
    unfinished.replace(path)
    return path
