"""Data that no API call could make: files of any size without their bytes, other people's files, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.accounts import ALL_SCOPES, APP, OWNER
from sheets_catalog.sandbox.drive.files import FOLDER, SHORTCUT, SPREADSHEET, Content, File, Permission, is_native
from sheets_catalog.sandbox.drive.sharing import ROLES
from sheets_catalog.sandbox.drive.store import FileStore, Structure
from sheets_catalog.sandbox.wire import JSON, Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDON_FOLDER: Final = "Sheets Catalog"
CATALOGUE_SHEET: Final = "Catalogue"
STRANGER: Final = "stranger@example.com"
PRIVATE_FILE: Final = "1jIKzPs8LsiZZdLdeMEP-5ZIHw6RkjiOmj1LrJN706Yc"
"""A spreadsheet of somebody else: known to exist, 403 to everybody here (its id stands in the recorded answers)."""

FIELDS: Final = {"files", "groups", "grants", "storage_limits", "structure", "list_lag"}


def first_files(store: FileStore) -> None:
    """The add-on's folder and an empty spreadsheet in the owner's My Drive, and a stranger's private spreadsheet."""
    owner, stranger = _person(OWNER), _person(STRANGER)
    store.add(store.make(ADDON_FOLDER, FOLDER, owner), owner)
    catalogue = store.add(store.make(CATALOGUE_SHEET, SPREADSHEET, owner), owner)
    store.tell_created(catalogue)
    private = store.make("Private", SPREADSHEET, stranger, file_id=PRIVATE_FILE)
    store.add(private, stranger)
    store.tell_created(private)


def addon_folder(store: FileStore) -> File:
    """The owner's folder of the add-on (made again if it is gone)."""
    for file in store.children(store.root_of(OWNER)):
        if file.name == ADDON_FOLDER and file.is_folder:
            return file
    return store.add(store.make(ADDON_FOLDER, FOLDER, _person(OWNER)), _person(OWNER))


def catalogue_sheet(store: FileStore) -> str:
    """The id of the owner's catalogue spreadsheet; empty when it is gone."""
    mine = (file for file in store.children(store.root_of(OWNER)) if file.mime_type == SPREADSHEET)
    return next((file.id for file in mine if file.name == CATALOGUE_SHEET), "")


def _person(email: str) -> Caller:
    return Caller(email, frozenset(ALL_SCOPES), APP)


def plant(store: FileStore, body: Mapping[str, Any]) -> JSON:
    """Plant what `POST /_sandbox/seed/drive` asks for; answers `{"ids": [...]}` of the files, in order.

    files: [{name, mimeType?, parent?, owner?, size?, seed?, text?, target?, trashed?, not_copyable?, readers?,
    writers?, app_properties?, comments?}]; `parent` and `target` are ids, or `#n` for the n-th file of this request
    (from 0). A file with `size` has generated content that costs no memory. groups: {address: [members]}; grants:
    [{file, app, email}] opens a file to an app under drive.file, as a picker does; storage_limits: {email: bytes};
    list_lag: seconds; structure: limits of the tree.
    """
    if unknown := set(body) - FIELDS:
        raise ValueError(f"unknown fields {sorted(unknown)}; known ones are {sorted(FIELDS)}")
    ids: list[str] = []
    for spec in body.get("files", ()):
        ids.append(_plant_file(store, spec, ids).id)
    for group, members in body.get("groups", {}).items():
        store.groups[group] = set(members)
    for grant in body.get("grants", ()):
        file = store.files[grant["file"]]
        file.apps = (*file.apps, (grant.get("app", APP), grant.get("email", OWNER)))
    store.storage_limits.update(body.get("storage_limits", {}))
    if "structure" in body:
        store.structure = Structure(**body["structure"])
    store.list_lag = float(body.get("list_lag", store.list_lag))
    return {"ids": ids}


def _plant_file(store: FileStore, spec: Mapping[str, Any], ids: list[str]) -> File:
    person = _person(str(spec.get("owner", OWNER)))
    mime_type = str(spec.get("mimeType", "application/octet-stream"))
    parent = _reference(spec.get("parent"), ids)
    file = store.make(
        str(spec["name"]), mime_type, person, [parent] if parent else None, content=_content(spec, mime_type)
    )
    if mime_type == SHORTCUT:
        target = store.files[_reference(spec["target"], ids)]
        file.shortcut_target, file.shortcut_target_type = target.id, target.mime_type
    file.trashed = bool(spec.get("trashed"))
    file.not_copyable = bool(spec.get("not_copyable"))
    if "app_properties" in spec:
        file.app_properties = {app: dict(values) for app, values in spec["app_properties"].items()}
    for role, emails in (("reader", spec.get("readers", ())), ("writer", spec.get("writers", ()))):
        _share(store, file, role, emails)
    for text in spec.get("comments", ()):
        _comment(store, file, str(text))
    store.add(file, person)
    store.tell_created(file)
    return file


def _content(spec: Mapping[str, Any], mime_type: str) -> Content | None:
    if is_native(mime_type) or mime_type in {FOLDER, SHORTCUT}:
        return None
    if "text" in spec:
        return Content(str(spec["text"]).encode())
    return Content(size=int(spec.get("size", 0)), seed=str(spec.get("seed", spec["name"])))


def _reference(value: object, ids: list[str]) -> str:
    text = str(value or "")
    return ids[int(text[1:])] if text.startswith("#") else text


def _share(store: FileStore, file: File, role: str, emails: Any) -> None:
    assert role in ROLES
    for email in emails:
        if email == "anyone":
            file.permissions["anyoneWithLink"] = Permission("anyoneWithLink", "anyone", role)
            continue
        sub = store.identity.user(email).sub
        file.permissions[sub] = Permission(sub, "user", role, email)
        file.shared_with[email] = store.world.clock.now()


def _comment(store: FileStore, file: File, text: str) -> None:
    now = file.created.isoformat()
    item = {"id": "AAAA" + store.world.token(8), "content": text, "author": file.modifier}
    file.comments.append(item | {"createdTime": now, "modifiedTime": now})
