"""What somebody may have meant who named something that is not there. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAMED = 5
"""Names that a message gives at most."""

_ALIKE = 0.75
"""Likeness (difflib's ratio) from which two names may be the same one, mistyped."""


def nearest(wanted: str, known: Iterable[str]) -> list[str]:
    """Names that may have been meant: whole but for case, cut short, or with a letter wrong; the likeliest first."""
    folded = {each.casefold(): each for each in known}
    beginning = wanted.rstrip("….").casefold()
    begun = [each for each in folded if beginning and each.startswith(beginning)]
    near = get_close_matches(wanted.casefold(), folded, NAMED, _ALIKE)
    return [folded[each] for each in dict.fromkeys([*begun, *near])][:NAMED]


def suggestion(wanted: str, known: Sequence[str], kind: str = "the newest are") -> str:
    """A sentence with the names that may have been meant, else the first few of all; `known` begins with the newest."""
    near = nearest(wanted, known)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"{kind[:1].upper()}{kind[1:]}: {', '.join(known[:NAMED])}." if known else ""
