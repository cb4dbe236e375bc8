"""What an import tells the audit (EX-5): every record it wrote, with before and after, and every one it did not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.flows.exporting.comparing import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Conflict, Finding
    from sheets_catalog.flows.keyed_writing import RowWrite
    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.records import Record, Value

AT_ONCE = 500
"""Records made for the audit at a time: it writes so many in one go, and 2,000 with all their fields are 10 MB."""


@dataclass(frozen=True, slots=True)
class Telling:
    """The audit of one tab of one import."""

    audit: database.Audit
    session_id: str
    layout: Layout

    def created(self, new: Sequence[Record]) -> None:
        """Rows that were appended; which numbers they have nobody said."""
        columns = [name for name in self.layout.columns if name not in self.layout.table.key]

        def logs() -> Iterator[database.RecordLog]:
            for record in new:
                values = {name: (None, record.values[name]) for name in columns if record.values.get(name) is not None}
                yield self._log(record.key, "create", "done", values, record.values)

        self._tell(logs())

    def overruling(self, edits: Sequence[RowWrite], rows: Mapping[str, Row]) -> None:
        """Rows in which an edit is about to be replaced: stored before it is, should the process die right then.

        `updated` tells the outcome.
        """
        if edits:
            reason = (
                "About to be replaced by the shop's value, as the policy says; the import ended before it told how."
            )
            self._tell(
                self._log(each.key, "update", "pending", each.values, {**rows[each.key].values},
                          row=rows[each.key].number, reason=reason)
                for each in edits
            )  # fmt: skip
            self.audit.flush()

    def updated(
        self, edits: Sequence[RowWrite], rows: Mapping[str, Row], problems: Mapping[int, str], *, adopted: str = ""
    ) -> None:
        """Rows that were written to. What could not be written stands there as unchanged, with the reason.

        `adopted`: marks rows that got their id, which may be told of once more for their values.
        """
        self._tell(
            self._log(
                each.key, "update", "unchanged" if each.item in problems else "done",
                each.values, {**rows[each.key].values}, row=rows[each.key].number,
                reason=problems.get(each.item, ""), mark=adopted,
            )
            for each in edits
        )  # fmt: skip

    def conflicting(self, conflicts: Iterable[Conflict]) -> None:
        """Fields that both sides changed: the sheet's edit stays."""
        self._tell(
            database.RecordLog(
                self.session_id, each.table, each.key, "import", "conflicted",
                operation_key=f"{each.table}/{each.key}/{each.field}", label=each.label, row=each.row,
                changes=(database.FieldChange(each.field, each.shop, each.sheet, each.base),),
                reason="Both sides changed it.", advice="The sheet's value was kept; plan an export to choose.",
            )
            for each in conflicts
        )  # fmt: skip

    def rejected(self, record: Record, row: int | None, findings: Iterable[Finding]) -> None:
        """A record whose row cannot be used, or that cannot have one."""
        label = label_of(self.layout.table, record.values)
        self._tell(
            database.RecordLog(
                self.session_id, self.layout.table.name, record.key, "import", "rejected",
                operation_key=f"{self.layout.table.name}/{record.key}/{number}", label=label, row=row,
                reason=each.message, advice=each.advice,
            )
            for number, each in enumerate(findings)
        )  # fmt: skip

    def _log(
        self, key: str, action: str, status: str, values: Mapping[str, tuple[Value, Value]],
        whole: Mapping[str, Value], *, row: int | None = None, reason: str = "", mark: str = "",
    ) -> database.RecordLog:  # fmt: skip
        table = self.layout.table
        changes = tuple(
            database.FieldChange(name, before, after, side="sheet") for name, (before, after) in values.items()
        )
        return database.RecordLog(
            self.session_id, table.name, key, action, status, operation_key=f"{table.name}/{key}{mark}",
            changes=changes, label=label_of(table, whole), row=row, reason=reason,
        )  # fmt: skip

    def _tell(self, logs: Iterable[database.RecordLog]) -> None:
        waiting = iter(logs)
        while some := list(islice(waiting, AT_ONCE)):
            self.audit.records(some)
