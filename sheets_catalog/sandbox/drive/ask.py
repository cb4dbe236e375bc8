"""One call of the Drive API: parameters, body, scopes, and the files it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from werkzeug.datastructures import CombinedMultiDict, MultiDict

from sheets_catalog.sandbox.accounts import AUTH
from sheets_catalog.sandbox.drive import fields, problems
from sheets_catalog.sandbox.drive.files import File, rank
from sheets_catalog.sandbox.drive.show import DEFAULT_FIELDS, View
from sheets_catalog.sandbox.wire import JSON, Caller, Request, json_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.sandbox.drive.fields import Mask
    from sheets_catalog.sandbox.drive.store import FileStore

ANY: Final = frozenset(
    AUTH + name for name in ("drive", "drive.readonly", "drive.file", "drive.metadata", "drive.metadata.readonly")
)
CONTENT: Final = frozenset(AUTH + name for name in ("drive", "drive.readonly", "drive.file"))
WRITE: Final = frozenset(AUTH + name for name in ("drive", "drive.file"))
METADATA: Final = frozenset(AUTH + name for name in ("drive", "drive.file", "drive.metadata"))


@dataclass
class Ask:
    """A call: who asks what of which store. `version`: v3 or v2 of the API."""

    store: FileStore
    caller: Caller
    request: Request
    operation: str
    version: str = "v3"
    params: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, store: FileStore, caller: Caller, request: Request, operation: str) -> Ask:
        """Read parameters and JSON body; a long GET comes as a form."""
        version = "v2" if "/v2/" in request.path else "v3"
        overridden = "X-HTTP-Method-Override" in request.headers
        params: MultiDict[str, str] = MultiDict(
            CombinedMultiDict([request.args, request.form]) if overridden else request.args
        )
        is_json = request.mimetype in {"application/json", ""} and not overridden and "/upload/" not in request.path
        body = json_body(request) if is_json and request.method not in {"GET", "DELETE"} else {}
        return cls(store, caller, request, operation, version, params, body)

    # -- parameters -------------------------------------------------------------------------------------------------

    def flag(self, *names: str) -> bool:
        """A boolean parameter under any of its names; 400 for anything but true and false."""
        for name in names:
            value = self.params.get(name)
            if value is None:
                continue
            if value.lower() not in {"true", "false"}:
                raise problems.invalid_parameter(name, f"Invalid boolean value: '{value}'.")
            if value.lower() == "true":
                return True
        return False

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole-number parameter; too large is cut down to `high`, too small is 400."""
        text = self.params.get(name)
        if text is None:
            return default
        try:
            value = int(text)
        except ValueError as error:
            raise problems.invalid_parameter(name, f"Invalid value '{text}'. It must be a whole number.") from error
        if value < low:
            message = f"Invalid value '{value}'. Values must be within the range: [{low}, {high}]"
            raise problems.invalid_parameter(name, message)
        return min(value, high)

    def mask(self, schema: str, default: Mask | None) -> Mask | None:
        """The `fields` parameter checked against the schema of the answer."""
        text = self.params.get("fields")
        return default if text is None else fields.checked(text, schema, self.version)

    @property
    def all_drives(self) -> bool:
        """Whether the caller says it knows shared drives."""
        return self.flag("supportsAllDrives", "supportsTeamDrives")

    # -- scopes and files -------------------------------------------------------------------------------------------

    def scopes(self, allowed: frozenset[str]) -> None:
        """403 unless the token carries one of the scopes."""
        if not self.caller.scopes & allowed:
            raise problems.no_scope(self.operation)

    def find(self, file_id: str, location: str = "fileId") -> File:
        """The file if the caller may know of it; 404 otherwise, whatever the reason."""
        if file_id == "root":
            file_id = self.store.root_of(self.caller.email)
        file = self.store.files.get(file_id)
        if file is None or not self.store.sees(file, self.caller):
            raise problems.not_found(file_id, location)
        if file.drive_id and not self.all_drives:
            raise problems.not_found(file_id, location)
        return file

    def role(self, file: File) -> str:
        return self.store.role(file, self.caller.email)

    def require(self, file: File, role: str, *, metadata: bool = False) -> None:
        """403 unless the user holds the role and the token may write this file."""
        if rank(self.role(file)) < rank(role):
            raise problems.forbidden()
        if not self.store.may_write_by_scope(file, self.caller, metadata=metadata):
            raise problems.app_not_authorized(self.caller.app, "write", file.id)

    def parent(self, parents: Sequence[str] | None) -> File:
        """The folder to put something in: exists, is a folder, may be written to, is not full or too deep."""
        if parents is not None and (not isinstance(parents, list) or len(parents) > 1):
            raise problems.refused("cannotAddParent", "Increasing the number of parents is not allowed")
        wanted = str(parents[0]) if parents else "root"
        root = self.store.files[self.store.root_of(self.caller.email)]
        folder = root if wanted in {"root", root.id} else self.find(wanted, "")  # one's own root needs no scope for it
        if not folder.is_folder:
            raise problems.refused("parentNotAFolder", "The specified parent is not a folder.")
        if rank(self.role(folder)) < rank("writer"):
            raise problems.parent_forbidden()
        check_structure(self.store, folder)
        return folder

    # -- answers ----------------------------------------------------------------------------------------------------

    def show(self, file: File, default: Mask | None = DEFAULT_FIELDS) -> dict[str, JSON]:
        """The file with the fields asked for."""
        return View(file, self.caller, self.store).show(self.mask("File", default))

    def record(self, target: str, effect: Mapping[str, JSON], operation: str = "") -> None:
        """Write an applied effect into the ledger."""
        self.store.world.ledger.record(
            service="drive",
            operation=operation or self.operation,
            target=target,
            effect=effect,
            actor=self.caller.email,
        )


def check_structure(store: FileStore, folder: File) -> None:
    """403 when the folder is full or already as deep as folders may be."""
    limits = store.structure
    if store.at_most_children(folder.id) >= limits.children and not store.is_root(folder):
        message = "The limit for this folder's number of children (files and folders) has been exceeded."
        raise problems.refused("numChildrenInNonRootLimitExceeded", message)
    if sum(1 for _ in store.above(folder)) + 1 >= limits.depth:
        if folder.drive_id:
            raise problems.refused(
                "teamDriveHierarchyTooDeep", "The shared drive hierarchy depth will exceed the limit."
            )
        raise problems.refused(
            "myDriveHierarchyDepthLimitExceeded", "Your My Drive hierarchy depth will exceed the limit."
        )
    if folder.drive_id and store.items_in_drive(folder.drive_id) >= limits.shared_drive_items:
        message = "The file limit for this shared drive has been exceeded."
        raise problems.refused("teamDriveFileLimitExceeded", message)
