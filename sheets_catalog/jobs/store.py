"""Where job state and leases live, as the engine sees it: properties with compare-and-set, and side files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """Properties as the store has them. `version` is what `write` must name; `now` is the store's own time."""

    version: str
    properties: Mapping[str, str]
    now: datetime


class PropertyStore(Protocol):
    """Properties of one file, with compare-and-set.

    Both calls may raise `UpstreamError` or `AccessError`. After an `Unavailable` a write may or may not have landed.
    """

    @property
    def file_id(self) -> str:
        """The file they belong to."""

    def read(self) -> Stored:
        """What is there now."""

    def last(self) -> Stored:
        """What was there when it was last read or written; read now when it never was.

        For who writes next: a write that names the version of what has changed since is refused.
        """

    def write(self, changes: Mapping[str, str | None], version: str) -> Stored:
        """Patch (None removes). Raises `PreconditionFailed` when `version` is no longer the current one."""


class JobStore(PropertyStore, Protocol):
    """The store of one job: its properties, and a side file per slot for what does not fit in them."""

    def read_side(self, slot: str) -> bytes | None:
        """The content of a slot's side file; None when there is none."""

    def write_side(self, slot: str, content: bytes) -> None:
        """Replace the content of a slot's side file."""
