"""A sandbox with a tasks sheet, and everything the tests of staging and delivery look at."""

from __future__ import annotations

import multiprocessing
import signal
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import requests

from sheets_catalog import database
from sheets_catalog.flows import delivery, staging
from sheets_catalog.flows.connection import ClockSettings, Connection, GoogleSettings, ShopifySettings, open_systems
from sheets_catalog.flows.tabs import letter
from sheets_catalog.flows.tasks import keeping, register
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.sandbox import Sandbox
from tests.flows.export_child import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.running import JobResult


@dataclass
class Desk:
    """An operator at work: a connection, the systems opened with it, an audit, and the folders of the scenario."""

    sandbox: Sandbox
    connection: Connection
    folders: dict[str, Any]
    audit: database.Audit
    systems: Systems = field(init=False)

    def __post_init__(self) -> None:
        self.systems = open_systems(self.connection)

    def reconnect(self, **changes: Any) -> None:
        """Go on with systems of other settings."""
        self.connection = msgspec.structs.replace(self.connection, **changes)
        self.systems = open_systems(self.connection)

    # --- doing ---

    def stage(self, batch: str = "B1", **filters: Any) -> JobResult:
        options = staging.StagingOptions(staging.Filters(**filters), batch)
        return self.apply_staging(staging.store(self.systems, staging.plan_staging(self.systems, options)))

    def apply_staging(self, job: str, **more: Any) -> JobResult:
        return staging.apply(self.systems, self.audit, job, **more)

    def plan_delivery(self, batch: str = "B1", folder: str = "") -> str:
        options = delivery.DeliveryOptions(batch, folder or self.folders["client_folder"])
        return delivery.store(self.systems, delivery.plan_delivery(self.systems, options))

    def deliver(self, batch: str = "B1", folder: str = "") -> JobResult:
        return self.apply_delivery(self.plan_delivery(batch, folder))

    def apply_delivery(self, job: str, **more: Any) -> JobResult:
        return delivery.apply(self.systems, self.audit, job, **more)

    def rules(self, **changes: Any) -> None:
        settings = register.load(self.systems).settings
        keeping.configure(self.systems, rules=msgspec.structs.replace(settings.rules, **changes))

    def fault(self, operation: str, kind: str, when: str = "before", **more: Any) -> None:
        self.post("faults", operation=operation, kind=kind, when=when, **more)

    def type_while_copying(self, header: str, value: str) -> None:
        """A person types into this column of the first task's row while its files are being copied."""
        column = letter(list(open_tasks(self.systems, "Tasks").header).index(header))
        path = f"/v4/spreadsheets/{self.connection.spreadsheet_id}/values/Tasks!{column}2?valueInputOption=RAW"
        typed = {"email": "owner@example.com", "method": "PUT", "path": path, "body": {"values": [[value]]}}
        self.fault("drive.files.copy", "hook:collaborator", nth=4, requests=[typed])

    def post(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.sandbox.url}/_sandbox/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def plant(self, *files: dict[str, Any], **more: Any) -> list[str]:
        return list(self.sandbox.services["drive"].plant({"files": list(files), **more})["ids"])

    def faults(self) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.sandbox.url}/_sandbox/faults", timeout=10).json()["faults"])

    def forget_faults(self) -> None:
        requests.delete(f"{self.sandbox.url}/_sandbox/faults", timeout=10)

    def forget_calls(self) -> None:
        """Count calls, and those that faults wait for, from one again."""
        requests.delete(f"{self.sandbox.url}/_sandbox/requests", timeout=10)

    # --- looking ---

    @property
    def store(self) -> Any:
        return self.sandbox.services["drive"].store

    def statuses(self) -> dict[str, tuple[str | None, str | None, str | None]]:
        rows = open_tasks(self.systems, "Tasks").rows()
        return {
            row.key: tuple(row.values.get(name) for name in ("export_status", "export_batch_id", "staged_count"))
            for row in rows
        }

    def status(self, task: str) -> str | None:
        return self.statuses()[task][0]

    def tree(self, folder: str) -> Any:
        """What a folder holds: names, types, sizes and checksums, without ids and times; nothing of the trash."""
        with self.sandbox.world.lock:
            return self._tree(self.store.files[folder])

    def _tree(self, folder: Any) -> Any:
        found = []
        for file in self.store.children(folder.id):
            if file.trashed:
                continue
            if file.is_folder:
                found.append([file.name, self._tree(file)])
            elif file.mime_type == "text/csv" and file.name.startswith("Receipt_"):
                found.append(["(receipt)", file.content.read().count(b"\n")])
            else:
                found.append(
                    [file.name, file.mime_type, file.size, file.content.checksum("sha256") if file.content else ""]
                )
        return sorted(found, key=str)

    def files_in(self, folder: str) -> dict[str, list[str]]:
        """Names of the files of each folder in a folder."""
        return {entry[0]: [each[0] for each in entry[1]] for entry in self.tree(folder) if isinstance(entry[1], list)}

    def copies(self) -> Counter[tuple[str, str]]:
        """Applied copies that are not trashed, by source and folder."""
        return Counter(
            (line["effect"]["source"], line["effect"]["parents"][0])
            for line in self.ledger("drive.files.copy")
            if not self.store.is_trashed(self.store.files[line["target"]])
        )

    def ledger(self, operation: str) -> list[dict[str, Any]]:
        lines = requests.get(f"{self.sandbox.url}/_sandbox/ledger", timeout=10).json()["ledger"]
        return [line for line in lines if line["operation"] == operation]

    def unconsumed(self) -> list[dict[str, Any]]:
        return self.sandbox.gateway.faults.unconsumed

    def calls(self) -> int:
        return int(requests.get(f"{self.sandbox.url}/_sandbox/requests", timeout=10).json()["total"])


