"""The story for people: a panel a step. Pure, but for the pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from sheets_catalog.cli.text import count, visible
from sheets_catalog.cli.views import plans
from sheets_catalog.cli.views.parts import books_line, headline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from sheets_catalog.cli.demo.story import Step

SHOWN = 40
"""Lines of the plan shown in the tour."""

SECONDS_A_WORD = 0.16
"""A calm reader's pace, some 370 words a minute: the tour is meant to be skimmed."""

LONGEST_PAUSE = 6.0


def opening(catalogue: str, speed: float) -> RenderableType:
    """What is about to happen."""
    lines = (
        "A shop and a Google Sheet run on this machine now: a sandbox that speaks the real protocols.",
        f"Catalogue: {catalogue}. Time runs {speed:,.0f} times as fast as life.",
        "Every step is checked against the sandbox's ledger of what really happened.",
    )
    return Panel(
        Text("\n".join(lines)), title=Text(" Sheets Catalog ", "bold cyan"), border_style="cyan", padding=(1, 2)
    )


def panel(number: int, step: Step, width: int) -> RenderableType:
    """One step: what happened, its books, and what was broken, if anything."""
    parts: list[RenderableType] = [Text(visible(line)) for line in step.told]
    if step.name == "plan" and step.plan:
        parts += [Text(), *plans.changes(step.plan, width - 6, SHOWN)]
        if step.plan.conflicts:
            parts += plans.conflicts(step.plan.conflicts, width - 6, SHOWN)
        parts.append(plans.estimate(step.plan))
    if step.books:
        parts.append(books_line(step.books))
    parts += [Text.assemble(("✗ ", "bold red"), (visible(broken), "red")) for broken in step.broken]
    mark, style = ("✓", "green") if step.ok else ("✗", "red")
    title = Text.assemble(f" {number}. {step.title} ", (f"{mark} ", f"bold {style}"))
    return Panel(
        Group(*parts), title=title, title_align="left", border_style=style if not step.ok else "dim", padding=(0, 1)
    )


def line(number: int, step: Step) -> RenderableType:
    """One step in plain lines, for logs."""
    parts: list[RenderableType] = [
        headline("✓" if step.ok else "✗", f"{number}. {step.title}", "green" if step.ok else "red")
    ]
    parts += [Text(f"   {visible(told)}") for told in step.told]
    if step.books:
        parts.append(Text.assemble("   ", books_line(step.books)))
    parts += [Text(f"   ✗ {visible(broken)}", style="red") for broken in step.broken]
    return Group(*parts)


def ending(steps: Sequence[Step]) -> RenderableType:
    """How it went as a whole."""
    broken = sum(len(step.broken) for step in steps)
    if broken:
        return headline("✗", f"{count(broken, 'promise')} broken in {count(len(steps), 'step')}.", "red")
    return headline("✓", f"{count(len(steps), 'step')}, every promise kept.", "green")


def pause_after(step: Step) -> float:
    """Seconds to read a step."""
    words = sum(len(told.split()) for told in step.told) + (60 if step.plan else 12)
    return min(LONGEST_PAUSE, words * SECONDS_A_WORD)
