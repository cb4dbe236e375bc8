"""The real client libraries, pointed at a sandbox: what the tests of the sandbox talk through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gspread
import pytest
import requests
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.http import build_http
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httplib2

TOKEN = "sandbox-token"
_OPEN: list[Any] = []
GOOGLE_HOSTS = (
    "https://sheets.googleapis.com/",
    "https://www.googleapis.com/",
    "https://iamcredentials.googleapis.com/",
)


@pytest.fixture(autouse=True)
def close_clients() -> Iterator[None]:
    """Close every client that a test opened; import it into each module that uses this one."""
    yield
    while _OPEN:
        _OPEN.pop().close()


class ToSandbox(HTTPAdapter):
    """Sends what is meant for Google's hosts to the sandbox; never retries."""

    def __init__(self, url: str) -> None:
        super().__init__(max_retries=0)
        self.url = url

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        assert request.url is not None
        for host in GOOGLE_HOSTS:
            if request.url.startswith(host):
                request.url = self.url + "/" + request.url[len(host) :]
        return super().send(request, **options)


def plain_session(url: str = "", token: str = TOKEN) -> requests.Session:
    """A requests session with a bearer token; knows the way to the sandbox when a Google host is asked for."""
    session = requests.Session()
    _OPEN.append(session)
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {token}"
    if url:
        for host in GOOGLE_HOSTS:
            session.mount(host, ToSandbox(url))
    return session


class BearerHttp:
    """An httplib2 transport that adds a token, as `google_auth_httplib2.AuthorizedHttp` does."""

    def __init__(self, token: str = TOKEN) -> None:
        self.http: httplib2.Http = build_http()
        self.token = token
        _OPEN.append(self)

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **rest: Any) -> Any:
        return self.http.request(
            uri, method, body, {**(headers or {}), "Authorization": f"Bearer {self.token}"}, **rest
        )

    def close(self) -> None:
        self.http.close()


def drive_service(url: str, version: str = "v3", token: str = TOKEN) -> Any:
    """google-api-python-client's Drive, whose every address (batch and upload too) is on the sandbox."""
    document = json.loads(get_static_doc("drive", version))
    document["rootUrl"] = url + "/"
    document.pop("mtlsRootUrl", None)
    return build_from_document(document, http=BearerHttp(token))


def gspread_client(url: str, token: str = TOKEN) -> gspread.Client:
    """gspread over a session that leads to the sandbox."""
    client = gspread.Client(auth=None, session=plain_session(url, token))
    client.set_timeout((3.05, 10))
    return client


def control(url: str, path: str, body: Any = None, method: str = "") -> Any:
    """A call of the control endpoints; fails the test on an error answer."""
    answer = requests.request(
        method or ("GET" if body is None else "POST"), f"{url}/_sandbox/{path}", json=body, timeout=10
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ledger(url: str, operation: str = "") -> list[dict[str, Any]]:
    """Applied effects, optionally only those of one operation."""
    lines = control(url, "ledger")["ledger"]
    return [line for line in lines if not operation or line["operation"] == operation]


def reason(error: Any) -> tuple[int, str]:
    """Status and machine-readable reason of a googleapiclient HttpError."""
    body = json.loads(error.content)["error"]
    return error.status_code, body["errors"][0]["reason"]
