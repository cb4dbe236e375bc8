"""Making files in Google's own formats exactly once, although they take no id of our choice.

The order for each: intent, one attempt, proof. The intent is a property of the folder the file goes into, written by
compare-and-set and read by id, so it never lags. An attempt whose outcome is not known is looked up by its operation
key; only when nothing was found for a minute is another one made. At the end of a job `trash_twins` removes what came
in later still.

A mark is ``t<seconds>`` (attempted then), ``=<id>`` (made), or ``=<id>?<seconds>`` (made; another attempt may yet come
in); seconds since 1970 by Google's clock.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import AccessError, PermissionMissing, PreconditionFailed, Refused, Throttled, Unavailable
from sheets_catalog.flows.drive_stores import DriveProperties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.drive import Drive
    from sheets_catalog.google.files import File
    from sheets_catalog.jobs.store import Stored

SURE_AFTER = 60.0
"""Seconds without a hit after which an attempt counts as not applied; lists were seen to lag by seconds to minutes."""

PREFIX = "made."
"""Begins the names of the folder's properties that are marks."""

_TRIES = 6


@dataclass(frozen=True, slots=True)
class Native:
    """One file to make.

    `mark`: the folder's property, its name begins with `PREFIX`. `marks`: private properties of the file, which name
    its operation.
    """

    mark: str
    marks: Mapping[str, str]
    make: Callable[[], File]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a folder's property says of a file."""

    file_id: str = ""
    attempted: float = 0.0

    @classmethod
    def read(cls, text: str) -> Mark:
        """From a property; empty: never attempted."""
        if text.startswith("="):
            file_id, _, seconds = text[1:].partition("?")
            return cls(file_id, float(seconds or 0))
        return cls("", float(text[1:])) if text.startswith("t") else cls()

    def text(self) -> str:
        """As stored."""
        seconds = f"{self.attempted:.0f}"
        if not self.file_id:
            return f"t{seconds}"
        return f"={self.file_id}?{seconds}" if self.attempted else f"={self.file_id}"


def make_once(systems: Systems, folder_id: str, natives: Sequence[Native]) -> dict[str, str]:
    """Make these files in a folder, or find them made: mark to file id.

    Raises `Unavailable` while it is not known whether an attempt was applied: ask again later. Raises what an attempt
    raises that was refused.
    """
    properties = DriveProperties(systems.drive, folder_id)
    stored = properties.read()
    marks = {each.mark: Mark.read(stored.properties.get(each.mark, "")) for each in natives}
    found = {name: mark for name, mark in marks.items() if mark.file_id}
    due = []
    for each in natives:
        mark = marks[each.mark]
        if mark.file_id:
            continue
        hit = _probe(systems.drive, folder_id, each.marks) if mark.attempted else ""
        if hit:
            found[each.mark] = Mark(hit, mark.attempted)
        elif mark.attempted and stored.now.timestamp() - mark.attempted < SURE_AFTER:
            raise _unsure(each)
        else:
            due.append(each)
    if due:
        now = Mark(attempted=stored.now.timestamp())
        stored = _write(properties, stored, {each.mark: now.text() for each in due})
    return _attempt(properties, stored, due, found, marks)


def forget(systems: Systems, folder_id: str, mark: str) -> None:
    """Take a file's mark off its folder, because the file is gone: the next `make_once` makes another one."""
    properties = DriveProperties(systems.drive, folder_id)
    _write(properties, properties.read(), {mark: None})


def _attempt(
    properties: DriveProperties,
    stored: Stored,
    due: Sequence[Native],
    found: dict[str, Mark],
    before: Mapping[str, Mark],
) -> dict[str, str]:
    """One attempt for each; what came of it is stored whatever happens."""
    learnt: dict[str, str | None] = {
        name: mark.text() for name, mark in found.items() if stored.properties.get(name) != mark.text()
    }
    trouble: Exception | None = None
    for position, each in enumerate(due):
        try:
            made = each.make()
        except (Throttled, Unavailable, Refused, AccessError) as error:
            trouble = error
            doubtful = isinstance(error, Unavailable) and error.applied is not False
            learnt |= {other.mark: None for other in due[position + doubtful :]}  # surely not made
            break
        doubt = stored.now.timestamp() if before[each.mark].attempted else 0.0
        found[each.mark] = Mark(made.id, doubt)
        learnt[each.mark] = found[each.mark].text()
    if learnt:
        _write(properties, stored, learnt)
    if trouble:
        raise trouble
    return {name: mark.file_id for name, mark in found.items()}


def _write(properties: DriveProperties, stored: Stored, changes: Mapping[str, str | None]) -> Stored:
    for _ in range(_TRIES):
        try:
            return properties.write(changes, stored.version)
        except PreconditionFailed:  # the folder changed in some other way, or our first sending landed
            stored = properties.read()
    raise Unavailable("The folder keeps changing while files are put into it.", service="google", applied=False)


def _probe(drive: Drive, folder_id: str, marks: Mapping[str, str]) -> str:
    """The id of the file an earlier attempt made, the earliest if there are several; empty when none is seen.

    Only in its folder: another sheet's batch may have the same name, and a person's copy elsewhere the same marks.
    """
    found = drive.find(app_properties=marks, parent=folder_id)
    return min(found, key=_age).id if found else ""


def _age(file: File) -> tuple[str, str]:
    return (file.created_time.isoformat() if file.created_time else "", file.id)


class Unsure(Unavailable):
    """Whether an attempt was applied is not known yet: look again later. Nobody's fault."""


def _unsure(each: Native) -> Unsure:
    what = each.marks.get("op", each.mark)
    return Unsure(f"Whether file {what} was made is not known yet; looking again.", service="google")


def trash_twins(systems: Systems, folders: Sequence[File], job: Mapping[str, str], names: Mapping[str, str]) -> int:
    """Trash files that a second attempt made: those of this job that no folder's mark names. Returns how many.

    `job`: the private properties that all files of the job have; what has them in another folder is not ours. `names`:
    what the job called its files, by operation (``op``). A person's copy of one has its properties, but another name.
    Waits until the latest doubtful attempt is a minute past, so that what comes in late is seen. One that this account
    may not trash stays: it must not keep the job from ending.
    """
    stored = (each for folder in folders for each in folder.app_properties.items())
    marks = [Mark.read(text) for name, text in stored if name.startswith(PREFIX)]
    latest = max((mark.attempted for mark in marks), default=0.0)
    if latest:
        _outlast(systems, folders[0].id, latest + SURE_AFTER)
    kept = {mark.file_id for mark in marks if mark.file_id}
    ours = {folder.id for folder in folders}
    alike = systems.drive.find(app_properties=job)
    others = [file for file in alike if file.id not in kept and not ours.isdisjoint(file.parents)]
    twins = [file for file in others if file.name == names.get(file.app_properties.get("op", ""))]
    trashed = 0
    for file in twins:
        with suppress(PermissionMissing):
            systems.drive.trash(file.id)
            trashed += 1
    return trashed


def _outlast(systems: Systems, folder_id: str, until: float) -> None:
    """Wait until then, as Google's clock goes, which wrote the marks: this machine's may be minutes fast or slow."""
    left = until - DriveProperties(systems.drive, folder_id).read().now.timestamp()
    if left > 0:
        systems.clock.sleep(min(left, SURE_AFTER))
