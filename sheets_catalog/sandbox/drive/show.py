"""Files, permissions and users as the v3 API shows them. Only what the mask selects is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive.capabilities import can_copy, capabilities, exportable
from sheets_catalog.sandbox.drive.fields import Mask, apply, inner
from sheets_catalog.sandbox.drive.files import SHORTCUT, SPREADSHEET, File, Permission, rank
from sheets_catalog.sandbox.wire import JSON, Caller, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sheets_catalog.sandbox.drive.store import FileStore

DEFAULT_FIELDS: Final[Mask] = {
    "kind": None,
    "id": None,
    "name": None,
    "mimeType": None,
    "driveId": None,
    "teamDriveId": None,
}
"""What v3 shows of a file when nothing is asked for."""

EXPORTS: Final = {
    SPREADSHEET: {
        "application/x-vnd.oasis.opendocument.spreadsheet": "ods",
        "text/tab-separated-values": "tsv",
        "application/pdf": "pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/csv": "csv",
        "application/zip": "zip",
        "application/vnd.oasis.opendocument.spreadsheet": "ods",
    },
    "application/vnd.google-apps.document": {
        "application/rtf": "rtf",
        "application/vnd.oasis.opendocument.text": "odt",
        "text/html": "html",
        "application/pdf": "pdf",
        "text/x-markdown": "md",
        "text/markdown": "md",
        "application/epub+zip": "epub",
        "application/zip": "zip",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "text/plain": "txt",
    },
    "application/vnd.google-apps.presentation": {
        "application/vnd.oasis.opendocument.presentation": "odp",
        "application/pdf": "pdf",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
        "text/plain": "txt",
    },
    "application/vnd.google-apps.drawing": {
        "image/svg+xml": "svg",
        "image/png": "png",
        "application/pdf": "pdf",
        "image/jpeg": "jpeg",
    },
}
EDITORS: Final = {
    SPREADSHEET: "spreadsheets",
    "application/vnd.google-apps.document": "document",
    "application/vnd.google-apps.presentation": "presentation",
}


@dataclass(frozen=True)
class View:
    """One file as one caller sees it."""

    file: File
    caller: Caller
    store: FileStore

    def show(self, mask: Mask | None) -> dict[str, Any]:
        """The resource with the selected fields; None or `*`: all of them. Fields without a value are left out."""
        whole = mask is None or "*" in mask
        names = FIELDS if whole or mask is None else [name for name in FIELDS if name in mask]
        shown: dict[str, Any] = {}
        for name in names:
            value = FIELDS[name](self)
            if value is not None:
                shown[name] = apply(inner(mask, name), value)
        return shown

    @property
    def role(self) -> str:
        return self.store.role(self.file, self.caller.email)


def user(email: str, view: View) -> dict[str, JSON]:
    """A `drive#user`."""
    person = view.store.identity.user(email)
    return {
        "kind": "drive#user",
        "displayName": person.name,
        "me": email == view.caller.email,
        "permissionId": person.sub,
        "emailAddress": email,
    }


def permission(item: Permission, source: str, store: FileStore, *, in_drive: bool) -> dict[str, JSON]:
    """A `drive#permission` with everything it has; source: the item it is inherited from, "" for none."""
    shown: dict[str, JSON] = {"kind": "drive#permission", "id": item.id, "type": item.type, "role": item.role}
    if item.type in {"user", "group"}:
        shown |= {"emailAddress": item.email, "deleted": False, "pendingOwner": False}
        shown["displayName"] = store.identity.user(item.email).name if item.type == "user" else item.email
    if item.type == "domain":
        shown |= {"domain": item.domain, "displayName": item.domain}
    if item.type in {"domain", "anyone"}:
        shown["allowFileDiscovery"] = item.discoverable
    if item.expires:
        shown["expirationTime"] = item.expires
    if in_drive:
        detail: dict[str, JSON] = {"permissionType": "member" if source in store.drives else "file", "role": item.role}
        detail |= {"inherited": bool(source)} | ({"inheritedFrom": source} if source else {})
        shown |= {"permissionDetails": [detail], "teamDrivePermissionDetails": [dict(detail)]}
    return shown


def web_link(file: File) -> str:
    """Where a person opens it."""
    if file.mime_type in EDITORS:
        return f"https://docs.google.com/{EDITORS[file.mime_type]}/d/{file.id}/edit?usp=drivesdk"
    if file.is_folder:
        return f"https://drive.google.com/drive/folders/{file.id}"
    return f"https://drive.google.com/file/d/{file.id}/view?usp=drivesdk"


def export_links(file: File) -> dict[str, str] | None:
    """Where a person downloads other formats; None for files that have none."""
    kinds = EXPORTS.get(file.mime_type)
    if kinds is None:
        return None
    place = EDITORS.get(file.mime_type, "drawings")
    return {
        mime: f"https://docs.google.com/{place}/export?id={file.id}&exportFormat={ending}"
        for mime, ending in kinds.items()
    }


def _permissions(view: View) -> list[JSON] | None:
    if view.file.drive_id or rank(view.role) < rank("writer"):
        return None  # shown to those who can share it, and never for items of shared drives
    found = view.store.permissions_of(view.file)
    return [permission(item, source, view.store, in_drive=False) for item, source in found.values()]


def _permission_ids(view: View) -> list[str] | None:
    if rank(view.role) < rank("writer"):
        return None
    return list(view.store.permissions_of(view.file))


def _shortcut(view: View) -> dict[str, str] | None:
    if view.file.mime_type != SHORTCUT:
        return None
    return {"targetId": view.file.shortcut_target, "targetMimeType": view.file.shortcut_target_type}


def _checksum(algorithm: str) -> Callable[[View], str | None]:
    return lambda view: view.file.content.checksum(algorithm) if view.file.content is not None else None


def _me(view: View) -> bool:
    return view.file.modifier == view.caller.email


def _content_only(read: Callable[[File], str]) -> Callable[[View], str | None]:
    return lambda view: (read(view.file) or None) if view.file.content is not None else None


def _size(view: View) -> str | None:
    return None if view.file.size is None else str(view.file.size)


FIELDS: Final[Mapping[str, Callable[[View], JSON]]] = {
    "kind": lambda view: "drive#file",
    "id": lambda view: view.file.id,
    "name": lambda view: view.file.name,
    "mimeType": lambda view: view.file.mime_type,
    "driveId": lambda view: view.file.drive_id or None,
    "teamDriveId": lambda view: view.file.drive_id or None,
    "description": lambda view: view.file.description or None,
    "starred": lambda view: view.caller.email in view.file.starred_by,
    "trashed": lambda view: view.store.is_trashed(view.file),
    "explicitlyTrashed": lambda view: view.file.trashed,
    "trashedTime": lambda view: (
        rfc3339(view.file.trashed_at) if view.file.drive_id and view.file.trashed_at is not None else None
    ),
    "trashingUser": lambda view: user(view.file.trashed_by, view) if view.file.drive_id and view.file.trashed else None,
    "parents": lambda view: list(view.file.parents) or None,
    "properties": lambda view: dict(view.file.properties) or None,
    "appProperties": lambda view: dict(view.file.app_properties.get(view.caller.app, {})) or None,
    "spaces": lambda view: ["drive"],
    "version": lambda view: str(view.file.version),
    "webContentLink": _content_only(lambda file: f"https://drive.google.com/uc?id={file.id}&export=download"),
    "webViewLink": lambda view: web_link(view.file),
    "iconLink": lambda view: f"https://drive-thirdparty.googleusercontent.com/16/type/{view.file.mime_type}",
    "hasThumbnail": lambda view: False,
    "thumbnailVersion": lambda view: "0",
    "viewedByMe": lambda view: view.caller.email in view.file.viewed,
    "viewedByMeTime": lambda view: (
        rfc3339(view.file.viewed[view.caller.email]) if view.caller.email in view.file.viewed else None
    ),
    "createdTime": lambda view: rfc3339(view.file.created),
    "modifiedTime": lambda view: rfc3339(view.file.modified),
    "modifiedByMeTime": lambda view: rfc3339(view.file.modified) if _me(view) else None,
    "modifiedByMe": _me,
    "sharedWithMeTime": lambda view: (
        rfc3339(view.file.shared_with[view.caller.email]) if view.caller.email in view.file.shared_with else None
    ),
    "owners": lambda view: [user(view.file.owner, view)] if view.file.owner else None,
    "lastModifyingUser": lambda view: user(view.file.modifier, view),
    "shared": lambda view: len(view.store.permissions_of(view.file)) > 1,
    "ownedByMe": lambda view: view.file.owner == view.caller.email if not view.file.drive_id else None,
    "capabilities": lambda view: capabilities(view.file, view.caller.email, view.store),
    "viewersCanCopyContent": lambda view: not view.file.no_copy_for_readers,
    "copyRequiresWriterPermission": lambda view: view.file.no_copy_for_readers,
    "writersCanShare": lambda view: view.file.writers_can_share if not view.file.drive_id else None,
    "permissions": _permissions,
    "permissionIds": _permission_ids,
    "hasAugmentedPermissions": lambda view: False if view.file.drive_id else None,
    "folderColorRgb": lambda view: (view.file.folder_color or "#8f8f8f") if view.file.is_folder else None,
    "originalFilename": _content_only(lambda file: file.original_filename),
    "fullFileExtension": _content_only(lambda file: file.extension),
    "fileExtension": _content_only(lambda file: file.extension),
    "md5Checksum": _checksum("md5"),
    "sha1Checksum": _checksum("sha1"),
    "sha256Checksum": _checksum("sha256"),
    "size": _size,
    "quotaBytesUsed": lambda view: str(view.file.size or 0),
    "headRevisionId": _content_only(lambda file: file.revision),
    "isAppAuthorized": lambda view: (view.caller.app, view.caller.email) in view.file.apps,
    "exportLinks": lambda view: (
        export_links(view.file) if exportable(view.file) and can_copy(view.file, view.role) else None
    ),
    "shortcutDetails": _shortcut,
    "contentRestrictions": lambda view: [dict(item) for item in view.file.restrictions] or None,
    "linkShareMetadata": lambda view: {"securityUpdateEligible": False, "securityUpdateEnabled": True},
    "inheritedPermissionsDisabled": lambda view: False,
}
