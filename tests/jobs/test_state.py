"""Job state: packed, versioned, checksummed, in two slots - and never restarted from zero in silence."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs.memory import MemoryStore

from sheets_catalog.books import Books
from sheets_catalog.errors import BusyError, DamagedStateError, NewerStateError, StateError, Unavailable
from sheets_catalog.jobs import state as codec
from sheets_catalog.jobs.checkpoints import Checkpoints
from sheets_catalog.jobs.state import JobState, Result, Status


def new(total=10, **changes):
    return msgspec.structs.replace(JobState.new(total, "digest", Books()), **changes)


@st.composite
def states(draw):
    total = draw(st.integers(0, 300))
    state = JobState.new(total, draw(st.text(max_size=32)), Books(5, 1, 2, 1, 1))
    numbers = st.integers(0, max(total - 1, 0))
    if total:
        results = draw(st.lists(st.tuples(numbers, st.sampled_from(list(Result)), st.text(max_size=300)), max_size=40))
        state = state.settle(results)
        attempts = draw(st.dictionaries(numbers, st.integers(1, 8), max_size=10))
        state = msgspec.structs.replace(state, attempts=attempts, intent=tuple(draw(st.lists(numbers, max_size=20))))
    return msgspec.structs.replace(
        state,
        status=draw(st.sampled_from(list(Status))),
        epoch=draw(st.integers(0, 2**31)),
        seq=draw(st.integers(0, 2**31)),
        note=draw(st.text(max_size=50)),
    )


@given(states(), st.sampled_from(codec.SLOTS))
@settings(max_examples=200)
def test_state_round_trips_within_drives_limits(state, slot):
    packed = codec.pack(state, slot)
    properties = {key: value for key, value in packed.properties.items() if value is not None}
    assert all(len(key) + len(value) <= 124 for key, value in properties.items())
    assert len(packed.properties) == codec.CHUNKS
    assert codec.unpack(properties, {slot: packed.side}.get).state == state


def test_a_large_state_goes_to_a_side_file_and_comes_back():
    state = new(20_000).settle((item, Result.REJECTED, f"reason {item * 7919 % 1000}") for item in range(0, 20_000, 3))
    packed = codec.pack(state, "a")
    assert packed.side is not None
    properties = {key: value for key, value in packed.properties.items() if value is not None}
    assert codec.unpack(properties, lambda _: packed.side).state == state
    with pytest.raises(DamagedStateError):
        codec.unpack(properties, lambda _: None)
    with pytest.raises(DamagedStateError):
        codec.unpack(properties, lambda _: packed.side[:-1])


@given(states(), st.data())
@settings(max_examples=200)
def test_a_damaged_slot_is_noticed(state, data):
    packed = codec.pack(state, "a")
    properties = {key: value for key, value in packed.properties.items() if value is not None}
    key = data.draw(st.sampled_from(sorted(properties)))
    at = data.draw(st.integers(0, len(properties[key]) - 1))
    flipped = "A" if properties[key][at] != "A" else "B"
    properties[key] = properties[key][:at] + flipped + properties[key][at + 1 :]
    try:
        found = codec.unpack(properties, {"a": packed.side}.get).state
    except StateError:
        return
    assert found == state  # a flip in the last character's unused bits changes nothing


def test_books_balance_whatever_happens_to_items():
    state = new(7).settle([(0, Result.DONE, ""), (3, Result.REJECTED, "no"), (6, Result.CONFLICTED, "moved")])
    assert state.books == Books(planned=7, done=1, rejected=1, conflicted=1, pending=4)
    assert state.books.balanced
    again = state.settle([(3, Result.DONE, ""), (0, Result.DONE, "")])
    assert again.books == Books(planned=7, done=2, conflicted=1, pending=4)
    assert 3 not in again.reasons


def saved(store, state):
    checkpoints = Checkpoints(store)
    checkpoints.version = store.read().version
    return checkpoints, checkpoints.save(state, "running")


def test_the_other_slot_survives_when_the_newest_is_damaged():
    store = MemoryStore()
    checkpoints, first = saved(store, new(epoch=1))
    second = checkpoints.save(msgspec.structs.replace(first, note="later"), "running")
    assert Checkpoints(store).load() == second
    newest = checkpoints.slot
    store.properties[f"{newest}0"] = "rubbish!"
    fallback = Checkpoints(store)
    assert fallback.load() == first
    assert "slot" in fallback.trouble


@pytest.mark.parametrize("damage", ["gone", "rubbish", "truncated", "foreign"])
def test_unreadable_state_is_refused_with_advice_and_never_restarted(damage):
    store = MemoryStore()
    checkpoints, _ = saved(store, new(epoch=1))
    for key in [key for key in store.properties if key[0] in "ab" and len(key) == 2]:
        if damage == "gone":
            del store.properties[key]
        elif damage == "rubbish":
            store.properties[key] = "$$$"
        elif damage == "truncated":
            store.properties[key] = store.properties[key][:10]
        else:
            store.properties[key] = base64.urlsafe_b64encode(b"somebody else's bytes here").decode()
    with pytest.raises(DamagedStateError) as caught:
        Checkpoints(store).load()
    assert caught.value.advice


def test_state_of_a_newer_version_is_left_alone():
    store = MemoryStore()
    saved(store, new(epoch=1))
    for slot in codec.SLOTS:
        text = "".join(store.properties.get(f"{slot}{number:x}", "") for number in range(codec.CHUNKS))
        if text:
            raw = bytearray(base64.urlsafe_b64decode(text))
            raw[2] = codec.MAJOR + 1
            store.properties[f"{slot}0"] = base64.urlsafe_b64encode(bytes(raw)).decode()[: codec.CHUNK]
    before = dict(store.properties)
    with pytest.raises(NewerStateError):
        Checkpoints(store).load()
    assert store.properties == before


def test_a_copied_job_file_is_recognised():
    store = MemoryStore(file_id="copy")
    saved(store, new(epoch=1))
    store.properties[codec.SELF] = "original"
    with pytest.raises(StateError, match="copy"):
        Checkpoints(store).load()


def test_a_save_after_somebody_touched_the_file_goes_through():
    store = MemoryStore()
    checkpoints, state = saved(store, new(epoch=1))
    store.touch()
    after = checkpoints.save(state, "running")
    assert Checkpoints(store).load() == after


def test_a_runner_that_was_overtaken_cannot_save():
    store = MemoryStore()
    first, state = saved(store, new(epoch=1))
    second = Checkpoints(store)
    second.save(msgspec.structs.replace(second.load(), epoch=2), "running")
    with pytest.raises(BusyError):
        first.save(state, "running")
    assert Checkpoints(store).load().epoch == 2


def test_a_save_whose_answer_got_lost_counts_as_saved():
    class Losing(MemoryStore):
        lose = False

        def write(self, changes, version):
            stored = super().write(changes, version)
            if self.lose:
                self.lose = False
                raise Unavailable("The answer got lost.")
            return stored

    store = Losing()
    checkpoints, state = saved(store, new(epoch=1))
    store.lose = True
    after = checkpoints.save(state, "running")
    assert Checkpoints(store).load() == after
    assert checkpoints.save(after, "running").seq == after.seq + 1


GOLDEN = {
    "a0": "U0MBAAAAAAADAAAAKQC4l3GRMXjau8MgsLw8MbMkMy-dc4lpmlHyEebGAwzMmpNYWBtZmZqY1wcUZSanKmQWK-TkJ2enprDfVEzOSMxLT01RyM9TSMovyVAozk",
    "a1": "xJLVZ41DBZwb3o8LbD81NPO97an7hBgYHBDsRK2MbAwAAWWn-BgeHQOvf8_PQcsIlJpcWVbcsLchLz8lJTzpxYkpKfl8q4sjQPasGZfSuKUrNSk0tSU1hWJefn",
    "a2": "peVkgtisywtS81KA7mUAACWTTIE=",
}
"""A state as format 1.0 stored it. Never written anew: jobs that were started with 0.1.0 must be readable for ever."""


def test_a_state_stored_by_the_first_release_is_read():
    expected = msgspec.structs.replace(
        JobState.new(9, "5f2c", Books(200, 1, 190, 4, 5)).settle(
            [
                (0, Result.DONE, ""),
                (3, Result.REJECTED, "Price is locked"),
                (7, Result.CONFLICTED, "changed on both sides – Größe"),
            ]
        ),
        status=Status.WAITING,
        epoch=3,
        seq=41,
        intent=(4, 5),
        attempts={5: 2},
        not_before=1795000000.5,
        batch_size=62,
        started=1794999000.0,
        updated=1794999999.25,
        note="Google is busy",
    )
    assert codec.unpack(GOLDEN, {}.get).state == expected
