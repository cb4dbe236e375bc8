"""Permissions and shared drives.

https://developers.google.com/workspace/drive/api/guides/manage-sharing: a permission on a folder is inherited by
all that is in it; there is one owner (in My Drive) or none (in a shared drive, whose members hold its roles).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.accounts import AUTH
from sheets_catalog.sandbox.drive import problems
from sheets_catalog.sandbox.drive.ask import ANY, WRITE, Ask
from sheets_catalog.sandbox.drive.fields import Mask, apply
from sheets_catalog.sandbox.drive.files import FOLDER, File, Permission, SharedDrive, rank
from sheets_catalog.sandbox.drive.show import permission as shown
from sheets_catalog.sandbox.wire import JSON, not_supported, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES: Final = {"owner", "organizer", "fileOrganizer", "writer", "commenter", "reader"}
TYPES: Final = {"user", "group", "domain", "anyone"}
PERMISSION_FIELDS: Final[Mask] = {"kind": None, "id": None, "type": None, "role": None}
LIST_FIELDS: Final[Mask] = {"kind": None, "nextPageToken": None, "permissions": PERMISSION_FIELDS}
DRIVE_FIELDS: Final[Mask] = {"kind": None, "id": None, "name": None}


def permissions_list(ask: Ask, args: Mapping[str, str]) -> JSON:
    """All permissions, inherited ones included; for those who can share the file."""
    ask.scopes(ANY)
    file = _sharable(ask, args["fileId"])
    found = list(ask.store.permissions_of(file).values())
    size = ask.number("pageSize", 100, 1, 100)
    start = int(ask.params.get("pageToken") or 0) if str(ask.params.get("pageToken") or 0).isdigit() else -1
    if start < 0:
        raise problems.invalid("pageToken")
    answer: dict[str, JSON] = {"kind": "drive#permissionList"}
    if start + size < len(found):
        answer["nextPageToken"] = str(start + size)
    page = found[start : start + size]
    answer["permissions"] = [_show(ask, file, item, source) for item, source in page]
    return apply(ask.mask("PermissionList", LIST_FIELDS), answer)


def permissions_get(ask: Ask, args: Mapping[str, str]) -> JSON:
    """One permission by id."""
    ask.scopes(ANY)
    file = _sharable(ask, args["fileId"])
    item, source = _permission(ask, file, args["permissionId"])
    return apply(ask.mask("Permission", PERMISSION_FIELDS), _show(ask, file, item, source))


def permissions_create(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Share: with a user, a group, a domain or anyone. Sharing twice with the same one changes the role."""
    ask.scopes(WRITE)
    file = _sharable(ask, args["fileId"], change=True)
    item = _new_permission(ask, file)
    if item.role == "owner":
        return _transfer(ask, file, item)
    _store_of(ask, file)[item.id] = item
    if item.type == "user":
        file.shared_with.setdefault(item.email, ask.store.world.clock.now())
    _changed(ask, file, {"permission": item.id, "role": item.role, "to": item.email or item.domain or item.type})
    return apply(ask.mask("Permission", PERMISSION_FIELDS), _show(ask, file, item, ""))


