"""The leaky bucket of cost points, one per app and shop, on simulated time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SINGLE_QUERY_LIMIT = 1000
"""Points one request may ask for, on any plan (shopify.dev "API limits")."""


@dataclass
class Bucket:
    """`size` points at most, refilled by `rate` points a second."""

    size: float
    rate: float
    level: float
    at: float

    @classmethod
    def full(cls, size: float, rate: float, now: float) -> Bucket:
        """A bucket nobody has drawn from."""
        return cls(size, rate, size, now)

    def refill(self, now: float) -> float:
        """Points there are at this moment."""
        self.level = min(self.size, self.level + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)
        return self.level

    def take(self, cost: float, now: float) -> bool:
        """Take the points, or nothing when there are too few."""
        if self.refill(now) < cost:
            return False
        self.level -= cost
        return True

    def give_back(self, points: float) -> None:
        """What was asked for but not used."""
        self.level = min(self.size, self.level + points)

    def status(self, now: float) -> dict[str, Any]:
        """`throttleStatus`."""
        return {
            "maximumAvailable": int(self.size),
            "currentlyAvailable": int(self.refill(now)),
            "restoreRate": int(self.rate),
        }
