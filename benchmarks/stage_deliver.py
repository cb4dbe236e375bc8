"""`stage_deliver_6800`: 6,800 files in 1,400 tasks staged and delivered, and the one-at-a-time way beside it.

Both run on the same sandbox, in the same run, at life-like latency (0.8 to 1.7 s a call) and with the documented
quotas, all of it scaled by the same factor. Prints one JSON line.

The one-at-a-time way is what scripts do: make a folder, copy its files one after the other, count them. It is measured
on a share of the tasks and for one phase; its rate does not depend on how many there are.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests

from benchmarks.place import Place, sandbox
from sheets_catalog import database
from sheets_catalog.flows import delivery, staging
from sheets_catalog.flows.connection import ClockSettings, Connection, GoogleSettings, ShopifySettings, open_systems
from sheets_catalog.flows.tasks import batches, keeping
from sheets_catalog.flows.tasks.register import Rules

ID = "stage_deliver_6800"
TASKS, FILES = 1_400, 6_800
AT_LEAST = 300.0
"""Files a minute, each staged and delivered."""


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure; returns what is printed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=TASKS)
    options.add_argument("--files", type=int, default=FILES)
    options.add_argument("--speed", type=float, default=2.5, help="how many times faster than life")
    options.add_argument("--one-at-a-time", type=int, default=12, help="tasks copied the old way")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, sandbox(given.speed, "empty") as place:
        figures = measure(place, Path(folder), given)
    print(json.dumps(figures))
    return figures


def measure(place: Place, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Stage and deliver, then the old way."""
    told = place.told
    connection = Connection(
        google=GoogleSettings(access_token=told["google"]["token"], root_url=told["url"]),
        shopify=ShopifySettings("demo-shop.myshopify.com", access_token="unused", base_url=told["url"]),
        spreadsheet_id=told["spreadsheet_id"],
        folder_id=told["folder_id"],
        clock=ClockSettings(**told["clock"]),
        audit_url=f"sqlite:///{folder}/audit.sqlite3",
        actor="owner@example.com",
    )
    wanted = {"spreadsheet_id": connection.spreadsheet_id, "tasks": given.tasks, "files": given.files}
    planted = requests.post(f"{told['url']}/_sandbox/seed/tasks", json=wanted, timeout=120).json()
    systems = open_systems(connection)
    clock = systems.clock
    with database.Audit(connection.audit_url) as audit:
        keeping.configure(systems, staging_folder=planted["staging_folder"], rules=Rules(least_files=4))
        keeping.migrate(systems, audit, "owner@example.com")
        before = _memory()
        started = clock.monotonic()
        preview = staging.plan_staging(systems, staging.StagingOptions(batch_id="BENCH"))
        staged = staging.apply(systems, audit, staging.store(systems, preview))
        between = clock.monotonic()
        plan = delivery.plan_delivery(systems, delivery.DeliveryOptions("BENCH", planted["client_folder"]))
        delivered = delivery.apply(systems, audit, delivery.store(systems, plan))
        ended = clock.monotonic()
        proof = batches.verify_batch(systems, "BENCH")
        rate, copied = one_at_a_time(systems, planted, given.one_at_a_time)
    minutes = (ended - started) / 60
    assert staged.books.done == delivered.books.done == given.tasks, (staged.books, delivered.books)
    assert proof.holds
    assert proof.files == given.files
    return {
        "id": ID,
        "files": given.files,
        "tasks": given.tasks,
        "files_a_minute": round(given.files / minutes, 1),
        "copies_a_minute": round(2 * given.files / minutes, 1),
        "minutes": round(minutes, 1),
        "staging_minutes": round((between - started) / 60, 1),
        "delivery_minutes": round((ended - between) / 60, 1),
        "one_at_a_time_copies_a_minute": round(rate, 1),
        "one_at_a_time_copies": copied,
        "times_faster": round(2 * given.files / minutes / rate, 1),
        "duplicates": _duplicates(place),
        "throttled": systems.calls.figures.throttled,
        "calls": systems.calls.figures.total,
        "memory_mb_more": round((_memory() - before) / 1e6, 1),
        "speed": given.speed,
        "enough": given.files / minutes >= AT_LEAST,
    }


def one_at_a_time(systems: Any, planted: dict[str, Any], tasks: int) -> tuple[float, int]:
    """Copies a minute of a loop that makes a folder and copies its files one by one; and how many it copied."""
    (home,) = systems.drive.generate_ids(1)
    systems.drive.create_folder(home, "One at a time")
    folders = list(systems.drive.children(planted["source_folder"]))[:tasks]
    started, copied = systems.clock.monotonic(), 0
    for folder in folders:
        (new,) = systems.drive.generate_ids(1)
        systems.drive.create_folder(new, folder.name, parent=home)
        for file in systems.drive.children(folder.id):
            systems.drive.copy(file.id, None, file.name, parent=new)
            copied += 1
    return copied / ((systems.clock.monotonic() - started) / 60), copied


def _duplicates(place: Place) -> int:
    """Copies of one source in one folder, beyond the first."""
    lines = [line for line in place.control("ledger")["ledger"] if line["operation"] == "drive.files.copy"]
    places = {(line["effect"]["source"], line["effect"]["parents"][0]) for line in lines}
    return len(lines) - len(places)


def _memory() -> int:
    """Most bytes this process has held; the sandbox runs in another one."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(0 if main()["enough"] else 1)
