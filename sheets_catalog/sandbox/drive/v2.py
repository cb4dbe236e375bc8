"""Drive v2, for what v3 has lost: the etag and `If-Match`.

Only the calls that need it: files get, patch, update, insert, list, copy, trash, untrash and delete, and properties. v2
calls a name a title; v3's appProperties are properties of visibility PRIVATE.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import listing, problems, writing
from sheets_catalog.sandbox.drive.ask import ANY, METADATA, WRITE, Ask
from sheets_catalog.sandbox.drive.capabilities import can_copy, locked
from sheets_catalog.sandbox.drive.fields import apply
from sheets_catalog.sandbox.drive.files import Content, File, is_native, rank
from sheets_catalog.sandbox.drive.show import View, export_links, permission, user, web_link
from sheets_catalog.sandbox.wire import JSON, Response, json_response, not_supported, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = "https://www.googleapis.com/drive/v2/files/"
SETTABLE: Final = {
    "id", "title", "mimeType", "description", "parents", "properties", "labels", "kind", "modifiedDate", "createdDate",
    "originalFilename", "writersCanShare", "copyRequiresWriterPermission", "folderColorRgb", "etag",
}  # fmt: skip
NEVER: Final = "1970-01-01T00:00:00.000Z"


# -- the guard ----------------------------------------------------------------------------------------------------


def guard(ask: Ask, file: File) -> None:
    """412 conditionNotMet unless `If-Match` (when sent) names the file's present etag."""
    wanted = ask.request.headers.get("If-Match")
    if wanted is not None and wanted.strip() not in {"*", file.etag}:
        raise problems.condition_not_met()


def guard_property(ask: Ask, file: File, etag: str) -> None:
    """The same for a single property: its own etag, or that of the file."""
    wanted = ask.request.headers.get("If-Match")
    if wanted is not None and wanted.strip() not in {"*", etag, file.etag}:
        raise problems.condition_not_met()


# -- files --------------------------------------------------------------------------------------------------------


def files_get(ask: Ask, args: Mapping[str, str]) -> JSON | Response:
    """The whole resource; 304 when `If-None-Match` names the present etag."""
    ask.scopes(ANY)
    file = ask.find(args["fileId"])
    if ask.request.headers.get("If-None-Match", "") == file.etag:
        return Response(status=304, headers={"ETag": file.etag})
    return answer(ask, file)


def files_list(ask: Ask, args: Mapping[str, str], pages: listing.Pages) -> JSON:
    """One page of a search."""
    ask.scopes(ANY)
    found, token = listing.hits(ask, pages, ask.number("maxResults", 100, 1, 1000))
    items = [resource(ask, file) for file in found]
    whole: dict[str, JSON] = {"kind": "drive#fileList", "etag": _tag(str([item["etag"] for item in items]))}
    if token:
        whole["nextPageToken"] = token
    whole |= {"incompleteSearch": False, "items": items}
    return apply(ask.mask("FileList", None), whole)


def files_insert(ask: Ask, args: Mapping[str, str]) -> Response:
    """Create from metadata."""
    return answer(ask, writing.create(ask, _as_v3(ask, ask.body, None)))


def files_patch(ask: Ask, args: Mapping[str, str]) -> Response:
    """Change metadata, if the guard holds."""
    ask.scopes(METADATA)
    file = ask.find(args["fileId"])
    guard(ask, file)
    body = _as_v3(ask, ask.body, file)
    _move_by_parents(ask, file)
    return answer(ask, writing.update(ask, file, body))


def files_copy(ask: Ask, args: Mapping[str, str]) -> Response:
    """Copy a file."""
    ask.scopes(WRITE)
    return answer(ask, writing.copy(ask, ask.find(args["fileId"]), _as_v3(ask, ask.body, None)))


def files_trash(ask: Ask, args: Mapping[str, str]) -> Response:
    """Into the trash."""
    ask.scopes(WRITE)
    file = ask.find(args["fileId"])
    guard(ask, file)
    return answer(ask, writing.update(ask, file, {"trashed": True}))


