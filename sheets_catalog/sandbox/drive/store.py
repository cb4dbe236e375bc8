"""The tree of files: creation, change, access, history for lagging lists, the feed of changes.

Everything here is the state itself; what may be asked of it over HTTP is in the modules of the API versions. A
`FileStore` is also what the Sheets service sees of Drive (`wire.Files`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.accounts import AUTH
from sheets_catalog.sandbox.drive import problems
from sheets_catalog.sandbox.drive.files import (
    FOLDER,
    NATIVE_SIZE,
    Content,
    File,
    Permission,
    SharedDrive,
    is_native,
    rank,
)
from sheets_catalog.sandbox.wire import JSON, Caller, GoogleError, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sheets_catalog.sandbox.identity import Identity
    from sheets_catalog.sandbox.quota import QuotaBook

LIST_LAG: Final = 5.0
"""Simulated seconds until a list shows a change (a read by id shows it at once). Search is eventually consistent."""

HISTORY_SECONDS: Final = 600.0
HISTORY_LENGTH: Final = 20
FULL_SCOPES: Final = frozenset({AUTH + "drive"})
READ_SCOPES: Final = frozenset({AUTH + "drive.readonly", AUTH + "drive.metadata", AUTH + "drive.metadata.readonly"})
PER_FILE: Final = AUTH + "drive.file"


@dataclass(frozen=True)
class Structure:
    """Limits of the tree (https://support.google.com/a/answer/7338880, drive limits page)."""

    children: int = 500_000
    depth: int = 100
    shared_drive_items: int = 500_000


@dataclass
class Hooks:
    """What the owner of a native format wants to be told."""

    create: dict[str, Callable[[str, str], None]] = field(default_factory=dict)
    copy: dict[str, Callable[[str, str, str], None]] = field(default_factory=dict)
    delete: dict[str, Callable[[str], None]] = field(default_factory=dict)
    rename: dict[str, Callable[[str, str], None]] = field(default_factory=dict)
    export: dict[str, Callable[[str, str], bytes | None]] = field(default_factory=dict)
    content: dict[str, Callable[[str, bytes, str], None]] = field(default_factory=dict)


class FileStore:
    """All files of all users of one sandbox."""

    def __init__(self, world: World, identity: Identity, quota: QuotaBook) -> None:
        self.world = world
        self.identity = identity
        self.quota = quota
        self.files: dict[str, File] = {}
        self.drives: dict[str, SharedDrive] = {}
        self.generated: dict[str, tuple[str, str]] = {}
        """Pre-generated ids: (e-mail, type)."""
        self.spent: set[str] = set()
        """Pre-generated ids that were used, by files that may be gone by now."""
        self.groups: dict[str, set[str]] = {}
        self.storage_limits: dict[str, int] = {}
        self.used: defaultdict[str, int] = defaultdict(int)
        self.structure = Structure()
        self.list_lag = LIST_LAG
        self.changes: list[tuple[float, str]] = []
        self.hooks = Hooks()
        self._roots: dict[str, str] = {}
        self._within: defaultdict[str, set[str]] = defaultdict(set)
        self._history: dict[str, list[tuple[float, File | None]]] = {}
        self._gone: dict[str, float] = {}

    # -- looking ----------------------------------------------------------------------------------------------------

    def root_of(self, email: str) -> str:
        """Id of the user's My Drive, made on first use."""
        if email not in self._roots:
            now = self.world.clock.now()
            root = File(f"0A{self.world.token(15)}PVA", "My Drive", FOLDER, email, now, now, email)
            root.permissions = self._owner_permission(email)
            self.files[root.id] = root
            self._roots[email] = root.id
        return self._roots[email]

    def is_root(self, file: File) -> bool:
        """Whether it is somebody's My Drive or the root of a shared drive."""
        return file.id in self.drives or (bool(file.owner) and self._roots.get(file.owner) == file.id)

    def above(self, file: File) -> Iterator[File]:
        """The folders above a file, nearest first."""
        seen = {file.id}
        while file.parents:
            parent = self.files.get(file.parents[0])
            if parent is None or parent.id in seen:
                return
            seen.add(parent.id)
            yield parent
            file = parent

    def children(self, folder_id: str) -> list[File]:
        """Direct children, trashed ones included."""
        found = (self.files.get(file_id) for file_id in self._within.get(folder_id, ()))
        return [file for file in found if file is not None and folder_id in file.parents]

    def at_most_children(self, folder_id: str) -> int:
        """Number of children; exact only near the limit, as counting thousands at every create would be slow."""
        upper = len(self._within.get(folder_id, ()))
        return len(self.children(folder_id)) if upper >= self.structure.children else upper

    def items_in_drive(self, drive_id: str) -> int:
        """Number of items of a shared drive, the trash included; an upper bound while that is far from the limit."""
        if len(self.files) < self.structure.shared_drive_items:
            return len(self.files)
        return sum(1 for file in self.files.values() if file.drive_id == drive_id)

    def below(self, file: File) -> Iterator[File]:
        """Everything below a folder, parents before children."""
        for child in self.children(file.id):
            yield child
            yield from self.below(child)

    def is_trashed(self, file: File) -> bool:
        return file.trashed or any(folder.trashed for folder in self.above(file))

    # -- access -----------------------------------------------------------------------------------------------------

    def permissions_of(self, file: File) -> dict[str, tuple[Permission, str]]:
        """All permissions by id, inherited ones included, with the id of the item they come from ("" for direct)."""
        found: dict[str, tuple[Permission, str]] = {key: (item, "") for key, item in file.permissions.items()}
        for folder in self.above(file):
            for key, item in folder.permissions.items():
                inherited = _inherited(item)
                if key not in found or rank(inherited.role) > rank(found[key][0].role):
                    found[key] = (inherited, folder.id)
        drive = self.drives.get(file.drive_id)
        for key, item in drive.members.items() if drive else ():
            if key not in found or rank(item.role) > rank(found[key][0].role):
                found[key] = (item, file.drive_id)
        return found

    def roles(self, file: File) -> dict[str, str]:
        """Role by e-mail address of users, inherited ones included."""
        return {item.email: item.role for item, _ in self.permissions_of(file).values() if item.email}

    def role(self, file: File, email: str, *, by_link: bool = True) -> str:
        """The user's role: the strongest of direct, inherited, group, domain and (if `by_link`) anyone permissions."""
        if file.owner == email:
            return "owner"
        best = "none"
        for permission in self._granted(file):
            if rank(permission.role) > rank(best) and self._covers(permission, email, by_link=by_link):
                best = permission.role
        return best

    def _granted(self, file: File) -> Iterator[Permission]:
        yield from file.permissions.values()
        for folder in self.above(file):
            for permission in folder.permissions.values():
                yield _inherited(permission)
        if file.drive_id in self.drives:
            yield from self.drives[file.drive_id].members.values()

    def _covers(self, permission: Permission, email: str, *, by_link: bool) -> bool:
        if permission.expires and datetime.fromisoformat(permission.expires) <= self.world.clock.now():
            return False
        if permission.type == "user":
            return permission.email == email
        if permission.type == "group":
            return email in self.groups.get(permission.email, ())
        if permission.type == "domain":
            return email.endswith("@" + permission.domain) and (by_link or permission.discoverable)
        return by_link or permission.discoverable

    def sees(self, file: File, caller: Caller, *, listed: bool = False) -> bool:
        """Whether the caller may know of the file: by role, and by the token's scopes.

        listed: as a hit of a search, where link-shared files do not turn up unless the user opened them.
        """
        role = self.role(file, caller.email, by_link=not listed or caller.email in file.viewed)
        if role == "none":
            return False
        if caller.scopes & (FULL_SCOPES | READ_SCOPES):
            return True
        return (caller.app, caller.email) in file.apps

    def may_write_by_scope(self, file: File, caller: Caller, *, metadata: bool = False) -> bool:
        """Whether the token's scopes allow to change this file."""
        full = FULL_SCOPES | ({AUTH + "drive.metadata"} if metadata else frozenset())
        if caller.scopes & full:
            return True
        return PER_FILE in caller.scopes and (caller.app, caller.email) in file.apps

    # -- changing ---------------------------------------------------------------------------------------------------

    def new_id(self, mime_type: str) -> str:
        """A fresh id of the usual length: 44 characters for editors' files, 33 for others."""
        return "1" + self.world.token(43 if is_native(mime_type) else 32)

    def add(self, file: File, caller: Caller) -> File:
        """Put a new file into the tree; the caller's app is remembered for `drive.file`."""
        self._remember(file.id, None)
        self.files[file.id] = file
        file.apps = (*file.apps, (caller.app, caller.email))
        file.viewed[caller.email] = file.created
        for parent in file.parents:
            self._within[parent].add(file.id)
        if file.owner:
            self.used[file.owner] += file.size or 0
        self._changed(file.id)
        return file

    def make(
        self,
        name: str,
        mime_type: str,
        caller: Caller,
        parents: Sequence[str] | None = None,
        *,
        file_id: str = "",
        content: Content | None = None,
    ) -> File:
        """Make a file record of the caller's in a folder (default: My Drive), not yet in the tree."""
        parent = self.files[parents[0]] if parents else self.files[self.root_of(caller.email)]
        now = self.world.clock.now()
        file = File(
            id=file_id or self.new_id(mime_type),
            name=name,
            mime_type=mime_type,
            owner="" if parent.drive_id else caller.email,
            created=now,
            modified=now,
            modifier=caller.email,
            parents=(parent.id,),
            drive_id=parent.drive_id,
            content=content,
        )
        if file.owner:
            file.permissions = self._owner_permission(caller.email)
        if content is not None:
            file.revision = "0B" + self.world.token(50)
            file.original_filename = name
        return file

    def about_to_change(self, file: File) -> None:
        """Keep the present state for lists that lag behind."""
        self._remember(file.id, file.copy())

    def change(self, file: File, caller_email: str, *, touch: bool = True, modified: datetime | None = None) -> None:
        """Count a change that has just been made: version, etag, times, feed. touch: it moves modifiedTime too."""
        file.version += 1
        if touch:
            file.modified = modified or self.world.clock.now()
            file.modifier = caller_email
        self._changed(file.id)

    def set_content(self, file: File, content: Content) -> None:
        """New bytes: revision and the owner's used storage follow."""
        if file.owner:
            self.used[file.owner] += content.size - (file.size or 0)
        file.content = content
        file.revision = "0B" + self.world.token(50)

    def move(self, file: File, parent: File) -> None:
        """Put a file into another folder; what is below follows into or out of a shared drive."""
        self._within[parent.id].add(file.id)
        file.parents = (parent.id,)
        for item in [file, *self.below(file)] if file.drive_id != parent.drive_id else [file]:
            item.drive_id = parent.drive_id
            if parent.drive_id and item.owner:
                self.used[item.owner] -= item.size or 0
                item.permissions = {key: value for key, value in item.permissions.items() if value.role != "owner"}
                item.owner = ""

    def delete(self, file: File) -> list[File]:
        """Remove a file, and with a folder everything below it; answers what was removed."""
        removed = [*self.below(file), file]
        for item in removed:
            self._remember(item.id, item.copy())
            self._gone[item.id] = self.world.clock.seconds()
            del self.files[item.id]
            if item.owner:
                self.used[item.owner] -= item.size or 0
            self._changed(item.id)
            if item.mime_type in self.hooks.delete:
                self.hooks.delete[item.mime_type](item.id)
        return removed

    def _owner_permission(self, email: str) -> dict[str, Permission]:
        sub = self.identity.user(email).sub
        return {sub: Permission(sub, "user", "owner", email)}

    # -- history: what a lagging list shows, and the feed -------------------------------------------------------------

    def _remember(self, file_id: str, before: File | None) -> None:
        now = self.world.clock.seconds()
        kept = self._history.setdefault(file_id, [])
        kept.append((now, before))
        if len(kept) > HISTORY_LENGTH or kept[0][0] < now - HISTORY_SECONDS:
            fresh = [entry for entry in kept if entry[0] >= now - HISTORY_SECONDS]
            self._history[file_id] = fresh[-HISTORY_LENGTH:]

    def _changed(self, file_id: str) -> None:
        self.changes.append((self.world.clock.seconds(), file_id))

    def as_of(self, file_id: str, moment: float) -> File | None:
        """The file as it was at a simulated second; None: it did not exist."""
        for changed, before in self._history.get(file_id, ()):
            if changed > moment:
                return before
        return self.files.get(file_id)

    def before_last_change(self, file_id: str) -> File | None:
        """The file as it was before its latest change, if that is remembered."""
        kept = self._history.get(file_id)
        return kept[-1][1] if kept else None

    def candidates(self, parents: Iterable[str]) -> Iterable[str]:
        """Ids that a search has to look at: those ever seen in these folders, or all."""
        horizon = self.world.clock.seconds() - HISTORY_SECONDS
        for file_id in [file_id for file_id, when in self._gone.items() if when < horizon]:
            self._forget(file_id)
        narrowed = set().union(*(self._within.get(parent, set()) for parent in parents)) if parents else None
        return [*self.files, *self._gone] if narrowed is None else narrowed

    def _forget(self, file_id: str) -> None:
        del self._gone[file_id]
        self._history.pop(file_id, None)

    # -- what the Sheets service sees (wire.Files) --------------------------------------------------------------------

    def create_native(self, name: str, mime_type: str, caller: Caller, parents: Sequence[str] | None = None) -> str:
        self.check_storage(caller, NATIVE_SIZE, self._drive_of(parents))
        file = self.add(self.make(name, mime_type, caller, parents), caller)
        self.tell_created(file)
        return file.id

    def _drive_of(self, parents: Sequence[str] | None) -> str:
        parent = self.files.get(parents[0]) if parents else None
        return parent.drive_id if parent else ""

    def tell_created(self, file: File) -> None:
        """Let the owner of a native format make its content."""
        if file.mime_type in self.hooks.create:
            self.hooks.create[file.mime_type](file.id, file.name)

    def check_storage(self, caller: Caller, size: int, drive_id: str) -> None:
        """403 storageQuotaExceeded when the caller would own more bytes than they may; shared drives own their own."""
        if drive_id:
            return
        if self.identity.is_service_account(caller.email):
            raise problems.storage_exceeded(service_account=True)
        limit = self.storage_limits.get(caller.email)
        if limit is not None and self.used[caller.email] + size > limit:
            raise problems.storage_exceeded(service_account=False)

    def exists(self, file_id: str) -> bool:
        return file_id in self.files

    def access(self, file_id: str, caller: Caller) -> str:
        file = self.files.get(file_id)
        if file is None:
            raise GoogleError(404, "Requested entity was not found.", status="NOT_FOUND")
        role = {"commenter": "reader", "fileOrganizer": "writer", "organizer": "writer"}.get(
            found := self.role(file, caller.email), found
        )
        return _cut_by_scopes(role, caller, mine=(caller.app, caller.email) in file.apps)

    def require(self, file_id: str, caller: Caller, role: str) -> None:
        if not caller.has("spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly", "drive.file"):
            raise _sheets_scope_missing()
        if role != "reader" and not caller.has("spreadsheets", "drive", "drive.file"):
            raise _sheets_scope_missing()
        held = self.access(file_id, caller)
        if held == "none" and not caller.has("spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly"):
            raise GoogleError(404, "Requested entity was not found.", status="NOT_FOUND")  # not one of this app's files
        if rank(held) < rank(role):
            raise GoogleError(403, "The caller does not have permission", status="PERMISSION_DENIED")

    def touched(self, file_id: str, caller: Caller) -> None:
        file = self.files[file_id]
        self.about_to_change(file)
        self.change(file, caller.email)

    def rename(self, file_id: str, title: str, caller: Caller | None = None) -> None:
        file = self.files[file_id]
        self.about_to_change(file)
        file.name = title
        self.change(file, caller.email if caller else file.modifier)

    def name(self, file_id: str) -> str:
        return self.files[file_id].name

    def on_create(self, mime_type: str, callback: Callable[[str, str], None]) -> None:
        self.hooks.create[mime_type] = callback

    def on_copy(self, mime_type: str, callback: Callable[[str, str, str], None]) -> None:
        self.hooks.copy[mime_type] = callback

    def on_delete(self, mime_type: str, callback: Callable[[str], None]) -> None:
        self.hooks.delete[mime_type] = callback

    def on_rename(self, mime_type: str, callback: Callable[[str, str], None]) -> None:
        self.hooks.rename[mime_type] = callback

    def on_export(self, mime_type: str, callback: Callable[[str, str], bytes | None]) -> None:
        self.hooks.export[mime_type] = callback

    def on_import(self, mime_type: str, callback: Callable[[str, bytes, str], None]) -> None:
        self.hooks.content[mime_type] = callback

    # -- saving -----------------------------------------------------------------------------------------------------

    def dump(self) -> JSON:
        return {
            "files": {file_id: file.dump() for file_id, file in self.files.items()},
            "drives": {drive_id: drive.dump() for drive_id, drive in self.drives.items()},
            "roots": dict(self._roots),
            "generated": {file_id: list(entry) for file_id, entry in self.generated.items()},
            "spent": sorted(self.spent),
            "groups": {group: sorted(members) for group, members in self.groups.items()},
            "storage_limits": dict(self.storage_limits),
            "changes": [list(entry) for entry in self.changes],
        }

    def load(self, state: dict[str, Any]) -> None:
        self.files = {file_id: File.load(item) for file_id, item in state["files"].items()}
        self.drives = {drive_id: SharedDrive.load(item) for drive_id, item in state["drives"].items()}
        self._roots = dict(state["roots"])
        self.generated = {file_id: (entry[0], entry[1]) for file_id, entry in state["generated"].items()}
        self.spent = set(state["spent"])
        self.groups = {group: set(members) for group, members in state["groups"].items()}
        self.storage_limits = dict(state["storage_limits"])
        self.changes = [(when, file_id) for when, file_id in state["changes"]]
        self._history.clear()
        self._gone.clear()
        self._within.clear()
        self.used.clear()
        for file in self.files.values():
            for parent in file.parents:
                self._within[parent].add(file.id)
            if file.owner:
                self.used[file.owner] += file.size or 0


def _inherited(permission: Permission) -> Permission:
    """What a folder's permission is worth on the items inside: its owner may write there."""
    if permission.role != "owner":
        return permission
    return Permission(permission.id, permission.type, "writer", permission.email, permission.domain)


def _cut_by_scopes(role: str, caller: Caller, *, mine: bool) -> str:
    """The role left over when the token's scopes are taken into account, for the Sheets API."""
    if caller.has("spreadsheets", "drive") or (mine and caller.has("drive.file")):
        return role
    if caller.has("spreadsheets.readonly", "drive.readonly"):
        return "reader" if role != "none" else "none"
    return "none"


def _sheets_scope_missing() -> GoogleError:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": "sheets.googleapis.com"},
        }
    ]
    message = "Request had insufficient authentication scopes."
    return GoogleError(403, message, status="PERMISSION_DENIED", details=details)
