"""Content on its way into Drive: together with its metadata, or by a resumable session when it is large.

https://developers.google.com/workspace/drive/api/guides/manage-uploads
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from sheets_catalog.errors import Unavailable
from sheets_catalog.google.errors import SERVICE, error_from_answer
from sheets_catalog.google.transport import Answer, Request, Transport, operation_of

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_AT_ONCE = 5 * 1024 * 1024
"""Google wants at most 5 MB in one request with the metadata."""


def media_of(content: bytes, mime_type: str) -> Any:
    """The content as google-api-python-client takes it, in the form that fits its size."""
    from googleapiclient.http import MediaIoBaseUpload

    return MediaIoBaseUpload(BytesIO(content), mimetype=mime_type, resumable=len(content) > LARGEST_AT_ONCE)


def upload(transport: Transport, built: Any, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request built with `media_of`. A large one opens a session first and then sends all content to it.

    Nothing exists, or changes, before the last byte has arrived; a session left open is forgotten by Google. `headers`
    (a condition) go with both: the file may change while the content is under way.
    """
    if built.resumable is None:
        return transport.send(built, headers=headers)
    told = {"X-Upload-Content-Type": built.resumable.mimetype(), "X-Upload-Content-Length": str(len(content))}
    opened = transport.send(built, headers={**(headers or {}), **told})
    operation = operation_of(built)
    session = opened.headers.get("location", "")
    if not session:
        said = f"Google opened no upload for {operation}."
        raise Unavailable(said, applied=False, service=SERVICE, operation=operation, status=opened.status)
    kind = {"Content-Type": built.resumable.mimetype()}
    answer = transport.exchange(Request(operation, "PUT", session, {**(headers or {}), **kind}, content))
    if answer.status in {404, 410}:  # the session, not the file
        said = f"Google forgot the upload for {operation} before it was complete."
        raise Unavailable(said, service=SERVICE, operation=operation, status=answer.status)
    if not 200 <= answer.status < 300:
        raise error_from_answer(answer.status, answer.headers, answer.body, operation=operation)
    return answer
