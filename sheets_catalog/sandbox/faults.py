"""Faults on request: what goes wrong, at exactly which call, before or after the effect was applied.

A fault counts the calls that match its service and operation from the moment it is registered, and hits the n-th
one (and the following ones, `times` in all). Counting happens under one lock as calls arrive, so it is exact with any
number of client threads.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

CONNECTION_KINDS: Final = {
    "reset": "the connection is reset (RST)",
    "fin": "the connection is closed (FIN) without a byte",
    "blank-status-line": "an empty line where the status line should be, then FIN",
    "half-body": "headers with the full length, half of the body, then FIN",
    "slow-body": "the body in small pieces over `seconds`",
}
ANSWER_KINDS: Final = {
    "status": "HTTP `status` with the vendor's error body (`reason`, `message`, `retry_after` optional)",
    "rate-limit": "the vendor's own rate-limit answer (`status`, `retry_after` optional)",
    "html-429": "429 with a text/html page",
    "unauthorized": "401, as for a token that has expired",
    "garbled-body": "200 whose body is not JSON",
    "empty-body": "200 without a body",
}
TIMING_KINDS: Final = {
    "stall": "waits `seconds` (before: then applies; after: applied, then waits); ends when the client hangs up",
    "applied-late": "waits until the client has hung up, then `seconds` more, and then applies",
    "clock-skew": "from this call on the server's clock is off by `seconds`",
    "kill-client": "SIGKILL to the calling process (or to `pid`), before or after the effect; the connection drops",
    "hook:collaborator": "plays `requests` ([{method, path, body?, email?}]) as another user at this call",
    "duplicate-delivery": "the request is applied twice, as when something on the way re-sends it",
}
DATA_KINDS: Final = {
    "stale-read": "a read answers what it answered before the latest change",
    "lag-list": "this list does not yet show changes of the last `seconds`",
    "truncate-page": "a page shorter than asked for; its token leads on to the rest",
    "drop-page-token": "the page's token is lost: the rest of the list is unreachable",
    "drop-field": "`field` is missing from the answer",
    "corrupt-data": "the answer parses, but one value in it (or one byte of a download) is wrong",
    "etag-moves-by-itself": "the v2 etag changes although nobody wrote",
}
VENDOR_KINDS: Final = {
    "throttle-graphql": "HTTP 200, code THROTTLED, with cost figures",
    "user-errors": "HTTP 200, the mutation answers `userErrors`",
    "internal-error": "HTTP 200, GraphQL `errors` with INTERNAL_SERVER_ERROR",
    "partial-data": "HTTP 200, one root field (`options.alias`) comes back null with an error, although it was applied",
    "access-denied": "HTTP 200, ACCESS_DENIED for every root field, nothing applied",
}
KINDS: Final[dict[str, str]] = CONNECTION_KINDS | ANSWER_KINDS | TIMING_KINDS | DATA_KINDS | VENDOR_KINDS

BEFORE_ONLY: Final = {
    "applied-late",
    "duplicate-delivery",
    "lag-list",
    "truncate-page",
    "stale-read",
    "throttle-graphql",
}
AFTER_ONLY: Final = {"slow-body", "drop-page-token", "drop-field", "corrupt-data"}
SERVICE_PLAYED: Final = {"lag-list", "truncate-page", "stale-read", "etag-moves-by-itself", *VENDOR_KINDS}
"""Kinds that only the service itself can play; the server asks it to."""

FIELDS: Final = {
    "service", "operation", "nth", "kind", "when", "times", "seconds", "status", "retry_after", "reason", "message",
    "pid", "field", "requests", "options", "match",
}  # fmt: skip


@dataclass
class Fault:
    """One registered fault and what has come of it."""

    id: int
    kind: str
    service: str = "*"
    operation: str = "*"
    nth: int = 1
    when: str = "before"
    times: int = 1
    """How many calls it hits; 0 stands for every one from the n-th on."""
    match: str = ""
    """Only calls whose path, query or body contains this text are counted."""
    seconds: float = 0.0
    status: int = 0
    retry_after: str = ""
    reason: str = ""
    message: str = ""
    pid: int = 0
    field: str = ""
    requests: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seen: int = 0
    hits: list[int] = dataclasses.field(default_factory=list)
    """Numbers (in the request log) of the calls it hit."""
    results: list[int] = dataclasses.field(default_factory=list)
    """Statuses of the requests a hook has played."""

    @property
    def consumed(self) -> bool:
        """Whether it has done all it was asked for (a lasting one: hit at least once)."""
        return len(self.hits) >= max(self.times, 1)

    @property
    def due(self) -> bool:
        return self.seen >= self.nth and (self.times == 0 or len(self.hits) < self.times)

    def wants(self, service: str, operation: str, path: str, data: bytes) -> bool:
        """Whether a call is one of those it counts."""
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and (not self.match or self.match in path or self.match.encode() in data)
        )

    def show(self) -> dict[str, Any]:
        """Its JSON form for `GET /_sandbox/faults`."""
        return {
            "id": self.id,
            "service": self.service,
            "operation": self.operation,
            "nth": self.nth,
            "kind": self.kind,
            "when": self.when,
            "times": self.times or "forever",
            "seen": self.seen,
            "hits": list(self.hits),
            "consumed": self.consumed,
            "results": list(self.results),
        }


class BadFaultError(ValueError):
    """The description of a fault makes no sense; the message says which part and what is expected."""


class FaultBook:
    """All registered faults, and the one place where calls are numbered."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._next = 1

    def add(self, spec: Mapping[str, Any]) -> Fault:
        """Register a fault from its JSON form; BadFaultError when it could never do what it says."""
        with self._lock:
            fault = read_fault(spec, self._next)
            self._next += 1
            self._faults.append(fault)
            return fault

    def draw(self, service: str, operation: str, path: str, data: bytes, number: int) -> Fault | None:
        """Count one call for every fault it matches, and take the oldest one that is due."""
        with self._lock:
            drawn: Fault | None = None
            for fault in self._faults:
                if not fault.wants(service, operation, path, data):
                    continue
                fault.seen += 1
                if drawn is None and fault.due:
                    drawn = fault
            if drawn is not None:
                drawn.hits.append(number)
            return drawn

    def give_back(self, fault: Fault, number: int) -> None:
        """The fault could not be played at this call (nothing stale to show, say): it waits for the next one."""
        with self._lock:
            if number in fault.hits:
                fault.hits.remove(number)

    def show(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.show() for fault in self._faults]

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    @property
    def unconsumed(self) -> list[dict[str, Any]]:
        """Faults that have not done all they were asked for: a test that leaves one has tested nothing."""
        return [fault for fault in self.show() if not fault["consumed"]]


