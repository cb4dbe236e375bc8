"""The Drive service: routes, dispatch, faults of its own, sample data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import feed, planting, sharing, v2, v3
from sheets_catalog.sandbox.drive.ask import Ask
from sheets_catalog.sandbox.drive.listing import Pages
from sheets_catalog.sandbox.drive.store import FileStore
from sheets_catalog.sandbox.drive.uploads import Uploads
from sheets_catalog.sandbox.wire import (
    JSON,
    Caller,
    Request,
    Response,
    Rule,
    World,
    fault_of,
    json_response,
)

if TYPE_CHECKING:
    from sheets_catalog.sandbox.identity import Identity
    from sheets_catalog.sandbox.quota import QuotaBook

Operation = Callable[[Ask, Mapping[str, str]], JSON | Response | None]

V3: Final[Mapping[str, tuple[str, str, Operation]]] = {
    "drive.about.get": ("GET", "/about", feed.about_get),
    "drive.changes.getStartPageToken": ("GET", "/changes/startPageToken", feed.changes_start),
    "drive.changes.list": ("GET", "/changes", feed.changes_list),
    "drive.changes.watch": ("POST", "/changes/watch", v3.files_unsupported),
    "drive.comments.list": ("GET", "/files/<fileId>/comments", feed.comments_list),
    "drive.comments.create": ("POST", "/files/<fileId>/comments", feed.comments_create),
    "drive.comments.get": ("GET", "/files/<fileId>/comments/<commentId>", feed.comments_get),
    "drive.comments.delete": ("DELETE", "/files/<fileId>/comments/<commentId>", feed.comments_delete),
    "drive.drives.list": ("GET", "/drives", sharing.drives_list),
    "drive.drives.create": ("POST", "/drives", sharing.drives_create),
    "drive.drives.get": ("GET", "/drives/<driveId>", sharing.drives_get),
    "drive.drives.update": ("PATCH", "/drives/<driveId>", sharing.drives_update),
    "drive.drives.delete": ("DELETE", "/drives/<driveId>", sharing.drives_delete),
    "drive.files.generateIds": ("GET", "/files/generateIds", v3.files_generate_ids),
    "drive.files.emptyTrash": ("DELETE", "/files/trash", v3.files_empty_trash),
    "drive.files.create": ("POST", "/files", v3.files_create),
    "drive.files.get": ("GET", "/files/<fileId>", v3.files_get),
    "drive.files.update": ("PATCH", "/files/<fileId>", v3.files_update),
    "drive.files.delete": ("DELETE", "/files/<fileId>", v3.files_delete),
    "drive.files.copy": ("POST", "/files/<fileId>/copy", v3.files_copy),
    "drive.files.export": ("GET", "/files/<fileId>/export", v3.files_export),
    "drive.files.download": ("POST", "/files/<fileId>/download", v3.files_unsupported),
    "drive.files.watch": ("POST", "/files/<fileId>/watch", v3.files_unsupported),
    "drive.files.listLabels": ("GET", "/files/<fileId>/listLabels", v3.files_unsupported),
    "drive.files.modifyLabels": ("POST", "/files/<fileId>/modifyLabels", v3.files_unsupported),
    "drive.permissions.list": ("GET", "/files/<fileId>/permissions", sharing.permissions_list),
    "drive.permissions.create": ("POST", "/files/<fileId>/permissions", sharing.permissions_create),
    "drive.permissions.get": ("GET", "/files/<fileId>/permissions/<permissionId>", sharing.permissions_get),
    "drive.permissions.update": ("PATCH", "/files/<fileId>/permissions/<permissionId>", sharing.permissions_update),
    "drive.permissions.delete": ("DELETE", "/files/<fileId>/permissions/<permissionId>", sharing.permissions_delete),
    "drive.revisions.list": ("GET", "/files/<fileId>/revisions", feed.revisions_list),
}
V2: Final[Mapping[str, tuple[str, str, Operation]]] = {
    "drive.v2.files.insert": ("POST", "/files", v2.files_insert),
    "drive.v2.files.get": ("GET", "/files/<fileId>", v2.files_get),
    "drive.v2.files.patch": ("PATCH", "/files/<fileId>", v2.files_patch),
    "drive.v2.files.update": ("PUT", "/files/<fileId>", v2.files_patch),
    "drive.v2.files.delete": ("DELETE", "/files/<fileId>", v2.files_delete),
    "drive.v2.files.copy": ("POST", "/files/<fileId>/copy", v2.files_copy),
    "drive.v2.files.trash": ("POST", "/files/<fileId>/trash", v2.files_trash),
    "drive.v2.files.untrash": ("POST", "/files/<fileId>/untrash", v2.files_untrash),
    "drive.v2.properties.list": ("GET", "/files/<fileId>/properties", v2.properties_list),
    "drive.v2.properties.insert": ("POST", "/files/<fileId>/properties", v2.properties_insert),
    "drive.v2.properties.get": ("GET", "/files/<fileId>/properties/<propertyKey>", v2.properties_get),
    "drive.v2.properties.patch": ("PATCH", "/files/<fileId>/properties/<propertyKey>", v2.properties_update),
    "drive.v2.properties.update": ("PUT", "/files/<fileId>/properties/<propertyKey>", v2.properties_update),
    "drive.v2.properties.delete": ("DELETE", "/files/<fileId>/properties/<propertyKey>", v2.properties_delete),
}
UPLOADS: Final[Sequence[tuple[str, str, str]]] = (
    ("drive.files.create", "POST PUT DELETE", "/upload/drive/v3/files"),
    ("drive.files.update", "PATCH PUT DELETE", "/upload/drive/v3/files/<fileId>"),
    ("drive.v2.files.insert", "POST", "/upload/drive/v2/files"),
    ("drive.v2.files.update", "PUT", "/upload/drive/v2/files/<fileId>"),
)


class Drive:
    """Drive v3, and of v2 what carries the etag."""

    name = "drive"

    def __init__(self, world: World, identity: Identity, quota: QuotaBook) -> None:
        self._world = world
        self.store = FileStore(world, identity, quota)
        self._uploads = Uploads()
        self._pages = Pages()
        self._operations: dict[str, Operation] = {
            **{name: operation for name, (_, _, operation) in {**V3, **V2}.items()},
            "drive.files.list": partial(v3.files_list, pages=self._pages),
            "drive.v2.files.list": partial(v2.files_list, pages=self._pages),
        }

    def rules(self) -> Sequence[Rule]:
        rules = [Rule(f"/drive/v3{path}", methods=[method], endpoint=name) for name, (method, path, _) in V3.items()]
        rules += [Rule(f"/drive/v2{path}", methods=[method], endpoint=name) for name, (method, path, _) in V2.items()]
        rules += [Rule("/drive/v3/files", methods=["GET"], endpoint="drive.files.list")]
        rules += [Rule("/drive/v2/files", methods=["GET"], endpoint="drive.v2.files.list")]
        rules += [Rule(path, methods=methods.split(), endpoint=name) for name, methods, path in UPLOADS]
        return rules

    def operation_name(self, request: Request, operation: str) -> str:
        """Downloads have a price of their own; a chunk of a resumable upload is told from its start."""
        if operation == "drive.files.get" and request.args.get("alt") == "media":
            return "drive.files.download"
        if "upload_id" in request.args:
            return f"{operation}.chunk"
        return operation

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        ask = Ask.of(self.store, caller, request, operation)
        moved = self._file_whose_etag_moves(request, operation, args)
        if moved is not None and moved[1] == "before":
            self._move_etag(moved[0])
        if request.path.startswith("/upload/"):
            answer: JSON | Response | None = self._uploads.upload(ask, args)
        else:
            answer = self._operations[operation](ask, args)
        if moved is not None and moved[1] == "after":
            self._move_etag(moved[0])
        if answer is None:
            return Response(status=204)
        return answer if isinstance(answer, Response) else json_response(answer)

    def _file_whose_etag_moves(
        self, request: Request, operation: str, args: Mapping[str, str]
    ) -> tuple[str, str] | None:
        if not operation.startswith("drive.v2.") or args.get("fileId") not in self.store.files:
            return None
        fault = fault_of(request, "etag-moves-by-itself")
        return None if fault is None else (args["fileId"], fault.when)

    def _move_etag(self, file_id: str) -> None:
        """The etag of a file changes although nobody wrote, as when a thumbnail is made."""
        if file_id in self.store.files:
            self.store.files[file_id].etag_salt += 1

    def dump(self) -> JSON:
        return self.store.dump()

    def load(self, state: JSON) -> None:
        self.store.load(state)

    def plant(self, body: Mapping[str, Any]) -> JSON:
        """Data that no API call could make; see `planting`."""
        return planting.plant(self.store, body)

    def seed(self, catalogue: str) -> None:
        """What every sandbox starts with: the owner's add-on folder, and somebody else's private file."""
        planting.first_files(self.store)

    def connection(self) -> dict[str, JSON]:
        """The ids of the add-on's folder and of the catalogue spreadsheet."""
        return {
            "folder_id": planting.addon_folder(self.store).id,
            "spreadsheet_id": planting.catalogue_sheet(self.store),
        }
