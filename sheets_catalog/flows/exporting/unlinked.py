"""Records that an export made and whose id could not be written, because somebody changed their row just then.

The baseline knows such a record by its id, without a word on its fields. A new row that is likely to be its row is held
back: sent as new, it would be made a second time. Where that cannot be told, a warning names the record:

- several new rows may be it, none stands where its row was, and nothing but common values speaks for any of them;
- an import gave the record a row of its own. Both rows then stand in the sheet, and a person has seen the finding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding
from sheets_catalog.jobs.state import REASON
from sheets_catalog.records.values import Kind

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.exporting.sifting import Sifted
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.records import Record, Table

_NAMED = " Its id in the shop is {}."
_KEY = re.compile(re.escape(_NAMED).replace(re.escape("{}"), r"(\d+)") + "$")


def reason(problem: str, key: str) -> str:
    """Why the row of a record that was made did not get its id, with the id, as long as a job's state keeps it.

    The state is what tells later processes of the record: by then it may have got another name in the shop.
    """
    named = _NAMED.format(key)
    return problem[: REASON - len(named)] + named


def key_in(reason: str) -> str:
    """The id that a reason of `reason` names; empty when it names none."""
    found = _KEY.search(reason)
    return found[1] if found else ""


def remember(base: TableBaseline, key: str, row: int) -> None:
    """Note in the baseline that this record was made of the row with that number, and stands in none that is known."""
    if key and key not in base:
        base.agree(key, {})
        base.apart[key] = row


def settle(base: TableBaseline) -> None:
    """Forget that records which have got a row since were made without one: an export has looked at new rows since."""
    base.apart = {key: row for key, row in base.apart.items() if base.without_row(key)}


def missing(base: TableBaseline, present: Container[str] = ()) -> list[str]:
    """Records of the last sync that are not `present`. One that never had a row is not missing: nobody removed it."""
    return [key for key in base.rows if key not in present and not base.without_row(key)]


def withhold(systems: Systems, sifted: Sifted, base: TableBaseline) -> Sifted:
    """Reject new rows that may be the row of a record that has none, each with a finding that names the record.

    New rows that may be such a record's, and are not held back for it, get a warning.
    """
    keys = [key for key in base.apart if base.without_row(key) == (key not in sifted.keys)]
    if not keys or not sifted.new:
        return sifted
    table = sifted.layout.table
    metafields = [each for each in table.fields if each.metafield_type]
    records = systems.catalogue.by_ids(table.name, sorted(keys), metafields).values()
    likely, possible = _suspects(table, sifted.new, [one for one in records if one.key not in sifted.keys], base.apart)
    placed = _suspects(table, sifted.new, [one for one in records if one.key in sifted.keys], base.apart)
    told = ((_held, likely), (_unsure, possible), *((_twice, rows) for rows in placed))
    for row in sifted.new:
        sifted.findings += [tell(table, row, rows[row.number]) for tell, rows in told if row.number in rows][:1]
    sifted.rejected += len(likely)
    sifted.new = [row for row in sifted.new if row.number not in likely]
    return sifted


def _suspects(
    table: Table, rows: Sequence[Row], records: Iterable[Record], made_of: Mapping[str, int]
) -> tuple[dict[int, list[Record]], dict[int, list[Record]]]:
    """By row number, the records that it is likely to be, and those that it may be as well as other rows.

    A new product that has only common values in common with a record is likely to be it when no other row may be, or
    when its number is that of the row the record was made of. A new variant of another product is not.
    """
    likely: dict[int, list[Record]] = {}
    possible: dict[int, list[Record]] = {}
    for record in records:
        alike = [row for row in rows if _alike(table, row, record)]
        certain = [row for row in alike if _distinct(table, row, record)]
        others = alike if table.name == "products" else []
        for row in certain or others:
            found = likely if certain or len(others) == 1 or row.number == made_of[record.key] else possible
            found.setdefault(row.number, []).append(record)
    return likely, {number: found for number, found in possible.items() if number not in likely}


def _alike(table: Table, row: Row, record: Record) -> bool:
    """Whether the row says of the record what the shop has, but for what it is called."""
    names = {name for names in table.natural_keys for name in names}
    filled = (each for each in table.fields if each.owned and row.values.get(each.name) and each.name not in names)
    return all(row.values[each.name] == record.values.get(each.name) for each in filled)


_TELLING = {"products": ("handle", "title"), "variants": ("product_id", "product_handle", "sku", "barcode")}
"""Fields that speak for a row being a record when they are equal: a variant's row stays with its product."""

_TEXTS = {Kind.TEXT, Kind.MULTILINE}
_LONG = 40
"""Characters from which on an equal text is no coincidence; vendors, types, options' names and the like are mostly
shorter."""


def _distinct(table: Table, row: Row, record: Record) -> bool:
    """Whether a value is equal that two records seldom share."""
    same = {name for name, value in row.values.items() if value and value == record.values.get(name)}
    if same.intersection(_TELLING[table.name]):
        return True
    texts = same.intersection(each.name for each in table.fields if each.owned and each.kind in _TEXTS)
    return table.name == "products" and any(len(row.values[name] or "") >= _LONG for name in texts)


def _held(table: Table, row: Row, records: Sequence[Record]) -> Finding:
    header, first = table.by_name[table.key[0]].header, records[0].key
    message = (
        f"This row may be {_named(table, records)}, made by an earlier export while its row was changed; "
        "it is not sent."
    )
    advice = (
        f"Type {first} into “{header}” if it is; if not, import: "
        f"{table.noun} {first} then gets a row of its own, and this one is sent as a new one."
    )
    return Finding("error", "unlinked", table.title, row.number, header, "", message, advice)


def _unsure(table: Table, row: Row, records: Sequence[Record]) -> Finding:
    header = table.by_name[table.key[0]].header
    message = (
        f"This row or another new one may be {_named(table, records)}, made by an earlier export while its row was "
        "changed; it is sent as a new one."
    )
    advice = f"Before you apply, type {records[0].key} into “{header}” of the row that is, if one is."
    return Finding("warning", "unlinked", table.title, row.number, header, "", message, advice)


def _twice(table: Table, row: Row, records: Sequence[Record]) -> Finding:
    header = table.by_name[table.key[0]].header
    message = (
        f"This row may be what {_named(table, records)} was made of, which has a row of its own since; "
        "it is sent as a new one."
    )
    advice = f"Before you apply, delete this row if it is meant to be {table.noun} {records[0].key}."
    return Finding("warning", "unlinked", table.title, row.number, header, "", message, advice)


def _named(table: Table, records: Sequence[Record]) -> str:
    return f"{table.noun} {', '.join(record.key for record in records)}"
