"""The one layer that retries (promise 7).

Timing rules are functions of attempt and random source; clock and randomness are passed in. What may be sent again
follows from the error and from how safe the call is to repeat, never from the error alone (promise 3).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from sheets_catalog.errors import SheetsCatalogError, Throttled, Unavailable

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from sheets_catalog.upstream import Clock, Safety

T = TypeVar("T")

LOOK_EVERY = 2.0
"""Seconds of waiting between two looks at whether somebody wants to stop."""

CIRCUIT_OPEN = "circuit_open"
"""The `reason` of a `Throttled` that no service asked for: the service does not answer, so it is left alone."""

_GRACE = 5.0
"""Seconds that are waited out all the same then: a last checkpoint shall not fail for want of a moment."""


def never() -> bool:
    """The `stopping` of those whom nobody stops."""
    return False


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Numbers of the retry rule.

    Full jitter with these bases and cap is the standard mode of the AWS SDKs of 2026; Google asks for an exponential
    wait as well and Shopify for about a second. Seconds everywhere. `patience`: longest total wait inside one call.
    """

    attempts: int = 4
    transient_base: float = 0.05
    throttle_base: float = 1.0
    cap: float = 20.0
    patience: float = 120.0
    breaker_failures: int = 5
    breaker_first: float = 30.0
    breaker_cap: float = 900.0


class Decision(StrEnum):
    """What to do after a failed call."""

    RETRY = "retry"  # send it again after a jittered wait
    WAIT = "wait"  # it was not applied; send it again when they said so
    PROBE = "probe"  # it may have been applied: look before anything else
    STOP = "stop"  # sending it again cannot help


def decide(error: SheetsCatalogError, safety: Safety, attempt: int, policy: RetryPolicy) -> Decision:
    """Total over all errors: what the `attempt`-th failure (from 1) of a call asks for."""
    if isinstance(error, Throttled):
        return Decision.WAIT
    if not isinstance(error, Unavailable):
        return Decision.STOP
    if safety == "once" and error.applied is not False:
        return Decision.PROBE
    return Decision.RETRY if attempt < policy.attempts else Decision.STOP


def backoff(attempt: int, base: float, cap: float, rng: random.Random) -> float:
    """Seconds before the next attempt: full jitter, ``rand(0, min(cap, base * 2**attempt))``."""
    return rng.uniform(0, min(cap, base * 2.0 ** min(attempt, 30)))


def wait_for(error: SheetsCatalogError, attempt: int, policy: RetryPolicy, rng: random.Random) -> float:
    """Seconds to wait after the `attempt`-th failure: never less than the other side told us."""
    if isinstance(error, Throttled):
        return max(backoff(attempt, policy.throttle_base, policy.cap, rng), error.retry_after or 0.0)
    return backoff(attempt, policy.transient_base, policy.cap, rng)


@dataclass(slots=True)
class Breaker:
    """Stops calling a service that keeps failing (BK-10): closed, open until a time, then one try."""

    policy: RetryPolicy
    failures: int = 0
    opened: int = 0
    open_until: float = 0.0
    failing_since: float = 0.0

    def remaining(self, now: float) -> float:
        """Seconds until the next try is allowed; 0 when closed."""
        return max(0.0, self.open_until - now)

    def succeeded(self) -> None:
        """A call came back well."""
        self.failures = self.opened = 0

    def failed(self, now: float) -> None:
        """A call failed in transport or with a server error."""
        if not self.failures:
            self.failing_since = now
        self.failures += 1
        if self.failures >= self.policy.breaker_failures:
            pause = min(self.policy.breaker_cap, self.policy.breaker_first * 2.0**self.opened)
            self.open_until, self.failures = now + pause, self.policy.breaker_failures - 1
            self.opened += 1


