"""One way, run and measured in this process: a JSON object in, a line of JSON out.

Memory is the process's own high-water mark. Where the system tells it (Linux), VmHWM is used, because ``ru_maxrss``
begins with what the parent had when it started this process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import comparing_ways, product_ways, shop_ways
from benchmarks.place import Measured, Place

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS: dict[str, Callable[..., dict[str, Any]]] = {
    "import": product_ways.importing,
    "plan": product_ways.planning,
    "export": product_ways.exporting,
    "verify": product_ways.verifying,
    "import one by one": shop_ways.importing,
    "export one by one": shop_ways.exporting,
    "read everything": shop_ways.reading_everything,
    "compare": comparing_ways.fingerprints,
    "compare by row hash": comparing_ways.row_hashes,
    "compare by values": comparing_ways.full_values,
}


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (2**20 bytes)."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return found / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Run the way that standard input names."""
    wanted = json.loads(sys.stdin.read())
    way, options = WAYS[wanted["way"]], wanted["options"]
    place = Place(wanted["told"]) if "told" in wanted else None
    if place is None:
        told = _alone(way, options)
    else:
        with Measured(place) as measured:
            found = way(place, **options)
        told = measured.told() | found
    print(json.dumps(told | {"peak_mb": peak_mb()}))


def _alone(way: Callable[..., dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    """A way that calls nothing: real seconds."""
    started, computed = time.perf_counter(), time.process_time()
    found = way(**options)
    return {"seconds": time.perf_counter() - started, "computing": time.process_time() - computed} | found


if __name__ == "__main__":
    main()
