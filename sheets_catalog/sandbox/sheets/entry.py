"""Reading what a person types: the USER_ENTERED input option.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/ValueInputOption: "values will be parsed as if
the user typed them into the UI". A typed value brings a number format along, which a cell with none of its own gets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sheets_catalog.sandbox.sheets.locales import CURRENCIES, MONTHS, Locale

if TYPE_CHECKING:
    from sheets_catalog.sandbox.sheets.grid import Value

EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - serial numbers have no zone
"""Day 0 of serial numbers (reference page of DateTimeRenderOption)."""

NumberFormat = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entered:
    """A typed cell: its value, or the formula whose result is the value, and the format that typing implies."""

    value: Value = None
    formula: str = ""
    number_format: NumberFormat | None = None


def plain_number(number: float) -> float | int:
    """A double as JSON shows it: whole numbers without a point."""
    number = float(number)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def raw(value: object) -> Value:
    """A JSON value stored as it is (RAW): "" blanks the cell, numbers become doubles."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | str):
        return value
    assert isinstance(value, int | float)
    return plain_number(value)


def typed(value: object, locale: Locale, today: date, *, as_text: bool = False) -> Entered:
    """A JSON value parsed as if typed into the UI. `as_text`: the cell has the plain-text format."""
    if not isinstance(value, str) or value == "":
        return Entered(raw(value))
    if as_text:
        return Entered(value)
    if value.startswith("'"):
        return Entered(value[1:] or None)
    if value.startswith("=") and len(value) > 1:
        return Entered(formula=value)
    text = value.strip()
    if text.upper() in {"TRUE", "FALSE"}:
        return Entered(text.upper() == "TRUE")
    if _HAS_DIGIT.search(text):
        found = _number(text, locale) or _date_or_time(text, locale, today)
        if found is not None:
            return found
    if text[:1] in {"+", "-"} and len(text) > 1 and text[1] not in "+-":
        return Entered(formula="=" + text)
    return Entered(value)


_HAS_DIGIT = re.compile(r"[0-9]")


@lru_cache(maxsize=64)
def _number_pattern(group: str, decimal: str) -> re.Pattern[str]:
    group, decimal = re.escape(group), re.escape(decimal)
    return re.compile(
        rf"(?P<int>[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)?(?:{decimal}(?P<frac>[0-9]*))?(?P<exp>[eE][+-]?[0-9]+)?\Z"
    )


def _number(text: str, locale: Locale) -> Entered | None:
    sign, body = _sign(text)
    currency, body = _currency(body)
    percent = body.endswith("%") and not currency
    if percent:
        body = body[:-1].rstrip()
    match = _number_pattern(locale.group, locale.decimal).match(body)
    if match is None or not (match["int"] or match["frac"]):
        return None
    whole = (match["int"] or "0").replace(locale.group, "")
    number = sign * float(f"{whole}.{match['frac'] or '0'}{match['exp'] or ''}")
    if number in (float("inf"), float("-inf")):
        return None
    if percent:
        number /= 100
    return Entered(plain_number(number), number_format=_number_format(match, locale, currency, percent=percent))


def _sign(text: str) -> tuple[int, str]:
    if text.startswith("(") and text.endswith(")"):
        return -1, text[1:-1].strip()
    if text[:1] in {"-", "+"}:
        return (-1 if text[0] == "-" else 1), text[1:].strip()
    return 1, text


def _currency(text: str) -> tuple[str, str]:
    for symbol in CURRENCIES:
        if text.startswith(symbol):
            return symbol, text[len(symbol) :].strip()
        if text.endswith(symbol):
            return symbol, text[: -len(symbol)].strip()
    return "", text


def _number_format(match: re.Match[str], locale: Locale, currency: str, *, percent: bool) -> NumberFormat | None:
    has_fraction = bool(match["frac"])
    grouped = locale.group in (match["int"] or "")
    if currency:
        number = "#,##0.00" if has_fraction else "#,##0"
        after = locale.currency_after and currency == locale.currency
        return {"type": "CURRENCY", "pattern": f'{number} "{currency}"' if after else f'"{currency}"{number}'}
    if percent:
        return {"type": "PERCENT", "pattern": "0.00%" if has_fraction else "0%"}
    if match["exp"]:
        return {"type": "SCIENTIFIC", "pattern": "0.00E+00"}
    if grouped:
        return {"type": "NUMBER", "pattern": "#,##0.00" if has_fraction else "#,##0"}
    return None