def files_untrash(ask: Ask, args: Mapping[str, str]) -> Response:
    """Out of the trash."""
    ask.scopes(WRITE)
    file = ask.find(args["fileId"])
    guard(ask, file)
    return answer(ask, writing.update(ask, file, {"trashed": False}))


def files_delete(ask: Ask, args: Mapping[str, str]) -> None:
    """Delete for good."""
    file = ask.find(args["fileId"])
    guard(ask, file)
    writing.delete(ask, file)


def uploaded(ask: Ask, file_id: str, metadata: Mapping[str, Any], content: Content, mime_type: str) -> JSON:
    """Insert or update with content, as the upload endpoints of v2 do."""
    if not file_id:
        body = _as_v3(ask, metadata, None)
        if ask.flag("convert") and mime_type in {"text/csv", "text/tab-separated-values"}:
            body["mimeType"] = "application/vnd.google-apps.spreadsheet"
        return resource(ask, writing.create(ask, body, content, mime_type))
    file = ask.find(file_id)
    guard(ask, file)
    return resource(ask, writing.update(ask, file, _as_v3(ask, metadata, file), content, mime_type))


def _move_by_parents(ask: Ask, file: File) -> None:
    """v2 lets one write `parents`; here only to say what is so already."""
    parents = ask.body.get("parents")
    if parents is None:
        return
    if [item.get("id") for item in parents] != list(file.parents):
        raise not_supported("moving a file by writing `parents` in v2 (use addParents and removeParents)")


def _as_v3(ask: Ask, body: Mapping[str, Any], file: File | None) -> dict[str, Any]:
    """The body in v3's words."""
    if unknown := set(body) - SETTABLE:
        raise not_supported(f"writing {sorted(unknown)} through v2")
    renamed = {"title": "name", "modifiedDate": "modifiedTime", "createdDate": "createdTime"}
    same = {"id", "mimeType", "description", "originalFilename", "writersCanShare", "copyRequiresWriterPermission"}
    converted = {
        renamed.get(name, name): value for name, value in body.items() if name in {*renamed, *same, "folderColorRgb"}
    }
    if file is not None:
        converted.pop("id", None)
        if not ask.flag("setModifiedDate"):
            converted.pop("modifiedTime", None)
    if file is None and body.get("parents"):
        converted["parents"] = [item["id"] for item in body["parents"]]
    for name in ("starred", "trashed"):
        if name in (body.get("labels") or {}):
            converted[name] = bool(body["labels"][name])
    for item in body.get("properties") or ():
        kind = "properties" if item.get("visibility") == "PUBLIC" else "appProperties"
        converted.setdefault(kind, {})[str(item["key"])] = item.get("value")
    return converted


def answer(ask: Ask, file: File) -> Response:
    """The resource, with its etag as a header too."""
    response = json_response(apply(ask.mask("File", None), resource(ask, file)))
    response.headers["ETag"] = file.etag
    return response


def resource(ask: Ask, file: File) -> dict[str, JSON]:
    """The v2 resource of a file."""
    view = View(file, ask.caller, ask.store)
    return {
        **_names_and_links(ask, file, view),
        **_people(ask, file, view),
        **_times_and_state(ask, file),
        **_content(file),
        **_properties(ask, file),
    }


def _names_and_links(ask: Ask, file: File, view: View) -> dict[str, JSON]:
    shown: dict[str, JSON] = {
        "kind": "drive#file",
        "id": file.id,
        "etag": file.etag,
        "selfLink": ROOT + file.id,
        "title": file.name,
        "mimeType": file.mime_type,
        "alternateLink": web_link(file),
        "iconLink": f"https://drive-thirdparty.googleusercontent.com/16/type/{file.mime_type}",
        "appDataContents": False,
        "spaces": ["drive"],
        "parents": [_parent(ask, file, parent) for parent in file.parents],
    }
    if file.description:
        shown["description"] = file.description
    if file.drive_id:
        shown |= {"driveId": file.drive_id, "teamDriveId": file.drive_id}
    if is_native(file.mime_type):
        shown["exportLinks"] = export_links(file) or {}
        place = web_link(file).split("/edit", 1)[0]
        shown["embedLink"] = f"{place}/htmlembed?ouid={ask.store.identity.user(ask.caller.email).sub}"
        shown["thumbnailLink"] = f"https://docs.google.com/feeds/vt?gd=true&id={file.id}&v={file.version}&sz=s220"
    return shown


