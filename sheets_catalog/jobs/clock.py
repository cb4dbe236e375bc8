"""Clocks: the real one, and one that runs faster than life for a sandbox that does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Time that runs `speed` times as fast as life since `real_epoch`.

    All processes that share the two epochs (seconds since 1970) agree on what time it is.
    """

    speed: float
    real_epoch: float
    simulated_epoch: float

    def now(self) -> datetime:
        """Simulated wall time, aware, UTC."""
        elapsed = (time.time() - self.real_epoch) * self.speed
        return datetime.fromtimestamp(self.simulated_epoch, UTC) + timedelta(seconds=elapsed)

    def monotonic(self) -> float:
        """Simulated seconds that never go back."""
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait so many simulated seconds."""
        time.sleep(max(0.0, seconds) / self.speed)
