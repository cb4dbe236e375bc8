"""Computing formula cells.

Cells are computed without recursion from cell to cell: a formula that needs another one that is not ready raises
`Pending`, which goes first. A cycle becomes `#REF!` with Sheets' note on circular dependency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from sheets_catalog.sandbox.sheets.entry import plain_number, typed
from sheets_catalog.sandbox.sheets.formulas.syntax import (
    Binary,
    Call,
    ErrorLiteral,
    FormulaSyntaxError,
    Literal,
    Name,
    Node,
    RangeOf,
    Unary,
    parse,
)
from sheets_catalog.sandbox.sheets.grid import CellError, Value
from sheets_catalog.sandbox.sheets.numberformat import general

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sheets_catalog.sandbox.sheets.locales import Locale
    from sheets_catalog.sandbox.sheets.ranges import Area

Cell: TypeAlias = tuple[int, int, int]
"""(sheet id, row, column)."""

DIVIDE: Final = CellError("DIVIDE_BY_ZERO", "#DIV/0!", "Function DIVIDE parameter 2 cannot be zero.")
REF: Final = CellError("REF", "#REF!", "Reference does not exist")
CIRCULAR: Final = CellError(
    "REF",
    "#REF!",
    "Circular dependency detected. To resolve with iterative calculation, see File > Settings.",
)
NOT_AVAILABLE: Final = CellError("N_A", "#N/A", "Did not find value.")
NUMBER: Final = CellError("NUM", "#NUM!", "Numeric value is out of range.")
PARSE: Final = CellError("ERROR", "#ERROR!", "Formula parse error.")

_BY_TEXT: Mapping[str, CellError] = {
    error.text: error
    for error in (DIVIDE, REF, NOT_AVAILABLE, NUMBER, PARSE, CellError("VALUE", "#VALUE!"), CellError("NAME", "#NAME?"))
} | {"#NULL!": CellError("NULL_VALUE", "#NULL!")}


def value_error(message: str) -> CellError:
    """#VALUE! with its explanation."""
    return CellError("VALUE", "#VALUE!", message)


def unknown_name(kind: str, name: str) -> CellError:
    """#NAME?: Sheets' words for a function or named range that does not exist."""
    return CellError("NAME", "#NAME?", f"Unknown {kind}: '{name}'.")


class Failed(Exception):  # noqa: N818 - it carries an ordinary cell value
    """A formula's result is an error value."""

    def __init__(self, error: CellError) -> None:
        super().__init__(error.text)
        self.error = error


class Pending(Exception):  # noqa: N818 - control flow between formula cells
    """Other formula cells have to be computed first."""

    def __init__(self, cells: list[Cell]) -> None:
        super().__init__(cells)
        self.cells = cells


@dataclass(frozen=True, slots=True)
class Block:
    """The values of a range, row by row, each row `width` long; `area` says where they are."""

    rows: list[list[Value]]
    area: Area

    def cells(self) -> Iterable[Value]:
        """Every value, row by row."""
        for row in self.rows:
            yield from row


Result: TypeAlias = Value | Block


