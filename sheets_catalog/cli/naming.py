"""The connection that command lines in an advice have to name, so that following it reaches the same sheet.

What the flows advise knows no connections: they are names of the command line. `here` says which one a command works
on, and whatever shows an advice passes it through `named`.
"""

from __future__ import annotations

import re
import shlex
from contextvars import ContextVar

DEFAULT = "default"

_ANYWHERE = frozenset({"demo", "sandbox"})
"""Commands that work on no connection."""

_NAME: ContextVar[str] = ContextVar("name of the connection", default="")
_COMMAND = re.compile(r"`(sheets-catalog ([a-z][a-z-]*)[^`]*)`")


def works_on(name: str) -> None:
    """From now on commands are about this connection; empty for none."""
    _NAME.set(name)


def named(text: str) -> str:
    """The text with the connection in every whole command line (``sheets-catalog ...``) that stands in backticks."""
    name = _NAME.get()
    return _COMMAND.sub(lambda found: f"`{_with(found[1], found[2], name)}`", text) if name else text


def _with(command: str, what: str, name: str) -> str:
    if name == DEFAULT or what in _ANYWHERE or "--connection" in command:
        return command
    if what == "connect":
        sides = ("sheets-catalog connect google", "sheets-catalog connect shopify")
        savable = re.fullmatch(r"[A-Za-z0-9_-]+", name) and command.startswith(sides) and "--name" not in command
        return f"{command} --name {name}" if savable else command
    return f"{command} --connection {shlex.quote(name)}"
