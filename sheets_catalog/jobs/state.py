"""Progress and resume state of a job: a small frozen value, and its packing into Drive properties.

A property holds 124 bytes of UTF-8, key included, and a file 30 private ones per app (Drive guide, "Custom file
properties"). The state is packed (msgpack, zlib, base64), versioned and checksummed, into one of two slots of eleven
properties; the other slot keeps the state before. What does not fit goes to a side file, and the slot keeps its
digest. Nothing is ever truncated in silence.

Statuses::

    planned ──▶ running ──▶ finished
                │  ▲  └───▶ cancelled
                ▼  │
              waiting, attention
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.books import Books
from sheets_catalog.errors import DamagedStateError, NewerStateError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAJOR, MINOR = 1, 1
SLOTS = ("a", "b")
CHUNKS = 11
CHUNK = 122
"""Bytes of one property's value: 124 less a key of two."""
ROOM = CHUNKS * CHUNK
KIND, SELF, SHEET, SUMMARY, STOP = "kind", "self", "sheet", "summary", "stop"
"""Plain properties beside the slots: kind of file, its own id, its spreadsheet, a line for people, a wish to stop."""

_HEADER = struct.Struct(">2sBBBIIHI")  # magic, major, minor, side file?, epoch, seq, length, crc32
_MAGIC = b"SC"
REASON = 160
"""Characters of a reason that are kept."""


class Status(StrEnum):
    """Where a job is."""

    PLANNED = "planned"
    RUNNING = "running"
    WAITING = "waiting"
    ATTENTION = "attention"
    CANCELLED = "cancelled"
    FINISHED = "finished"

    @property
    def ended(self) -> bool:
        """Whether nothing can follow."""
        return self in {Status.CANCELLED, Status.FINISHED}


class Result(IntEnum):
    """Where one item is; two bits in the state."""

    PENDING = 0
    DONE = 1
    REJECTED = 2
    CONFLICTED = 3


