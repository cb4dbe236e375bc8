"""Showing a value as its cell does: the FORMATTED_VALUE render option.

Patterns: https://developers.google.com/workspace/sheets/api/guides/formats. Supported: sections and conditions, digit
placeholders, grouping, percent, scientific, literals, `@`, currency brackets, all date and time tokens with durations.
Not supported, and shown as if absent: fractions (`# ?/?`) and fill (`*x`).
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from sheets_catalog.sandbox.sheets.entry import moment_of
from sheets_catalog.sandbox.sheets.grid import CellError, Value
from sheets_catalog.sandbox.sheets.locales import DAYS, MONTHS, Locale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Token: TypeAlias = tuple[str, str]
DATE_TYPES: Final = frozenset({"DATE", "TIME", "DATE_TIME"})


def shown(value: Value, number_format: Mapping[str, str] | None, locale: Locale) -> str:
    """The text that the cell shows; "" for a blank one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, CellError):
        return value.text
    if isinstance(value, str):
        return _with_text_section(value, number_format)
    if not number_format or number_format.get("type") == "TEXT":
        return general(value, locale)
    return patterned(value, pattern_of(number_format, locale), locale)


def pattern_of(number_format: Mapping[str, str], locale: Locale) -> str:
    """The format's pattern, or its type's default one (reference page of NumberFormatType)."""
    if number_format.get("pattern"):
        return number_format["pattern"]
    defaults = {
        "NUMBER": "#,##0.00",
        "PERCENT": "0.00%",
        "CURRENCY": locale.currency_pattern,
        "DATE": locale.date_pattern,
        "TIME": "h:mm:ss am/pm",
        "DATE_TIME": f"{locale.date_pattern} h:mm:ss",
        "SCIENTIFIC": "0.00E+00",
        "TEXT": "@",
    }
    return defaults.get(number_format.get("type", ""), "")


def general(value: float, locale: Locale) -> str:
    """A number without any format: ten significant digits, whole numbers in full below 1E15."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-9:
        mantissa, _, exponent = f"{value:.5E}".partition("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}".replace(".", locale.decimal)
    if float(value).is_integer():
        return str(int(value))
    decimals = max(0, 9 - math.floor(math.log10(size))) if size >= 1 else 9 - math.floor(math.log10(size))
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", locale.decimal)


def _with_text_section(text: str, number_format: Mapping[str, str] | None) -> str:
    pattern = (number_format or {}).get("pattern", "")
    if "@" not in pattern or pattern == "@":
        return text
    section = _sections(pattern)[-1]
    return "".join(text if kind == "@" else part if kind == "literal" else "" for kind, part in _tokens(section))


def patterned(value: float, pattern: str, locale: Locale) -> str:
    """A number in a pattern."""
    if not pattern or pattern.lower() == "general":
        return general(value, locale)
    section, number = _section_for(value, pattern)
    tokens = _tokens(section)
    if any(kind == "date" for kind, _ in tokens):
        return _moment_text(value, tokens)
    return _number_text(number, tokens, locale)


@lru_cache(maxsize=512)
def _sections(pattern: str) -> Sequence[str]:
    """The parts between `;` outside quotes."""
    return re.findall(r'((?:"[^"]*"|\\.|[^;"\\])*)(?:;|\Z)', pattern)[: pattern.count(";") + 1] or [pattern]


_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[0-9.]+)\]")


def _section_for(value: float, pattern: str) -> tuple[str, float]:
    """The section that shows the value, and the value to show in it (a section of its own drops the minus)."""
    sections = _sections(pattern)
    for section in sections:
        condition = _CONDITION.search(section)
        if condition and _holds(value, condition[1], float(condition[2])):
            return _CONDITION.sub("", section), value
    plain = [section for section in sections if not _CONDITION.search(section)] or [""]
    if value < 0 and len(plain) > 1:
        return plain[1], -value
    if value == 0 and len(plain) > 2:
        return plain[2], value
    return plain[0], value


def _holds(value: float, operator: str, limit: float) -> bool:
    return {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
        "=": value == limit,
        "<>": value != limit,
    }[operator]


_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"'
    r"|\\(?P<escaped>.)"
    r"|\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]"
    r"|(?P<elapsed>\[(?:h+|m+|s+)\])"
    r"|\[(?P<color>[A-Za-z]+[0-9]*)\]"
    r"|(?P<ampm>am/pm|a/p)"
    r"|(?P<exp>[eE][+-]0+)"
    r"|(?P<digits>[0#?][0#?,]*(?:\.[0#?]*,*)?|\.[0#?]+)"
    r"|(?P<date>y+|m+|d+|h+|s+)"
    r"|(?P<percent>%)"
    r"|(?P<text>@)"
    r"|_(?P<space>.)"
    r"|\*(?P<fill>.)"
    r"|(?P<literal>.)",
    re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=512)
def _tokens(section: str) -> tuple[Token, ...]:
    """(kind, text) of each part; kinds: literal, date, digits, exp, percent, @."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(section):
        kind, text = match.lastgroup or "", match[match.lastgroup or 0]
        if kind in {"quoted", "escaped", "currency", "literal"}:
            tokens.append(("literal", text))
        elif kind in {"elapsed", "ampm", "date"}:
            tokens.append(("date", text.lower()))
        elif kind == "space":
            tokens.append(("literal", " "))
        elif kind == "text":
            tokens.append(("@", text))
        elif kind in {"exp", "digits", "percent"}:
            tokens.append((kind, text))
    return tuple(_minutes_told_from_months(_fraction_seconds(tokens)))


