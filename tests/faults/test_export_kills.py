"""SIGKILL at every upstream call of an export, and resume by a new process (LEAP-4).

The run is a forked process; the sandbox itself kills it at the n-th call, before or after the effect.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

import pytest
from faults.scenario import OPTIONS
from forked import Forked

from sheets_catalog.database import Audit
from sheets_catalog.errors import SheetsCatalogError
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import apply

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def killed_at(scenario, nth, when):
    """Run the job in a process of its own that is killed at its n-th call; False when it had no n-th call."""
    scenario.restore()
    return _killed(scenario, nth, when)


def _killed(scenario, nth, when):
    child = Forked(lambda: _export(scenario))
    scenario.fault(operation="*", nth=nth, kind="kill-client", when=when, pid=child.pid)
    child.go()
    status = child.wait()
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    return True


def _export(scenario):
    """What the killed process does."""
    with tempfile.TemporaryDirectory() as folder:
        systems = open_systems(scenario.at.connection, rng=random.Random(9))
        apply(systems, Audit(Path(folder) / "audit.sqlite3"), scenario.job, options=OPTIONS)


def check_kill(scenario, nth, when):
    if not killed_at(scenario, nth, when):
        return False
    sent_before = dict(scenario.effects())
    result, errors, _ = scenario.run()
    assert not errors
    scenario.check(result)
    assert all(scenario.effects()[spot] == count for spot, count in sent_before.items())
    return True


def test_killed_at_some_calls_the_job_ends_the_same(scenario):
    """The fast selection."""
    for turn, nth in enumerate(range(1, scenario.calls * 4 // 5, max(1, scenario.calls // 10))):
        assert check_kill(scenario, nth, ("before", "after")[turn % 2])


@pytest.mark.sweep
@pytest.mark.parametrize("when", ["before", "after"])
def test_sweep_killed_at_every_call(scenario, when):
    nth = 1
    while check_kill(scenario, nth, when):
        nth += 1
    assert nth > scenario.calls * 4 // 5


@pytest.mark.sweep
def test_killed_again_and_again_it_still_ends_the_same(scenario):
    """A process that never lives longer than 25 calls."""
    scenario.restore()
    for _ in range(scenario.calls):
        if not _killed(scenario, 25, "after"):
            break
    else:
        pytest.fail("it never ended")
    result, _, _ = scenario.run()
    scenario.check(result)


def test_two_processes_on_one_job_one_works_and_the_other_says_so(scenario):
    scenario.restore()
    outcomes = _race([scenario.job, scenario.job], scenario)
    assert sorted(outcomes) == ["busy", "finished"] or outcomes == ["finished", "finished"]
    result, _, _ = scenario.run()
    scenario.check(result)


def _race(jobs, scenario):
    """Start a process per job at the same moment; how each ended."""
    pids = []
    ready, go = os.pipe()
    for job in jobs:
        pid = os.fork()
        if pid == 0:
            os.read(ready, 1)
            code = 3
            try:
                with tempfile.TemporaryDirectory() as folder:
                    systems = open_systems(scenario.at.connection, rng=random.Random(os.getpid()))
                    apply(systems, Audit(Path(folder) / "audit.sqlite3"), job, options=OPTIONS)
                    code = 0
            except SheetsCatalogError as error:
                code = error.exit_status
            finally:
                os._exit(code)
        pids.append(pid)
    time.sleep(0.1)
    os.write(go, b"!" * len(jobs))
    words = {0: "finished", 5: "busy", 2: "stale"}
    ended = [words.get(os.WEXITSTATUS(os.waitpid(pid, 0)[1]), "failed") for pid in pids]
    os.close(ready)
    os.close(go)
    return ended
