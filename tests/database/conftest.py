"""Both databases that the audit store promises to work on, and the things tests say about a job."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sheets_catalog.database import Audit

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)


class Ticking:
    """A clock that moves one second with each look."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> datetime:
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)


@pytest.fixture(scope="session")
def postgresql_server():
    """The URL of a PostgreSQL server of our own, on loopback, gone after the tests."""
    binaries = _postgresql_binaries()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed, and CI may not skip its tests (apt-get install postgresql)")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as folder:
        yield from _served(binaries, Path(folder))


def _served(binaries: Path, folder: Path) -> Iterator[str]:
    user = _who_may_run_it(folder)
    data, port = folder / "data", _free_port()

    def run(*command: object, check: bool = True) -> None:
        subprocess.run([str(each) for each in command], check=check, capture_output=True, cwd=folder, **user)

    run(binaries / "initdb", "-D", data, "-A", "trust", "-U", "audit", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50"
    run(binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://audit@127.0.0.1:{port}"
    finally:
        run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop", check=False)


def _postgresql_binaries() -> Path | None:
    found = [Path(each).parent for each in (shutil.which("pg_ctl"),) if each]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in found if (each / "initdb").exists() and (each / "pg_ctl").exists()), None)


def _who_may_run_it(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: become its own user then.

    Its folder is not one of pytest's, which every session that begins closes to other users again.
    """
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "postgres")
    return {"user": "postgres"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """A place for an audit store that is not there yet; every test runs on both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "audit.sqlite3")
    import psycopg

    server, name = request.getfixturevalue("postgresql_server"), f"audit_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture
def audit(where):
    """An open audit store on each database."""
    with Audit(where, now=Ticking()) as store:
        yield store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A SQLite audit store with tables and nothing in it: copied, it saves the time that making one takes."""
    path = tmp_path_factory.mktemp("migrated") / "audit.sqlite3"
    Audit(path).close()
    deadline = time.monotonic() + 5
    while Path(f"{path}-wal").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return path
