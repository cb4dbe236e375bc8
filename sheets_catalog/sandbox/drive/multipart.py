"""Multipart bodies, byte for byte: uploads carry binary content that no mail parser should touch."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.http import parse_options_header

from sheets_catalog.sandbox.wire import GoogleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Part:
    """One part. Header names are in lower case."""

    headers: Mapping[str, str]
    data: bytes


def split(content_type: str, data: bytes) -> list[Part]:
    """The parts of a multipart body; 400 when it has no boundary or does not end with one."""
    _, options = parse_options_header(content_type)
    mark = b"--" + options.get("boundary", "").encode()
    first = data.find(mark)
    if len(mark) == 2 or first < 0 or mark + b"--" not in data:
        raise GoogleError(400, "Missing end boundary in multipart body.", reason="badContent")
    # Python's own mail generator ends lines with LF, others with CRLF: the first line tells which this one is.
    line = b"\r\n" if data[first + len(mark) :].startswith(b"\r\n") else b"\n"
    pieces = (line + data[first:]).split(line + mark)
    return [_part(piece.removeprefix(line), line) for piece in pieces[1:] if not piece.startswith(b"--")]


def _part(piece: bytes, line: bytes) -> Part:
    if piece.startswith(line):
        return Part({}, piece.removeprefix(line))
    head, _, body = piece.partition(line * 2)
    headers = {}
    for entry in head.decode("utf-8", "replace").splitlines():
        name, _, value = entry.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("content-transfer-encoding", "").lower() == "base64":
        body = base64.b64decode(body)
    return Part(headers, body)


def join(parts: Sequence[tuple[Mapping[str, str], bytes]], boundary: str) -> bytes:
    """A multipart body from headers and contents."""
    out = bytearray()
    for headers, data in parts:
        out += f"--{boundary}\r\n".encode()
        out += "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n" + data + b"\r\n"
    return bytes(out + f"--{boundary}--\r\n".encode())