def _parent(ask: Ask, file: File, parent: str) -> dict[str, JSON]:
    folder = ask.store.files.get(parent)
    return {
        "selfLink": f"{ROOT}{file.id}/parents/{parent}",
        "id": parent,
        "isRoot": folder is not None and ask.store.is_root(folder),
        "kind": "drive#parentReference",
        "parentLink": ROOT + parent,
    }


def _person(email: str, view: View) -> dict[str, JSON]:
    shown = user(email, view)
    return {
        "displayName": shown["displayName"],
        "kind": "drive#user",
        "isAuthenticatedUser": shown["me"],
        "permissionId": shown["permissionId"],
        "emailAddress": email,
        "picture": {"url": "https://lh3.googleusercontent.com/a/default-user=s64"},
    }


def _people(ask: Ask, file: File, view: View) -> dict[str, JSON]:
    role = ask.role(file)
    mine = {
        "id": "me",
        "type": "user",
        "role": role if role in {"owner", "organizer", "fileOrganizer", "writer"} else "reader",
        "kind": "drive#permission",
        "selfLink": f"{ROOT}{file.id}/permissions/me",
        "etag": _tag(f"{file.id}{role}"),
        "pendingOwner": False,
    }
    shown: dict[str, JSON] = {
        "userPermission": mine,
        "lastModifyingUser": _person(file.modifier, view),
        "lastModifyingUserName": view.store.identity.user(file.modifier).name,
        "shared": len(view.store.permissions_of(file)) > 1,
    }
    if file.owner:
        shown |= {"owners": [_person(file.owner, view)], "ownerNames": [view.store.identity.user(file.owner).name]}
        if rank(role) >= rank("writer") and shown["shared"]:
            found = view.store.permissions_of(file).values()
            shown["permissions"] = [permission(item, source, view.store, in_drive=False) for item, source in found]
    return shown


def _times_and_state(ask: Ask, file: File) -> dict[str, JSON]:
    email, role = ask.caller.email, ask.role(file)
    trashed = ask.store.is_trashed(file)
    edit = rank(role) >= rank("writer") and not trashed
    shown: dict[str, JSON] = {
        "editable": edit and not locked(file),
        "copyable": can_copy(file, role),
        "writersCanShare": file.writers_can_share,
        "copyRequiresWriterPermission": file.no_copy_for_readers,
        "labels": {
            "viewed": email in file.viewed,
            "restricted": file.no_copy_for_readers,
            "starred": email in file.starred_by,
            "hidden": False,
            "trashed": trashed,
        },
        "explicitlyTrashed": file.trashed,
        "createdDate": rfc3339(file.created),
        "modifiedDate": rfc3339(file.modified),
        "markedViewedByMeDate": NEVER,
        "version": str(file.version),
        "capabilities": {"canEdit": edit, "canCopy": can_copy(file, role)},
    }
    if file.modifier == email:
        shown["modifiedByMeDate"] = rfc3339(file.modified)
    if email in file.viewed:
        shown["lastViewedByMeDate"] = rfc3339(file.modified if file.modifier == email else file.viewed[email])
    return shown


