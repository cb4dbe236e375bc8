"""What a Google answer or a failed exchange means: one pure function for answers, one for exceptions.

The table follows Google's pages "Resolve errors" and "Usage limits" of Drive and Sheets, such as
https://developers.google.com/workspace/drive/api/guides/handle-errors. Google says 403 both for "slow down" and for
"you may not", so a 403 is told apart by its reason; a reason nobody knows counts as a missing permission, because
waiting would not mend it.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
import requests.exceptions
import urllib3.exceptions
from google.auth import exceptions as auth

from sheets_catalog.errors import (
    AccessError,
    CredentialsError,
    NotFound,
    PermissionMissing,
    PreconditionFailed,
    Refused,
    SettingsError,
    SheetsCatalogError,
    Throttled,
    Unavailable,
    UpstreamError,
)
from sheets_catalog.masking import mask_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICE = "google"

SLOW_DOWN = frozenset(
    {
        "userRateLimitExceeded",
        "rateLimitExceeded",
        "sharingRateLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "ABORTED",
    }
)
"""Reasons (and RPC statuses) that only mean "later"; nothing was applied."""

FAILED = frozenset({"backendError", "internalError", "transientError", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""Reasons of their own failures: whether the request was applied is not known."""

PERMISSION_ADVICE: Mapping[str, str] = {
    "insufficientFilePermissions": "Ask the file's owner to share it with this account as an editor.",
    "insufficientParentPermissions": "Ask the folder's owner to share it with this account as an editor.",
    "appNotAuthorizedToFile": "Open the file once through this app's file picker, so that the app may use it.",
    "domainPolicy": "Ask the Workspace administrator to allow this app.",
    "domainAdministratorHasDisabledApps": "Ask the Workspace administrator to allow this app.",
    "cannotCopyFile": "Ask the file's owner to allow copying, or use another template.",
    "teamDriveMembershipRequired": "Ask a manager of the shared drive to add this account.",
    "fileOwnerNotMemberOfTeamDrive": "Ask the file's owner to join the shared drive, or move a copy there.",
    "insufficientPermissions": "Grant the missing scope: sign in again and tick every box.",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "Grant the missing scope: sign in again and tick every box.",
    "accessNotConfigured": "Enable the API in the Google Cloud project, then wait a few minutes.",
    "SERVICE_DISABLED": "Enable the API in the Google Cloud project, then wait a few minutes.",
}
"""403 reasons that a person has to put right, and how."""

REFUSAL_ADVICE: Mapping[str, str] = {
    "dailyLimitExceeded": "The project's daily quota is used up; it is renewed at midnight Pacific time.",
    "quotaExceeded": "The account's quota is used up: wait a day, or ask for more in the Google Cloud console.",
    "downloadQuotaExceeded": "The file was downloaded too often: wait a day.",
    "storageQuotaExceeded": "The account's storage is full: free some, or write into a shared drive.",
    "teamDriveFileLimitExceeded": "The shared drive is full: remove items or use another one.",
    "numChildrenInNonRootLimitExceeded": "The folder has 500,000 items, the most it can hold: use another folder.",
    "activeItemCreationLimitExceeded": "The account has as many items as it can hold: remove some.",
    "myDriveHierarchyDepthLimitExceeded": "The folder is nested too deep: use one nearer the root.",
    "teamDriveHierarchyTooDeep": "The folder is nested too deep: use one nearer the root.",
    "propertyLengthLimitExceeded": "A property's key and value may have 124 bytes together.",
    "propertyCountLimitExceeded": "A file may have 30 private properties of one app.",
    "fileNotDownloadable": "Only files with content can be downloaded: export Google's own formats instead.",
    "fileNotExportable": "Only Google's own formats can be exported: download the file instead.",
    "cannotDownloadAbusiveFile": "Google holds the file for harmful; its owner has to look into it.",
    "badRequest": "",
    "invalid": "",
    "invalidSharingRequest": "",
    "fieldNotWritable": "",
    "teamDrivesFolderMoveInNotSupported": "Folders cannot be moved into a shared drive by the API: move it by hand.",
}
"""403 reasons with which Google refuses the request itself."""

