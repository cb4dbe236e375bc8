"""A report as one self-contained HTML page: no network, works without JavaScript, light and dark, screen and paper."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from sheets_catalog.database.entries import ATTENTION, CONFLICTED, DONE
from sheets_catalog.flows.reporting import words
from sheets_catalog.flows.reporting.differences import difference, shown
from sheets_catalog.flows.reporting.tasks import one_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.books import Books
    from sheets_catalog.database import Batch, Report

SHOWN = 5_000
"""Records on the page: what a browser still scrolls smoothly. The CSV has them all."""

OPEN = 30
"""Records that need attention, and conflicts, shown before one has to open the rest."""

BARS = 400
"""Batches in the chart; beyond, neighbours would be thinner than a pixel on a phone."""

_SHEET_ID = re.compile(r"[A-Za-z0-9_-]{10,}")


def as_html(report: Report, *, shown: int = SHOWN, linked: bool = True) -> str:
    """The page, with at most `shown` records; it says how many were left out.

    `linked`: with the sheet's address; a sandbox's sheet has none that a browser could open.
    """
    return _environment().get_template("report.html.j2").render(_content(one_each(report), shown, linked=linked))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_part), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        count=words.count,
        duration=words.duration,
        moment=words.moment,
        share=words.share,
        tone=words.tone,
        word=words.status_word,
        flow=words.flow_word,
        breakable=breakable,
    )
    environment.globals.update(
        difference=difference,
        shown=shown,
        field_word=words.field_word,
        sentence=words.sentence,
        name=words.record_name,
        place=words.record_place,
        plural=words.plural,
    )
    return environment


def breakable(text: str) -> Markup:
    """A long name of a program's, escaped, that a narrow column breaks between its words rather than within one."""
    return Markup("").join(
        escape(part) + (Markup("<wbr>") if part[-1:] in _JOINTS else "") for part in _NAME_PARTS.findall(text)
    )


_JOINTS = "+./"
_NAME_PARTS = re.compile(r"[^+./]*[+./]|[^+./]+")


def _part(name: str) -> str:
    return (files("sheets_catalog.flows.reporting") / name).read_text(encoding="utf-8")


def _content(report: Report, most: int, *, linked: bool) -> Mapping[str, Any]:
    """What the template shows."""
    script = _part("report.js")
    records = report.records[:most]
    verdict, tone = words.verdict(report)
    bars = _bars(report.batches)
    return {
        "report": report,
        "session": report.session,
        "title": words.heading(report),
        "noun": words.noun(report.session.flow),
        "other_side": words.place_word(report.session.flow),
        "verdict": verdict,
        "verdict_tone": tone,
        "sheet_link": _sheet_link(report.session.spreadsheet_id) if linked else "",
        "books": _books(report.session.books),
        "equation": words.equation(report.session.books),
        "figures": words.figures(report),
        "phases": report.phases,
        "operations": words.operations(report),
        "written": (DONE,),
        "slowest": max((each.seconds for each in report.phases), default=0.0),
        "batches": bars,
        "batch_line": words.batches([each["seconds"] for each in bars], report.batches),
        "open_most": OPEN,
        "attention": [each for each in records if each.status in ATTENTION],
        "conflicts": [each for each in records if each.status == CONFLICTED],
        "records": records,
        "statuses": sorted({each.status for each in records}),
        "tables": sorted({each.table for each in records}),
        "left_out": max(0, report.records_total - len(records)),
        "style": _part("report.css"),
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _sheet_link(spreadsheet_id: str) -> str:
    """The address of the sheet, or nothing when the id is not one of Google's."""
    known = _SHEET_ID.fullmatch(spreadsheet_id)
    return f"https://docs.google.com/spreadsheets/d/{spreadsheet_id}/edit" if known else ""


def _books(books: Books) -> list[dict[str, Any]]:
    total = max(1, books.planned)
    return [
        {
            "name": name,
            "word": word,
            "meaning": meaning,
            "count": getattr(books, name),
            "of": getattr(books, name) / total,
        }
        for name, word, meaning in words.BOOKS
    ]


def _bars(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """The chart of batches: seconds as height, the worst thing that happened in one as its colour."""
    ended = [each for each in batches if each.finished_at is not None][:BARS]
    seconds = [(each.finished_at - each.started_at).total_seconds() for each in ended if each.finished_at]
    highest = max(seconds, default=0.0) or 1.0
    return [
        {"batch": each, "seconds": took, "height": max(2.0, 100 * took / highest), "tone": _worst(each)}
        for each, took in zip(ended, seconds, strict=True)
    ]


def _worst(batch: Batch) -> str:
    if batch.rejected:
        return "rejected"
    return "conflicted" if batch.conflicted else "done"
