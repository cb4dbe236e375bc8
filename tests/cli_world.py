"""What the tests of the command line share: how a command ended, a person at a tab, the ledger, printed views."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from sandboxed import Desk

COMMAND = [sys.executable, "-c", "from sheets_catalog.cli.main import run; run()"]


@dataclass(frozen=True)
class Ended:
    """A command that came to its end."""

    status: int
    out: str
    err: str

    @property
    def told(self):
        """The one JSON object on stdout."""
        lines = [line for line in self.out.splitlines() if line.strip()]
        assert len(lines) == 1, f"expected exactly one line on stdout, found {len(lines)}: {self.out!r}"
        return json.loads(lines[0])


class Sheet:
    """A tab as a person sees it, by header."""

    def __init__(self, at: Desk, title: str) -> None:
        self.tab = at.person().worksheet(title)
        self.header = self.tab.row_values(1)

    def put(self, row, header, value):
        self.tab.update_cell(row, self.header.index(header) + 1, value)

    def cell(self, row, header):
        return self.tab.cell(row, self.header.index(header) + 1).value

    def add(self, **cells):
        values = [cells.get(name.replace(" ", "_"), "") for name in self.header]
        self.tab.append_row(values, value_input_option="USER_ENTERED", table_range="A1")


def shop_effects(at, since):
    """What changed in the shop since line `since` of the ledger."""
    return [line for line in at.ledger(since) if line["service"] == "shopify"]


def printed(*renderables, width=80):
    """What a terminal of this width shows, without colours. Markup and highlighting are on: data must not use them."""
    file = io.StringIO()
    Console(file=file, width=width, markup=True, highlight=True, color_system=None).print(*renderables, sep="\n")
    return file.getvalue().rstrip("\n")