TAKEN = frozenset({"", "duplicate", "fileIdInUse", "alreadyExists", "ALREADY_EXISTS", "conflict"})
"""Ways in which a 409 says that the id is taken; all of them become the reason ``duplicate``."""

JOB_WIDE = frozenset(
    {
        "dailyLimitExceeded",
        "quotaExceeded",
        "storageQuotaExceeded",
        "teamDriveFileLimitExceeded",
        "numChildrenInNonRootLimitExceeded",
        "activeItemCreationLimitExceeded",
    }
)
"""Reasons of `Refused` that the next record would meet as well: a job should stop rather than reject them all."""

PERMANENT_GRANT_ERRORS = frozenset(
    {
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
        "invalid_request",
        "unsupported_grant_type",
        "access_denied",
        "deleted_client",
        "disabled_client",
        "org_internal",
        "admin_policy_enforced",
        "invalid_rapt",
        "rapt_required",
    }
)
"""Words of the token endpoint (RFC 6749 §5.2 and Google's own) that a new try would only hear again."""

FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    auth.GoogleAuthError,
    http.client.HTTPException,
    OSError,
)
"""All that can escape from an exchange over requests, urllib3 and google-auth; `error_from_exception` knows each."""

_NEVER_SENT = (
    requests.exceptions.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,  # with its kind NameResolutionError
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
    auth.GoogleAuthError,  # a token is fetched before a request, or after its refusal with 401
)
_BAD_ADDRESS = (
    requests.exceptions.URLRequired,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
    urllib3.exceptions.InvalidHeader,
    urllib3.exceptions.ProxySchemeUnsupported,
)
_SIGN_IN = "Renew the Google credentials: `sheets-catalog connect google` takes a new sign-in, token or key file."
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


_PROTECTED = "edit a protected cell or object"
"""Of what Sheets says, with status 400, about a cell that somebody protected; a machine word it does not give."""

_LET_EDIT = "Ask the spreadsheet's owner to let this account edit the protected cells, or to remove the protection."


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says. `reason`: the most telling machine word; `status`: the RPC status (``NOT_FOUND``)."""

    message: str
    reason: str = ""
    status: str = ""


def error_from_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, operation: str = ""
) -> UpstreamError | AccessError:
    """The error that an answer other than 2xx means. Pure; `headers` are looked up without case."""
    said = read_error(body)
    details = _details(status, said, operation)
    message = _sentence(status, said, operation)
    words = {said.reason, said.status}
    if status == http.client.UNAUTHORIZED:
        return CredentialsError(message, advice=_SIGN_IN)
    if status == http.client.TOO_MANY_REQUESTS or (status < 500 and words & SLOW_DOWN) or _is_robot_page(status, body):
        return Throttled(message, retry_after=retry_after(headers), **details)
    if status == http.client.FORBIDDEN and not words & FAILED:
        return _forbidden(message, said, details)
    if status == http.client.NOT_IMPLEMENTED:
        return Refused(message, **details)
    if status < 400 or status >= 500 or status == http.client.REQUEST_TIMEOUT or words & FAILED:
        return Unavailable(message, applied=None, **details)
    return _refusal(status, message, details)


def _forbidden(message: str, said: Said, details: dict[str, Any]) -> UpstreamError | AccessError:
    if said.reason in REFUSAL_ADVICE:
        return Refused(message, advice=REFUSAL_ADVICE[said.reason], **details)
    advice = PERMISSION_ADVICE.get(said.reason, "Check that this account may do this with this file.")
    return PermissionMissing(message, advice=advice)


def _refusal(status: int, message: str, details: dict[str, Any]) -> UpstreamError | AccessError:
    if _PROTECTED in message:
        return PermissionMissing(message, advice=_LET_EDIT)
    match status:
        case http.client.NOT_FOUND | http.client.GONE:
            advice = "Check the id. A file this app was never given also counts as not found: open it in the picker."
            return NotFound(message, advice=advice, **details)
        case http.client.CONFLICT:
            taken = {"reason": "duplicate"} if details["reason"] in TAKEN else {}
            return Refused(message, **(details | taken))
        case http.client.PRECONDITION_FAILED:
            return PreconditionFailed(message, **details)
    return Refused(message, **details)


def _details(status: int, said: Said, operation: str) -> dict[str, Any]:
    return {"service": SERVICE, "operation": operation, "status": status, "reason": said.reason}


def _sentence(status: int, said: Said, operation: str) -> str:
    what = f"Google answered {operation or 'a call'} with {status}"
    word = f" {said.reason}" if said.reason else ""
    return f"{what}{word}: {said.message}" if said.message else f"{what}{word}."


def _is_robot_page(status: int, body: bytes) -> bool:
    """Drive's HTML page "... automated queries", which comes with several statuses."""
    return status in {403, 429, 503} and b"automated queries" in body


