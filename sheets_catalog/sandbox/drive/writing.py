"""Create, copy, update, trash and delete: the rules that both API versions and the upload endpoints share."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import fields, problems, properties
from sheets_catalog.sandbox.drive.ask import METADATA, WRITE, Ask
from sheets_catalog.sandbox.drive.capabilities import can_copy, can_trash, locked
from sheets_catalog.sandbox.drive.files import (
    DRIVE_SDK,
    FOLDER,
    NATIVE_SIZE,
    OCTETS,
    SHORTCUT,
    Content,
    File,
    is_native,
    rank,
)
from sheets_catalog.sandbox.wire import JSON, not_supported

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTABLE: Final = {
    "id", "name", "mimeType", "parents", "description", "starred", "trashed", "properties", "appProperties",
    "createdTime", "modifiedTime", "shortcutDetails", "folderColorRgb", "copyRequiresWriterPermission",
    "viewersCanCopyContent", "writersCanShare", "contentRestrictions", "originalFilename", "viewedByMeTime", "kind",
}  # fmt: skip
FOR_READERS: Final = {"starred", "viewedByMeTime"}
NOT_TOUCHING: Final = {"starred", "viewedByMeTime", "trashed", "writersCanShare", "copyRequiresWriterPermission"}
"""Changes that leave modifiedTime alone."""


@functools.cache
def _output_only() -> frozenset[str]:
    known: Mapping[str, Any] = fields.document("v3")["schemas"]["File"]["properties"]
    return frozenset(
        name
        for name, schema in known.items()
        if schema.get("readOnly") or schema.get("description", "").startswith("Output only")
    )


def check_body(body: Mapping[str, JSON], *, update: bool) -> None:
    """Refuse fields that Drive does not let one write, and those that the sandbox does not know how to keep."""
    for name in body:
        if name in SETTABLE:
            if update and name == "parents":
                raise problems.not_writable("parents")
        elif name in _output_only():
            raise problems.not_writable(name)
        elif name in fields.writable():
            raise not_supported(f"writing the field {name!r} of a file")


def moment(value: JSON, name: str) -> datetime:
    """An RFC 3339 time of a body; 400 when it is none."""
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise problems.invalid(name, f'Invalid value for: Invalid format: "{value}"') from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


# -- create -------------------------------------------------------------------------------------------------------


def create(ask: Ask, body: Mapping[str, Any], content: Content | None = None, content_type: str = "") -> File:
    """Make a file, folder, shortcut or empty native file; with content, upload or convert it."""
    ask.scopes(WRITE)
    check_body(body, update=False)
    mime_type = str(body.get("mimeType") or (content_type if content is not None else "") or OCTETS)
    parent = ask.parent(body.get("parents"))
    file_id = checked_id(ask, body.get("id"), mime_type)
    native = is_native(mime_type)
    if mime_type not in {FOLDER, SHORTCUT}:
        size = content.size if content is not None and not native else NATIVE_SIZE if native else 0
        ask.store.check_storage(ask.caller, size, parent.drive_id)
        ask.store.quota.charge_copy(ask.caller.email, content.size if content is not None else 0)
    kept = None if native or mime_type in {FOLDER, SHORTCUT, DRIVE_SDK} else content or Content(b"")
    name = str(body.get("name") or "Untitled")
    file = ask.store.make(name, mime_type, ask.caller, [parent.id], file_id=file_id, content=kept)
    if mime_type == SHORTCUT:
        _point(ask, file, body)
    properties.change(file, ask.caller.app, body)
    _set_plain(ask, file, body)
    _check_importable(ask, file, content)
    return _settle(ask, file, content, content_type, {"size": file.size})


def _settle(ask: Ask, file: File, content: Content | None, content_type: str, effect: Mapping[str, JSON]) -> File:
    """Put a checked new file into the tree, tell the owner of its format, write the ledger."""
    store = ask.store
    if file.id in store.generated:
        store.spent.add(file.id)
    store.add(file, ask.caller)
    if is_native(file.mime_type) and "source" not in effect:
        store.tell_created(file)
        if content is not None:
            store.hooks.content[file.mime_type](file.id, content.read(), content_type)
    described = {"name": file.name, "mimeType": file.mime_type, "parents": list(file.parents)}
    mine = file.app_properties.get(ask.caller.app)
    ask.record(file.id, described | dict(effect) | ({"appProperties": dict(mine)} if mine else {}))
    return file


def _check_importable(ask: Ask, file: File, content: Content | None) -> None:
    if content is not None and is_native(file.mime_type) and file.mime_type not in ask.store.hooks.content:
        raise not_supported(f"converting an upload to {file.mime_type}")


def checked_id(ask: Ask, file_id: object, mime_type: str) -> str:
    """The pre-generated id of a create or copy, if one is given and may be used; "" for none."""
    if not file_id:
        return ""
    wanted = str(file_id)
    if is_native(mime_type):
        raise problems.id_for_native()
    if wanted in ask.store.files or wanted in ask.store.spent:
        raise problems.id_in_use()
    email, kind = ask.store.generated.get(wanted, ("", ""))
    if email != ask.caller.email or kind != ("shortcuts" if mime_type == SHORTCUT else "files"):
        raise problems.id_not_usable()
    return wanted


def _point(ask: Ask, file: File, body: Mapping[str, Any]) -> None:
    """Aim a new shortcut at its target; the target's type is a snapshot of now."""
    target_id = str((body.get("shortcutDetails") or {}).get("targetId") or "")
    if not target_id:
        raise problems.bad_request("Shortcut target is required.", "shortcutTargetInvalid")
    target = ask.store.files.get(target_id)
    if target is None or not ask.store.sees(target, ask.caller):
        raise problems.not_found(target_id, "shortcutDetails.targetId")
    if target.mime_type == SHORTCUT:
        raise problems.bad_request("Shortcut target cannot be a shortcut.", "shortcutTargetInvalid")
    file.shortcut_target, file.shortcut_target_type = target.id, target.mime_type
    file.content = None


