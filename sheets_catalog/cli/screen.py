"""Where a command writes: results to stdout, everything else to stderr; with ``--json`` one object and nothing more."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from rich.console import RenderableType

PLAIN_WIDTH = 140
"""Columns of tables that go to a file or a pipe, where no terminal says how wide it is."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Two consoles and the choice between people and programs. Data is never read as markup."""

    out: Console
    err: Console
    json: bool = False

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        return not self.json and sys.stdin.isatty() and self.err.is_terminal

    def show(self, *parts: RenderableType) -> None:
        """Print a result for people."""
        if not self.json:
            self.out.print(*parts, sep="\n")

    def hint(self, before: str, command: str) -> None:
        """Print what to do next, as a result for people.

        The command line is there to be copied: it is never broken, and where both are too long for one line it has a
        line of its own.
        """
        if self.json:
            return
        line = Text.assemble(f"{before} ", (command, "cyan"))
        apart = Text.assemble(f"{before}\n", (command, "cyan"))
        self.out.print(line if line.cell_len <= self.out.width else apart, soft_wrap=True)

    def say(self, message: str | Text, style: str = "") -> None:
        """Print a word on the way to stderr; in a file or a pipe it stays one line, however long."""
        text = message if isinstance(message, Text) else Text(message, style=style)
        self.err.print(text, soft_wrap=not self.err.is_terminal)

    def answer(self, value: Mapping[str, Any], status: int = 0) -> None:
        """Print the one JSON object for programs, with the exit status that follows as ``exit_status``."""
        if self.json:
            write_json({**value, "exit_status": value.get("exit_status", int(status))}, sys.stdout)


def write_json(value: Mapping[str, Any], stream: TextIO) -> None:
    """One JSON object: on one line, or indented for a terminal."""
    indent = 2 if stream.isatty() else None
    stream.write(json.dumps(plain(value), ensure_ascii=not _speaks_unicode(stream), indent=indent) + "\n")
    stream.flush()


def _speaks_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", "") or "").lower().replace("-", "") == "utf8"


def plain(value: Any) -> Any:
    """JSON-able values with names: structs and dataclasses as objects, tuples as lists, moments as ISO 8601."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else _leaf(value)


def _leaf(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def screen_for(*, json: bool) -> Screen:
    """The screen of this process. A stream that was closed before the start (``>&-``) shows nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return Screen(out=_console(sys.stdout), err=_console(sys.stderr), json=json)


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)
