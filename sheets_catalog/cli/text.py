"""People's data on a terminal: nothing in it is obeyed, and nothing that differs looks the same. Pure.

Values come from sheets and shops, so they may hold escape sequences, markup, line breaks, right-to-left text and
characters nobody sees. Control characters are shown as pictures or escapes, right-to-left text is kept to its own cell.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

if TYPE_CHECKING:
    from datetime import datetime

    from sheets_catalog.records import Value

BLANK = "(blank)"
LONGEST = 60
"""Terminal cells of a value that are shown where nothing narrower is asked for."""

WHOLE = 300
"""Terminal cells of a value that somebody has to judge, which goes over several lines rather than being cut."""

_CONTEXT = 10
"""Characters shown before the first difference of two long texts."""

_PICTURES = {"\n": "⏎", "\r": "␍", "\t": "⇥", "\x1b": "␛", "\x7f": "␡"}
_UNSEEN = frozenset(
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2028\u2029\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters without a look of their own, direction marks among them. Joiners (U+200C, U+200D) stay for emoji."""

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def visible(text: str) -> str:
    """The text on one line with everything in it to be seen; outer spaces become middle dots."""
    seen = "".join(_picture(char) for char in text)
    inner = seen.strip(" ")
    if inner == seen:
        return seen
    if not inner:
        return "·" * len(seen)
    start = seen.index(inner)
    return "·" * start + inner + "·" * (len(seen) - start - len(inner))


def _picture(char: str) -> str:
    if char in _PICTURES:
        return _PICTURES[char]
    if char < " ":
        return chr(0x2400 + ord(char))
    if "\x80" <= char <= "\x9f":
        return f"\\x{ord(char):02x}"
    if char in _UNSEEN or "\ud800" <= char <= "\udfff":
        return f"\\u{ord(char):04x}"
    if char == "\u00a0":
        return "⍽"
    return char


def shortened(text: str, cells: int = LONGEST) -> str:
    """The text in at most so many terminal cells, with an ellipsis where it was cut."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…"


def isolated(text: str) -> str:
    """Right-to-left text between marks that keep it from turning its neighbours around."""
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return f"{_ISOLATE}{text}{_END_ISOLATE}"
    return text


def shown(value: object, cells: int = LONGEST, style: str = "") -> Text:
    """A value ready to print: never markup, on one line, at most so many cells; None and nothing say so."""
    if value is None or value == "":
        return Text(BLANK, style="dim italic")
    return Text(isolated(shortened(visible(str(value)), cells)), style=style)


def both(before: Value, after: Value, cells: int = LONGEST, after_cells: int = 0) -> tuple[Text, Text]:
    """Two values of a field; of long ones the part around the first difference is shown."""
    after_cells = after_cells or cells
    if before is None or after is None:
        return shown(before, cells, "red"), shown(after, after_cells, "green")
    old, new = visible(before), visible(after)
    if cell_len(old) > cells or cell_len(new) > after_cells:
        skipped = _alike(old, new) - _CONTEXT
        if skipped > 1:
            old, new = "…" + old[skipped:], "…" + new[skipped:]
    return _plain(old, cells, "red"), _plain(new, after_cells, "green")


def _alike(old: str, new: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _plain(text: str, cells: int, style: str) -> Text:
    return Text(isolated(shortened(text, cells)), style=style) if text else shown(None)


def duration(seconds: float) -> str:
    """A time in words a person says: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``1,250 rows``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def moment(when: datetime | None) -> str:
    """A moment for people, in UTC, to the second."""
    return "" if when is None else when.strftime("%Y-%m-%d %H:%M:%S")