def _set_plain(ask: Ask, file: File, body: Mapping[str, Any]) -> None:
    """Fields that are simply kept."""
    plain = {
        "name": "name",
        "description": "description",
        "folderColorRgb": "folder_color",
        "originalFilename": "original_filename",
    }
    for name, attribute in plain.items():
        if name in body:
            setattr(file, attribute, str(body[name] or ""))
    if "writersCanShare" in body:
        file.writers_can_share = bool(body["writersCanShare"])
    if "copyRequiresWriterPermission" in body:
        file.no_copy_for_readers = bool(body["copyRequiresWriterPermission"])
    if "viewersCanCopyContent" in body:
        file.no_copy_for_readers = not body["viewersCanCopyContent"]
    if "contentRestrictions" in body:
        file.restrictions = tuple(dict(item) for item in body["contentRestrictions"] or ())
    if "createdTime" in body:
        file.created = moment(body["createdTime"], "createdTime")
    if "modifiedTime" in body:
        file.modified = moment(body["modifiedTime"], "modifiedTime")
    if "viewedByMeTime" in body:
        file.viewed[ask.caller.email] = moment(body["viewedByMeTime"], "viewedByMeTime")
    if "starred" in body:
        others = tuple(email for email in file.starred_by if email != ask.caller.email)
        file.starred_by = (*others, ask.caller.email) if body["starred"] else others


# -- copy ---------------------------------------------------------------------------------------------------------


