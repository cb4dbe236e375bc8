"""From the answer of one mutation to a verdict on each of its records: pure functions.

Rule: an index without a word about it is ``unknown``, unless the mutation is documented to do all or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sheets_catalog.errors import Throttled, Unavailable
from sheets_catalog.shopify.inputs import FIELD_OF_PATH, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.records import Record, Value
    from sheets_catalog.shopify.errors import GraphError

Outcome = Literal["applied", "refused", "stale", "held_back", "again", "unknown"]
"""What became of one record.

``applied``: done, and read back. ``refused``: not done; `problems` say why. ``stale``: not done, the quantity had
changed since it was read. ``held_back``: not done because another record of the same mutation was refused; send it
again without that one. ``again``: surely not done, send it later as it is. ``unknown``: read before anything else.
"""

_OUTCOMES: Mapping[str, Outcome] = {
    "CHANGE_FROM_QUANTITY_STALE": "stale",
    "COMPARE_QUANTITY_STALE": "stale",
    "IDEMPOTENCY_CONCURRENT_REQUEST": "again",
    "OPERATION_IN_PROGRESS": "again",
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": "unknown",
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": "unknown",
    "GENERIC_ERROR": "unknown",
    "JOB_ERROR": "unknown",
    "INTERNAL_ERROR": "unknown",
    "SERVICE_UNAVAILABLE": "unknown",
}
"""Codes of user errors that are not refusals. Those about keys tell of an earlier attempt: read what it did."""

_WORST: Sequence[Outcome] = ("unknown", "refused", "stale", "again")
"""Which outcome counts when a record has several problems: the first of these."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason. `code`: Shopify's, may be "". `field`: our field's name, "" when it is about no single field."""

    message: str
    code: str = ""
    field: str = ""

    @property
    def gone(self) -> bool:
        """Whether it says that the record is not there (any more)."""
        return self.code.endswith("DOES_NOT_EXIST") or "does not exist" in self.message.lower()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one record. `record`: as the shop has it now, where the answer shows it."""

    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    record: Record | None = None

    @property
    def gone(self) -> bool:
        """Whether it was refused because the record is not there."""
        return self.outcome == "refused" and any(problem.gone for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one root field gave: its payload, or the top-level error about it; neither when nothing came."""

    payload: Mapping[str, Any] | None = None
    error: GraphError | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What is needed to read a reply.

    `keys`: of the records, in the order sent. `items`: the name of the input list they are in. `lead`: how many of them
    stand before that list (1: the product, before its variants). `metafields`: names of those sent with each record.
    `atomic`: whether the mutation is documented to do all or nothing.
    """

    keys: Sequence[str]
    items: str
    lead: int = 0
    metafields: Sequence[Sequence[str]] = ()
    atomic: bool = True


def unreadable(keys: Sequence[str]) -> tuple[Verdict, ...]:
    """The verdicts when a payload has not the shape that was asked for."""
    return tuple(Verdict("unknown", (_SILENCE,)) for _ in keys)


def judge(reply: Reply, sent: Sent, shown: Mapping[str, Record | None]) -> tuple[Verdict, ...]:
    """One verdict per key. `shown`: the records that the payload shows to be done (None: shown without its values)."""
    if reply.payload is None:
        return _about_all(reply.error, sent)
    problems = _by_position(reply.payload.get("userErrors") or (), sent)
    if problems:
        return tuple(_refusal(problems.get(at, ()), atomic=sent.atomic) for at in range(len(sent.keys)))
    if reply.error is not None:  # it ran, but what is read back has holes
        return tuple(Verdict("unknown", (Problem(reply.error.message, reply.error.code),)) for _ in sent.keys)
    return tuple(
        Verdict("applied", record=shown[key]) if key in shown else Verdict("unknown", (_SILENCE,)) for key in sent.keys
    )


def with_clearing(
    verdicts: Sequence[Verdict], sent: Sent, clearings: Sequence[tuple[Sequence[str], Reply]]
) -> tuple[Verdict, ...]:
    """The verdicts, once the deletions of cleared metafields that ran beside are taken into account.

    `clearings`: the keys whose metafields were in a deletion, and its reply. A failed one spoils an ``applied``.
    """
    result = list(verdicts)
    for keys, reply in clearings:
        spoiled = judge(reply, Sent(keys, "metafields", atomic=False), dict.fromkeys(keys))
        for key, verdict in zip(keys, spoiled, strict=True):
            at = sent.keys.index(key)
            if verdict.outcome != "applied" and result[at].outcome == "applied":
                result[at] = replace(verdict, record=result[at].record)
    return tuple(result)


def metafields_of(values: Mapping[str, Value]) -> list[str]:
    """Names of the metafields that are sent for `values`, in the order they are sent."""
    return [name for name, value in values.items() if name.startswith("metafields.") and value is not None]


_SILENCE = Problem("Shopify's answer does not say what became of it.")
_HELD_BACK = Problem("Not sent on its own: another record of the same call was refused.")


def _about_all(error: GraphError | None, sent: Sent) -> tuple[Verdict, ...]:
    if error is None:
        return unreadable(sent.keys)
    meaning = error.as_error()
    outcome: Outcome = "refused"
    if isinstance(meaning, Unavailable):
        outcome = "unknown"
    elif isinstance(meaning, Throttled):
        outcome = "again"
    return tuple(Verdict(outcome, (Problem(meaning.message, error.code),)) for _ in sent.keys)


def _refusal(problems: Sequence[Problem], *, atomic: bool) -> Verdict:
    if not problems:
        return Verdict("held_back", (_HELD_BACK,)) if atomic else Verdict("unknown", (_SILENCE,))
    outcomes = {_OUTCOMES.get(problem.code, "refused") for problem in problems}
    return Verdict(next(each for each in _WORST if each in outcomes), tuple(problems))


def _by_position(user_errors: Sequence[Mapping[str, Any]], sent: Sent) -> dict[int, list[Problem]]:
    """The problems of each record. One without an index is about the record before the list, or about all of them."""
    result: dict[int, list[Problem]] = {}
    for error in user_errors:
        path = tuple(str(part) for part in error.get("field") or ())
        at, rest = _locate(path, sent)
        everyone = range(1) if sent.lead else range(len(sent.keys))
        for position in everyone if at is None else (at,):
            field = _field(rest, sent.metafields[position] if position < len(sent.metafields) else ())
            result.setdefault(position, []).append(
                Problem(str(error.get("message") or ""), str(error.get("code") or ""), field)
            )
    return result


def _locate(path: tuple[str, ...], sent: Sent) -> tuple[int | None, tuple[str, ...]]:
    """Position of the record a path is about, and the rest of the path.

    Indexes come as texts: ``("variants", "0", "price")``.
    """
    if sent.items in path:
        start = path.index(sent.items) + 1
        if start < len(path) and path[start].isdecimal():
            at = int(path[start]) + sent.lead
            if at < len(sent.keys):
                return at, path[start + 1 :]
    rest = path[1:] if path[:1] in {("input",), ("product",)} else path
    return None, rest


def _field(path: tuple[str, ...], metafields: Sequence[str]) -> str:
    """Our name of the field at a path within a record's input; "" when it is none of ours."""
    if len(path) > 1 and path[1].isdecimal():
        number = int(path[1])
        if path[0] == "metafields":
            return metafields[number] if number < len(metafields) else ""
        if path[0] in {"optionValues", "options"}:
            return OPTIONS[number] if number < len(OPTIONS) else ""
    return FIELD_OF_PATH.get(".".join(path), "")
