"""The transport: sent once, waits have an end, threads do not meet."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload
from requests.adapters import HTTPAdapter

from sheets_catalog import errors
from sheets_catalog.google.credentials import credentials_from
from sheets_catalog.google.drive import Drive
from sheets_catalog.google.transport import IDLE_LIMIT, LONGEST_URL, Request, Timeouts, Transport, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

BREAKS = [
    pytest.param({"kind": kind, "when": when}, id=f"{kind} {when}")
    for kind in ("fin", "reset", "blank-status-line", "half-body", "garbled-body", "empty-body")
    for when in ("before", "after")
] + [
    pytest.param({"kind": "status", "status": code, "when": when}, id=f"{code} {when}")
    for code in (500, 502, 503, 504, 408)
    for when in ("before", "after")
]


def create(transport: Transport, name: str):
    return transport.service("drive", "v3").files().create(body={"name": name}, fields="id")


@pytest.mark.parametrize("fault", BREAKS)
def test_a_post_is_sent_once_whatever_breaks(transport, control, fault) -> None:
    Drive(transport).about()  # from here on the connection is an old one, as in a long run
    control.fault("drive.files.create", **fault)
    applied = len(control.effects())
    with pytest.raises(errors.Unavailable) as caught:
        transport.send(create(transport, "once")).decoded(dict)
    assert caught.value.applied is None
    assert len(control.requests("drive.files.create")) == 1
    assert len(control.effects()) - applied == (1 if fault["when"] == "after" else 0)


@pytest.mark.parametrize("fault", BREAKS)
def test_googles_own_client_sends_a_post_once_over_our_transport(transport, control, fault) -> None:
    Drive(transport).about()
    control.fault("drive.files.create", **fault)
    with contextlib.suppress(errors.Unavailable, HttpError, json.JSONDecodeError, UnicodeDecodeError):
        create(transport, "once").execute()
    assert len(control.requests("drive.files.create")) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stall_ends_with_the_read_timeout(connect, control, when) -> None:
    transport = connect(timeouts=Timeouts(connect=1.0, read=0.3, total=2.0))
    control.fault("drive.files.create", "stall", when, seconds=20_000)
    start = time.monotonic()
    with pytest.raises(errors.Unavailable) as caught:
        transport.send(create(transport, "slow"))
    assert caught.value.applied is None
    assert time.monotonic() - start < 1.5
    assert len(control.requests("drive.files.create")) == 1


def test_an_answer_that_drips_ends_with_the_total_timeout(connect, control) -> None:
    transport = connect(timeouts=Timeouts(connect=1.0, read=5.0, total=0.5))
    drive = Drive(connect())
    (file_id,) = drive.generate_ids(1)
    drive.create_file(file_id, "slow.bin", b"x" * 200_000, "application/octet-stream")
    control.fault("drive.files.download", "slow-body", "after", seconds=6_000)
    start = time.monotonic()
    with pytest.raises(errors.Unavailable):
        Drive(transport).read(file_id)
    assert time.monotonic() - start < 3.0


@pytest.mark.parametrize("bad", [None, 0, -1, float("inf"), float("nan"), "5"])
@pytest.mark.parametrize("name", ["connect", "read", "total"])
def test_no_timeout_can_be_endless(name, bad) -> None:
    with pytest.raises(errors.SettingsError, match=name):
        Timeouts(**{name: bad})


def test_every_exchange_has_timeouts_no_retries_and_no_redirects(connect, control, monkeypatch) -> None:
    google = control.sandbox.connection()["google"]
    info = {name: google[name] for name in ("client_id", "client_secret", "refresh_token", "token_uri")}
    seen = []
    plain = HTTPAdapter.send

    def send(self, request, **named):
        seen.append((named["timeout"], self.max_retries.total, dict(named.get("proxies") or {})))
        return plain(self, request, **named)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    transport = connect(authorized_user_info=info)
    Drive(transport).about()
    transport.service("drive", "v3").about().get(fields="user").execute()
    assert len(seen) == 3  # one token, two calls
    assert all(retries == 0 and not proxies for _, retries, proxies in seen)
    assert all(timeout and None not in timeout for timeout, _, _ in seen)


def test_refused_and_unknown_hosts_were_never_reached() -> None:
    for root in ("http://127.0.0.1:9", "https://no-such-host.invalid"):
        with Transport(credentials_from({"access_token": "x"}), root_url=root) as transport:
            with pytest.raises(errors.Unavailable) as caught:
                transport.send(create(transport, "never"))
            assert caught.value.applied is False
            assert "was not sent" in caught.value.message


def test_a_post_turned_away_for_its_token_is_sent_again_with_a_new_one(connect, control) -> None:
    google = control.sandbox.connection()["google"]
    info = {name: google[name] for name in ("client_id", "client_secret", "refresh_token", "token_uri")}
    transport = connect(authorized_user_info=info)
    Drive(transport).about()
    control.fault("drive.files.create", "unauthorized")
    applied = len(control.effects())
    transport.send(create(transport, "second try"))
    assert [each["status"] for each in control.requests("drive.files.create")] == [401, 200]
    assert len(control.effects()) - applied == 1
    control.fault("drive.files.create", "unauthorized", times=2)
    with pytest.raises(errors.CredentialsError):
        transport.send(create(transport, "never"))
    assert len(control.requests("drive.files.create")) == 4


def test_the_token_goes_nowhere_else() -> None:
    real = Transport(credentials_from({"access_token": "x"}))
    local = Transport(credentials_from({"access_token": "x"}), root_url="http://127.0.0.1:9")
    for transport, url in (
        (real, "https://example.com/drive/v3/files"),
        (real, "http://www.googleapis.com/drive/v3/files"),
        (real, "https://googleapis.com.example.com/"),
        (real, "https://evilgoogleapis.com/"),
        (local, "http://127.0.0.1:90/drive"),
        (local, "http://127.0.0.1:9.example.com/"),
        (local, "https://www.googleapis.com/drive/v3/files"),
    ):
        with pytest.raises(errors.SettingsError, match="token"):
            transport.exchange(Request("drive.files.list", "GET", url))
    for root in ("http://example.com", "ftp://127.0.0.1", "http://127.0.0.1.example.com"):
        with pytest.raises(errors.SettingsError, match="root_url"):
            Transport(credentials_from({"access_token": "x"}), root_url=root)


def test_without_a_root_the_addresses_are_googles() -> None:
    transport = Transport(credentials_from({"access_token": "x"}))
    assert (
        transport.service("drive", "v3").files().get(fileId="a").uri.startswith("https://www.googleapis.com/drive/v3/")
    )
    assert (
        transport.service("drive", "v2").files().get(fileId="a").uri.startswith("https://www.googleapis.com/drive/v2/")
    )
    sheets = transport.service("sheets", "v4").spreadsheets().get(spreadsheetId="a")
    assert sheets.uri.startswith("https://sheets.googleapis.com/v4/")


@contextlib.contextmanager
def answering(answer) -> Iterator[str]:
    """A small server for what the sandbox does not do; `answer(handler)` answers each GET."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    seen = []

    def answer(handler) -> None:
        seen.append((handler.path, handler.headers.get("Cookie")))
        handler.send_response(302)
        for name, value in (("Location", "/elsewhere"), ("Set-Cookie", "tracking=1"), ("Content-Length", "0")):
            handler.send_header(name, value)
        handler.end_headers()

    with answering(answer) as root, Transport(credentials_from({"access_token": "x"}), root_url=root) as transport:
        for _ in range(2):
            with pytest.raises(errors.Unavailable):
                transport.send(transport.service("drive", "v3").files().get(fileId="a"))
    assert [path.partition("?")[0] for path, _ in seen] == ["/drive/v3/files/a"] * 2
    assert [cookie for _, cookie in seen] == [None, None]


