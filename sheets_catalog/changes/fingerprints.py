"""Fingerprints: what a baseline keeps of a value.

A short value is its own fingerprint, so that a conflict can show the base value; a long one is hashed. Either way two
values are equal exactly when their fingerprints are (up to a 96-bit hash).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sheets_catalog.records import Record, Value

LONGEST_KEPT = 40
"""Bytes of UTF-8 up to which a value is kept as it is: prices, stock, handles, most titles and tags."""

LONGEST_SHOWN = 40_000

_HASHED = "\x00"  # Sheets and Shopify both refuse NUL in text, so no kept value starts with it


def fingerprint(value: Value) -> str:
    """The fingerprint of a value; ``""`` for nothing, which is no value's canonical text."""
    if value is None:
        return ""
    if len(value) <= LONGEST_KEPT and value.isascii() and not value.startswith(_HASHED):
        return value  # one byte a character
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) <= LONGEST_KEPT and not value.startswith(_HASHED):
        return value
    return _HASHED + blake2b(raw, digest_size=12).hexdigest()


def fingerprint_of(records: Iterable[Record]) -> str:
    """One mark for records with all their values, in whatever order they come; a blank is as a field not known."""
    content = sorted(
        (each.key, sorted((name, value) for name, value in each.values.items() if value)) for each in records
    )
    return blake2b(msgspec.json.encode(content), digest_size=16).hexdigest()


def shown(mark: str) -> str:
    """What a person sees for a fingerprint: the value itself, or that it was long."""
    return "(long text, not kept)" if mark.startswith(_HASHED) else mark


def clipped(value: Value) -> str:
    """A value as a cell can show it: a cell holds 50,000 characters."""
    text = value or ""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({len(text)} characters)"
