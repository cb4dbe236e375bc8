"""Several reads in one HTTP request: Drive's batch endpoint.

https://developers.google.com/workspace/drive/api/guides/performance#batch-requests: at most 100 calls, each counted
against the quota, answered one by one as parts of ``multipart/mixed``, in any order. For reads only: whether a write
in a batch whose answer is lost was applied cannot be told apart call by call.
"""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict

from sheets_catalog.errors import NotFound, Unavailable
from sheets_catalog.google.errors import SERVICE, error_from_answer
from sheets_catalog.google.transport import Answer, Request, Transport, operation_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_IN_BATCH = 100
OPERATION = "drive.batch"
_BOUNDARY = "sheets-catalog-part"
_GOOGLE = "https://www.googleapis.com"


def exchange(transport: Transport, built: Sequence[Any]) -> list[Answer | NotFound]:
    """The answers to these built GET requests, in their order; `NotFound` as a value, any other error is raised."""
    body = request_body([each.uri for each in built])
    headers = {"Content-Type": f"multipart/mixed; boundary={_BOUNDARY}", "Accept": "multipart/mixed"}
    url = f"{transport.root_url or _GOOGLE}/batch/drive/v3"
    answer = transport.exchange(Request(OPERATION, "POST", url, headers, body))
    if not 200 <= answer.status < 300:
        raise error_from_answer(answer.status, answer.headers, answer.body, operation=OPERATION)
    parts = parts_of(answer)
    missing = [number for number in range(len(built)) if number not in parts]
    if missing:
        raise _incomplete(f"{len(missing)} of {len(built)} answers missing")
    return [_judged(parts[number], operation_of(each)) for number, each in enumerate(built)]


def request_body(urls: Sequence[str]) -> bytes:
    """GET requests as one ``multipart/mixed`` body; the number of each is its Content-ID."""
    lines: list[str] = []
    for number, url in enumerate(urls):
        address = urlsplit(url)
        lines += [f"--{_BOUNDARY}", "Content-Type: application/http", f"Content-ID: <{number}>", ""]
        lines += [f"GET {address.path}?{address.query} HTTP/1.1", "Accept: application/json", "", ""]
    return "\r\n".join([*lines, f"--{_BOUNDARY}--", ""]).encode()


def parts_of(answer: Answer) -> Mapping[int, Answer]:
    """The answers inside a batch's answer, by number. Raises `Unavailable` for one that cannot be read."""
    head = f"Content-Type: {answer.headers.get('content-type', '')}\r\n\r\n".encode()
    whole = BytesParser(policy=HTTP).parsebytes(head + answer.body)
    if not whole.is_multipart():
        raise _incomplete("something that is not a batch of answers")
    found: dict[int, Answer] = {}
    for part in whole.iter_parts():
        number = str(part.get("Content-ID", "")).strip("<>").removeprefix("response-")
        content = part.get_payload(decode=True)
        if number.isdigit() and isinstance(content, bytes):
            found[int(number)] = _inner(content)
    return found


def _inner(content: bytes) -> Answer:
    first, _, rest = content.partition(b"\r\n")
    words = first.split()
    if len(words) < 2 or not words[1].isdigit():
        raise _incomplete("a part without a status")
    head, _, body = rest.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n"))
    headers = CaseInsensitiveDict({name.strip(): value.strip() for name, _, value in lines if name})
    return Answer(int(words[1]), headers, body, OPERATION)


def _judged(answer: Answer, operation: str) -> Answer | NotFound:
    if 200 <= answer.status < 300:
        return answer
    error = error_from_answer(answer.status, answer.headers, answer.body, operation=operation)
    if isinstance(error, NotFound):
        return error
    raise error


def _incomplete(found: str) -> Unavailable:
    return Unavailable(f"Google answered {OPERATION} with {found}.", service=SERVICE, operation=OPERATION, status=200)
