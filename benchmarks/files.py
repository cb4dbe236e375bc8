"""Copies of files in Drive: `stage_deliver` measures them on a sandbox of its own; here they join the table."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

from benchmarks.measures import Benchmark, Bound, Way
from benchmarks.place import ROOT, WayError

MODULE = "benchmarks.stage_deliver"
A_TENTH = ("--tasks", "140", "--files", "680", "--one-at-a-time", "6")


def there() -> bool:
    """Whether that module is installed."""
    return importlib.util.find_spec(MODULE) is not None


def staging_and_delivery(*, full: bool) -> Benchmark:
    """6,800 files in 1,400 tasks, staged and delivered, beside copying one file after the other.

    Without `full` a tenth of it, on which what a job costs once weighs ten times as much.
    """
    command = [sys.executable, "-m", MODULE, *(() if full else A_TENTH)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if not done.stdout.strip():
        raise WayError(f"{MODULE} failed:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    copies, rate = 2 * told["files"], told["one_at_a_time_copies_a_minute"]
    note = f"Measured at {told['speed']:g} times life, sandbox and product each in a process"
    return Benchmark(
        told["id"],
        f"{told['files']:,} files of {told['tasks']:,} tasks staged, then delivered ({copies:,} copies)",
        [
            Way("sheets-catalog stage, deliver", copies, told["minutes"] * 60),
            Way("one copy after the other", copies, copies / rate * 60, sampled=told["one_at_a_time_copies"]),
        ],
        [
            Bound("files copied twice", told["duplicates"], 0),
            Bound("throttled calls", told["throttled"], round(told["calls"] * 0.02)),
            *([Bound("minutes, at 300 files a minute", told["minutes"], told["files"] / 300)] if full else []),
        ],
        [f"{note}." if full else f"{note}; a tenth of the 6,800 files (`--full`: all, and faster a file)."],
        facts=told,
    )
