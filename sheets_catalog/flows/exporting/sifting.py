"""First pass: which rows changed since the baseline, without asking the shop anything.

Cost follows the change: only rows whose fingerprints differ are kept in memory and looked up in the shop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
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
    """Sort the rows of a tab. Rows that cannot be read or share a key are rejected as a whole.

    `hidden`: numbers of rows that are left out; it is only noted that they are there.
    """
    sifted = Sifted(layout)
    names = [each.name for each in layout.owned]
    numbers: dict[str, int] = {}
    doubles: dict[str, list[int]] = {}
    unchanged: list[int] = []
    for row in rows:
        if row.key is None or row.key not in baseline:
            sifted.strangers |= dict.fromkeys(layout.table.natural_keys_of(row.values), row.number)
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
    _reject_new_doubles(sifted)
    return sifted


def _reject_doubles(sifted: Sifted, doubles: Mapping[tuple[str, ...], list[int]], unchanged: Sequence[int]) -> None:
    broken = {row for rows in doubles.values() for row in rows}
    already = {finding.row for finding in sifted.findings}
    sifted.findings.extend(double_keys(sifted.layout.table, doubles, "id"))
    sifted.rejected += len(broken - already)
    sifted.changed = [row for row in sifted.changed if row.number not in broken]
    sifted.unchanged = sum(number not in broken for number in unchanged)


def _reject_new_doubles(sifted: Sifted) -> None:
    table, index = sifted.layout.table, KeyIndex()
    for row in sifted.new:
        index.add(row.natural_key(table), row.number)
    doubles = {key: rows for key, rows in index.doubles().items() if key}
    broken = {row for rows in doubles.values() for row in rows}
    sifted.findings.extend(double_keys(table, doubles, "name"))
    sifted.rejected += len(broken)
    sifted.new = [row for row in sifted.new if row.number not in broken]