def _content(file: File) -> dict[str, JSON]:
    shown: dict[str, JSON] = {"quotaBytesUsed": str(file.size or 0)}
    if file.size is not None:
        shown["fileSize"] = str(file.size)
    if file.content is not None:
        shown |= {f"{name}Checksum": file.content.checksum(name) for name in ("md5", "sha1", "sha256")}
        shown |= {"originalFilename": file.original_filename, "headRevisionId": file.revision}
        shown |= {"fileExtension": file.extension, "downloadUrl": f"{ROOT}{file.id}?alt=media"}
    if file.shortcut_target:
        shown["shortcutDetails"] = {"targetId": file.shortcut_target, "targetMimeType": file.shortcut_target_type}
    return shown


# -- properties ---------------------------------------------------------------------------------------------------


def _properties(ask: Ask, file: File) -> dict[str, JSON]:
    items = _property_list(ask, file)
    return {"properties": items} if items else {}


def _property_list(ask: Ask, file: File) -> list[dict[str, JSON]]:
    mine = file.app_properties.get(ask.caller.app, {})
    private = [_property(file, key, value, "PRIVATE") for key, value in mine.items()]
    return private + [_property(file, key, value, "PUBLIC") for key, value in file.properties.items()]


def _property(file: File, key: str, value: str, visibility: str) -> dict[str, JSON]:
    return {
        "kind": "drive#property",
        "etag": _tag(f"{file.etag}{visibility}{key}{value}"),
        "selfLink": f"{ROOT}{file.id}/properties/{key}?visibility={visibility}",
        "key": key,
        "visibility": visibility,
        "value": value,
    }


def properties_list(ask: Ask, args: Mapping[str, str]) -> JSON:
    """All public properties and the private ones of this app."""
    ask.scopes(ANY)
    file = ask.find(args["fileId"])
    items = _property_list(ask, file)
    whole = {"kind": "drive#propertyList", "etag": file.etag, "selfLink": f"{ROOT}{file.id}/properties", "items": items}
    return apply(ask.mask("PropertyList", None), whole)


def properties_get(ask: Ask, args: Mapping[str, str]) -> JSON:
    """One property."""
    ask.scopes(ANY)
    return apply(
        ask.mask("Property", None), _found(ask, ask.find(args["fileId"]), args["propertyKey"], _visibility(ask))
    )


def properties_insert(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Add or replace one property."""
    key, visibility = str(ask.body.get("key", "")), str(ask.body.get("visibility") or "PRIVATE")
    if not key:
        raise problems.required("property.key", "Required parameter: key")
    return _write_property(ask, args["fileId"], key, visibility, str(ask.body.get("value", "")))


def properties_update(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Change one property that is there, if the guard holds."""
    file, key = ask.find(args["fileId"]), args["propertyKey"]
    visibility = str(ask.body.get("visibility") or _visibility(ask))
    present = _found(ask, file, key, visibility)
    guard_property(ask, file, present["etag"])
    return _write_property(ask, file.id, key, visibility, str(ask.body.get("value", present["value"])))


def properties_delete(ask: Ask, args: Mapping[str, str]) -> None:
    """Remove one property, if the guard holds."""
    file, key, visibility = ask.find(args["fileId"]), args["propertyKey"], _visibility(ask)
    present = _found(ask, file, key, visibility)
    guard_property(ask, file, present["etag"])
    writing.update(ask, file, {_kind(visibility): {key: None}})


def _write_property(ask: Ask, file_id: str, key: str, visibility: str, value: str) -> JSON:
    file = writing.update(ask, ask.find(file_id), {_kind(visibility): {key: value}})
    return apply(ask.mask("Property", None), _found(ask, file, key, visibility))


def _found(ask: Ask, file: File, key: str, visibility: str) -> dict[str, Any]:
    for item in _property_list(ask, file):
        if (item["key"], item["visibility"]) == (key, visibility):
            return item
    raise problems.not_found(key, "propertyKey")


def _visibility(ask: Ask) -> str:
    return str(ask.params.get("visibility", "PRIVATE")).upper()


def _kind(visibility: str) -> str:
    return "properties" if visibility == "PUBLIC" else "appProperties"


def _tag(text: str) -> str:
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
    return '"' + base64.urlsafe_b64encode(digest).rstrip(b"=").decode() + '"'
