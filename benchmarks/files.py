"""Copies of files in Drive: `stage_deliver` measures them on a sandbox of its own; here they join the table."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

from benchmarks.measures import Benchmark, Bound, Way
from benchmarks.place import ROOT, WayError

MODULE = "benchmarks.stage_deliver"
AT_LEAST = 300.0
"""Files a minute, each staged and delivered."""


def there() -> bool:
    """Whether that module is installed."""
    return importlib.util.find_spec(MODULE) is not None


def staging_and_delivery() -> Benchmark:
    """6,800 files in 1,400 tasks, staged and delivered, beside copying one file after the other."""
    done = subprocess.run([sys.executable, "-m", MODULE], capture_output=True, text=True, cwd=ROOT, check=False)
    if not done.stdout.strip():
        raise WayError(f"{MODULE} failed:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    copies, rate = 2 * told["files"], told["one_at_a_time_copies_a_minute"]
    return Benchmark(
        told["id"],
        f"{told['files']:,} files of {told['tasks']:,} tasks staged, then delivered ({copies:,} copies)",
        [
            Way("sheets-catalog stage, deliver", copies, told["minutes"] * 60),
            Way("one copy after the other", copies, copies / rate * 60, sampled=told["one_at_a_time_copies"]),
        ],
        [
            Bound("minutes", told["minutes"], round(told["files"] / AT_LEAST, 1), "min"),
            Bound("files copied twice", told["duplicates"], 0),
            Bound("throttled calls", told["throttled"], round(told["calls"] * 0.02)),
        ],
        [f"Measured at {told['speed']:g} times life, sandbox and product in one process."],
        facts=told,
    )
