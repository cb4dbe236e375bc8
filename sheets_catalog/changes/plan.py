"""The plan: a frozen value that can be shown, stored, estimated, and applied once.

What the preview shows is what is sent (LEAP-1): the preview is rendered from this value, and the job file's content is
this value.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import msgspec

from sheets_catalog.books import Books
from sheets_catalog.errors import DamagedStateError, NewerStateError
from sheets_catalog.records import Value  # noqa: TC001 - msgspec reads annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
LARGEST = 1 << 30

UNDO = "undo"
"""Option of a plan: the id of the job whose effects it takes back."""

Action = Literal["create", "update", "delete", "stage", "deliver"]
Side = Literal["shop", "sheet"]
Severity = Literal["error", "warning", "note"]


class FieldChange(msgspec.Struct, frozen=True, array_like=True):
    """One field: `before` is what the changed side must still have (the guard), `after` what it will have.

    `side` is the side that is written. `loser` is the value a conflict policy gave up, kept for the audit.
    """

    field: str
    before: Value
    after: Value
    side: Side = "shop"
    loser: Value = None


class FileCopy(msgspec.Struct, frozen=True, array_like=True):
    """One file to copy in Drive, as it was when planned.

    `checksum`: ``sha256:`` or ``md5:`` with the digits; empty for Google's own formats. `new_id`: the id the copy will
    have, made before the first try; empty until the plan is stored, and always for Google's own formats. `dropped`:
    public properties of the source that the copy must not have; `dropped_private` the same of this app's own.
    """

    source: str
    name: str
    mime_type: str
    size: int | None
    checksum: str
    new_id: str = ""
    dropped: tuple[str, ...] = ()
    dropped_private: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What happens to one record.

    `key` is empty for a create; `natural_key` then tells the row. `group` is what can go together (the product).
    `row` is where the row stood when planned: for people, never for writing (promise 5). `context` holds ids that the
    call needs. `waiting`: another field of the record is in conflict, so the record as a whole is not settled by this.
    `files`: what is copied for it.
    """

    action: Action
    table: str
    key: str
    group: str
    label: str
    row: int
    fields: tuple[FieldChange, ...] = ()
    natural_key: tuple[str, ...] = ()
    context: dict[str, str] = {}
    waiting: bool = False
    files: tuple[FileCopy, ...] = ()

    def on(self, side: Side) -> tuple[FieldChange, ...]:
        """The changes of one side."""
        return tuple(change for change in self.fields if change.side == side)


class Conflict(msgspec.Struct, frozen=True, array_like=True):
    """One field that both sides changed. `base` is None both for blank and for not known; `base_known` tells which."""

    table: str
    key: str
    label: str
    row: int
    field: str
    base: Value
    sheet: Value
    shop: Value
    base_known: bool = True


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """Something a person should know, placed exactly (EX-2). `row` 0: the whole tab; `column`: its header, or empty."""

    severity: Severity
    rule: str
    tab: str
    row: int
    column: str
    found: str
    message: str
    advice: str = ""

    def where(self) -> str:
        """Where it is, in words."""
        row = f" row {self.row}" if self.row else ""
        column = f" column “{self.column}”" if self.column else ""
        return f"{self.tab}{row}{column}"


class Agreement(msgspec.Struct, frozen=True, array_like=True):
    """Both sides already say the same: only the baseline has to learn it. `marks`: field name to fingerprint."""

    table: str
    key: str
    marks: dict[str, str]


class Estimate(msgspec.Struct, frozen=True):
    """What applying will take. `seconds` on the plan's own assumptions, which `basis` states."""

    writes: int = 0
    reads: int = 0
    google_calls: int = 0
    cost_points: float = 0
    seconds: float = 0
    basis: str = ""


class Plan(msgspec.Struct, frozen=True):
    """Everything one job will do. `settled` are the books of the records that need no change item.

    `totals`: how many records each table has, those whose row is gone among them.
    """

    id: str
    flow: str
    created_at: str
    spreadsheet_id: str
    spreadsheet_title: str
    shop: str
    tables: tuple[str, ...]
    policy: str
    actor: str
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    findings: tuple[Finding, ...]
    agreements: tuple[Agreement, ...]
    settled: Books
    estimate: Estimate
    baseline_generation: int
    resolved: tuple[tuple[str, str, str], ...] = ()
    options: dict[str, str] = {}
    version: int = VERSION
    totals: dict[str, int] = {}

    @property
    def books(self) -> Books:
        """The books before anything was applied."""
        size = len(self.changes)
        return self.settled + Books(planned=size, pending=size)

    @property
    def empty(self) -> bool:
        """Whether applying it would change nothing anywhere."""
        return not (self.to_do or self.conflicts)

    @property
    def to_do(self) -> bool:
        """Whether there is more to do than to list conflicts."""
        return bool(self.changes or self.resolved)

    @property
    def undone(self) -> str:
        """The job that this plan undoes; empty for any other plan."""
        return self.options.get(UNDO, "")

    @property
    def left_out(self) -> tuple[Finding, ...]:
        """Why rows were rejected when this was planned; a group of new rows that belong together has one finding.

        Tasks that are not fit are items of their plan, and have their reasons there.
        """
        return tuple(each for each in self.findings if each.severity == "error" and each.row and self.flow == "export")

    def counts(self) -> dict[str, int]:
        """Changes by action, and deletes among them, for previews and guards."""
        return tally(change.action for change in self.changes)


def tally(words: Iterable[str]) -> dict[str, int]:
    """How often each word occurs."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def dump(plan: Plan) -> bytes:
    """The job file's content."""
    return zlib.compress(msgspec.msgpack.encode(plan), 6)


def load(content: bytes) -> Plan:
    """Read a job file's content. Raises `DamagedStateError` or `NewerStateError`."""
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(content, LARGEST)
        if not unpacker.eof:
            raise DamagedStateError("The plan in the job file is cut short or too large.")
        head = msgspec.msgpack.decode(raw, type=_Head)
        if head.version > VERSION:
            raise NewerStateError("The plan was written by a newer version of Sheets Catalog.", advice="Upgrade.")
        return msgspec.msgpack.decode(raw, type=Plan)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise DamagedStateError("The plan in the job file cannot be read.", advice="Plan again.") from error


class _Head(msgspec.Struct):
    version: int = VERSION


def digest(content: bytes) -> str:
    """The digest that ties a job's state to its plan."""
    return sha256(content).hexdigest()[:32]
