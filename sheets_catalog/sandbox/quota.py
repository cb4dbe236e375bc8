"""Quotas of the Google APIs, per minute of simulated time, per user and per project.

Sources: https://developers.google.com/workspace/sheets/api/limits (300 reads and 300 writes a minute and project,
60 and 60 a minute and user) and https://developers.google.com/workspace/drive/api/guides/limits (quota units: get 5,
list 100, edit 50, download 200; 325,000 units a minute and user, 1,000,000 a minute and project; 750 GB a day
and user). Shopify keeps its own cost bucket in its service.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

from sheets_catalog.sandbox.wire import JSON, Caller, GoogleError, SandboxClock

MINUTE: Final = 60.0
DAY: Final = 86_400.0
GIGABYTE: Final = 1_000_000_000
DAILY_COPY_BYTES: Final = 750 * GIGABYTE

DRIVE_UNITS: Final = {
    "drive.files.list": 100,
    "drive.changes.list": 100,
    "drive.files.create": 50,
    "drive.files.copy": 50,
    "drive.files.update": 50,
    "drive.files.delete": 50,
    "drive.v2.files.list": 100,
    "drive.v2.files.insert": 50,
    "drive.v2.files.copy": 50,
    "drive.v2.files.patch": 50,
    "drive.v2.files.update": 50,
    "drive.v2.files.trash": 50,
    "drive.v2.files.untrash": 50,
    "drive.v2.files.delete": 50,
    "drive.v2.properties.insert": 50,
    "drive.v2.properties.patch": 50,
    "drive.v2.properties.update": 50,
    "drive.v2.properties.delete": 50,
    "drive.permissions.create": 50,
    "drive.permissions.update": 50,
    "drive.permissions.delete": 50,
    "drive.files.download": 200,
    "drive.files.export": 200,
}
OTHER_UNITS: Final = 5


@dataclass(frozen=True)
class Limits:
    """Allowances per minute. `user` and `project` count calls for Sheets and units for Drive."""

    sheets_user: int = 60
    sheets_project: int = 300
    drive_user: int = 325_000
    drive_project: int = 1_000_000


class QuotaBook:
    """Counts calls in windows of one simulated minute and refuses what is over the limit, in the vendor's words."""

    def __init__(self, clock: SandboxClock, limits: Limits | None = None) -> None:
        self._clock = clock
        self.limits = limits or Limits()
        self.enabled = True
        self._used: dict[tuple[str, str], tuple[int, int]] = {}
        self._copied: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def charge(self, service: str, operation: str, caller: Caller, *, read: bool) -> None:
        """Charge one call; GoogleError 429 (Sheets) or 403 (Drive) when a limit is passed. Nothing is charged then."""
        if not self.enabled or not caller.email:
            return
        if service == "sheets":
            self._charge_sheets(caller, "Read" if read else "Write")
        elif service == "drive":
            self._charge_drive(operation, caller)

    def _charge_sheets(self, caller: Caller, side: str) -> None:
        over = self._take(
            (f"sheets.{side}.user.{caller.app}.{caller.email}", self.limits.sheets_user, 1),
            (f"sheets.{side}.project.{caller.app}", self.limits.sheets_project, 1),
        )
        if over is not None:
            raise sheets_over_quota(side, per_user=over == 0, limits=self.limits)

    def _charge_drive(self, operation: str, caller: Caller) -> None:
        units = DRIVE_UNITS.get(operation, OTHER_UNITS)
        over = self._take(
            (f"drive.user.{caller.app}.{caller.email}", self.limits.drive_user, units),
            (f"drive.project.{caller.app}", self.limits.drive_project, units),
        )
        if over is not None:
            raise drive_over_quota(per_user=over == 0)

    def _take(self, *claims: tuple[str, int, int]) -> int | None:
        """Take from all named allowances or from none; the index of the first that is exhausted, else None."""
        window = int(self._clock.seconds() // MINUTE)
        with self._lock:
            used = []
            for index, (name, limit, amount) in enumerate(claims):
                start, count = self._used.get(("minute", name), (window, 0))
                count = count if start == window else 0
                if count + amount > limit:
                    return index
                used.append((name, count + amount))
            for name, count in used:
                self._used["minute", name] = (window, count)
        return None

    def charge_copy(self, email: str, size: int) -> None:
        """Count bytes copied or uploaded today; 403 userRateLimitExceeded past 750 GB (it has no reason of its own)."""
        if not self.enabled:
            return
        day = int(self._clock.seconds() // DAY)
        with self._lock:
            start, count = self._copied.get(email, (day, 0))
            count = count if start == day else 0
            if count + size > DAILY_COPY_BYTES:
                raise drive_over_quota(per_user=True)
            self._copied[email] = (day, count + size)

    def show(self) -> dict[str, Any]:
        """Use so far in the present windows, for the control endpoint."""
        with self._lock:
            minute = {name: count for (_, name), (_, count) in self._used.items()}
            return {"minute": minute, "copied_today": {email: count for email, (_, count) in self._copied.items()}}


def sheets_over_quota(side: str, *, per_user: bool, limits: Limits) -> GoogleError:
    """429 as recorded from the Sheets API."""
    scope = "per user" if per_user else ""
    limit_name = f"{side} requests per minute {scope}".strip()
    message = (
        f"Quota exceeded for quota metric '{side} requests' and limit '{limit_name}' of service "
        "'sheets.googleapis.com' for consumer 'project_number:100000000001'."
    )
    return GoogleError(429, message, status="RESOURCE_EXHAUSTED", details=_sheets_details(side, per_user, limits))


def _sheets_details(side: str, per_user: bool, limits: Limits) -> list[JSON]:
    metadata = {
        "consumer": "projects/100000000001",
        "quota_limit": f"{side}RequestsPerMinutePerUser" if per_user else f"{side}RequestsPerMinutePerProject",
        "quota_limit_value": str(limits.sheets_user if per_user else limits.sheets_project),
        "quota_location": "global",
        "quota_metric": f"sheets.googleapis.com/{side.lower()}_requests",
        "quota_unit": "1/min/{project}/{user}" if per_user else "1/min/{project}",
        "service": "sheets.googleapis.com",
    }
    return [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": metadata,
        },
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [
                {
                    "description": "Request a higher quota limit.",
                    "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                }
            ],
        },
    ]


def drive_over_quota(*, per_user: bool, code: int = 403) -> GoogleError:
    """403 (or 429) with the reason Drive gives."""
    reason, message = (
        ("userRateLimitExceeded", "User rate limit exceeded.")
        if per_user
        else ("rateLimitExceeded", "Rate limit exceeded.")
    )
    return GoogleError(code, message, reason=reason, domain="usageLimits")
