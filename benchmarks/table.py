"""The table people see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from benchmarks.measures import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from benchmarks.measures import Benchmark, Bound, Way


def show(console: Console, benchmarks: Sequence[Benchmark], speed: float) -> None:
    """Print everything."""
    table = Table(title=f"Sheets Catalog beside the other ways ({LABEL}, at {speed:g} times life)")
    table.add_column("", ratio=1)
    for header in ("records", "writes", "reads", "seconds", "memory"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("ours is")
    for each in benchmarks:
        table.add_section()
        table.add_row(f"[bold]{each.id}[/bold]\n{escape(each.title)}")
        for way in each.ways:
            table.add_row(*_row(each, way))
        for bound in each.bounds:
            table.add_row(_bound(bound))
    console.print(table)
    notes = [f"{each.id}: {note}" for each in benchmarks for note in each.notes]
    for note in [*_general(speed), *notes]:
        console.print(f"[dim]* {escape(note)}[/dim]")


def _row(benchmark: Benchmark, way: Way) -> list[str]:
    calls = way.calls
    name = escape(way.name) + (f" (sample of {way.sampled:,}, multiplied)" if way.sampled else "")
    return [
        f"  {name}" + (f" [dim]{escape(way.note)}[/dim]" if way.note else ""),
        f"{way.records:,}",
        f"{calls.count(writing=True):,}" if calls else "",
        f"{calls.count(writing=False):,}" if calls else "",
        _seconds(benchmark, way),
        f"{way.peak_mb:.0f} MB" if way.peak_mb else "",
        "" if way is benchmark.ways[0] else _ratio(benchmark, way),
    ]


def _seconds(benchmark: Benchmark, way: Way) -> str:
    if benchmark.clock == "real":
        return f"{way.seconds:.2f} s\n{way.records / way.seconds:,.0f}/s\n{way.megabytes / way.seconds:.0f} MB/s"
    told = _duration(way.seconds)
    return f"{told}\n(about {_duration(way.at_life_pace(benchmark.speed))})" if benchmark.speed else told


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


WORDS = {
    "seconds": ("faster", "slower"),
    "calls": ("fewer calls", "more calls"),
    "memory": ("less memory", "more memory"),
}


def _ratio(benchmark: Benchmark, way: Way) -> str:
    """How ours does beside this way; memory only where it is far apart, since interpreters have a size of their own."""
    told = []
    for name, ratio in benchmark.ratios(way).items():
        better, worse = WORDS[name]
        if name != "memory" or ratio > 1.5:
            told.append(f"{ratio:.3g}x {better}" if ratio >= 1 else f"{1 / ratio:.3g}x {worse}")
    return "\n".join(told)


def _bound(bound: Bound) -> str:
    colour, word = ("green", "holds") if bound.holds else ("red", "BROKEN")
    unit = f" {bound.unit}" if bound.unit else ""
    return f"  [{colour}]{word}[/{colour}] {bound.what}: {bound.found:,.4g}{unit}, at most {bound.most:,.4g}{unit}"


def _general(speed: float) -> list[str]:
    simulated = (
        "Simulated seconds are those of the sandbox's clock: 0.8 to 1.7 s a call, a standard plan's cost points, "
        "Sheets' and Drive's quotas. They say nothing of a real shop's clock but for the ratio between two ways."
    )
    computing = (
        f"Each second that this machine computes, sandbox included, counts {speed:g} times in them, on both sides; "
        "“about” is without that: computing counted once."
    )
    return [
        simulated,
        computing,
        "Memory is the largest resident size of the process that did it.",
    ]
