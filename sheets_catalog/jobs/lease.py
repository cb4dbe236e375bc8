"""One runner per job, and one job per sheet and flow.

The lease stands in a property of the sheet's control file, written by compare-and-set. Its age is judged by the store's
own clock. Each taking raises the epoch; a holder that was paused finds another epoch at its next checkpoint and stops.
A lease alone prevents nothing (a holder may be paused past its end): effects are safe because each is guarded.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from sheets_catalog.errors import BusyError, NotFound, PreconditionFailed, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sheets_catalog.jobs.store import PropertyStore, Stored

TTL = 90.0
"""Seconds a lease lasts without renewal: three times the longest slice."""
RENEW_AFTER = 30.0
_RECENT = 10.0
"""Seconds by which what was last seen of the store may be behind when a lease is taken on it."""
_TRIES = 6


@dataclass(frozen=True, slots=True)
class Lease:
    """A taken lease. `until` is in seconds since 1970 by the store's clock."""

    flow: str
    job_id: str
    owner: str
    epoch: int
    until: float

    def text(self) -> str:
        """As stored."""
        return f"{self.job_id}|{self.owner}|{self.epoch}|{self.until:.0f}"


def this_process() -> str:
    """A name for this process that another process on this machine can check: ``host:machine:pid:start``."""
    return f"{socket.gethostname()[:16]}:{_machine()}:{os.getpid()}:{_started(os.getpid())}"


def this_run() -> str:
    """A name for one run in this process: another run, in another thread, is another owner."""
    return f"{this_process()}.{secrets.token_hex(3)}"


_OVER: set[str] = set()
"""Runs of this process whose lease may stand although they have ended, because a call failed: it holds nobody."""


@contextlib.contextmanager
def _over_after_error(owner: str) -> Iterator[None]:
    """What is tried in it leaves no lease behind that would keep this process out, when it fails."""
    try:
        yield
    except BusyError:
        raise
    except BaseException:
        _OVER.add(owner)
        raise


def surely_dead(owner: str) -> bool:
    """Whether the owner was a run that has ended, of this process or of another one of this very machine."""
    if owner in _OVER:
        return True
    parts = owner.rsplit(":", 3)
    if len(parts) != len(("host", "machine", "pid", "start")) or parts[1] != _machine() or not parts[2].isdigit():
        return False
    return _started(int(parts[2])) != parts[3].partition(".")[0]


def _machine() -> str:
    """Marks this boot of this machine and its process namespace; pids mean nothing elsewhere."""
    files = [Path("/proc/sys/kernel/random/boot_id"), Path("/etc/machine-id")]
    marks = [socket.gethostname(), *(path.read_text("ascii").strip() for path in files if path.is_file())]
    if Path("/proc/self/ns/pid").exists():
        marks.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return blake2b("|".join(marks).encode(), digest_size=4).hexdigest()


def _started(pid: int) -> str:
    """When a process began, as the system tells it; ``-`` when it is not running (zombies do not run)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return _running_elsewhere(pid)
    return "-" if fields[0] in {"Z", "X"} else fields[19]


def _running_elsewhere(pid: int) -> str:
    """The same on systems without /proc: only whether it runs."""
    if Path("/proc/self").exists() or os.name == "nt":
        return "-"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "-"
    except OSError:
        pass
    return "+"


def parse(flow: str, text: str) -> Lease | None:
    """A stored lease; None when there is none or it is not readable (then it holds nobody)."""
    parts = text.split("|")
    try:
        job_id, owner, epoch, until = parts
        return Lease(flow, job_id, owner, int(epoch), float(until))
    except ValueError:
        return None


def acquire(store: PropertyStore, flow: str, job_id: str, owner: str, *, force: bool = False) -> Lease:
    """Take the lease of `flow`, or raise `BusyError` naming the holder.

    `force` takes it from a holder that seems alive: for an operator who knows better.
    """
    _OVER.discard(owner)
    with _over_after_error(owner):
        return _acquire(store, flow, job_id, owner, force=force)


def _acquire(store: PropertyStore, flow: str, job_id: str, owner: str, *, force: bool) -> Lease:
    stored, fresh = store.last(), False
    for _ in range(_TRIES):
        current = parse(flow, stored.properties.get(_name(flow), ""))
        held = bool(current and not force and _held(current, owner, stored))
        if current and held and fresh:
            raise _busy(current)
        lease = Lease(flow, job_id, owner, (current.epoch if current else 0) + 1, stored.now.timestamp() + TTL)
        written = None if held else _written(store, lease, stored)
        if written:
            return lease if (written.now - stored.now).total_seconds() < _RECENT else renew(store, lease)
        stored, fresh = store.read(), True
    raise BusyError("Others keep changing this sheet's control file.", advice="Try again in a minute.")


def _written(store: PropertyStore, lease: Lease, seen: Stored) -> Stored | None:
    """What is there once the lease is written; None when it was not, because something has changed since `seen`."""
    try:
        return store.write({_name(lease.flow): lease.text()}, seen.version)
    except PreconditionFailed:
        return None


def renew(store: PropertyStore, lease: Lease) -> Lease:
    """Extend a lease; raises `BusyError` when it is no longer ours, `StateError` when its file is gone."""
    for _ in range(_TRIES):
        stored = _read(store)
        current = parse(lease.flow, stored.properties.get(_name(lease.flow), ""))
        if current is None or (current.owner, current.epoch) != (lease.owner, lease.epoch):
            raise _lost(current)
        longer = Lease(lease.flow, lease.job_id, lease.owner, lease.epoch, stored.now.timestamp() + TTL)
        if _written(store, longer, stored):
            return longer
    raise BusyError("Others keep changing this sheet's control file.", advice="Try again in a minute.")


def _read(store: PropertyStore) -> Stored:
    try:
        return store.read()
    except NotFound as error:
        message = "The file with this run's lease was removed while it worked."
        raise StateError(message, advice="Run it again, or resume the job: a new file is made.") from error


def release(store: PropertyStore, lease: Lease) -> None:
    """Give it back, keeping the epoch; not ours any more, or a file that is gone, is no error."""
    with contextlib.suppress(NotFound), _over_after_error(lease.owner):
        _release(store, lease)


def _release(store: PropertyStore, lease: Lease) -> None:
    stored = store.last()
    for _ in range(_TRIES):
        current = parse(lease.flow, stored.properties.get(_name(lease.flow), ""))
        if current is None or (current.owner, current.epoch) != (lease.owner, lease.epoch):
            return
        if _written(store, Lease(lease.flow, "", "", lease.epoch, 0), stored):
            return
        stored = store.read()


def _name(flow: str) -> str:
    return f"lease.{flow}"[:20]


def _held(current: Lease, owner: str, stored: Stored) -> bool:
    if not current.owner or current.owner == owner or stored.now.timestamp() >= current.until:
        return False
    return not surely_dead(current.owner)


def _busy(current: Lease) -> BusyError:
    host, _, pid, _ = [*current.owner.rsplit(":", 3), "", "", ""][:4]
    return BusyError(
        f"This sheet is being worked on by another run (job {current.job_id}, on {host}, process {pid}).",
        holder=current.owner,
        job_id=current.job_id,
        advice="Wait for its end. `sheets-catalog jobs list` shows the jobs of this sheet; `jobs cancel` ends one.",
    )


def _lost(current: Lease | None) -> BusyError:
    if current and current.owner:
        return _busy(current)
    return BusyError("This run was paused too long and lost its lease.", advice="Resume the job.")
