"""What every adapter needs to talk to the outside: a clock, and a way to have its calls wrapped.

Adapters never retry (promise 7). They hand each call to an `Around`, which the composition root chooses:
`directly` in the simplest case, retry with pacing and bookkeeping in a job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

T = TypeVar("T")

Safety = Literal["read", "repeatable", "once"]
"""What happens when a call is sent twice.

``read``: nothing is written. ``repeatable``: the second sending has no further effect (key or guard in the call).
``once``: it may happen twice, so an unknown outcome must be probed and never sent again blindly (promise 3).
"""


class Clock(Protocol):
    """Time, passed in so that tests and a faster-than-life sandbox can scale it."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Around(Protocol):
    """Wraps one upstream call.

    `service` is ``google`` or ``shopify``, `operation` the call's name for people and figures. `send` does it once
    and raises `sheets_catalog.errors.UpstreamError` or `AccessError` when it fails. Whatever `send` finally returns is
    returned; the last error is raised.
    """

    def __call__(self, safety: Safety, service: str, operation: str, send: Callable[[], T]) -> T:
        """Do the call."""


def directly(safety: Safety, service: str, operation: str, send: Callable[[], T]) -> T:  # noqa: ARG001
    """The `Around` that adds nothing."""
    return send()
