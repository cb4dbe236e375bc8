"""Every error a caller may see, sorted by what to do next.

::

    SheetsCatalogError
    ├── SettingsError            mend the settings, then start again
    ├── InputError               mend the sheet, file or argument, then plan again
    │   └── PlanError            the plan cannot be applied as it is
    │       ├── StalePlanError       the world moved on: plan again
    │       └── ConfirmationNeeded   a person has to say yes first
    ├── AccessError              a person has to give or renew access
    │   ├── CredentialsError         the token is wrong, expired or revoked
    │   └── PermissionMissing        the token is good, the permission is missing
    ├── BusyError                somebody else holds the lease: wait or watch
    ├── StateError               stored job state cannot be trusted as it is
    │   ├── DamagedStateError        no slot of it can be read
    │   └── NewerStateError          written by a newer version
    ├── UpstreamError            Google or Shopify answered with an error
    │   ├── NotFound                 the thing asked for is not there (or not visible)
    │   ├── Throttled                ask again later; `retry_after` says when
    │   ├── Unavailable              they failed before or after doing it: outcome unknown
    │   └── Refused                  they understood and said no
    │       └── PreconditionFailed   compare-and-set lost
    └── BooksError               the books do not balance: a fault of ours, nothing may be called done

Per-record results are values (`sheets_catalog.jobs.Outcome`), not exceptions.
"""

from __future__ import annotations


class SheetsCatalogError(Exception):
    """Root of the tree.

    `advice` is one sentence that tells a person what to do; it may be empty.
    """

    exit_status = 1

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class SettingsError(SheetsCatalogError):
    """A setting is missing, unknown or contradictory."""

    exit_status = 2


class InputError(SheetsCatalogError):
    """A sheet, file or argument cannot be used as it is."""

    exit_status = 2


class PlanError(InputError):
    """The plan cannot be applied as it is."""


class StalePlanError(PlanError):
    """The plan was made for a sheet, shop or baseline that has moved on since."""


class ConfirmationNeeded(PlanError):  # noqa: N818 - it is a question, not a failure
    """The plan changes or deletes more than the guard allows without a yes."""

    exit_status = 6


class AccessError(SheetsCatalogError):
    """A person has to give or renew access."""

    exit_status = 3


class CredentialsError(AccessError):
    """The token is wrong, expired or revoked."""


class PermissionMissing(AccessError):  # noqa: N818 - reads as the state it is
    """The token is good, but the scope or the file's permission is missing."""


class BusyError(SheetsCatalogError):
    """Another runner holds the lease of this sheet and flow."""

    exit_status = 5

    def __init__(self, message: str, *, holder: str = "", job_id: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.holder = holder
        self.job_id = job_id


class StateError(SheetsCatalogError):
    """Stored job state cannot be trusted as it is."""

    exit_status = 7


class DamagedStateError(StateError):
    """No copy of the state can be read."""


class NewerStateError(StateError):
    """The state was written by a newer version of this program."""


class UpstreamError(SheetsCatalogError):
    """Google or Shopify answered with an error.

    `service` is ``google`` or ``shopify``, `operation` the call's name, `status` the HTTP status (0: none came),
    `reason` the vendor's machine-readable word, if any.
    """

    exit_status = 4

    def __init__(
        self,
        message: str,
        *,
        service: str = "",
        operation: str = "",
        status: int = 0,
        reason: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.service = service
        self.operation = operation
        self.status = status
        self.reason = reason


class NotFound(UpstreamError):  # noqa: N818
    """The thing asked for is not there, or not visible to this token."""


class Throttled(UpstreamError):  # noqa: N818
    """Refused for now: not applied. `retry_after` is in seconds; None when the vendor did not say."""

    def __init__(self, message: str, *, retry_after: float | None = None, **details: object) -> None:
        super().__init__(message, **details)  # type: ignore[arg-type]
        self.retry_after = retry_after


class Unavailable(UpstreamError):  # noqa: N818
    """No trustworthy answer came. `applied` is False only when the request surely never reached the service."""

    def __init__(self, message: str, *, applied: bool | None = None, **details: object) -> None:
        super().__init__(message, **details)  # type: ignore[arg-type]
        self.applied = applied


class Refused(UpstreamError):  # noqa: N818
    """They understood the request and said no; it was not applied."""


class PreconditionFailed(Refused):
    """A compare-and-set lost: the thing changed since it was read."""


class BooksError(SheetsCatalogError):
    """The books of a job do not balance."""

    exit_status = 8