@pytest.mark.parametrize("size", [0, 1, 1000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_compressed_answers_come_out_whole(size, chunked) -> None:
    content = json.dumps({"name": "gr\u00fc\u00dfe " * (size // 7)}, ensure_ascii=False).encode()

    def answer(handler) -> None:
        assert "gzip" in handler.headers["Accept-Encoding"]
        body = gzip.compress(content)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        handler.end_headers()
        for start in range(0, len(body), 700):
            piece = body[start : start + 700]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        handler.wfile.write(b"0\r\n\r\n" if chunked else b"")

    with answering(answer) as root, Transport(credentials_from({"access_token": "x"}), root_url=root) as transport:
        for _ in range(2):  # the connection is good for another one
            built = transport.service("drive", "v3").files().get(fileId="a", fields="name")
            assert transport.send(built).body == content
            assert built.execute() == json.loads(content)


def test_a_chunked_answer_that_breaks_off_is_no_answer() -> None:
    def answer(handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"2\r\n{}\r\n")  # valid JSON, but the end is missing
        handler.close_connection = True

    with answering(answer) as root, Transport(credentials_from({"access_token": "x"}), root_url=root) as transport:
        with pytest.raises(errors.Unavailable) as caught:
            transport.send(transport.service("drive", "v3").files().get(fileId="a"))
        assert caught.value.applied is None


def test_eight_threads_of_sixty_calls_get_their_own_answers(transport, control) -> None:
    drive = Drive(transport)
    ids = drive.generate_ids(480)

    def work(thread: int) -> list[bool]:
        right = []
        for number in range(thread * 60, thread * 60 + 60):
            name, content = f"file {number}", f"content {number}".encode() * (1 + number % 7)
            if number % 3 == 0:
                drive.create_file(ids[number], name, content, "text/plain", app_properties={"n": str(number)})
                right.append(drive.read(ids[number]) == content)
            elif number % 3 == 1:
                made = drive.create_folder(ids[number], name)
                right.append((made.id, made.name) == (ids[number], name))
            else:
                with pytest.raises(errors.NotFound) as caught:
                    drive.get(ids[number])
                right.append(ids[number] in caught.value.message)
        return right

    with ThreadPoolExecutor(8) as pool:
        results = [each for part in pool.map(work, range(8)) for each in part]
    assert results == [True] * 480
    statuses = [each["status"] for each in control.requests()]
    assert len(statuses) == 1 + 480 + 160
    assert set(statuses) == {200, 404}


def test_connections_that_lay_idle_are_not_used_again(transport, sandbox) -> None:
    drive = Drive(transport)
    drive.about()
    (adapter,) = {transport._session.get_adapter(transport.root_url)}
    (pool,) = [adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys()]  # noqa: SIM118 - urllib3 forbids to iterate
    drive.about()
    assert pool.num_connections == 1
    transport._idle_since -= IDLE_LIMIT + 1
    drive.about()
    (after,) = [adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys()]  # noqa: SIM118 - urllib3 forbids to iterate
    assert after is not pool
    assert after.num_connections == 1


def test_only_a_get_with_a_long_address_changes_its_form() -> None:
    short = Request("x", "GET", "http://h/p?" + "q" * (LONGEST_URL - 11))
    long = Request("x", "GET", "http://h/p?" + "q" * (LONGEST_URL - 10), {"accept": "a"})
    assert shortened(short) is short
    assert shortened(long) == Request(
        "x",
        "POST",
        "http://h/p",
        {"accept": "a", "X-HTTP-Method-Override": "GET", "Content-Type": "application/x-www-form-urlencoded"},
        b"q" * (LONGEST_URL - 10),
    )
    delete = Request("x", "DELETE", long.url)
    assert shortened(delete) is delete


def test_a_long_search_works(transport, control) -> None:
    drive = Drive(transport)
    (file_id,) = drive.generate_ids(1)
    name = "ä long 'name' " * 20
    drive.create_folder(file_id, name)
    control.settle()
    found = drive.list(
        " or ".join([f"name = 'no {n}'" for n in range(200)] + ["name = '" + name.replace("'", "\\'") + "'"])
    )
    assert [each.id for each in found] == [file_id]
    (entry,) = control.requests("drive.files.list")
    assert entry["method"] == "POST"


def test_googles_client_uploads_in_parts_and_in_batches_over_our_transport(transport, control) -> None:
    service = transport.service("drive", "v3")
    content = bytes(range(256)) * 2344
    media = MediaIoBaseUpload(BytesIO(content), "application/octet-stream", 256 * 1024, resumable=True)
    request = service.files().create(body={"name": "large.bin"}, media_body=media, fields="id")
    done = None
    while done is None:
        _, done = request.next_chunk()
    assert Drive(transport).read(done["id"]) == content
    answers = {}
    batch = service.new_batch_http_request(callback=lambda key, answer, error: answers.update({key: answer or error}))
    batch.add(service.files().get(fileId=done["id"], fields="name"), request_id="good")
    batch.add(service.files().get(fileId="nothing-of-that-name", fields="name"), request_id="bad")
    batch.execute()
    assert answers["good"] == {"name": "large.bin"}
    assert answers["bad"].status_code == 404
