"""One run of a command: its screen, its connection with the systems opened, its audit database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.cli import connections
from sheets_catalog.cli.screen import Screen, screen_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Connection, Systems

LAST = "last"


@dataclass(frozen=True, slots=True)
class Here:
    """What a command works with. `name` is what the person calls the connection."""

    screen: Screen
    name: str
    connection: Connection
    systems: Systems

    def hint(self, command: str) -> str:
        """A command line to copy that works on the same connection."""
        return connections.command_hint(command, self.name)

    @contextmanager
    def audit(self) -> Iterator[Audit]:
        """The connection's audit database, closed afterwards."""
        from sheets_catalog.flows.auditing import open_audit

        with open_audit(self.connection, self.systems) as audit:
            yield audit

    def job(self, wanted: str) -> str:
        """A job's id; “last” is the newest one. Raises `InputError` when there is none."""
        if wanted != LAST:
            return wanted
        from sheets_catalog.errors import InputError
        from sheets_catalog.flows import job_files

        jobs = job_files.list_jobs(self.systems)
        if not jobs:
            raise InputError("This spreadsheet has no jobs yet.", advice=f"Make one with `{self.hint('plan')}`.")
        return jobs[0].job_id


def here(connection: str, *, json: bool) -> Here:
    """Open everything a command needs. Nothing is sent yet. Raises `SettingsError`."""
    from sheets_catalog.flows.connection import open_systems

    name, settings = connections.find(connection)
    return Here(screen_for(json=json), name, settings, open_systems(settings))
