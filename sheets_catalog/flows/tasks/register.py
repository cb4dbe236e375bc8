"""The register of a sheet's exports: its settings, and every export batch with its jobs and folders.

One JSON file in the connection's folder, replaced by compare-and-set; the control file's properties name it. It is read
by id, so that a batch is known the moment it was made: Drive's search may lag behind for minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from sheets_catalog.errors import (
    BusyError,
    DamagedStateError,
    InputError,
    NewerStateError,
    NotFound,
    PreconditionFailed,
    StateError,
)
from sheets_catalog.flows import control
from sheets_catalog.flows.drive_stores import create_once
from sheets_catalog.flows.near import NAMED, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.control import Control

POINTER = "tasks"
"""Property of the control file: the register's id."""

VERSION = 1
_JSON = "application/json"
_TRIES = 8


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a task's files must be before it is staged (SD-4); kept per sheet.

    `required`: endings of which there must be a file with the folder's name in its own. `least_files`: files in all.
    `base_images`: pattern (without case) of images that do not count as proof of the work; images linked in the column
    “Images” never do. `shortcuts`: copy what they point to, or refuse them. `native`: the same for Google's formats.
    """

    required: tuple[str, ...] = (".obj", ".jpg", ".mp4")
    least_files: int = 6
    base_images: str = r"(^|[^a-z])base([^a-z]|$)"
    shortcuts: Literal["resolve", "refuse"] = "resolve"
    native: Literal["copy", "refuse"] = "copy"


class Settings(msgspec.Struct, frozen=True):
    """How tasks of one sheet are exported. `staging_folder` empty: not chosen yet."""

    tab: str = "Tasks"
    staging_folder: str = ""
    staging_name: str = ""
    rules: Rules = Rules()


class TakenOut(msgspec.Struct, frozen=True):
    """A task that a person took out of a batch: what its status was, when (UTC), who, and why."""

    task_id: str
    label: str
    status: str
    at: str
    actor: str
    reason: str


class Batch(msgspec.Struct, frozen=True):
    """One export: the tasks staged together. Jobs in the order in which they were made.

    `taken_out`: tasks that once were in it. `active_job`: the one that has begun and not ended; no other one of the
    batch may run. `begun_job`: the one that has said so after its own file did.
    """

    id: str
    created_at: str
    actor: str
    folder_id: str
    folder_name: str
    staging_folder: str
    staging_jobs: tuple[str, ...] = ()
    delivery_jobs: tuple[str, ...] = ()
    client_folders: tuple[str, ...] = ()
    cleaned_at: str = ""
    active_job: str = ""
    begun_job: str = ""
    taken_out: tuple[TakenOut, ...] = ()


class Register(msgspec.Struct, frozen=True):
    """The whole register."""

    spreadsheet_id: str
    settings: Settings = Settings()
    batches: dict[str, Batch] = {}
    version: int = VERSION

    def batch(self, batch_id: str) -> Batch:
        """The batch of this id. Raises `InputError`."""
        if batch_id in self.batches:
            return self.batches[batch_id]
        near = nearest(batch_id, self.batches)
        latest = list(self.batches)[: -NAMED - 1 : -1]
        known = f"did you mean {' or '.join(near)}?" if near else f"the latest are: {', '.join(latest) or 'none yet'}."
        raise InputError(
            f"There is no export batch “{batch_id}”; {known}",
            advice="`sheets-catalog batches list` shows them all.",
        )

    @property
    def client_folders(self) -> frozenset[str]:
        """Every folder that a batch was, or was to be, delivered into."""
        return frozenset(each for batch in self.batches.values() for each in batch.client_folders)

    def with_batch(self, batch: Batch) -> Register:
        """The register with this batch added or replaced."""
        return msgspec.structs.replace(self, batches={**self.batches, batch.id: batch})


def load(systems: Systems) -> Register:
    """The register; an empty one while there is none. Raises `StateError` when it cannot be read, or not be found."""
    home = _home(systems)
    file_id = home.store.read().properties.get(POINTER, "") if home.file_id else ""
    file_id = file_id or _made_before(systems)
    return _read(systems, file_id) if file_id else Register(systems.connection.spreadsheet_id)


def change(systems: Systems, how: Callable[[Register], Register]) -> Register:
    """Replace the register by what `how` makes of it; `how` may be called again when somebody else was faster."""
    file_id = _find_or_make(systems)
    for _ in range(_TRIES):
        state = systems.drive.read_state(file_id)
        before = _read(systems, file_id)
        after = how(before)
        if after == before:
            return before
        try:
            systems.drive.update_content(file_id, msgspec.json.encode(after), mime_type=_JSON, if_match=state.etag)
        except PreconditionFailed:
            continue  # somebody else was faster, or our own first sending landed: look again
        return after
    raise BusyError("Others keep changing this sheet's register of exports.", advice="Try again in a minute.")


def _read(systems: Systems, file_id: str) -> Register:
    try:
        content = systems.drive.read(file_id)
        found = msgspec.json.decode(content, type=Register)
    except NotFound as error:
        raise DamagedStateError(
            f"The register of exports ({file_id}) is gone from the connection's folder.",
            advice="Take it back from Drive's trash.",
        ) from error
    except msgspec.MsgspecError as error:
        raise DamagedStateError(
            f"The register of exports ({file_id}) cannot be read: {error}.",
            advice="Restore an earlier version of the file in Drive (File, Version history).",
        ) from error
    if found.version > VERSION:
        raise NewerStateError("The register of exports was written by a newer version.", advice="Upgrade.")
    if found.spreadsheet_id != systems.connection.spreadsheet_id:
        raise StateError("The register of exports belongs to another spreadsheet; it was not used.")
    return found


def _home(systems: Systems) -> Control:
    """The control file, if there is one. Raises `StateError` for one in the trash: batches would seem not to exist."""
    home = control.find(systems)
    if home.trouble == control.IN_TRASH:
        raise StateError(
            "The file that leads to this sheet's exports is in Drive's trash; nothing was changed.",
            advice=f"Take “Sheets Catalog baseline of {systems.connection.spreadsheet_id}” back from the trash.",
        )
    return home


def _made_before(systems: Systems) -> str:
    """The id of a register that no control file names, because that was lost and made anew; empty when there is none.

    Search lags by minutes, but whoever makes a register names it at once.
    """
    marks = {"kind": "register", "sheet": systems.connection.spreadsheet_id}
    found = systems.drive.find(app_properties=marks, parent=systems.connection.folder_id)
    return min(found, key=lambda each: str(each.created_time)).id if found else ""


def _find_or_make(systems: Systems) -> str:
    home = control.ready(_home(systems)).store
    mine = ""
    for _ in range(_TRIES):
        stored = home.read()
        found = stored.properties.get(POINTER, "")
        if found:
            if mine and mine != found:
                systems.drive.trash(mine)
            return found
        known = "" if mine else _made_before(systems)
        mine = mine or ("" if known else _make(systems))
        try:
            home.write({POINTER: known or mine}, stored.version)
        except PreconditionFailed:
            continue
        return known or mine
    raise BusyError("Others keep changing this sheet's control file.", advice="Try again in a minute.")


def _make(systems: Systems) -> str:
    sheet = systems.connection.spreadsheet_id
    (file_id,) = systems.drive.generate_ids(1)
    create_once(
        systems.drive,
        file_id,
        f"Sheets Catalog exports of {sheet}",
        msgspec.json.encode(Register(sheet)),
        _JSON,
        parents=[systems.connection.folder_id],
        app_properties={"kind": "register", "sheet": sheet},
    )
    return file_id
