"""Which tasks go in, and why the others stay out (SD-3). Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import InputError
from sheets_catalog.flows.near import nearest
from sheets_catalog.flows.tasks.sheet import doubles, status_of
from sheets_catalog.records.tasks import COMPLETE, FAILED, PASSED, PENDING, ExportStatus, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from sheets_catalog.flows.tabs import Row

REVIEWS = (PASSED, FAILED, PENDING)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Empty or None: all.

    The three `include` switches let in what is kept out by default: tasks that were not reviewed, tasks whose review
    failed, tasks that are staged or delivered already. `retry`: of this batch the tasks whose staging
    failed, whatever their review says; the other filters narrow them.
    """

    task_ids: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    review_statuses: tuple[str, ...] = ()
    score_min: float | None = None
    score_max: float | None = None
    reviewers: tuple[str, ...] = ()
    include_unreviewed: bool = False
    include_failed: bool = False
    include_exported: bool = False
    retry: str = ""

    def __post_init__(self) -> None:
        unknown = [word for word in self.review_statuses if word.casefold() not in REVIEWS]
        if unknown:
            raise InputError(f"Found the review status “{unknown[0]}”, expected one of: {', '.join(REVIEWS)}.")
        for score in (self.score_min, self.score_max):
            if score is not None and not math.isfinite(score):
                raise InputError(f"Found the score {score}, expected a number.")
        if self.since and self.until and self.since > self.until:
            raise InputError(f"Found a range of days from {self.since} to {self.until}, which holds none.")
        if self.score_min is not None and self.score_max is not None and self.score_min > self.score_max:
            found = f"from {self.score_min:g} to {self.score_max:g}"
            raise InputError(f"Found a range of scores {found}, which holds none.")


