"""What a row is: the fields of a table, their headers, and which of them we own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sheets_catalog.records.values import Kind, Reading, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METAFIELD_HEADER = re.compile(
    r"Metafield:\s*(?P<namespace>[\w$:-]+)\.(?P<key>[\w-]+)\s*\[(?P<type>[\w.]+)\]", re.IGNORECASE
)
"""A metafield column, as Matrixify users know it: ``Metafield: custom.material [single_line_text_field]``."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    `name` is ours, `header` is what people see. `owned`: we write it to the shop. `required`: a blank is refused.
    `on_create_only`: sent when a record is made, fixed afterwards. `limit`: most characters the shop takes.
    """

    name: str
    header: str
    kind: Kind = Kind.TEXT
    owned: bool = True
    required: bool = False
    on_create_only: bool = False
    limit: int | None = None
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    metafield_type: str = ""

    def reading(self, money_digits: int) -> Reading:
        """How its cells are read in a shop whose money has `money_digits` decimals."""
        return Reading(money_digits, self.choices, self.limit)


@dataclass(frozen=True, slots=True)
class Table:
    """One tab: its fields, the fields whose values make the key, and what names a row that has no key yet.

    `key`: field names; the record key is their values joined with ``/``. `natural_keys`: sets of fields that tell rows
    apart while they have no key; the first set whose first field is filled in counts. `noun`: singular, for messages.
    """

    name: str
    title: str
    noun: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    natural_keys: tuple[tuple[str, ...], ...] = ()
    metafields: bool = False
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})

    def with_metafields(self, headers: Iterable[str]) -> Table:
        """The table with a field for each metafield header among `headers` that it does not have yet."""
        if not self.metafields:
            return self
        found = [metafield(header) for header in headers]
        new = {each.name: each for each in found if each and each.name not in self.by_name}
        return replace(self, fields=(*self.fields, *new.values()))

    def key_of(self, values: Mapping[str, Value]) -> str | None:
        """The record key, or None when a part of it is blank."""
        parts = [values.get(name) for name in self.key]
        return None if not all(parts) else "/".join(part for part in parts if part)

    def natural_key_of(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """What tells a row without key from others; empty when nothing does."""
        return next(iter(self.natural_keys_of(values)), ())

    def natural_keys_of(self, values: Mapping[str, Value]) -> list[tuple[str, ...]]:
        """All that a row may be told by; the first one is the one that counts."""
        sets = ((names[0], *(values.get(name) or "" for name in names)) for names in self.natural_keys)
        return [found for found in sets if found[1]]


@dataclass(frozen=True, slots=True)
class Record:
    """One row, or one thing in the shop: its key and canonical values by field name.

    A field that is absent from `values` is not known (no column), which is different from None (blank).
    `updated_at`: ISO 8601, UTC, when the side it comes from says so.
    """

    key: str
    values: Mapping[str, Value]
    updated_at: str = ""


def metafield(header: str) -> Field | None:
    """The field behind a metafield header, or None when it is not one."""
    match = METAFIELD_HEADER.fullmatch(header.strip())
    if match is None:
        return None
    namespace, key, type_ = match["namespace"], match["key"], match["type"].lower()
    return Field(
        name=f"metafields.{namespace}.{key}",
        header=f"Metafield: {namespace}.{key} [{type_}]",
        kind=_METAFIELD_KINDS.get(type_, Kind.TEXT),
        metafield_type=type_,
    )


_METAFIELD_KINDS = {
    "number_integer": Kind.INTEGER,
    "number_decimal": Kind.DECIMAL,
    "boolean": Kind.BOOLEAN,
    "multi_line_text_field": Kind.MULTILINE,
    "rich_text_field": Kind.MULTILINE,
    "json": Kind.MULTILINE,
}
