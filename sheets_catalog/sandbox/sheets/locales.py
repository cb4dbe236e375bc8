"""What a spreadsheet's locale decides: separators, currency, order of dates, default patterns.

Only the locales below are known exactly; any other language is read as its closest relative, else as en_US.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Locale:
    """Separators and orders of one locale. `order` is the order of day, month and year in `1/2/2026`."""

    code: str
    decimal: str = "."
    group: str = ","
    currency: str = "$"
    currency_after: bool = False
    order: str = "mdy"
    date_separator: str = "/"

    @property
    def date_pattern(self) -> str:
        """The pattern of a DATE format without one."""
        parts = {"y": "yyyy", "m": "mm" if self.date_separator == "." else "M", "d": "dd"}
        if self.date_separator == "/" and self.order == "mdy":
            parts = {"y": "yyyy", "m": "M", "d": "d"}
        return self.date_separator.join(parts[letter] for letter in self.order)

    @property
    def currency_pattern(self) -> str:
        """The pattern of a CURRENCY format without one."""
        number = "#,##0.00"
        return f'{number} "{self.currency}"' if self.currency_after else f'"{self.currency}"{number}'


_KNOWN: Mapping[str, Locale] = {
    locale.code: locale
    for locale in (
        Locale("en_US"),
        Locale("en_GB", currency="£", order="dmy"),
        Locale("en_CA", order="ymd", date_separator="-"),
        Locale("en_AU", order="dmy"),
        Locale("en_IE", currency="€", order="dmy"),
        Locale("de_DE", decimal=",", group=".", currency="€", currency_after=True, order="dmy", date_separator="."),
        Locale("de_AT", decimal=",", group=".", currency="€", order="dmy", date_separator="."),
        Locale("de_CH", decimal=".", group="’", currency="CHF", order="dmy", date_separator="."),
        Locale("fr_FR", decimal=",", group="\u202f", currency="€", currency_after=True, order="dmy"),
        Locale("fr_CA", decimal=",", group="\u00a0", currency_after=True, order="ymd", date_separator="-"),
        Locale("es_ES", decimal=",", group=".", currency="€", currency_after=True, order="dmy"),
        Locale("es_MX", order="dmy"),
        Locale("it_IT", decimal=",", group=".", currency="€", currency_after=True, order="dmy"),
        Locale("nl_NL", decimal=",", group=".", currency="€", order="dmy", date_separator="-"),
        Locale("pt_BR", decimal=",", group=".", currency="R$", order="dmy"),
        Locale("pt_PT", decimal=",", group="\u00a0", currency="€", currency_after=True, order="dmy"),
        Locale(
            "pl_PL", decimal=",", group="\u00a0", currency="zł", currency_after=True, order="dmy", date_separator="."
        ),
        Locale(
            "sv_SE", decimal=",", group="\u00a0", currency="kr", currency_after=True, order="ymd", date_separator="-"
        ),
        Locale("da_DK", decimal=",", group=".", currency="kr", currency_after=True, order="dmy", date_separator="."),
        Locale("ja_JP", currency="¥", order="ymd"),
        Locale("zh_CN", currency="¥", order="ymd"),
        Locale("ko_KR", currency="₩", order="ymd", date_separator="."),
    )
}


def locale_of(code: str) -> Locale:
    """The Locale of `en_US`, `en-GB` or `de`; an unknown one falls back to its language, then to en_US."""
    code = code.replace("-", "_")
    if code in _KNOWN:
        return _KNOWN[code]
    language = code.partition("_")[0].lower()
    return next((locale for locale in _KNOWN.values() if locale.code.startswith(language + "_")), _KNOWN["en_US"])


CURRENCIES = ("R$", "CHF", "kr", "zł", "$", "€", "£", "¥", "₩", "₹", "₽", "₺", "฿", "₫", "₪")
"""Symbols that a typed number may carry, longest first."""

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
