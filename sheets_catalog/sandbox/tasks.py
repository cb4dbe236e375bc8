"""A tasks sheet with its files: some forty tasks, good and bad in every way there is, or thousands of plain ones.

Not an API of Google's: only `plant` does anything (`sandbox --tasks`, or `POST /_sandbox/seed/tasks`). Files are
planted, as no client could make large ones without their bytes; the tab is written through the Sheets API like anybody
would.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.accounts import ALL_SCOPES, APP, OWNER
from sheets_catalog.sandbox.play import hook_request
from sheets_catalog.sandbox.wire import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.sandbox.gateway import Gateway
    from sheets_catalog.sandbox.wire import JSON, Request, Response, Rule

FOLDER: Final = "application/vnd.google-apps.folder"
DOCUMENT: Final = "application/vnd.google-apps.document"
SHORTCUT: Final = "application/vnd.google-apps.shortcut"
CLIENT: Final = "client@example.com"
AGENTS: Final = ("mia@example.com", "noah@example.com", "aiko@example.com")
REVIEWERS: Final = ("rita@example.com", "omar@example.com")
HEADER: Final = (
    "Task ID", "Folder Name", "Status", "Batch", "Agent", "Completed", "Review Status", "Review Score", "Reviewer",
    "Images", "OBJ", "Alignment", "Video", "Task Folder", "Internal Notes", "Export Time",
)  # fmt: skip
FIRST_DAY: Final = 46_300
"""A day in October 2026, as a spreadsheet counts days."""

TYPES: Final = {
    ".obj": "model/obj",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".mtl": "text/plain",
}


@dataclass
class Sketch:
    """One task to plant. `files`: {name, ...} as `drive.planting` takes them; `row`: cells by header."""

    name: str
    row: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    links: dict[str, list[int]] = field(default_factory=dict)
    """Header to the numbers of the files linked there; their links are written into the cell."""
    folder_linked: bool = True


class Tasks:
    """Plants tasks into a spreadsheet and files into Drive."""

    name = "tasks"

    def __init__(self, gateway: Gateway, drive: Any) -> None:
        self._gateway = gateway
        self._drive = drive
        self._planted: dict[str, JSON] = {}

    def rules(self) -> Sequence[Rule]:
        return []

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        raise AssertionError("there is nothing to call")

    def dump(self) -> JSON:
        return {"planted": self._planted}

    def load(self, state: Mapping[str, Any]) -> None:
        """Only what was planted; the tab and the files are kept by Sheets and Drive."""
        self._planted = dict(state.get("planted", {}))

    def connection(self) -> dict[str, JSON]:
        """What `plant` answered last, as ``tasks``; nothing when it was never called."""
        return {"tasks": self._planted} if self._planted else {}

    def plant(self, body: Mapping[str, Any]) -> JSON:
        """Plant a tab “Tasks” into `spreadsheet_id`, its files, a staging folder and a client's folder.

        `tasks`: ``sample`` (default), or a number of plain good ones; `files`: how many files these have in all (at
        least four each); `bytes`: the size of each. Answers `{"source_folder", "staging_folder", "client_folder",
        "tasks", "files"}`.
        """
        wanted = body.get("tasks", "sample")
        drawn = random.Random(7)
        sketches = sample(drawn) if wanted == "sample" else plain(int(wanted), body, drawn)
        source, staging, client = self._folders()
        rows = [self._plant_task(sketch, source) for sketch in sketches]
        self._write_tab(str(body["spreadsheet_id"]), str(body.get("tab", "Tasks")), rows)
        self._planted = {
            "source_folder": source,
            "staging_folder": staging,
            "client_folder": client,
            "tasks": len(sketches),
            "files": sum(len(sketch.files) for sketch in sketches),
        }
        return dict(self._planted)

    def _folders(self) -> list[str]:
        names = ("Production", "Staging", "Deliveries to Example Client")
        files = [{"name": name, "mimeType": FOLDER} for name in names]
        files[2]["readers"] = [CLIENT]  # type: ignore[assignment]
        return list(self._drive.plant({"files": files})["ids"])

    def _plant_task(self, sketch: Sketch, source: str) -> list[Any]:
        folder = {"name": sketch.name or "Untitled", "mimeType": FOLDER, "parent": source}
        files = [{"parent": "#0", **file} for file in sketch.files]
        ids = list(self._drive.plant({"files": [folder, *files]})["ids"])
        row = dict(sketch.row)
        if sketch.folder_linked:
            row.setdefault("Task Folder", f"https://drive.google.com/drive/folders/{ids[0]}?usp=sharing")
        for header, numbers in sketch.links.items():
            row[header] = "\n".join(_link(ids[number + 1], number) for number in numbers)
        return [row.get(header, "") for header in HEADER]

    def _write_tab(self, spreadsheet_id: str, title: str, rows: Sequence[Sequence[Any]]) -> None:
        grid = {"rowCount": len(rows) + 20, "columnCount": len(HEADER) + 2}
        properties = {"title": title, "gridProperties": grid}
        self._play(f"{spreadsheet_id}:batchUpdate", {"requests": [{"addSheet": {"properties": properties}}]})
        for first in range(0, len(rows) + 1, 500):
            block = [HEADER, *rows][first : first + 500]
            data = [{"range": f"'{title}'!A{first + 1}", "values": block}]
            self._play(f"{spreadsheet_id}/values:batchUpdate", {"valueInputOption": "RAW", "data": data})

    def _play(self, path: str, body: Mapping[str, Any]) -> None:
        request = hook_request({"method": "POST", "path": f"/v4/spreadsheets/{path}", "body": body})
        answer = self._gateway.play_as(request, Caller(OWNER, frozenset(ALL_SCOPES), APP))
        if answer.status_code != 200:
            raise ValueError(answer.get_data(as_text=True))


_FORMS: Final = (
    "https://drive.google.com/file/d/{}/view?usp=sharing",
    "https://drive.google.com/open?id={}",
    "https://drive.google.com/uc?export=download&id={}",
    "https://drive.google.com/a/example.com/file/d/{}/edit",
    "{}",
)


def _link(file_id: str, number: int) -> str:
    """A link in one of the forms in which people paste them."""
    return _FORMS[number % len(_FORMS)].format(file_id)


def _file(name: str, drawn: random.Random, **more: Any) -> dict[str, Any]:
    ending = name[name.rfind(".") :].lower()
    size = drawn.randint(2_000, 4_000_000) if "size" not in more else more.pop("size")
    return {"name": name, "mimeType": TYPES.get(ending, "application/octet-stream"), "size": size, **more}


def _good(name: str, drawn: random.Random, **row: Any) -> Sketch:
    """Three base images, a model, an alignment, a picture and a video of the work."""
    files = [_file(f"base_{side}.jpg", drawn, seed=f"{name}{side}") for side in ("front", "side", "top")]
    files += [_file(f"{name}{ending}", drawn) for ending in (".obj", "_alignment.json", "_render.jpg", ".mp4")]
    return Sketch(name, _row(name, drawn) | row, files)


def _row(name: str, drawn: random.Random) -> dict[str, Any]:
    return {
        "Folder Name": name,
        "Status": "complete",
        "Batch": drawn.choice(("Autumn A", "Autumn B")),
        "Agent": drawn.choice(AGENTS),
        "Completed": FIRST_DAY + drawn.randint(0, 40),
        "Review Status": "passed",
        "Review Score": drawn.randint(70, 100),
        "Reviewer": drawn.choice(REVIEWERS),
        "Internal Notes": drawn.choice(("", "rush", "client asked twice", "=not a formula")),
    }


def plain(count: int, body: Mapping[str, Any], drawn: random.Random) -> list[Sketch]:
    """So many good tasks with `files` files in all, each of `bytes` bytes, in their folders."""
    total, size = int(body.get("files", count * 6)), int(body.get("bytes", 100_000))
    if total < count * 4:
        raise ValueError(f"files is {total}; expected at least four for each of {count} tasks")
    sketches = []
    for number in range(count):
        name = f"T{number + 1:05}"
        base = total // count + (number < total % count) - 3
        files = [_file(f"base_{each}.jpg", drawn, size=size, seed=f"{name}{each}") for each in range(base)]
        files += [_file(f"{name}{ending}", drawn, size=size) for ending in (".obj", ".jpg", ".mp4")]
        sketches.append(Sketch(name, {"Task ID": f"task-{number + 1}", **_row(name, drawn)}, files))
    return sketches


def sample(drawn: random.Random) -> list[Sketch]:
    """Twenty good tasks, odd ones that are good as well, and one for everything that can be wrong."""
    sketches = [_good(f"CHAIR-{number:03}", drawn) for number in range(1, 21)]
    sketches += _odd(drawn) + _invalid(drawn) + _not_ready(drawn)
    for number, sketch in enumerate(sketches, 1):
        sketch.row.setdefault("Task ID", f"T-{number:03}")
    return sketches


def _odd(drawn: random.Random) -> list[Sketch]:
    """Good tasks that a careless copier would spoil."""
    by_links = _good("LAMP-101", drawn)
    by_links.folder_linked = False
    by_links.links = {"Images": [0, 1, 2], "OBJ": [3], "Alignment": [4], "Video": [5, 6]}
    names = _good("Tür „Größe“ 5'", drawn)
    names.files += [_file("a\\b 'quoted' /slash/ 🪑 <>&.txt", drawn), _file("=HYPERLINK(1).csv", drawn)]
    twins = _good("LAMP-103", drawn)
    twins.files += [_file("notes.txt", drawn, seed="one"), _file("notes.txt", drawn, seed="two")]
    native = _good("LAMP-104", drawn)
    native.files += [
        {"name": "Measurements", "mimeType": DOCUMENT, "comments": ["internal: do not show"]},
        {"name": "Briefing", "mimeType": DOCUMENT},
    ]
    linked = _good("LAMP-105", drawn)
    linked.files[3]["parent"] = ""  # in My Drive, only a shortcut in the task's folder
    linked.files.append({"name": "LAMP-105 model", "mimeType": SHORTCUT, "target": "#4"})
    marked = _good("LAMP-106", drawn)
    marked.files[3] |= {"app_properties": {APP: {"reviewer": "rita"}}, "comments": ["internal: second try"]}
    large = _good("LAMP-107", drawn)
    large.files[-1]["size"] = 40 * 10**9
    empty = _good("LAMP-108", drawn)
    empty.files.append(_file("LAMP-108_empty.mtl", drawn, size=0))
    return [by_links, names, twins, native, linked, marked, large, empty]


def _invalid(drawn: random.Random) -> list[Sketch]:
    """Complete and reviewed, but not fit to be staged."""
    no_model, no_video, wrong_name, few = (_good(f"DESK-{number}", drawn) for number in range(201, 205))
    del no_model.files[3]
    del no_video.files[6]
    wrong_name.files[3]["name"] = "DESK-9.obj"
    few.files = [file for file in few.files if "base" not in file["name"] and ".json" not in file["name"]]
    only_base = _good("DESK-205", drawn)
    only_base.files[5]["name"] = "DESK-205_base.jpg"
    closed, nested, broken = (_good(f"DESK-{number}", drawn) for number in range(206, 209))
    closed.files[3]["not_copyable"] = True
    nested.files.append({"name": "more", "mimeType": FOLDER})
    broken.files += [_file("gone.obj", drawn, trashed=True), {"name": "model", "mimeType": SHORTCUT, "target": "#8"}]
    bad_link = _good("DESK-209", drawn, Video="see https://example.com/video")
    missing = _good("DESK-210", drawn, OBJ="https://drive.google.com/file/d/1nothingIsHereAtAll00000000000000/view")
    same = [_good("DESK-211", drawn), _good("DESK-211", drawn)]
    return [no_model, no_video, wrong_name, few, only_base, closed, nested, broken, bad_link, missing, *same]


def _not_ready(drawn: random.Random) -> list[Sketch]:
    """Tasks that the default selection leaves out."""
    return [
        _good("SOFA-301", drawn, Status="in progress"),
        _good("SOFA-302", drawn, **{"Review Status": "pending", "Review Score": "", "Reviewer": ""}),
        _good("SOFA-303", drawn, **{"Review Status": "failed", "Review Score": 41}),
        _good("SOFA-304", drawn, **{"Export Time": "2026-09-30 17:05"}),
        _good("SOFA-305", drawn, **{"Export Time": "2026-10-02 09:41"}),
    ]
