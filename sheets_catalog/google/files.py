"""Drive's files as values: what an answer says about one, and search queries. Pure."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from typing import TYPE_CHECKING, Any

import msgspec

from sheets_catalog.errors import InputError
from sheets_catalog.google.links import is_file_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = "application/vnd.google-apps.folder"
SHEET = "application/vnd.google-apps.spreadsheet"
SHORTCUT = "application/vnd.google-apps.shortcut"

PROPERTY_BYTES = 124
"""Most bytes (UTF-8) of a property's key and value together; a file may have 30 private ones of one app.
https://developers.google.com/workspace/drive/api/guides/properties"""

PROPERTY_COUNT = 30


class Shortcut(msgspec.Struct, frozen=True, rename="camel"):
    """What a shortcut points to."""

    target_id: str = ""
    target_mime_type: str = ""


class File(msgspec.Struct, frozen=True, rename="camel"):
    """A file or folder. A field that was not asked for, or that Drive leaves out, has its empty value.

    `app_properties` are private to this app. `size` in bytes: None for folders and shortcuts. The checksums exist for
    files with content only, not for Google's own formats. `version` rises with every change, also invisible ones.
    `server_time`: Google's clock when it answered (only from `Drive.get`).
    """

    id: str = ""
    name: str = ""
    mime_type: str = ""
    parents: tuple[str, ...] = ()
    trashed: bool = False
    size: int | None = None
    md5_checksum: str = ""
    sha256_checksum: str = ""
    version: int = 0
    created_time: datetime | None = None
    modified_time: datetime | None = None
    app_properties: dict[str, str] = {}
    properties: dict[str, str] = {}
    capabilities: dict[str, bool] = {}
    shortcut_details: Shortcut | None = None
    web_view_link: str = ""
    drive_id: str = ""
    owned_by_me: bool = False
    server_time: datetime | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it holds other files."""
        return self.mime_type == FOLDER

    @property
    def is_native(self) -> bool:
        """Whether it is one of Google's own formats: no content to download, and no id of our choice."""
        return self.mime_type.startswith("application/vnd.google-apps.")

    def may(self, capability: str) -> bool:
        """Whether this account has a capability such as ``canCopy`` (False when it was not asked for)."""
        return self.capabilities.get(capability, False)


class Permission(msgspec.Struct, frozen=True, rename="camel"):
    """Who may do what. `type`: user, group, domain or anyone; `role`: owner, organizer, fileOrganizer, writer ..."""

    id: str = ""
    type: str = ""
    role: str = ""
    email_address: str = ""
    domain: str = ""
    deleted: bool = False
    allow_file_discovery: bool = False


class FileState(msgspec.Struct, frozen=True):
    """A file's private properties with what a compare-and-set needs.

    `etag`: for `if_match`; `modified` and `server_time` are both Google's clock (whole seconds the latter).
    """

    etag: str
    properties: dict[str, str]
    modified: datetime | None
    server_time: datetime | None
    trashed: bool = False


class User(msgspec.Struct, frozen=True, rename="camel"):
    """The account behind the credentials."""

    display_name: str = ""
    email_address: str = ""
    permission_id: str = ""


class Quota(msgspec.Struct, frozen=True, rename="camel"):
    """Storage in bytes; `limit` is None when there is none."""

    limit: int | None = None
    usage: int = 0


class About(msgspec.Struct, frozen=True, rename="camel"):
    """The account and its storage."""

    user: User = User()
    storage_quota: Quota = Quota()


FILE_FIELDS = (
    "id,name,mimeType,parents,trashed,size,md5Checksum,sha256Checksum,version,createdTime,modifiedTime,"
    "appProperties,properties,shortcutDetails(targetId,targetMimeType),webViewLink,driveId,ownedByMe,"
    "capabilities(canAddChildren,canListChildren,canCopy,canEdit,canModifyContent,canDownload,canTrash,canRename,canShare)"
)
"""All fields of `File`."""

PERMISSION_FIELDS = "id,type,role,emailAddress,domain,deleted,allowFileDiscovery"

STATE_FIELDS = "etag,modifiedDate,labels(trashed),properties(key,value,visibility)"
"""Of Drive v2, where a file has an etag."""


class _Property(msgspec.Struct):
    key: str
    value: str = ""
    visibility: str = "PRIVATE"


class _Labels(msgspec.Struct):
    trashed: bool = False


class StateAnswer(msgspec.Struct, rename="camel"):
    """Drive v2's file, as far as `STATE_FIELDS` ask for it."""

    etag: str
    modified_date: datetime | None = None
    labels: _Labels = msgspec.field(default_factory=_Labels)
    properties: list[_Property] = []

    def state(self, server_time: datetime | None) -> FileState:
        """The private properties; public ones are other people's."""
        private = {each.key: each.value for each in self.properties if each.visibility == "PRIVATE"}
        return FileState(self.etag, private, self.modified_date, server_time, self.labels.trashed)


def property_changes(changes: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Private properties for a Drive v2 body; keys that are not named stay, None removes one.

    Raises `InputError` for one that is too long: Drive's answer to it is a 403 that names none.
    """
    check_properties(changes)
    return [{"key": key, "value": value, "visibility": "PRIVATE"} for key, value in changes.items()]


def check_properties(changes: Mapping[str, str | None]) -> None:
    """Raise `InputError` for a property that Drive would refuse."""
    for key, value in changes.items():
        size = len(key.encode()) + len((value or "").encode())
        if not key or size > PROPERTY_BYTES:
            raise InputError(
                f"Property {key!r}: found {size} bytes of key and value, expected 1 to {PROPERTY_BYTES} "
                "(and a key that is not empty)."
            )
    kept = sum(value is not None for value in changes.values())
    if kept > PROPERTY_COUNT:
        raise InputError(f"Found {kept} properties for one file, expected at most {PROPERTY_COUNT}.")


def checked_id(file_id: str) -> str:
    """The id itself. Raises `InputError` for what cannot be one, before it gets into an address or a query."""
    if file_id == "root" or is_file_id(file_id):
        return file_id
    raise InputError(f"Found {file_id!r}, expected a file id.", advice="Use file_id_from for links.")


def text_in_query(text: str) -> str:
    r"""A text as a Drive query needs it: in single quotes, with ``\`` and ``'`` escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def query(
    *,
    app_properties: Mapping[str, str] | None = None,
    parent: str | None = None,
    mime_type: str | None = None,
    name: str | None = None,
    trashed: bool | None = False,
) -> str:
    """A search query of these conditions, all of which must hold. `trashed` None: both."""
    terms: Iterable[str] = (
        *(
            f"appProperties has {{ key={text_in_query(key)} and value={text_in_query(value)} }}"
            for key, value in (app_properties or {}).items()
        ),
        *([f"{text_in_query(checked_id(parent))} in parents"] if parent else []),
        *([f"mimeType = {text_in_query(mime_type)}"] if mime_type else []),
        *([f"name = {text_in_query(name)}"] if name is not None else []),
        *([] if trashed is None else [f"trashed = {str(trashed).lower()}"]),
    )
    return " and ".join(terms)
