"""The `@idempotent` directive: one effect per key, for 24 hours.

A replay is answered from the state as it is now, not from a stored answer. A key whose first attempt failed, or that
comes back with other arguments, is refused with the code that says so.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql.execution import get_directive_values

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.problems import bad_request
from sheets_catalog.sandbox.shopify.state import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RETENTION_SECONDS: Final = 24 * 3600.0

MESSAGES: Final = {
    "IDEMPOTENCY_CONCURRENT_REQUEST": "This request is currently in progress, please try again.",
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": (
        "The same idempotency key cannot be used with different operation parameters."
    ),
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": (
        "A previous request with this idempotency key failed. Retry with a new idempotency key."
    ),
}


@dataclass(frozen=True)
class Replay:
    """What a first attempt came to: the payload, and how to find its result again."""

    payload: dict[str, Any]
    result: str = ""
    failed: bool = False


def idempotent(
    info: Info,
    arguments: Mapping[str, Any],
    shown: Callable[[Context, str], dict[str, Any]],
    attempt: Callable[[str], Replay],
) -> dict[str, Any]:
    """Run `attempt` once per key of the app. `shown` answers a replay from the id of the first result."""
    context = of(info)
    key = _key(info)
    name = f"{context.caller.app}\x00{key}"
    now = context.world.clock.seconds()
    fingerprint = _fingerprint(info.field_name, arguments)
    earlier = context.store.attempts.get(name)
    if earlier is not None and now - earlier.at < RETENTION_SECONDS:
        code = _refusal(earlier, fingerprint)
        if code is None:
            return shown(context, earlier.result)
        return _refused(info, code)
    replay = attempt(key)
    outcome = "failed" if replay.failed else "done"
    context.store.attempts[name] = Attempt(fingerprint, outcome, replay.result, now)
    return replay.payload


def hold(context_store: dict[str, Attempt], app: str, key: str, until: float) -> None:
    """Make a key look as if another request were working on it until that second of simulated time."""
    context_store[f"{app}\x00{key}"] = Attempt("", "running", "", until - RETENTION_SECONDS)


def _refusal(earlier: Attempt, fingerprint: str) -> str | None:
    if earlier.outcome == "running":
        return "IDEMPOTENCY_CONCURRENT_REQUEST"
    if earlier.fingerprint != fingerprint:
        return "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    return "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" if earlier.outcome == "failed" else None


def _refused(info: Info, code: str) -> dict[str, Any]:
    result = "inventoryLevel" if info.field_name == "inventoryActivate" else "inventoryAdjustmentGroup"
    return {result: None, "userErrors": [{"field": None, "message": MESSAGES[code], "code": code}]}


def _key(info: Info) -> str:
    directive = info.schema.get_directive("idempotent")
    assert directive is not None, "the schema has the directive"
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if values is None:
        raise bad_request("The @idempotent directive is required for this mutation but was not provided.")
    key: str = values["key"]
    if not key.strip():
        raise bad_request("The idempotency key must not be blank.")
    return key


def _fingerprint(field: str, arguments: Mapping[str, Any]) -> str:
    text = json.dumps([field, arguments], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
