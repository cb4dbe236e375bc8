"""Two values of one field, cut to what a person needs to see: where they differ, and the blanks that do not show."""

from __future__ import annotations

from dataclasses import dataclass

SHORT = 160
"""Characters up to which a value is shown whole."""

AROUND = 40
"""Characters of common text that are kept on both sides of a difference."""

MOST = 600
"""Characters of a difference that are shown at most."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as shown: `before` and `after` stand in both values, `middle` is what differs.

    `cut`: characters that are left out. `nothing`: "nothing" or "empty text" when there is no character to show.
    """

    before: str = ""
    middle: str = ""
    after: str = ""
    cut: int = 0
    nothing: str = ""

    @property
    def text(self) -> str:
        """All of it in one piece."""
        return self.nothing or self.before + self.middle + self.after


def shown(value: str | None) -> Shown:
    """One value alone."""
    if not value:
        return Shown(nothing="nothing" if value is None else "empty text")
    return Shown(middle=visible(value[:MOST]), cut=max(0, len(value) - MOST))


def difference(old: str | None, new: str | None) -> tuple[Shown, Shown]:
    """Both values, each cut to where it differs from the other; short ones are shown whole."""
    if not old or not new or max(len(old), len(new)) <= SHORT:
        return shown(old), shown(new)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return _around(old, start, end), _around(new, start, end)


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    for at, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return at
    return min(len(one), len(other))


def _around(value: str, start: int, end: int) -> Shown:
    stop = len(value) - end
    middle = value[start:stop]
    left, right = _last_words(value[:start]), value[stop : stop + AROUND]
    kept = len(left) + len(right) + min(len(middle), MOST)
    return Shown(
        before=("…" if start > AROUND else "") + visible_edge(left, at_start=start <= AROUND),
        middle=visible(middle[:MOST]),
        after=visible_edge(right, at_start=False, at_end=end <= AROUND) + ("…" if end > AROUND else ""),
        cut=len(value) - kept,
    )


def _last_words(text: str) -> str:
    """The last whole words of `text`, at most `AROUND` characters."""
    if len(text) <= AROUND:
        return text
    tail = text[-AROUND:]
    return tail.partition(" ")[2] or tail


def visible(text: str) -> str:
    """`text` with the blanks at its ends made visible."""
    return visible_edge(text, at_start=True, at_end=True)


def visible_edge(text: str, *, at_start: bool, at_end: bool = False) -> str:
    """`text` with blanks made visible at the asked-for ends: nobody sees a trailing space otherwise."""
    body = text.strip(" \t\n")
    if not body:
        return text.translate(_MARKS) if at_start or at_end else text
    head, _, tail = text.partition(body)
    return (head.translate(_MARKS) if at_start else head) + body + (tail.translate(_MARKS) if at_end else tail)


_MARKS = str.maketrans({" ": "␣", "\t": "⇥", "\n": "↵\n"})