def read_error(body: bytes) -> Said:
    """What an error body says, whatever its shape: Drive's, Sheets', OAuth's, HTML, text or nothing."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Said(_plain_text(body))
    found = found[0] if isinstance(found, list) and found else found
    error = found.get("error", found) if isinstance(found, dict) else found
    if isinstance(error, str):
        description = found.get("error_description") if isinstance(found, dict) else None
        return Said(str(description or error), reason=error)
    if not isinstance(error, dict):
        return Said(_shortened(str(error)))
    status = str(error.get("status") or "")
    return Said(_shortened(str(error.get("message") or "")), _reason(error) or status, status)


def _reason(error: Mapping[str, Any]) -> str:
    """`errors[0].reason` (Drive's shape), else the reason of the first detail that has one (ErrorInfo)."""
    for name in ("errors", "details"):
        entries = error.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("reason"), str):
                return str(entry["reason"])
    return ""


def _plain_text(body: bytes) -> str:
    text = body[:20_000].decode("utf-8", "replace")
    title = _TITLE.search(text)
    return _shortened(title[1] if title else re.sub(r"<[^>]*>", " ", text))


def _shortened(text: str, most: int = 500) -> str:
    line = mask_message(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `Retry-After` (seconds, or a date counted from the answer's own `Date`); None: not told."""
    by_name = {name.lower(): value for name, value in headers.items()}
    told = by_name.get("retry-after", "").strip()
    try:
        return max(0.0, float(told)) if re.fullmatch(r"\d+(\.\d+)?", told) else _until(told, by_name.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None


def _until(told: str, now: str) -> float | None:
    if not told or not now:
        return None
    gap = email.utils.parsedate_to_datetime(told) - email.utils.parsedate_to_datetime(now)
    return max(0.0, gap.total_seconds())


def error_from_exception(error: BaseException, *, operation: str = "") -> SheetsCatalogError:
    """The error that a failed exchange means; `error` is one of `FAILURES` or already ours."""
    if isinstance(error, SheetsCatalogError):
        return error
    what = f"{operation or 'A call'} to Google"
    said = _shortened(str(error) or type(error).__name__)
    if isinstance(error, auth.GoogleAuthError) and not _is_passing(error):
        return CredentialsError(f"No token for {what}: {said}", advice=_SIGN_IN)
    if isinstance(error, _BAD_ADDRESS):
        return SettingsError(f"{what} was not sent: {said}", advice="Check the address and the token in the settings.")
    applied = False if never_sent(error) else None
    ending = "it was not sent" if applied is False else "whether it was applied is not known"
    return Unavailable(f"{what} failed, {ending}: {said}", applied=applied, service=SERVICE, operation=operation)


def _is_passing(error: auth.GoogleAuthError) -> bool:
    """Whether fetching a token may work the next time."""
    if isinstance(error, auth.RefreshError):
        return bool(error.retryable) or (len(error.args) > 1 and _grant_word(error) not in PERMANENT_GRANT_ERRORS)
    return isinstance(error, auth.TransportError | auth.TimeoutError | auth.ResponseError)


def _grant_word(error: auth.RefreshError) -> str:
    body = error.args[1]
    return str(body.get("error", "")) if isinstance(body, dict) else ""


def never_sent(error: BaseException) -> bool:
    """Whether the request surely never reached Google: no connection, no name, no valid certificate, no token."""
    return any(isinstance(each, _NEVER_SENT) for each in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all inside it: causes, contexts, and the errors that requests and urllib3 keep as arguments."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            todo += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
