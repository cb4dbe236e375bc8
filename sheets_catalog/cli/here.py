"""One run of a command: its screen, its connection with the systems opened, its audit database."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from sheets_catalog.cli import connections, naming
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
        self._remember("newest-jobs", job_id)
        return job_id

    def ran(self, session_id: str) -> None:
        """Remember what was run last on this machine, for `last_run`."""
        self._remember("newest-runs", session_id)

    @property
    def last_run(self) -> str:
        """What was run last here on a sandbox, whose clock may be behind that of the sandbox before; else empty."""
        return self._remembered("newest-runs") if self.connection.sandboxed else ""

    def _remember(self, what: str, word: str) -> None:
        path = self._memory(what)
        with suppress(OSError):  # it is only a convenience
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(word, encoding="ascii")

    def _remembered(self, what: str) -> str:
        with suppress(OSError, UnicodeDecodeError):
            return self._memory(what).read_text(encoding="ascii")
        return ""

    def _memory(self, what: str) -> Path:
        """A file of this spreadsheet's on this machine."""
        from sheets_catalog.flows.connection import home

        return home() / what / blake2b(self.connection.spreadsheet_id.encode(), digest_size=12).hexdigest()

    def jobs(self, *, all_sheets: bool = False) -> list[JobSummary]:
        """All jobs, newest first, the one that was just stored among them."""
        from sheets_catalog.flows import job_files

        return job_files.list_jobs(self.systems, all_sheets=all_sheets, also=self.newest_jobs)

    @property
    def newest_jobs(self) -> list[str]:
        """Id of the job that was stored last from this machine, which Drive's lists may not show yet."""
        return [job_id for job_id in [self._remembered("newest-jobs")] if job_id]

    def job(self, wanted: str) -> str:
        """A job's id; “last” is the newest one. Raises `InputError` when there is none."""
        if wanted != LAST:
            return wanted
        from sheets_catalog.errors import InputError

        jobs = self.jobs()
        if not jobs:
            raise InputError("This spreadsheet has no jobs yet.", advice=f"Make one with `{self.hint('plan')}`.")
        return jobs[0].job_id

    def unfinished_job(self, wanted: str) -> str:
        """A job's id; “last” is the newest one that was begun and can go on. Raises `InputError` when there is none.

        A plan that nobody has applied yet is not meant: nobody has said yes to it.
        """
        if wanted != LAST:
            return wanted
        from sheets_catalog.errors import InputError
        from sheets_catalog.flows import job_files

        for job in self.jobs():
            if job.status in job_files.UNFINISHED and job_files.goes_on(self.systems, job.job_id):
                return job.job_id
        raise InputError(
            "No job of this spreadsheet waits to go on.", advice=f"See all of them with `{self.hint('jobs list')}`."
        )


def here(connection: str, *, json: bool) -> Here:
    """Open everything a command needs. Nothing is sent yet.

    Raises `SettingsError`, or `Unavailable` for a sandbox that is gone.
    """
    from sheets_catalog.flows.connection import open_systems

    name, settings = connections.find(connection)
    naming.works_on(name)
    connections.check_answers(name, settings)
    return Here(screen_for(json=json), name, settings, open_systems(settings))
