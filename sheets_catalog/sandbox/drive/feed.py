"""about, changes, comments and revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import problems
from sheets_catalog.sandbox.drive.ask import ANY, Ask
from sheets_catalog.sandbox.drive.fields import Mask, apply
from sheets_catalog.sandbox.drive.files import File, rank
from sheets_catalog.sandbox.drive.show import DEFAULT_FIELDS, EXPORTS, View, user
from sheets_catalog.sandbox.wire import JSON, fault_of, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANGES_FIELDS: Final[Mask] = {
    "kind": None,
    "nextPageToken": None,
    "newStartPageToken": None,
    "changes": {
        "kind": None,
        "type": None,
        "changeType": None,
        "time": None,
        "removed": None,
        "fileId": None,
        "file": DEFAULT_FIELDS,
    },
}
COMMENT_FIELDS: Final = "The 'fields' parameter is required for this method."


def about_get(ask: Ask, args: Mapping[str, str]) -> JSON:
    """The user, the storage, the formats. `fields` must be given."""
    ask.scopes(ANY)
    mask = _required_mask(ask, "About")
    store, email = ask.store, ask.caller.email
    used = str(store.used[email])
    quota = {"usage": used, "usageInDrive": used, "usageInDriveTrash": str(_trash_bytes(ask))}
    limit = 0 if store.identity.is_service_account(email) else store.storage_limits.get(email)
    if limit is not None:
        quota = {"limit": str(limit)} | quota
    root = store.files[store.root_of(email)]
    answer = {
        "kind": "drive#about",
        "user": user(email, View(root, ask.caller, store)),
        "storageQuota": quota,
        "importFormats": {"text/csv": ["application/vnd.google-apps.spreadsheet"]},
        "exportFormats": {kind: list(formats) for kind, formats in EXPORTS.items()},
        "maxImportSizes": {"application/vnd.google-apps.spreadsheet": "157286400"},
        "maxUploadSize": "5242880000000",
        "appInstalled": True,
        "folderColorPalette": ["#8f8f8f"],
        "driveThemes": [],
        "teamDriveThemes": [],
        "canCreateDrives": not store.identity.is_service_account(email),
        "canCreateTeamDrives": not store.identity.is_service_account(email),
    }
    return apply(mask, answer)


def _trash_bytes(ask: Ask) -> int:
    mine = (file for file in ask.store.files.values() if file.owner == ask.caller.email)
    return sum(file.size or 0 for file in mine if file.trashed)


def _required_mask(ask: Ask, schema: str) -> Mask | None:
    if "fields" not in ask.params:
        raise problems.required("fields", COMMENT_FIELDS)
    return ask.mask(schema, None)


# -- changes ------------------------------------------------------------------------------------------------------


def changes_start(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Where to listen from for everything that happens after now."""
    ask.scopes(ANY)
    answer = {"kind": "drive#startPageToken", "startPageToken": str(len(ask.store.changes) + 1)}
    return apply(ask.mask("StartPageToken", None), answer)


