"""The ledger: every effect that was really applied, in order. Tests compare the product's books with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.clock import SandboxClock, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Ledger:
    """Append-only list of applied effects, numbered from 1 without holes."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def record(self, *, service: str, operation: str, target: str, effect: Mapping[str, Any], actor: str) -> int:
        """Write down one effect that changed state just now; answers its number.

        target: id of what changed. effect: JSON-able description, small. actor: e-mail or app that asked.
        """
        with self._lock:
            number = len(self._lines) + 1
            self._lines.append(
                {
                    "n": number,
                    "time": rfc3339(self._clock.now()),
                    "service": service,
                    "operation": operation,
                    "target": target,
                    "actor": actor,
                    "effect": dict(effect),
                }
            )
            return number

    def since(self, number: int = 0) -> list[dict[str, Any]]:
        """Lines after `number`, oldest first."""
        with self._lock:
            return self._lines[number:]

    def restore(self, lines: Iterable[dict[str, Any]]) -> None:
        """Replace everything, when a saved state is loaded."""
        with self._lock:
            self._lines[:] = lines

    def __len__(self) -> int:
        return len(self._lines)
