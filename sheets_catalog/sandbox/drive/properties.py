"""Custom properties of files: patch semantics and limits.

https://developers.google.com/workspace/drive/api/guides/properties: 124 bytes of UTF-8 for key and value together, 30
public ones, 30 private ones per app, 100 in all. Past a limit Drive answers 403.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import problems

if TYPE_CHECKING:
    from sheets_catalog.sandbox.drive.files import File

BYTES: Final = 124
PER_KIND: Final = 30
IN_ALL: Final = 100


def patched(present: Mapping[str, str], changes: object, name: str) -> dict[str, str]:
    """Properties after a patch: keys not mentioned stay, null clears. `name`: the field, for the error."""
    if not isinstance(changes, Mapping):
        raise problems.bad_request(f"Invalid value at '{name}': a map of strings is expected.", "invalid")
    result = dict(present)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif not isinstance(value, str):
            raise problems.bad_request(f"Invalid value at '{name}.{key}': a string is expected.", "invalid")
        else:
            result[key] = _fitting(key, value)
    return result


def _fitting(key: str, value: str) -> str:
    if len(key.encode()) + len(value.encode()) > BYTES:
        raise problems.refused(
            "propertyLengthLimitExceeded",
            f"Properties and app properties are limited to {BYTES} bytes in UTF-8 encoding, counting both the key and "
            "the value.",
        )
    return value


def check_counts(file: File) -> None:
    """403 propertyCountLimitExceeded when a file has more properties than it may."""
    private = [len(values) for values in file.app_properties.values()]
    if len(file.properties) > PER_KIND or max(private, default=0) > PER_KIND:
        raise _too_many(PER_KIND)
    if len(file.properties) + sum(private) > IN_ALL:
        raise _too_many(IN_ALL)


def _too_many(limit: int) -> Exception:
    message = f"The limit of {limit} properties for this file has been exceeded."
    return problems.refused("propertyCountLimitExceeded", message)


def change(file: File, app: str, body: Mapping[str, Any]) -> None:
    """Apply the `properties` and `appProperties` of a create, update or copy body, then check the limits."""
    if body.get("properties") is not None:
        file.properties = patched(file.properties, body["properties"], "properties")
    if body.get("appProperties") is not None:
        mine = patched(file.app_properties.get(app, {}), body["appProperties"], "app_properties")
        file.app_properties = {**file.app_properties, app: mine}
        if not mine:
            del file.app_properties[app]
    check_counts(file)