def copy(ask: Ask, source: File, body: Mapping[str, Any], *, with_comments: bool = False) -> File:
    """Copy a file: content and custom properties come along, permissions and (by default) comments do not."""
    ask.scopes(WRITE)
    check_body(body, update=False)
    if not can_copy(source, ask.role(source)):
        raise problems.refused("cannotCopyFile", "This file cannot be copied by the authenticated user.")
    parent = ask.parent(body["parents"] if body.get("parents") else _own_parent(ask, source))
    mime_type = str(body.get("mimeType") or source.mime_type)
    if mime_type != source.mime_type:
        raise not_supported(f"converting a copy from {source.mime_type} to {mime_type}")
    file_id = checked_id(ask, body.get("id"), mime_type)
    if mime_type != SHORTCUT:
        ask.store.check_storage(ask.caller, source.size or 0, parent.drive_id)
        ask.store.quota.charge_copy(ask.caller.email, source.size or 0)
    name = str(body.get("name") or f"Copy of {source.name}")
    file = ask.store.make(name, mime_type, ask.caller, [parent.id], file_id=file_id, content=source.content)
    file.original_filename = source.original_filename
    file.description = source.description
    file.shortcut_target, file.shortcut_target_type = source.shortcut_target, source.shortcut_target_type
    file.properties = dict(source.properties)
    file.app_properties = {app: dict(values) for app, values in source.app_properties.items()}
    properties.change(file, ask.caller.app, body)
    # For editors' files a modifiedTime in the copy's body has no effect (rclone sets it afterwards for that reason).
    _set_plain(
        ask, file, {key: item for key, item in body.items() if key != "modifiedTime" or not is_native(mime_type)}
    )
    if with_comments:
        file.comments = [dict(item) for item in source.comments]
    effect = {"source": source.id, "size": file.size, "comments": len(file.comments)}
    _settle(ask, file, None, "", effect)
    if mime_type in ask.store.hooks.copy:
        ask.store.hooks.copy[mime_type](source.id, file.id, file.name)
    return file


def _own_parent(ask: Ask, source: File) -> list[str] | None:
    """Without `parents` a copy goes where its source is, if the user may know of that folder."""
    parent = ask.store.files.get(source.parents[0]) if source.parents else None
    if parent is None or not ask.store.sees(parent, ask.caller):
        return None
    return [parent.id]


# -- update -------------------------------------------------------------------------------------------------------


def update(
    ask: Ask, file: File, body: Mapping[str, Any], content: Content | None = None, content_type: str = ""
) -> File:
    """Change metadata, place and content of a file."""
    ask.scopes(METADATA if content is None else WRITE)
    check_body(body, update=True)
    changes = {name: value for name, value in body.items() if name not in {"id", "kind"}}
    add, remove = ask.params.get("addParents", ""), ask.params.get("removeParents", "")
    _check_update(ask, file, changes, content, moves=bool(add or remove))
    target = _move_target(ask, file, add, remove)
    draft = file.copy()  # a refused change of properties must leave no half of itself behind
    properties.change(draft, ask.caller.app, changes)
    if content is not None and is_native(file.mime_type):
        _check_importable(ask, file, content)
    ask.store.about_to_change(file)
    file.properties, file.app_properties = draft.properties, draft.app_properties
    _apply_update(ask, file, changes, content, content_type)
    if target is not None:
        ask.store.move(file, target)
    touch = content is not None or bool(set(changes) - NOT_TOUCHING)
    when = moment(changes["modifiedTime"], "modifiedTime") if "modifiedTime" in changes else None
    ask.store.change(file, ask.caller.email, touch=touch, modified=when)
    effect: dict[str, JSON] = {"version": file.version} | changes
    if target is not None:
        effect |= {"parents": list(file.parents)}
    if content is not None:
        effect |= {"size": content.size, "md5": content.checksum("md5")}
    ask.record(file.id, effect)
    return file


def _check_update(ask: Ask, file: File, changes: Mapping[str, Any], content: Content | None, *, moves: bool) -> None:
    if "trashed" in changes and not can_trash(file, ask.role(file), root=ask.store.is_root(file)):
        raise problems.forbidden()
    if set(changes) - FOR_READERS - {"trashed"} or content is not None or moves:
        ask.require(file, "writer", metadata=content is None)
        if locked(file) and (content is not None or "name" in changes):
            raise problems.forbidden()
    if content is not None and (file.is_folder or file.mime_type == SHORTCUT):
        raise problems.bad_request("Folders and shortcuts have no content.", "invalidContentType")
    if (
        "mimeType" in changes
        and changes["mimeType"] != file.mime_type
        and (file.content is None or is_native(str(changes["mimeType"])))
    ):
        raise not_supported(f"changing the type of {file.mime_type} to {changes['mimeType']}")
    if "name" in changes and ask.store.is_root(file):
        raise problems.forbidden()