class JobState(msgspec.Struct, frozen=True, array_like=True):
    """Everything a new process needs to go on.

    `outcomes` packs a `Result` per item, four to a byte. `intent`: items that may be in flight. `attempts`: failed
    tries of items that are still pending and may have been sent all the same; 0 when nobody lived to tell of it.
    `reasons`: why an item was rejected or is in conflict. Times are seconds since 1970. `settled`: the books of the
    records that need no item. `earlier`: the outcomes of which all was said when the job ended, was about to, or was
    stopped; what a retry puts back in line is pending there.
    """

    status: Status
    total: int
    plan_digest: str
    outcomes: bytes
    epoch: int = 0
    seq: int = 0
    intent: tuple[int, ...] = ()
    attempts: dict[int, int] = {}
    reasons: dict[int, str] = {}
    not_before: float = 0
    batch_size: int = 0
    started: float = 0
    updated: float = 0
    finishing: bool = False
    note: str = ""
    settled: Books = Books()
    earlier: bytes = b""

    @classmethod
    def new(cls, total: int, plan_digest: str, settled: Books) -> JobState:
        """The state of a job that has not begun."""
        return cls(Status.PLANNED, total, plan_digest, bytes((total + 3) // 4), settled=settled)

    def result(self, item: int) -> Result:
        """Where item number `item` is."""
        return _result(self.outcomes, item)

    def taken(self, lease_epoch: int) -> JobState:
        """The state as who holds a lease of this epoch goes on with it: newer than any before.

        Leases count from 1 again when their file was lost and made anew.
        """
        epoch = lease_epoch if lease_epoch > self.epoch else self.epoch + lease_epoch
        return msgspec.structs.replace(self, epoch=epoch)

    def told(self, item: int) -> bool:
        """Whether all was said of an item when the job ended or was stopped: it may have gone on since."""
        return bool(self.earlier) and _result(self.earlier, item) is not Result.PENDING

    def saying(self, items: Iterable[int]) -> JobState:
        """The state once all was said of these items, as far as they are settled."""
        said = {*items}
        others = [(item, Result.PENDING, "") for item in range(self.total) if item not in said and not self.told(item)]
        return msgspec.structs.replace(self, earlier=self.settle(others).outcomes)

    def again(self, items: Iterable[int]) -> JobState:
        """The state in which these items are in line again."""
        back = [(item, Result.PENDING, "") for item in items]
        said = msgspec.structs.replace(self, outcomes=self.earlier).settle(back).outcomes if self.earlier else b""
        return msgspec.structs.replace(self.settle(back), earlier=said)

    def settle(self, results: Iterable[tuple[int, Result, str]]) -> JobState:
        """The state after these items (number, result, reason) ended."""
        packed, reasons, attempts = bytearray(self.outcomes), dict(self.reasons), dict(self.attempts)
        for item, result, reason in results:
            shift = item % 4 * 2
            packed[item // 4] = packed[item // 4] & ~(3 << shift) | result << shift
            attempts.pop(item, None)
            if reason:
                reasons[item] = reason[:REASON]
            else:
                reasons.pop(item, None)
        return msgspec.structs.replace(self, outcomes=bytes(packed), reasons=reasons, attempts=attempts)

    def items(self, result: Result) -> list[int]:
        """The numbers of all items with this result."""
        return [item for item in range(self.total) if self.result(item) is result]

    @property
    def books(self) -> Books:
        """The books of the whole job."""
        counts = [0, 0, 0, 0]
        for item in range(self.total):
            counts[self.outcomes[item // 4] >> (item % 4 * 2) & 3] += 1
        return self.settled + Books(
            planned=self.total,
            done=counts[Result.DONE],
            rejected=counts[Result.REJECTED],
            conflicted=counts[Result.CONFLICTED],
            pending=counts[Result.PENDING],
        )


def _result(outcomes: bytes, item: int) -> Result:
    return Result(outcomes[item // 4] >> (item % 4 * 2) & 3)


@dataclass(frozen=True, slots=True)
class Packed:
    """A state ready to be stored: the properties to patch (None removes), and the side file's content if needed."""

    properties: Mapping[str, str | None]
    slot: str
    side: bytes | None


def pack(state: JobState, slot: str) -> Packed:
    """Pack a state into a slot."""
    body = zlib.compress(msgspec.msgpack.encode(state), 9)
    side = None
    if _encoded_size(len(body)) > ROOM:
        side, body = body, sha256(body).digest()
    header = _HEADER.pack(_MAGIC, MAJOR, MINOR, side is not None, state.epoch, state.seq, len(body), zlib.crc32(body))
    text = base64.urlsafe_b64encode(header + body).decode("ascii")
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    padded: list[str | None] = [*chunks, *[None] * (CHUNKS - len(chunks))]
    return Packed({f"{slot}{number:x}": chunk for number, chunk in enumerate(padded)}, slot, side)


def _encoded_size(body: int) -> int:
    return -(-(body + _HEADER.size) // 3) * 4


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The newest readable state, the slot it stands in, and what was wrong with the other slot (empty: nothing)."""

    state: JobState
    slot: str
    trouble: str = ""


def unpack(properties: Mapping[str, str], read_side: Callable[[str], bytes | None], file_id: str = "") -> Unpacked:
    """Read the newest valid slot.

    Raises `DamagedStateError` when no slot can be read, `NewerStateError` when one is from a newer version,
    `StateError` when the file is a copy of another job's file. A job is never begun anew because its state cannot be
    read.
    """
    if file_id and properties.get(SELF) not in {None, file_id}:
        raise StateError(
            "This job file is a copy of another one; its state belongs to the original.",
            advice=f"Resume the original job file {properties[SELF]}, or plan again.",
        )
    found, troubles = [], []
    for slot in SLOTS:
        try:
            state = _read_slot(properties, slot, read_side)
        except DamagedStateError as error:
            troubles.append(f"slot {slot}: {error.message}")
            continue
        if state:
            found.append((state.epoch, state.seq, slot, state))
    if not found:
        raise DamagedStateError(
            "The job's stored progress cannot be read"
            + (f" ({'; '.join(troubles)})." if troubles else ": it is gone."),
            advice="Nothing was sent again. Plan again: what was already applied is found and left out.",
        )
    _, _, slot, newest = max(found, key=lambda each: each[:2])
    return Unpacked(newest, slot, "; ".join(troubles))


def _read_slot(properties: Mapping[str, str], slot: str, read_side: Callable[[str], bytes | None]) -> JobState | None:
    chunks = [properties.get(f"{slot}{number:x}", "") for number in range(CHUNKS)]
    if not any(chunks):
        return None
    raw = _decode("".join(chunks))
    _, major, _, on_side, epoch, seq, length, crc = _HEADER.unpack_from(raw)
    if major > MAJOR:
        raise NewerStateError(
            f"The job's state has format {major}; this version reads up to {MAJOR}.",
            advice="Upgrade Sheets Catalog; the job was not touched.",
        )
    body = raw[_HEADER.size : _HEADER.size + length]
    if len(body) != length or zlib.crc32(body) != crc:
        raise DamagedStateError("the checksum does not match")
    if on_side:
        body = _side_body(read_side(slot), body)
    state = _parse(body)
    if (state.epoch, state.seq) != (epoch, seq) or len(state.outcomes) != (state.total + 3) // 4:
        raise DamagedStateError("header and content disagree")
    return state


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise DamagedStateError("it is not the text we wrote") from error
    if len(raw) < _HEADER.size or raw[:2] != _MAGIC:
        raise DamagedStateError("it is not ours, or it is cut short")
    return raw


def _side_body(content: bytes | None, expected: bytes) -> bytes:
    if content is None or sha256(content).digest() != expected:
        raise DamagedStateError("its side file is missing or is another one")
    return content


def _parse(body: bytes) -> JobState:
    try:
        return msgspec.msgpack.decode(zlib.decompress(body), type=JobState)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise DamagedStateError("the content cannot be read") from error
