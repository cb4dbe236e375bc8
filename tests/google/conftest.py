"""A sandbox for the Google adapters, spoken to over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sheets_catalog.google.credentials import credentials_from
from sheets_catalog.google.transport import Timeouts, Transport
from sheets_catalog.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Control:
    """The sandbox as its tester sees it: faults in, requests and effects out."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url

    def fault(self, operation: str, kind: str, when: str = "before", **more: Any) -> None:
        body = {"operation": operation, "kind": kind, "when": when, **more}
        answer = requests.post(f"{self.url}/_sandbox/faults", json=body, timeout=5)
        assert answer.status_code == 200, answer.text

    def faults(self) -> list[dict[str, Any]]:
        found = requests.get(f"{self.url}/_sandbox/faults", timeout=5).json()
        return list(found["faults"] if isinstance(found, dict) else found)

    def requests(self, operation: str = "") -> list[dict[str, Any]]:
        log = requests.get(f"{self.url}/_sandbox/requests", params={"log": "1"}, timeout=5).json()["log"]
        return [each for each in log if operation in {"", each["operation"]}]

    def effects(self, operation: str = "") -> list[dict[str, Any]]:
        found = requests.get(f"{self.url}/_sandbox/ledger", timeout=5).json()
        lines = found["ledger"] if "ledger" in found else found["effects"] if "effects" in found else found["lines"]
        return [each for each in lines if operation in {"", each["operation"]}]

    def settle(self) -> None:
        """Let searches catch up with what was written."""
        self.post("clock", advance=3600)

    def forget(self) -> None:
        requests.delete(f"{self.url}/_sandbox/faults", timeout=5)
        requests.delete(f"{self.url}/_sandbox/requests", timeout=5)

    def post(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(catalogue="empty", speed=1000.0, latency="none") as running:
        yield running


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[Control]:
    """All faults a test asks for must have happened by its end."""
    control = Control(sandbox)
    control.forget()
    yield control
    left = [each for each in control.faults() if not each["consumed"]]
    control.forget()
    assert not left, f"faults that never happened: {left}"


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Callable[..., Transport]]:
    """Make transports to the sandbox; all are closed at the end."""
    made: list[Transport] = []

    def make(*, timeouts: Timeouts | None = None, **settings: Any) -> Transport:
        credentials = credentials_from(settings or {"access_token": "sandbox-token"})
        made.append(Transport(credentials, root_url=sandbox.url, timeouts=timeouts))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def transport(connect: Callable[..., Transport]) -> Transport:
    return connect(timeouts=Timeouts(connect=2.0, read=5.0, total=8.0))