def _fraction_seconds(tokens: list[Token]) -> list[Token]:
    """`.000` right behind seconds is a part of them."""
    for place, (kind, text) in enumerate(tokens):
        if kind == "digits" and text.startswith(".") and place and tokens[place - 1] in {("date", "s"), ("date", "ss")}:
            tokens[place] = ("date", "." + "0" * (len(text) - 1))
    return tokens


def _minutes_told_from_months(tokens: list[Token]) -> list[Token]:
    """An `m` or `mm` right after hours or right before seconds means minutes: `n` or `nn` from here on."""
    dates = [place for place, (kind, _) in enumerate(tokens) if kind == "date"]
    for order, place in enumerate(dates):
        text = tokens[place][1]
        before = tokens[dates[order - 1]][1] if order else ""
        after = tokens[dates[order + 1]][1] if order + 1 < len(dates) else ""
        if text in {"m", "mm"} and (before.strip("[").startswith("h") or after.strip("[").startswith("s")):
            tokens[place] = ("date", "n" * len(text))
    return tokens


def _moment_text(value: float, tokens: Sequence[Token]) -> str:
    moment = moment_of(value)
    if not any(text.startswith(".") for kind, text in tokens if kind == "date"):
        moment = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    twelve = any(text in {"am/pm", "a/p"} for kind, text in tokens if kind == "date")
    return "".join(
        _moment_part(text, moment, value, twelve=twelve) if kind == "date" else text for kind, text in tokens
    )


def _moment_part(token: str, moment: datetime, value: float, *, twelve: bool) -> str:
    if token.startswith("["):
        seconds = round(value * 86400)
        unit = {"h": 3600, "m": 60, "s": 1}[token[1]]
        return str(seconds // unit).zfill(len(token) - 2)
    if token.startswith("."):
        return f".{moment.microsecond:06d}"[: len(token)]
    hour = (moment.hour % 12 or 12) if twelve else moment.hour
    return {
        "y": f"{moment:%y}",
        "yy": f"{moment:%y}",
        "d": str(moment.day),
        "dd": f"{moment.day:02d}",
        "ddd": DAYS[moment.weekday()][:3],
        "dddd": DAYS[moment.weekday()],
        "m": str(moment.month),
        "mm": f"{moment.month:02d}",
        "mmm": MONTHS[moment.month - 1][:3],
        "mmmm": MONTHS[moment.month - 1],
        "mmmmm": MONTHS[moment.month - 1][0],
        "h": str(hour),
        "hh": f"{hour:02d}",
        "n": str(moment.minute),
        "nn": f"{moment.minute:02d}",
        "s": str(moment.second),
        "ss": f"{moment.second:02d}",
        "am/pm": "AM" if moment.hour < 12 else "PM",
        "a/p": "A" if moment.hour < 12 else "P",
    }.get(token, str(moment.year))


def _number_text(value: float, tokens: Sequence[Token], locale: Locale) -> str:
    percents = sum(kind == "percent" for kind, _ in tokens)
    exponent = next((text for kind, text in tokens if kind == "exp"), "")
    digits = [text for kind, text in tokens if kind == "digits"]
    scaled = Decimal(repr(float(value))) * (100**percents)
    mantissa, power = _mantissa(scaled) if exponent else (scaled, 0)
    body = _digits(abs(mantissa), digits[0], locale) if digits else ""
    parts, first = [], True
    for kind, text in tokens:
        if kind == "digits":
            parts.append(body if first else "")
            first = False
        elif kind == "exp":
            sign = "-" if power < 0 else "+" if text[1] == "+" else ""
            parts.append(f"E{sign}{abs(power):0{len(text) - 2}d}")
        elif kind == "@":
            parts.append(general(value, locale))
        else:
            parts.append(text)
    negative = value < 0 and digits and any(letter in "123456789" for letter in body)
    return ("-" if negative else "") + "".join(parts)


def _mantissa(value: Decimal) -> tuple[Decimal, int]:
    if not value:
        return value, 0
    power = value.adjusted()
    return value.scaleb(-power), power


def _digits(value: Decimal, placeholder: str, locale: Locale) -> str:
    # Each comma behind the last digit divides by a thousand.
    digits = placeholder.rstrip(",")
    value /= 1000 ** (len(placeholder) - len(digits))
    whole_part, point, fraction_part = digits.partition(".")
    rounded = value.quantize(Decimal(1).scaleb(-len(fraction_part)), rounding=ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    whole = whole.lstrip("0").rjust(whole_part.count("0"), "0")
    if "," in whole_part:
        whole = f"{int(whole or 0):,}".replace(",", locale.group) if whole else whole
    needed = len(fraction_part.rstrip("#?"))
    while len(fraction) > needed and fraction.endswith("0"):
        fraction = fraction[:-1]
    return whole + (locale.decimal + fraction if point and (fraction or needed) else "")
