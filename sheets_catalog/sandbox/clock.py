"""The sandbox's clock: simulated time runs `speed` times as fast as real time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any


class SandboxClock:
    """Simulated time, in seconds since the sandbox started and as aware UTC datetimes.

    `seconds()` never goes back: quotas, lags and cost buckets are measured on it. `now()` is what answers
    show; it also carries `skew`, which a test may set to see clients meet a server whose clock is wrong.
    `wall()` is for things whose other end lives in real time, such as the life of an access token that a
    real client library tracks with its own clock: real elapsed seconds plus explicit advances.
    """

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"speed is {speed}; expected a number above 0 (1 is life-like, 1000 is fast)")
        self.speed = speed
        self.start = start or datetime.now(UTC)
        self.real_start = time.time()
        self.skew = 0.0
        self._origin: float | None = None
        self._advanced = 0.0
        self._jumped = 0.0
        self._lock = threading.Lock()

    def run(self, ahead: float = 0.0) -> None:
        """Let time pass from now on (until then it stands still), with `ahead` simulated seconds gone already."""
        with self._lock:
            self._origin, self.real_start = time.monotonic(), time.time()
            self._advanced += ahead

    def _elapsed(self) -> float:
        return 0.0 if self._origin is None else time.monotonic() - self._origin

    def seconds(self) -> float:
        """Simulated seconds since the start."""
        return self._elapsed() * self.speed + self._advanced

    def now(self) -> datetime:
        """Simulated date and time, aware, UTC."""
        return self.start + timedelta(seconds=self.seconds() + self.skew)

    def real_now(self) -> float:
        """Unix time of this machine, as a client on it sees it."""
        return time.time()

    def wall(self) -> float:
        """Unix time for token lives: real time plus explicit advances, not multiplied by `speed`."""
        return self.real_start + self._elapsed() + self._jumped

    def advance(self, seconds: float) -> None:
        """Let simulated time jump forward; refuses to go back (set `skew` for a wrong clock)."""
        if seconds < 0:
            raise ValueError(f"advance is {seconds} s; expected 0 or more (use skew to set the clock back)")
        with self._lock:
            self._advanced += seconds
            self._jumped += seconds

    def dump(self) -> dict[str, float | str]:
        """What a later sandbox needs to go on from here."""
        return {"start": self.start.isoformat(), "seconds": self.seconds(), "skew": self.skew}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a dumped clock, at this clock's own speed."""
        self.start = datetime.fromisoformat(state["start"])
        self.skew = state["skew"]
        with self._lock:
            self._advanced += state["seconds"] - self.seconds()

    def sleep(self, seconds: float) -> None:
        """Wait for simulated seconds."""
        real = seconds / self.speed
        if real > 0:
            time.sleep(real)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T03:04:05.678Z`, the form of Drive's and Shopify's timestamps (milliseconds, UTC)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
