"""Small pure conversions between Shopify's wire forms and the sandbox's stored values.

Ids are integers inside and `gid://shopify/Type/123` outside; timestamps are ISO strings with whole seconds (the
precision Shopify answers), so that text order is time order; money is a decimal string with two places.
"""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

GID: Final = re.compile(r"^gid://shopify/([A-Za-z]+)/([^?]+)(?:\?(.*))?$")
TAG: Final = re.compile(r"<[^>]*>")
SPACES: Final = re.compile(r"\s+")
MONEY_CEILING: Final = Decimal(10) ** 18
"""Recorded answer of the real API: "must be less than 1000000000000000000"."""


def gid(kind: str, number: int | str) -> str:
    """The global id of a resource."""
    return f"gid://shopify/{kind}/{number}"


def split_gid(text: str) -> tuple[str, str] | None:
    """`("Product", "123")`, or None for what is not a global id. A query string is dropped."""
    match = GID.match(text)
    return (match.group(1), match.group(2)) if match else None


def number_of(text: str, kind: str) -> int | None:
    """The number in a global id of this kind; None when it is another kind, or not a number."""
    parts = split_gid(text)
    if parts is None or parts[0] != kind or not parts[1].isdigit():
        return None
    return int(parts[1])


def timestamp(moment: datetime) -> str:
    """`2026-11-22T03:04:05Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decimal_of(text: object) -> Decimal | None:
    """The finite decimal that a Money or Decimal input holds, or None."""
    try:
        value = Decimal(str(text).strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def money(value: Decimal | str) -> str:
    """Two places, no exponent: `"10"` and `"1E1"` are stored as `"10.00"`."""
    return f"{Decimal(str(value)):.2f}"


def handle_of(text: str) -> str:
    """A handle from a title: lower case, letters and digits of any script, joined by single hyphens."""
    plain = unicodedata.normalize("NFC", text).lower()
    words = "".join(letter if letter.isalnum() or unicodedata.combining(letter) else " " for letter in plain)
    return "-".join(words.replace("'", "").split())


def next_handle(handle: str) -> str:
    """The next one to try when a generated handle is taken: a trailing number grows, otherwise `-1` is added."""
    match = re.search(r"(\d+)$", handle)
    if match is None:
        return f"{handle}-1"
    digits = match.group(1)
    return handle[: -len(digits)] + str(int(digits) + 1).zfill(len(digits))


def plain_text(markup: str) -> str:
    """The description without tags, entities resolved, white space collapsed."""
    return SPACES.sub(" ", html.unescape(TAG.sub(" ", markup))).strip()


def shortened(text: str, limit: int | None) -> str:
    """At most `limit` characters, the last three of them dots when something was cut."""
    if limit is None or len(text) <= limit:
        return text
    return text[: max(limit - 3, 0)] + "..."


def tidy_tags(tags: list[str]) -> tuple[str, ...]:
    """Trimmed, without blanks, without repeats (case does not count), in alphabetical order, as Shopify stores them."""
    unique: dict[str, str] = {}
    for entry in tags:
        for tag in entry.split(","):
            if tag.strip():
                unique.setdefault(tag.strip().casefold(), tag.strip())
    return tuple(sorted(unique.values(), key=lambda tag: (tag.casefold(), tag)))
