"""``python -m benchmarks``: one command, one table."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks import catalogue, files
from benchmarks.measures import LABEL, Benchmark
from benchmarks.place import Place, WayError, sandbox
from benchmarks.table import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPEED = 10.0
SAMPLE = 100
WIDTH = 132
"""Columns of the table where there is no terminal."""

ON_SANDBOX: dict[str, Callable[[Place, int], Benchmark]] = {
    "import_reference": catalogue.importing,
    "export_2000_variants_of_250": catalogue.exporting,
    "daily_sync_1800": catalogue.daily_sync,
    "plan_nothing_changed": catalogue.nothing_changed,
    "verify_reference": catalogue.verifying,
}
"""In this order: each needs what the ones before it have done, so asking for one runs the import as well."""

OF_THEIR_OWN: dict[str, Callable[[argparse.Namespace], Benchmark]] = {
    "compare_100k": lambda _: catalogue.comparing(),
}
"""These need nothing of the others."""

if files.there():
    OF_THEIR_OWN["stage_deliver_6800"] = lambda options: files.staging_and_delivery(full=options.full)

NEEDS = {"import_reference"}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 when a bound does not hold or a way failed."""
    options = _options(arguments)
    console = Console(stderr=options.json)
    if not console.is_terminal:
        console = Console(stderr=options.json, width=WIDTH)
    started = time.monotonic()
    try:
        found = list(_run(options, console))
    except WayError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    if options.json:
        print(json.dumps(_as_json(found, options, time.monotonic() - started), indent=2))
    else:
        show(console, found, options.speed)
    return 0 if all(bound.holds for each in found for bound in each.bounds) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--speed", type=float, default=SPEED, help=f"times faster than life (default {SPEED:g})")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"records of one-by-one ways (default {SAMPLE})")
    parser.add_argument("--full", action="store_true", help="all 6,800 files of stage_deliver_6800, not a tenth")
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"only these: {', '.join([*ON_SANDBOX, *OF_THEIR_OWN])}")
    options = parser.parse_args(arguments)
    unknown = set(options.ids) - {*ON_SANDBOX, *OF_THEIR_OWN}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _run(options: argparse.Namespace, console: Console) -> Iterator[Benchmark]:
    wanted = set(options.ids) or {*ON_SANDBOX, *OF_THEIR_OWN}
    for name, measure_alone in OF_THEIR_OWN.items():
        if name in wanted:
            console.print(f"[dim]{name} ...[/dim]")
            yield measure_alone(options)
    if wanted & set(ON_SANDBOX):
        with sandbox(options.speed) as place:
            for name, measure in ON_SANDBOX.items():
                if name in wanted | NEEDS:
                    console.print(f"[dim]{name} ...[/dim]")
                    yield replace(measure(place, options.sample), speed=options.speed)


def _as_json(found: list[Benchmark], options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    return {
        "label": LABEL,
        "speed": options.speed,
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "real_seconds": round(seconds, 1),
        "benchmarks": [each.as_json() for each in found],
    }


if __name__ == "__main__":
    sys.exit(main())
