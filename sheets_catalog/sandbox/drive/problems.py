"""Drive's refusals, in Drive's words. Reasons: https://developers.google.com/workspace/drive/api/guides/handle-errors."""

from __future__ import annotations

from sheets_catalog.sandbox.wire import GoogleError


def not_found(file_id: str, location: str = "fileId") -> GoogleError:
    """404: no such file, or none that this user and token may know of."""
    return GoogleError(404, f"File not found: {file_id}.", reason="notFound", location=location)


def drive_not_found(drive_id: str) -> GoogleError:
    """404: no such shared drive, or the user is no member."""
    return GoogleError(404, f"Shared drive not found: {drive_id}", reason="notFound", location="driveId")


def permission_not_found(permission_id: str) -> GoogleError:
    """404: nobody holds a permission of this id."""
    return GoogleError(404, f"Permission not found: {permission_id}.", reason="notFound", location="permissionId")


def forbidden() -> GoogleError:
    """403: the file is visible, the right to do this is missing."""
    message = "The user does not have sufficient permissions for this file."
    return GoogleError(403, message, reason="insufficientFilePermissions")


def parent_forbidden() -> GoogleError:
    """403: the folder is visible, but not to be written to."""
    return GoogleError(
        403, "Insufficient permissions for the specified parent.", reason="insufficientParentPermissions"
    )


def no_scope(method: str = "") -> GoogleError:
    """403: the token's scopes do not cover the call."""
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": "drive.googleapis.com", "method": method},
        }
    ]
    error = GoogleError(
        403,
        "Request had insufficient authentication scopes.",
        reason="insufficientPermissions",
        status="PERMISSION_DENIED",
        details=details,
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'},
    )
    error.body["error"]["errors"][0]["message"] = "Insufficient Permission"
    return error


def app_not_authorized(app: str, verb: str, file_id: str) -> GoogleError:
    """403: the file is known to the token's user, but `drive.file` covers it for reading only."""
    message = f"The user has not granted the app {app} {verb} access to the file {file_id}."
    return GoogleError(403, message, reason="appNotAuthorizedToFile")


def invalid(name: str, message: str = "Invalid Value") -> GoogleError:
    """400 for a parameter's value."""
    return GoogleError(400, message, reason="invalid", location=name)


def invalid_parameter(name: str, message: str) -> GoogleError:
    """400 for a parameter that is out of range or malformed."""
    return GoogleError(400, message, reason="invalidParameter", location=name)


def required(name: str, message: str) -> GoogleError:
    """400 for a parameter or field that is missing."""
    return GoogleError(400, message, reason="required", location=name)


def bad_request(message: str, reason: str = "badRequest") -> GoogleError:
    """400 with a reason of its own."""
    return GoogleError(400, message, reason=reason)


def refused(reason: str, message: str) -> GoogleError:
    """403 with a reason of its own."""
    return GoogleError(403, message, reason=reason)


def not_writable(name: str) -> GoogleError:
    """403: the body has a field that cannot be set this way."""
    message = "The resource body includes fields which are not directly writable."
    if name == "parents":
        message = (
            "The parents field is not directly writable in update requests. Use the addParents and removeParents "
            "parameters instead."
        )
    return GoogleError(403, message, reason="fieldNotWritable")


def id_in_use() -> GoogleError:
    """409: a create or copy with this pre-generated id has been done before."""
    return GoogleError(409, "A file already exists with the provided ID.", reason="fileIdInUse")


def id_not_usable() -> GoogleError:
    """400: the id was not made for this user and this type by files.generateIds."""
    return GoogleError(
        400, "The provided file ID is not usable.", reason="invalid", location="file.id", location_type="other"
    )


def id_for_native() -> GoogleError:
    """403: editors' files take no pre-generated id."""
    message = "Generated IDs are not supported for Docs Editors formats."
    return GoogleError(403, message, reason="insufficientFilePermissions")


def storage_exceeded(*, service_account: bool) -> GoogleError:
    """403: no room; service accounts never have any."""
    message = "The user's Drive storage quota has been exceeded."
    if service_account:
        message = (
            "Service Accounts do not have storage quota. Leverage shared drives "
            "(https://developers.google.com/workspace/drive/api/guides/about-shareddrives), or use OAuth delegation "
            "(http://support.google.com/a/answer/7281227) instead."
        )
    return GoogleError(403, message, reason="storageQuotaExceeded", domain="usageLimits")


def condition_not_met() -> GoogleError:
    """412: the v2 etag in `If-Match` is not the present one."""
    return GoogleError(
        412, "Precondition Failed", reason="conditionNotMet", location="If-Match", location_type="header"
    )
