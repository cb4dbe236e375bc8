"""The batch endpoint: up to 100 calls in one multipart/mixed request, each counted, charged and faulted on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from werkzeug.test import EnvironBuilder

from sheets_catalog.sandbox.drive import multipart
from sheets_catalog.sandbox.wire import ANONYMOUS, JSON, Caller, GoogleError, Request, Response, Rule

MOST: Final = 100
Answer = Callable[[Request], Response]


class Batch:
    """`/batch/drive/v3` (and v2): unlocked, as its parts go through the gateway one by one."""

    name = "batch"
    locked = False

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def rules(self) -> Sequence[Rule]:
        return [
            Rule(path, methods=["POST"], endpoint="drive.batch")
            for path in ("/batch", "/batch/drive/v3", "/batch/drive/v2")
        ]

    def caller(self, request: Request) -> Caller:
        """Nobody: every part brings its own token, or takes the outer one."""
        return ANONYMOUS

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        parts = multipart.split(request.content_type or "", request.get_data())
        if len(parts) > MOST:
            raise GoogleError(
                400, f"The batch request has {len(parts)} calls; the limit is {MOST}.", reason="badRequest"
            )
        answers = []
        for part in parts:
            response = self._answer(_inner(part.data, request))
            headers = {"Content-Type": "application/http"}
            if "content-id" in part.headers:
                headers["Content-ID"] = _answer_id(part.headers["content-id"])
            answers.append((headers, _as_bytes(response)))
        boundary = "batch_sandbox"
        content_type = f"multipart/mixed; boundary={boundary}"
        return Response(multipart.join(answers, boundary), content_type=content_type)

    def dump(self) -> JSON:
        return {}

    def load(self, state: JSON) -> None:
        """Nothing of its own is kept."""


def _answer_id(content_id: str) -> str:
    return content_id.replace("<", "<response-", 1) if content_id.startswith("<") else f"response-{content_id}"


def _inner(data: bytes, outer: Request) -> Request:
    """The HTTP request inside a part."""
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.decode("utf-8", "replace").split("\n")
    try:
        method, target, _ = [*first.split(" "), "HTTP/1.1"][:3]
    except ValueError as error:
        raise GoogleError(400, "Failed to parse batch request.", reason="badRequest") from error
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    # The boundary ends a part: its content-length counts characters, not bytes.
    kept = {name: value for name, value in headers.items() if name.lower() not in {"content-length", "host"}}
    if not any(name.lower() == "authorization" for name in kept) and "Authorization" in outer.headers:
        kept["Authorization"] = outer.headers["Authorization"]
    parsed = urlsplit(target)
    builder = EnvironBuilder(
        path=parsed.path,
        query_string=parsed.query,
        method=method,
        headers=list(kept.items()),
        data=body.rstrip(b"\n") or None,
    )
    environ = builder.get_environ()
    environ["RAW_URI"] = target if target.startswith("/") else f"{parsed.path}?{parsed.query}"
    environ["REMOTE_ADDR"] = outer.remote_addr or ""
    return Request(environ)


def _as_bytes(response: Response) -> bytes:
    data = response.get_data()
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data
