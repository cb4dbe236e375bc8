"""What a row is: fields, kinds, keys and the canonical form of every value."""

from __future__ import annotations

from sheets_catalog.records.catalogue import INVENTORY, PRODUCTS, TABLES, VARIANTS
from sheets_catalog.records.tables import Field, Record, Table, metafield
from sheets_catalog.records.values import BadValueError, Cell, Kind, Reading, Value, read_cell, write_cell

__all__ = [
    "INVENTORY",
    "PRODUCTS",
    "TABLES",
    "VARIANTS",
    "BadValueError",
    "Cell",
    "Field",
    "Kind",
    "Reading",
    "Record",
    "Table",
    "Value",
    "metafield",
    "read_cell",
    "write_cell",
]
