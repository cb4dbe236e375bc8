"""Progress: bars on a terminal, lines elsewhere, waits told."""

from __future__ import annotations

import io

from rich.console import Console

from sheets_catalog.books import Books
from sheets_catalog.cli.progress import Bars, Lines, Remarks, RunWatcher, tell_waits, telling
from sheets_catalog.cli.screen import Screen
from sheets_catalog.errors import Throttled, Unavailable
from sheets_catalog.jobs.retry import CIRCUIT_OPEN
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result


def screen(*, terminal, json=False, width=100):
    file = io.StringIO()
    err = Console(file=file, force_terminal=terminal, width=width, color_system=None, _environ={"TERM": "xterm"})
    return Screen(out=Console(file=io.StringIO()), err=err, json=json), file


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_lines_come_now_and_then_and_at_the_end():
    lines, clock = [], Clock()
    show = Lines(lines.append, clock)
    show.phase("Import", 0, 1000)
    show.phase("Import", 10, 1000)
    clock.now = 3
    show.phase("Import", 20, 1000)
    show.phase("Import", 1000, 1000)
    show.phase("Import", 1000, 1000)
    assert lines == ["Import: 0 of 1,000", "Import: 20 of 1,000", "Import: 1,000 of 1,000"]


def test_a_phase_in_which_nothing_moves_is_told_once():
    lines, clock = [], Clock()
    show = Lines(lines.append, clock)
    for clock.now in range(0, 30, 3):
        show.phase("Staging", 0, 200)
    show.phase("Staging", 5, 200)
    assert lines == ["Staging: 0 of 200", "Staging: 5 of 200"]


def test_a_phase_without_a_known_end_is_told_once_in_a_while():
    lines = []
    show = Lines(lines.append, Clock())
    show.phase("Comparing", 0, 0)
    show.phase("Comparing", 250, 0)
    assert lines == ["Comparing …"]


def test_a_terminal_gets_bars_and_a_pipe_gets_lines_and_json_only_remarks():
    for terminal, json, kind in (
        (True, False, Bars),
        (False, False, Lines),
        (False, True, Remarks),
        (True, True, Bars),
    ):
        there, _ = screen(terminal=terminal, json=json)
        with telling(there) as show:
            assert isinstance(show, kind)


def test_bars_fit_narrow_terminals():
    for width in (40, 60, 100):
        there, file = screen(terminal=True, width=width)
        with telling(there) as show:
            show.phase("Applying", 3, 10)
        assert "3/10" in file.getvalue()


def test_waits_worth_mentioning_are_told_with_their_reason():
    told = []
    wait = tell_waits(Remarks(told.append))
    wait("shopify", 0.3, Throttled("Throttled."))
    wait("shopify", 12.0, Throttled("Throttled."))
    wait("google", 870.0, Throttled("Google failed.", service="google", reason=CIRCUIT_OPEN))
    wait("google", 3.0, Unavailable("Half an answer\x1b."))
    assert told == [
        "Shopify asked us to slow down; waiting 12 s (Throttled.)",
        "Google does not answer; trying again in 14 min 30 s (Google failed.)",
        "Google did not answer well; waiting 3.0 s (Half an answer␛.)",
    ]


def test_a_run_is_shown_against_what_was_pending_when_it_began():
    lines, clock = [], Clock()
    watcher = RunWatcher(Lines(lines.append, clock))
    watcher.progressed(Books(planned=110, unchanged=100, pending=10), "")
    watcher.batch_started(1, [0, 1, 2])
    outcomes = [Outcome(number, Result.REJECTED, f"No {number}.") for number in range(5)]
    watcher.batch_ended(1, outcomes, 0.1)
    clock.now = 5
    watcher.progressed(Books(planned=110, unchanged=100, rejected=5, pending=5), "Slow.")
    assert lines == [
        "Applying: 0 of 10",
        "Applying: 5 set aside; the result says why",
        "Applying: 5 of 10",
        "Slow.",
    ]
    assert watcher.batches == 1


def test_what_the_preview_has_told_is_not_told_again():
    lines = []
    watcher = RunWatcher(Remarks(lines.append), told=frozenset({0, 1}))
    watcher.batch_ended(1, [Outcome(number, Result.REJECTED, "No.") for number in range(2)], 0.1)
    assert lines == []
    watcher.batch_ended(2, [Outcome(number, Result.REJECTED, "No.") for number in range(1, 3)], 0.1)
    assert lines == ["Applying: 1 set aside; the result says why"]
