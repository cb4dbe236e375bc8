"""Job state and leases in Drive files: the engine's stores, with compare-and-set by Drive v2 etags."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import CONFLICT
from typing import TYPE_CHECKING

from sheets_catalog.errors import NotFound, Refused, Unavailable
from sheets_catalog.jobs.store import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.google.drive import Drive
    from sheets_catalog.google.files import File, FileState

SIDES = "sides"
"""Property with the ids of the two side files, ``<slot>=<id>`` joined with commas."""

BINARY = "application/octet-stream"


def is_taken(error: Refused) -> bool:
    """Whether an id was refused because something has it already, whatever else the answer says."""
    return error.reason == "duplicate" or error.status == CONFLICT


def create_once(
    drive: Drive,
    file_id: str,
    name: str,
    content: bytes,
    mime_type: str,
    *,
    parents: Sequence[str],
    app_properties: Mapping[str, str],
) -> File:
    """Make a file under an id made beforehand, or find it made already: the answer to the first try may be lost.

    Raises `Refused` when the id belongs to something without these properties.
    """
    try:
        return drive.create_file(file_id, name, content, mime_type, parents=parents, app_properties=app_properties)
    except Refused as error:
        if not is_taken(error):
            raise
        found = drive.get(file_id)
        if not app_properties.items() <= found.app_properties.items():
            raise
        return found


@dataclass(slots=True)
class DriveProperties:
    """The private properties of one Drive file (a `PropertyStore`)."""

    drive: Drive
    file_id: str
    known: FileState | None = None

    def read(self) -> Stored:
        """What is there now."""
        return _stored(self.look())

    def last(self) -> Stored:
        """What was there when it was last read or written."""
        return _stored(self.state())

    def write(self, changes: Mapping[str, str | None], version: str) -> Stored:
        """Patch, if the file is still as `version` says."""
        self.known = self.drive.write_state(self.file_id, changes, version)
        return _stored(self.known)

    def state(self) -> FileState:
        """The file's state as last seen; whoever writes with its etag finds out whether it has changed since."""
        return self.known or self.look()

    def look(self) -> FileState:
        """The file's state now."""
        self.known = self.drive.read_state(self.file_id)
        return self.known


@dataclass(slots=True)
class DriveJob(DriveProperties):
    """The properties of a job file, and its side files (a `JobStore`). Side files are made when first needed."""

    folder_id: str = ""

    def read_side(self, slot: str) -> bytes | None:
        """The content of a slot's side file."""
        side = self._sides(self.read()).get(slot)
        if side is None:
            return None
        try:
            return self.drive.read(side)
        except NotFound:
            return None

    def write_side(self, slot: str, content: bytes) -> None:
        """Replace the content of a slot's side file; its id is stored before the file is made."""
        stored = self.read()
        sides = self._sides(stored)
        if slot not in sides:
            sides[slot] = self.drive.generate_ids(1)[0]
            text = ",".join(f"{name}={file_id}" for name, file_id in sorted(sides.items()))
            self.write({SIDES: text}, stored.version)
        try:
            self.drive.update_content(sides[slot], content, mime_type=BINARY)
        except NotFound:
            self._make(sides[slot], slot, content)

    def _make(self, file_id: str, slot: str, content: bytes) -> None:
        name = f"Sheets Catalog job state {slot}"
        marks = {"kind": "side", "job": self.file_id}
        create_once(self.drive, file_id, name, content, BINARY, parents=[self.folder_id], app_properties=marks)

    @staticmethod
    def _sides(stored: Stored) -> dict[str, str]:
        pairs = (part.partition("=") for part in stored.properties.get(SIDES, "").split(",") if part)
        return {slot: file_id for slot, _, file_id in pairs}


def _stored(state: FileState) -> Stored:
    if state.server_time is None:
        raise Unavailable("Google's answer has no date.", service="google", operation="drive.files.get")
    return Stored(state.etag, state.properties, state.server_time)
