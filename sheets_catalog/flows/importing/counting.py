"""What a person may choose of an import, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.books import Books
from sheets_catalog.changes.compare import Policy  # noqa: TC001 - part of a public dataclass
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.changes.plan import Finding
    from sheets_catalog.jobs.retry import Figures


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person may choose.

    `policy`: who wins where both sides changed (under ``ask`` the sheet's edit stays and is reported). `metafields`:
    headers of metafield columns to add, such as ``Metafield: custom.material [single_line_text_field]``, to Products,
    or with ``variants:`` in front to Variants.
    """

    tables: tuple[str, ...] = tuple(TABLES)
    policy: Policy = "ask"
    page: int = 250
    metafields: tuple[str, ...] = ()
    actor: str = ""


@dataclass(slots=True)
class TableCounts:
    """What happened in one tab. Of records read: new, updated, unchanged, kept (edited in the sheet), conflicted."""

    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    conflicted: int = 0
    rejected: int = 0
    deleted_in_shop: int = 0

    @property
    def books(self) -> Books:
        """Kept edits count as unchanged: nothing was to be done for them."""
        return Books(
            planned=self.read,
            done=self.new + self.updated,
            unchanged=self.unchanged + self.kept,
            rejected=self.rejected,
            conflicted=self.conflicted,
        )


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did."""

    books: Books
    tables: Mapping[str, TableCounts]
    findings: tuple[Finding, ...]
    figures: Figures
    session_id: str
