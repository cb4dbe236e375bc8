"""First pass: which rows changed since the baseline, without asking the shop anything.

Cost follows the change: only rows whose fingerprints differ are kept in memory and looked up in the shop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.flows.exporting.creating import names_of
from sheets_catalog.flows.tabs import KeyIndex, double_keys

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.changes.plan import Finding
    from sheets_catalog.flows.tabs import Layout, Row


@dataclass(slots=True)
class Sifted:
    """The rows of one tab, sorted.

    `unchanged` and `rejected` are counts; `changed` rows have a key, `new` rows have none. `keys` are all keys seen
    (of rejected and hidden rows too: their records are not missing from the sheet), and `strangers` the natural keys,
    with row numbers, of the rows whose key did not stand there at the last sync: one of them may be a record that lost
    its id.
    """

    layout: Layout
    unchanged: int = 0
    rejected: int = 0
    changed: list[Row] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    strangers: dict[tuple[str, ...], int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """All rows with something in them."""
        return self.unchanged + self.rejected + len(self.changed) + len(self.new)


def sift(layout: Layout, rows: Iterable[Row], baseline: TableBaseline, hidden: Container[int] = ()) -> Sifted:
    """Sort the rows of a tab. Rows that cannot be read, share a key, or share a name without a key are rejected.

    `hidden`: numbers of rows that are left out; it is only noted that they are there. New rows are held against them
    too: the id of what is made of a row could not be written while another one without id has its name.
    """
    sifted = Sifted(layout)
    names = [each.name for each in layout.owned]
    numbers: dict[str, int] = {}
    doubles: dict[str, list[int]] = {}
    unchanged: list[int] = []
    nameless = KeyIndex()
    for row in rows:
        if row.key is None:
            nameless.add(row.natural_key(layout.table), row.number)
        if row.key is None or row.key not in baseline:
            sifted.strangers |= dict.fromkeys(names_of(layout.table, row), row.number)
        if row.number in hidden:
            sifted.keys |= {row.key} if row.key else set()
            continue
        if row.key and numbers.setdefault(row.key, row.number) != row.number:
            doubles.setdefault(row.key, [numbers[row.key]]).append(row.number)
        if row.findings:
            sifted.findings.extend(row.findings)
            sifted.rejected += 1
        elif row.key is None:
            sifted.new.append(row)
        elif row.known or baseline.unchanged(row.key, {name: fingerprint(row.values[name]) for name in names}):
            unchanged.append(row.number)
        else:
            sifted.changed.append(row)
    sifted.keys.update(numbers)
    _reject_doubles(sifted, {(key,): found for key, found in doubles.items()}, unchanged)
    _reject_new_doubles(sifted, nameless)
    return sifted


def _reject_doubles(sifted: Sifted, doubles: Mapping[tuple[str, ...], list[int]], unchanged: Sequence[int]) -> None:
    broken = {row for rows in doubles.values() for row in rows}
    already = {finding.row for finding in sifted.findings}
    sifted.findings.extend(double_keys(sifted.layout.table, doubles, "id"))
    sifted.rejected += len(broken - already)
    sifted.changed = [row for row in sifted.changed if row.number not in broken]
    sifted.unchanged = sum(number not in broken for number in unchanged)


def _reject_new_doubles(sifted: Sifted, nameless: KeyIndex) -> None:
    """`nameless`: all rows without key, by natural key; those that are rejected or hidden keep what they are."""
    doubles = {key: rows for key, rows in nameless.doubles().items() if key}
    broken = {row.number for row in sifted.new} & {row for rows in doubles.values() for row in rows}
    found = double_keys(sifted.layout.table, doubles, "name")
    sifted.findings.extend(finding for finding in found if finding.row in broken)
    sifted.rejected += len(broken)
    sifted.new = [row for row in sifted.new if row.number not in broken]
