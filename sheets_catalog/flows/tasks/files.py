"""From the links in a task's row to its files in Drive, each with what a copy has to prove later. Reads only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import FileCopy
from sheets_catalog.errors import InputError
from sheets_catalog.flows.connection import THREADS
from sheets_catalog.google.batches import MOST_IN_BATCH
from sheets_catalog.google.files import SHORTCUT
from sheets_catalog.google.links import file_id_from
from sheets_catalog.records.tasks import LINKS, TASKS, links_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.google.files import File


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a task: the rule, the file or link concerned (or empty), a sentence and advice."""

    rule: str
    file: str
    message: str
    advice: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a task. `column`: the field whose link led to it, also by way of a folder or a shortcut."""

    file: File
    column: str

    @property
    def named(self) -> str:
        """Its name."""
        return self.file.name


@dataclass(slots=True)
class TaskFiles:
    """All that the links of one task led to."""

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def look_up(
    systems: Systems, ids: Iterable[str], pool: ThreadPoolExecutor, told: Callable[[int], None] | None = None
) -> dict[str, File]:
    """Those of these files that are there, by id: 100 in a request, several requests at once."""
    wanted = list(dict.fromkeys(ids))
    parts = [wanted[first : first + MOST_IN_BATCH] for first in range(0, len(wanted), MOST_IN_BATCH)]
    found: dict[str, File] = {}
    for part, answer in zip(parts, pool.map(systems.drive.get_many, parts), strict=True):
        found |= answer
        if told:
            told(len(part))
    return found


def find_files(
    systems: Systems, rows: Sequence[Row], shortcuts: str, note: Callable[[str, int, int], None]
) -> dict[str, TaskFiles]:
    """The files of each task by task id. `shortcuts`: ``resolve`` or ``refuse``."""
    tasks = {row.key or "": TaskFiles() for row in rows}
    links = [link for row in rows for link in _links(row, tasks[row.key or ""])]
    with ThreadPoolExecutor(THREADS, "files") as pool:
        known = look_up(systems, (link.file_id for link in links), pool)
        folders = sorted({link.file_id for link in links if (file := known.get(link.file_id)) and file.is_folder})
        inside = _list_all(systems, folders, pool, note)
        shown = [*known.values(), *(each for some in inside.values() for each in some)]
        targets = look_up(systems, _targets(shown), pool)
    finder = _Finder(known, inside, targets, shortcuts)
    for link in links:
        finder.follow(link, tasks[link.task_id])
    return tasks


@dataclass(frozen=True, slots=True)
class _Link:
    task_id: str
    column: str
    text: str
    file_id: str


def _links(row: Row, files: TaskFiles) -> Iterable[_Link]:
    """All links of a row; what is none becomes a problem of the task."""
    for column in LINKS:
        for text in links_in(row.values.get(column)):
            try:
                yield _Link(row.key or "", column, text, file_id_from(text))
            except InputError as error:
                header = TASKS.by_name[column].header
                files.problems.append(Problem("bad_link", text[:80], error.message, error.advice, header))


def _list_all(
    systems: Systems, folders: Sequence[str], pool: ThreadPoolExecutor, note: Callable[[str, int, int], None]
) -> dict[str, list[File]]:
    inside: dict[str, list[File]] = {}
    for folder, children in zip(
        folders, pool.map(lambda folder: list(systems.drive.children(folder)), folders), strict=True
    ):
        inside[folder] = children
        note("files", len(inside), len(folders))
    return inside


def _targets(files: Iterable[File]) -> list[str]:
    return [file.shortcut_details.target_id for file in files if file.shortcut_details]


@dataclass(frozen=True, slots=True)
class _Finder:
    known: Mapping[str, File]
    inside: Mapping[str, Sequence[File]]
    targets: Mapping[str, File]
    shortcuts: str

    def follow(self, link: _Link, out: TaskFiles) -> None:
        """Add what a link leads to: a file, or all files of a folder."""
        file = self.known.get(link.file_id)
        header = TASKS.by_name[link.column].header
        if file is None:
            out.problems.append(
                Problem(
                    "not_found",
                    link.text[:80],
                    "The link leads to nothing that this account can see.",
                    "Check the link, or share the file with the account that stages.",
                    header,
                )
            )
        elif file.trashed:
            message = f"“{file.name}” is in the trash."
            out.problems.append(Problem("trashed", file.name, message, "Take it back from the trash.", header))
        elif file.is_folder:
            for child in sorted(self.inside.get(file.id, ()), key=lambda each: (each.name, each.id)):
                self._add(child, link.column, out)
        else:
            self._add(file, link.column, out)

    def _add(self, file: File, column: str, out: TaskFiles) -> None:
        if any(each.file.id == file.id for each in out.found):
            return  # linked twice, or linked and in the folder
        if file.mime_type == SHORTCUT:
            target = self._resolved(file, out)
            if target is None or any(each.file.id == target.id for each in out.found):
                return
            file = target
        if file.is_folder:
            advice = "Put the files directly into the task's folder."
            message = f"“{file.name}” is a folder inside the task's folder; what is in it would be forgotten."
            out.problems.append(Problem("subfolder", file.name, message, advice))
        else:
            out.found.append(Found(file, column))

    def _resolved(self, shortcut: File, out: TaskFiles) -> File | None:
        """What a shortcut points to; a copy of the shortcut itself would lead the client to a file of ours."""
        if self.shortcuts == "refuse":
            message = f"“{shortcut.name}” is a shortcut."
            advice = "Replace it by the file, or allow shortcuts with `tasks configure --shortcuts resolve`."
            out.problems.append(Problem("shortcut", shortcut.name, message, advice))
            return None
        target = self.targets.get(shortcut.shortcut_details.target_id if shortcut.shortcut_details else "")
        if target is None or target.trashed:
            message = f"“{shortcut.name}” is a shortcut to a file that is not there (any more)."
            out.problems.append(Problem("broken_shortcut", shortcut.name, message, "Replace it by the file."))
            return None
        return target


def checksum_of(file: File) -> str:
    """``sha256:...``, or ``md5:...`` for old files that have no other; empty for Google's own formats."""
    if file.sha256_checksum:
        return f"sha256:{file.sha256_checksum}"
    return f"md5:{file.md5_checksum}" if file.md5_checksum else ""


