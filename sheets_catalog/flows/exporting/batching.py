"""Which changes go together, and in which order. Pure: applying and estimating cut the same batches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sheets_catalog.flows.exporting.creating import NEW
from sheets_catalog.jobs.batches import Sizing, resize
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sheets_catalog.changes.plan import Change

LARGEST_GROUP = 250
"""A batch grows up to this to keep a product and its variants together."""

_STOCK = 2


def order(change: Change) -> tuple[int, str, int, int]:
    """Creates of products first, then what belongs to one product together, then stock, deletes last."""
    table = list(TABLES).index(change.table)
    if change.action == "delete":
        return (3, change.group, table, change.row)
    if change.group.startswith(NEW):
        return (0, change.group, table, change.row)
    return (_STOCK if change.table == "inventory" else 1, change.group, table, change.row)


def phase_of(change: Change) -> int:
    """Changes of a later phase wait until no change of an earlier one is pending."""
    return order(change)[0]


def first_batch(changes: Sequence[Change], pending: Sequence[int], size: int) -> list[int]:
    """The first of `pending` items: of one phase, about `size` of them, whole products as far as they fit."""
    batch: list[int] = []
    for item in pending:
        change, last = changes[item], changes[batch[-1]] if batch else None
        if last and phase_of(change) != phase_of(last):
            break
        together = last is not None and change.group == last.group and phase_of(change) != _STOCK
        if len(batch) >= (LARGEST_GROUP if together else size):
            break
        batch.append(item)
    return batch


def sizing(most: int | None) -> Sizing:
    """How large batches are; `most`: what a person said, if anything."""
    usual = Sizing()
    if most is None:
        return usual
    return replace(usual, largest=most, usual=min(most, usual.usual), smallest=min(most, usual.smallest))


def batches(changes: Sequence[Change], sizes: Sizing) -> Iterator[list[int]]:
    """All batches, when nothing is pending twice and every one is quick."""
    done, size = 0, sizes.usual
    while done < len(changes):
        batch = first_batch(changes, range(done, min(len(changes), done + size + LARGEST_GROUP)), size)
        yield batch
        done += len(batch)
        size = resize(size, sizes, seconds=0, throttled=False, troubled=False)
