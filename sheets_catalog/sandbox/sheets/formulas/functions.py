"""The spreadsheet functions that the sandbox knows. Any other name evaluates to #NAME?."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import lru_cache
from typing import TypeAlias

from sheets_catalog.sandbox.sheets.entry import EPOCH, moment_of, plain_number, serial, typed
from sheets_catalog.sandbox.sheets.formulas.evaluation import (
    NOT_AVAILABLE,
    NUMBER,
    REF,
    Block,
    Failed,
    Result,
    Scope,
    compared,
    order_key,
    value_error,
)
from sheets_catalog.sandbox.sheets.formulas.syntax import Node, RangeOf
from sheets_catalog.sandbox.sheets.grid import CellError, Value
from sheets_catalog.sandbox.sheets.numberformat import patterned

Function: TypeAlias = Callable[[Scope, Sequence[Node]], Result]
FUNCTIONS: dict[str, Function] = {}


def _arity(name: str, arguments: Sequence[Node], least: int, most: int | None) -> None:
    if len(arguments) < least or (most is not None and len(arguments) > most):
        expected = str(least) if least == most else f"{least} or more" if most is None else f"{least}-{most}"
        raise Failed(
            CellError(
                "N_A",
                "#N/A",
                f"Wrong number of arguments to {name}. Expected {expected} arguments, but got {len(arguments)}.",
            )
        )


def _function(name: str, least: int, most: int | None) -> Callable[[Function], Function]:
    """Register a function that evaluates its arguments by itself."""

    def register(function: Function) -> Function:
        def checked(scope: Scope, arguments: Sequence[Node]) -> Result:
            _arity(name, arguments, least, most)
            return function(scope, arguments)

        FUNCTIONS[name] = checked
        return function

    return register


def _numbers(scope: Scope, arguments: Sequence[Node]) -> Iterator[float]:
    """Numbers as SUM sees them: in ranges only numbers count, a direct argument is coerced; errors are raised."""
    for argument in arguments:
        result = scope.eval(argument)
        if isinstance(result, Block):
            for value in result.cells():
                if isinstance(value, CellError):
                    raise Failed(value)
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield float(value)
        else:
            yield scope.number(result)


def _values(scope: Scope, arguments: Sequence[Node]) -> Iterator[Value]:
    for argument in arguments:
        result = scope.eval(argument)
        if isinstance(result, Block):
            yield from result.cells()
        else:
            yield result


def _aggregate(name: str, combine: Callable[[list[float]], float]) -> None:
    @_function(name, 1, None)
    def aggregate(scope: Scope, arguments: Sequence[Node]) -> Result:
        return plain_number(combine(list(_numbers(scope, arguments))))


def _mean(numbers: list[float]) -> float:
    if not numbers:
        raise Failed(
            CellError("DIVIDE_BY_ZERO", "#DIV/0!", "Evaluation of function AVERAGE caused a divide by zero error.")
        )
    return math.fsum(numbers) / len(numbers)


def _median(numbers: list[float]) -> float:
    if not numbers:
        raise Failed(NUMBER)
    ordered, middle = sorted(numbers), len(numbers) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


_aggregate("SUM", math.fsum)
_aggregate("AVERAGE", _mean)
_aggregate("MEDIAN", _median)
_aggregate("MIN", lambda numbers: min(numbers, default=0))
_aggregate("MAX", lambda numbers: max(numbers, default=0))
_aggregate("PRODUCT", lambda numbers: math.prod(numbers) if numbers else 0)


def _simple(name: str, least: int, most: int | None, body: Callable[[Scope, list[Result]], Result]) -> None:
    """Register a function of evaluated arguments."""

    @_function(name, least, most)
    def simple(scope: Scope, arguments: Sequence[Node]) -> Result:
        return body(scope, [scope.eval(argument) for argument in arguments])


@_function("COUNT", 1, None)
def _count(scope: Scope, arguments: Sequence[Node]) -> Result:
    return sum(isinstance(v, int | float) and not isinstance(v, bool) for v in _values(scope, arguments))


@_function("COUNTA", 1, None)
def _counta(scope: Scope, arguments: Sequence[Node]) -> Result:
    return sum(value is not None for value in _values(scope, arguments))


@_function("COUNTBLANK", 1, 1)
def _countblank(scope: Scope, arguments: Sequence[Node]) -> Result:
    return sum(value is None or value == "" for value in _values(scope, arguments))


@_function("IF", 2, 3)
def _if(scope: Scope, arguments: Sequence[Node]) -> Result:
    if scope.truth(scope.eval(arguments[0])):
        return scope.eval(arguments[1])
    return scope.eval(arguments[2]) if len(arguments) > 2 else False


@_function("IFS", 2, None)
def _ifs(scope: Scope, arguments: Sequence[Node]) -> Result:
    for condition, result in zip(arguments[::2], arguments[1::2], strict=False):
        if scope.truth(scope.eval(condition)):
            return scope.eval(result)
    raise Failed(CellError("N_A", "#N/A", "No match."))


@_function("SWITCH", 3, None)
def _switch(scope: Scope, arguments: Sequence[Node]) -> Result:
    wanted, rest = scope.scalar(scope.eval(arguments[0])), arguments[1:]
    for case, result in zip(rest[::2], rest[1::2], strict=False):
        if compared("=", wanted, scope.scalar(scope.eval(case))):
            return scope.eval(result)
    if len(rest) % 2:
        return scope.eval(rest[-1])
    raise Failed(CellError("N_A", "#N/A", "No match."))


@_function("IFERROR", 1, 2)
def _iferror(scope: Scope, arguments: Sequence[Node]) -> Result:
    try:
        return scope.scalar(scope.eval(arguments[0]))
    except Failed:
        return scope.eval(arguments[1]) if len(arguments) > 1 else ""


@_function("IFNA", 1, 2)
def _ifna(scope: Scope, arguments: Sequence[Node]) -> Result:
    try:
        return scope.scalar(scope.eval(arguments[0]))
    except Failed as failed:
        if failed.error.kind != "N_A":
            raise
        return scope.eval(arguments[1]) if len(arguments) > 1 else ""


def _error_test(name: str, test: Callable[[CellError], bool]) -> None:
    @_function(name, 1, 1)
    def tested(scope: Scope, arguments: Sequence[Node]) -> Result:
        try:
            scope.scalar(scope.eval(arguments[0]))
        except Failed as failed:
            return test(failed.error)
        return False


_error_test("ISERROR", lambda _: True)
_error_test("ISNA", lambda error: error.kind == "N_A")
_error_test("ISERR", lambda error: error.kind != "N_A")


def _truths(scope: Scope, arguments: Sequence[Node]) -> list[bool]:
    return [
        scope.truth(value) for value in _values(scope, arguments) if not isinstance(value, str) and value is not None
    ]


_function("AND", 1, None)(lambda scope, arguments: all(_truths(scope, arguments)))
_function("OR", 1, None)(lambda scope, arguments: any(_truths(scope, arguments)))
_simple("NOT", 1, 1, lambda scope, args: not scope.truth(args[0]))
_simple("TRUE", 0, 0, lambda _, __: True)
_simple("FALSE", 0, 0, lambda _, __: False)


def _na(_scope: Scope, _arguments: Sequence[Node]) -> Result:
    raise Failed(CellError("N_A", "#N/A"))


_function("NA", 0, 0)(_na)


@_function("CONCATENATE", 1, None)
def _concatenate(scope: Scope, arguments: Sequence[Node]) -> Result:
    return "".join(scope.text(value) for value in _values(scope, arguments))


_simple("CONCAT", 2, 2, lambda scope, args: scope.text(args[0]) + scope.text(args[1]))


@_function("JOIN", 2, None)
def _join(scope: Scope, arguments: Sequence[Node]) -> Result:
    delimiter = scope.text(scope.eval(arguments[0]))
    return delimiter.join(scope.text(value) for value in _values(scope, arguments[1:]))


@_function("TEXTJOIN", 3, None)
def _textjoin(scope: Scope, arguments: Sequence[Node]) -> Result:
    delimiter, skip = scope.text(scope.eval(arguments[0])), scope.truth(scope.eval(arguments[1]))
    texts = [scope.text(value) for value in _values(scope, arguments[2:])]
    return delimiter.join(text for text in texts if text or not skip)


def _whole(scope: Scope, args: list[Result], place: int, default: int) -> int:
    number = int(scope.number(args[place])) if len(args) > place else default
    if number < 0:
        raise Failed(
            value_error(f"Function parameter {place + 1} value is {number}. It should be greater than or equal to 0.")
        )
    return number


def _right(scope: Scope, args: list[Result]) -> Result:
    text, length = scope.text(args[0]), _whole(scope, args, 1, 1)
    return text[-length:] if length else ""


def _mid(scope: Scope, args: list[Result]) -> Result:
    start = max(int(scope.number(args[1])), 1) - 1
    return scope.text(args[0])[start : start + _whole(scope, args, 2, 0)]


def _find(scope: Scope, args: list[Result], *, any_case: bool) -> Result:
    wanted, text = scope.text(args[0]), scope.text(args[1])
    start = _whole(scope, args, 2, 1) - 1
    if any_case:
        place = text.lower().find(wanted.lower(), start)
    else:
        place = text.find(wanted, start)
    if place < 0:
        raise Failed(value_error(f"In FIND evaluation, cannot find '{wanted}' within '{text}'."))
    return place + 1


def _substitute(scope: Scope, args: list[Result]) -> Result:
    text, old, new = (scope.text(arg) for arg in args[:3])
    if not old:
        return text
    if len(args) < 4:
        return text.replace(old, new)
    parts = text.split(old)
    nth = int(scope.number(args[3]))
    return text if not 0 < nth < len(parts) else old.join(parts[:nth]) + new + old.join(parts[nth:])


def _replace(scope: Scope, args: list[Result]) -> Result:
    text, start = scope.text(args[0]), max(int(scope.number(args[1])), 1) - 1
    return text[:start] + scope.text(args[3]) + text[start + _whole(scope, args, 2, 0) :]


def _value(scope: Scope, args: list[Result]) -> Result:
    text = scope.text(args[0])
    read = typed(text, scope.locale, scope.now.date()).value
    if isinstance(read, bool) or not isinstance(read, int | float):
        raise Failed(value_error(f"VALUE parameter '{text}' cannot be parsed to number."))
    return read


def _text(scope: Scope, args: list[Result]) -> Result:
    value = scope.scalar(args[0])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return scope.text(value)
    return patterned(value, scope.text(args[1]), scope.locale)


_simple("LEN", 1, 1, lambda scope, args: len(scope.text(args[0])))
_simple("LEFT", 1, 2, lambda scope, args: scope.text(args[0])[: _whole(scope, args, 1, 1)])
_simple("RIGHT", 1, 2, _right)
_simple("MID", 3, 3, _mid)
_simple("TRIM", 1, 1, lambda scope, args: " ".join(part for part in scope.text(args[0]).split(" ") if part))
_simple("CLEAN", 1, 1, lambda scope, args: re.sub(r"[\x00-\x1f]", "", scope.text(args[0])))
_simple("UPPER", 1, 1, lambda scope, args: scope.text(args[0]).upper())
_simple("LOWER", 1, 1, lambda scope, args: scope.text(args[0]).lower())
_simple("PROPER", 1, 1, lambda scope, args: scope.text(args[0]).title())
_simple("EXACT", 2, 2, lambda scope, args: scope.text(args[0]) == scope.text(args[1]))
_simple("REPT", 2, 2, lambda scope, args: scope.text(args[0]) * _whole(scope, args, 1, 0))
_simple("CHAR", 1, 1, lambda scope, args: chr(int(scope.number(args[0]))))
_simple("CODE", 1, 1, lambda scope, args: ord(scope.text(args[0])[:1] or "\0"))
_simple("FIND", 2, 3, lambda scope, args: _find(scope, args, any_case=False))
_simple("SEARCH", 2, 3, lambda scope, args: _find(scope, args, any_case=True))
_simple("SUBSTITUTE", 3, 4, _substitute)
_simple("REPLACE", 4, 4, _replace)
_simple("VALUE", 1, 1, _value)
_simple("TEXT", 2, 2, _text)
_simple("T", 1, 1, lambda scope, args: value if isinstance(value := scope.scalar(args[0]), str) else "")
_simple(
    "N", 1, 1, lambda scope, args: 0 if isinstance(scope.scalar(args[0]), str) else plain_number(scope.number(args[0]))
)
_simple("HYPERLINK", 1, 2, lambda scope, args: scope.scalar(args[-1]))
_simple("ISBLANK", 1, 1, lambda scope, args: scope.scalar(args[0]) is None)
_simple("ISTEXT", 1, 1, lambda scope, args: isinstance(scope.scalar(args[0]), str))
_simple("ISLOGICAL", 1, 1, lambda scope, args: isinstance(scope.scalar(args[0]), bool))
_simple(
    "ISNUMBER",
    1,
    1,
    lambda scope, args: isinstance(v := scope.scalar(args[0]), int | float) and not isinstance(v, bool),
)


def _rounded(rounding: str) -> Callable[[Scope, list[Result]], Result]:
    def rounded(scope: Scope, args: list[Result]) -> Result:
        places = int(scope.number(args[1])) if len(args) > 1 else 0
        number = Decimal(repr(scope.number(args[0])))
        return plain_number(float(number.quantize(Decimal(1).scaleb(-places), rounding=rounding)))

    return rounded


def _to_multiple(rounding: str) -> Callable[[Scope, list[Result]], Result]:
    def rounded(scope: Scope, args: list[Result]) -> Result:
        factor = Decimal(repr(scope.number(args[1]))) if len(args) > 1 else Decimal(1)
        if not factor:
            return 0
        number = Decimal(repr(scope.number(args[0]))) / factor
        return plain_number(float(number.quantize(Decimal(1), rounding=rounding) * factor))

    return rounded


def _mod(scope: Scope, args: list[Result]) -> Result:
    divisor = scope.number(args[1])
    if divisor == 0:
        raise Failed(CellError("DIVIDE_BY_ZERO", "#DIV/0!", "Function MOD parameter 2 cannot be zero."))
    return plain_number(scope.number(args[0]) % divisor)


def _root(scope: Scope, args: list[Result]) -> Result:
    number = scope.number(args[0])
    if number < 0:
        raise Failed(
            CellError("NUM", "#NUM!", f"Function SQRT parameter 1 value is {number:g}. It should be positive.")
        )
    return plain_number(math.sqrt(number))


_simple("ROUND", 1, 2, _rounded(ROUND_HALF_UP))
_simple("ROUNDUP", 1, 2, _rounded(ROUND_UP))
_simple("ROUNDDOWN", 1, 2, _rounded(ROUND_DOWN))
_simple("TRUNC", 1, 2, _rounded(ROUND_DOWN))
_simple("CEILING", 1, 2, _to_multiple(ROUND_CEILING))
_simple("FLOOR", 1, 2, _to_multiple(ROUND_FLOOR))
_simple("INT", 1, 1, lambda scope, args: math.floor(scope.number(args[0])))
_simple("ABS", 1, 1, lambda scope, args: plain_number(abs(scope.number(args[0]))))
_simple("SIGN", 1, 1, lambda scope, args: int(math.copysign(1, n)) if (n := scope.number(args[0])) else 0)
_simple("MOD", 2, 2, _mod)
_simple("SQRT", 1, 1, _root)
_simple("PI", 0, 0, lambda _, __: math.pi)


def _power(scope: Scope, args: list[Result]) -> Result:
    try:
        result = scope.number(args[0]) ** scope.number(args[1])
    except (OverflowError, ZeroDivisionError) as error:
        raise Failed(NUMBER) from error
    if isinstance(result, complex):
        raise Failed(NUMBER)
    return plain_number(result)


_simple("POWER", 2, 2, _power)
_simple("POW", 2, 2, _power)


def _block(result: Result) -> Block:
    if not isinstance(result, Block):
        raise Failed(CellError("N_A", "#N/A", "Argument must be a range."))
    return result


_WILDCARD = re.compile(r"~([*?~])|([*?])|(.)", re.DOTALL)


@lru_cache(maxsize=256)
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = (
        re.escape(match[1] or match[3]) if not match[2] else ".*" if match[2] == "*" else "."
        for match in _WILDCARD.finditer(pattern)
    )
    return re.compile("".join(parts) + r"\Z", re.IGNORECASE | re.DOTALL)


def criterion(scope: Scope, wanted: Value) -> Callable[[Value], bool]:
    """The test of COUNTIF and its kin: `>5`, `<>x`, text with `*` and `?`, or a plain value."""
    if not isinstance(wanted, str):
        return lambda value: value is not None and compared("=", value, wanted)
    match = re.match(r"(<=|>=|<>|<|>|=)?(.*)\Z", wanted, re.DOTALL)
    assert match is not None
    operator, text = match[1] or "=", match[2]
    read = typed(text, scope.locale, scope.now.date()).value if text else ""
    if isinstance(read, int | float) and not isinstance(read, bool):
        number = read
        if operator == "<>":
            return lambda value: not isinstance(value, int | float) or value != number
        return lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and compared(operator, value, number)
        )
    if operator in {"=", "<>"}:
        pattern = _wildcard(text)
        same = operator == "="
        return lambda value: bool(pattern.match("" if value is None else scope.text(value))) is same
    return lambda value: isinstance(value, str) and compared(operator, value, text)


def _matching(scope: Scope, pairs: Sequence[Result]) -> list[tuple[int, int]]:
    """Places (row, column) within equally sized ranges where every (range, criterion) pair holds."""
    blocks = [_block(block) for block in pairs[::2]]
    tests = [criterion(scope, scope.scalar(wanted)) for wanted in pairs[1::2]]
    return [
        (row, column)
        for row, cells in enumerate(blocks[0].rows)
        for column in range(len(cells))
        if all(test(block.rows[row][column]) for block, test in zip(blocks, tests, strict=True))
    ]


def _at(block: Block, place: tuple[int, int]) -> float | None:
    row, column = place
    value = block.rows[row][column] if row < len(block.rows) and column < len(block.rows[row]) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _picked(block: Block, places: list[tuple[int, int]]) -> list[float]:
    return [number for place in places if (number := _at(block, place)) is not None]


def _summed(scope: Scope, args: list[Result]) -> list[float]:
    """The numbers of SUMIF and AVERAGEIF: of the third range, or of the first, where the criterion holds."""
    return _picked(_block(args[2] if len(args) > 2 else args[0]), _matching(scope, args[:2]))


def _sumifs(scope: Scope, args: list[Result]) -> Result:
    return plain_number(math.fsum(_picked(_block(args[0]), _matching(scope, args[1:]))))


_simple("COUNTIF", 2, 2, lambda scope, args: len(_matching(scope, args)))
_simple("COUNTIFS", 2, None, lambda scope, args: len(_matching(scope, args)))
_simple("SUMIF", 2, 3, lambda scope, args: plain_number(math.fsum(_summed(scope, args))))
_simple("SUMIFS", 3, None, _sumifs)
_simple("AVERAGEIF", 2, 3, lambda scope, args: plain_number(_mean(_summed(scope, args))))


@_function("SUMPRODUCT", 1, None)
def _sumproduct(scope: Scope, arguments: Sequence[Node]) -> Result:
    blocks = [_block(scope.eval(argument)) for argument in arguments]
    if len({(len(block.rows), block.area.width) for block in blocks}) > 1:
        raise Failed(value_error("SUMPRODUCT has mismatched range sizes."))
    total = 0.0
    for row in range(len(blocks[0].rows)):
        for column in range(blocks[0].area.width):
            total += math.prod(_at(block, (row, column)) or 0.0 for block in blocks)
    return plain_number(total)


def _position(scope: Scope, wanted: Value, values: list[Value], kind: int) -> int:
    if kind == 0:
        pattern = _wildcard(wanted) if isinstance(wanted, str) and re.search(r"[*?~]", wanted) else None
        for place, value in enumerate(values):
            if pattern is not None and isinstance(value, str) and pattern.match(value):
                return place
            if value is not None and compared("=", value, wanted):
                return place
        raise Failed(CellError("N_A", "#N/A", f"Did not find value '{scope.text(wanted)}' in lookup evaluation."))
    same_kind = [
        (place, value) for place, value in enumerate(values)
        if value is not None and order_key(value)[0] == order_key(wanted)[0]
        and compared("<=" if kind > 0 else ">=", value, wanted)
    ]  # fmt: skip
    if not same_kind:
        raise Failed(NOT_AVAILABLE)
    return same_kind[-1][0]


def _lookup(scope: Scope, args: list[Result], *, down: bool) -> Result:
    block = _block(args[1])
    index = int(scope.number(args[2]))
    lines: list[list[Value]] = block.rows if down else [list(column) for column in zip(*block.rows, strict=True)]
    width = len(lines[0]) if lines else 0
    if index < 1:
        raise Failed(value_error("VLOOKUP parameter 3 value is smaller than 1."))
    if index > width:
        raise Failed(CellError("REF", "#REF!", "VLOOKUP evaluates to an out of bounds range."))
    nearest = scope.truth(args[3]) if len(args) > 3 else True
    place = _position(scope, scope.scalar(args[0]), [line[0] for line in lines], 1 if nearest else 0)
    return lines[place][index - 1]


def _match(scope: Scope, args: list[Result]) -> Result:
    values = list(_block(args[1]).cells())
    kind = int(scope.number(args[2])) if len(args) > 2 else 1
    return _position(scope, scope.scalar(args[0]), values, kind) + 1


def _index(scope: Scope, args: list[Result]) -> Result:
    block = _block(args[0])
    row = _whole(scope, args, 1, 0)
    column = _whole(scope, args, 2, 0)
    if len(block.rows) == 1 and len(args) == 2:
        row, column = 1, row
    row, column = row or 1, column or 1
    if row > len(block.rows) or column > block.area.width:
        raise Failed(REF)
    return block.rows[row - 1][column - 1]


_simple("VLOOKUP", 3, 4, lambda scope, args: _lookup(scope, args, down=True))
_simple("HLOOKUP", 3, 4, lambda scope, args: _lookup(scope, args, down=False))
_simple("MATCH", 2, 3, _match)
_simple("INDEX", 1, 3, _index)
_simple("ROWS", 1, 1, lambda _, args: len(_block(args[0]).rows))
_simple("COLUMNS", 1, 1, lambda _, args: _block(args[0]).area.width)


def _own_place(name: str, take: Callable[[Scope, Node | None], int]) -> None:
    @_function(name, 0, 1)
    def place(scope: Scope, arguments: Sequence[Node]) -> Result:
        return take(scope, arguments[0] if arguments else None)


def _first_row(scope: Scope, node: Node | None) -> int:
    return node.reference.area(0).top + 1 if isinstance(node, RangeOf) else scope.row + 1


def _first_column(scope: Scope, node: Node | None) -> int:
    return node.reference.area(0).left + 1 if isinstance(node, RangeOf) else scope.column + 1


_own_place("ROW", _first_row)
_own_place("COLUMN", _first_column)


def _date(scope: Scope, args: list[Result]) -> Result:
    year, month, day = (int(scope.number(arg)) for arg in args)
    if not 0 <= year <= 9999:
        raise Failed(NUMBER)
    months = (year + 1900 if year < 1900 else year) * 12 + month - 1
    return (date(months // 12, months % 12 + 1, 1) + timedelta(days=day - 1) - EPOCH.date()).days


def _part(take: Callable[[datetime], int]) -> Callable[[Scope, list[Result]], Result]:
    return lambda scope, args: take(moment_of(scope.number(args[0])))


def _edate(scope: Scope, args: list[Result], *, end: bool) -> Result:
    moment = moment_of(scope.number(args[0]))
    months = moment.year * 12 + moment.month - 1 + int(scope.number(args[1]))
    last = calendar.monthrange(months // 12, months % 12 + 1)[1]
    day = last if end else min(moment.day, last)
    return (date(months // 12, months % 12 + 1, day) - EPOCH.date()).days


_simple("TODAY", 0, 0, lambda scope, _: math.floor(serial(scope.now.replace(tzinfo=None))))
_simple("NOW", 0, 0, lambda scope, _: serial(scope.now.replace(tzinfo=None)))
_simple("DATE", 3, 3, _date)
_simple("YEAR", 1, 1, _part(lambda moment: moment.year))
_simple("MONTH", 1, 1, _part(lambda moment: moment.month))
_simple("DAY", 1, 1, _part(lambda moment: moment.day))
_simple("HOUR", 1, 1, _part(lambda moment: moment.hour))
_simple("MINUTE", 1, 1, _part(lambda moment: moment.minute))
_simple("SECOND", 1, 1, _part(lambda moment: moment.second))
_simple("WEEKDAY", 1, 1, _part(lambda moment: moment.isoweekday() % 7 + 1))
_simple("EDATE", 2, 2, lambda scope, args: _edate(scope, args, end=False))
_simple("EOMONTH", 2, 2, lambda scope, args: _edate(scope, args, end=True))
