"""Of a staging or a delivery people read a task at a time, while the audit has a line for every step of it.

A task may have a finding of the plan, each move of its status, its outcome and the list of its files. They are one
entry here; `machine` has every line. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sheets_catalog.database.entries import DONE, FieldChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sheets_catalog.database import RecordEntry, Report

FLOWS = frozenset({"stage", "deliver"})
"""Flows whose records are tasks."""

_FOUND, _STEPS = "plan", frozenset({"status", "manifest"})
"""Actions of lines that are about a task which has an outcome as well."""


def one_each(report: Report) -> Report:
    """The report with one record for each task; any other flow's report as it is.

    `records_total` is the number of entries. Where the report holds only the first lines of a very long audit, it is at
    least the number of tasks that the books speak of.
    """
    if report.session.flow not in FLOWS:
        return report
    records = tuple(_folded(report.records))
    whole = len(report.records) >= report.records_total
    total = len(records) if whole else max(len(records), report.session.books.planned)
    return replace(report, records=records, records_total=total)


def _folded(records: Sequence[RecordEntry]) -> Iterable[RecordEntry]:
    """Each outcome with what belongs to it; lines that belong to no outcome stay, in their places."""
    outcomes = {each.record_key: each for each in records if each.action not in {*_STEPS, _FOUND}}
    rows = {each.row for each in outcomes.values() if each.row is not None}
    steps, advice = _by_key(records), _by_row(records)
    for each in records:
        outcome = outcomes.get(each.record_key)
        if each.action == _FOUND and each.row in rows:
            continue
        if each.action in _STEPS and outcome is not None and (each.status == DONE or outcome.status != DONE):
            continue
        yield _whole(each, steps.get(each.record_key, ()), advice.get(each.row, "")) if outcome is each else each


def _by_key(records: Iterable[RecordEntry]) -> Mapping[str, Sequence[RecordEntry]]:
    """What was done in steps, oldest first, by task."""
    found: dict[str, list[RecordEntry]] = {}
    for each in sorted(records, key=lambda record: record.at):
        if each.action in _STEPS and each.status == DONE:
            found.setdefault(each.record_key, []).append(each)
    return found


def _by_row(records: Iterable[RecordEntry]) -> Mapping[int | None, str]:
    """What the findings of a row advise, each advice once."""
    found: dict[int | None, dict[str, None]] = {}
    for each in records:
        if each.action == _FOUND and each.advice:
            found.setdefault(each.row, {})[each.advice] = None
    return {row: " ".join(advice) for row, advice in found.items()}


def _whole(outcome: RecordEntry, steps: Sequence[RecordEntry], advice: str) -> RecordEntry:
    """An outcome with the advice of its findings; a good one with what was written of it, from first to last."""
    told = outcome.advice or advice
    if outcome.status != DONE:
        return replace(outcome, advice=told, changes=())
    changes = _from_first_to_last(change for each in (*steps, outcome) for change in each.changes)
    return replace(outcome, advice=told, changes=changes)


def _from_first_to_last(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """One change a field: its first value before and its last one after."""
    found: dict[str, FieldChange] = {}
    for each in changes:
        first = found.setdefault(each.field, each)
        found[each.field] = replace(first, after=each.after, intact=first.intact and each.intact)
    return tuple(found.values())
