"""Files in Drive: found, made, copied, read, and used to keep state with compare-and-set.

Drive v3 for everything but state: only Drive v2 shows a file's etag and takes ``If-Match``, the one conditional write
that Google offers here. Every call goes through `Around` and is sent once; any number of threads may share a `Drive`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from sheets_catalog.errors import InputError, NotFound, Unavailable
from sheets_catalog.google.batches import MOST_IN_BATCH, exchange
from sheets_catalog.google.errors import SERVICE
from sheets_catalog.google.files import (
    FILE_FIELDS,
    FOLDER,
    PERMISSION_FIELDS,
    STATE_FIELDS,
    About,
    File,
    FileState,
    Permission,
    StateAnswer,
    check_properties,
    checked_id,
    property_changes,
    query,
)
from sheets_catalog.google.transport import Answer, Transport, operation_of
from sheets_catalog.google.uploads import media_of, upload
from sheets_catalog.upstream import Around, Safety, directly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

T = TypeVar("T")

MOST_IDS = 1_000
"""Ids that one ``files.generateIds`` gives at most."""

PAGE = 1_000
"""Files of one page of a list, the most that Drive gives; it may give fewer on any page."""

_Body: TypeAlias = dict[str, Any]
_Found: TypeAlias = list[File]  # inside the class, `list` is Drive's
_Strings: TypeAlias = list[str]
_Granted: TypeAlias = list[Permission]


class _Ids(msgspec.Struct):
    ids: list[str] = []


class _Files(msgspec.Struct, rename="camel"):
    files: list[File] = []
    next_page_token: str = ""
    incomplete_search: bool = False


class _Permissions(msgspec.Struct, rename="camel"):
    permissions: list[Permission] = []
    next_page_token: str = ""


class Drive:
    """Google Drive as one account. Raises the errors of `sheets_catalog.google.errors`."""

    def __init__(self, transport: Transport, around: Around = directly) -> None:
        self._transport = transport
        self._around = around
        self._v3 = transport.service("drive", "v3")
        self._v2 = transport.service("drive", "v2")

    # --- what there is ---

    def about(self) -> About:
        """The account behind the credentials, and its storage."""
        built = self._v3.about().get(fields="user(displayName,emailAddress,permissionId),storageQuota(limit,usage)")
        return self._call("read", built, About)

    def get(self, file_id: str, fields: str = FILE_FIELDS) -> File:
        """The file, trashed or not, with Google's time of the answer. `NotFound` also when this app may not see it."""
        built = self._v3.files().get(fileId=checked_id(file_id), fields=fields, supportsAllDrives=True)
        return self._around("read", SERVICE, operation_of(built), lambda: _stamped(self._transport.send(built)))

    def get_many(self, file_ids: Sequence[str]) -> Mapping[str, File]:
        """Those of these files that are there (trashed or not), by id, 100 in one request."""
        found: dict[str, File] = {}
        for first in range(0, len(file_ids), MOST_IN_BATCH):
            found |= self._get_some([checked_id(each) for each in file_ids[first : first + MOST_IN_BATCH]])
        return found

    def _get_some(self, ids: Sequence[str]) -> dict[str, File]:
        built = [self._v3.files().get(fileId=each, fields=FILE_FIELDS, supportsAllDrives=True) for each in ids]

        def send() -> dict[str, File]:
            files = (_existing(answer) for answer in exchange(self._transport, built))
            return {file.id: file for file in files if file}

        return self._around("read", SERVICE, "drive.batch", send)

    def list(self, q: str, *, fields: str = FILE_FIELDS, order_by: str = "", drive_id: str = "") -> Iterator[File]:
        """All files that fit the query, page by page. Search may lag behind writes by minutes.

        Raises `Unavailable` when Drive did not search everywhere: that is not an empty result. `drive_id`: search that
        shared drive only, else everything the account can see.
        """
        token = ""
        while True:
            page = self._page(q, fields, order_by, drive_id, token)
            yield from page.files
            token, before = page.next_page_token, token
            if not token:
                return
            if token == before:
                raise _unfinished("gave the same page again")

    def _page(self, q: str, fields: str, order_by: str, drive_id: str, token: str) -> _Files:
        where = {"corpora": "drive", "driveId": drive_id} if drive_id else {}
        built = self._v3.files().list(
            q=q,
            fields=f"nextPageToken,incompleteSearch,files({fields})",
            pageSize=PAGE,
            supportsAllDrives=True,
            includeItemsFromAllDrives=True,
            **where,
            **({"orderBy": order_by} if order_by else {}),
            **({"pageToken": token} if token else {}),
        )

        def send() -> _Files:
            page = self._transport.send(built).decoded(_Files, strict=False)
            if page.incomplete_search:
                raise _unfinished("did not search everywhere")
            return page

        return self._around("read", SERVICE, operation_of(built), send)

    def find(
        self,
        *,
        app_properties: Mapping[str, str] | None = None,
        parent: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
        trashed: bool | None = False,
        fields: str = FILE_FIELDS,
    ) -> _Found:
        """All files with these private properties, parent, type and name, as a list: names repeat in Drive.

        Raises `InputError` without any condition.
        """
        if not (app_properties or parent or mime_type or name is not None):
            raise InputError("Found no condition for a search in Drive, expected at least one.")
        conditions = query(
            app_properties=app_properties, parent=parent, mime_type=mime_type, name=name, trashed=trashed
        )
        return [*self.list(conditions, fields=fields)]

    def children(self, folder_id: str, *, trashed: bool | None = False, fields: str = FILE_FIELDS) -> Iterator[File]:
        """What a folder holds directly."""
        return self.list(query(parent=folder_id, trashed=trashed), fields=fields)

    def read(self, file_id: str) -> bytes:
        """The file's whole content. A body shorter than announced raises `Unavailable`."""
        built = self._v3.files().get_media(fileId=checked_id(file_id), supportsAllDrives=True)
        return self._around("read", SERVICE, operation_of(built), lambda: self._transport.send(built).body)

    def permissions(self, file_id: str) -> _Granted:
        """Who may do what with the file, all pages."""
        found: _Granted = []
        token = ""
        while True:
            built = self._v3.permissions().list(
                fileId=checked_id(file_id),
                fields=f"nextPageToken,permissions({PERMISSION_FIELDS})",
                pageSize=100,
                supportsAllDrives=True,
                **({"pageToken": token} if token else {}),
            )
            page = self._call("read", built, _Permissions)
            found += page.permissions
            token, before = page.next_page_token, token
            if not token:
                return found
            if token == before:
                raise _unfinished("gave the same page again")

    # --- making ---

    def generate_ids(self, count: int) -> _Strings:
        """Fresh ids for `create_file`, `create_folder` and `copy`, of this account."""
        found: _Strings = []
        while len(found) < count:
            built = self._v3.files().generateIds(count=min(MOST_IDS, count - len(found)), space="drive")
            ids = self._call("read", built, _Ids).ids
            if not ids:
                raise _unfinished("gave no ids", operation_of(built))
            found += ids
        return found[:count]

    def create_file(
        self,
        file_id: str,
        name: str,
        content: bytes,
        mime_type: str,
        *,
        parents: Sequence[str] = (),
        app_properties: Mapping[str, str] | None = None,
    ) -> File:
        """Make a file with content under an id from `generate_ids`: sent twice, the second is refused.

        Raises `Refused` with reason ``duplicate`` when the id is taken already - by this very file, if the first
        answer was lost. Google's own formats cannot be made this way: they take no id of our choice.
        """
        body = _metadata(name, app_properties, parents, id=checked_id(file_id), mimeType=mime_type)
        media = media_of(content, mime_type)
        built = self._v3.files().create(body=body, media_body=media, fields=FILE_FIELDS, supportsAllDrives=True)

        def send() -> File:
            return upload(self._transport, built, content).decoded(File, strict=False)

        return self._around("repeatable", SERVICE, operation_of(built), send)

    def create_folder(
        self, file_id: str, name: str, *, parent: str | None = None, app_properties: Mapping[str, str] | None = None
    ) -> File:
        """Make a folder under an id from `generate_ids`; `Refused` with reason ``duplicate`` when the id is taken."""
        body = _metadata(name, app_properties, [parent] if parent else [], id=checked_id(file_id), mimeType=FOLDER)
        built = self._v3.files().create(body=body, fields=FILE_FIELDS, supportsAllDrives=True)
        return self._call("repeatable", built, File)

    def create_native(
        self, name: str, mime_type: str, *, parent: str, app_properties: Mapping[str, str] | None = None
    ) -> File:
        """Make an empty file of one of Google's own formats. Not repeatable: it takes no id of ours, so probe."""
        body = _metadata(name, app_properties, [parent], mimeType=mime_type)
        built = self._v3.files().create(body=body, fields=FILE_FIELDS, supportsAllDrives=True)
        return self._call("once", built, File)

    def copy(
        self,
        file_id: str,
        new_id: str | None,
        name: str,
        *,
        parent: str | None = None,
        app_properties: Mapping[str, str | None] | None = None,
        properties: Mapping[str, None] | None = None,
        description: str | None = None,
    ) -> File:
        """Copy a file into a folder. With `new_id` (files with content only) repeatable, else the caller must probe.

        A copy takes over the source's private and public properties (name those to drop with None) and its description
        (give ``""`` to drop it). Without `parent` Drive chooses a folder of the source, which the account may not be
        able to write. Folders cannot be copied.
        """
        ids = {"id": checked_id(new_id)} if new_id else {}
        body = _metadata(name, app_properties, [parent] if parent else [], **ids)
        body |= {"properties": dict(properties)} if properties else {}
        body |= {} if description is None else {"description": description}
        built = self._v3.files().copy(fileId=checked_id(file_id), body=body, fields=FILE_FIELDS, supportsAllDrives=True)
        return self._call("repeatable" if new_id else "once", built, File)

    # --- changing ---

    def rename(self, file_id: str, name: str) -> File:
        """Give it another name."""
        return self._update(file_id, {"name": name})

    def trash(self, file_id: str) -> File:
        """Move it to the trash, where people can take it back from for 30 days."""
        return self._update(file_id, {"trashed": True})

    def untrash(self, file_id: str) -> File:
        """Take it back from the trash."""
        return self._update(file_id, {"trashed": False})

    def set_properties(self, file_id: str, changes: Mapping[str, str | None]) -> File:
        """Set private properties, None removes one; keys not named stay. Unconditional: state goes by `write_state`."""
        check_properties(changes)
        return self._update(file_id, {"appProperties": dict(changes)})

    def move(self, file_id: str, *, to: str, out_of: str) -> File:
        """Put it into another folder."""
        return self._update(file_id, {}, addParents=checked_id(to), removeParents=checked_id(out_of))

    def _update(self, file_id: str, body: _Body, **parameters: str) -> File:
        built = self._v3.files().update(
            fileId=checked_id(file_id), body=body, fields=FILE_FIELDS, supportsAllDrives=True, **parameters
        )
        return self._call("repeatable", built, File)

    def create_permission(
        self,
        file_id: str,
        *,
        type_: str,
        role: str,
        email_address: str = "",
        domain: str = "",
        notify: bool = False,
        message: str = "",
    ) -> Permission:
        """Share it. Doing so twice changes nothing, except that `notify` (an e-mail) may then be sent twice."""
        to = {name: value for name, value in (("emailAddress", email_address), ("domain", domain)) if value}
        mail = {"sendNotificationEmail": notify} if type_ in {"user", "group"} else {}
        built = self._v3.permissions().create(
            fileId=checked_id(file_id),
            body={"type": type_, "role": role} | to,
            fields=PERMISSION_FIELDS,
            supportsAllDrives=True,
            **mail,
            **({"emailMessage": message} if notify and message else {}),
        )
        return self._call("once" if notify else "repeatable", built, Permission)

    def delete_permission(self, file_id: str, permission_id: str) -> None:
        """Take a permission away; `NotFound` when it is gone already."""
        built = self._v3.permissions().delete(
            fileId=checked_id(file_id), permissionId=permission_id, supportsAllDrives=True
        )
        self._around("repeatable", SERVICE, operation_of(built), lambda: self._transport.send(built))

    # --- state with compare-and-set (Drive v2) ---

    def read_state(self, file_id: str) -> FileState:
        """The file's private properties, with the etag that a conditional write needs and Google's clock."""
        built = self._v2.files().get(fileId=checked_id(file_id), fields=STATE_FIELDS, supportsAllDrives=True)
        return self._state("read", built)

    def write_state(self, file_id: str, changes: Mapping[str, str | None], if_match: str) -> FileState:
        """Change private properties if the file is still as `if_match` says; the state the server then has.

        Keys not named stay, None removes one. Raises `PreconditionFailed` when the file has changed meanwhile, in any
        way: read it again and judge. Repeatable, as the second sending no longer finds the etag.
        """
        built = self._v2.files().patch(
            fileId=checked_id(file_id),
            body={"properties": property_changes(changes)},
            fields=STATE_FIELDS,
            supportsAllDrives=True,
        )
        return self._state("repeatable", built, _condition(if_match))

    def update_content(
        self,
        file_id: str,
        content: bytes,
        *,
        mime_type: str = "application/octet-stream",
        if_match: str | None = None,
        app_properties: Mapping[str, str | None] | None = None,
    ) -> FileState:
        """Replace the content, and set private properties, in one step; the state the server then has.

        With `if_match` only if the file is still as that etag says, else `PreconditionFailed`. Without it whatever is
        there is replaced.
        """
        headers = _condition(if_match) if if_match is not None else {}
        built = self._v2.files().update(
            fileId=checked_id(file_id),
            body={"properties": property_changes(app_properties or {})} if app_properties else {},
            media_body=media_of(content, mime_type),
            fields=STATE_FIELDS,
            supportsAllDrives=True,
        )

        def send() -> FileState:
            answer = upload(self._transport, built, content, headers)
            return answer.decoded(StateAnswer).state(answer.server_time)

        return self._around("repeatable", SERVICE, operation_of(built), send)

    def _state(self, safety: Safety, built: Any, headers: Mapping[str, str] | None = None) -> FileState:
        def send() -> FileState:
            answer = self._transport.send(built, headers=headers)
            return answer.decoded(StateAnswer).state(answer.server_time)

        return self._around(safety, SERVICE, operation_of(built), send)

    def _call(self, safety: Safety, built: Any, shape: type[T]) -> T:
        def send() -> T:
            return self._transport.send(built).decoded(shape, strict=False)

        return self._around(safety, SERVICE, operation_of(built), send)


def _existing(answer: Answer | NotFound) -> File | None:
    return None if isinstance(answer, NotFound) else answer.decoded(File, strict=False)


def _condition(etag: str) -> dict[str, str]:
    if not etag or not etag.isprintable():
        raise InputError(f"Found the etag {etag!r}, expected one from read_state.")
    return {"If-Match": etag}


def _metadata(
    name: str, app_properties: Mapping[str, str | None] | None, parents: Sequence[str], **more: str
) -> dict[str, Any]:
    check_properties(app_properties or {})
    body: dict[str, Any] = {"name": name, **more}
    if app_properties:
        body["appProperties"] = dict(app_properties)
    if parents:
        body["parents"] = [checked_id(each) for each in parents]
    return body


def _stamped(answer: Answer) -> File:
    found = answer.decoded(File, strict=False)
    return msgspec.structs.replace(found, server_time=answer.server_time)


def _unfinished(what: str, operation: str = "drive.files.list") -> Unavailable:
    return Unavailable(f"Google {what} ({operation}).", service=SERVICE, operation=operation, status=200)
