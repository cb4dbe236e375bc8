"""Ctrl-C, and two runs on one sheet, with real processes."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import threading
import time

import pytest
import requests
from cli_world import COMMAND, Sheet, shop_effects
from sandboxed import desk

from sheets_catalog.cli.statuses import Exit
from sheets_catalog.cli.stopping import Stopping
from sheets_catalog.flows.connection import save
from sheets_catalog.flows.exporting import ExportOptions, plan_export, store
from sheets_catalog.flows.importing import import_catalogue

ROWS = 25


STALL = 40
"""Simulated seconds for which a call hangs: less than a lease lives, long enough for another process to start."""


@pytest.fixture
def slow(home):
    """A sandbox that can be made to hang, with a plan of many changes stored. Time runs five times as fast as life."""
    with desk(latency="none", speed=5.0) as at:
        import_catalogue(at.systems, at.audit)
        save(at.connection, "default")
        variants = Sheet(at, "Variants")
        column = chr(ord("A") + variants.header.index("Price"))
        prices = [[500 + row] for row in range(ROWS)]
        variants.tab.update(prices, f"{column}2:{column}{ROWS + 1}")
        at.job = store(at.systems, plan_export(at.systems, ExportOptions()))
        yield at


@pytest.fixture
def started(home):
    """Start a command as a process of its own; none outlives its test."""
    running = []

    def start(*arguments):
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.communicate()


def hang(at, service, nth):
    """Let the n-th call to a service from now on hang for a while before it is applied."""
    fault = {"service": service, "operation": "*", "kind": "stall", "nth": nth, "seconds": STALL}
    requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=10).raise_for_status()


def wait_until_it_hangs(at, process):
    while requests.get(f"{at.sandbox.url}/_sandbox/faults", timeout=10).json()["unconsumed"]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_ctrl_c_stops_at_a_checkpoint_and_the_job_can_be_resumed(slow, run, started):
    since = len(slow.ledger())
    hang(slow, "shopify", 6)
    process = started("apply", slow.job, "--batch-size", "1", "--json")
    wait_until_it_hangs(slow, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    told = json.loads(out)
    assert process.returncode == 4, err
    assert (told["status"], told["resumable"]) == ("waiting", True)
    assert 0 < told["books"]["pending"] < ROWS
    assert told["books"]["done"] == len(shop_effects(slow, since))
    assert "Press Ctrl-C again" in err
    assert "Traceback" not in err
    done = run("jobs", "resume", slow.job, "--json")
    assert (done.status, done.told["books"]["done"]) == (0, ROWS)
    assert len(shop_effects(slow, since)) == ROWS


def test_a_second_ctrl_c_stops_at_once_and_nothing_is_sent_twice(slow, run, started):
    since = len(slow.ledger())
    hang(slow, "shopify", 6)
    process = started("apply", slow.job, "--batch-size", "1")
    wait_until_it_hangs(slow, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "`sheets-catalog jobs resume last`" in err.splitlines(), "on a line of its own"
    assert "Traceback" not in err
    done = run("jobs", "resume", "last", "--force", "--json")
    assert done.status == 0
    assert len(shop_effects(slow, since)) == ROWS


def test_two_runs_on_one_sheet_one_works_and_the_other_says_so(slow, started, run):
    since = len(slow.ledger())
    hang(slow, "shopify", 6)
    first = started("apply", slow.job, "--batch-size", "1", "--json")
    wait_until_it_hangs(slow, first)
    second = run("apply", slow.job, "--json")
    assert second.status == 5
    assert second.told["error"]["type"] == "BusyError"
    assert second.told["error"]["where"]
    out, err = first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert json.loads(out)["books"]["done"] == ROWS
    assert len(shop_effects(slow, since)) == ROWS


def test_ctrl_c_stops_an_import_between_two_pages(home, started):
    with desk(latency="none", speed=5.0) as at:
        save(at.connection, "default")
        hang(at, "shopify", 4)
        process = started("import", "--json")
        wait_until_it_hangs(at, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 4, err
        assert json.loads(out)["error"]["type"] == "Stopped"
        process = started("import", "--json")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        books = json.loads(out)["books"]
        assert books["planned"] == books["done"] + books["unchanged"]


def test_the_first_signal_is_a_wish_and_the_second_an_order():
    told = []
    before = signal.getsignal(signal.SIGINT)
    with Stopping(told.append) as stop:
        assert not stop.wanted()
        signal.raise_signal(signal.SIGINT)
        assert stop.wanted()
        assert len(told) == 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_signals_are_left_alone():
    seen = []

    def work():
        with Stopping(seen.append) as stop:
            seen.append(stop.wanted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_what_is_said_after_ctrl_c_at_a_question_begins_a_line_of_its_own(home):
    terminal, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, "connect", "shopify"], stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "dumb"}
    )
    os.close(theirs)
    try:
        shown = _read_until(terminal, b"domain: ")
        shown += _read_until(terminal, b"Nothing was done.", lambda: process.send_signal(signal.SIGINT))
        assert process.wait(timeout=30) == Exit.CONFIRM
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert re.search(r"domain: (\^C)?\r\n\W*Stopped", shown.decode())


def _read_until(terminal, words, press=lambda: None):
    """What is shown up to these words. `press` is done again when nothing follows: Python loses a Ctrl-C that comes in
    the moment before it waits for a line, and so would a person press once more."""
    shown = b""
    press()
    for _ in range(12):
        while select.select([terminal], [], [], 5)[0]:
            shown += os.read(terminal, 4096)
            if words in shown:
                return shown
        press()
    raise AssertionError(shown)
