"""One run of a command: its screen, its connection with the systems opened, its audit database."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from sheets_catalog.cli import connections
from sheets_catalog.cli.screen import Screen, screen_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Connection, Systems
    from sheets_catalog.flows.job_files import JobSummary

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

    def stored(self, job_id: str) -> str:
        """Remember a job that was just stored; returns it.

        Drive's lists show it only after some seconds, and until then “last” would be the one before.
        """
        with suppress(OSError):  # then it is found as soon as the lists show it
            self._newest.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._newest.write_text(job_id, encoding="ascii")
        return job_id

    @property
    def _newest(self) -> Path:
        """The file with the id of the job that was stored last for this spreadsheet, on this machine."""
        from sheets_catalog.flows.connection import home

        return home() / "newest-jobs" / blake2b(self.connection.spreadsheet_id.encode(), digest_size=12).hexdigest()

    def jobs(self, *, all_sheets: bool = False) -> list[JobSummary]:
        """All jobs, newest first, the one that was just stored among them."""
        from sheets_catalog.flows import job_files

        remembered: list[str] = []
        with suppress(OSError, UnicodeDecodeError):
            remembered.append(self._newest.read_text(encoding="ascii"))
        return job_files.list_jobs(self.systems, all_sheets=all_sheets, also=remembered)

    def job(self, wanted: str) -> str:
        """A job's id; “last” is the newest one. Raises `InputError` when there is none."""
        if wanted != LAST:
            return wanted
        from sheets_catalog.errors import InputError

        jobs = self.jobs()
        if not jobs:
            raise InputError("This spreadsheet has no jobs yet.", advice=f"Make one with `{self.hint('plan')}`.")
        return jobs[0].job_id


def here(connection: str, *, json: bool) -> Here:
    """Open everything a command needs. Nothing is sent yet.

    Raises `SettingsError`, or `Unavailable` for a sandbox that is gone.
    """
    from sheets_catalog.flows.connection import open_systems

    name, settings = connections.find(connection)
    connections.check_answers(name, settings)
    return Here(screen_for(json=json), name, settings, open_systems(settings))
