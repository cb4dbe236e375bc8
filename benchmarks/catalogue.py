"""The benchmarks on the reference catalogue, one after another on one sandbox: each begins where the last one ended."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import comparing_ways
from benchmarks.measures import Benchmark, Bound, Calls, Way
from benchmarks.people import edit
from benchmarks.place import Place, WayError, run_child

if TYPE_CHECKING:
    from collections.abc import Iterable

MEMORY = 250.0
"""MB that a process of ours may take at most."""

ONE_CALL_RECORDS = 18_000
"""Products and variants of the reference catalogue: a variant's stock level comes with it in the same call."""

ROWS = 100_000


def importing(place: Place, sample: int) -> Benchmark:
    """The whole catalogue, from the shop into an empty sheet."""
    ours, told = place.measured("sheets-catalog import", "import")
    if told["done"] != told["records"]:
        raise WayError(f"Only {told['done']} of {told['records']} records were imported.")
    other = _sampled(place, "one call a record", "import one by one", ONE_CALL_RECORDS, sample=sample)
    return Benchmark(
        "import_reference",
        f"{ours.records:,} records from the shop into an empty sheet",
        [ours, other],
        [Bound("peak memory", ours.peak_mb, MEMORY, "MB"), _in_blocks(ours)],
        ["One call a record reads a variant together with its stock level; its writing to the sheet is not counted."],
    )


def exporting(place: Place, sample: int) -> Benchmark:
    """2,000 variants of 250 products, changed in one export."""
    edit(place, "Variants", "Price", range(2, 2002), lambda price: round(price + 1, 2))
    ours, told = place.measured("sheets-catalog export", "export")
    _all_done(told, 2000)
    other = _sampled(place, "one call a record", "export one by one", 2000, products=0, variants=sample, levels=0)
    return Benchmark(
        "export_2000_variants_of_250",
        "2,000 variants of 250 products changed, one export",
        [ours, other],
        [*_budget(ours, told["groups"]), Bound("peak memory", ours.peak_mb, MEMORY, "MB")],
        facts={"products": told["groups"]},
    )


def daily_sync(place: Place, sample: int) -> Benchmark:
    """A day's 1,800 changes: 100 products, 700 variants of 175 products, 1,000 stock levels."""
    edit(place, "Products", "Vendor", range(2, 2002, 20), lambda vendor: f"{vendor} & Co")
    rows = [2 + product * 8 + variant for product in range(0, 1925, 11) for variant in range(4)]
    edit(place, "Variants", "Price", rows, lambda price: round(price + 2, 2))
    edit(place, "Inventory", "Available", range(2, 16002, 16), lambda available: available + 3)
    ours, told = place.measured("sheets-catalog export", "export")
    _all_done(told, 1800)
    mix = {"products": sample * 100 // 1800, "variants": sample * 700 // 1800, "levels": sample * 1000 // 1800}
    other = _sampled(place, "one call a record", "export one by one", 1800, **mix)
    touched = 100 + 175 + 1000
    return Benchmark(
        "daily_sync_1800",
        "1,800 records changed in a day: 100 products, 700 variants of 175 products, 1,000 stock levels",
        [ours, other],
        [*_budget(ours, touched), Bound("peak memory", ours.peak_mb, MEMORY, "MB")],
    )


def nothing_changed(place: Place, sample: int) -> Benchmark:  # noqa: ARG001 - all benchmarks are called alike
    """A second export right after the first: how cheap it is to find that there is nothing to do."""
    effects = place.effects()
    ours, told = place.measured("sheets-catalog export", "plan")
    if told["changes"]:
        raise WayError(f"Nothing was edited, but {told['changes']} changes were planned.")
    other, _ = place.measured("read the whole shop in pages of 250", "read everything")
    return Benchmark(
        "plan_nothing_changed",
        f"{ours.records:,} records, nothing changed since the last run",
        [ours, other],
        [
            Bound("write calls", ours.calls.count(writing=True) if ours.calls else 0, 0),
            Bound("effects in the sandbox's ledger", place.effects() - effects, 0),
            Bound("calls to the shop", ours.calls.count("shopify") if ours.calls else 0, 3),
        ],
    )


def verifying(place: Place, sample: int) -> Benchmark:  # noqa: ARG001 - all benchmarks are called alike
    """Both sides read whole and compared, after everything above."""
    ours, told = place.measured("sheets-catalog verify", "verify")
    return Benchmark(
        "verify_reference",
        f"{ours.records:,} records of both sides compared",
        [ours],
        [Bound("peak memory", ours.peak_mb, MEMORY, "MB")],
        ["The samples of the other ways changed records of the shop behind the sheet's back; these are what differs."],
        facts={"different": told["different"]},
    )


def comparing(rows: int = ROWS, rounds: int = 2) -> Benchmark:
    """Which rows of a large sheet changed: pure computing, the quickest of some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        made = comparing_ways.make(Path(folder), rows)
        ways = [
            _computed("rows seen before, fingerprints", "compare", folder, made, rounds, "strict values, fields named"),
            _computed("json + sha256 of each row", "compare by row hash", folder, made, rounds, "rows only"),
            _computed("json, merge on full values", "compare by values", folder, made, rounds, "fields named"),
        ]
        first = {"baseline": "baseline-unseen"}
        unseen = _computed("ours, no row seen before", "compare", folder, made, rounds, "fingerprints alone", **first)
    return Benchmark(
        "compare_100k",
        f"{rows:,} rows x {len(comparing_ways.HEADER)} columns, {made['changed']:,} of them changed",
        [*ways, unseen],
        [Bound("peak memory", unseen.peak_mb, MEMORY, "MB")],
        [
            "From the bytes of the Sheets API's answers to what changed, with each way's own memory of before loaded.",
            "Rows are seen by the second import after they came; before that, fingerprints alone have to tell.",
        ],
        clock="real",
    )


def _computed(name: str, way: str, folder: str, made: dict[str, Any], rounds: int, note: str, **options: Any) -> Way:
    found = [run_child({"way": way, "options": {"folder": folder, **options}}) for _ in range(rounds)]
    if any(each["digest"] != made["digest"] for each in found):
        raise WayError(f"“{name}” did not find the rows that were changed.")
    seconds = min(each["computing"] for each in found)
    peak = max(each["peak_mb"] for each in found)
    return Way(
        name, found[0]["records"], seconds, computing=seconds, peak_mb=peak, megabytes=made["megabytes"], note=note
    )


def _sampled(place: Place, name: str, way: str, records: int, **options: Any) -> Way:
    found, told = place.measured(name, way, **options)
    return replace(found, calls=Calls(told["calls"])).scaled(records)


def _all_done(told: dict[str, Any], wanted: int) -> None:
    if told["done"] != wanted or told["pending"]:
        raise WayError(f"Expected {wanted} records done, found {told}.")


def _budget(ours: Way, touched: int) -> Iterable[Bound]:
    """At most one write call for each thing touched, and a tenth of that in reads; Google's calls included."""
    assert ours.calls
    yield Bound("write calls to the shop", ours.calls.count("shopify", writing=True), touched)
    yield _per("calls for each product touched", ours.calls.count(), touched, 1.1)


def _per(what: str, found: float, of: int, most: float) -> Bound:
    return Bound(what, round(found / of, 4), most)


def _in_blocks(ours: Way) -> Bound:
    """Writing to the sheet follows blocks of rows, not rows: two calls for 2,000 records, and some for the tabs."""
    assert ours.calls
    return Bound("calls to Sheets", ours.calls.count("sheets"), 20 + 2 * ours.records / 2000)