def serial(moment: datetime) -> float:
    """Days since 1899-12-30."""
    delta = moment - EPOCH
    return delta.days + delta.seconds / 86400 + delta.microseconds / 86_400_000_000


def moment_of(number: float) -> datetime:
    """The date and time of a serial number, to the millisecond."""
    return EPOCH + timedelta(milliseconds=round(number * 86_400_000))


_TIME = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2})(\.\d+)?)?(?:\s*([AaPp])\.?[Mm]\.?)?\Z")
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})\Z")
_NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})(?:\2(\d{4}|\d{2}))?\Z")
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_DAY_NAME = re.compile(rf"(\d{{1,2}})([- ])({_MONTH})\.?(?:,?\2(\d{{4}}))?\Z", re.IGNORECASE)
_NAME_DAY = re.compile(rf"({_MONTH})\.?([- ])(\d{{1,2}})(?:,?\s*(\d{{4}}))?\Z", re.IGNORECASE)


def _date_or_time(text: str, locale: Locale, today: date) -> Entered | None:
    if len(text) > 40:
        return None
    whole = _date(text, locale, today)
    if whole is not None:
        return Entered(whole[0], number_format={"type": "DATE", "pattern": whole[1]})
    clock = _time(text)
    if clock is not None:
        return Entered(plain_number(clock[0]), number_format={"type": "TIME", "pattern": clock[1]})
    for parts in (text.partition("T"), text.partition(" "), text.rpartition(" ")):
        day, hour = _date(parts[0].strip(), locale, today), _time(parts[2].strip())
        if day is not None and hour is not None and hour[0] < 1:
            pattern = {"type": "DATE_TIME", "pattern": f"{day[1]} {hour[1]}"}
            return Entered(plain_number(day[0] + hour[0]), number_format=pattern)
    return None


def _time(text: str) -> tuple[float, str] | None:
    match = _TIME.match(text)
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    if minutes > 59 or seconds > 59:
        return None
    if match[5]:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if match[5].lower() == "p" else 0)
    pattern = "h:mm" + (":ss" if match[3] else "") + (" am/pm" if match[5] else "")
    if hours > 23:
        pattern = "[h]" + pattern[1:]
    return (hours * 3600 + minutes * 60 + seconds + float(match[4] or 0)) / 86400, pattern


def _date(text: str, locale: Locale, today: date) -> tuple[int, str] | None:
    if match := _ISO.match(text):
        month = "mm" if len(match[3]) == 2 else "m"
        day = "dd" if len(match[4]) == 2 else "d"
        return _day(int(match[1]), int(match[3]), int(match[4]), f"yyyy{match[2]}{month}{match[2]}{day}")
    if match := _NUMERIC.match(text):
        return _numeric_date(match, locale, today)
    if match := _DAY_NAME.match(text):
        pattern = f"d{match[2]}{_month_token(match[3])}" + (f"{match[2]}yyyy" if match[4] else "")
        return _day(int(match[4] or today.year), _month_number(match[3]), int(match[1]), pattern)
    if match := _NAME_DAY.match(text):
        comma = ", yyyy" if match[4] and "," in text else " yyyy" if match[4] else ""
        pattern = f"{_month_token(match[1])}{match[2]}d{comma}"
        return _day(int(match[4] or today.year), _month_number(match[1]), int(match[3]), pattern)
    return None


def _numeric_date(match: re.Match[str], locale: Locale, today: date) -> tuple[int, str] | None:
    """`3/4`, `3-4-26`, `31.12.2026`: the locale says which number is the month."""
    first, separator, second, year = match.groups()
    if separator == "." and (locale.decimal == "." or year is None):
        return None
    day_first = locale.order == "dmy"
    month, day = (second, first) if day_first else (first, second)
    month_token, day_token = ("mm" if len(month) == 2 else "m"), ("dd" if len(day) == 2 else "d")
    pattern = separator.join((day_token, month_token) if day_first else (month_token, day_token))
    if year is None:
        return _day(today.year, int(month), int(day), pattern)
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 30 else 1900)
    return _day(full, int(month), int(day), f"{pattern}{separator}{'yyyy' if len(year) == 4 else 'yy'}")


def _month_number(name: str) -> int:
    return next(index for index, month in enumerate(MONTHS, 1) if month.lower().startswith(name.lower()[:3]))


def _month_token(name: str) -> str:
    return "mmm" if len(name) == 3 else "mmmm"


def _day(year: int, month: int, day: int, pattern: str) -> tuple[int, str] | None:
    try:
        return (date(year, month, day) - EPOCH.date()).days, pattern
    except ValueError:
        return None
