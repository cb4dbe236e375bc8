"""Every fault looks to a real client as it would in life, hits exactly the call it names, and is accounted for."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import requests
from googleapiclient.errors import HttpError

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.faults import KINDS
from tests.sandbox.clients import close_clients, control, drive_service, ledger, plain_session, reason

CREATE = "drive.files.create"


__all__ = ["close_clients"]


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        yield running
        assert not running.gateway.crashes


@pytest.fixture
def session(sandbox):
    with plain_session() as opened:
        yield opened


def fault(sandbox, kind, operation=CREATE, **more):
    return control(sandbox.url, "faults", {"kind": kind, "operation": operation, **more})["faults"][0]


def create(session, sandbox, name="x", **options):
    return session.post(sandbox.url + "/drive/v3/files", json={"name": name}, timeout=5, **options)


def applied(sandbox):
    return len(ledger(sandbox.url, CREATE))


def unconsumed(sandbox):
    return control(sandbox.url, "faults")["unconsumed"]


class TestCounting:
    def test_only_the_nth_call_is_hit_and_the_rest_go_through(self, sandbox, session):
        fault(sandbox, "status", status=503, nth=3, times=2)
        assert [create(session, sandbox).status_code for _ in range(6)] == [200, 200, 503, 503, 200, 200]
        assert unconsumed(sandbox) == []

    def test_forever(self, sandbox, session):
        fault(sandbox, "status", status=500, nth=2, times="forever")
        assert [create(session, sandbox).status_code for _ in range(4)] == [200, 500, 500, 500]

    def test_counting_is_exact_with_many_threads(self, sandbox):
        fault(sandbox, "status", status=503, nth=20, times=5)
        statuses = []

        def work():
            with plain_session() as own:
                statuses.extend(create(own, sandbox).status_code for _ in range(10))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (statuses.count(503), statuses.count(200)) == (5, 75)
        shown = control(sandbox.url, "faults")["faults"][0]
        assert shown["hits"] == [20, 21, 22, 23, 24]
        assert applied(sandbox) == 75

    def test_every_upstream_call_counts_for_the_star(self, sandbox, session):
        fault(sandbox, "status", operation="*", status=503, nth=3)
        assert create(session, sandbox).status_code == 200
        assert session.get(sandbox.url + "/drive/v3/about?fields=user", timeout=5).status_code == 200
        assert session.post(sandbox.url + "/token", data={"grant_type": "x"}, timeout=5).status_code == 503

    def test_match_narrows_to_calls_that_carry_a_text(self, sandbox, session):
        fault(sandbox, "status", status=503, match="poison")
        assert create(session, sandbox, "fine").status_code == 200
        assert create(session, sandbox, "poison").status_code == 503

    def test_a_fault_that_never_came_is_shown(self, sandbox, session):
        fault(sandbox, "reset", nth=5)
        create(session, sandbox)
        assert [entry["seen"] for entry in unconsumed(sandbox)] == [1]
        assert len(control(sandbox.url, "faults", method="DELETE")["unconsumed"]) == 1
        assert control(sandbox.url, "faults")["faults"] == []

    @pytest.mark.parametrize(
        ("spec", "word"),
        [
            ({"kind": "earthquake"}, "earthquake"),
            ({"kind": "status"}, "needs `status`"),
            ({"kind": "reset", "nth": 0}, "nth"),
            ({"kind": "reset", "when": "during"}, "during"),
            ({"kind": "drop-field", "field": "id", "when": "before"}, "cannot happen"),
            ({"kind": "kill-client", "pid": 1}, "pid 1"),
            ({"kind": "reset", "colour": "red"}, "colour"),
            ({"kind": "hook:collaborator", "requests": [{"path": "/x"}]}, "method, path"),
        ],
    )
    def test_senseless_faults_are_refused_with_a_reason(self, sandbox, spec, word):
        answer = requests.post(sandbox.url + "/_sandbox/faults", json=spec, timeout=5)
        assert answer.status_code == 400
        assert word in answer.json()["error"]["message"]


class TestAnswers:
    def test_status_is_worded_as_drive_words_it(self, sandbox):
        fault(sandbox, "status", status=503, retry_after="7")
        with pytest.raises(HttpError) as caught:
            drive_service(sandbox.url).files().create(body={"name": "x"}).execute()
        assert reason(caught.value) == (503, "backendError")
        assert caught.value.resp["retry-after"] == "7"

    @pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
    def test_before_and_after_the_effect(self, sandbox, session, when, count):
        fault(sandbox, "status", status=503, when=when)
        assert create(session, sandbox).status_code == 503
        assert applied(sandbox) == count

    def test_rate_limit(self, sandbox, session):
        fault(sandbox, "rate-limit")
        answer = create(session, sandbox)
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (403, "userRateLimitExceeded")
        assert "Retry-After" not in answer.headers

    def test_html_429(self, sandbox, session):
        fault(sandbox, "html-429", retry_after="3")
        answer = create(session, sandbox)
        assert (answer.status_code, answer.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
        assert answer.headers["Retry-After"] == "3"

    def test_unauthorized_in_the_middle_of_a_run(self, sandbox, session):
        fault(sandbox, "unauthorized", nth=2)
        assert [create(session, sandbox).status_code for _ in range(3)] == [200, 401, 200]

    def test_garbled_and_empty_bodies_are_200(self, sandbox, session):
        fault(sandbox, "garbled-body", when="after")
        answer = create(session, sandbox)
        assert answer.status_code == 200
        with pytest.raises(requests.exceptions.JSONDecodeError):
            answer.json()
        fault(sandbox, "empty-body", when="after")
        assert create(session, sandbox).content == b""
        assert applied(sandbox) == 2


class TestConnections:
    @pytest.mark.parametrize("kind", ["reset", "fin", "blank-status-line"])
    @pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
    def test_no_answer_at_all(self, sandbox, session, kind, when, count):
        fault(sandbox, kind, when=when)
        with pytest.raises(requests.exceptions.ConnectionError) as caught:
            create(session, sandbox)
        assert ("reset" in str(caught.value).lower()) == (kind == "reset")
        assert applied(sandbox) == count
        assert create(session, sandbox).status_code == 200

    @pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
    def test_half_a_body(self, sandbox, session, when, count):
        fault(sandbox, "half-body", when=when)
        with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            create(session, sandbox)
        assert applied(sandbox) == count

    @pytest.mark.parametrize("kind", ["fin", "blank-status-line"])
    def test_httplib2_sends_a_post_again_and_the_ledger_tells(self, sandbox, kind):
        """The sandbox is honest: a client that re-sends by itself leaves two files, and sees one success."""
        fault(sandbox, kind, when="after")
        seen = drive_service(sandbox.url).files().create(body={"name": "once"}).execute()
        made = [line["target"] for line in ledger(sandbox.url, CREATE)]
        assert len(made) == 2
        assert seen["id"] == made[1]
        assert control(sandbox.url, "requests")["operations"][CREATE] == {"0": 1, "200": 1}

    def test_requests_sends_a_post_once(self, sandbox, session):
        fault(sandbox, "fin", when="after")
        with pytest.raises(requests.exceptions.ConnectionError):
            create(session, sandbox)
        assert applied(sandbox) == 1

    def test_slow_body_arrives_whole(self, sandbox, session):
        fault(sandbox, "slow-body", seconds=200.0)
        start = time.perf_counter()
        assert create(session, sandbox).json()["name"] == "x"
        assert time.perf_counter() - start >= 0.15


class TestTiming:
    def test_stall_outlasts_the_client_and_is_applied_nevertheless(self, sandbox, session):
        fault(sandbox, "stall", seconds=1e6)
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.post(sandbox.url + "/drive/v3/files", json={"name": "late"}, timeout=0.2)
        wait_until(lambda: applied(sandbox) == 1)

    def test_applied_late_waits_until_the_client_is_gone_and_longer(self, sandbox, session):
        fault(sandbox, "applied-late", seconds=200.0)
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.post(sandbox.url + "/drive/v3/files", json={"name": "late"}, timeout=0.2)
        assert applied(sandbox) == 0
        wait_until(lambda: applied(sandbox) == 1)

    def test_stall_after_the_effect(self, sandbox, session):
        fault(sandbox, "stall", seconds=300.0, when="after")
        assert create(session, sandbox).status_code == 200

    def test_a_stalled_call_does_not_hold_up_the_others(self, sandbox, session):
        fault(sandbox, "stall", seconds=1e6)
        given_up = threading.Event()

        def wait_in_vain():
            with pytest.raises(requests.exceptions.ReadTimeout):
                session.post(sandbox.url + "/drive/v3/files", json={"name": "late"}, timeout=0.5)
            given_up.set()

        thread = threading.Thread(target=wait_in_vain)
        thread.start()
        wait_until(lambda: unconsumed(sandbox) == [])
        with plain_session() as other:
            assert other.get(sandbox.url + "/drive/v3/files", timeout=2).status_code == 200
            assert not given_up.is_set()
        thread.join()
        assert given_up.is_set()

    def test_clock_skew_shows_in_the_date(self, sandbox, session):
        fault(sandbox, "clock-skew", seconds=-400 * 86_400.0)
        assert create(session, sandbox).headers["Date"].split()[3] < time.strftime("%Y")

    @pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
    @pytest.mark.parametrize("by_pid", [True, False], ids=["named", "the caller"])
    def test_kill_client(self, sandbox, when, count, by_pid):
        code = (
            "import sys, requests; sys.stdin.readline();"
            f"requests.post({sandbox.url + '/drive/v3/files'!r}, json={{'name': 'x'}},"
            " headers={'Authorization': 'Bearer sandbox-token'}, timeout=20)"
        )
        client = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        fault(sandbox, "kill-client", when=when, **({"pid": client.pid} if by_pid else {}))
        client.communicate(b"go\n", timeout=20)
        assert client.returncode == -9
        assert applied(sandbox) == count
        assert unconsumed(sandbox) == []

    def test_duplicate_delivery_applies_twice(self, sandbox, session):
        fault(sandbox, "duplicate-delivery")
        assert create(session, sandbox).status_code == 200
        assert applied(sandbox) == 2


class TestData:
    def test_stale_read_shows_the_state_before_the_latest_change(self, sandbox):
        service = drive_service(sandbox.url)
        file_id = service.files().create(body={"name": "old"}).execute()["id"]
        service.files().update(fileId=file_id, body={"name": "new"}).execute()
        fault(sandbox, "stale-read", operation="drive.files.get")
        names = [service.files().get(fileId=file_id).execute()["name"] for _ in range(2)]
        assert names == ["old", "new"]

    def test_stale_read_waits_for_a_call_where_something_stale_is_known(self, sandbox, session):
        fault(sandbox, "stale-read", operation="drive.about.get")
        about = sandbox.url + "/drive/v3/about?fields=storageQuota"
        first = session.get(about, timeout=5).json()
        assert len(unconsumed(sandbox)) == 1
        session.post(
            sandbox.url + "/upload/drive/v3/files?uploadType=media",
            data=b"12345",
            headers={"Content-Type": "text/plain"},
            timeout=5,
        )
        assert session.get(about, timeout=5).json() == first
        assert unconsumed(sandbox) == []
        assert session.get(about, timeout=5).json() != first

    def test_lag_list_hides_what_is_new(self, sandbox):
        service = drive_service(sandbox.url)
        service.files().create(body={"name": "new"}).execute()
        time.sleep(0.02)
        fault(sandbox, "lag-list", operation="drive.files.list", seconds=36_000.0)
        found = [service.files().list(q="name='new'").execute()["files"] for _ in range(2)]
        assert [len(files) for files in found] == [0, 1]

    def test_truncated_page_leads_on_to_the_rest(self, sandbox, session):
        for number in range(6):
            create(session, sandbox, f"page {number}")
        time.sleep(0.02)
        fault(sandbox, "truncate-page", operation="drive.files.list")
        service = drive_service(sandbox.url)
        found, sizes, request = [], [], service.files().list(q="name contains 'page'", pageSize=6)
        while request is not None:
            page = request.execute()
            sizes.append(len(page["files"]))
            found += [file["name"] for file in page["files"]]
            request = service.files().list_next(request, page)
        assert sizes == [3, 3]
        assert len(set(found)) == 6

    def test_dropped_page_token(self, sandbox, session):
        for number in range(3):
            create(session, sandbox, f"page {number}")
        time.sleep(0.02)
        fault(sandbox, "drop-page-token", operation="drive.files.list")
        service = drive_service(sandbox.url)
        request = service.files().list(q="name contains 'page'", pageSize=2)
        assert "nextPageToken" not in request.execute()
        assert "nextPageToken" in request.execute()

    def test_dropped_field(self, sandbox, session):
        fault(sandbox, "drop-field", field="id")
        assert "id" not in create(session, sandbox).json()

    def test_corrupted_data_parses_but_differs(self, sandbox, session):
        fault(sandbox, "corrupt-data")
        shown = create(session, sandbox, "true name").json()
        assert shown["id"] == ledger(sandbox.url, CREATE)[0]["target"]
        assert shown != {**shown, "name": "true name", "mimeType": "application/octet-stream"}

    def test_corrupted_download(self, sandbox, session):
        session.post(
            sandbox.url + "/upload/drive/v3/files?uploadType=media", data=b"\x00\x01\x02\x03", timeout=5
        ).raise_for_status()
        file_id = ledger(sandbox.url, CREATE)[0]["target"]
        fault(sandbox, "corrupt-data", operation="drive.files.download")
        data = session.get(f"{sandbox.url}/drive/v3/files/{file_id}?alt=media", timeout=5).content
        assert len(data) == 4
        assert data != b"\x00\x01\x02\x03"

    def test_etag_moves_by_itself(self, sandbox):
        service = drive_service(sandbox.url, "v2")
        file_id = service.files().insert(body={"title": "x"}).execute()["id"]
        before = service.files().get(fileId=file_id).execute()
        fault(sandbox, "etag-moves-by-itself", operation="drive.v2.files.get")
        after = service.files().get(fileId=file_id).execute()
        assert after["etag"] != before["etag"]
        assert after["version"] == before["version"]


def test_a_collaborator_edits_at_the_very_call(sandbox, session):
    file_id = create(session, sandbox, "mine").json()["id"]
    control(sandbox.url, "seed/drive", {"files": []})
    session.post(
        f"{sandbox.url}/drive/v3/files/{file_id}/permissions",
        json={"type": "user", "role": "writer", "emailAddress": "collaborator@example.com"},
        timeout=5,
    ).raise_for_status()
    edit = {"method": "PATCH", "path": f"/drive/v3/files/{file_id}", "body": {"name": "theirs"}}
    fault(sandbox, "hook:collaborator", operation="drive.files.get", requests=[edit])
    counted = control(sandbox.url, "requests")["total"]
    assert session.get(f"{sandbox.url}/drive/v3/files/{file_id}", timeout=5).json()["name"] == "theirs"
    shown = control(sandbox.url, "faults")["faults"][0]
    assert (shown["consumed"], shown["results"]) == (True, [200])
    assert control(sandbox.url, "requests")["total"] == counted + 1
    assert ledger(sandbox.url)[-1]["actor"] == "collaborator@example.com"


def test_every_kind_says_what_it_does(sandbox):
    assert control(sandbox.url, "health")["fault_kinds"] == KINDS
    assert all(len(text) > 15 for text in KINDS.values())


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("times", [0, "forever"])
def test_a_fault_may_last_from_then_on(sandbox, session, times):
    assert fault(sandbox, "status", "drive.about.get", status=503, nth=2, times=times)["times"] == "forever"
    ask = sandbox.url + "/drive/v3/about?fields=user"
    head = {"Authorization": f"Bearer {sandbox.connection()['google']['token']}"}
    assert [session.get(ask, headers=head).status_code for _ in range(4)] == [200, 503, 503, 503]


@pytest.mark.parametrize("body", ["not json", "", '"abc"', "[1]", "null"])
def test_a_fault_that_is_no_json_object_is_refused_in_json(sandbox, body):
    answer = requests.post(sandbox.url + "/_sandbox/faults", data=body, timeout=5)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]
