"""Sheets Catalog: plan, apply and prove changes between Google Sheets and the systems beside them.

The whole public surface is here; everything else is private and may change::

    from sheets_catalog import ExportOptions, apply, load_connection, open_audit, open_systems, plan_export, store

    systems = open_systems(load_connection("my-shop"))
    plan = plan_export(systems, ExportOptions(policy="ask"))     # reads only
    job = store(systems, plan)                                    # the plan as a job file in Drive
    result = apply(systems, open_audit(systems.connection), job)  # sends it; the same call resumes it
    assert result.books.balanced

`staging` and `delivery` are the two phases of exporting tasks' files, with `apply` and `store` of their own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sheets_catalog.books import Books
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.errors import SheetsCatalogError
    from sheets_catalog.flows import delivery, staging
    from sheets_catalog.flows.auditing import open_audit
    from sheets_catalog.flows.connection import Connection, open_systems
    from sheets_catalog.flows.connection import load as load_connection
    from sheets_catalog.flows.exporting import ExportOptions, JobResult, apply, plan_export, store
    from sheets_catalog.flows.importing import ImportOptions, import_catalogue
    from sheets_catalog.flows.undoing import plan_undo
    from sheets_catalog.flows.verification import verify
    from sheets_catalog.jobs.runner import Limits

__version__ = "0.1.0"

__all__ = [
    "Audit",
    "Books",
    "Connection",
    "ExportOptions",
    "ImportOptions",
    "JobResult",
    "Limits",
    "Plan",
    "SheetsCatalogError",
    "apply",
    "delivery",
    "import_catalogue",
    "load_connection",
    "open_audit",
    "open_systems",
    "plan_export",
    "plan_undo",
    "staging",
    "store",
    "verify",
]

_HOMES = {
    "books": ("Books",),
    "changes.plan": ("Plan",),
    "database": ("Audit",),
    "errors": ("SheetsCatalogError",),
    "flows.auditing": ("open_audit",),
    "flows.connection": ("Connection", "open_systems", "load_connection"),
    "flows.exporting": ("ExportOptions", "JobResult", "apply", "plan_export", "store"),
    "flows.importing": ("ImportOptions", "import_catalogue"),
    "flows.undoing": ("plan_undo",),
    "flows.verification": ("verify",),
    "jobs.runner": ("Limits",),
}
_MODULES = {"delivery": "flows.delivery", "staging": "flows.staging"}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `sheets-catalog --help` need not load a database first."""
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), "load" if name == "load_connection" else name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