@dataclass(frozen=True, slots=True)
class Left:
    """A task that stays out. `rule` groups the reasons."""

    task_id: str
    label: str
    row: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen. `findings`: warnings of overrides, and rows that cannot be read."""

    chosen: tuple[Row, ...]
    left: tuple[Left, ...]
    findings: tuple[Finding, ...] = ()

    def reasons(self) -> dict[str, int]:
        """How many tasks stay out, by rule."""
        return dict(Counter(each.rule for each in self.left))


def select(rows: Sequence[Row], filters: Filters, tab: str) -> Selection:
    """Sort all tasks into those that go in and those that do not, each with its reason."""
    twice = doubles(rows)
    chosen: list[Row] = []
    left: list[Left] = []
    findings: list[Finding] = []
    for row in rows:
        problem = _unreadable(row, twice, tab)
        if problem:
            findings.append(problem)
            left.append(_left(row, problem.rule, problem.message))
            continue
        reason = next(_reasons(row, filters), None)
        if reason:
            left.append(_left(row, *reason))
        else:
            chosen.append(row)
    findings += _warnings(chosen, filters, tab)
    known = [row.key for row in rows if row.key]
    findings += [_unknown(task_id, tab, known) for task_id in sorted(set(filters.task_ids) - set(known))]
    findings += _nobodys(rows, filters, tab)
    return Selection(tuple(chosen), tuple(left), tuple(findings))


def _left(row: Row, rule: str, reason: str) -> Left:
    return Left(row.key or "", label_of(row), row.number, rule, reason)


def label_of(row: Row) -> str:
    """What people call a task."""
    return row.values.get("folder_name") or row.key or f"row {row.number}"


def _unreadable(row: Row, twice: frozenset[str], tab: str) -> Finding | None:
    """The first thing that makes a row unfit to be read at all."""
    if row.findings:
        return row.findings[0]
    found: tuple[str, str, str, str] | None = None
    if not row.key:
        message = "The task has no id; without one no row can be told from another."
        found = ("missing_id", "Task ID", message, "Give it one.")
    elif row.key in twice:
        found = ("duplicate_id", "Task ID", f"Several rows have the task id “{row.key}”.", "Give each task its own id.")
    else:
        found = _bad_words(row)
    if found is None:
        return None
    rule, column, message, advice = found
    return Finding("error", rule, tab, row.number, column, row.key or "", message, advice)


def _bad_words(row: Row) -> tuple[str, str, str, str] | None:
    try:
        status_of(row)
    except InputError as error:
        return "unknown_status", "Export Status", error.message, error.advice
    try:
        day_of(row.values.get("completed"))
    except InputError as error:
        return "bad_date", "Completed", error.message, error.advice
    return None


def _reasons(row: Row, filters: Filters) -> Iterator[tuple[str, str]]:
    """(rule, reason) for everything that keeps a task out, the most telling first."""
    values = row.values
    if filters.task_ids and row.key not in filters.task_ids:
        yield "not_asked_for", "It was not asked for."
    if filters.retry:
        if values.get("export_batch_id") != filters.retry or status_of(row) is not ExportStatus.STAGING_FAILED:
            yield "not_failed", f"Its staging did not fail in batch {filters.retry}."
        yield from _filtered(row, filters)
        return
    if (values.get("status") or "").strip().casefold() != COMPLETE:
        yield "not_complete", f"Its status is “{values.get('status') or ''}”, not “{COMPLETE}”."
    yield from _filtered(row, filters)
    yield from _exported(row, filters)
    yield from _unreviewed(row, filters)


def _filtered(row: Row, filters: Filters) -> Iterator[tuple[str, str]]:
    for name, wanted in (("batch", filters.batches), ("agent", filters.agents), ("reviewer", filters.reviewers)):
        found = row.values.get(name) or ""
        if wanted and found.casefold() not in {each.casefold() for each in wanted}:
            yield f"other_{name}", f"Its {name} is “{found}”."
    review = _review(row)
    if filters.review_statuses and review not in {each.casefold() for each in filters.review_statuses}:
        yield "other_review", f"Its review status is “{review}”."
    yield from _out_of_range(row, filters)


def _out_of_range(row: Row, filters: Filters) -> Iterator[tuple[str, str]]:
    day = day_of(row.values.get("completed"))
    if filters.since and (day is None or day < filters.since):
        yield "too_early", f"It was completed {day or 'at no known day'}, not since {filters.since}."
    if filters.until and (day is None or day > filters.until):
        yield "too_late", f"It was completed {day or 'at no known day'}, not until {filters.until}."
    score = row.values.get("review_score")
    if filters.score_min is not None and (score is None or float(score) < filters.score_min):
        yield "low_score", f"Its review score is {score or 'blank'}, not at least {filters.score_min:g}."
    if filters.score_max is not None and (score is None or float(score) > filters.score_max):
        yield "high_score", f"Its review score is {score or 'blank'}, not at most {filters.score_max:g}."


_BUSY = {ExportStatus.STAGING, ExportStatus.DELIVERING}
_OUT = {ExportStatus.STAGED, ExportStatus.DELIVERED, ExportStatus.DELIVERY_FAILED}


def _exported(row: Row, filters: Filters) -> Iterator[tuple[str, str]]:
    status = status_of(row)
    batch = row.values.get("export_batch_id") or "?"
    if status in _BUSY:
        yield "in_progress", f"It is {status} in batch {batch}."
    elif status is ExportStatus.STAGING_FAILED:
        yield "staging_failed", f"Its staging failed in batch {batch}; mend it, then `stage --retry {batch}`."
    elif status is ExportStatus.DELIVERED and filters.include_exported:
        return
    elif status in _OUT and row.values.get("export_batch_id"):
        yield "already_exported", f"It is {status} in batch {batch}."
    elif status in _OUT:
        when = row.values.get("export_time")
        yield "already_exported", f"It was exported {when}, before there were batches." if when else f"It is {status}."
    elif row.values.get("export_time") and not filters.include_exported:
        yield "already_exported", f"It was exported {row.values['export_time']}."


def _unreviewed(row: Row, filters: Filters) -> Iterator[tuple[str, str]]:
    review = _review(row)
    if review == PENDING and not filters.include_unreviewed:
        yield "unreviewed", "It was not reviewed."
    elif review == FAILED and not filters.include_failed:
        yield "review_failed", "Its review failed."
    elif review not in REVIEWS:
        yield "unknown_review", f"Its review status is “{review}”, which is none of: {', '.join(REVIEWS)}."


def _review(row: Row) -> str:
    return (row.values.get("review_status") or PENDING).strip().casefold()


def _warnings(chosen: Sequence[Row], filters: Filters, tab: str) -> Iterator[Finding]:
    if filters.retry:
        return
    kinds = (
        ("unreviewed", PENDING, "without a review"),
        ("review_failed", FAILED, "although their review failed"),
    )
    for rule, word, how in kinds:
        count = sum(_review(row) == word for row in chosen)
        if count:
            yield _warning(rule, tab, f"{count} task{'s' * (count > 1)} would be staged {how}.")
    again = sum(bool(row.values.get("export_status") or row.values.get("export_time")) for row in chosen)
    if again:
        yield _warning("already_exported", tab, f"{again} task{'s' * (again > 1)} would be exported once more.")


def _warning(rule: str, tab: str, message: str) -> Finding:
    advice = "Leave the override out if that is not meant."
    return Finding("warning", f"override_{rule}", tab, 0, "", "", message, advice)


def _unknown(task_id: str, tab: str, known: Sequence[str]) -> Finding:
    message = f"There is no task “{task_id}” in the tab."
    near = nearest(task_id, known)
    advice = f"Did you mean {' or '.join(near)}?" if near else "Check the id."
    return Finding("warning", "unknown_task", tab, 0, "Task ID", task_id, message, advice)


def _nobodys(rows: Sequence[Row], filters: Filters, tab: str) -> Iterator[Finding]:
    """Words that were asked for and that no task has, with those that there are."""
    there = choices(rows)
    asked = (
        ("batch", filters.batches, there.batches),
        ("agent", filters.agents, there.agents),
        ("reviewer", filters.reviewers, there.reviewers),
        ("review status", filters.review_statuses, there.review_statuses),
    )
    for name, wanted, found in asked:
        known = [word for word in found if word]
        for word in wanted:
            if word.casefold() not in {each.casefold() for each in known}:
                yield _nobodys_word(name, word, known, tab)


def _nobodys_word(name: str, word: str, known: Sequence[str], tab: str) -> Finding:
    near = nearest(word, known)[:2]
    listed = ", ".join(known[:_LISTED]) + (" …" if len(known) > _LISTED else "")
    there = f"There is: {listed}." if known else f"No task has any {name}."
    advice = f"Did you mean {' or '.join(near)}?" if near else there
    return Finding(
        "warning", "unknown_word", tab, 0, name.capitalize(), word, f"No task has the {name} “{word}”.", advice
    )


_LISTED = 12
"""Words of a filter that a message names."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form can offer, each with the number of tasks it stands for."""

    batches: dict[str, int] = field(default_factory=dict)
    agents: dict[str, int] = field(default_factory=dict)
    reviewers: dict[str, int] = field(default_factory=dict)
    review_statuses: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    export_statuses: dict[str, int] = field(default_factory=dict)
    scores: tuple[float, float] | None = None
    days: tuple[date, date] | None = None
    tasks: int = 0


def choices(rows: Iterable[Row]) -> Choices:
    """The words and ranges that occur."""
    found = list(rows)
    scores = [float(score) for row in found if (score := row.values.get("review_score"))]
    days = [day for row in found if (day := _day(row))]
    return Choices(
        batches=_counts(found, "batch"),
        agents=_counts(found, "agent"),
        reviewers=_counts(found, "reviewer"),
        review_statuses=dict(sorted(Counter(_review(row) for row in found).items())),
        statuses=_counts(found, "status"),
        export_statuses=_counts(found, "export_status"),
        scores=(min(scores), max(scores)) if scores else None,
        days=(min(days), max(days)) if days else None,
        tasks=len(found),
    )


def _day(row: Row) -> date | None:
    try:
        return day_of(row.values.get("completed"))
    except InputError:
        return None


def _counts(rows: Sequence[Row], name: str) -> dict[str, int]:
    return dict(sorted(Counter(row.values.get(name) or "" for row in rows).items()))
