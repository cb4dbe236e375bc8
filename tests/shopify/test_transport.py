"""The transport: to the right place, once, with timeouts, without telling the token."""

from __future__ import annotations

import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sheets_catalog.errors import (
    CredentialsError,
    NotFound,
    PermissionMissing,
    Refused,
    SettingsError,
    Throttled,
    Unavailable,
)
from sheets_catalog.shopify import Catalogue, ClientCredentials, Shop, StaticToken
from sheets_catalog.shopify.documents import Document, load
from sheets_catalog.shopify.transport import MOST_BYTES, loopback, shop_domain

GRANTS = "shopify.accessToken"


@pytest.mark.parametrize("domain", ["my-shop.myshopify.com", " My-Shop.MyShopify.com ", "0.myshopify.com"])
def test_shop_domains(domain):
    assert shop_domain(domain) == domain.strip().lower()


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "my-shop",
        "my-shop.com",
        "my-shop.myshopify.com.evil.example",
        "evil.example/my-shop.myshopify.com",
        "a@b.myshopify.com",
        "-a.myshopify.com",
        "a.b.myshopify.com",
        "shop.myshopify.com\n.evil",
        "мой.myshopify.com",
        "https://my-shop.myshopify.com",
    ],
)
def test_look_alikes_are_refused(domain):
    with pytest.raises(SettingsError, match="permanent name"):
        shop_domain(domain)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80/path", "https://127.9.9.9"]
)
def test_addresses_on_this_machine(url):
    assert loopback(url).startswith("http")


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.0.1",
        "http://example.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "http://user:pass@127.0.0.1",
        "http://0.0.0.0",
    ],
)
def test_a_token_is_never_sent_to_another_machine(url):
    with pytest.raises(SettingsError, match="on this machine"):
        loopback(url)


def test_tokens_are_not_shown(clock):
    for secret in (StaticToken("shpat_secret"), ClientCredentials("id", "shpss_secret", clock)):
        assert "secret" not in repr(secret)
    assert "secret" not in repr(Shop("a.myshopify.com", StaticToken("shpat_secret"), clock=clock))


def test_an_empty_token_is_refused_at_once():
    with pytest.raises(CredentialsError, match="empty"):
        StaticToken("  ")


def test_a_wrong_token(connect):
    with pytest.raises(CredentialsError, match="does not accept the credentials") as caught:
        Catalogue(connect(StaticToken("shpat_wrong"))).shop_info()
    assert caught.value.advice
    assert "shpat_wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(402, PermissionMissing), (403, PermissionMissing), (404, NotFound), (423, Refused)]
)
def test_a_shop_that_is_closed(catalogue, control, status, kind):
    control.merchant("close_shop", status=status)
    try:
        with pytest.raises(kind):
            catalogue.shop_info()
    finally:
        control.merchant("close_shop", status=0)


def credentials(sandbox, clock):
    given = sandbox.connection()["shopify"]
    return ClientCredentials(given["client_id"], given["client_secret"], clock)


def operations(control):
    return [each["operation"] for each in control.requests()]


def test_client_credentials_are_asked_for_once_by_many_threads(connect, sandbox, control, clock):
    catalogue = Catalogue(connect(credentials(sandbox, clock)))
    with ThreadPoolExecutor(8) as pool:
        names = {future.result().name for future in [pool.submit(catalogue.shop_info) for _ in range(16)]}
    assert names == {"Demo Shop"}
    assert operations(control).count(GRANTS) == 1


def test_a_token_that_was_revoked_is_renewed_once_and_the_request_done(connect, sandbox, control, clock):
    source = credentials(sandbox, clock)
    catalogue = Catalogue(connect(source))
    catalogue.shop_info()
    control.merchant("revoke_token", token=source._token)
    control.forget()
    assert catalogue.shop_info().name == "Demo Shop"
    assert [each["operation"] for each in control.requests()].count(GRANTS) == 1


def test_wrong_client_credentials_are_told(connect, clock):
    with pytest.raises(CredentialsError, match="gave no access token"):
        Catalogue(connect(ClientCredentials("id", "wrong", clock))).shop_info()


def test_a_version_that_is_not_there(connect):
    with pytest.raises(NotFound):
        Catalogue(connect(api_version="2020-01")).shop_info()


def test_http_429_tells_when_to_come_back(catalogue, control):
    control.fault("*", "rate-limit", retry_after="2.0")
    with pytest.raises(Throttled) as caught:
        catalogue.shop_info()
    assert caught.value.retry_after == 2.0


