"""The number format that a formula's result takes when its cell has none: that of what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sheets_catalog.sandbox.sheets.formulas.syntax import Binary, Call, FormulaSyntaxError, Node, RangeOf, Unary, parse
from sheets_catalog.sandbox.sheets.formulas.text import Reference

NumberFormat: TypeAlias = Mapping[str, str]
FormatOf: TypeAlias = Callable[[Reference], NumberFormat | None]

OWN: Final[Mapping[str, NumberFormat]] = {
    "TODAY": {"type": "DATE"},
    "DATE": {"type": "DATE"},
    "EDATE": {"type": "DATE"},
    "EOMONTH": {"type": "DATE"},
    "NOW": {"type": "DATE_TIME"},
}
"""Functions that bring a format of their own."""

FROM_ARGUMENT: Final[Mapping[str, int]] = {
    **dict.fromkeys(("SUM", "AVERAGE", "MEDIAN", "MIN", "MAX", "ABS", "INDEX", "IFERROR", "IFNA"), 0),
    **dict.fromkeys(("ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC", "INT", "CEILING", "FLOOR"), 0),
    "IF": 1,
    "SUMIFS": 0,
}
"""Functions whose result looks like one of their arguments."""

DATES: Final = frozenset({"DATE", "TIME", "DATE_TIME"})


def implied_format(formula: str, format_of: FormatOf) -> NumberFormat | None:
    """The format of a formula's result; `format_of` gives the one of the first cell of a reference."""
    try:
        return _implied(parse(formula), format_of)
    except (FormulaSyntaxError, RecursionError):
        return None


def _implied(node: Node, format_of: FormatOf) -> NumberFormat | None:
    match node:
        case RangeOf(reference):
            return format_of(reference)
        case Unary(operator, operand) if operator != "%":
            return _implied(operand, format_of)
        case Binary(operator, left, right) if operator in {"+", "-", "*", "/"}:
            one, two = _implied(left, format_of), _implied(right, format_of)
            if operator == "-" and one and two and one.get("type") in DATES and two.get("type") in DATES:
                return None  # a time span is a plain number
            return one or two
        case Call(name, arguments):
            place = FROM_ARGUMENT.get(name)
            if place is None or place >= len(arguments):
                return OWN.get(name)
            return _implied(arguments[place], format_of)
    return None
