"""Uploads: simple (`media`), `multipart` and `resumable`, of both API versions.

https://developers.google.com/workspace/drive/api/guides/manage-uploads. A resumable session is started by a POST or
PATCH whose answer carries `Location`; chunks come as PUTs with `Content-Range` and are answered 308 with `Range` until
the last one. Chunks other than the last must be multiples of 256 KiB.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import multipart, problems, v2, writing
from sheets_catalog.sandbox.drive.ask import WRITE, Ask
from sheets_catalog.sandbox.drive.files import OCTETS, Content, File
from sheets_catalog.sandbox.wire import JSON, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

CHUNK: Final = 256 * 1024
SESSION_LIFE: Final = 7 * 86_400.0


@dataclass
class Session:
    """A resumable upload on its way."""

    file_id: str
    """"" for a new file."""
    metadata: dict[str, Any]
    content_type: str
    length: int | None
    email: str
    started: float
    received: bytearray = field(default_factory=bytearray)
    answer: JSON = None
    """The file, once complete: a repeated last chunk gets it again."""


class Uploads:
    """Resumable sessions of one sandbox. They do not outlive it."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def upload(self, ask: Ask, args: Mapping[str, str]) -> JSON | Response:
        """Any request to an upload address."""
        if "upload_id" in ask.params:
            return self._continue(ask)
        ask.scopes(WRITE)
        kind = ask.params.get("uploadType", "")
        file_id = args.get("fileId", "")
        if kind == "media":
            return _finish(ask, file_id, {}, ask.request.get_data(), ask.request.content_type or OCTETS)
        if kind == "multipart":
            metadata, data, content_type = _parts(ask)
            return _finish(ask, file_id, metadata, data, content_type)
        if kind == "resumable":
            return self._start(ask, file_id)
        raise problems.bad_request(f"Invalid upload type: {kind!r}", "badRequest")

    def _start(self, ask: Ask, file_id: str) -> Response:
        if file_id:
            ask.find(file_id)
        headers, data = ask.request.headers, ask.request.get_data()
        length = headers.get("X-Upload-Content-Length")
        token = ask.store.world.token(80)
        self._sessions[token] = Session(
            file_id,
            _metadata(data),
            headers.get("X-Upload-Content-Type", OCTETS),
            int(length) if length is not None else None,
            ask.caller.email,
            ask.store.world.clock.seconds(),
        )
        kept = "&".join(f"{name}={value}" for name, value in ask.params.items() if name != "upload_id")
        base = ask.store.world.base_url
        location = f"{base}{ask.request.path}?{kept}&upload_id={token}"
        return Response(b"", headers={"Location": location, "X-GUploader-UploadID": token, "Content-Length": "0"})

    def _continue(self, ask: Ask) -> JSON | Response:
        token = ask.params["upload_id"]
        session = self._sessions.get(token)
        if session is None or ask.store.world.clock.seconds() - session.started > SESSION_LIFE:
            return Response("Not Found", status=404, content_type="text/plain")
        if ask.request.method == "DELETE":
            del self._sessions[token]
            return Response(b"", status=499)
        if session.answer is not None:
            return json_response(session.answer)
        problem = self._take(session, ask)
        if problem is not None:
            return problem
        if session.length is None or len(session.received) < session.length:
            return _incomplete(session)
        metadata, data = session.metadata, bytes(session.received)
        session.answer = _finish(ask, session.file_id, metadata, data, session.content_type)
        session.received.clear()
        return json_response(session.answer)

    def _take(self, session: Session, ask: Ask) -> Response | None:
        """Add the chunk; an answer if that is not the end of it."""
        data = ask.request.get_data()
        header = ask.request.headers.get("Content-Range", "")
        if not header:
            session.received[:] = data
            session.length = len(data)
            return None
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", header.strip())
        if match is None:
            return _bad(f"Failed to parse Content-Range header {header!r}.")
        if match[3] != "*":
            session.length = int(match[3])
        if match[1] is None:
            return None  # a question for the state
        start, end = int(match[1]), int(match[2])
        if end - start + 1 != len(data):
            return _bad("Content-Range does not match the number of bytes sent.")
        last = session.length is not None and end + 1 == session.length
        if len(data) % CHUNK and not last:
            return _bad("Chunks must be multiples of 262144 bytes.")
        if start > len(session.received):
            return _incomplete(session)  # a gap: the client is told where to go on
        session.received[start:] = data
        return None


def _incomplete(session: Session) -> Response:
    answer = Response(b"", status="308 Resume Incomplete", headers={"Content-Length": "0"})
    if session.received:
        answer.headers["Range"] = f"bytes=0-{len(session.received) - 1}"
    return answer


def _bad(message: str) -> Response:
    return Response(message, status=400, content_type="text/plain")


def _finish(ask: Ask, file_id: str, metadata: Mapping[str, Any], data: bytes, content_type: str) -> JSON:
    """Create or update with the content that has arrived."""
    content = Content(data)
    mime_type = content_type.split(";", 1)[0].strip()
    if ask.version == "v2":
        return v2.uploaded(ask, file_id, metadata, content, mime_type)
    if not file_id:
        return ask.show(writing.create(ask, metadata, content, mime_type))
    file: File = ask.find(file_id)
    return ask.show(writing.update(ask, file, metadata, content, mime_type))


def _metadata(data: bytes) -> dict[str, Any]:
    if not data.strip():
        return {}
    try:
        value = json.loads(data)
    except ValueError as error:
        raise problems.bad_request("Parse Error", "parseError") from error
    if not isinstance(value, dict):
        raise problems.bad_request("Parse Error", "parseError")
    return value


def _parts(ask: Ask) -> tuple[dict[str, Any], bytes, str]:
    """Metadata, content and content type of a multipart/related body."""
    parts = multipart.split(ask.request.content_type or "", ask.request.get_data())
    if len(parts) != 2:
        raise problems.bad_request("A multipart upload has two parts: metadata and content.", "badContent")
    first, second = parts
    return _metadata(first.data), second.data, second.headers.get("content-type", OCTETS)
