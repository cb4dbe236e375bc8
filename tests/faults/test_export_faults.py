"""The n-th-call sweep: every kind of fault, before and after the effect, at every upstream call of an export.

Whatever happens: the world ends as after an undisturbed run, every effect happened exactly once, and the books balance.
"""

from __future__ import annotations

import time

import pytest
import requests

TRANSIENT = [
    {"kind": "status", "status": 503, "when": "before"},
    {"kind": "status", "status": 503, "when": "after"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "fin", "when": "after"},
    {"kind": "blank-status-line", "when": "after"},
    {"kind": "half-body", "when": "after"},
    {"kind": "garbled-body", "when": "after"},
    {"kind": "empty-body", "when": "after"},
    {"kind": "rate-limit", "when": "before", "times": 3},
    {"kind": "html-429", "when": "before"},
    {"kind": "unauthorized", "when": "before"},
]
STALLS = [
    {"kind": "stall", "when": "before", "seconds": 3000},
    {"kind": "stall", "when": "after", "seconds": 3000},
    {"kind": "applied-late", "when": "before", "seconds": 100},
]
SHOPIFY = [
    {"kind": "throttle-graphql", "when": "before", "times": 3},
    {"kind": "internal-error", "when": "before"},
    {"kind": "internal-error", "when": "after"},
]


def name(spec):
    return f"{spec['kind']}-{spec['when']}" + (f"-{spec['status']}" if "status" in spec else "")


def disturb(scenario, nth, spec, *, service="*", timeout=30.0):
    """One disturbed run; False when the run had no n-th call."""
    scenario.restore()
    scenario.fault(service=service, operation="*", nth=nth, **spec)
    result, errors, report = scenario.run(timeout=timeout)
    (fault,) = scenario.faults()
    if not fault["hits"]:
        return False
    wait_for(scenario, fault["hits"])
    scenario.check(result)
    assert all(error.message for error in errors)
    logged = [record for record in report.records if record.action != "plan"]
    assert len({record.operation_key for record in logged}) == len(logged) == result.state.total
    return True


def wait_for(scenario, calls):
    """Until calls that were hit have been played to their end: one that is applied late may outlive the run."""
    for _ in range(200):
        log = requests.get(f"{scenario.url}/_sandbox/requests", params={"log": 1}, timeout=10).json()["log"]
        if all(entry["status"] is not None for entry in log if entry["n"] in calls):
            return
        time.sleep(0.05)
    raise AssertionError("a call that was hit never ended")


def spread(scenario, count):
    """Some calls spread over the run, the same in every session."""
    step = max(1, scenario.calls // count)
    return range(1, scenario.calls + 1, step)


@pytest.mark.parametrize("spec", TRANSIENT, ids=name)
def test_a_fault_at_some_calls_changes_nothing_in_the_end(scenario, spec):
    """The fast selection: every kind, at calls spread over the run."""
    offset = TRANSIENT.index(spec)
    hits = [disturb(scenario, nth + offset % 4, spec) for nth in spread(scenario, 3)]
    assert any(hits)


@pytest.mark.parametrize("spec", SHOPIFY, ids=name)
def test_shopifys_own_faults_change_nothing_in_the_end(scenario, spec):
    hits = [disturb(scenario, nth, spec, service="shopify") for nth in (2, 3, 5)]
    assert any(hits)


@pytest.mark.parametrize("spec", STALLS, ids=name)
def test_an_answer_that_comes_too_late_changes_nothing_in_the_end(scenario, spec):
    assert disturb(scenario, 9, spec, timeout=0.6)


@pytest.mark.sweep
@pytest.mark.parametrize("spec", TRANSIENT + STALLS, ids=name)
def test_sweep_every_fault_at_every_call(scenario, spec):
    timeout = 0.6 if spec in STALLS else 30.0
    nth = 1
    while disturb(scenario, nth, spec, timeout=timeout):
        nth += 1
    assert nth > scenario.calls // 2


@pytest.mark.sweep
@pytest.mark.parametrize("spec", SHOPIFY, ids=name)
def test_sweep_shopifys_own_faults_at_every_call(scenario, spec):
    nth = 1
    while disturb(scenario, nth, spec, service="shopify"):
        nth += 1
    assert nth > 3
