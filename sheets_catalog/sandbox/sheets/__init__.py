"""Google Sheets v4 of the sandbox: a grid engine with Google's rules behind Google's wire protocol."""

from __future__ import annotations

from sheets_catalog.sandbox.sheets.service import Sheets

__all__ = ["Sheets"]
