"""The pages of one table against the rows of one tab: which records are new, which differ, who keeps what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sheets_catalog.changes.compare import UNKNOWN, Policy, Unknown, Verdict, decide, winner
from sheets_catalog.changes.fingerprints import fingerprint, shown
from sheets_catalog.changes.plan import Conflict, Finding
from sheets_catalog.flows.exporting.comparing import label_of
from sheets_catalog.flows.importing.writing import ROWS_AT_ONCE, unwritten
from sheets_catalog.flows.keyed_writing import RowWrite
from sheets_catalog.google.cells import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.flows.importing.counting import TableCounts
    from sheets_catalog.flows.importing.telling import Telling
    from sheets_catalog.flows.importing.writing import TabWriter
    from sheets_catalog.flows.reading import TabReader
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.records import Record, Table, Value


@dataclass(slots=True)
class Merging:
    """One table under way. `rows`: by key; `nameless`: rows without id, by what they call their record.

    `overruled`: keys of rows in which an edit will be replaced by the shop's value, as the policy says.
    """

    reader: TabReader
    base: TableBaseline
    writer: TabWriter
    policy: Policy
    counts: TableCounts
    findings: list[Finding]
    telling: Telling
    rows: dict[str, Row] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)
    nameless: dict[tuple[str, ...], Row] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    waiting: list[Record] = field(default_factory=list)
    edits: list[RowWrite] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    in_conflict: set[str] = field(default_factory=set)
    overruled: set[str] = field(default_factory=set)
    told: str = ""

    def read_rows(self) -> None:
        """Read the tab as it is."""
        self.told = self.reader.told
        for row in self.reader.rows():
            if row.key:
                if row.key in self.rows:
                    self.doubles.add(row.key)
                self.rows[row.key] = row
            elif not row.findings:
                self.nameless[row.natural_key(self._table)] = row
        self.nameless.pop((), None)

    def take(self, page: Sequence[Record]) -> None:
        """Compare a page of the shop's records with the rows, and write what has come together."""
        records = [record for record in page if record.key not in self.seen]
        self.seen.update(record.key for record in page)
        self.counts.read += len(records)
        self._adopt(records)
        for record in records:
            row = self.rows.get(record.key)
            if findings := self._unusable(record, row):
                self._reject(record, row, findings)
            elif row is None:
                self.waiting.append(record)
            else:
                self._existing(record, row)
        self.telling.conflicting(self.conflicts)
        self.conflicts.clear()
        self._write(at_least=ROWS_AT_ONCE)

    def finish(self) -> None:
        """Write what is left, and note what the shop does not have any more.

        A list may miss a record: what it did not show is asked for by its id before it is called gone.
        """
        unseen = [key for key in self.rows if key not in self.seen]
        metafields = [each for each in self._table.fields if each.metafield_type]
        found = self.writer.systems.catalogue.by_ids(self._table.name, unseen, metafields) if unseen else {}
        self.take(list(found.values()))
        self._write(at_least=1)
        if self.counts.new:
            self.writer.leave_room(len(self.rows) + self.counts.new)
        gone = [key for key in unseen if key not in found]
        self.counts.deleted_in_shop = len(gone)
        if gone:
            self.findings.append(_gone(self._table, gone, self.rows))

    @property
    def _table(self) -> Table:
        return self.reader.layout.table

    def _adopt(self, records: Sequence[Record]) -> None:
        """Rows without id that name a record of the shop (by handle, by product and options) get its id."""
        found: dict[int, tuple[Record, Row, tuple[str, ...]]] = {}
        for record in records if self.nameless else ():
            for name in _names(self._table, record):
                row = self.nameless.pop(name, None) if record.key not in self.rows else None
                if row is not None:
                    found[len(found)] = (record, row, name)
        ids = [name for name in self._table.key if name in self.reader.layout.columns]
        writes = [
            RowWrite(number, "", name, {each: (None, record.values[each]) for each in ids})
            for number, (record, _, name) in found.items()
        ]
        problems = self.writer.adopt(writes)
        adopted = {number: record.key for number, (record, _, _) in found.items() if number not in problems}
        self.rows |= {key: found[number][1] for number, key in adopted.items()}
        written = [replace(each, key=adopted[each.item]) for each in writes if each.item in adopted]
        self.telling.updated(written, self.rows, {}, adopted="/id")

    def _unusable(self, record: Record, row: Row | None) -> Sequence[Finding]:
        """Why this record's row cannot be used; nothing when it can."""
        if row is not None and row.findings:
            return row.findings
        if row is not None and record.key in self.doubles:
            return [_double(self._table, record.key, row.number)]
        return _too_long(self._table, record, row, self.reader.layout.columns)

    def _reject(self, record: Record, row: Row | None, findings: Sequence[Finding]) -> None:
        self.counts.rejected += 1
        self.findings.extend(findings)
        self.telling.rejected(record, row.number if row else None, findings)
        if row is None and not self.base.without_row(record.key):
            self.base.forget([record.key])  # else the next export might delete it, as if a person had removed its row

    def _existing(self, record: Record, row: Row) -> None:
        todo: dict[str, tuple[Value, Value]] = {}
        agreed: dict[str, str] = {}
        kept = False
        conflicts: list[Conflict] = []
        marks = self.base.marks(record.key)
        for each in self._table.fields:
            if each.name not in self.reader.layout.columns or each.name not in record.values:
                continue
            mine, theirs = row.values[each.name], record.values[each.name]
            base = marks.get(each.name, UNKNOWN)
            verdict = self._verdict(record, mine, base, theirs, owned=each.owned)
            if verdict is Verdict.FETCH:
                todo[each.name] = (mine, theirs)
            elif verdict is Verdict.AGREED and each.owned:
                agreed[each.name] = fingerprint(theirs)
            kept |= verdict is Verdict.SEND
            if verdict is Verdict.CONFLICT:
                conflicts.append(_conflict(self._table, record, row, each.name, marks.get(each.name)))
        if agreed and not self.base.unchanged(record.key, agreed):
            self.base.agree(record.key, agreed)
        if todo:
            self.edits.append(RowWrite(len(self.edits), record.key, (), todo))
        elif len(agreed) == len(self.reader.layout.owned):
            self.base.saw(record.key, row.look, self.told)
        self.conflicts += conflicts
        if conflicts:
            self.in_conflict.add(record.key)
        self.counts.conflicted += bool(conflicts)
        self.counts.updated += bool(todo) and not conflicts
        self.counts.kept += kept and not todo and not conflicts
        self.counts.unchanged += not (kept or todo or conflicts)

    def _verdict(self, record: Record, mine: Value, base: str | Unknown, theirs: Value, *, owned: bool) -> Verdict:
        """Columns that only inform always follow the shop; in the others a person's edit stays."""
        if not owned:
            return Verdict.AGREED if mine == theirs else Verdict.FETCH
        verdict = decide(mine, base, theirs)
        if verdict is Verdict.LEAVE and mine is None and base is UNKNOWN:
            return Verdict.FETCH  # a blank that never was anything is filled in
        if verdict is Verdict.CONFLICT:
            won = winner(self.policy, sheet_edited_at="", shop_updated_at=record.updated_at)
            self.overruled |= {record.key} if won == "shop" else set()
            return {"shop": Verdict.FETCH, "sheet": Verdict.SEND}.get(won or "", Verdict.CONFLICT)
        return verdict

    def _write(self, at_least: int) -> None:
        """Write the edits, and the new records, of which so many have come together."""
        if len(self.edits) >= at_least:
            edits, self.edits = self.edits, []
            self.telling.overruling([each for each in edits if each.key in self.overruled], self.rows)
            problems = self.writer.edit(edits)
            self.telling.updated(edits, self.rows, problems)
            for each in [each for each in edits if each.item in problems]:
                self.findings.append(unwritten(self._table, each, self.rows[each.key], problems[each.item]))
                if each.key not in self.in_conflict:
                    self.counts.updated -= 1
                    self.counts.kept += 1
        if len(self.waiting) >= at_least:
            new, self.waiting = self.waiting, []
            self.writer.append(new)
            self.telling.created(new)
            self.counts.new += len(new)


