"""files.list: search, order, pages, and the lag of search behind the truth."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.drive import problems, query
from sheets_catalog.sandbox.drive.ask import ANY, Ask
from sheets_catalog.sandbox.drive.fields import Mask, inner, wants
from sheets_catalog.sandbox.drive.files import File, rank
from sheets_catalog.sandbox.drive.show import DEFAULT_FIELDS, View
from sheets_catalog.sandbox.wire import JSON, fault_of, not_supported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN_LIFE: Final = 6 * 3600.0
"""Simulated seconds that a page token is good for ("several hours")."""
TOKENS_KEPT: Final = 2000
LIST_FIELDS: Final[Mask] = {
    "kind": None, "incompleteSearch": None, "nextPageToken": None, "files": DEFAULT_FIELDS,
}  # fmt: skip
SORT_KEYS: Final[Mapping[str, Callable[[File, str], Any]]] = {
    "createdTime": lambda file, email: file.created,
    "modifiedTime": lambda file, email: file.modified,
    "modifiedByMeTime": lambda file, email: (file.modifier == email, file.modified),
    "recency": lambda file, email: file.modified,
    "viewedByMeTime": lambda file, email: (email in file.viewed, file.viewed.get(email, file.created)),
    "sharedWithMeTime": lambda file, email: (email in file.shared_with, file.shared_with.get(email, file.created)),
    "name": lambda file, email: file.name.lower(),
    "name_natural": lambda file, email: _natural(file.name),
    "folder": lambda file, email: not file.is_folder,
    "starred": lambda file, email: email not in file.starred_by,
    "quotaBytesUsed": lambda file, email: file.size or 0,
}


@dataclass(frozen=True)
class Page:
    """Where a page token goes on: the hits of the search when it was first asked."""

    ids: tuple[str, ...]
    offset: int
    search: tuple[str, ...]
    made: float


class Pages:
    """Page tokens given out."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, Page] = OrderedDict()

    def keep(self, token: str, page: Page) -> str:
        self._pages[token] = page
        while len(self._pages) > TOKENS_KEPT:
            self._pages.popitem(last=False)
        return token

    def get(self, token: str, search: tuple[str, ...], now: float) -> Page:
        """The page; 400 when the token is unknown, too old, or belongs to another search."""
        page = self._pages.get(token)
        if page is None or page.search != search or now - page.made > TOKEN_LIFE:
            raise problems.invalid("pageToken")
        return page


def list_files(ask: Ask, pages: Pages) -> dict[str, JSON]:
    """One page of a search."""
    ask.scopes(ANY)
    size = ask.number("pageSize" if ask.version == "v3" else "maxResults", 100, 1, 1000)
    if fault_of(ask.request, "truncate-page") is not None:
        size = max(1, size // 2)
    mask = ask.mask("FileList", LIST_FIELDS)
    found, token = hits(ask, pages, size)
    answer: dict[str, JSON] = {"kind": "drive#fileList"}
    if token:
        answer["nextPageToken"] = token
    answer["incompleteSearch"] = False
    shown = {name: value for name, value in answer.items() if wants(mask, name)}
    if wants(mask, "files"):
        inside = inner(mask, "files")
        shown["files"] = [View(file, ask.caller, ask.store).show(inside) for file in found]
    return shown


def hits(ask: Ask, pages: Pages, size: int) -> tuple[list[File], str]:
    """One page of a search as files, and the token of the next page ("" for the last)."""
    page, lag = _page(ask, pages), _lag(ask)
    found: list[File] = []
    at = page.offset
    while at < len(page.ids) and len(found) < size:
        file = _seen(ask, page.ids[at], lag)
        if file is not None:
            found.append(file)
        at += 1
    token = ""
    if at < len(page.ids):
        token = pages.keep("~!!~" + ask.store.world.token(60), Page(page.ids, at, page.search, page.made))
    return found, token


def _page(ask: Ask, pages: Pages) -> Page:
    now = ask.store.world.clock.seconds()
    names = ("q", "orderBy", "corpora", "driveId", "includeItemsFromAllDrives")
    search = (ask.caller.email, *(str(ask.params.get(name, "")) for name in names))
    token = ask.params.get("pageToken")
    if token:
        return pages.get(token, search, now)
    files = _sorted(ask, _found(ask, _lag(ask)))
    return Page(tuple(file.id for file in files), 0, search, now)


def _lag(ask: Ask) -> float:
    fault = fault_of(ask.request, "lag-list")
    return max(ask.store.list_lag, fault.seconds if fault is not None else 0.0)


def _seen(ask: Ask, file_id: str, lag: float) -> File | None:
    return ask.store.as_of(file_id, ask.store.world.clock.seconds() - lag)


def _found(ask: Ask, lag: float) -> list[File]:
    """All hits, as the index shows them now."""
    asked = query.parse(ask.params.get("q", ""))
    within = _corpus(ask)
    store, caller = ask.store, ask.caller
    parents = {store.root_of(caller.email) if parent == "root" else parent for parent in asked.parents}
    found = []
    for file_id in store.candidates(parents):
        file = _seen(ask, file_id, lag)
        if file is None or not within(file) or (store.is_root(file) and file.id in store.files):
            continue
        if asked.test(file, caller, store) and store.sees(file, caller, listed=True):
            found.append(file)
    return found


def _corpus(ask: Ask) -> Callable[[File], bool]:
    """Which files the search covers: without the shared-drive parameters, none of those."""
    corpora, drive_id = ask.params.get("corpora", ""), ask.params.get("driveId", "")
    everywhere = ask.flag("includeItemsFromAllDrives", "includeTeamDriveItems")
    if ask.params.get("spaces", "drive") != "drive":
        raise not_supported(f"the space {ask.params['spaces']!r} of files.list")
    if everywhere and not ask.all_drives:
        message = "If includeItemsFromAllDrives is set to true, supportsAllDrives must be set to true."
        raise problems.invalid_parameter("includeItemsFromAllDrives", message)
    if corpora not in {"", "user", "drive", "allDrives"}:
        raise not_supported(f"corpora {corpora!r}") if corpora == "domain" else problems.invalid("corpora")
    if (corpora == "drive") != bool(drive_id):
        message = "The driveId parameter must be specified if and only if corpora is set to drive."
        raise problems.invalid_parameter("driveId", message)
    if drive_id:
        drive = ask.store.files.get(drive_id)
        if drive is None or rank(ask.role(drive)) == 0:
            raise problems.drive_not_found(drive_id)
        return lambda file: file.drive_id == drive_id
    if everywhere:
        return lambda file: True
    return lambda file: not file.drive_id


def _sorted(ask: Ask, files: list[File]) -> list[File]:
    """In the order asked for; the latest modified first by default."""
    order = ask.params.get("orderBy", "").strip() or "modifiedTime desc"
    email = ask.caller.email
    for part in reversed(order.split(",")):
        name, _, direction = part.strip().partition(" ")
        if name not in SORT_KEYS or direction.strip() not in {"", "asc", "desc"}:
            raise problems.invalid("orderBy")
        key = SORT_KEYS[name]
        files.sort(key=lambda file, key=key: key(file, email), reverse=direction.strip() == "desc")  # type: ignore[misc]
    return files


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that puts `page 10` after `page 9`."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]
