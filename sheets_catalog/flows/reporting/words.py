"""Numbers, times, statuses and field names as people say them. Shared by the page and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.flows.reporting.tasks import FLOWS
from sheets_catalog.records.catalogue import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sheets_catalog.books import Books
    from sheets_catalog.database import Batch, RecordEntry, Report

BOOKS = (
    ("done", "Done", "written and proven"),
    ("unchanged", "Unchanged", "nothing to do"),
    ("rejected", "Rejected", "not written, waits for you"),
    ("conflicted", "In conflict", "edited on both sides"),
    ("pending", "Pending", "not reached yet"),
)
"""The parts that planned records fall into: name, word, what it means."""

CALLS = "calls_"
"""What the names of figures that count the calls of one operation begin with."""

_STATUS = {
    "planned": "Planned",
    "running": "Running",
    "waiting": "Waiting",
    "attention": "Needs attention",
    "stopped": "Stopped",
    "cancelled": "Cancelled",
    "failed": "Failed",
    "finished": "Finished",
    "completed": "Finished",
    "done": "Done",
    "unchanged": "Unchanged",
    "rejected": "Rejected",
    "quarantined": "Quarantined",
    "conflicted": "In conflict",
    "pending": "Pending",
}

_FLOWS = {"stage": "Staging", "deliver": "Delivery"}
_PLACES = {"stage": "Folder", "deliver": "To"}

_TONES = {
    "finished": "done",
    "completed": "done",
    "done": "done",
    "rejected": "rejected",
    "quarantined": "rejected",
    "failed": "rejected",
    "attention": "rejected",
    "conflicted": "conflicted",
    "cancelled": "unchanged",
    "unchanged": "unchanged",
}

_FIGURES = {
    "calls": ("API calls", ""),
    "cost_points": ("Cost points", ""),
    "retries": ("Retries", ""),
    "throttled": ("Throttled", ""),
    "seconds_waited": ("Waited", "seconds"),
    "records_per_second": ("Records done/s", ""),
    "peak_memory": ("Peak memory", "bytes"),
}

_ACRONYMS = {"sku": "SKU", "seo": "SEO", "id": "ID", "url": "URL", "api": "API"}


def status_word(status: str) -> str:
    """The word people see for a status of a job or a record."""
    return _STATUS.get(status) or sentence(status)


def flow_word(flow: str) -> str:
    """What a flow is called."""
    return _FLOWS.get(flow) or sentence(flow)


def place_word(flow: str) -> str:
    """What the other side of a flow is: the shop, or the folder that files go to."""
    return _PLACES.get(flow, "Shop")


def noun(flow: str) -> str:
    """What a flow is about."""
    return "task" if flow in FLOWS else "record"


def tone(status: str) -> str:
    """Which of the books' colours a status has."""
    return _TONES.get(status, "pending")


