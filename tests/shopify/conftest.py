from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import requests
from graphql import GraphQLSchema, build_client_schema, build_schema

from sheets_catalog.jobs.clock import ScaledClock
from sheets_catalog.sandbox import Sandbox
from sheets_catalog.shopify import Catalogue, Shop, StaticToken
from tests.shared_data import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sheets_catalog.shopify import TokenSource


@pytest.fixture(scope="session")
def published_schema() -> GraphQLSchema:
    """Shopify's real Admin schema, 2026-10."""
    with gzip.open(shared("data", "shopify-schema", "admin_2026-10.json.gz"), "rt", encoding="utf-8") as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


@pytest.fixture(scope="session")
def subset_schema() -> GraphQLSchema:
    """The part of it that is in the repository."""
    text = (files("sheets_catalog.sandbox.shopify") / "schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


class Control:
    """The sandbox as its tester sees it: faults and the merchant's edits in, requests and effects out."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url

    def fault(self, operation: str, kind: str, when: str = "before", **more: Any) -> None:
        body = {"service": "shopify", "operation": operation, "kind": kind, "when": when, **more}
        answer = requests.post(f"{self.url}/_sandbox/faults", json=body, timeout=5)
        assert answer.status_code == 200, answer.text

    def faults(self) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.url}/_sandbox/faults", timeout=5).json()["faults"])

    def requests(self) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.url}/_sandbox/requests", params={"log": "1"}, timeout=5).json()["log"])

    def effects(self) -> list[dict[str, Any]]:
        """What really changed, one line per applied effect."""
        return self.sandbox.world.ledger.since()

    def forget(self) -> None:
        requests.delete(f"{self.url}/_sandbox/faults", timeout=5)
        requests.delete(f"{self.url}/_sandbox/requests", timeout=5)

    def merchant(self, do: str, **details: Any) -> Any:
        """What the shop's owner or keeper does meanwhile."""
        answer = requests.post(f"{self.url}/_sandbox/seed/shopify", json={"do": do, **details}, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()["answer"]


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
def clock(sandbox: Sandbox) -> ScaledClock:
    given = sandbox.connection()["clock"]
    return ScaledClock(given["speed"], given["real_epoch"], given["simulated_epoch"])


@pytest.fixture
def connect(sandbox: Sandbox, clock: ScaledClock) -> Callable[..., Shop]:
    """Make shops that talk to the sandbox."""
    given = sandbox.connection()["shopify"]

    def make(tokens: TokenSource | None = None, **more: Any) -> Shop:
        source = tokens or StaticToken(given["access_token"])
        return Shop(given["shop"], source, clock=clock, base_url=sandbox.url, timeout=(2.0, 5.0), **more)

    return make


@pytest.fixture
def shop(connect: Callable[..., Shop]) -> Shop:
    return connect()


@pytest.fixture
def catalogue(shop: Shop) -> Catalogue:
    return Catalogue(shop)
