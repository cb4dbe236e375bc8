"""What sheet and shop agree on of a change, as baseline and shop show it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sheets_catalog.changes.baseline import Baseline
    from sheets_catalog.changes.plan import Change, FieldChange
    from sheets_catalog.records import Record


WAITING = "Another field of this record waits for a choice in “Conflicts”."
LEFT = "Another field of this record was left as it is."
PARTLY = frozenset({WAITING, LEFT})
"""Reasons of a record that counts as in conflict although all that was planned for it was done."""

UNWRITTEN = "Not written into the sheet: "
"""Begins the reason of a record of which the shop has what was planned, and the sheet does not, or not all of it."""


def agreed_on(change: Change, result: Result, reason: str) -> Sequence[FieldChange]:
    """The fields of which both sides have what was planned: all, or those that the sheet had already."""
    if result is Result.DONE or (result is Result.CONFLICTED and reason in PARTLY):
        return change.fields
    if result is Result.CONFLICTED and change.action == "update" and reason.startswith(UNWRITTEN):
        return of_shop_alone(change)
    return ()


def made_without_row(changes: Sequence[Change], reasons: Mapping[int, str]) -> list[int]:
    """New records that were made, and whose row did not get their id, as the reasons of a job's state tell."""
    told = [item for item, reason in reasons.items() if reason.startswith(UNWRITTEN)]
    return [item for item in told if changes[item].action == "create"]


def of_shop_alone(change: Change) -> Sequence[FieldChange]:
    """The fields that are sent and that the sheet had already: once the shop has them, both sides agree."""
    written = {each.field for each in change.on("sheet")}
    return [each for each in change.on("shop") if each.field not in written]


def may_be_half_sent(change: Change, result: Result) -> bool:
    """Whether some of a change that ended like this may have been sent, and the rest not."""
    ended = result in {Result.REJECTED, Result.CONFLICTED}
    return ended and change.action == "update" and len(change.on("shop")) > 1


def sent_of(change: Change, record: Record | None) -> Sequence[FieldChange]:
    """The fields that the sheet had already, and of which the shop has what was planned."""
    return [each for each in of_shop_alone(change) if record and record.values.get(each.field) == each.after]


def untouched(change: Change, baseline: Baseline) -> bool:
    """Whether the baseline still has what stood there when this was planned.

    Of a field that both sides had edited the plan does not say what was agreed on before.
    """
    marks = baseline.table(change.table).marks(change.key)
    decided = [each for each in change.fields if each.loser is None]
    return all(marks.get(each.field) in {None, fingerprint(each.before)} for each in decided)


def forgotten(change: Change, baseline: Baseline) -> bool:
    """Whether the baseline knew an updated record when this was planned, and does not now: another run forgot it.

    It has no row then. Noted again, it would be one whose row a person has removed, and might be deleted for it.
    """
    known = change.action == "update" and any(each.loser is None for each in change.fields)
    return known and change.key not in baseline.table(change.table)


def as_left(fields: Iterable[FieldChange], record: Record | None) -> bool:
    """Whether the shop has what was sent of these fields, or was taken from it."""
    return record is not None and all(record.values.get(each.field) == each.after for each in fields)
