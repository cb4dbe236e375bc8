"""Records that an export made and whose id could not be written, because somebody changed their row just then.

The baseline knows such a record by its id, without a word on its fields. A new row that may be its row is held back:
sent as new, it would be made a second time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding
from sheets_catalog.jobs.state import REASON

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

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


def remember(base: TableBaseline, key: str) -> None:
    """Note in the baseline that this record was made, and stands in no row as far as is known."""
    if key and key not in base:
        base.agree(key, {})


def missing(base: TableBaseline, present: Container[str] = ()) -> list[str]:
    """Records of the last sync that are not `present`. One that never had a row is not missing: nobody removed it."""
    return [key for key in base.rows if key not in present and not base.bare(key)]


def withhold(systems: Systems, sifted: Sifted, base: TableBaseline) -> Sifted:
    """Reject new rows that may be the row of a record that has none, each with a finding that names the record."""
    table = sifted.layout.table
    keys = [key for key in base.rows if key not in sifted.keys and base.bare(key)] if sifted.new else []
    metafields = [each for each in table.fields if each.metafield_type]
    records = list(systems.catalogue.by_ids(table.name, keys, metafields).values()) if keys else []
    held = {
        row.number: found for row in sifted.new if (found := [each for each in records if _alike(table, row, each)])
    }
    sifted.findings += [_finding(table, row, held[row.number]) for row in sifted.new if row.number in held]
    sifted.rejected += len(held)
    sifted.new = [row for row in sifted.new if row.number not in held]
    return sifted


def _alike(table: Table, row: Row, record: Record) -> bool:
    """Whether the row says of the record what the shop has, but for what it is called."""
    names = {name for names in table.natural_keys for name in names}
    filled = (each for each in table.fields if each.owned and row.values.get(each.name) and each.name not in names)
    return all(row.values[each.name] == record.values.get(each.name) for each in filled)


def _finding(table: Table, row: Row, records: Sequence[Record]) -> Finding:
    header, first = table.by_name[table.key[0]].header, records[0].key
    ids = ", ".join(record.key for record in records)
    return Finding(
        "error",
        "unlinked",
        table.title,
        row.number,
        header,
        "",
        f"This row may be {table.noun} {ids}, made by an earlier export while its row was changed; it is not sent.",
        f"Type {first} into “{header}” if it is; if not, import: {table.noun} {first} then gets a row of its own.",
    )
