"""The control file of a spreadsheet: its baseline as content, the leases of its flows as properties.

The spreadsheet's own private properties point to it. Two processes that make one at the same time settle by
compare-and-set on the spreadsheet; a copy of a spreadsheet carries the pointer along, so the control file names the
spreadsheet it belongs to, and a foreign one is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from sheets_catalog.changes import baseline as files
from sheets_catalog.changes.baseline import Baseline
from sheets_catalog.errors import (
    BusyError,
    DamagedStateError,
    InputError,
    NotFound,
    PreconditionFailed,
    StalePlanError,
)
from sheets_catalog.flows.drive_stores import BINARY, DriveProperties, create_once

if TYPE_CHECKING:
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.files import FileState

POINTER = "sheets-catalog"
_GENERATION, _SUM, _SHEET, _JOB = "generation", "sum", "sheet", "job"
_TRIES = 5

IN_TRASH = "The baseline file is in the trash."
"""What `Control.trouble` says of a control file that can be taken back."""


@dataclass(slots=True)
class Control:
    """The control file of the connection's spreadsheet.

    `file_id` is empty while there is none; `trouble` then says what became of the one the spreadsheet points to.
    `store`: its properties, for leases. `sheet`: the spreadsheet's own state when it was looked at.
    """

    systems: Systems
    store: DriveProperties
    sheet: FileState
    trouble: str = ""

    @property
    def file_id(self) -> str:
        """The file's id; empty when there is none."""
        return self.store.file_id

    @property
    def generation(self) -> int:
        """The baseline's generation when the file was last looked at; 0 when there is none."""
        return _generation(self.store.state()) if self.file_id else 0

    def load(self) -> tuple[Baseline, str]:
        """The baseline and what was wrong with it (empty: nothing).

        A missing or damaged baseline is an empty one: everything is then compared with the shop directly, and nothing
        is overwritten without asking. Raises `NewerStateError`.
        """
        if not self.file_id:
            return self._empty(), self.trouble
        content = self.systems.drive.read(self.file_id)
        if not _fits(content, self.store.state()):  # replaced since the file was looked at, or damaged
            self.store.look()
            content = self.systems.drive.read(self.file_id)
        state = self.store.state()
        if not content and _SUM not in state.properties:
            return self._empty(), ""
        generation = _generation(state)
        if not _fits(content, state):
            return self._empty(generation), "The baseline file was changed by something else or is damaged."
        try:
            loaded = files.load(content)
        except DamagedStateError as error:
            return self._empty(generation), error.message
        if loaded.shop != self.systems.shop_name or loaded.spreadsheet_id != self._sheet:
            return self._empty(generation), f"The baseline belongs to {loaded.shop}, not to {self.systems.shop_name}."
        return loaded, ""

    def save(self, baseline: Baseline, *, job_id: str) -> Baseline:
        """Replace the baseline by the next generation; returns it.

        Raises `StalePlanError` when another job has replaced it since it was loaded.
        """
        following = Baseline(baseline.spreadsheet_id, baseline.shop, baseline.generation + 1, job_id, baseline.tables)
        content = files.dump(following)
        marks = {_GENERATION: str(following.generation), _SUM: _checksum(content), _JOB: job_id}
        state = self.store.state()
        for _ in range(_TRIES):
            if state.properties.get(_SUM) == marks[_SUM] and state.properties.get(_JOB) == job_id:
                return following
            if _generation(state) != baseline.generation:
                raise StalePlanError("Another run has changed this sheet's baseline meanwhile.", advice="Plan again.")
            try:
                self.store.known = self.systems.drive.update_content(
                    self.file_id, content, mime_type=BINARY, if_match=state.etag, app_properties=marks
                )
            except PreconditionFailed:
                state = self.store.look()
                continue
            return following
        raise BusyError("Others keep changing this sheet's control file.", advice="Try again in a minute.")

    @property
    def _sheet(self) -> str:
        return self.systems.connection.spreadsheet_id

    def _empty(self, generation: int = 0) -> Baseline:
        return Baseline(self._sheet, self.systems.shop_name, generation)


def find(systems: Systems) -> Control:
    """The control file, or one without id when there is none yet. Reads only."""
    return _pointed_to(systems, systems.drive.read_state(systems.connection.spreadsheet_id))


def find_or_make(systems: Systems) -> Control:
    """The control file, made when there is none yet; all processes end up with the same one.

    Raises `InputError` when the spreadsheet or the folder is in the trash.
    """
    return ready(find(systems))


def ready(found: Control) -> Control:
    """`found`, or the control file that is made because there was none. Raises as `find_or_make` does."""
    systems, sheet = found.systems, found.systems.connection.spreadsheet_id
    mine = ""
    for _ in range(_TRIES):
        if found.sheet.trashed:
            raise trashed("spreadsheet")
        if found.file_id:
            _drop(systems, mine, found.file_id)
            return found
        mine = mine or _make(systems, sheet)
        try:
            state = systems.drive.write_state(sheet, {POINTER: mine}, found.sheet.etag)
        except PreconditionFailed:
            found = find(systems)
            continue
        return Control(systems, DriveProperties(systems.drive, mine), state)
    raise BusyError("The spreadsheet keeps changing while its control file is set up.", advice="Try again.")


def _pointed_to(systems: Systems, sheet: FileState) -> Control:
    """The file that the spreadsheet points to, if it is its control file; else one without id, with the reason."""
    store = DriveProperties(systems.drive, sheet.properties.get(POINTER, ""))
    trouble = _unusable(store, systems.connection.spreadsheet_id) if store.file_id else ""
    return Control(systems, DriveProperties(systems.drive, "") if trouble else store, sheet, trouble)


def _unusable(store: DriveProperties, sheet: str) -> str:
    """Why a file is not the spreadsheet's control file; empty when it is."""
    try:
        state = store.look()
    except NotFound:
        return "The baseline file is no longer there."
    if state.trashed:
        return IN_TRASH
    if state.properties.get(_SHEET) != sheet:
        return "The baseline file belongs to another spreadsheet, of which this one may be a copy."
    return ""


def trashed(what: str) -> InputError:
    """The error about the connection's ``spreadsheet`` or ``folder`` being in the trash."""
    return InputError(f"The {what} of this connection is in the trash.", advice=f"Restore the {what} in Drive.")


def _make(systems: Systems, sheet: str) -> str:
    if systems.drive.get(systems.connection.folder_id).trashed:
        raise trashed("folder")
    (file_id,) = systems.drive.generate_ids(1)
    create_once(
        systems.drive,
        file_id,
        f"Sheets Catalog baseline of {sheet}",
        b"",
        BINARY,
        parents=[systems.connection.folder_id],
        app_properties={"kind": "control", _SHEET: sheet, _GENERATION: "0"},
    )
    return file_id


def _drop(systems: Systems, mine: str, winner: str) -> None:
    if mine and mine != winner:
        systems.drive.trash(mine)


def _generation(state: FileState) -> int:
    return int(state.properties.get(_GENERATION) or 0)


def _fits(content: bytes, state: FileState) -> bool:
    """Whether the content is the one its properties speak of; a file that was never written has neither."""
    told = state.properties.get(_SUM)
    return _checksum(content) == told if told else not content


def _checksum(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
