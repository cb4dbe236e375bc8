"""The runner: balanced books at every checkpoint, whatever the work does and wherever the process dies."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs.memory import ManualClock, MemoryStore, rng

from sheets_catalog.books import Books
from sheets_catalog.errors import BooksError, BusyError, CredentialsError, Throttled, Unavailable
from sheets_catalog.jobs import lease as leases
from sheets_catalog.jobs import state as codec
from sheets_catalog.jobs.batches import Sizing, resize
from sheets_catalog.jobs.checkpoints import Checkpoints
from sheets_catalog.jobs.runner import MOST_ATTEMPTS, Limits, Outcome, Runner
from sheets_catalog.jobs.state import JobState, Result, Status


@dataclass
class Target:
    """Something to write to that counts how often each item was applied."""

    applied: dict = field(default_factory=dict)


@dataclass
class ScriptedWork:
    """Applies each item once; `script` may say otherwise for an item or a call."""

    target: Target
    script: object = None
    calls: int = 0
    finished: int = 0
    tells: bool = False
    paused: list = field(default_factory=list)
    said: tuple = ()
    last: object = None
    seen_at_end: object = None

    def next_batch(self, pending, size):
        return pending[:size]

    def run(self, batch):
        self.calls += 1
        outcomes = []
        for item in batch:
            answer = self.script(self, item) if self.script else None
            if answer is None:
                if item not in self.target.applied:  # look before sending
                    self.target.applied[item] = self.target.applied.get(item, 0) + 1
                answer = Outcome(item, Result.DONE)
            outcomes.append(answer)
        return outcomes

    def settle(self, state):
        return self.last(state) if self.last else ()

    def pause(self, state):
        self.paused.append(state)
        return self.said

    def finish(self, state):
        self.finished += 1
        self.seen_at_end = state


@dataclass
class Log:
    books: list = field(default_factory=list)
    troubles: list = field(default_factory=list)

    def batch_started(self, number, items): ...
    def batch_ended(self, number, outcomes, seconds): ...

    def progressed(self, books, note):
        self.books.append(books)

    def troubled(self, error, wait):
        self.troubles.append((error, wait))


def make(total=25, *, script=None, target=None, store=None, control=None, clock=None, settled=None, **changes):
    clock = clock or ManualClock()
    store = store or MemoryStore(clock=clock)
    if not store.properties:
        packed = codec.pack(JobState.new(total, "d", settled or Books()), "a")
        store.properties = {key: value for key, value in packed.properties.items() if value}
    work = ScriptedWork(target or Target(), script)
    runner = Runner(
        work=work,
        checkpoints=Checkpoints(store),
        control=control or MemoryStore("control", clock),
        flow="catalogue",
        clock=clock,
        rng=rng(),
        watcher=Log(),
        sizing=Sizing(largest=10),
        **changes,
    )
    return runner, work


def test_a_plain_job_does_every_item_once_and_finishes():
    runner, work = make(25, settled=Books(planned=3, unchanged=2, rejected=1))
    state = runner.advance()
    assert state.status is Status.FINISHED
    assert state.books == Books(planned=28, done=25, unchanged=2, rejected=1)
    assert all(books.balanced for books in runner.watcher.books)
    assert work.target.applied == dict.fromkeys(range(25), 1)
    assert work.finished == 1


def test_a_finished_job_does_nothing_more():
    runner, work = make(5)
    runner.advance()
    again, work_again = make(5, store=runner.checkpoints.store, target=work.target)
    assert again.advance().status is Status.FINISHED
    assert work_again.calls == 0


def test_one_poisoned_item_is_set_aside_with_its_reason_and_stops_nobody():
    def script(work, item):
        return Outcome(item, Result.PENDING, "no answer") if item == 3 else None

    runner, work = make(25, script=script)
    state = runner.advance()
    assert state.status is Status.FINISHED
    assert state.books == Books(planned=25, done=24, rejected=1)
    assert str(MOST_ATTEMPTS) in state.reasons[3]
    assert "no answer" in state.reasons[3]


def test_throttling_does_not_count_against_a_record():
    def script(work, item):
        return Outcome(item, Result.PENDING, "slow down", blameless=True) if work.calls < 20 else None

    runner, _ = make(5, script=script)
    assert runner.advance().books == Books(planned=5, done=5)


def test_an_outage_waits_and_goes_on_by_itself():
    def script(work, item):
        if work.calls < 4:
            raise Throttled("later", retry_after=7)
        return None

    runner, _ = make(5, script=script)
    assert runner.advance().status is Status.FINISHED
    assert sum(runner.clock.slept) == 21
    assert len(runner.watcher.troubles) == 3


def test_an_endless_outage_ends_as_waiting_with_a_time_and_loses_nothing():
    def script(work, item):
        raise Unavailable("down")

    runner, _ = make(5, script=script, limits=Limits(patience=600))
    state = runner.advance()
    assert state.status is Status.WAITING
    assert state.not_before > 0
    assert state.books == Books(planned=5, pending=5)
    resumed, work = make(5, store=runner.checkpoints.store, control=runner.control, clock=runner.clock)
    assert resumed.advance().books == Books(planned=5, done=5)
    assert work.target.applied == dict.fromkeys(range(5), 1)


def test_a_deadline_ends_the_slice_and_the_next_one_goes_on():
    clock = ManualClock()

    def script(work, item):
        clock.seconds += 1

    runner, work = make(40, script=script, clock=clock, limits=Limits(deadline=clock.seconds + 15))
    state = runner.advance()
    assert state.status is Status.WAITING
    assert 0 < state.books.done < 40
    assert [each.books for each in work.paused] == [state.books]
    more, again = make(40, store=runner.checkpoints.store, control=runner.control, clock=clock, target=work.target)
    assert more.advance().books == Books(planned=40, done=40)
    assert (again.paused, again.finished) == ([], 1)


def test_every_slice_gets_somewhere_however_short_it_is():
    """A slice whose time is over before its first batch would be called again and again for nothing."""
    clock, store, control, target = ManualClock(), None, None, Target()
    for _ in range(4):
        limits = Limits(deadline=clock.seconds - 1)
        runner, _ = make(40, store=store, control=control, clock=clock, target=target, limits=limits)
        store, control = runner.checkpoints.store, runner.control
        state = runner.advance()
    assert state.books.done == 40


def test_lost_access_stops_with_the_place_kept():
    def script(work, item):
        if work.calls == 2:
            raise CredentialsError("The token was revoked.")
        return None

    runner, work = make(25, script=script)
    work.said = (0, 3, 12)
    with pytest.raises(CredentialsError):
        runner.advance()
    state = Checkpoints(runner.checkpoints.store).load()
    assert [each.books for each in work.paused] == [state.books]
    assert (state.status, state.note) == (Status.ATTENTION, "The token was revoked.")
    assert [item for item in range(25) if state.told(item)] == [0, 3]  # nothing has become of 12
    assert state.books == Books(planned=25, done=10, pending=15)
    resumed, _ = make(25, store=runner.checkpoints.store, control=runner.control, clock=runner.clock)
    assert resumed.advance().books == Books(planned=25, done=25)


def test_what_turns_out_at_the_end_is_stored_before_what_follows_from_it():
    runner, work = make(5)
    work.last = lambda state: [Outcome(3, Result.CONFLICTED, "somebody was faster")]
    state = runner.advance()
    assert state.books == Books(planned=5, done=4, conflicted=1)
    assert state.reasons == {3: "somebody was faster"}
    assert work.seen_at_end.result(3) is Result.CONFLICTED
    assert Checkpoints(runner.checkpoints.store).load().books == state.books


@pytest.mark.parametrize("error", [CredentialsError("Log in again."), Throttled("Slow down.")])
def test_what_turned_out_at_the_end_stays_when_what_follows_fails(error):
    runner, work = make(3)
    work.tells = True
    work.last = lambda state: () if state.told(1) else (Outcome(1, Result.CONFLICTED, "edited meanwhile"),)
    told = []

    def failing(state):
        told.append([state.told(item) for item in range(3)])
        if len(told) == 1:
            raise error

    work.finish = failing
    if isinstance(error, CredentialsError):
        with pytest.raises(CredentialsError):
            runner.advance()
        stored = runner.checkpoints.load()
        assert (stored.status, stored.note) == (Status.ATTENTION, "Log in again.")
        assert stored.books == Books(planned=3, done=2, conflicted=1)
    assert runner.advance().books == Books(planned=3, done=2, conflicted=1)
    assert told == [[True] * 3] * 2


def test_a_retry_puts_back_in_line_what_was_said_of_those_items_alone():
    said = JobState.new(3, "d", Books()).settle(
        [(0, Result.DONE, ""), (1, Result.REJECTED, "no"), (2, Result.REJECTED, "no")]
    )
    again = msgspec.structs.replace(said, earlier=said.outcomes).again([1])
    assert [again.result(item) for item in range(3)] == [Result.DONE, Result.PENDING, Result.REJECTED]
    assert [again.told(item) for item in range(3)] == [True, False, True]
    assert again.reasons == {2: "no"}
    assert not any(said.again([1]).told(item) for item in range(3))  # nothing was said yet


def test_what_a_dead_process_may_have_sent_is_asked_for_when_the_job_is_cancelled():
    """Also when a later run chose a smaller batch, and stopped before it came to that."""
    store, control, clock = dead_at_second_batch()
    late, _ = make(40, store=store, control=control, clock=clock, limits=Limits(stopping=lambda: True))
    assert late.advance().status is Status.WAITING
    store.properties[codec.STOP] = "1"
    last, work = make(40, store=store, control=control, clock=clock)
    asked = []
    work.last = lambda state: asked.extend(state.attempts) or [Outcome(12, Result.DONE)]
    state = last.advance()
    assert state.status is Status.CANCELLED
    assert work.calls == 0
    assert asked == [*range(10, 20)]
    assert state.books == Books(planned=40, done=11, pending=29)


def test_what_nothing_could_be_said_of_is_asked_for_when_the_job_is_cancelled():
    def script(work, item):
        runner.checkpoints.store.properties[codec.STOP] = "1"
        runner.checkpoints.store.touch()
        raise Unavailable("no answer")

    runner, work = make(5, script=script, limits=Limits(patience=60))
    asked = []
    work.last = lambda state: asked.extend(state.attempts) or ()
    runner.advance()
    runner, work = make(5, store=runner.checkpoints.store, control=runner.control, clock=runner.clock)
    work.last = lambda state: asked.extend(state.attempts) or ()
    assert runner.advance().status is Status.CANCELLED
    assert asked == [*range(5)]


def dead_at_second_batch():
    """Store, control and clock of a job whose process died while its second batch was out."""

    class Killed(BaseException):
        pass

    def script(work, item):
        if work.calls == 2:
            raise Killed
        return None

    runner, _ = make(40, script=script)
    with pytest.raises(Killed):
        runner.advance()
    return runner.checkpoints.store, runner.control, runner.clock


def test_a_wish_to_stop_is_heard_at_the_next_checkpoint():
    runner, _ = make(40)

    def script(work, item):
        runner.checkpoints.store.properties[codec.STOP] = "1"

    runner.work.script = script
    state = runner.advance()
    assert state.status is Status.CANCELLED
    assert state.books.done == 10
    assert state.books.balanced


@pytest.mark.parametrize("wrong", [[], [Outcome(0, Result.DONE)] * 2, [Outcome(99, Result.DONE)]])
def test_records_that_vanish_from_a_batch_are_a_failure_and_nothing_is_called_done(wrong):
    runner, work = make(2)
    work.run = lambda batch: wrong
    with pytest.raises(BooksError):
        runner.advance()
    assert Checkpoints(runner.checkpoints.store).load().books.done == 0


class Killed(BaseException):
    """SIGKILL: nothing after it runs, not even a handler for Exception."""


class DyingStore(MemoryStore):
    """Dies before or after the n-th write."""

    countdown = -1
    after = False

    def write(self, changes, version):
        self.countdown -= 1
        if self.countdown == 0 and not self.after:
            raise Killed
        stored = super().write(changes, version)
        if self.countdown == 0:
            raise Killed
        return stored


@given(st.integers(1, 12), st.booleans(), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_killed_at_any_checkpoint_the_job_ends_the_same(nth, after, total):
    clock, target = ManualClock(), Target()
    store, control = DyingStore(clock=clock), MemoryStore("control", clock)
    runner, _ = make(total, store=store, control=control, clock=clock, target=target)
    store.countdown, store.after = nth, after
    try:
        state = runner.advance()
    except Killed:
        clock.seconds += leases.TTL + 1
        resumed, _ = make(total, store=store, control=control, clock=clock, target=target)
        state = resumed.advance()
    assert state.books == Books(planned=total, done=total)
    assert target.applied == dict.fromkeys(range(total), 1)


def test_a_paused_holder_that_wakes_up_stops_at_its_next_checkpoint():
    clock, target = ManualClock(), Target()
    store, control = MemoryStore(clock=clock), MemoryStore("control", clock)
    sleeper, _ = make(40, store=store, control=control, clock=clock, target=target, owner="far:ffffffff:1:1")

    def script(work, item):
        if work.calls == 2 and item == 10:
            clock.seconds += leases.TTL + 5  # the process was paused
            other, _ = make(40, store=store, control=control, clock=clock, target=target)
            assert other.advance().status is Status.FINISHED

    sleeper.work.script = script
    with pytest.raises(Exception, match=r"taken|lost|worked on"):
        sleeper.advance()
    assert target.applied == dict.fromkeys(range(40), 1)
    assert Checkpoints(store).load().books == Books(planned=40, done=40)


@given(st.integers(1, 500), st.floats(0, 60), st.booleans(), st.booleans())
def test_batch_sizes_stay_within_their_limits(size, seconds, throttled, troubled):
    sizing = Sizing()
    after = resize(size, sizing, seconds=seconds, throttled=throttled, troubled=troubled)
    assert sizing.smallest <= after <= sizing.largest
    if troubled:
        assert after <= max(size, sizing.smallest)


def test_progress_is_stored_with_what_may_be_in_flight():
    runner, work = make(25)
    seen = []

    def script(work_, item):
        seen.append(Checkpoints(runner.checkpoints.store).load().intent)

    work.script = script
    runner.advance()
    assert seen[0] == tuple(range(10))
    assert msgspec.to_builtins(seen[-1])[-1] == 24


def test_items_that_are_throttled_are_not_sent_before_they_said():
    """Seven seconds were told with one item of a batch: nothing is sent for seven seconds, and what is done is stored."""
    moments, clock = [], ManualClock()

    def script(work, item):
        moments.append((item, clock.seconds))
        first = [each for each, _ in moments].count(item) == 1
        return Outcome(item, Result.PENDING, "slow down", blameless=True, wait=7.0) if item == 1 and first else None

    runner, _ = make(3, script=script, clock=clock)
    state = runner.advance()
    assert (state.status, state.books.done) == (Status.FINISHED, 3)
    told, again = [second for item, second in moments if item == 1]
    assert again - told >= 7.0


def test_a_job_that_waits_is_cancelled_at_once():
    clock = ManualClock()

    def script(work, item):
        raise Throttled("tomorrow", retry_after=50_000.0)

    runner, _ = make(5, script=script, clock=clock, limits=Limits(deadline=clock.seconds + 60))
    assert runner.advance().status is Status.WAITING
    store, before = runner.checkpoints.store, clock.seconds
    store.write({codec.STOP: "1"}, str(store.version))
    again, _ = make(5, store=store, control=runner.control, clock=clock)
    assert again.advance().status is Status.CANCELLED
    assert clock.seconds == before


def test_a_job_that_meets_somebody_at_work_waits_and_says_so():
    def script(work, item):
        raise BusyError("Job J2 works on batch B1 already.")

    runner, work = make(5, script=script)
    with pytest.raises(BusyError):
        runner.advance()
    state = Checkpoints(runner.checkpoints.store).load()
    assert (state.status, state.note) == (Status.WAITING, "Job J2 works on batch B1 already.")
    assert [each.status for each in work.paused] == [Status.WAITING]


def test_whoever_lost_the_lease_says_nothing_of_the_job():
    def script(work, item):
        runner.control.write({"lease.catalogue": "J|somebody|9|99999999999"}, str(runner.control.version))
        raise BusyError("in the way")

    runner, work = make(5, script=script)
    with pytest.raises(BusyError, match="in the way"):
        runner.advance()
    assert Checkpoints(runner.checkpoints.store).load().status is Status.RUNNING
    assert not work.paused


@pytest.mark.parametrize("status", [Status.RUNNING, Status.CANCELLED])
def test_nor_does_who_kept_the_lease_while_another_took_the_job_over(status):
    """Their lease stands in another file where ours was taken for lost."""

    def script(work, item):
        if item == 0:
            theirs = Checkpoints(runner.checkpoints.store)
            found = theirs.load()
            newer = msgspec.structs.replace(found, epoch=found.epoch + 1, status=status, note="theirs")
            theirs.save(newer, "theirs")

    runner, work = make(5, script=script)
    with pytest.raises(BusyError):
        runner.advance()
    state = Checkpoints(runner.checkpoints.store).load()
    assert (state.status, state.note) == (status, "theirs")
    assert not work.paused


def test_a_lease_file_made_anew_leaves_no_newer_state_behind():
    def script(work, item):
        raise CredentialsError("no")

    runner, _ = make(5, control=MemoryStore("control", properties={"lease.catalogue": "||7|0"}), script=script)
    with pytest.raises(CredentialsError):
        runner.advance()
    store = runner.checkpoints.store
    again, _ = make(5, store=store)
    again.limits = Limits(stopping=lambda: True)
    state = again.advance()
    assert Checkpoints(store).load() == state
    assert (state.status, state.epoch) == (Status.WAITING, 9)


def test_a_throttle_that_never_ends_pauses_the_job_with_a_time():
    """Nothing settled for longer than its patience: the job waits, and says until when and why."""

    def script(work, item):
        return Outcome(item, Result.PENDING, "come back tomorrow", blameless=True, wait=900.0)

    clock = ManualClock()
    runner, work = make(3, script=script, clock=clock)
    state = runner.advance()
    assert (state.status, state.note, state.attempts) == (Status.WAITING, "come back tomorrow", {})
    assert state.not_before == clock.seconds + 900.0
    assert work.calls <= 6
    assert state.books.pending == 3


def test_a_token_in_a_reason_is_neither_kept_nor_shown():
    token = "shpat_" + "0123456789abcdef" * 2

    def script(work, item):
        if item == 2:
            return Outcome(item, Result.REJECTED, f"refused with {token}")
        if item == 4:
            raise CredentialsError(f"{token} is not valid any more")
        return None

    runner, _ = make(10, script=script)
    with pytest.raises(CredentialsError):
        runner.advance()
    runner.sizing = Sizing(smallest=1, usual=1, largest=1)
    with pytest.raises(CredentialsError):
        runner.advance()
    state = Checkpoints(runner.checkpoints.store).load()
    kept = [state.note, *state.reasons.values()]
    assert [text for text in kept if token in text] == []
    assert any("refused with" in text for text in kept)
    assert "is not valid any more" in state.note