@dataclass(slots=True)
class Figures:
    """What the calls of a run cost. Seconds are of the passed clock."""

    calls: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    retries: int = 0
    throttled: int = 0
    failed: int = 0
    waited: float = 0.0

    @property
    def total(self) -> int:
        """All calls sent, retries included."""
        return sum(self.calls.values())


@dataclass(slots=True)
class Retrying:
    """An `Around` that retries, waits, breaks the circuit and counts.

    Raises the last error when retrying cannot help; `Throttled` when the wait does not fit `patience` or the circuit is
    open, and the last error when `stopping` says that nobody wants to wait any more: the caller then stores a
    not-before time and ends its slice. A write of which an attempt may have been applied never ends as `Throttled`.
    """

    clock: Clock
    rng: random.Random
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    figures: Figures = field(default_factory=Figures)
    on_wait: Callable[[str, float, SheetsCatalogError], None] | None = None
    stopping: Callable[[], bool] = never
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, safety: Safety, service: str, operation: str, send: Callable[[], T]) -> T:
        """Do the call under the policy."""
        unsure: list[Unavailable] = []

        def noted() -> T:
            try:
                return send()
            except Unavailable as error:
                if safety == "repeatable" and error.applied is not False:
                    unsure.append(error)
                raise

        try:
            return self._tried(safety, service, operation, noted)
        except Throttled as error:
            if unsure:  # that one was turned away, but an attempt before it may have been applied
                raise unsure[-1] from error
            raise

    def _tried(self, safety: Safety, service: str, operation: str, send: Callable[[], T]) -> T:
        attempt, waited = 0, 0.0
        while True:
            self._check_breaker(service)
            try:
                return self._timed(service, operation, send)
            except SheetsCatalogError as error:
                attempt += 1
                decision = decide(error, safety, attempt, self.policy)
                if decision in {Decision.STOP, Decision.PROBE}:
                    raise
                seconds = wait_for(error, attempt, self.policy, self.rng)
                if waited + seconds > self.policy.patience:
                    raise
                waited += seconds
                self._wait(service, seconds, error)

    def _check_breaker(self, service: str) -> None:
        with self._lock:
            breaker = self._breakers.setdefault(service, Breaker(self.policy))
            now = self.clock.monotonic()
            pause, failing = breaker.remaining(now), now - breaker.failing_since
        if pause:
            raise Throttled(
                f"{service.title()} failed {self.policy.breaker_failures} times in a row or more, and has not answered "
                f"for {failing:.0f} seconds.",
                retry_after=pause,
                service=service,
                reason=CIRCUIT_OPEN,
            )

    def _timed(self, service: str, operation: str, send: Callable[[], T]) -> T:
        started = self.clock.monotonic()
        try:
            result = send()
        except Unavailable:
            with self._lock:
                self.figures.failed += 1
                self._breakers[service].failed(self.clock.monotonic())
            raise
        finally:
            with self._lock:
                self._count(operation, self.clock.monotonic() - started)
        with self._lock:
            self._breakers[service].succeeded()
        return result

    def _count(self, operation: str, seconds: float) -> None:
        self.figures.calls[operation] = self.figures.calls.get(operation, 0) + 1
        self.figures.seconds[operation] = self.figures.seconds.get(operation, 0.0) + seconds

    def _wait(self, service: str, seconds: float, error: SheetsCatalogError) -> None:
        with self._lock:
            self.figures.retries += 1
            self.figures.waited += seconds
            self.figures.throttled += isinstance(error, Throttled)
        if self.on_wait:
            self.on_wait(service, seconds, error)
        self._sleep(seconds, error)

    def _sleep(self, seconds: float, error: SheetsCatalogError) -> None:
        """Wait so long, or raise `error` when somebody wants to stop and most of it is still ahead."""
        while seconds > 0:
            if seconds > _GRACE and self.stopping():
                raise error
            part = min(seconds, LOOK_EVERY) if seconds > _GRACE else seconds
            self.clock.sleep(part)
            seconds -= part