def sentence(name: str) -> str:
    """``compare_at_price`` as ``Compare at price``."""
    words = [_ACRONYMS.get(word, word) for word in name.replace("_", " ").split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def field_word(table: str, field: str) -> str:
    """The header people know a field by: the column's, the metafield's own name, or the name made readable."""
    known = TABLES[table].by_name.get(field) if table in TABLES else None
    if known is not None:
        return known.header
    return field.removeprefix("metafields.") if field.startswith("metafields.") else sentence(field)


def figure_word(name: str) -> str:
    """What a figure is called."""
    return _FIGURES[name][0] if name in _FIGURES else sentence(name)


def figure_text(name: str, value: float) -> str:
    """A figure with its unit."""
    unit = _FIGURES.get(name, ("", ""))[1] or ("seconds" if "seconds" in name else "")
    if unit == "seconds":
        return duration(value)
    if unit == "bytes":
        return f"{value / 1e6:,.0f} MB"
    return count(value)


def count(value: float) -> str:
    """``18000`` as ``18,000``; one decimal where it says something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2f}".rstrip("0").rstrip(".")


def duration(seconds: float | None) -> str:
    """``3723`` as ``1 h 2 min``; never more than two units."""
    if seconds is None:
        return "still running"
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def moment(when: datetime, since: datetime | None = None) -> str:
    """A moment to the second, in UTC; only its time when it is on the day of `since`."""
    same_day = since is not None and since.date() == when.date()
    return f"{when:%H:%M:%S}" if same_day else f"{when:%Y-%m-%d %H:%M:%S} UTC"


def share(part: float) -> str:
    """A part of one as per cent; what is not nothing is never shown as nothing, nor as everything."""
    if 0 < part < 0.001:
        return "< 0.1 %"
    if 0.999 < part < 1:
        return "> 99.9 %"
    return f"{100 * part:.1f} %".replace(".0 %", " %")


def batches(seconds: Sequence[float], batches: Sequence[Batch]) -> str:
    """What the chart of batches shows, in one sentence. `seconds` are those of the batches in it.

    People read of groups: a batch is to them an export of tasks.
    """
    if not seconds:
        return ""
    sizes = [each.size for each in batches]
    size = f"{min(sizes):,} to {max(sizes):,}" if min(sizes) != max(sizes) else f"{min(sizes):,}"
    left_out = f" The chart shows the first {len(seconds):,} that ended." if len(seconds) < len(batches) else ""
    times = f"longest {duration(max(seconds))}, on average {duration(sum(seconds) / len(seconds))}"
    return f"{len(batches):,} groups of {size} records, {times}.{left_out}"


def plural(number: int, noun: str) -> str:
    """``1 record``, ``2 records``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def record_name(record: RecordEntry) -> str:
    """What a record is called: its label, or its key."""
    return record.label or record.record_key


def record_place(record: RecordEntry) -> str:
    """Where a record is: table, row, and its key when a label stands for it."""
    parts = [TABLES[record.table].title if record.table in TABLES else sentence(record.table)]
    if record.row is not None:
        parts.append(f"row {record.row}")
    if record.label and record.record_key and record.record_key != f"row {record.row}":
        parts.append(record.record_key)
    return " · ".join(parts)


def equation(books: Books) -> str:
    """The books as one line that can be checked in the head."""
    parts = [f"{getattr(books, name):,} {word.lower()}" for name, word, _ in BOOKS]
    return f"{books.planned:,} planned = {' + '.join(parts)}"


def heading(report: Report) -> str:
    """One line that says what this was."""
    session = report.session
    return session.title or f"{flow_word(session.flow)} of {session.spreadsheet_title or session.session_id}"


def verdict(report: Report) -> tuple[str, str]:
    """How it went, in one sentence, and its tone."""
    session, books = report.session, report.session.books
    if not books.balanced:
        return "The books do not balance: this run has failed, whatever else it says.", "rejected"
    waiting = books.rejected + books.conflicted
    if session.status == "cancelled":
        return _cancelled(books, waiting), "conflicted" if waiting else "unchanged"
    nothing = "Nothing was written" if waiting or books.pending else "Nothing had to be written"
    written = "copied" if session.flow in FLOWS else "written"
    said = [f"{plural(books.done, noun(session.flow))} {written} and proven" if books.done else nothing]
    said += [f"{waiting:,} {'waits' if waiting == 1 else 'wait'} for you"] if waiting else []
    said += [f"{books.pending:,} still to do"] if books.pending else []
    if session.status == "failed":
        return ", ".join(said) + ".", "rejected"
    return ", ".join(said) + ".", "conflicted" if waiting else "pending" if books.pending else "done"


def _cancelled(books: Books, waiting: int) -> str:
    """How far a job came that a person ended: what is pending stays undone."""
    done = (
        f"after {plural(books.done, 'record')} had been written and proven"
        if books.done
        else "before anything was written"
    )
    left = "It left nothing undone." if not books.pending else f"{plural(books.pending, 'change')} will not be sent."
    wait = f" {waiting:,} {'waits' if waiting == 1 else 'wait'} for you." if waiting else ""
    return f"Cancelled {done}. {left}{wait}"


def throughput(report: Report) -> float | None:
    """Records done per second of the duration; None when none was, or no time passed. Unchanged ones do not count."""
    seconds, done = report.session.seconds, report.session.books.done
    return done / seconds if seconds and done else None


def figures(report: Report) -> list[tuple[str, str]]:
    """Every figure as (word, text): duration and throughput first, then what was counted."""
    speed = throughput(report)
    first = [("Duration", duration(report.session.seconds))]
    first += [("Records done/s", count(speed))] if speed else []
    counted = [
        (figure_word(name), figure_text(name, value))
        for name, value in sorted(report.figures.items(), key=_rank)
        if not name.startswith(CALLS)
    ]
    return first + [each for each in counted if each[0] not in {word for word, _ in first}]


def operations(report: Report) -> list[tuple[str, float]]:
    """Calls by operation, the most frequent first."""
    calls = [(name.removeprefix(CALLS), value) for name, value in report.figures.items() if name.startswith(CALLS)]
    return sorted(calls, key=lambda call: (-call[1], call[0]))


def _rank(figure: tuple[str, float]) -> tuple[int, str]:
    known = list(_FIGURES)
    return (known.index(figure[0]) if figure[0] in known else len(known), figure[0])
