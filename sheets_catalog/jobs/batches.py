"""How large a batch is, and how it follows what is observed (EX-3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizing:
    """Limits of a batch, in records. A job begins with the usual size (50 to 100, EX-3), and what is observed decides.

    `largest`: what one look-up, or one mutation of variants, may name at Shopify.
    """

    smallest: int = 10
    usual: int = 100
    largest: int = 250
    target_seconds: float = 4.0


def resize(size: int, sizing: Sizing, *, seconds: float, throttled: bool, troubled: bool) -> int:
    """The next batch size after one of `size` records took `seconds`.

    Trouble (timeouts, server errors) halves it, throttling takes a quarter off, slowness goes back to the usual size,
    a clean quick batch grows by a quarter.
    """
    if troubled:
        size //= 2
    elif throttled:
        size -= size // 4
    elif seconds > 2 * sizing.target_seconds:
        size = min(size, max(sizing.usual, size * 3 // 4))
    elif seconds < sizing.target_seconds:
        size += max(1, size // 4)
    return max(sizing.smallest, min(size, sizing.largest))