def unlike(file: FileCopy, found: File | None, folder_id: str) -> str:
    """How what stands there differs from what was planned; empty when it does not. Pure."""
    if found is None:
        return "is not there"
    digest = _digest(file.checksum, found)
    checks = (
        (found.trashed, "was put into the trash"),
        (folder_id not in found.parents, "is in another folder"),
        (found.name != file.name, f"is called “{found.name}”"),
        (found.mime_type != file.mime_type, f"is of type {found.mime_type}, not {file.mime_type}"),
        (digest != file.checksum, f"was changed since it was planned ({file.size} bytes then, {found.size} now)"),
        (bool(file.checksum) and found.size != file.size, f"has {found.size} bytes, not {file.size}"),
    )
    return next((problem for wrong, problem in checks if wrong), "")


def _digest(like: str, found: File) -> str:
    """The file's checksum of the same kind; Google's own formats have none."""
    if not like:
        return ""
    return f"md5:{found.md5_checksum}" if like.startswith("md5:") else checksum_of(found)


def copies_of(found: Sequence[Found]) -> tuple[FileCopy, ...]:
    """What to copy. A name that occurs again gets a number, so that the client can tell the files apart."""
    taken: set[str] = set()
    copies = []
    for each in found:
        name = _free_name(each.file.name, taken)
        taken.add(name.casefold())
        copies.append(copy_of(each.file, name))
    return tuple(copies)


def copy_of(file: File, name: str) -> FileCopy:
    """What to copy of a file as it is now."""
    own = ("kind", "job", "op")
    return FileCopy(
        source=file.id,
        name=name,
        mime_type=file.mime_type,
        size=file.size,
        checksum=checksum_of(file),
        dropped=tuple(sorted(file.properties)),
        dropped_private=tuple(sorted(key for key in file.app_properties if key not in own)),
    )


def _free_name(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){ending}"
    return free
