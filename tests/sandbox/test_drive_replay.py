"""Drive's recorded answers, asked again: the sandbox must answer with the same status and the same keys."""

from __future__ import annotations

import gzip
import json

import pytest

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import close_clients, plain_session
from tests.shared_data import shared

__all__ = ["close_clients"]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        running.gateway.quota.enabled = False
        yield running
        assert not running.gateway.crashes


def recorded():
    path = shared("data", "recorded-google", "pairs.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [pair for line in lines if "/drive/v" in (pair := json.loads(line))["path"]]


def keys(value):
    """The shape of an answer: names and types, not values."""
    if isinstance(value, dict):
        return {name: keys(item) for name, item in value.items() if name != "thumbnailLink"}
    if isinstance(value, list):
        return [keys(item) for item in value[:1]]
    return type(value).__name__


def test_create_get_list_delete_and_import_agree_with_the_recordings(sandbox):
    session, ids, compared = plain_session(), {}, 0
    for pair in recorded():
        path = pair["path"]
        old = next((known for known in ids if known in path), None)
        if pair["endpoint"] not in {"POST /drive/v3/files", "GET /drive/v3/files"} and old is None:
            continue  # a file that the recording did not make
        if "export" in path or ("/upload/" in path and "sheets" not in sandbox.services):
            continue  # shown by the Sheets recordings: needs the cells that were written between
        url = sandbox.url + (path.replace(old, ids[old]) if old else path)
        body = pair["request_body"]
        sent = {"json": body} if isinstance(body, dict) else {"data": body, "headers": {"Content-Type": "text/csv"}}
        answer = session.request(
            pair["method"], url, params=[tuple(entry) for entry in pair["query"]], timeout=10, **sent
        )
        assert answer.status_code == pair["status"], (pair["test"], path)
        got = answer.json() if answer.content else None
        if pair["endpoint"] == "POST /drive/v3/files":
            ids[pair["response_body"]["id"]] = got["id"]
        if pair["endpoint"] != "GET /drive/v3/files" or (pair["response_body"]["files"] and got["files"]):
            assert keys(got) == keys(pair["response_body"]), (pair["test"], path)
        compared += 1
    assert compared > 270
