"""A report for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

if TYPE_CHECKING:
    from sheets_catalog.database import Report

SHOWN = 20
"""Records in the table."""


def as_terminal(report: Report, *, shown: int = SHOWN) -> RenderableType:
    """What rich prints: heading, books, figures, the first `shown` records, what needs attention."""
    return Group(report.session.title, str(shown))