@pytest.mark.parametrize(
    "kind", ["reset", "fin", "blank-status-line", "html-429", "garbled-body", "empty-body", "unauthorized"]
)
def test_nothing_is_ever_sent_twice(catalogue, control, kind):
    control.fault("*", kind, times="forever")
    with pytest.raises((Unavailable, Throttled, CredentialsError)):
        catalogue.shop_info()
    assert len(control.requests()) == 1
    assert control.faults()[0]["hits"]


def test_a_stall_ends_with_the_timeout(connect, control):
    shop = connect()
    shop._timeout = (1.0, 0.3)
    control.fault("*", "stall", seconds=10_000_000)
    with pytest.raises(Unavailable) as caught:
        Catalogue(shop).shop_info()
    assert (caught.value.reason, caught.value.applied) == ("timeout", None)


def test_nobody_there_surely_changed_nothing(clock):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    shop = Shop("a.myshopify.com", StaticToken("t"), clock=clock, base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(Unavailable) as caught:
        Catalogue(shop).shop_info()
    assert caught.value.applied is False


class Answering:
    """A server that gives the same bytes to every request: for answers that no sandbox gives."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65536))
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def answering(clock):
    servers = []

    def make(answer: bytes, **more) -> tuple[Answering, Shop]:
        servers.append(Answering(answer))
        return servers[-1], Shop(
            "a.myshopify.com", StaticToken("secret"), clock=clock, base_url=servers[-1].url, **more
        )

    yield make
    for server in servers:
        server.close()


def body(text: bytes, *headers: bytes) -> bytes:
    head = [
        b"HTTP/1.1 200 OK",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(text),
        b"Connection: close",
        *headers,
    ]
    return b"\r\n".join([*head, b"", text])


def test_a_redirect_is_not_followed(answering):
    other, _ = answering(body(b"{}"))
    server, shop = answering(
        b"HTTP/1.1 301 Moved\r\nLocation: %s/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % other.url.encode()
    )
    with pytest.raises(Refused, match="another address"):
        shop.execute(load("shop"), {}, safety="read")
    assert (len(server.requests), len(other.requests)) == (1, 0)


def test_proxies_of_the_environment_are_not_used(answering, monkeypatch):
    proxy, _ = answering(body(b"{}"))
    server, shop = answering(body(b'{"data":{"shop":null}}'))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    assert shop.execute(load("shop"), {}, safety="read").data == {"shop": None}
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_an_older_version_in_the_answer_is_noticed_once(answering, caplog):
    _, shop = answering(body(b'{"data":{"shop":null}}', b"X-Shopify-API-Version: 2026-07", b"X-Request-Id: r-1"))
    with caplog.at_level(logging.WARNING):
        answers = [shop.execute(load("shop"), {}, safety="read") for _ in range(2)]
    assert [answer.version for answer in answers] == ["2026-07"] * 2
    assert answers[0].request_id == "r-1"
    assert len([each for each in caplog.records if "2026-07" in each.message]) == 1


def test_the_request_id_is_in_the_message(answering):
    _, shop = answering(
        body(
            b'{"errors":[{"message":"Internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}',
            b"X-Request-Id: r-7",
        )
    )
    with pytest.raises(Unavailable, match="r-7"):
        shop.execute(load("shop"), {}, safety="once")


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"<html>", b'{"data":', b"\xff\xfe", b'{"data":{"a":NaN}}'])
def test_200_without_a_readable_answer_is_unknown(answering, text):
    _, shop = answering(body(text))
    with pytest.raises(Unavailable) as caught:
        shop.execute(load("shop"), {}, safety="once")
    assert caught.value.applied is None


def test_a_request_that_is_too_large_is_not_sent(answering):
    server, shop = answering(body(b"{}"))
    with pytest.raises(Refused, match="bytes"):
        shop.execute(Document("big", "mutation"), {"x": "y" * MOST_BYTES}, safety="once")
    assert server.requests == []


def test_calls_go_through_the_wrapper_with_their_safety_and_name(answering):
    seen = []

    def around(safety, service, operation, send):
        seen.append((safety, service, operation))
        return send()

    _, shop = answering(body(b'{"data":{"shop":null}}'), around=around)
    shop.execute(load("shop"), {}, safety="read")
    assert seen == [("read", "shopify", "shopify.shop")]
