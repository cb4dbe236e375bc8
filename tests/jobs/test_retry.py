"""One layer retries, and never what may have been applied."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs.memory import ManualClock

from sheets_catalog.errors import (
    CredentialsError,
    InputError,
    NotFound,
    PermissionMissing,
    PreconditionFailed,
    Refused,
    SheetsCatalogError,
    Throttled,
    Unavailable,
)
from sheets_catalog.jobs.retry import CIRCUIT_OPEN, Breaker, Decision, Retrying, RetryPolicy, backoff, decide, wait_for

POLICY = RetryPolicy()
ERRORS = [
    Throttled("t"),
    Throttled("t", retry_after=3),
    Unavailable("u"),
    Unavailable("u", applied=False),
    Refused("r"),
    PreconditionFailed("p"),
    NotFound("n"),
    CredentialsError("c"),
    PermissionMissing("p"),
    InputError("i"),
    SheetsCatalogError("s"),
]


def calling(answers, clock=None, policy=POLICY):
    """A call that raises or returns what `answers` say, one after the other, through a Retrying."""
    clock = clock or ManualClock()
    retrying = Retrying(clock, random.Random(1), policy)
    sent = []

    def send():
        answer = answers[min(len(sent), len(answers) - 1)]
        sent.append(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return retrying, send, sent, clock


@given(st.sampled_from(ERRORS), st.sampled_from(["read", "repeatable", "once"]), st.integers(1, 20))
def test_the_decision_is_total_and_never_repeats_what_may_have_been_applied(error, safety, attempt):
    decision = decide(error, safety, attempt, POLICY)
    if safety == "once" and isinstance(error, Unavailable) and error.applied is not False:
        assert decision is Decision.PROBE
    if isinstance(error, Refused | NotFound | CredentialsError | PermissionMissing | InputError):
        assert decision is Decision.STOP


@given(st.integers(0, 200), st.floats(0.01, 5), st.floats(1, 60), st.integers())
def test_backoff_is_jittered_and_capped(attempt, base, cap, seed):
    assert 0 <= backoff(attempt, base, cap, random.Random(seed)) <= cap


@given(st.integers(1, 30), st.floats(0, 500), st.integers())
def test_never_sooner_than_the_other_side_said(attempt, told, seed):
    assert wait_for(Throttled("t", retry_after=told), attempt, POLICY, random.Random(seed)) >= told


def test_nobody_who_wants_to_stop_sits_out_a_long_wait():
    retrying, send, sent, clock = calling([Throttled("busy", retry_after=100), "fine"])
    retrying.stopping = lambda: sum(clock.slept) >= 10
    with pytest.raises(Throttled, match="busy"):
        retrying("read", "google", "x", send)
    assert len(sent) == 1
    assert 10 <= sum(clock.slept) < 20


def test_a_short_wait_is_sat_out_even_then():
    retrying, send, sent, clock = calling([Throttled("busy", retry_after=3), "fine"])
    retrying.stopping = lambda: True
    assert retrying("read", "google", "x", send) == "fine"
    assert len(sent) == 2
    assert sum(clock.slept) >= 3


def test_a_read_is_tried_again_until_it_works():
    retrying, send, sent, _ = calling([Unavailable("u"), Unavailable("u"), "fine"])
    assert retrying("read", "google", "x", send) == "fine"
    assert len(sent) == 3
    assert retrying.figures.retries == 2
    assert retrying.figures.total == 3


def test_a_write_without_guard_is_sent_once():
    retrying, send, sent, _ = calling([Unavailable("u"), "fine"])
    with pytest.raises(Unavailable):
        retrying("once", "google", "x", send)
    assert len(sent) == 1


def test_a_write_that_surely_was_not_applied_may_go_again():
    retrying, send, sent, _ = calling([Unavailable("refused", applied=False), "fine"])
    assert retrying("once", "google", "x", send) == "fine"
    assert len(sent) == 2


def test_attempts_are_capped():
    retrying, send, sent, _ = calling([Unavailable("u")])
    with pytest.raises(Unavailable):
        retrying("read", "google", "x", send)
    assert len(sent) == POLICY.attempts


def test_throttling_waits_as_told_and_goes_on():
    retrying, send, sent, clock = calling([Throttled("t", retry_after=9)] * 3 + ["fine"])
    assert retrying("once", "shopify", "x", send) == "fine"
    assert sum(clock.slept) >= 3 * 9
    assert retrying.figures.throttled == 3
    assert len(sent) == 4


def test_a_wait_that_does_not_fit_is_handed_to_the_caller():
    retrying, send, sent, clock = calling([Throttled("t", retry_after=10_000)])
    with pytest.raises(Throttled):
        retrying("read", "shopify", "x", send)
    assert not clock.slept
    assert len(sent) == 1


def test_the_breaker_stops_calling_and_lets_one_through_later():
    retrying, send, sent, clock = calling([Unavailable("u")] * 5 + ["fine"])
    with pytest.raises((Unavailable, Throttled)):
        for _ in range(5):
            with pytest.raises(Unavailable):
                retrying("once", "google", "x", send)
        retrying("once", "google", "x", send)
    before = len(sent)
    with pytest.raises(Throttled) as caught:
        retrying("read", "google", "x", send)
    assert len(sent) == before
    assert caught.value.retry_after > 0
    assert caught.value.reason == CIRCUIT_OPEN
    assert "has not answered for 0 seconds" in caught.value.message
    clock.seconds += 20
    with pytest.raises(Throttled, match="has not answered for 20 seconds") as caught:
        retrying("read", "google", "x", send)
    clock.seconds += caught.value.retry_after
    assert retrying("read", "google", "x", send) == "fine"


def test_the_breaker_waits_longer_each_time_up_to_a_cap():
    breaker = Breaker(POLICY)
    pauses, now = [], 0.0
    for _ in range(30):
        breaker.failed(now)
        if breaker.remaining(now):
            pauses.append(breaker.remaining(now))
            now += breaker.remaining(now)
    assert pauses[0] == POLICY.breaker_first
    assert max(pauses) == POLICY.breaker_cap
    assert pauses == sorted(pauses)


def test_one_services_trouble_does_not_stop_the_other():
    retrying, send, _, _ = calling([Unavailable("u")])
    for _ in range(6):
        with pytest.raises((Unavailable, Throttled)):
            retrying("once", "google", "x", send)
    assert retrying("read", "shopify", "y", lambda: "fine") == "fine"


@pytest.mark.parametrize(
    ("safety", "first", "ends"),
    [
        ("repeatable", Unavailable("u"), Unavailable),
        ("repeatable", Unavailable("u", applied=False), Throttled),
        ("read", Unavailable("u"), Throttled),
        ("once", Unavailable("u", applied=False), Throttled),
    ],
)
def test_a_write_that_may_have_been_applied_never_ends_as_throttled(safety, first, ends):
    retrying, send, sent, _ = calling([first, Throttled("t", retry_after=1_000)])
    with pytest.raises(ends):
        retrying(safety, "shopify", "op", send)
    assert len(sent) == 2


def test_nor_does_it_when_the_circuit_opens_in_between():
    retrying, send, _, _ = calling([Unavailable("u")], policy=RetryPolicy(breaker_failures=1))
    with pytest.raises(Unavailable):
        retrying("repeatable", "shopify", "op", send)
    with pytest.raises(Throttled):
        retrying("repeatable", "shopify", "op", send)
