"""Saving and loading the state of one job: alternating slots, compare-and-set, epoch fencing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.errors import BusyError, PreconditionFailed, Unavailable
from sheets_catalog.jobs import state as codec
from sheets_catalog.jobs.state import STOP, SUMMARY, JobState

if TYPE_CHECKING:
    from sheets_catalog.jobs.store import JobStore, Stored

_TRIES = 5


@dataclass(slots=True)
class Checkpoints:
    """The stored state of one job, as one runner sees it.

    `version` and `slot` follow the store. After `load`, `save` fails with `BusyError` once another runner has written.
    """

    store: JobStore
    version: str = ""
    slot: str = codec.SLOTS[1]
    stop_wanted: bool = False
    trouble: str = ""

    def load(self) -> JobState:
        """The newest readable state. Raises `StateError` (see `state.unpack`)."""
        stored = self.store.read()
        unpacked = codec.unpack(stored.properties, self.store.read_side, self.store.file_id)
        self._saw(stored)
        self.slot, self.trouble = unpacked.slot, unpacked.trouble
        return unpacked.state

    def save(self, state: JobState, summary: str, *, stop: bool | None = None) -> JobState:
        """Write the next state into the other slot; returns it with its sequence number.

        `stop`: with it, in the same write, the wish to end the job (True) or that there is none any more (False).
        Raises `BusyError` when another runner has taken the job over, or somebody has ended it.
        """
        state = msgspec.structs.replace(state, seq=state.seq + 1)
        slot = codec.SLOTS[1 - codec.SLOTS.index(self.slot)]
        packed = codec.pack(state, slot)
        if packed.side is not None:
            self.store.write_side(slot, packed.side)
        changes = {**packed.properties, SUMMARY: summary[: codec.CHUNK - len(SUMMARY)]}
        if stop is not None:
            changes[STOP] = "1" if stop else None
        for _ in range(_TRIES):
            if self._try(state, changes):
                self.slot = slot
                return state
        raise BusyError("The job file keeps changing while this run works.", advice="Try again in a minute.")

    def _try(self, state: JobState, changes: dict[str, str | None]) -> bool:
        """One conditional write; False when only something beside the state changed and it is worth another try."""
        try:
            self._saw(self.store.write(changes, self.version))
        except PreconditionFailed:
            return self._look(state)
        except Unavailable:
            if self._look(state):
                return True
            raise
        return True

    def _look(self, state: JobState) -> bool:
        """Whether the state that stands there is the one we wrote; raises when another runner wrote."""
        stored = self.store.read()
        current = codec.unpack(stored.properties, self.store.read_side, self.store.file_id).state
        if (current.epoch, current.seq) == (state.epoch, state.seq):
            self._saw(stored)
            return True
        if current.status.ended and current.seq >= state.seq:  # not the end that we go on from (a retry)
            raise BusyError("Somebody has ended this job meanwhile.", advice="Plan again if it was not meant to end.")
        if current.epoch > state.epoch or (current.epoch == state.epoch and current.seq > state.seq):
            raise BusyError("Another run has taken this job over.", advice="Watch it with `sheets-catalog jobs show`.")
        self._saw(stored)  # not before: what is theirs is not written over by who tries again
        return False

    def _saw(self, stored: Stored) -> None:
        self.version = stored.version
        self.stop_wanted = bool(stored.properties.get(STOP))
