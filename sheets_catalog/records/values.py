"""Cell values, shop values and what they mean: one canonical text per value.

Inside, every value is text in one canonical form, or None for "nothing there". Two values are equal exactly when their
canonical forms are. Reading is strict: what could mean two things (``1,5``) is reported and never guessed.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = str | None
"""Canonical text; None where there is nothing."""

Cell: TypeAlias = str | int | float | bool | None
"""What the Sheets API gives for a cell with UNFORMATTED_VALUE, and takes with RAW."""

EXACT_INTEGERS = 2**53
"""Sheets numbers are IEEE doubles: whole numbers from here on may have lost digits."""

TRUE_WORDS = frozenset(
    {"true", "yes", "y", "1", "on", "wahr", "ja", "vrai", "oui", "sí", "si", "verdadero", "vero", "sì"}
)
FALSE_WORDS = frozenset({"false", "no", "n", "0", "off", "falsch", "nein", "faux", "non", "falso"})

_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_ERROR_VALUE = re.compile(r"#(REF!|DIV/0!|N/A|NAME\?|NULL!|NUM!|VALUE!|ERROR!|SPILL!|CALC!|CONNECT!)")
_LOADING = "Loading..."
_EVERYDAY = 1e9
"""Amounts below this have far more binary digits than decimals, so that formatting one shows what was typed."""

_PLACES = 9
_NOISE = Decimal("1e-9")

_REMEMBERED = 4_096
"""Different cells of a column whose canonical value is remembered."""


class Kind(StrEnum):
    """How a field's cells are read and written."""

    TEXT = "text"
    MULTILINE = "multiline"
    ID = "id"
    MONEY = "money"
    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TAGS = "tags"
    CHOICE = "choice"
    WORD = "word"


class BadValueError(ValueError):
    """A cell that cannot be read as its field's kind; says what was found, what was expected and what to do."""

    def __init__(self, found: object, expected: str, advice: str) -> None:
        super().__init__(f"found {found!r}, expected {expected}")
        self.found = found
        self.expected = expected
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading depends on besides the cell.

    `money_digits`: decimals of the shop's money. `choices`: the words of a choice field. `limit`: most characters.
    """

    money_digits: int = 2
    choices: tuple[str, ...] = ()
    limit: int | None = None


PLAIN = Reading()


def read_cell(kind: Kind, cell: Cell, reading: Reading = PLAIN) -> Value:
    """The canonical value of a cell. Raises `BadValueError`."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, str) and (cell[0] == "#" or cell == _LOADING):
        _refuse_errors(cell)
    value = _READERS[kind](cell, reading)
    if reading.limit is not None and value is not None and len(value) > reading.limit:
        raise _too_long(value, reading.limit)
    return value


def reader(kind: Kind, reading: Reading = PLAIN) -> Callable[[Cell], Value]:
    """`read_cell` for the many cells of a column. Values that repeat, as prices and choices do, are read once."""
    if kind not in {Kind.TEXT, Kind.MULTILINE, Kind.ID}:
        return lru_cache(_REMEMBERED, typed=True)(lambda cell: read_cell(kind, cell, reading))
    longest = sys.maxsize if reading.limit is None else reading.limit
    whole = kind is not Kind.ID

    def read_text(cell: Cell) -> Value:
        """Most cells are texts that stand for themselves."""
        if isinstance(cell, str) and cell and len(cell) <= longest and cell[0] != "#" and cell != _LOADING:
            if whole or (cell.isascii() and cell.isdigit()):
                return cell
        elif not cell and not isinstance(cell, int | float):
            return None
        return read_cell(kind, cell, reading)

    return read_text


def _refuse_errors(cell: str) -> None:
    if cell == _LOADING or _ERROR_VALUE.fullmatch(cell):
        raise BadValueError(cell, "a value", "Mend the formula in this cell; its error was not sent.")


def _too_long(value: str, limit: int) -> BadValueError:
    return BadValueError(f"{value[:40]}… ({len(value)} characters)", f"at most {limit} characters", "Shorten the text.")


def write_cell(kind: Kind, value: Value) -> Cell | Decimal:
    """The cell to write (RAW) for a canonical value: numbers as numbers, everything else as text."""
    if value is None:
        return ""
    if kind in {Kind.MONEY, Kind.DECIMAL}:
        return Decimal(value)
    if kind is Kind.INTEGER:
        return int(value)
    if kind is Kind.BOOLEAN:
        return value == "true"
    return value


def money(amount: Decimal | str, digits: int) -> str:
    """Canonical money: `digits` decimals, half up (the rule of Shopify's own rounding), no minus zero."""
    return str(Decimal(amount).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP) + 0)


def decimal_text(number: Decimal) -> str:
    """Canonical number: no exponent, no trailing zeros, no minus zero."""
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def tags_text(tags: list[str] | tuple[str, ...]) -> Value:
    """Canonical tags: trimmed, without doubles (Shopify compares them without case), sorted."""
    seen = {tag.strip().casefold(): tag.strip() for tag in reversed(tags) if tag.strip()}
    return ", ".join(sorted(seen.values(), key=lambda tag: (tag.casefold(), tag))) or None