def changes_list(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Changes since a token, each file once with its latest state; the feed lags as lists do."""
    ask.scopes(ANY)
    token = ask.params.get("pageToken")
    if token is None:
        raise problems.required("pageToken", "Required parameter: pageToken")
    if not token.isdigit() or int(token) < 1:
        raise problems.invalid("pageToken")
    size = ask.number("pageSize", 100, 1, 1000)
    fault = fault_of(ask.request, "lag-list")
    lag = max(ask.store.list_lag, fault.seconds if fault is not None else 0.0)
    horizon = ask.store.world.clock.seconds() - lag
    at = int(token) - 1
    found: dict[str, float] = {}
    changes = ask.store.changes
    while at < len(changes) and changes[at][0] <= horizon and len(found) < size:
        when, file_id = changes[at]
        at += 1
        found.pop(file_id, None)
        found[file_id] = when
    more = at < len(changes) and changes[at][0] <= horizon
    answer: dict[str, JSON] = {"kind": "drive#changeList"}
    answer["nextPageToken" if more else "newStartPageToken"] = str(at + 1)
    answer["changes"] = [shown for file_id in found if (shown := _change(ask, file_id)) is not None]
    return apply(ask.mask("ChangeList", CHANGES_FIELDS), answer)


def _change(ask: Ask, file_id: str) -> dict[str, JSON] | None:
    store = ask.store
    file = store.files.get(file_id)
    change: dict[str, JSON] = {"kind": "drive#change", "changeType": "file", "type": "file", "fileId": file_id}
    change["time"] = rfc3339(store.world.clock.now())
    if file is not None and store.sees(file, ask.caller, listed=True):
        if file.drive_id and not ask.flag("includeItemsFromAllDrives", "includeTeamDriveItems"):
            return None
        return change | {"removed": False, "file": View(file, ask.caller, store).show(None)}
    gone = store.before_last_change(file_id)
    if gone is None or not store.sees(gone, ask.caller) or ask.params.get("includeRemoved", "true") == "false":
        return None
    return change | {"removed": True}


# -- comments -----------------------------------------------------------------------------------------------------


def comments_list(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Comments of a file, latest first."""
    ask.scopes(ANY)
    mask = _required_mask(ask, "CommentList")
    file = ask.find(args["fileId"])
    shown = [_comment(ask, file, item) for item in reversed(file.comments)]
    return apply(mask, {"kind": "drive#commentList", "comments": shown})


def comments_create(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Comment on a file."""
    ask.scopes(ANY)
    mask = _required_mask(ask, "Comment")
    file = ask.find(args["fileId"])
    if rank(ask.role(file)) < rank("commenter"):
        raise problems.forbidden()
    if not ask.body.get("content"):
        raise problems.required("comment.content", "The comment content is required.")
    now = rfc3339(ask.store.world.clock.now())
    item = {"id": "AAAA" + ask.store.world.token(8), "content": str(ask.body["content"]), "author": ask.caller.email}
    item |= {"createdTime": now, "modifiedTime": now} | ({"anchor": ask.body["anchor"]} if "anchor" in ask.body else {})
    ask.store.about_to_change(file)
    file.comments.append(item)
    ask.store.change(file, ask.caller.email, touch=False)
    ask.record(file.id, {"comment": item["id"], "content": item["content"]})
    return apply(mask, _comment(ask, file, item))


def comments_get(ask: Ask, args: Mapping[str, str]) -> JSON:
    """One comment."""
    ask.scopes(ANY)
    mask = _required_mask(ask, "Comment")
    file = ask.find(args["fileId"])
    return apply(mask, _comment(ask, file, _find_comment(file, args["commentId"])))


def comments_delete(ask: Ask, args: Mapping[str, str]) -> None:
    """Delete one's own comment."""
    ask.scopes(ANY)
    file = ask.find(args["fileId"])
    item = _find_comment(file, args["commentId"])
    if item["author"] != ask.caller.email and ask.role(file) != "owner":
        raise problems.forbidden()
    ask.store.about_to_change(file)
    file.comments.remove(item)
    ask.store.change(file, ask.caller.email, touch=False)
    ask.record(file.id, {"comment": item["id"]})


def _find_comment(file: File, comment_id: str) -> dict[str, Any]:
    for item in file.comments:
        if item["id"] == comment_id:
            return item
    raise problems.not_found(comment_id, "commentId")


def _comment(ask: Ask, file: File, item: Mapping[str, Any]) -> dict[str, JSON]:
    author = user(item["author"], View(file, ask.caller, ask.store))
    author = {key: author[key] for key in ("kind", "displayName", "me")}
    shown = {key: value for key, value in item.items() if key != "author"}
    return {
        "kind": "drive#comment",
        **shown,
        "htmlContent": item["content"],
        "author": author,
        "deleted": False,
        "resolved": False,
        "replies": [],
    }


# -- revisions ----------------------------------------------------------------------------------------------------


def revisions_list(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Only the present revision is kept."""
    ask.scopes(ANY)
    file = ask.find(args["fileId"])
    if rank(ask.role(file)) < rank("writer"):
        raise problems.refused("insufficientFilePermissions", "The user does not have sufficient permissions.")
    revision: dict[str, JSON] = {
        "kind": "drive#revision",
        "id": file.revision or str(file.version),
        "mimeType": file.mime_type,
        "modifiedTime": rfc3339(file.modified),
    }
    if file.content is not None:
        revision |= {"md5Checksum": file.content.checksum("md5"), "size": str(file.content.size), "published": False}
    inside: Mask = {"kind": None, "id": None, "mimeType": None, "modifiedTime": None}
    default: Mask = {"kind": None, "nextPageToken": None, "revisions": inside}
    return apply(ask.mask("RevisionList", default), {"kind": "drive#revisionList", "revisions": [revision]})
