"""The sandbox as a process and a server: one port, honest counts, a clock, a ledger, a state to save."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
import requests

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import close_clients, control, drive_service, ledger, plain_session

__all__ = ["close_clients"]


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        yield running
        assert not running.gateway.crashes


def make_file(sandbox, name, **body):
    return drive_service(sandbox.url).files().create(body={"name": name, **body}).execute()["id"]


def test_unknown_address_is_answered_as_google_does(sandbox):
    answer = requests.get(sandbox.url + "/drive/v9/nothing", timeout=5)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_connection_is_kept_alive(sandbox):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=5)
    ports = set()
    for _ in range(3):
        connection.request("GET", "/_sandbox/health")
        connection.getresponse().read()
        assert connection.sock is not None
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_a_client_that_dies_in_the_middle_of_a_request_leaves_no_traceback(sandbox, capfd):
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as dying:
        dying.sendall(b"POST /drive/v3/files HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 1000\r\n\r\n{")
        dying.shutdown(socket.SHUT_WR)
        assert dying.recv(1000) == b""
    assert capfd.readouterr().err == ""
    assert control(sandbox.url, "requests")["total"] == 0


def test_every_call_is_counted_once_by_operation_and_status(sandbox):
    service = drive_service(sandbox.url)
    for _ in range(3):
        service.files().list().execute()
    plain_session(token="wrong").get(sandbox.url + "/drive/v3/files", timeout=5)
    counts = control(sandbox.url, "requests")
    assert counts["operations"]["drive.files.list"] == {"200": 3, "401": 1}
    assert counts["total"] == 4
    log = control(sandbox.url, "requests?log=1")["log"]
    assert [entry["n"] for entry in log] == [1, 2, 3, 4]
    assert log[0]["caller"] == "owner@example.com"


def test_control_calls_are_not_counted(sandbox):
    control(sandbox.url, "health")
    assert control(sandbox.url, "requests")["total"] == 0


def test_ledger_tells_applied_effects_in_order_and_nothing_else(sandbox):
    first = make_file(sandbox, "one")
    plain_session().post(sandbox.url + "/drive/v3/files", json={"name": "x", "parents": ["missing"]}, timeout=5)
    second = make_file(sandbox, "two")
    lines = ledger(sandbox.url, "drive.files.create")
    assert [(line["target"], line["effect"]["name"], line["actor"]) for line in lines] == [
        (first, "one", "owner@example.com"),
        (second, "two", "owner@example.com"),
    ]
    assert control(sandbox.url, f"ledger?since={lines[0]['n']}")["ledger"][0]["target"] == second


def test_clock_runs_at_its_speed_and_can_be_advanced():
    with Sandbox.start("empty", speed=100.0, latency="none", start=datetime(2026, 1, 1, tzinfo=UTC)) as sandbox:
        before = control(sandbox.url, "clock")
        assert before["now"].startswith("2026-01-01T")
        time.sleep(0.1)
        after = control(sandbox.url, "clock", {"advance": 3600})
        assert after["seconds"] - before["seconds"] >= 3600 + 100 * 0.1
        skewed = control(sandbox.url, "clock", {"skew": -86_400})
        assert skewed["now"].startswith("2025-12-31T")
        answer = requests.get(sandbox.url + "/drive/v3/files", timeout=5)
        assert "31 Dec 2025" in answer.headers["Date"]


def test_clock_refuses_to_go_back(sandbox):
    answer = requests.post(sandbox.url + "/_sandbox/clock", json={"advance": -1}, timeout=5)
    assert answer.status_code == 400
    assert "skew" in answer.json()["error"]["message"]


def test_latency_is_simulated_seconds():
    with Sandbox.start("empty", speed=20.0, latency="life") as sandbox:
        service = drive_service(sandbox.url)
        start = sandbox.world.clock.seconds()
        for _ in range(4):
            service.files().generateIds(count=1).execute()
        assert sandbox.world.clock.seconds() - start >= 4 * 0.8


def test_same_seed_makes_the_same_ids():
    def ids():
        with Sandbox.start("empty", seed=7, latency="none") as sandbox:
            return [make_file(sandbox, "x"), sandbox.connection()["folder_id"]]

    assert ids() == ids()


def test_state_can_be_saved_and_gone_on_from(tmp_path):
    with Sandbox.start("empty", latency="none", state=tmp_path) as sandbox:
        kept = make_file(sandbox, "kept", appProperties={"a": "1"})
        token = control(sandbox.url, "tokens", {"email": "bea@example.com"})["access_token"]
        lines = len(ledger(sandbox.url))
        moment = sandbox.world.clock.seconds()
        control(sandbox.url, "state/save", {})
    with Sandbox.start("empty", latency="none", state=tmp_path) as again:
        assert again.world.clock.seconds() >= moment
        shown = drive_service(again.url).files().get(fileId=kept, fields="name,appProperties").execute()
        assert shown == {"name": "kept", "appProperties": {"a": "1"}}
        assert plain_session(token=token).get(again.url + "/drive/v3/files", timeout=5).status_code == 200
        assert len(ledger(again.url)) == lines


def test_snapshots_are_compared_leaf_by_leaf(sandbox):
    before = control(sandbox.url, "state/snapshot")
    assert control(sandbox.url, "state/diff", {"before": before})["differences"] == []
    changed = make_file(sandbox, "new")
    found = control(sandbox.url, "state/diff", {"before": before, "ignore": ["drive.changes*", "drive.files.0A*"]})
    assert [line["path"] for line in found["differences"]] == [f"drive.files.{changed}"]


def test_load_without_a_saved_state_says_so(sandbox, tmp_path):
    answer = requests.post(sandbox.url + "/_sandbox/state/load", json={"dir": str(tmp_path)}, timeout=5)
    assert answer.status_code == 400
    assert "no saved sandbox" in answer.json()["error"]["message"]


def test_parallel_clients_lose_nothing(sandbox):
    def work(number):
        session = plain_session()
        for step in range(15):
            answer = session.post(sandbox.url + "/drive/v3/files", json={"name": f"{number}-{step}"}, timeout=10)
            assert answer.status_code == 200
        session.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [line["effect"]["name"] for line in ledger(sandbox.url, "drive.files.create")]
    assert len(names) == len(set(names)) == 90
    assert [line["n"] for line in ledger(sandbox.url)] == list(range(1, len(ledger(sandbox.url)) + 1))


def test_process_prints_how_to_connect_and_saves_at_its_end(tmp_path):
    code = (
        "from pathlib import Path; from sheets_catalog.sandbox import serve;"
        f"serve(catalogue='empty', speed=1000.0, latency='none', state=Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        google = line["google"]
        assert line["clock"]["speed"] == 1000.0
        answer = plain_session(token=google["token"]).get(
            f"{line['url']}/drive/v3/files/{line['folder_id']}", timeout=5
        )
        assert answer.json()["name"] == "Sheets Catalog"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0
    assert (tmp_path / "state.json").exists()


def test_a_simple_request_is_fast(sandbox):
    """The bound is far above what it takes (under one millisecond), so that a busy machine does not fail it."""
    session, url = plain_session(), sandbox.url + "/drive/v3/files/root"
    session.get(url, timeout=5)
    start = time.perf_counter()
    for _ in range(100):
        session.get(url, timeout=5)
    assert (time.perf_counter() - start) / 100 < 0.02


def test_a_fault_of_the_sandbox_itself_is_a_500_and_shows_in_health(monkeypatch, capsys):
    with Sandbox.start("empty", latency="none") as sandbox:
        monkeypatch.setattr(sandbox.services["drive"].store, "root_of", lambda _: 1 / 0)
        answer = plain_session().get(sandbox.url + "/drive/v3/files/root", timeout=5)
        assert answer.status_code == 500
        health = control(sandbox.url, "health")
        assert health["ok"] is False
        assert "ZeroDivisionError" in health["crashes"][0]
        monkeypatch.undo()
    assert "ZeroDivisionError" in capsys.readouterr().err


class TestQuota:
    def test_drive_units_per_user(self, sandbox):
        control(sandbox.url, "quota", {"drive_user": 200})
        session = plain_session()
        answers = [session.get(sandbox.url + "/drive/v3/files", timeout=5) for _ in range(3)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[-1] == 403 or statuses.count(200) == 3  # a minute may end between two calls
        control(sandbox.url, "quota", {"drive_user": 50})
        refused = session.get(sandbox.url + "/drive/v3/files", timeout=5)
        assert refused.status_code == 403
        assert refused.json()["error"]["errors"][0]["reason"] == "userRateLimitExceeded"

    def test_refill_comes_with_the_next_minute(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            control(sandbox.url, "quota", {"drive_user": 100})
            session = plain_session()
            statuses = [session.get(sandbox.url + "/drive/v3/files", timeout=5).status_code for _ in range(2)]
            assert statuses == [200, 403]
            control(sandbox.url, "clock", {"advance": 60})
            assert session.get(sandbox.url + "/drive/v3/files", timeout=5).status_code == 200

    def test_project_limit_has_its_own_reason(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            control(sandbox.url, "quota", {"drive_project": 100})
            other = control(sandbox.url, "tokens", {"email": "bea@example.com"})["access_token"]
            assert plain_session().get(sandbox.url + "/drive/v3/files", timeout=5).status_code == 200
            refused = plain_session(token=other).get(sandbox.url + "/drive/v3/files", timeout=5)
            assert refused.json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"
