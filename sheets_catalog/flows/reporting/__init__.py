"""Turn the audit of one job into something to read: JSON, CSV, one self-contained HTML page, or the terminal (EX-5).

Pure: a `sheets_catalog.database.Report` goes in, text or a value comes out. Nothing is read or written here.
"""

from __future__ import annotations

from sheets_catalog.flows.reporting.machine import as_csv, as_json, csv_lines
from sheets_catalog.flows.reporting.page import SHOWN as MOST
from sheets_catalog.flows.reporting.page import as_html
from sheets_catalog.flows.reporting.terminal import as_terminal

__all__ = ["MOST", "as_csv", "as_html", "as_json", "as_terminal", "csv_lines"]
