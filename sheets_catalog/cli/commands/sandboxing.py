"""`sandbox`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.statuses import Exit

HELP = examples(
    ("sheets-catalog sandbox --port 8080", "serve Google and Shopify look-alikes on this machine"),
    ("sheets-catalog sandbox > sandbox.json &", "then use it: `sheets-catalog import -c sandbox.json`"),
    ("sheets-catalog sandbox --catalogue products.csv --state ./state", "any Shopify product CSV; kept for next time"),
    ("sheets-catalog sandbox --tasks 1000 --task-files 7000", "as many tasks to stage and deliver, with so many files"),
)

Catalogue = Annotated[
    str,
    typer.Option(metavar="NAME|FILE.csv", help="sample, reference (2,000 products), empty, or a Shopify product CSV."),
]

SPEED_TOLD = (
    "How many times faster than life time runs: delays, quotas, clock. Reports count the sandbox's time, "
    "so 50 s at 50 are one of yours."
)
FASTEST = 1_000_000.0
Speed = Annotated[float, typer.Option(min=0.001, max=FASTEST, metavar="TIMES", help=SPEED_TOLD)]
MOST_TASKS, MOST_FILES = 100_000, 1_000_000
"""What the sandbox can hold in memory."""

TasksWanted = Annotated[
    str,
    typer.Option(
        metavar="sample|none|NUMBER",
        help="A tasks sheet to stage and deliver from: good and bad tasks of every kind, none, or so many good ones.",
    ),
]
TaskFiles = Annotated[
    int,
    typer.Option(min=0, max=MOST_FILES, metavar="TOTAL", help="With --tasks NUMBER: files of all tasks. 0: six each."),
]
LEAST_FILES = 4
"""Files that the sandbox gives a task at least: a model, an image, a video, and a base image."""


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="PORT", help="0: any free one.")] = 0,
    catalogue: Catalogue = "sample",
    speed: Speed = 50.0,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Go on from here, and save here at the end.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Same seed, same ids and delays. Left out: only the ids of the sample data are always the same.",
            show_default=False,
        ),
    ] = None,
    tasks: TasksWanted = "sample",
    task_files: TaskFiles = 0,
    json: Annotated[bool, typer.Option("--json", hidden=True)] = False,  # noqa: ARG001 - its one line is JSON anyway
) -> int:
    """Serve Google Sheets, Drive and Shopify look-alikes on this machine. Prints one JSON line, then serves."""
    package = serving()
    check_catalogue(catalogue)
    wanted = tasks_wanted(tasks, task_files)
    check_port(port)
    check_directory(state)
    package.serve(
        port=port, catalogue=catalogue, speed=speed, seed=seed, state=state, tasks=wanted, task_files=task_files
    )
    return Exit.OK


NEEDED = ("cryptography", "graphql", "werkzeug")
"""What the extra ``sandbox`` installs, by module."""


def serving() -> Any:
    """The sandbox package. Raises `SettingsError` when its extra is not installed."""
    from importlib.util import find_spec

    from sheets_catalog.errors import SettingsError

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"The sandbox is an extra that is not installed (missing: {', '.join(missing)}).",
            advice="Install it in the clone: `pip install '.[sandbox]'`.",
        )
    from sheets_catalog import sandbox as package

    return package


def check_port(port: int) -> None:
    """Raise `SettingsError` when somebody else listens there."""
    import socket

    from sheets_catalog.errors import SettingsError

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(
                f"Port {port} cannot be used: {reason}.", advice="Choose another one, or 0 for any free one."
            ) from error


def check_directory(where: Path | None) -> None:
    """Make the directory; raise `SettingsError` when nothing can be saved there: at the end it would be too late."""
    import tempfile

    from sheets_catalog.errors import SettingsError

    if where is None:
        return
    try:
        where.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=where).close()
    except OSError as error:
        raise SettingsError(
            f"Nothing can be saved in {where}: {error.strerror or error}.", advice="Choose another directory."
        ) from error


def check_catalogue(catalogue: str) -> None:
    """Raise `InputError` for a catalogue that is neither a known name nor a readable file."""
    from sheets_catalog.errors import InputError

    if catalogue in {"sample", "reference", "empty"} or Path(catalogue).expanduser().is_file():
        return
    raise InputError(
        f"There is no catalogue “{catalogue}”.",
        advice="Give sample, reference, empty, or the path of a Shopify product CSV.",
    )


def tasks_wanted(tasks: str, files: int) -> str | int:
    """`sample`, `none`, or a number of tasks. Raises `InputError` for anything else, and for too few files."""
    from sheets_catalog.errors import InputError

    if tasks in {"sample", "none"} and not files:
        return tasks
    if not (tasks.isdecimal() and len(tasks) <= len(str(MOST_TASKS)) and 0 < int(tasks) <= MOST_TASKS):
        raise InputError(
            f"The sandbox cannot plant “{tasks}” tasks" + (f" with {files} files." if files else "."),
            advice="Give --tasks sample, none, or a number; --task-files goes with a number.",
        )
    number = int(tasks)
    if files and files < number * LEAST_FILES:
        raise InputError(
            f"{files} files are too few for {number} tasks.",
            advice=f"Each needs at least {LEAST_FILES}: --task-files {number * LEAST_FILES} or more.",
        )
    return number
