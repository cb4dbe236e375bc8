"""Shopify's cost points: what a request will cost, how long to wait for it, how long a plan will take.

The bucket's size and refill are read from every answer (`extensions.cost.throttleStatus`) and never assumed: they
depend on the shop's plan, and Shopify may lower them. A single request may cost at most 1,000 points on any plan
(https://shopify.dev/docs/api/usage/limits); it is charged by its requested cost first and refunded afterwards.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sheets_catalog.upstream import Clock

MOST_POINTS = 1000
"""Most points of a single request, on any plan (limits page above)."""

STANDARD_RATE = 100.0
"""Points a second of the standard plan, for estimates before the shop has answered once (rate limits page)."""

BACK_OFF = 1.0
"""Seconds to wait when nothing says how long (limits page: "recommended backoff time is one second")."""

MUTATION_COST = 10
"""Base cost of a mutation (limits page)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request cost, in points. `actual` is None when it was not run (throttled)."""

    requested: float
    actual: float | None


@dataclass(frozen=True, slots=True)
class Throttle:
    """The bucket as an answer told it: its size, what is left, and its refill in points a second."""

    maximum: float
    available: float
    rate: float

    def wait_for(self, points: float) -> float:
        """Seconds until `points` are there (never more than until the bucket is full)."""
        missing = min(points, self.maximum) - self.available
        if missing <= 0:
            return 0.0
        return missing / self.rate if self.rate > 0 else BACK_OFF

    def after(self, seconds: float) -> Throttle:
        """The bucket after `seconds` of refill."""
        return Throttle(self.maximum, min(self.maximum, self.available + seconds * self.rate), self.rate)

    def less(self, points: float) -> Throttle:
        """The bucket with `points` taken out."""
        return Throttle(self.maximum, self.available - points, self.rate)


SMALLEST = Throttle(1000.0, 1000.0, 50.0)
"""The smallest bucket Shopify is known to have given; taken for granted until the shop has answered once."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Points taken for one request. `spent`: what all requests before it had cost when it was sent."""

    points: float
    spent: float


class Pacer:
    """Waits before a request until the shop's bucket holds enough for it. Shared by all threads of one shop.

    `patience`: the longest wait in seconds that is sat out here; a longer one is raised as `Throttled` with the
    time, so that the caller can put the job down instead of sleeping.
    """

    def __init__(self, clock: Clock, *, patience: float = 10.0) -> None:
        self._clock = clock
        self._patience = patience
        self._lock = threading.Lock()
        self._bucket = SMALLEST
        self._at = clock.monotonic()
        self._heard = False
        self._in_flight = 0.0
        self._spent = 0.0
        self.waited = 0.0

    def before(self, points: float) -> Reservation:
        """Wait until `points` are there and take them. Raises `Throttled` when that is longer than patience."""
        with self._lock:
            wait = self._now().wait_for(points)
            if wait > self._patience:
                raise Throttled(
                    f"Shopify's cost points are used up; enough of them are back in {wait:.0f} s.",
                    retry_after=wait,
                    service="shopify",
                    reason="THROTTLED",
                )
            reservation = Reservation(points, self._spent)
            self._in_flight += points
            self._bucket, self._at = self._now().less(points), self._clock.monotonic()
            self.waited += wait
        if wait > 0:
            self._clock.sleep(wait)
        return reservation

    def after(self, reservation: Reservation, told: Throttle | None) -> None:
        """The request is over; `told` is the bucket in its answer, if there was one."""
        with self._lock:
            self._in_flight -= reservation.points
            if told is not None:
                # Requests that are still on their way, and those that ended while this one was (answers may overtake
                # each other), may or may not be in the number told: count them, to be on the safe side.
                uncertain = self._in_flight + self._spent - reservation.spent
                self._bucket, self._at = told.less(uncertain), self._clock.monotonic()
                self._heard = True
            self._spent += reservation.points

    @property
    def told(self) -> Throttle | None:
        """The bucket as it should be now; None before the first answer."""
        with self._lock:
            return self._now() if self._heard else None

    def _now(self) -> Throttle:
        return self._bucket.after(self._clock.monotonic() - self._at)


def connection_cost(first: int, node: float) -> float:
    """Points of a connection of `first` nodes that cost `node` each.

    Shopify's published rule ("sized by first and last") is not exact; this fit reproduces the requested costs that a
    real store answered for 91 of 101 distinct catalogue queries in 2026.
    """
    return 2 + max(1, math.floor(2 * math.log(first))) * node if first > 0 else 0


def metafields_cost(count: int) -> float:
    """Points of the metafields of one product or variant, when `count` of them are asked for by key."""
    return connection_cost(count, 1) if count else 0


def node_cost(table: str, *, metafields: int = 0, levels: int = 1) -> float:
    """Points of one node of a page of `table` (``products``, ``variants`` or ``inventory``).

    Objects cost 1 each, except money and SEO (0); scalars are free. `levels`: inventory levels asked for per item.
    """
    if table == "products":
        return 2 + metafields_cost(metafields)  # product, options
    if table == "variants":
        return 6 + metafields_cost(metafields)  # variant, selectedOptions, product, inventoryItem, measurement, weight
    return 3 + connection_cost(levels, 3)  # variant, product, inventoryItem; level, location, quantities


def cost_of_page(table: str, first: int = 250, *, metafields: int = 0, levels: int = 1) -> float:
    """Points of one page of `first` records of `table` (for inventory: of `first` variants with their levels)."""
    return connection_cost(first, node_cost(table, metafields=metafields, levels=levels))


def cost_of_nodes(table: str, count: int, *, metafields: int = 0, levels: int = 1) -> float:
    """Points of reading `count` records of `table` by id.

    How `nodes(ids:)` is charged is not published; taken as full price for each id, which can only be too much.
    """
    extra = connection_cost(1, 2) if table == "inventory" else 0  # the item's variant and its product
    return count * (node_cost(table, metafields=metafields, levels=levels) + extra)


def nodes_per_call(table: str, *, metafields: int = 0, levels: int = 1, correction: float = 1.0) -> int:
    """How many ids may be read in one call: at most 250 (every array input), and within the points of one request.

    `correction`: what the estimate has to be multiplied with, where the shop has told.
    """
    each = cost_of_nodes(table, 1, metafields=metafields, levels=levels) * correction
    return max(1, min(250, int(MOST_POINTS // each)))


def points_to_seconds(points: float, throttle: Throttle | None = None) -> float:
    """The shortest time in which the shop grants `points`: what is in the bucket comes at once, the rest refills."""
    rate = throttle.rate if throttle and throttle.rate > 0 else STANDARD_RATE
    return max(0.0, points - (throttle.available if throttle else 0.0)) / rate


def throttle_of(cost: Mapping[str, object]) -> Throttle | None:
    """The bucket in an answer's `extensions.cost`; None when it is not told. Numbers may be ints or decimals."""
    status = cost.get("throttleStatus")
    if not isinstance(status, dict):
        return None
    numbers = [*_numbers(status, "maximumAvailable", "currentlyAvailable", "restoreRate")]
    return Throttle(*numbers) if len(numbers) == 3 else None


def cost_of(cost: Mapping[str, object]) -> Cost:
    """The points in an answer's `extensions.cost`."""
    requested, actual = cost.get("requestedQueryCost"), cost.get("actualQueryCost")
    return Cost(float(str(requested or 0)), None if actual is None else float(str(actual)))


def _numbers(status: Mapping[str, object], *names: str) -> Iterator[float]:
    for name in names:
        value = status.get(name)
        if value is not None:
            yield float(str(value))