def connection_to(sandbox: Sandbox, audit: str, **more: Any) -> Connection:
    told = sandbox.connection()
    return Connection(
        google=GoogleSettings(access_token=told["google"]["token"], root_url=sandbox.url),
        shopify=ShopifySettings("demo-shop.myshopify.com", access_token="unused", base_url=sandbox.url),
        spreadsheet_id=told["spreadsheet_id"],
        folder_id=told["folder_id"],
        clock=ClockSettings(**told["clock"]),
        audit_url=audit,
        actor="owner@example.com",
        **more,
    )


@contextmanager
def desk(folder: Path, tasks: Any = "sample", *, speed: float = 1000.0, **planted: Any) -> Iterator[Desk]:
    """A sandbox with tasks planted, migrated and configured. `tasks`: `sample`, or a number of plain good ones."""
    with Sandbox.start(catalogue="empty", speed=speed, latency="none") as sandbox:
        connection = connection_to(sandbox, f"sqlite:///{folder}/audit-{uuid.uuid4().hex}.sqlite3")
        folders = sandbox.services["tasks"].plant(
            {"spreadsheet_id": connection.spreadsheet_id, "tasks": tasks, **planted}
        )
        with database.Audit(connection.audit_url) as audit:
            here = Desk(sandbox, connection, folders, audit)
            keeping.configure(here.systems, staging_folder=folders["staging_folder"])
            keeping.migrate(here.systems, audit, "owner@example.com")
            yield here
        assert not sandbox.gateway.crashes


def add_native(here: Desk, task: int = 0, names: tuple[str, ...] = ("Notes",)) -> None:
    """Google documents in a task's folder."""
    with here.sandbox.world.lock:
        folders = sorted(here.store.children(here.folders["source_folder"]), key=lambda each: each.name)
    kind = "application/vnd.google-apps.document"
    here.plant(*({"name": name, "mimeType": kind, "parent": folders[task].id} for name in names))


def run_child(here: Desk, flow: str, batch: str, *, kill_at: int = 0, when: str = "before") -> bool:
    """`stage` or `deliver` in a process of its own; whether it was killed at the n-th call to Google, as asked for.

    `when`: before or after that call's effect. Anything but success or SIGKILL fails the test. Processes are forked
    from a server that has the imports done.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.flows.export_child"])
    ready = context.Event()
    words = (msgspec.json.encode(here.connection), flow, batch, here.folders["client_folder"], ready)
    process = context.Process(target=main, args=words)
    process.start()
    if kill_at:
        here.fault("*", "kill-client", when, nth=kill_at, pid=process.pid)
    ready.set()
    process.join(120)
    assert process.exitcode in {0, -signal.SIGKILL}, f"it ended with {process.exitcode}"
    return process.exitcode != 0
