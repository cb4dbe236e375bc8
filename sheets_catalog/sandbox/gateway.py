"""The way of one request through the sandbox: route, count, delay, fault, authenticate, charge, answer, fault."""

from __future__ import annotations

import random
import sys
import threading
import traceback
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from sheets_catalog.sandbox import play
from sheets_catalog.sandbox.faults import AFTER_ONLY, SERVICE_PLAYED, Fault, FaultBook
from sheets_catalog.sandbox.quota import QuotaBook
from sheets_catalog.sandbox.wire import (
    ANONYMOUS,
    JSON,
    Caller,
    GoogleError,
    Request,
    Response,
    Service,
    ShopifyHttpError,
    World,
    rfc3339,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.identity import Identity

LOG_LENGTH: Final = 200_000
MEMORY_LENGTH: Final = 500
MEMORY_BYTES: Final = 256_000

LIFE_LIKE: Final = (0.8, 1.7)
"""Seconds per API call of the reference catalogue's base line."""

TOKEN_LATENCY: Final = (0.05, 0.15)

UNCOUNTED: Final = frozenset({"identity.allowedLocations", "identity.certs"})
"""Looked up by client libraries in the background, at moments of their own: logged, but no fault counts them."""


@dataclass(frozen=True)
class Call:
    """One routed and counted request."""

    number: int
    service: Service
    operation: str
    args: Mapping[str, str]
    read: bool
    entry: dict[str, Any] = field(compare=False)
    """Its line in the request log."""


class Gateway:
    """Everything between the socket and the services."""

    def __init__(
        self, world: World, identity: Identity, *, latency: tuple[float, float] | None = LIFE_LIKE, seed: int = 1
    ) -> None:
        self.world = world
        self.identity = identity
        self.latency = latency
        self.faults = FaultBook()
        self.quota = QuotaBook(world.clock)
        self.services: dict[str, Service] = {}
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self.counts: Counter[tuple[str, int]] = Counter()
        self.crashes: list[str] = []
        self._map = Map(strict_slashes=False, merge_slashes=False)
        self._delays = random.Random(seed)
        self._counting = threading.Lock()
        self._number = 0
        self._answers = AnswerMemory()
        self.add(identity)

    def add(self, service: Service) -> None:
        """Serve another API: its rules are routed to it from now on."""
        self.services[service.name] = service
        for rule in service.rules():
            rule.endpoint = (service, rule.endpoint)
            self._map.add(rule)
        self._map.update()

    def handle(self, request: Request, *, nested: bool = False) -> Response:
        """Answer one request. Raises `play.Cut` where the connection, not an answer, is what the client gets.

        nested: a part of a batch request, which is counted and charged but comes without a delay of its own.
        """
        try:
            service, operation, args = self._route(request)
        except HTTPException as error:
            return self._unrouted(request, error)
        if service.name == "control":
            return service.call(operation, request, args, ANONYMOUS)
        call, fault = self._count(request, service, operation, args)
        status = 0
        try:
            if not nested:
                self._delay(service)
            try:
                response = self._exchange(request, call, fault)
            except RuntimeError:  # a fault that cannot be played as asked
                response = self._crashed(request)
            status = response.status_code
        finally:
            call.entry["status"] = status
            with self._counting:
                self.counts[call.entry["operation"], status] += 1
        return response

    def play_as(self, request: Request, caller: Caller) -> Response:
        """Play a request inside the sandbox as another user: not counted, not delayed, never faulted."""
        service, operation, args = self._route(request)
        try:
            with self.world.lock:
                return service.call(operation, request, args, caller)
        except (GoogleError, ShopifyHttpError) as error:
            return error.response()

    def _route(self, request: Request) -> tuple[Service, str, dict[str, str]]:
        # Matched on the encoded path and decoded afterwards, so that an encoded slash in an id or range stays data.
        raw = str(request.environ.get("RAW_URI") or request.path)
        (service, operation), args = self._map.bind("sandbox").match(raw.split("?", 1)[0], effective_method(request))
        return service, operation, {name: unquote(str(value)) for name, value in args.items()}

    def _unrouted(self, request: Request, error: HTTPException) -> Response:
        """What Google's front end answers to an address it does not know: 404 with a page, not JSON."""
        with self._counting:
            self._number += 1
            self.counts["unrouted", 404] += 1
            self.log.append(
                {
                    "n": self._number,
                    "service": "",
                    "operation": "unrouted",
                    "method": request.method,
                    "path": request.full_path,
                    "status": 404,
                    "error": str(error),
                }
            )
        page = f"<title>Error 404 (Not Found)!!1</title><p>The requested URL {request.path} was not found."
        return Response(page, status=404, content_type="text/html; charset=UTF-8")

    def _count(
        self, request: Request, service: Service, operation: str, args: Mapping[str, str]
    ) -> tuple[Call, Fault | None]:
        name = _operation_name(service, request, operation)
        data = request.get_data(cache=True)
        entry: dict[str, Any] = {
            "n": 0,
            "time": rfc3339(self.world.clock.now()),
            "service": service.name,
            "operation": name,
            "method": request.method,
            "path": request.full_path.rstrip("?"),
            "bytes": len(data),
            "caller": "",
            "status": None,
            "fault": None,
        }
        with self._counting:
            self._number += 1
            entry["n"] = self._number
            self.log.append(entry)
            fault = (
                None if name in UNCOUNTED else self.faults.draw(service.name, name, entry["path"], data, self._number)
            )
        if fault is not None:
            entry["fault"] = fault.kind
        read = _is_read(service, operation, request)
        return Call(entry["n"], service, operation, args, read, entry), fault

    def _delay(self, service: Service) -> None:
        if self.latency is None:
            return
        low, high = TOKEN_LATENCY if service.name == "identity" else self.latency
        with self._counting:
            seconds = self._delays.uniform(low, high)
        self.world.clock.sleep(seconds)

    def _exchange(self, request: Request, call: Call, fault: Fault | None) -> Response:
        if fault is None:
            return self._answer(request, call)
        if fault.when == "before" and fault.kind not in SERVICE_PLAYED:
            early = self._play(request, call, fault, None)
            if early is not None:
                return early
            return self._answer(request, call)
        if fault.kind in SERVICE_PLAYED:
            return self._service_plays(request, call, fault)
        response = self._answer(request, call)
        return self._play(request, call, fault, response) or response

    def _answer(self, request: Request, call: Call) -> Response:
        """Authenticate, charge, apply: the call without any fault."""
        try:
            caller = self._caller(call.service, request)
            call.entry["caller"] = caller.email or caller.shop
            self.quota.charge(call.service.name, call.entry["operation"], caller, read=call.read)
            if not getattr(call.service, "locked", True):
                return call.service.call(call.operation, request, call.args, caller)
            with self.world.lock:
                response = call.service.call(call.operation, request, call.args, caller)
        except (GoogleError, ShopifyHttpError) as error:
            return error.response()
        except play.Cut:
            raise
        except Exception:  # noqa: BLE001 - a fault of the sandbox itself: the client gets a 500, the log the reason
            return self._crashed(request)
        if call.read:
            self._answers.remember(request, caller, response)
        return response

    def _crashed(self, request: Request) -> Response:
        text = f"{request.method} {request.full_path}\n{traceback.format_exc()}"
        self.crashes.append(text)
        print(text, file=sys.stderr)  # noqa: T201 - the sandbox's own failure must not pass unseen
        return GoogleError(500, "Sandbox failure (see its standard error).", status="INTERNAL").response()

    def _caller(self, service: Service, request: Request) -> Caller:
        own = getattr(service, "caller", None)
        caller: Caller = own(request) if own is not None else self.identity.bearer(request)
        return caller

    def _service_plays(self, request: Request, call: Call, fault: Fault) -> Response:
        """Let the service play a fault of its own domain; a fault it does not play waits for the next call."""
        request.environ["sandbox.fault"] = fault
        own = getattr(call.service, "fault_response", None)
        if own is not None:
            with self.world.lock:
                response: Response | None = own(fault.kind, fault, request)
            if response is not None:
                return response
        response = self._answer(request, call)
        if request.environ.get("sandbox.fault.played"):
            return response
        if fault.kind == "stale-read" and (stale := self._answers.earlier(request, response)) is not None:
            return stale
        self.faults.give_back(fault, call.number)
        call.entry["fault"] = None
        return response

    def _play(self, request: Request, call: Call, fault: Fault, response: Response | None) -> Response | None:
        """Play a fault at the wire; None: nothing stands in the way of the proper answer.

        response: the proper answer when the call was applied already, None before.
        """
        answer = play.fault_answer(fault, call.service.name, read=call.read)
        if answer is not None:
            return answer
        cut = play.cut_for(fault, response)
        if fault.kind == "kill-client":
            cut = play.kill_client(fault, request)
        if cut is not None:
            raise cut
        if fault.kind in AFTER_ONLY and response is not None:
            return play.damage(fault, response, self.world.clock)
        self._act(request, call, fault)
        return None

    def _act(self, request: Request, call: Call, fault: Fault) -> None:
        """Play the kinds that do something and let the call go on."""
        if fault.kind == "stall":
            play.stall(fault.seconds, self.world.clock, request)
        elif fault.kind == "applied-late":
            play.apply_late(fault, self.world.clock, request)
        elif fault.kind == "clock-skew":
            self.world.clock.skew += fault.seconds
        elif fault.kind == "duplicate-delivery":
            self._answer(request, call)
        elif fault.kind == "hook:collaborator":
            self._collaborate(fault)

    def _collaborate(self, fault: Fault) -> None:
        for spec in fault.requests:
            request = play.hook_request(spec)
            caller = self.identity.act_as(str(spec.get("email", COLLABORATOR)), str(spec.get("shop", "")))
            fault.results.append(self.play_as(request, caller).status_code)


COLLABORATOR: Final = "collaborator@example.com"


class AnswerMemory:
    """The last few different answers to each read, so that a stale one can be shown."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str, bytes], list[tuple[bytes, str]]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, request: Request, caller: Caller, response: Response) -> None:
        """Keep a good answer of moderate size; the oldest reads are forgotten first."""
        if response.status_code != 200 or response.is_streamed or (response.content_length or 0) > MEMORY_BYTES:
            return
        data, key = response.get_data(), _read_key(request)
        with self._lock:
            kept = self._answers.setdefault(key, [])
            if not kept or kept[-1][0] != data:
                kept.append((data, response.content_type or ""))
                del kept[:-3]
            self._answers.move_to_end(key)
            while len(self._answers) > MEMORY_LENGTH:
                self._answers.popitem(last=False)

    def earlier(self, request: Request, response: Response) -> Response | None:
        """The latest remembered answer to the same read that differs from this one."""
        fresh = response.get_data()
        with self._lock:
            kept = [answer for answer in self._answers.get(_read_key(request), []) if answer[0] != fresh]
        if not kept:
            return None
        data, content_type = kept[-1]
        return Response(data, status=200, content_type=content_type)


def _read_key(request: Request) -> tuple[str, str, bytes]:
    return request.headers.get("Authorization", ""), request.full_path, request.get_data(cache=True)


def effective_method(request: Request) -> str:
    """The method meant: clients send a long GET as POST with `X-HTTP-Method-Override`."""
    return request.headers.get("X-HTTP-Method-Override", request.method).upper()


def _operation_name(service: Service, request: Request, operation: str) -> str:
    own = getattr(service, "operation_name", None)
    return str(own(request, operation)) if own is not None else operation


def _is_read(service: Service, operation: str, request: Request) -> bool:
    own = getattr(service, "is_read", None)
    if own is not None:
        return bool(own(operation, request))
    last = operation.rsplit(".", 1)[-1].lower()
    return effective_method(request) == "GET" or "get" in last or last == "search"


def request_counts(gateway: Gateway) -> dict[str, JSON]:
    """Calls by operation and status, and in all, for the control endpoint."""
    by_operation: dict[str, dict[str, int]] = {}
    for (operation, status), count in sorted(gateway.counts.items()):
        by_operation.setdefault(operation, {})[str(status)] = count
    return {"operations": by_operation, "total": sum(gateway.counts.values()), "quota": gateway.quota.show()}
