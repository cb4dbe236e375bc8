"""One runner per sheet and flow."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from jobs.memory import ManualClock, MemoryStore, View

from sheets_catalog.errors import BusyError, NotFound, StateError, Unavailable
from sheets_catalog.jobs import lease as leases

ALIVE_ELSEWHERE = "otherhost:ffffffff:1:1"


def test_the_second_runner_is_told_who_works():
    store = MemoryStore()
    leases.acquire(store, "catalogue", "job-1", ALIVE_ELSEWHERE)
    with pytest.raises(BusyError, match="job-1") as caught:
        leases.acquire(store, "catalogue", "job-2", leases.this_process())
    assert caught.value.job_id == "job-1"
    assert "otherhost" in caught.value.message


def test_flows_do_not_exclude_each_other():
    store = MemoryStore()
    leases.acquire(store, "catalogue", "job-1", ALIVE_ELSEWHERE)
    assert leases.acquire(store, "tasks", "job-2", leases.this_process()).epoch == 1


def test_a_lease_ends_by_the_stores_clock_and_the_epoch_rises():
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    first = leases.acquire(store, "catalogue", "job-1", ALIVE_ELSEWHERE)
    clock.seconds += leases.TTL + 1
    second = leases.acquire(store, "catalogue", "job-1", leases.this_process())
    assert second.epoch == first.epoch + 1
    with pytest.raises(BusyError):
        leases.renew(store, first)


def test_a_wrong_local_clock_does_not_matter():
    store = MemoryStore(skew=timedelta(hours=-3))
    leases.acquire(store, "catalogue", "job-1", ALIVE_ELSEWHERE)
    with pytest.raises(BusyError):
        leases.acquire(store, "catalogue", "job-2", leases.this_process())


def test_renewal_keeps_it_and_release_gives_it_back():
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    lease = leases.acquire(store, "catalogue", "job-1", leases.this_process())
    clock.seconds += leases.TTL - 1
    lease = leases.renew(store, lease)
    clock.seconds += leases.TTL - 1
    assert leases.parse("catalogue", store.properties["lease.catalogue"]).until > store.read().now.timestamp()
    leases.release(store, lease)
    assert leases.acquire(store, "catalogue", "job-2", ALIVE_ELSEWHERE).epoch == lease.epoch + 1


def test_the_lease_of_a_process_that_died_here_is_free_at_once():
    code = "from sheets_catalog.jobs.lease import this_process; print(this_process())"
    owner = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert leases.surely_dead(owner)
    store = MemoryStore()
    leases.acquire(store, "catalogue", "job-1", owner)
    assert leases.acquire(store, "catalogue", "job-1", leases.this_process()).epoch == 2


def test_this_process_is_alive_and_nothing_is_said_of_other_machines():
    assert not leases.surely_dead(leases.this_process())
    assert not leases.surely_dead("elsewhere:00000000:1:1")
    assert not leases.surely_dead("rubbish")
    assert str(os.getpid()) in leases.this_process()


def test_force_takes_it_from_a_holder_that_seems_alive():
    store = MemoryStore()
    leases.acquire(store, "catalogue", "job-1", ALIVE_ELSEWHERE)
    assert leases.acquire(store, "catalogue", "job-2", leases.this_process(), force=True).epoch == 2


def test_two_that_take_it_at_the_same_moment_end_with_one():
    class Racing(MemoryStore):
        raced = False

        def write(self, changes, version):
            if not self.raced:
                self.raced = True
                leases.acquire(self, "catalogue", "job-other", ALIVE_ELSEWHERE)
            return super().write(changes, version)

    store = Racing()
    with pytest.raises(BusyError, match="job-other"):
        leases.acquire(store, "catalogue", "job-1", leases.this_process())


def test_what_was_seen_before_saves_the_look():
    """Taken on what the process just saw, given back on what it wrote itself: no read in between."""
    view = View(MemoryStore())
    view.read()
    lease = leases.acquire(view, "catalogue", "job-1", leases.this_process())
    leases.release(view, lease)
    assert view.store.reads == 1
    assert leases.acquire(View(view.store), "catalogue", "job-2", ALIVE_ELSEWHERE).epoch == lease.epoch + 1


def test_somebody_who_took_it_since_the_last_look_is_seen():
    store = MemoryStore()
    mine, theirs = View(store), View(store)
    mine.read()
    leases.acquire(theirs, "catalogue", "job-theirs", ALIVE_ELSEWHERE)
    with pytest.raises(BusyError, match="job-theirs"):
        leases.acquire(mine, "catalogue", "job-mine", leases.this_process())


def test_somebody_who_gave_it_back_since_the_last_look_is_not_waited_for():
    store = MemoryStore()
    mine, theirs = View(store), View(store)
    lease = leases.acquire(theirs, "catalogue", "job-theirs", ALIVE_ELSEWHERE)
    mine.read()
    leases.release(theirs, lease)
    assert leases.acquire(mine, "catalogue", "job-mine", leases.this_process()).epoch == lease.epoch + 1


def test_a_lease_taken_on_an_old_look_lasts_from_now():
    store = MemoryStore()
    view = View(store)
    view.read()
    store.clock.seconds += 60
    assert leases.acquire(view, "catalogue", "job-1", leases.this_process()).until == store.clock.seconds + leases.TTL


def test_a_lease_that_others_took_by_force_is_not_given_back_for_them():
    store = MemoryStore()
    mine, theirs = View(store), View(store)
    lease = leases.acquire(mine, "catalogue", "job-mine", leases.this_process())
    leases.acquire(theirs, "catalogue", "job-theirs", ALIVE_ELSEWHERE, force=True)
    leases.release(mine, lease)
    with pytest.raises(BusyError, match="job-theirs"):
        leases.acquire(View(store), "catalogue", "job-other", leases.this_process())


def test_another_run_of_the_same_process_is_another_owner():
    """Two threads of one process are two runs: the second finds the lease held, by this very process."""
    store = MemoryStore()
    mine, theirs = leases.this_run(), leases.this_run()
    lease = leases.acquire(store, "catalogue", "job-1", mine)
    with pytest.raises(BusyError, match=f"job-1, on .*, process {os.getpid()}"):
        leases.acquire(store, "catalogue", "job-2", theirs)
    assert (
        leases.acquire(store, "catalogue", "job-1", mine).epoch == lease.epoch + 1
    )  # whoever holds it is not kept out


def test_a_run_of_a_process_that_ended_is_dead():
    code = "from sheets_catalog.jobs.lease import this_run; print(this_run())"
    owner = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert leases.surely_dead(owner)
    assert not leases.surely_dead(leases.this_run())


@pytest.mark.parametrize("fails", ["taking", "giving back"])
def test_a_lease_left_behind_by_a_failed_call_keeps_the_next_run_of_this_process_out_no_longer(fails):
    class Failing(MemoryStore):
        lost = False

        def write(self, changes, version):
            stored = super().write(changes, version)
            if fails == "taking" and not self.lost:
                self.lost = True
                raise Unavailable("The answer was lost.")
            return stored

        def last(self):
            if fails == "giving back" and self.writes and not self.lost:
                self.lost = True
                raise Unavailable("Nobody answers.")
            return super().last()

    store = Failing()
    with pytest.raises(Unavailable):
        leases.release(store, leases.acquire(store, "catalogue", "job-1", leases.this_run()))
    assert "job-1" in store.properties["lease.catalogue"]
    assert leases.acquire(store, "catalogue", "job-2", leases.this_run()).epoch == 2


def test_a_file_that_is_gone_has_no_lease_to_give_back():
    class Gone(MemoryStore):
        def last(self):
            raise NotFound("It was deleted.")

    lease = leases.acquire(MemoryStore(), "catalogue", "job-1", leases.this_run())
    leases.release(Gone(), lease)
    with pytest.raises(StateError, match="was removed while it worked"):
        leases.renew(Gone(), lease)
