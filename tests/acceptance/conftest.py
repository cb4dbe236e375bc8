"""Sandbox processes, one for each speed and test process, and a town in them that is put back before every test."""

from __future__ import annotations

import shutil

import pytest
import requests
from acceptance.world import Nursery, SandboxProcess, Town


@pytest.fixture(scope="session")
def _sandboxes(tmp_path_factory):
    """Start a sandbox process for a speed when it is first needed."""
    running = {}

    def at(speed):
        if speed not in running:
            running[speed] = SandboxProcess(tmp_path_factory.mktemp("sandbox"), speed=speed)
        return running[speed]

    yield at
    for sandbox in running.values():
        sandbox.stop()


@pytest.fixture(scope="session")
def nursery():
    """Where commands are started from."""
    one = Nursery()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def _imported(_sandboxes, nursery, tmp_path_factory):
    """The saved state of a sandbox whose catalogue was imported through the command line, and the home it was done in."""
    sandbox = _sandboxes(1000.0)
    town = Town(sandbox.url, tmp_path_factory.mktemp("first"), nursery)
    assert town.do("import")["books"]["done"] > 100
    town.post("state/save", {"dir": str(town.home / "state")})
    return town.home


@pytest.fixture
def make_town(_sandboxes, _imported, nursery, tmp_path):
    """A town in a sandbox of any speed, with its catalogue imported."""
    towns = []

    def make(speed=1000.0):
        sandbox = _sandboxes(speed)
        reset(sandbox.url, _imported / "state")
        town = Town(sandbox.url, tmp_path / "home", nursery)
        shutil.copy(_imported / "audit.sqlite3", town.home / "audit.sqlite3")
        towns.append(town)
        return town

    yield make
    for town in towns:
        town.stop()
        left = town.get("faults")["unconsumed"]
        health = town.get("health")
        assert health["ok"], health["crashes"]
        assert not left, f"faults that were never hit: {left}"


def reset(url, state):
    """Put a sandbox back to a saved state, without faults and with its usual quotas."""
    for method, path, body in (
        ("DELETE", "faults", None),
        ("POST", "state/load", {"dir": str(state)}),
        ("DELETE", "requests", None),
        ("POST", "quota", {"enabled": True, "sheets_user": 60, "sheets_project": 300}),
    ):
        requests.request(method, f"{url}/_sandbox/{path}", json=body, timeout=30).raise_for_status()


@pytest.fixture
def town(make_town):
    """A town whose time runs a thousand times as fast as life."""
    return make_town()
