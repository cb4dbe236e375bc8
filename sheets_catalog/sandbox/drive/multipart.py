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
    boundary = options.get("boundary", "").encode()
    if not boundary or b"--" + boundary + b"--" not in data:
        raise GoogleError(400, "Missing end boundary in multipart body.", reason="badContent")
    pieces = (b"\r\n" + data.replace(b"\r\n--" + boundary, b"\n--" + boundary)).split(b"\n--" + boundary)
    return [_part(piece) for piece in pieces[1:] if not piece.startswith(b"--")]


def _part(piece: bytes) -> Part:
    piece = piece.lstrip(b" \t")
    piece = piece[2:] if piece.startswith(b"\r\n") else piece[1:]
    if piece.startswith((b"\r\n", b"\n")):
        return Part({}, piece[2:] if piece.startswith(b"\r\n") else piece[1:])
    ends = [(at, size) for size, mark in ((4, b"\r\n\r\n"), (2, b"\n\n")) if (at := piece.find(mark)) >= 0]
    at, size = min(ends, default=(len(piece), 0))
    headers = {}
    for line in piece[:at].decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = piece[at + size :]
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
