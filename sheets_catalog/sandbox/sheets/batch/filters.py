"""Hiding the rows that a basic filter leaves out. As in the UI, a filter looks once, when it is set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.sheets.entry import typed
from sheets_catalog.sandbox.sheets.numberformat import shown
from sheets_catalog.sandbox.sheets.ranges import area_of
from sheets_catalog.sandbox.sheets.reading import number_format
from sheets_catalog.sandbox.sheets.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.sheets.batch.change import Change
    from sheets_catalog.sandbox.sheets.document import Object, Sheet
    from sheets_catalog.sandbox.sheets.grid import Value


def unfilter(sheet: Sheet) -> None:
    """Show the rows that a filter hid."""
    for row in [row for row, item in sheet.row_properties.items() if item.get("hiddenByFilter")]:
        rest = {key: value for key, value in sheet.row_properties.pop(row).items() if key != "hiddenByFilter"}
        if rest:
            sheet.row_properties[row] = rest


def criteria_of(basic_filter: Object, left: int) -> dict[int, Mapping[str, Any]]:
    """Column index -> FilterCriteria, from `criteria` (absolute columns) and `filterSpecs`."""
    found = {int(column): item for column, item in basic_filter.get("criteria", {}).items()}
    for spec in basic_filter.get("filterSpecs", ()):
        if "dataSourceColumnReference" in spec:
            raise Refused("Data source columns are not supported by the sandbox.")
        found[spec.get("columnIndex", left)] = spec.get("filterCriteria", {})
    return found


def apply_filter(change: Change, sheet: Sheet, basic_filter: Object) -> None:
    """Hide every row below the header that some column's criteria leave out.

    Raises:
        Refused: a condition that the sandbox does not evaluate.
    """
    area = sheet.clip(area_of(basic_filter["range"]))
    criteria = criteria_of(basic_filter, area.left)
    for row in range(area.top + 1, min(area.end_row, sheet.grid.row_count)) if criteria else ():
        if any(not _passes(change, sheet, row, column, item) for column, item in criteria.items()):
            sheet.row_properties[row] = {**sheet.row_properties.get(row, {}), "hiddenByFilter": True}


def _passes(change: Change, sheet: Sheet, row: int, column: int, criteria: Mapping[str, Any]) -> bool:
    value = sheet.grid.value(row, column)
    text = shown(value, number_format(sheet.grid.extra_at(row, column)), change.book.locale)
    if text in criteria.get("hiddenValues", ()):
        return False
    return "condition" not in criteria or holds(change, value, text, criteria["condition"])


def holds(change: Change, value: Value, text: str, condition: Mapping[str, Any]) -> bool:
    """Whether a cell fulfils a BooleanCondition. Raises Refused for kinds that need more than the cell."""
    kind = condition.get("type", "")
    arguments = [item.get("userEnteredValue", "") for item in condition.get("values", ())]
    if kind in {"BLANK", "NOT_BLANK"}:
        return (text == "") is (kind == "BLANK")
    if kind.startswith("TEXT_"):
        return _text_holds(kind, text.lower(), arguments[0].lower() if arguments else "")
    if kind.startswith("NUMBER_"):
        read = [typed(argument, change.book.locale, change.typed_in.today).value for argument in arguments]
        return _number_holds(kind, value, read)
    raise Refused(f"Filter conditions of type {kind} are not supported by the sandbox.")


def _text_holds(kind: str, text: str, wanted: str) -> bool:
    tests = {
        "TEXT_CONTAINS": wanted in text,
        "TEXT_NOT_CONTAINS": wanted not in text,
        "TEXT_STARTS_WITH": text.startswith(wanted),
        "TEXT_ENDS_WITH": text.endswith(wanted),
        "TEXT_EQ": text == wanted,
        "TEXT_NOT_EQ": text != wanted,
        "TEXT_IS_EMAIL": bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text)),
        "TEXT_IS_URL": bool(re.match(r"https?://\S+\Z", text)),
    }
    return tests[kind]


def _number_holds(kind: str, value: Value, arguments: list[Value]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    limits = [limit for limit in arguments if isinstance(limit, int | float)]
    if len(limits) < (2 if "BETWEEN" in kind else 1):
        raise Refused(f"ConditionType '{kind}' needs numbers to compare with.")
    low, high = min(limits), max(limits)
    return {
        "NUMBER_GREATER": value > limits[0],
        "NUMBER_GREATER_THAN_EQ": value >= limits[0],
        "NUMBER_LESS": value < limits[0],
        "NUMBER_LESS_THAN_EQ": value <= limits[0],
        "NUMBER_EQ": value == limits[0],
        "NUMBER_NOT_EQ": value != limits[0],
        "NUMBER_BETWEEN": low <= value <= high,
        "NUMBER_NOT_BETWEEN": not low <= value <= high,
    }[kind]