def read_fault(spec: Mapping[str, Any], number: int) -> Fault:
    """Check a fault's JSON form and fill in what it leaves out."""
    if not isinstance(spec, Mapping):
        raise BadFaultError(f"a fault is a JSON object with at least `kind`; found {spec!r}")
    unknown = set(spec) - FIELDS
    if unknown:
        raise BadFaultError(f"unknown fault fields {sorted(unknown)}; known ones are {sorted(FIELDS)}")
    kind = str(spec.get("kind", ""))
    if kind not in KINDS:
        raise BadFaultError(f"fault kind is {kind!r}; expected one of {sorted(KINDS)}")
    fault = Fault(
        id=number,
        kind=kind,
        service=str(spec.get("service", "*")),
        operation=str(spec.get("operation", "*")),
        nth=_whole(spec.get("nth", 1), "nth", 1),
        when=_when(spec, kind),
        times=0 if spec.get("times") == "forever" else _whole(spec.get("times", 1), "times", 0),
        match=str(spec.get("match", "")),
        seconds=float(spec.get("seconds", 0.0)),
        status=int(spec.get("status", 0)),
        retry_after=str(spec.get("retry_after", "") or ""),
        reason=str(spec.get("reason", "")),
        message=str(spec.get("message", "")),
        pid=int(spec.get("pid", 0)),
        field=str(spec.get("field", "")),
        requests=tuple(_requests(spec.get("requests", ()))),
        options=dict(spec.get("options", {})),
    )
    _check_needs(fault)
    return fault


def _when(spec: Mapping[str, Any], kind: str) -> str:
    default = "after" if kind in AFTER_ONLY else "before"
    when = str(spec.get("when", default))
    if when not in {"before", "after"}:
        raise BadFaultError(f"fault when is {when!r}; expected 'before' or 'after' (the effect is applied)")
    if (kind in BEFORE_ONLY and when == "after") or (kind in AFTER_ONLY and when == "before"):
        raise BadFaultError(f"fault {kind!r} cannot happen {when!r} the effect; leave `when` out")
    return when


def _check_needs(fault: Fault) -> None:
    needs = {
        "status": ("status", fault.status),
        "drop-field": ("field", fault.field),
        "hook:collaborator": ("requests", fault.requests),
        "stall": ("seconds", fault.seconds),
        "clock-skew": ("seconds", fault.seconds),
        "lag-list": ("seconds", fault.seconds),
    }
    name, value = needs.get(fault.kind, ("", True))
    if not value:
        raise BadFaultError(f"fault {fault.kind!r} needs `{name}`: {KINDS[fault.kind]}")
    if fault.kind == "kill-client" and (fault.pid < 0 or fault.pid == 1):
        raise BadFaultError(
            f"fault 'kill-client' got pid {fault.pid}; expected a process id, or none for the caller's own"
        )


def _whole(value: object, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadFaultError(f"fault {name} is {value!r}; expected a whole number from {least} on")
    return value


def _requests(value: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(item, Mapping) and {"method", "path"} <= set(item) for item in value
    ):
        raise BadFaultError("fault requests must be a list of {method, path, body?, email?}")
    return value
