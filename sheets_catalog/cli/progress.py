"""Progress while a command works: a bar with rate and time left on a terminal, plain lines elsewhere.

It goes to stderr. With ``--json`` and no terminal only troubles are told.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sheets_catalog.cli.text import duration, visible
from sheets_catalog.errors import SheetsCatalogError, Throttled
from sheets_catalog.jobs.retry import CIRCUIT_OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from typing import Any

    from sheets_catalog.books import Books
    from sheets_catalog.cli.screen import Screen
    from sheets_catalog.jobs.runner import Outcome

EVERY = 2.0
"""Seconds between two plain lines of one phase."""

NARROW = 70
"""Columns below which the bar leaves out rate and time."""

WORTH_TELLING = 1.0
"""Seconds of waiting from which people are told why."""


class Telling(Protocol):
    """Shows how far a command is."""

    def phase(self, name: str, done: int, total: int) -> None:
        """`done` of `total` in a phase; 0 of 0 when nobody knows."""

    def remark(self, text: str) -> None:
        """Something worth knowing on the way."""


class Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        """``12/s``, or nothing while it cannot be told."""
        return Text(f"{task.speed:,.0f}/s" if task.speed and task.speed >= 1 else "", style="dim")


@dataclass(slots=True)
class Bars:
    """A bar for each phase."""

    progress: Progress
    tasks: dict[str, Any] = field(default_factory=dict)

    def phase(self, name: str, done: int, total: int) -> None:
        """Move the phase's bar, making it first."""
        if name not in self.tasks:
            self.tasks[name] = self.progress.add_task(name, total=None)
        self.progress.update(self.tasks[name], completed=done, total=total or None)

    def remark(self, text: str) -> None:
        """A line above the bars."""
        self.progress.console.print(Text(text, style="dim"))


@dataclass(slots=True)
class Lines:
    """A line now and then: at the start and the end of a phase, and every few seconds while something moves."""

    write: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    last: dict[str, float] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    ended: set[tuple[str, int]] = field(default_factory=set)

    def phase(self, name: str, done: int, total: int) -> None:
        """Write a line when it is time."""
        finished = bool(total) and done >= total
        if finished and (name, total) in self.ended:
            return
        if not finished and self.now() - self.last.get(name, -EVERY) < EVERY:
            return
        line = f"{name}: {done:,} of {total:,}" if total else f"{name}: {done:,}" if done else f"{name} …"
        if self.shown.get(name) == line:
            return
        self.last[name], self.shown[name] = self.now(), line
        if finished:
            self.ended.add((name, total))
        self.write(line)

    def remark(self, text: str) -> None:
        """Write it."""
        self.write(text)


@dataclass(slots=True)
class Remarks:
    """Only what is worth knowing."""

    write: Callable[[str], None]

    def phase(self, name: str, done: int, total: int) -> None:
        """Nothing."""

    def remark(self, text: str) -> None:
        """Write it."""
        self.write(text)


@contextmanager
def telling(screen: Screen) -> Iterator[Telling]:
    """What shows progress on this screen."""
    if screen.err.is_terminal and not screen.err.is_dumb_terminal:
        with Progress(*_columns(screen.err.width), console=screen.err, transient=True) as progress:
            yield Bars(progress)
    elif screen.json:
        yield Remarks(screen.say)
    else:
        yield Lines(screen.say)


def _columns(width: int) -> list[ProgressColumn]:
    head: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    bar: list[ProgressColumn] = [BarColumn(bar_width=None if width < NARROW else 30), MofNCompleteColumn()]
    return [*head, *bar] if width < NARROW else [*head, *bar, Rate(), TimeRemainingColumn(compact=True)]


def tell_waits(show: Telling) -> Callable[[str, float, SheetsCatalogError], None]:
    """The `on_wait` of the retrying layer: people are told why nothing moves."""

    def waiting(service: str, seconds: float, error: SheetsCatalogError) -> None:
        if seconds >= WORTH_TELLING:
            show.remark(wait_text(service, seconds, error))

    return waiting


def wait_text(service: str, seconds: float, error: SheetsCatalogError) -> str:
    """Why nothing moves, and for how long."""
    who = service.title() if service else "The other side"
    if isinstance(error, Throttled) and error.reason == CIRCUIT_OPEN:
        return f"{who} does not answer; trying again in {duration(seconds)} ({visible(error.message)})"
    why = "asked us to slow down" if isinstance(error, Throttled) else "did not answer well"
    return f"{who} {why}; waiting {duration(seconds)} ({visible(error.message)})"


@dataclass(slots=True)
class RunWatcher:
    """A `jobs.runner.Watcher` that shows a run. `batches` counts those that went out in this run.

    `told`: items that are known to be set aside; nothing more is said of them.
    """

    show: Telling
    title: str = "Applying"
    batches: int = 0
    settled: int = 0
    total: int = 0
    books: Books | None = None
    told: Container[int] = frozenset()

    def batch_started(self, number: int, items: Sequence[int]) -> None:  # noqa: ARG002 - the protocol's
        """A batch goes out."""
        self.batches += 1
        self._move()

    def batch_ended(self, number: int, outcomes: Sequence[Outcome], seconds: float) -> None:  # noqa: ARG002
        """A batch came back: how many were set aside is told at once; which and why stands in the result."""
        refused = sum(outcome.result.name == "REJECTED" and outcome.item not in self.told for outcome in outcomes)
        if refused:
            self.show.remark(f"{self.title}: {refused:,} set aside; the result says why")

    def progressed(self, books: Books, note: str) -> None:
        """A checkpoint: the first one says how much there is to do."""
        if self.books is None:
            self.total = books.pending
        self.books = books
        self.settled = max(0, self.total - books.pending)
        self._move()
        if note:
            self.show.remark(visible(note))

    def troubled(self, error: SheetsCatalogError, wait: float) -> None:
        """An error stopped a batch."""
        service = getattr(error, "service", "")
        self.show.remark(wait_text(service, wait, error))

    def _move(self) -> None:
        if self.total:
            self.show.phase(self.title, self.settled, self.total)
