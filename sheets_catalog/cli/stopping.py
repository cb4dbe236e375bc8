"""Ctrl-C: the first one asks the run to stop at the next checkpoint, the second one stops at once.

Either way nothing is lost: intents are stored before anything is sent, and a resumed job looks before it sends.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

from sheets_catalog.errors import SheetsCatalogError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType


class Stopped(SheetsCatalogError):  # noqa: N818 - it is what was asked for
    """A person asked to stop something that is not a stored job; it can simply be started again."""

    exit_status = 4


STOPPING = "Stopping at the next checkpoint. Press Ctrl-C again to stop at once; nothing is lost either way."


class Stopping:
    """While entered, SIGINT and SIGTERM set `wanted` first and interrupt the second time. Main thread only."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._wanted = threading.Event()
        self._before: dict[int, Any] = {}

    def wanted(self) -> bool:
        """Whether somebody asked to stop."""
        return self._wanted.is_set()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _asked(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of signal handlers
        if self._wanted.is_set():
            raise KeyboardInterrupt
        self._wanted.set()
        self._tell(STOPPING)