def _names(table: Table, record: Record) -> list[tuple[str, ...]]:
    """What a row without id may call this record; a new variant's row may name its product by handle alone."""
    names = [table.natural_key_of(record.values), table.natural_key_of({**record.values, "product_id": None})]
    return [name for name in dict.fromkeys(names) if name]


def _double(table: Table, key: str, row: int) -> Finding:
    header = table.by_name[table.key[0]].header
    return Finding(
        "error", "duplicate_key", table.title, row, header, key,
        "Several rows have this id; none of them was updated.", "Keep one of these rows.",
    )  # fmt: skip


def _too_long(table: Table, record: Record, row: Row | None, columns: Collection[str]) -> list[Finding]:
    """The texts of the shop that no cell can hold: cut to fit, the next export would send what was left of them."""
    stays = "The row was left as it is" if row else "The record got no row"
    return [
        Finding(
            "error", "too_long", table.title, row.number if row else 0, table.by_name[name].header, record.key,
            f"{label_of(table, record.values)}: the shop has a text of {len(value):,} characters, "
            f"and a cell holds at most {LONGEST_TEXT:,}. {stays}.",
            "Shorten the text in the shop, then import; everything else was imported.",
        )
        for name, value in record.values.items()
        if value is not None and name in columns and len(value) > LONGEST_TEXT
    ]  # fmt: skip


def _conflict(table: Table, record: Record, row: Row, name: str, mark: str | None) -> Conflict:
    base = (shown(mark) or None) if mark is not None else None
    label = label_of(table, record.values)
    mine, theirs = row.values[name], record.values[name]
    return Conflict(table.name, record.key, label, row.number, name, base, mine, theirs, base_known=mark is not None)


def _gone(table: Table, keys: Sequence[str], rows: Mapping[str, Row]) -> Finding:
    numbers = ", ".join(str(rows[key].number) for key in keys[:10]) + (" …" if len(keys) > len(keys[:10]) else "")
    return Finding(
        "warning",
        "deleted_in_shop",
        table.title,
        rows[keys[0]].number,
        table.by_name[table.key[0]].header,
        keys[0],
        f"{_counted(len(keys), table.noun)} no longer in the shop (rows {numbers}). Nothing was done to these rows.",
        "Delete these rows, or clear their id to make them anew.",
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"
