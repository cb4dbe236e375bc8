"""The sandbox process that everything is measured on, and the processes that work on it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import requests

from benchmarks.measures import Calls, Way

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

ROOT = Path(__file__).parent.parent
COMMAND = "from sheets_catalog.cli.main import run; run()"
STARTUP = 120.0
"""Seconds in which a sandbox must be up: the reference catalogue is made first."""


class WayError(Exception):
    """A way that was to be measured failed; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Place:
    """A running sandbox: what it said about itself when it started, and its process (``pid``)."""

    told: dict[str, Any]

    @property
    def speed(self) -> float:
        """How many times faster than life it runs."""
        return float(self.told["clock"]["speed"])

    def control(self, path: str) -> dict[str, Any]:
        """Ask one of its control endpoints."""
        answer = requests.get(f"{self.told['url']}/_sandbox/{path}", timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def seconds(self) -> float:
        """The time on its clock, in simulated seconds since it started."""
        return float(self.control("clock")["seconds"])

    def counts(self) -> Counter[str]:
        """Calls so far, by operation."""
        found = self.control("requests")["operations"]
        return Counter({name: sum(by_status.values()) for name, by_status in found.items()})

    def computed(self) -> float:
        """Seconds of processor time that the sandbox's process has used so far."""
        times = psutil.Process(self.told["pid"]).cpu_times()
        return float(times.user + times.system)

    def effects(self) -> int:
        """Effects applied so far."""
        return int(self.control(f"ledger?since={1 << 60}")["total"])

    def measured(self, name: str, way: str, note: str = "", **options: Any) -> tuple[Way, dict[str, Any]]:
        """Run a way in a process of its own; the measure and what it told besides."""
        before = self.counts()
        told = run_child({"way": way, "told": self.told, "options": options})
        return (
            Way(
                name=name,
                records=told["records"],
                seconds=told["seconds"],
                calls=Calls.between(before, self.counts()),
                computing=told["computing"],
                sandbox_computing=told["sandbox_computing"],
                peak_mb=told["peak_mb"],
                note=note,
            ),
            told,
        )


@dataclass(slots=True)
class Measured:
    """What goes by while something is done: simulated seconds, and processor time of this process and the sandbox."""

    place: Place
    seconds: float = 0.0
    computing: float = 0.0
    sandbox_computing: float = 0.0

    def __enter__(self) -> Self:
        self._take(-1)
        return self

    def __exit__(self, *_: object) -> None:
        self._take(1)

    def told(self) -> dict[str, Any]:
        """The measures by name."""
        names = ("seconds", "computing", "sandbox_computing")
        return {name: getattr(self, name) for name in names}

    def _take(self, sign: int) -> None:
        self.seconds += sign * self.place.seconds()
        self.computing += sign * time.process_time()
        with contextlib.suppress(psutil.Error, KeyError):  # a sandbox inside another process: not told apart
            self.sandbox_computing += sign * self.place.computed()


def run_child(wanted: dict[str, Any]) -> dict[str, Any]:
    """Run one way in a new process; what it told. Raises `WayError`."""
    command = [sys.executable, "-m", "benchmarks.child"]
    done = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise WayError(f"{wanted['way']} failed:\n{done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextlib.contextmanager
def sandbox(speed: float, catalogue: str = "reference") -> Iterator[Place]:
    """A sandbox in a process of its own, life-like in latency and quotas, `speed` times as fast as life."""
    options = ["--catalogue", catalogue, "--speed", str(speed), "--tasks", "none"]
    command = [sys.executable, "-c", COMMAND, "sandbox", *options]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT)
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line:
                errors.seek(0)
                raise WayError(f"The sandbox did not start:\n{errors.read()[-2000:].decode()}")
            yield Place(json.loads(line) | {"pid": process.pid})
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
