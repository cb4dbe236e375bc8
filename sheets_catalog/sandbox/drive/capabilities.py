"""What a user can do with a file, worked out from role, place and restrictions, as `capabilities` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.sandbox.drive.files import SHORTCUT, File, is_native, rank

if TYPE_CHECKING:
    from sheets_catalog.sandbox.drive.store import FileStore


def locked(file: File) -> bool:
    """Whether a content restriction makes it read-only."""
    return any(item.get("readOnly") for item in file.restrictions)


def can_copy(file: File, role: str) -> bool:
    """Folders cannot be copied; a file may be closed to readers, or to everybody."""
    if file.is_folder or file.not_copyable or role == "none":
        return False
    return not file.no_copy_for_readers or rank(role) >= rank("writer")


def can_trash(file: File, role: str, *, root: bool) -> bool:
    """Owners in My Drive; file organizers and up in a shared drive."""
    if root:
        return False
    return role == "owner" if not file.drive_id else rank(role) >= rank("fileOrganizer")


def capabilities(file: File, email: str, store: FileStore) -> dict[str, bool]:
    """All capabilities of a user on a file, by Drive's names."""
    role, root, shared = store.role(file, email), store.is_root(file), bool(file.drive_id)
    edit = rank(role) >= rank("writer")
    organize = rank(role) >= rank("fileOrganizer") if shared else edit
    manage = rank(role) >= rank("organizer")
    trash = can_trash(file, role, root=root)
    share = manage or (edit and file.writers_can_share and not root)
    trashed = store.is_trashed(file)
    content = edit and not locked(file) and not trashed
    folder = file.is_folder
    return {
        "canAcceptOwnership": False,
        "canAddChildren": folder and edit and not trashed,
        "canAddFolderFromAnotherDrive": folder and shared and manage,
        "canAddMyDriveParent": False,
        "canChangeCopyRequiresWriterPermission": edit and not folder,
        "canChangeSecurityUpdateEnabled": False,
        "canChangeViewersCanCopyContent": edit and not folder,
        "canComment": rank(role) >= rank("commenter") and not folder,
        "canCopy": can_copy(file, role),
        "canDelete": (role == "owner" if not shared else manage) and not root,
        "canDeleteChildren": folder and shared and manage,
        "canDisableInheritedPermissions": folder and manage,
        "canDownload": not folder and file.mime_type != SHORTCUT and can_copy(file, role),
        "canEdit": edit and not trashed,
        "canEnableInheritedPermissions": folder and manage,
        "canListChildren": folder,
        "canModifyContent": content,
        "canModifyContentRestriction": edit and not folder,
        "canModifyLabels": False,
        "canMoveChildrenOutOfDrive": folder and manage,
        "canMoveChildrenWithinDrive": folder and organize,
        "canMoveItemOutOfDrive": (manage if shared else role == "owner") and not root,
        "canMoveItemWithinDrive": organize and not root,
        "canReadDrive": shared and role != "none",
        "canReadLabels": False,
        "canReadRevisions": edit and not folder,
        "canRemoveChildren": folder and edit and not shared,
        "canRemoveContentRestriction": edit and bool(file.restrictions),
        "canRemoveMyDriveParent": not shared and role == "owner" and not root,
        "canRename": edit and not root,
        "canShare": share,
        "canTrash": trash,
        "canTrashChildren": folder and shared and organize,
        "canUntrash": trash,
    }


def exportable(file: File) -> bool:
    """Whether files.export applies: Google's own editors' formats."""
    return is_native(file.mime_type)
