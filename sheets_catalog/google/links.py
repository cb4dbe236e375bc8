"""File ids out of what people paste: links to Drive and its editors in all their forms, or the id itself. Pure."""

from __future__ import annotations

import itertools
import re
from urllib.parse import parse_qs, unquote, urlsplit

from sheets_catalog.errors import InputError

_ID = re.compile(r"[A-Za-z0-9_-]{10,200}")
_HOSTS = frozenset({"docs.google.com", "drive.google.com", "sheets.google.com", "spreadsheets.google.com"})
_BEFORE_ID = frozenset({"d", "folders", "folderview", "file"})
_PARAMETERS = ("id", "key", "srcid")
_ADVICE = "Paste the file's link from the browser's address bar, or its id."


def is_file_id(text: str) -> bool:
    """Whether the text looks like a Drive id (nothing that needs escaping in a path or a query)."""
    return _ID.fullmatch(text) is not None


def file_id_from(url_or_id: str) -> str:
    """The file's (or folder's) id. Raises `InputError`.

    Knows ``/spreadsheets/d/ID/edit``, ``/document/u/1/d/ID``, Workspace domains (``/a/example.com/...``),
    ``/file/d/ID/view``, ``/drive/u/0/folders/ID``, ``open?id=ID``, ``uc?id=ID``, ``ccc?key=ID``. A published link
    (``/d/e/2PACX-...``) carries no file id and is refused.
    """
    text = url_or_id.strip().strip("<>").strip()
    if is_file_id(text):
        return text
    parts = urlsplit(text if "//" in text else "https://" + text)
    host = (parts.hostname or "").removeprefix("www.")
    found = _in_path(parts.path) or _in_query(parts.query) or _in_query(parts.fragment)
    if parts.scheme in {"http", "https"} and host in _HOSTS and found:
        return found
    if "/d/e/" in parts.path:
        raise InputError(f"Found {text!r}, a published page, which does not name its file.", advice=_ADVICE)
    raise InputError(f"Found {text!r}, expected the link or the id of a Google file.", advice=_ADVICE)


def _in_path(path: str) -> str:
    names = [unquote(name) for name in path.split("/") if name]
    for before, name in itertools.pairwise(names):
        if before in _BEFORE_ID and is_file_id(name):
            return name
    return ""


def _in_query(query: str) -> str:
    values = parse_qs(query)
    found = (values[name][0] for name in _PARAMETERS if name in values)
    return next((value for value in found if is_file_id(value)), "")
