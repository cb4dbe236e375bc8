"""The books: where every record of a run is (promise 2)."""

from __future__ import annotations

import msgspec


class Books(msgspec.Struct, frozen=True):
    """Counts of records: `planned = done + unchanged + rejected + conflicted + pending`."""

    planned: int = 0
    done: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicted: int = 0
    pending: int = 0

    @property
    def balanced(self) -> bool:
        """Whether nothing is missing and nothing is counted twice."""
        return self.planned == self.done + self.unchanged + self.rejected + self.conflicted + self.pending

    def as_dict(self) -> dict[str, int]:
        """The counts by name, in the order in which they are read aloud."""
        return msgspec.structs.asdict(self)

    def __add__(self, other: Books) -> Books:
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Books(*(mine + theirs for mine, theirs in pairs))
