"""`/_sandbox/*`: what a test or a demo may ask and tell the sandbox itself. Never counted, delayed or faulted.

- `GET health`, `GET connection`
- `GET ledger?since=N`; `GET requests[?log=1&since=N]`; `DELETE requests` (start counting anew)
- `POST faults` (one or a list), `GET faults`, `DELETE faults`
- `GET clock`, `POST clock {advance?, skew?}`
- `POST state/save|load {dir?}`, `GET state/snapshot`, `POST state/diff {before, after?, ignore?}`
- `POST users {email, name?}`, `POST tokens {email?, scopes?, app?, seconds?}`,
  `POST refresh_tokens {email?, scopes?, app?}`, `POST id_tokens {email, audience, seconds?, claims?}`,
  `POST service_accounts {email, app?, delegates?}`,
  `POST tokens/revoke {token}`, `POST tokens/expire`
- `GET quota`, `POST quota {enabled?, sheets_user?, sheets_project?, drive_user?, drive_project?}`
- `POST seed/<service> {...}`: hand data to a service's `plant(body)`, for what no public API could make (files of any
  size without their bytes, somebody else's private file)
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox import state as states
from sheets_catalog.sandbox.accounts import ALL_SCOPES, APP, OWNER
from sheets_catalog.sandbox.faults import KINDS, BadFaultError
from sheets_catalog.sandbox.gateway import request_counts
from sheets_catalog.sandbox.wire import (
    JSON,
    Caller,
    GoogleError,
    Request,
    Response,
    Rule,
    json_response,
    rfc3339,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sheets_catalog.sandbox.server import Sandbox


class BadRequestError(ValueError):
    """A control request makes no sense; the message says what is expected."""


class Control:
    """The control endpoints of one sandbox."""

    name = "control"
    locked = False

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._gateway = sandbox.gateway
        self._world = sandbox.world
        self._identity = sandbox.identity

    def rules(self) -> Sequence[Rule]:
        return [
            Rule(f"/_sandbox/{path}", methods=[method], endpoint=f"{method} {path}") for method, path in self._calls()
        ] + [Rule("/_sandbox/seed/<service>", methods=["POST"], endpoint="POST seed")]

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        try:
            if operation == "POST seed":
                return json_response(self._seed(args["service"], _body(request)))
            method, _, path = operation.partition(" ")
            return json_response(self._calls()[method, path](request))
        except (BadFaultError, BadRequestError, ValueError, KeyError, TypeError) as error:
            return json_response({"error": {"code": 400, "message": f"{type(error).__name__}: {error}"}}, 400)
        except GoogleError as error:
            return error.response()

    def dump(self) -> JSON:
        return {}

    def load(self, state: JSON) -> None:
        """Nothing of its own is kept."""

    def _calls(self) -> dict[tuple[str, str], Callable[[Request], JSON]]:
        return {
            ("GET", "health"): self._health,
            ("GET", "connection"): lambda _: self._sandbox.connection(),
            ("GET", "ledger"): self._ledger,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._forget_requests,
            ("GET", "faults"): self._show_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("POST", "state/save"): self._save,
            ("POST", "state/load"): self._load,
            ("GET", "state/snapshot"): lambda _: states.snapshot(self._world, self._gateway.services),
            ("POST", "state/diff"): self._diff,
            ("POST", "users"): self._user,
            ("POST", "tokens"): self._mint,
            ("POST", "tokens/revoke"): lambda request: {"revoked": self._identity.revoke(_body(request)["token"])},
            ("POST", "tokens/expire"): lambda _: {"expired": self._identity.expire_all()},
            ("POST", "refresh_tokens"): self._mint_refresh,
            ("POST", "id_tokens"): self._id_token,
            ("POST", "service_accounts"): self._service_account,
            ("GET", "quota"): lambda _: self._gateway.quota.show(),
            ("POST", "quota"): self._set_quota,
        }

    # -- what happened ----------------------------------------------------------------------------------------------

    def _health(self, request: Request) -> JSON:
        return {
            "ok": not self._gateway.crashes,
            "services": sorted(self._gateway.services),
            "crashes": self._gateway.crashes[-5:],
            "fault_kinds": KINDS,
        }

    def _ledger(self, request: Request) -> JSON:
        since = request.args.get("since", 0, type=int)
        return {"ledger": self._world.ledger.since(since), "total": len(self._world.ledger)}

    def _requests(self, request: Request) -> JSON:
        counts = request_counts(self._gateway)
        if request.args.get("log"):
            since = request.args.get("since", 0, type=int)
            counts["log"] = [entry for entry in list(self._gateway.log) if entry["n"] > since]
        return counts

    def _forget_requests(self, request: Request) -> JSON:
        self._gateway.counts.clear()
        self._gateway.log.clear()
        return {}

    # -- faults, clock, state ---------------------------------------------------------------------------------------

    def _show_faults(self, request: Request) -> JSON:
        return {"faults": self._gateway.faults.show(), "unconsumed": self._gateway.faults.unconsumed}

    def _add_faults(self, request: Request) -> JSON:
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict | list):
            raise BadRequestError("the body must be JSON: a fault, or a list of faults")
        specs = body if isinstance(body, list) else [body]
        return {"faults": [self._gateway.faults.add(spec).show() for spec in specs]}

    def _clear_faults(self, request: Request) -> JSON:
        left = self._gateway.faults.unconsumed
        self._gateway.faults.clear()
        return {"unconsumed": left}

    def _clock(self, request: Request) -> JSON:
        clock = self._world.clock
        return {"now": rfc3339(clock.now()), "seconds": clock.seconds(), "speed": clock.speed, "skew": clock.skew}

    def _set_clock(self, request: Request) -> JSON:
        body = _body(request)
        _only(body, {"advance", "skew"})
        self._world.clock.advance(float(body.get("advance", 0)))
        self._world.clock.skew = float(body.get("skew", self._world.clock.skew))
        return self._clock(request)

    def _save(self, request: Request) -> JSON:
        return {"path": str(self._sandbox.save(_directory(_body(request))))}

    def _load(self, request: Request) -> JSON:
        body = _body(request)
        if "state" in body:
            states.load(self._world, self._gateway.services, body["state"])
        else:
            self._sandbox.load(_directory(body))
        return {}

    def _diff(self, request: Request) -> JSON:
        body = _body(request)
        _only(body, {"before", "after", "ignore"})
        after = body["after"] if "after" in body else states.snapshot(self._world, self._gateway.services)
        return {"differences": states.difference(body["before"], after, tuple(body.get("ignore", ())))}

    # -- people and tokens ------------------------------------------------------------------------------------------

    def _user(self, request: Request) -> JSON:
        body = _body(request)
        return dataclasses.asdict(self._identity.user(body["email"], body.get("name", "")))

    def _mint(self, request: Request) -> JSON:
        body = _body(request)
        _only(body, {"email", "scopes", "app", "seconds"})
        with self._world.lock:
            token = self._identity.mint(
                body.get("email", OWNER), body.get("scopes", ALL_SCOPES), body.get("app", APP), body.get("seconds")
            )
        return {"access_token": token.value, "email": token.email, "scopes": list(token.scopes), "app": token.app}

    def _mint_refresh(self, request: Request) -> JSON:
        body = _body(request)
        _only(body, {"email", "scopes", "app"})
        with self._world.lock:
            client = self._identity.client(body.get("app", APP))
            grant = self._identity.mint_refresh(
                body.get("email", OWNER), body.get("scopes", ALL_SCOPES), client["client_id"]
            )
        return {"refresh_token": grant.value, "token_uri": f"{self._world.base_url}/token"} | client

    def _id_token(self, request: Request) -> JSON:
        body = _body(request)
        _only(body, {"email", "audience", "seconds", "claims"})
        seconds = float(body.get("seconds", 3600))
        return {"id_token": self._identity.id_token(body["email"], body["audience"], seconds, body.get("claims"))}

    def _service_account(self, request: Request) -> JSON:
        body = _body(request)
        _only(body, {"email", "app", "delegates"})
        with self._world.lock:
            return self._identity.service_account(body["email"], body.get("app", APP), body.get("delegates", ()))

    # -- quota and seeds --------------------------------------------------------------------------------------------

    def _set_quota(self, request: Request) -> JSON:
        body, quota = _body(request), self._gateway.quota
        _only(body, {"enabled", *(field.name for field in dataclasses.fields(quota.limits))})
        quota.enabled = bool(body.pop("enabled", quota.enabled))
        quota.limits = dataclasses.replace(quota.limits, **{name: int(value) for name, value in body.items()})
        return {"enabled": quota.enabled} | dataclasses.asdict(quota.limits)

    def _seed(self, name: str, body: Mapping[str, Any]) -> JSON:
        plant = getattr(self._gateway.services.get(name), "plant", None)
        if plant is None:
            raise BadRequestError(f"no service {name!r} takes seeds")
        with self._world.lock:
            return plant(body)


def _body(request: Request) -> dict[str, Any]:
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    return body


def _only(body: Mapping[str, Any], names: set[str]) -> None:
    if unknown := set(body) - names:
        raise BadRequestError(f"unknown fields {sorted(unknown)}; known ones are {sorted(names)}")


def _directory(body: Mapping[str, Any]) -> Path | None:
    return Path(body["dir"]) if "dir" in body else None