def _apply_update(ask: Ask, file: File, changes: Mapping[str, Any], content: Content | None, content_type: str) -> None:
    store = ask.store
    _set_plain(ask, file, {key: value for key, value in changes.items() if key != "modifiedTime"})
    if "mimeType" in changes:
        file.mime_type = str(changes["mimeType"])
    if "name" in changes and file.mime_type in store.hooks.rename:
        store.hooks.rename[file.mime_type](file.id, file.name)
    if "trashed" in changes:
        file.trashed = bool(changes["trashed"])
        file.trashed_at = store.world.clock.now() if file.trashed else None
        file.trashed_by = ask.caller.email if file.trashed else ""
    if content is None:
        return
    store.quota.charge_copy(ask.caller.email, content.size)
    if is_native(file.mime_type):
        store.hooks.content[file.mime_type](file.id, content.read(), content_type)
        return
    store.set_content(file, content)
    if "mimeType" not in changes and content_type:
        file.mime_type = content_type


def _move_target(ask: Ask, file: File, add: str, remove: str) -> File | None:
    """The folder to move to, checked; None when the file stays."""
    if not add and not remove:
        return None
    removed = [ask.store.root_of(ask.caller.email) if item == "root" else item for item in remove.split(",") if item]
    added = [item for item in add.split(",") if item]
    if len(added) > 1 or (added and file.parents and file.parents[0] not in removed and added[0] != file.parents[0]):
        raise problems.refused("cannotAddParent", "Increasing the number of parents is not allowed")
    if not added:
        if file.parents and file.parents[0] in removed:
            raise problems.refused("cannotRemoveLastParent", "A file must always have a parent.")
        return None
    target = ask.parent(added)
    if target.id == file.id or any(folder.id == file.id for folder in ask.store.above(target)):
        raise problems.refused("cyclicalParent", "A folder cannot be moved into itself or one of its descendants.")
    _check_between_drives(ask, file, target)
    return target


def _check_between_drives(ask: Ask, file: File, target: File) -> None:
    """Moving a folder into a shared drive is not supported by the API; items leave one only for its organizers."""
    if target.drive_id == file.drive_id:
        return
    if target.drive_id and file.is_folder:
        message = "Moving folders into shared drives is not supported."
        raise problems.refused("teamDrivesFolderMoveInNotSupported", message)
    if rank(ask.role(file)) < rank("organizer"):
        raise problems.forbidden()
    if file.drive_id:
        raise not_supported("moving an item out of a shared drive")


# -- delete -------------------------------------------------------------------------------------------------------


def delete(ask: Ask, file: File) -> None:
    """Delete for good, past the trash; a folder goes with everything below it."""
    ask.scopes(WRITE)
    ask.require(file, "organizer" if file.drive_id else "owner")
    if ask.store.is_root(file):
        raise problems.forbidden()
    removed = ask.store.delete(file)
    ask.record(file.id, {"name": file.name, "removed": [item.id for item in removed]})


def empty_trash(ask: Ask, drive_id: str) -> int:
    """Delete everything the user (or the members of a shared drive) has in the trash; answers how many."""
    ask.scopes(frozenset({"https://www.googleapis.com/auth/drive"}))
    emptied = [
        file
        for file in list(ask.store.files.values())
        if file.trashed and (file.drive_id == drive_id if drive_id else file.owner == ask.caller.email)
    ]
    count = 0
    for file in emptied:
        if file.id in ask.store.files:
            removed = ask.store.delete(file)
            count += len(removed)
            ask.record(file.id, {"name": file.name, "removed": [item.id for item in removed]})
    return count
