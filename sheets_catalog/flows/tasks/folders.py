"""Folders that exports write into: checked before anything is written (SD-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.errors import InputError, NotFound, PermissionMissing, Refused
from sheets_catalog.flows.drive_stores import is_taken
from sheets_catalog.google.links import file_id_from

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tasks.register import Batch
    from sheets_catalog.google.drive import Drive
    from sheets_catalog.google.files import File

DEEPEST = 100
"""Levels of folders that My Drive allows; a shared drive has the same."""


def folder_for_writing(systems: Systems, link: str, what: str) -> File:
    """The folder behind a link or id, if this account may add files to it.

    `what` names it in messages: ``staging folder``. Raises `InputError` or `PermissionMissing`.
    """
    try:
        file = systems.drive.get(file_id_from(link))
    except InputError as error:
        raise InputError(
            f"“{link}” cannot be the {what}: it is neither the link nor the id of a folder.",
            advice="Open the folder in Drive and paste its address: https://drive.google.com/drive/folders/...",
        ) from error
    except NotFound as error:
        raise InputError(
            f"The {what} “{link}” is not there, or this account cannot see it.",
            advice="Check the link, or share the folder with the account as an editor.",
        ) from error
    if not file.is_folder:
        raise InputError(f"The {what}: “{file.name}” is a file, expected a folder.", advice="Paste a folder's link.")
    if file.trashed:
        raise InputError(f"The {what} “{file.name}” is in the trash.", advice="Take it back, or choose another folder.")
    if file.id == systems.connection.folder_id:
        raise InputError(
            f"“{file.name}” is the folder in which Sheets Catalog keeps its own files.",
            advice=f"Choose another folder as the {what}.",
        )
    if not file.may("canAddChildren"):
        raise PermissionMissing(
            f"This account may not add files to the {what} “{file.name}”.",
            advice="Ask the folder's owner to make the account an editor (or contributor, in a shared drive).",
        )
    return file


def closed_folder(systems: Systems, folder_id: str) -> str:
    """Why no more files can be put into a folder into which a job copies; empty when they can."""
    try:
        found = systems.drive.get(folder_id)
    except NotFound:
        return f"The folder {folder_id} is gone, or this account cannot see it any more."
    if found.trashed:
        return f"The folder “{found.name}” was put into the trash."
    return "" if found.may("canAddChildren") else f"This account may not add files to “{found.name}” any more."


def lineage(systems: Systems, folder_id: str) -> tuple[str, ...]:
    """The folder's id and those of the folders above it, as far as this account sees them."""
    found = [folder_id]
    while len(found) <= DEEPEST:
        try:
            parents = systems.drive.get(found[-1], fields="id,parents").parents
        except NotFound:
            break
        if not parents or parents[0] in found:
            break
        found.append(parents[0])
    return tuple(found)


def keep_apart(systems: Systems, staging: Sequence[File], client: File) -> None:
    """Raise `InputError` when the client's folder is one of these staging folders, lies in it, or holds it."""
    above = lineage(systems, client.id)
    for each in staging:
        _keep_apart(systems, each, client, above)


def keep_out_of_batches(systems: Systems, batches: Iterable[Batch], folder: File, what: str) -> None:
    """Raise `InputError` when a folder is that of one of these batches, or lies in it. `what` it was chosen as."""
    above = lineage(systems, folder.id)
    for each in batches:
        if each.folder_id in above:
            raise InputError(
                f"“{folder.name}” cannot be the {what}: it is the folder of batch {each.id}, or lies in it.",
                advice="Choose a folder outside of it: cleaning up that batch would take it along.",
            )


def keep_unseen(systems: Systems, staging: Sequence[File], client: File) -> None:
    """Raise `InputError` when the client's folder is one of these staging folders, or holds it.

    It may lie in one: nobody who looks at it then sees what is staged beside it.
    """
    for each in staging:
        _keep_unseen(systems, each, client)


def _keep_apart(systems: Systems, staging: File, client: File, above: Sequence[str]) -> None:
    if staging.id in above and staging.id != client.id:
        raise InputError(
            f"The client's folder “{client.name}” lies inside the staging folder “{staging.name}”.",
            advice="Choose a folder outside of it: cleaning up the staging folder would take it along.",
        )
    _keep_unseen(systems, staging, client)


def _keep_unseen(systems: Systems, staging: File, client: File) -> None:
    if staging.id == client.id:
        raise InputError(
            f"The client's folder “{client.name}” is the staging folder itself.",
            advice="Choose the client's own folder: what is staged must not be seen before it is delivered.",
        )
    if client.id in lineage(systems, staging.id):
        raise InputError(
            f"The staging folder “{staging.name}” lies inside the client's folder “{client.name}”.",
            advice="Choose another folder: the client would see what is staged.",
        )


def keep_from_clients(systems: Systems, staging: File, clients: Collection[str]) -> None:
    """Raise `InputError` when the staging folder is, or lies in, one of the folders that were delivered into."""
    if any(each in clients for each in lineage(systems, staging.id)):
        raise InputError(
            f"“{staging.name}” is a client's folder, or lies in one: a batch was delivered there.",
            advice="Choose another folder: the client would see what is staged.",
        )


def ensure_folder(drive: Drive, folder_id: str, name: str, parent: str, marks: Mapping[str, str]) -> File:
    """Make a folder under its id, or find it made already; one that was trashed is taken back.

    Raises `Refused` when the id belongs to something else, and what Drive raises.
    """
    try:
        return drive.create_folder(folder_id, name, parent=parent, app_properties=marks)
    except Refused as error:
        if not is_taken(error):
            raise
    found = drive.get(folder_id)
    if not found.is_folder or any(found.app_properties.get(key) != value for key, value in marks.items()):
        raise Refused(f"“{found.name}” ({folder_id}) is not the folder this job made.", reason="foreign")
    return drive.untrash(folder_id) if found.trashed else found
