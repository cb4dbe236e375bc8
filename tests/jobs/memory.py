"""A store in memory that keeps Drive's rules: compare-and-set, 124 bytes a property, 30 properties, its own clock."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sheets_catalog.errors import PreconditionFailed
from sheets_catalog.jobs.store import Stored


@dataclass
class ManualClock:
    """Time that only moves when somebody sleeps or a test says so."""

    seconds: float = 1_800_000_000.0
    slept: list = field(default_factory=list)

    def now(self):
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class MemoryStore:
    file_id: str = "file"
    clock: ManualClock = field(default_factory=ManualClock)
    properties: dict = field(default_factory=dict)
    sides: dict = field(default_factory=dict)
    version: int = 0
    writes: list = field(default_factory=list)
    skew: timedelta = timedelta()
    reads: int = 0

    def read(self):
        self.reads += 1
        return self.last()

    def last(self):
        return Stored(str(self.version), dict(self.properties), self.clock.now() + self.skew)

    def write(self, changes, version):
        if version != str(self.version):
            raise PreconditionFailed("The file has changed.")
        after = {**self.properties, **changes}
        after = {key: value for key, value in after.items() if value is not None}
        assert len(after) <= 30
        assert all(len(key.encode()) + len(value.encode()) <= 124 for key, value in after.items())
        self.properties, self.version = after, self.version + 1
        self.writes.append(dict(changes))
        return self.last()

    def read_side(self, slot):
        return self.sides.get(slot)

    def write_side(self, slot, content):
        self.sides[slot] = content

    def touch(self):
        """Somebody changes something else about the file."""
        self.version += 1


@dataclass
class View:
    """One process' view of a store: it remembers what it last saw, as `DriveProperties` does."""

    store: MemoryStore
    known: Stored | None = None

    @property
    def file_id(self):
        return self.store.file_id

    def read(self):
        self.known = self.store.read()
        return self.known

    def last(self):
        return self.known or self.read()

    def write(self, changes, version):
        self.known = self.store.write(changes, version)
        return self.known


def rng():
    return random.Random(7)
