"""A fresh sandbox with real clients connected to it, for tests of whole flows."""

from __future__ import annotations

import contextlib
import functools
import random
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from sheets_catalog.cli.connections import from_sandbox
from sheets_catalog.database import Audit
from sheets_catalog.flows.connection import Connection, Systems, open_systems
from sheets_catalog.flows.importing import ImportOptions, import_catalogue
from sheets_catalog.sandbox import state as states
from sheets_catalog.sandbox.server import Sandbox


@dataclass
class Desk:
    """One sandbox, one connection, the systems opened with it, and an audit database."""

    sandbox: Sandbox
    connection: Connection
    systems: Systems
    audit: Audit
    spreadsheet_id: str
    opened: list = field(default_factory=list)

    def ledger(self, since=0, service=None):
        entries = requests.get(f"{self.sandbox.url}/_sandbox/ledger", params={"since": since}, timeout=10).json()[
            "ledger"
        ]
        return [entry for entry in entries if service is None or entry["service"] == service]

    def fresh(self):
        """Systems as a new process would open them."""
        systems = open_systems(self.connection, rng=random.Random(3))
        self.opened.append(systems)
        return systems

    def person(self):
        """A person's gspread client, as another user of the same spreadsheet."""
        import gspread

        session = _Rerouted(self.sandbox.url)
        self.opened.append(session)
        client = gspread.Client(auth=None, session=session)
        client.set_timeout(20)
        return client.open_by_key(self.spreadsheet_id)


class _Rerouted(requests.Session):
    """A session whose requests to Google go to the sandbox; like a person, it tries again when Google is busy."""

    def __init__(self, url):
        super().__init__()
        self.trust_env = False
        self.url = url
        self.headers["Authorization"] = "Bearer sandbox-token"
        patient = Retry(8, status_forcelist=[429], allowed_methods=None, backoff_factor=0.1, raise_on_status=False)
        self.mount("http://", HTTPAdapter(max_retries=patient))

    def request(self, method, url, *args, **kwargs):
        for host in ("https://sheets.googleapis.com", "https://www.googleapis.com"):
            url = url.replace(host, self.url)
        return super().request(method, url, *args, **kwargs)


@dataclass(frozen=True)
class Saved:
    """A sandbox as it was, and the audit database of who worked in it."""

    state: dict
    audit: bytes


@contextlib.contextmanager
def desk(catalogue="sample", *, speed=1000.0, seed=1, latency="none", tasks="none", saved=None):
    with (
        Sandbox.start(catalogue, speed=speed, seed=seed, latency=latency, tasks=tasks) as sandbox,
        tempfile.TemporaryDirectory() as home,
    ):
        database = Path(home) / "audit.sqlite3"
        if saved is not None:
            states.load(sandbox.world, sandbox.services, saved.state)
            database.write_bytes(saved.audit)
        told = sandbox.connection()
        connection = from_sandbox(told, "the sandbox")
        systems = open_systems(connection, rng=random.Random(1))
        with Audit(database) as audit:
            one = Desk(sandbox, connection, systems, audit, connection.spreadsheet_id, [systems])
            yield one
            for each in one.opened:
                each.close()


@contextlib.contextmanager
def imported(*metafields):
    """A desk in whose sheet the sample catalogue is: imported once in this process, and put there again each time."""
    with desk(saved=_imported(metafields)) as one:
        yield one


@functools.cache
def _imported(metafields):
    with desk() as one:
        import_catalogue(one.systems, one.audit, ImportOptions(metafields=metafields))
        with contextlib.closing(sqlite3.connect(one.audit.place)) as database:
            return Saved(states.dump(one.sandbox.world, one.sandbox.services), database.serialize())
