"""`demo`."""

from __future__ import annotations

HELP = ""


def demo() -> int:
    """X"""
    return 0
