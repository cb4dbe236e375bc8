"""Execution of a plan: batches, outcomes, books, checkpoints. Knows no vendor.

A flow gives a `Work`; the runner gives it batches and keeps the state. For every batch the order is: intent (stored
with the checkpoint before), send, proof, checkpoint. The work looks before it sends, so what was in flight when a
process died is found and not repeated.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from sheets_catalog.errors import (
    AccessError,
    BooksError,
    BusyError,
    SheetsCatalogError,
    Throttled,
    Unavailable,
)
from sheets_catalog.jobs import lease as leases
from sheets_catalog.jobs.batches import Sizing, resize
from sheets_catalog.jobs.retry import LOOK_EVERY, backoff, never
from sheets_catalog.jobs.state import JobState, Result, Status
from sheets_catalog.masking import mask_message, mask_value

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from sheets_catalog.books import Books
    from sheets_catalog.jobs.checkpoints import Checkpoints
    from sheets_catalog.jobs.lease import Lease
    from sheets_catalog.jobs.store import PropertyStore
    from sheets_catalog.upstream import Clock

MOST_ATTEMPTS = 8
"""Failed tries after which a record is set aside with its reason and stops nobody (reliability facts)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item in a batch.

    `result` PENDING means: not known or not now; it is tried again, at most `MOST_ATTEMPTS` times. `reason` is one
    sentence for a person. `blameless`: the try does not count (throttled, or the batch was cut short). `wait`: seconds
    before which another try is useless, because they said so.
    """

    item: int
    result: Result
    reason: str = ""
    blameless: bool = False
    wait: float = 0.0


def _without_secrets(outcome: Outcome) -> Outcome:
    """What others say is kept in Drive and shown: a token in it is not."""
    return replace(outcome, reason=mask_value(outcome.reason)) if outcome.reason else outcome


def _unsure(state: JobState) -> JobState:
    """The state in which every item of the intent counts as one that may have been sent."""
    begun = {item: 0 for item in state.intent if state.result(item) is Result.PENDING}
    return msgspec.structs.replace(state, attempts=begun | state.attempts)


class Work(Protocol):
    """What a flow gives the runner. Items are numbered from 0 in the order of the plan.

    `tells`: whether `settle` writes what became of items where people and other jobs go on from it. That is said of an
    item once (`JobState.told`), also when the job is taken up again.
    """

    @property
    def tells(self) -> bool:
        """See above."""

    def next_batch(self, pending: Sequence[int], size: int) -> Sequence[int]:
        """The items to do next, about `size` of them, none whose predecessors are still pending."""

    def run(self, batch: Sequence[int]) -> Sequence[Outcome]:
        """Look, send, prove: one outcome for every item of the batch.

        May raise `Throttled`, `Unavailable`, `AccessError` when nothing can be said of any item.
        """

    def settle(self, state: JobState) -> Sequence[Outcome]:
        """What turns out only at the end, when no item is pending or the job is cancelled: items that end otherwise.

        Above all what became of items that may have been sent and are still pending (`JobState.attempts`): it looks,
        and sends none of them. The outcomes are stored before `finish` is called. Repeatable.
        """

    def pause(self, state: JobState) -> Sequence[int]:
        """What others have to know of the items settled so far, when a slice ends before the job does.

        Called once the state is stored, while the lease is held. A slice that dies does not come here: `finish` has to
        do without. Returns the items of which all is said now, if they are settled (`JobState.told`).
        """

    def finish(self, state: JobState) -> None:
        """What follows once all items are settled. Repeatable."""


class Watcher(Protocol):
    """Told what happens, for progress bars and the audit. Never decides anything."""

    def batch_started(self, number: int, items: Sequence[int]) -> None:
        """A batch goes out."""

    def batch_ended(self, number: int, outcomes: Sequence[Outcome], seconds: float) -> None:
        """A batch came back. Called before the checkpoint; after a crash it may be told again."""

    def progressed(self, books: Books, note: str) -> None:
        """A checkpoint was stored."""

    def troubled(self, error: SheetsCatalogError, wait: float) -> None:
        """An error stopped a batch; the next try follows after `wait` seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a slice ends, in seconds. `patience`: longest time without any progress.

    `deadline` None: at the end; else at the first checkpoint after it. `stopping` is asked at every checkpoint and
    while waiting: True ends the slice (somebody pressed Ctrl-C).
    """

    deadline: float | None = None
    patience: float = 3600.0
    stopping: Callable[[], bool] = never


@dataclass(slots=True)
class Runner:
    """One runner of one job: works until the end, the deadline, or a time before which nothing can be done."""

    work: Work
    checkpoints: Checkpoints
    control: PropertyStore
    flow: str
    clock: Clock
    rng: random.Random
    watcher: Watcher
    sizing: Sizing = field(default_factory=Sizing)
    limits: Limits = field(default_factory=Limits)
    owner: str = field(default_factory=leases.this_run)
    _lease: Lease | None = None
    _renewed: float = 0.0
    _progressed: float = 0.0
    _batches: int = 0
    _stored: JobState | None = None

    def advance(self, *, force: bool = False) -> JobState:
        """Take the lease, go on from the stored state, and return the state reached.

        Raises `BusyError` (another runner), `StateError` (stored state unusable), `AccessError` (a person has to act;
        the job keeps its place), `BooksError` (a fault of ours).
        """
        self._lease = leases.acquire(self.control, self.flow, self.checkpoints.store.file_id, self.owner, force=force)
        self._renewed = self._progressed = self.clock.monotonic()
        try:
            state = self._begin(self.checkpoints.load())
            while not state.status.ended and state.status is Status.RUNNING:
                state = self._step(state)
            return self._leave(state)
        finally:
            self._give_back()

    def _leave(self, state: JobState) -> JobState:
        """A slice that ends well, or with an error that a person has to see to; what fails here `finish` makes good."""
        if not state.status.ended:
            with contextlib.suppress(SheetsCatalogError):
                said = self.work.pause(state)
                return self._save(state.saying(said)) if said else state
        return state

    def _begin(self, state: JobState) -> JobState:
        if state.status.ended:
            return state
        assert self._lease
        now = self.clock.now().timestamp()
        state = _unsure(state)  # whoever chose that batch may have died while it was sent
        state = msgspec.structs.replace(state.taken(self._lease.epoch), started=state.started or now, note="")
        wait = 0.0 if self.checkpoints.stop_wanted else state.not_before - now  # nothing more is sent by who only ends
        if wait > 0 and not self._pause(wait):
            return self._save(msgspec.structs.replace(state, status=Status.WAITING))
        return self._intend(msgspec.structs.replace(state, status=Status.RUNNING, not_before=0))

    def _step(self, state: JobState) -> JobState:
        """One batch, or the end. What stops both is noted in the state, for whoever looks at the job."""
        try:
            return self._advance(state)
        except (Throttled, Unavailable) as error:
            return self._rest(self._stored or state, error)
        except BusyError as error:
            with contextlib.suppress(SheetsCatalogError):
                self._renew()  # somebody else is in the way: whose lease is lost has nothing to say any more
                self._stop(state, Status.WAITING, error)
            raise
        except SheetsCatalogError as error:
            with contextlib.suppress(SheetsCatalogError):  # the error itself matters more than its note
                self._stop(state, Status.ATTENTION, error)
            raise

    def _stop(self, state: JobState, status: Status, error: SheetsCatalogError) -> None:
        state = self._stored or state  # what this step had stored before it failed stays
        self._leave(self._save(msgspec.structs.replace(state, status=status, note=mask_message(error.message))))

    def _advance(self, state: JobState) -> JobState:
        self._keep_lease()
        if self.checkpoints.stop_wanted:
            return self._end(state, Status.CANCELLED)
        if not state.intent:
            return self._end(state, Status.FINISHED)
        if self._late():
            return self._save(msgspec.structs.replace(state, status=Status.WAITING, intent=()))
        return self._batch(state)

    def _batch(self, state: JobState) -> JobState:
        self._batches += 1
        started = self.clock.monotonic()
        self.watcher.batch_started(self._batches, state.intent)
        outcomes = [_without_secrets(outcome) for outcome in self.work.run(state.intent)]
        self._check(state.intent, outcomes)
        seconds = self.clock.monotonic() - started
        self.watcher.batch_ended(self._batches, outcomes, seconds)
        unsettled = [outcome for outcome in outcomes if outcome.result is Result.PENDING]
        size = resize(
            state.batch_size,
            self.sizing,
            seconds=seconds,
            throttled=any(outcome.blameless for outcome in unsettled),
            troubled=any(not outcome.blameless for outcome in unsettled),
        )
        after = msgspec.structs.replace(self._settle(state, outcomes), batch_size=size)
        stuck = len(unsettled) == len(outcomes)
        if not stuck:
            self._progressed = self.clock.monotonic()
        return self._after(after, unsettled, stuck=stuck)

    def _after(self, state: JobState, unsettled: Sequence[Outcome], *, stuck: bool) -> JobState:
        """Wait as long as they said, or a little when nothing at all was settled; then choose the next batch."""
        wait = max((outcome.wait for outcome in unsettled), default=0.0)
        if wait and not stuck:
            state = self._save(state)  # what was settled is stored before a wait that may be long
        if stuck:
            wait = max(wait, backoff(max(state.attempts.values(), default=1), 1.0, 20.0, self.rng))
        if wait and not (self._patient() and self._pause(wait)):
            return self._postpone(msgspec.structs.replace(state, intent=()), wait, unsettled[0].reason)
        return self._intend(state)

    def _check(self, batch: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        if sorted(batch) != sorted(outcome.item for outcome in outcomes):
            raise BooksError("A batch came back with records missing or doubled; nothing of it was called done.")

    def _settle(self, state: JobState, outcomes: Sequence[Outcome]) -> JobState:
        attempts = dict(state.attempts)
        for outcome in outcomes:
            if outcome.result is Result.PENDING and not outcome.blameless:
                attempts[outcome.item] = attempts.get(outcome.item, 0) + 1
        state = msgspec.structs.replace(state, attempts=attempts)
        return state.settle(
            (outcome.item, *self._verdict(outcome, attempts))
            for outcome in outcomes
            if outcome.result is not Result.PENDING or attempts.get(outcome.item, 0) >= MOST_ATTEMPTS
        )

    def _verdict(self, outcome: Outcome, attempts: dict[int, int]) -> tuple[Result, str]:
        if outcome.result is Result.PENDING:
            return Result.REJECTED, f"Set aside after {attempts[outcome.item]} tries: {outcome.reason}"
        return outcome.result, outcome.reason

    def _intend(self, state: JobState) -> JobState:
        """Choose the next batch, or the end, and store it together with what is behind us."""
        size = min(state.batch_size or self.sizing.usual, self.sizing.largest)
        batch = tuple(self.work.next_batch(state.items(Result.PENDING), size))
        return self._save(msgspec.structs.replace(state, intent=batch, batch_size=size, finishing=not batch))

    def _rest(self, state: JobState, error: Throttled | Unavailable) -> JobState:
        """Nothing can be said of the batch: wait, here or in a later slice."""
        state = _unsure(state)
        told = error.retry_after if isinstance(error, Throttled) else None
        wait = told or backoff(5, 1.0, 30.0, self.rng)
        self.watcher.troubled(error, wait)
        if self._patient() and self._pause(wait):
            return state
        return self._postpone(state, wait, mask_message(error.message))

    def _patient(self) -> bool:
        return self.clock.monotonic() - self._progressed <= self.limits.patience

    def _postpone(self, state: JobState, wait: float, why: str) -> JobState:
        """End the slice, with the time before which going on is useless."""
        until = self.clock.now().timestamp() + wait
        return self._save(msgspec.structs.replace(state, status=Status.WAITING, not_before=until, note=why))

    def _end(self, state: JobState, status: Status) -> JobState:
        """Finish: what turns out at the end, what follows the last item, the final books, the final state."""
        if not state.finishing:
            state = self._save(msgspec.structs.replace(state, finishing=True))
        last = [_without_secrets(outcome) for outcome in self.work.settle(state)]
        settled = state.settle((each.item, each.result, each.reason) for each in last)
        if self.work.tells:
            settled = msgspec.structs.replace(settled, earlier=settled.outcomes)
        if settled != state:  # stored first: what follows is made from the stored state
            state = self._save(settled)
        self.work.finish(state)
        books = state.books
        if not books.balanced or (status is Status.FINISHED and books.pending):
            raise BooksError(f"The books of this job do not balance: {books}.")
        return self._save(msgspec.structs.replace(state, status=status, intent=(), finishing=False, note=""))

    def _save(self, state: JobState) -> JobState:
        self._keep_lease()
        books = state.books
        if not books.balanced:
            raise BooksError(f"The books of this job do not balance: {books}.")
        state = msgspec.structs.replace(state, updated=self.clock.now().timestamp())
        note = f"{state.status}: {books.planned - books.pending} of {books.planned} records settled"
        state = self._stored = self.checkpoints.save(state, note)
        self.watcher.progressed(books, state.note)
        return state

    def _keep_lease(self) -> None:
        if self.clock.monotonic() - self._renewed > leases.RENEW_AFTER:
            self._renew()

    def _renew(self) -> None:
        assert self._lease
        self._lease = leases.renew(self.control, self._lease)
        self._renewed = self.clock.monotonic()

    def _give_back(self) -> None:
        assert self._lease
        with contextlib.suppress(Throttled, Unavailable, AccessError, BusyError):  # it ends by itself after its time
            leases.release(self.control, self._lease)

    def _late(self) -> bool:
        """Whether the slice is over. Its first batch is done in any case: slices that end sooner would get nowhere."""
        if self.limits.stopping():
            return True
        past = self.limits.deadline is not None and self.clock.monotonic() >= self.limits.deadline
        return past and self._batches > 0

    def _pause(self, seconds: float) -> bool:
        """Wait here, renewing the lease; False when the wait does not fit this slice.

        A lease that cannot be renewed now, because nobody can be reached, is looked at again before the next batch.
        """
        if self.limits.deadline is not None and self.clock.monotonic() + seconds > self.limits.deadline:
            return False
        while seconds > 0:
            if self.limits.stopping():
                return False
            part = min(seconds, leases.RENEW_AFTER, LOOK_EVERY)
            self.clock.sleep(part)
            seconds -= part
            with contextlib.suppress(Throttled, Unavailable):
                self._keep_lease()
        return True
