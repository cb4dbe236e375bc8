"""Drive v3: files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sheets_catalog.sandbox.drive import problems, writing
from sheets_catalog.sandbox.drive.ask import ANY, CONTENT, WRITE, Ask
from sheets_catalog.sandbox.drive.capabilities import can_copy, exportable
from sheets_catalog.sandbox.drive.fields import Mask, apply
from sheets_catalog.sandbox.drive.listing import Pages, list_files
from sheets_catalog.sandbox.drive.show import DEFAULT_FIELDS, EXPORTS, View
from sheets_catalog.sandbox.wire import JSON, Response, fault_of, not_supported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.drive.files import File

EXPORT_BYTES: Final = 10 * 10**6
PIECE: Final = 256 * 1024


def files_get(ask: Ask, args: Mapping[str, str]) -> JSON | Response:
    """Metadata, or with `alt=media` the bytes."""
    if ask.params.get("alt") == "media":
        return download(ask, ask.find(args["fileId"]))
    ask.scopes(ANY)
    file = ask.find(args["fileId"])
    earlier = ask.store.before_last_change(file.id)
    if earlier is not None and fault_of(ask.request, "stale-read") is not None:
        file = earlier
    return ask.show(file)


def files_list(ask: Ask, args: Mapping[str, str], pages: Pages) -> JSON:
    """One page of a search."""
    return list_files(ask, pages)


def files_create(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Metadata only; content comes to the upload address."""
    return ask.show(writing.create(ask, ask.body))


def files_copy(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Copy a file by id."""
    ask.scopes(WRITE)
    copied = writing.copy(ask, ask.find(args["fileId"]), ask.body, with_comments=ask.flag("copyComments"))
    return ask.show(copied)


def files_update(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Change metadata; patch semantics."""
    return ask.show(writing.update(ask, ask.find(args["fileId"]), ask.body))


def files_delete(ask: Ask, args: Mapping[str, str]) -> None:
    """Delete for good."""
    writing.delete(ask, ask.find(args["fileId"]))


def files_empty_trash(ask: Ask, args: Mapping[str, str]) -> None:
    """Delete everything in the user's (or a shared drive's) trash."""
    writing.empty_trash(ask, ask.params.get("driveId", ""))


def files_generate_ids(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Ids for later creates and copies, for this user."""
    ask.scopes(WRITE)
    kind, space = ask.params.get("type", "files"), ask.params.get("space", "drive")
    if kind not in {"files", "shortcuts"}:
        raise problems.invalid("type")
    if space != "drive":
        raise not_supported(f"the space {space!r} of files.generateIds")
    ids = [ask.store.new_id("") for _ in range(ask.number("count", 10, 1, 1000))]
    ask.store.generated.update(dict.fromkeys(ids, (ask.caller.email, kind)))
    answer = {"kind": "drive#generatedIds", "space": space, "ids": ids}
    return apply(ask.mask("GeneratedIds", None), answer)


def files_export(ask: Ask, args: Mapping[str, str]) -> Response:
    """The content of an editors' file in another format, at most 10 MB."""
    ask.scopes(CONTENT)
    file = ask.find(args["fileId"])
    mime_type = ask.params.get("mimeType", "")
    if not mime_type:
        raise problems.required("mimeType", "Required parameter: mimeType")
    if not exportable(file):
        raise problems.refused("fileNotExportable", "Export only supports Docs Editors files.")
    if not can_copy(file, ask.role(file)):
        raise problems.refused("cannotExportFile", "This file cannot be exported by the user.")
    if mime_type not in EXPORTS.get(file.mime_type, {}):
        raise problems.bad_request("The requested conversion is not supported.", "invalid")
    callback = ask.store.hooks.export.get(file.mime_type)
    content = callback(file.id, mime_type) if callback is not None else None
    if content is None:
        raise not_supported(f"exporting {file.mime_type} as {mime_type}")
    if len(content) > EXPORT_BYTES:
        raise problems.refused("exportSizeLimitExceeded", "This file is too large to be exported.")
    return Response(content, content_type=mime_type)


def files_unsupported(ask: Ask, args: Mapping[str, str]) -> JSON:
    """Methods of v3 that nothing here needs."""
    raise not_supported(ask.operation)


def download(ask: Ask, file: File) -> Response:
    """The bytes of a binary file, or the range of them that is asked for."""
    ask.scopes(CONTENT)
    if file.content is None:
        message = "Only files with binary content can be directly downloaded. Use Export with Docs Editors files."
        raise problems.refused("fileNotDownloadable", message)
    if not can_copy(file, ask.role(file)):
        raise problems.refused("cannotDownloadFile", "This file cannot be downloaded by the user.")
    if not file.content.readable:
        raise not_supported(
            f"downloading a generated file of {file.content.size} bytes, whose checksum is not of its bytes"
        )
    size = file.content.size
    headers = {"Content-Disposition": "attachment", "Vary": "Origin, X-Origin", "Accept-Ranges": "bytes"}
    span = _range(ask.request.headers.get("Range", ""), size)
    if span is None:
        return Response(file.content.read(), content_type=file.mime_type, headers=headers)
    start, end = span
    if start >= size or start >= end:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Response(file.content.read(start, end), status=206, content_type=file.mime_type, headers=headers)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)


def short(file: File, ask: Ask, mask: Mask | None = DEFAULT_FIELDS) -> dict[str, JSON]:
    """A file inside another answer."""
    return View(file, ask.caller, ask.store).show(mask)