class Cells(Protocol):
    """What a formula can see of the spreadsheet."""

    def sheet_of(self, title: str) -> int | None:
        """The id of the sheet with this title, in any case."""

    def named(self, name: str) -> Area | None:
        """The cells of a named range, in any case."""

    def block(self, area: Area) -> Block:
        """The values of an area, clipped to the grid. Raises Pending."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where one formula is computed."""

    cells: Cells
    sheet: int
    row: int
    column: int
    locale: Locale
    now: datetime

    def number(self, result: Result) -> float:
        """The value as a number, the way operators see it: blank is 0, text is read as if typed."""
        value = self.scalar(result)
        if value is None:
            return 0.0
        if isinstance(value, bool | int | float):
            return float(value)
        assert isinstance(value, str)
        if value == "":
            return 0.0
        read = typed(value, self.locale, self.now.date()).value
        if isinstance(read, str) or read is None or isinstance(read, CellError):
            raise Failed(value_error(f"Function expects number values. But '{value}' is a text."))
        return float(read)

    def text(self, result: Result) -> str:
        """The value as text."""
        value = self.scalar(result)
        if value is None:
            return ""
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        assert not isinstance(value, CellError)
        return value if isinstance(value, str) else general(value, self.locale)

    def truth(self, result: Result) -> bool:
        """The value as TRUE or FALSE."""
        value = self.scalar(result)
        if isinstance(value, str):
            if value.upper() in {"TRUE", "FALSE"}:
                return value.upper() == "TRUE"
            raise Failed(value_error(f"Text '{value}' cannot be coerced to a boolean."))
        return bool(value)

    def scalar(self, result: Result) -> Value:
        """One value; an error value is raised. A range gives the cell in the formula's own row or column."""
        value = self._intersection(result) if isinstance(result, Block) else result
        if isinstance(value, CellError):
            raise Failed(value)
        return value

    def _intersection(self, block: Block) -> Value:
        area = block.area
        if len(block.rows) == 1 and len(block.rows[0]) == 1:
            return block.rows[0][0]
        if area.width == 1 and area.top <= self.row < area.end_row:
            return block.rows[self.row - area.top][0]
        if area.height == 1 and area.left <= self.column < area.end_column:
            return block.rows[0][self.column - area.left]
        raise Failed(value_error("An array value could not be found."))

    def eval(self, node: Node) -> Result:
        """The result of a node. Raises Failed or Pending."""
        match node:
            case Literal(value):
                return plain_number(value) if isinstance(value, float) else value
            case ErrorLiteral(text):
                raise Failed(_BY_TEXT.get(text, REF))
            case RangeOf(reference):
                sheet = self.sheet if reference.title is None else self.cells.sheet_of(reference.title)
                if sheet is None:
                    raise Failed(CellError("REF", "#REF!", f"Unresolved sheet name '{reference.title}'."))
                return self.cells.block(reference.area(sheet))
            case Name(name):
                area = self.cells.named(name)
                if area is None:
                    raise Failed(unknown_name("range name", name.upper()))
                return self.cells.block(area)
            case Unary(operator, operand):
                number = self.number(self.eval(operand))
                return plain_number({"-": -number, "+": number, "%": number / 100}[operator])
            case Binary(operator, left, right):
                return self._binary(operator, self.eval(left), self.eval(right))
            case Call(name, arguments):
                from sheets_catalog.sandbox.sheets.formulas.functions import FUNCTIONS

                function = FUNCTIONS.get(name)
                if function is None:
                    raise Failed(unknown_name("function", name))
                return function(self, arguments)

    def _binary(self, operator: str, left: Result, right: Result) -> Value:
        if operator == "&":
            return self.text(left) + self.text(right)
        if operator in {"=", "<>", "<", "<=", ">", ">="}:
            return compared(operator, self.scalar(left), self.scalar(right))
        one, two = self.number(left), self.number(right)
        if operator == "/" and two == 0:
            raise Failed(DIVIDE)
        try:
            result = _ARITHMETIC[operator](one, two)
        except (OverflowError, ZeroDivisionError) as error:
            raise Failed(NUMBER) from error
        if isinstance(result, complex):
            raise Failed(NUMBER)
        return plain_number(result)


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
    "/": lambda one, two: one / two,
    "^": lambda one, two: one**two,
}


def order_key(value: Value) -> tuple[int, float | str]:
    """How Sheets orders values of different kinds: numbers, then text (any case), then booleans."""
    if isinstance(value, bool):
        return 2, float(value)
    if isinstance(value, int | float):
        return 0, float(value)
    return 1, str(value or "").lower()


def compared(operator: str, left: Value, right: Value) -> bool:
    """`left operator right`; a blank equals 0, "" and FALSE, text is compared without case."""
    if left is None and right is not None:
        left = _blank_like(right)
    if right is None and left is not None:
        right = _blank_like(left)
    one, two = order_key(left), order_key(right)
    # Keys of one kind hold one type, keys of two kinds differ in their first place: they always compare.
    less = one < two
    return {
        "=": one == two,
        "<>": one != two,
        "<": less,
        "<=": less or one == two,
        ">": not less and one != two,
        ">=": not less,
    }[operator]


def _blank_like(value: Value) -> Value:
    if isinstance(value, bool):
        return False
    return 0 if isinstance(value, int | float) else ""


def computed(formula: str, scope: Scope) -> Value:
    """The value that a formula cell shows. Raises Pending while other cells are not ready."""
    try:
        node = parse(formula)
    except (FormulaSyntaxError, RecursionError):
        return PARSE
    try:
        value = scope.scalar(scope.eval(node))
    except Failed as failed:
        return failed.error
    return 0 if value is None else value


def compute_all(cells: Iterable[Cell], compute: Callable[[Cell], Value], store: Callable[[Cell, Value], None]) -> None:
    """Compute every cell once, dependencies first.

    `compute` raises Pending with the cells it needs; `store` makes a value visible to the ones after it.
    """
    ready: set[Cell] = set()
    for first in cells:
        stack: list[Cell] = [first]
        waiting: set[Cell] = set()
        while stack:
            cell = stack[-1]
            if cell in ready:
                waiting.discard(stack.pop())
                continue
            waiting.add(cell)
            try:
                value = compute(cell)
            except Pending as pending:
                missing = [need for need in pending.cells if need not in ready]
                circle = [need for need in missing if need in waiting]
                if not circle:
                    stack.extend(missing)
                    continue
                value = CIRCULAR
            store(cell, value)
            ready.add(cell)
            waiting.discard(stack.pop())