def permissions_update(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Change role or expiration."""
    ask.scopes(WRITE)
    file = _sharable(ask, args["fileId"], change=True)
    item, source = _permission(ask, file, args["permissionId"])
    role = str(ask.body.get("role") or item.role)
    if role not in ROLES:
        raise problems.invalid("permission.role", "The specified role is invalid or not supported.")
    if item.role == "owner" and role != "owner":
        raise problems.forbidden()
    expires = "" if ask.flag("removeExpiration") else str(ask.body.get("expirationTime") or item.expires)
    changed = dataclasses.replace(item, role=role, expires=expires)
    if role == "owner" and item.role != "owner":
        return _transfer(ask, file, changed)
    if source and rank(role) < rank(item.role):
        raise _inherited()
    ask.store.about_to_change(file)
    _store_of(ask, file)[item.id] = changed
    _changed(ask, file, {"permission": item.id, "role": role})
    return apply(ask.mask("Permission", PERMISSION_FIELDS), _show(ask, file, changed, ""))


def permissions_delete(ask: Ask, args: Mapping[str, str]) -> None:
    """Unshare; one may always give up one's own permission."""
    ask.scopes(WRITE)
    file = ask.find(args["fileId"])
    item, source = _permission(ask, file, args["permissionId"])
    if item.email != ask.caller.email:
        file = _sharable(ask, args["fileId"], change=True)
    if item.role == "owner":
        raise problems.forbidden()
    if source:
        raise _inherited()
    ask.store.about_to_change(file)
    del _store_of(ask, file)[item.id]
    file.shared_with.pop(item.email, None)
    _changed(ask, file, {"permission": item.id, "role": "", "to": item.email or item.domain or item.type})


def _inherited() -> Exception:
    message = "Cannot delete or reduce an inherited permission; change it where it comes from."
    return problems.refused("cannotDeleteInheritedPermission", message)


def _sharable(ask: Ask, file_id: str, *, change: bool = False) -> File:
    """The file, for those who may see (or change) how it is shared."""
    file = ask.find(file_id)
    role = ask.role(file)
    if rank(role) < rank("writer"):
        raise problems.refused(
            "insufficientFilePermissions", "The user does not have sufficient permissions for this file."
        )
    if change:
        if role == "writer" and not file.writers_can_share:
            raise problems.forbidden()
        if file.drive_id and rank(role) < rank("organizer") and ask.store.is_root(file):
            raise problems.forbidden()
        if not ask.store.may_write_by_scope(file, ask.caller):
            raise problems.app_not_authorized(ask.caller.app, "write", file.id)
    return file


def _permission(ask: Ask, file: File, permission_id: str) -> tuple[Permission, str]:
    found = ask.store.permissions_of(file).get(permission_id)
    if found is None:
        raise problems.permission_not_found(permission_id)
    return found


def _store_of(ask: Ask, file: File) -> dict[str, Permission]:
    """Where direct permissions of this item are kept: members, for the root of a shared drive."""
    return ask.store.drives[file.id].members if file.id in ask.store.drives else file.permissions


def _new_permission(ask: Ask, file: File) -> Permission:
    body = ask.body
    kind, role = str(body.get("type") or ""), str(body.get("role") or "")
    if kind not in TYPES:
        raise problems.required("permission.type", "The permission type field is required.")
    if role not in ROLES:
        raise problems.required("permission.role", "The permission role field is required.")
    if role in {"organizer", "fileOrganizer"} and not file.drive_id:
        raise problems.refused(
            "cannotShareTeamDriveTopFolderWithAnyoneOrDomains", "The role is for shared drives only."
        )
    email, domain = str(body.get("emailAddress") or ""), str(body.get("domain") or "")
    if kind in {"user", "group"} and "@" not in email:
        message = "The specified emailAddress is invalid or not applicable for the given permission type."
        raise problems.invalid("permission.emailAddress", message)
    if kind == "domain" and not domain:
        message = "The specified domain is invalid or not applicable for the given permission type."
        raise problems.invalid("permission.domain", message)
    ask.store.about_to_change(file)
    return Permission(
        _permission_id(ask, kind, email, domain),
        kind,
        role,
        email if kind in {"user", "group"} else "",
        domain if kind == "domain" else "",
        bool(body.get("allowFileDiscovery")),
        str(body.get("expirationTime") or ""),
    )


def _permission_id(ask: Ask, kind: str, email: str, domain: str) -> str:
    if kind == "anyone":
        return "anyoneWithLink"
    return ask.store.identity.user(email or f"domain@{domain}").sub


def _transfer(ask: Ask, file: File, item: Permission) -> JSON:
    """Give the file away; the old owner stays as a writer."""
    if not ask.flag("transferOwnership"):
        message = "The transferOwnership parameter must be enabled when the permission role is 'owner'."
        raise problems.refused("forbidden", message)
    if ask.role(file) != "owner" or file.drive_id or item.type != "user":
        raise problems.forbidden()
    if ask.store.identity.is_service_account(item.email):
        raise problems.storage_exceeded(service_account=True)
    store, old = ask.store, file.owner
    old_id = store.identity.user(old).sub
    file.permissions[old_id] = Permission(old_id, "user", "writer", old)
    file.permissions[item.id] = dataclasses.replace(item, role="owner", expires="")
    store.used[old] -= file.size or 0
    store.used[item.email] += file.size or 0
    file.owner = item.email
    _changed(ask, file, {"permission": item.id, "role": "owner", "to": item.email})
    return apply(ask.mask("Permission", PERMISSION_FIELDS), _show(ask, file, file.permissions[item.id], ""))


def _changed(ask: Ask, file: File, effect: Mapping[str, JSON]) -> None:
    ask.store.change(file, ask.caller.email, touch=False)
    ask.record(file.id, effect)


def _show(ask: Ask, file: File, item: Permission, source: str) -> dict[str, JSON]:
    return shown(item, source, ask.store, in_drive=bool(file.drive_id))


# -- shared drives ------------------------------------------------------------------------------------------------


def drives_list(ask: Ask, args: Mapping[str, str]) -> JSON:
    """The shared drives one is a member of."""
    ask.scopes(ANY)
    if ask.params.get("q"):
        raise not_supported("a search query on drives.list")
    mine = [drive for drive in ask.store.drives.values() if _member_role(ask, drive) != "none"]
    answer = {"kind": "drive#driveList", "drives": [_show_drive(ask, drive) for drive in mine]}
    default: Mask = {"kind": None, "nextPageToken": None, "drives": DRIVE_FIELDS}
    return apply(ask.mask("DriveList", default), answer)


def drives_get(ask: Ask, args: Mapping[str, str]) -> JSON:
    """One shared drive."""
    ask.scopes(ANY)
    drive = ask.store.drives.get(args["driveId"])
    if drive is None or _member_role(ask, drive) == "none":
        raise problems.drive_not_found(args["driveId"])
    return apply(ask.mask("Drive", DRIVE_FIELDS), _show_drive(ask, drive))


def drives_create(ask: Ask, args: Mapping[str, str]) -> JSON:
    """A new shared drive; the same `requestId` a second time answers 409, as Drive's idempotency asks."""
    ask.scopes(frozenset({AUTH + "drive"}))
    request_id = ask.params.get("requestId", "")
    if not request_id:
        raise problems.required("requestId", "Required parameter: requestId")
    if request_id in ask.store.spent:
        raise problems.id_in_use()
    ask.store.spent.add(request_id)
    drive = make_drive(ask, str(ask.body.get("name") or ""))
    ask.record(drive.id, {"name": drive.name})
    return apply(ask.mask("Drive", DRIVE_FIELDS), _show_drive(ask, drive))


def make_drive(ask: Ask, name: str) -> SharedDrive:
    """Put a shared drive of the caller's into the store."""
    store, now = ask.store, ask.store.world.clock.now()
    drive = SharedDrive("0A" + store.world.token(17), name, now)
    sub = store.identity.user(ask.caller.email).sub
    drive.members[sub] = Permission(sub, "user", "organizer", ask.caller.email)
    store.drives[drive.id] = drive
    root = File(drive.id, "Drive", FOLDER, "", now, now, ask.caller.email, drive_id=drive.id)
    store.add(root, ask.caller)
    return drive


def drives_delete(ask: Ask, args: Mapping[str, str]) -> None:
    """Delete an empty shared drive."""
    ask.scopes(frozenset({AUTH + "drive"}))
    drive = ask.store.drives.get(args["driveId"])
    if drive is None or _member_role(ask, drive) == "none":
        raise problems.drive_not_found(args["driveId"])
    if _member_role(ask, drive) != "organizer":
        raise problems.forbidden()
    if any(not file.trashed for file in ask.store.children(drive.id)):
        raise problems.refused("cannotDeleteResourceWithChildren", "The shared drive is not empty.")
    ask.store.delete(ask.store.files[drive.id])
    del ask.store.drives[drive.id]
    ask.record(drive.id, {"name": drive.name})


def drives_update(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Rename a shared drive."""
    ask.scopes(frozenset({AUTH + "drive"}))
    drive = ask.store.drives.get(args["driveId"])
    if drive is None or _member_role(ask, drive) == "none":
        raise problems.drive_not_found(args["driveId"])
    if _member_role(ask, drive) != "organizer":
        raise problems.forbidden()
    if unknown := set(ask.body) - {"name", "id", "kind"}:
        raise not_supported(f"changing {sorted(unknown)} of a shared drive")
    drive.name = str(ask.body.get("name") or drive.name)
    ask.record(drive.id, {"name": drive.name})
    return apply(ask.mask("Drive", DRIVE_FIELDS), _show_drive(ask, drive))


def _member_role(ask: Ask, drive: SharedDrive) -> str:
    return ask.store.role(ask.store.files[drive.id], ask.caller.email)


def _show_drive(ask: Ask, drive: SharedDrive) -> dict[str, Any]:
    role = _member_role(ask, drive)
    return {
        "kind": "drive#drive",
        "id": drive.id,
        "name": drive.name,
        "createdTime": rfc3339(drive.created),
        "hidden": ask.caller.email in drive.hidden_by,
        "restrictions": {
            "adminManagedRestrictions": False,
            "copyRequiresWriterPermission": False,
            "domainUsersOnly": False,
            "driveMembersOnly": False,
        },
        "capabilities": {
            "canAddChildren": rank(role) >= rank("writer"),
            "canDeleteDrive": role == "organizer",
            "canListChildren": True,
            "canManageMembers": role == "organizer",
            "canRenameDrive": role == "organizer",
            "canTrashChildren": rank(role) >= rank("fileOrganizer"),
        },
    }