def _read_text(cell: Cell, _: Reading) -> Value:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return _number_as_text(cell)
    if isinstance(cell, int):
        return _number_as_text(float(cell)) if abs(cell) < EXACT_INTEGERS else _lost_digits(cell)
    return cell


def _number_as_text(cell: float) -> str:
    if not math.isfinite(cell):
        raise BadValueError(cell, "text", "Type the value again as text: format the cell as plain text first.")
    if abs(cell) >= EXACT_INTEGERS:
        return _lost_digits(cell)
    return decimal_text(Decimal(repr(cell)))


def _lost_digits(cell: float) -> str:
    raise BadValueError(
        cell,
        "text",
        "A number this long has lost digits in the sheet. Format the cell as plain text and type it again.",
    )


def _read_id(cell: Cell, reading: Reading) -> Value:
    if isinstance(cell, str) and cell.isascii() and cell.isdigit():
        return cell
    text = (_read_text(cell, reading) or "").strip()
    tail = text.rsplit("/", 1)[-1].partition("?")[0] if text.startswith("gid://") else text
    if not tail.isascii() or not tail.isdigit():
        raise BadValueError(
            cell, "a Shopify id (digits only)", "Clear the cell to create a new record, or undo the edit."
        )
    return tail


def _decimal(cell: Cell, expected: str) -> Decimal:
    if isinstance(cell, bool):
        raise BadValueError(cell, expected, "Type a number.")
    if isinstance(cell, int | float):
        if isinstance(cell, float) and not math.isfinite(cell):
            raise BadValueError(cell, expected, "Type a finite number.")
        return _exact(Decimal(repr(cell)), expected)
    text = str(cell).strip()
    if not _DECIMAL.fullmatch(text):
        raise BadValueError(cell, expected, _number_advice(text))
    try:
        return _exact(Decimal(text), expected)
    except InvalidOperation as error:  # pragma: no cover - the pattern admits only what Decimal reads
        raise BadValueError(cell, expected, "Type a number.") from error


def _exact(number: Decimal, expected: str) -> Decimal:
    if abs(number) >= EXACT_INTEGERS:
        raise BadValueError(number, expected, "A number this long loses digits in a sheet. Type a smaller one.")
    return number


def _number_advice(text: str) -> str:
    if "," in text:
        return "A comma could mean decimals or thousands. Type a real number, or write it with a point: 1299.50."
    return "Type the number alone, without signs, units or currency."


def _read_money(cell: Cell, reading: Reading) -> Value:
    if isinstance(cell, float) and 0 < cell < _EVERYDAY:
        text = f"{cell:.{reading.money_digits}f}"
        if float(text) == cell:  # nothing was rounded: the usual case, and ten times as fast
            return text
    expected = f"an amount with at most {reading.money_digits} decimals"
    number = _decimal(cell, expected)
    if number < 0:
        raise BadValueError(cell, "an amount of 0 or more", "Type an amount that is not negative.")
    amount = money(number, reading.money_digits)
    if abs(Decimal(amount) - number) > _NOISE:
        raise BadValueError(cell, expected, f"Round it yourself: {amount} would be the nearest amount.")
    return amount


def _read_decimal(cell: Cell, _: Reading) -> Value:
    if isinstance(cell, float) and math.isfinite(cell) and cell % 1:
        text = repr(cell)
        if "e" not in text and len(text) - text.index(".") <= _PLACES + 1:
            return text
    return decimal_text(_decimal(cell, "a number").quantize(_NOISE, rounding=ROUND_HALF_UP))


def _read_integer(cell: Cell, _: Reading) -> Value:
    number = _decimal(cell, "a whole number")
    if number != number.to_integral_value():
        raise BadValueError(cell, "a whole number", "Type a whole number.")
    return str(int(number))


def _read_boolean(cell: Cell, _: Reading) -> Value:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    word = str(cell).strip().casefold()
    word = word.removesuffix(".0")
    if word in TRUE_WORDS:
        return "true"
    if word in FALSE_WORDS:
        return "false"
    raise BadValueError(cell, "yes or no (TRUE or FALSE)", "Type TRUE or FALSE.")


def _read_tags(cell: Cell, reading: Reading) -> Value:
    return tags_text((_read_text(cell, reading) or "").split(","))


def _read_choice(cell: Cell, reading: Reading) -> Value:
    if isinstance(cell, str) and cell in reading.choices:
        return cell
    word = str(cell).strip().upper().replace(" ", "_")
    if word not in reading.choices:
        raise BadValueError(cell, "one of " + ", ".join(reading.choices), "Choose one of these words.")
    return word


def _read_word(cell: Cell, reading: Reading) -> Value:
    """One of the choices however it is typed (“Staged ”); any other word as it stands: who reads it tells of it."""
    text = _read_text(cell, reading) or ""
    word = text.strip()
    return next((choice for choice in reading.choices if choice == word.casefold()), text if word else None)


_READERS = {
    Kind.TEXT: _read_text,
    Kind.MULTILINE: _read_text,
    Kind.ID: _read_id,
    Kind.MONEY: _read_money,
    Kind.DECIMAL: _read_decimal,
    Kind.INTEGER: _read_integer,
    Kind.BOOLEAN: _read_boolean,
    Kind.TAGS: _read_tags,
    Kind.CHOICE: _read_choice,
    Kind.WORD: _read_word,
}
