"""What Drive keeps: files, their content, their permissions, shared drives."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sheets_catalog.sandbox.wire import JSON

FOLDER: Final = "application/vnd.google-apps.folder"
SHORTCUT: Final = "application/vnd.google-apps.shortcut"
SPREADSHEET: Final = "application/vnd.google-apps.spreadsheet"
DRIVE_SDK: Final = "application/vnd.google-apps.drive-sdk"
NATIVE_PREFIX: Final = "application/vnd.google-apps."
OCTETS: Final = "application/octet-stream"

ROLES: Final = ("none", "reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
"""Weakest first."""

REAL_BYTES: Final = 8 * 2**20
"""Up to this size generated content has the checksum of its bytes; above it the checksum follows from its seed."""

BLOCK: Final = 4096
NATIVE_SIZE: Final = 1024
"""Bytes that the recordings show for a small spreadsheet."""


def rank(role: str) -> int:
    """Strength of a role, 0 for none."""
    return ROLES.index(role)


def is_native(mime_type: str) -> bool:
    """Whether it is one of Google's own editors' formats: it has no bytes (folders and shortcuts are not meant)."""
    return mime_type.startswith(NATIVE_PREFIX) and mime_type not in {FOLDER, SHORTCUT, DRIVE_SDK}


class Content:
    """Immutable bytes of a file: really held, or described by size and seed so that gigabytes cost nothing.

    Copies of a file share one Content, and its checksums are computed once.
    """

    def __init__(self, data: bytes | None = None, *, size: int = 0, seed: str = "") -> None:
        self._data = data
        self.size = len(data) if data is not None else size
        self.seed = seed
        self._sums: dict[str, str] = {}

    @property
    def readable(self) -> bool:
        """Whether its bytes agree with its checksums, so that a download may be answered."""
        return self._data is not None or self.size <= REAL_BYTES

    def checksum(self, algorithm: str) -> str:
        """Hex digest; `algorithm`: md5, sha1 or sha256."""
        if algorithm not in self._sums:
            digest = hashlib.new(algorithm, usedforsecurity=False)
            digest.update(self.read() if self.readable else f"{self.seed}:{self.size}".encode())
            self._sums[algorithm] = digest.hexdigest()
        return self._sums[algorithm]

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """Bytes from `start` up to (not with) `end`."""
        stop = self.size if end is None else min(end, self.size)
        if self._data is not None:
            return self._data[start:stop]
        block = hashlib.shake_128(self.seed.encode()).digest(BLOCK)
        first, last = start // BLOCK, -(-stop // BLOCK)
        return (block * (last - first))[start - first * BLOCK : stop - first * BLOCK]

    def dump(self) -> JSON:
        if self._data is not None:
            return {"base64": base64.b64encode(self._data).decode()}
        return {"size": self.size, "seed": self.seed}

    @classmethod
    def load(cls, state: JSON) -> Content:
        if "base64" in state:
            return cls(base64.b64decode(state["base64"]))
        return cls(size=state["size"], seed=state["seed"])


@dataclass(frozen=True)
class Permission:
    """Who may do what. type: user, group, domain or anyone."""

    id: str
    type: str
    role: str
    email: str = ""
    domain: str = ""
    discoverable: bool = False
    expires: str = ""

    def stronger(self, other: Permission | None) -> Permission:
        """The one with more rights."""
        return self if other is None or rank(self.role) >= rank(other.role) else other


@dataclass
class File:
    """A file, folder or shortcut. Times are aware UTC; `version` grows with every change, visible or not."""

    id: str
    name: str
    mime_type: str
    owner: str
    """E-mail; empty in a shared drive."""
    created: datetime
    modified: datetime
    modifier: str
    parents: tuple[str, ...] = ()
    drive_id: str = ""
    version: int = 1
    etag_salt: int = 0
    trashed: bool = False
    trashed_at: datetime | None = None
    trashed_by: str = ""
    description: str = ""
    starred_by: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    app_properties: dict[str, dict[str, str]] = field(default_factory=dict)
    """By app: an app sees only its own."""
    permissions: dict[str, Permission] = field(default_factory=dict)
    """Direct ones by id; what is inherited is worked out."""
    apps: tuple[tuple[str, str], ...] = ()
    """(app, e-mail) pairs that made or opened it: what `drive.file` may see."""
    content: Content | None = None
    revision: str = ""
    original_filename: str = ""
    shortcut_target: str = ""
    shortcut_target_type: str = ""
    folder_color: str = ""
    no_copy_for_readers: bool = False
    writers_can_share: bool = True
    restrictions: tuple[dict[str, Any], ...] = ()
    not_copyable: bool = False
    """Planted only: a file whose owner or administrator forbids copies to everybody."""
    viewed: dict[str, datetime] = field(default_factory=dict)
    shared_with: dict[str, datetime] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    quota_exempt: bool = False

    def copy(self) -> File:
        """A snapshot that later changes do not touch."""
        return dataclasses.replace(
            self,
            properties=dict(self.properties),
            app_properties={app: dict(values) for app, values in self.app_properties.items()},
            permissions=dict(self.permissions),
            viewed=dict(self.viewed),
            shared_with=dict(self.shared_with),
            comments=list(self.comments),
        )

    @property
    def is_folder(self) -> bool:
        return self.mime_type == FOLDER

    @property
    def size(self) -> int | None:
        """Bytes; None for folders and shortcuts."""
        if self.content is not None:
            return self.content.size
        return NATIVE_SIZE if is_native(self.mime_type) else None

    @property
    def etag(self) -> str:
        """The v2 etag: opaque, and new after every change. In the recordings it is base64 of modification millis."""
        stamp = int(self.modified.timestamp() * 1000) * 1000 + (self.version + self.etag_salt) % 1000
        return '"' + base64.b64encode(f"{stamp}{self.version + self.etag_salt}".encode()).decode().rstrip("=") + '"'

    @property
    def extension(self) -> str:
        """`jpg` of `photo.JPG`, as Drive works it out from the name."""
        match = re.search(r"\.([A-Za-z0-9]{1,10})$", self.name)
        return match[1].lower() if match and self.content is not None else ""

    def dump(self) -> dict[str, Any]:
        state: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, datetime):
                value = value.isoformat()
            elif isinstance(value, Content):
                value = value.dump()
            elif item.name == "permissions":
                value = {key: dataclasses.asdict(permission) for key, permission in value.items()}
            elif item.name in {"viewed", "shared_with"}:
                value = {key: moment.isoformat() for key, moment in value.items()}
            elif isinstance(value, tuple):
                value = [list(entry) if isinstance(entry, tuple) else entry for entry in value]
            state[item.name] = value
        return state

    @classmethod
    def load(cls, state: dict[str, Any]) -> File:
        values = dict(state)
        for name in ("created", "modified", "trashed_at"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        for name in ("viewed", "shared_with"):
            values[name] = {key: datetime.fromisoformat(moment) for key, moment in values[name].items()}
        values["permissions"] = {key: Permission(**item) for key, item in values["permissions"].items()}
        values["content"] = Content.load(values["content"]) if values["content"] is not None else None
        values["apps"] = tuple((app, email) for app, email in values["apps"])
        for name in ("parents", "starred_by", "restrictions"):
            values[name] = tuple(values[name])
        return cls(**values)


@dataclass
class SharedDrive:
    """A shared drive; its id is also the id of its root folder."""

    id: str
    name: str
    created: datetime
    members: dict[str, Permission] = field(default_factory=dict)
    hidden_by: tuple[str, ...] = ()
    restrictions: dict[str, bool] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "created": self.created.isoformat(),
            "members": {key: dataclasses.asdict(permission) for key, permission in self.members.items()},
            "hidden_by": list(self.hidden_by),
            "restrictions": self.restrictions,
        }

    @classmethod
    def load(cls, state: dict[str, Any]) -> SharedDrive:
        members = {key: Permission(**item) for key, item in state["members"].items()}
        created = datetime.fromisoformat(state["created"])
        return cls(state["id"], state["name"], created, members, tuple(state["hidden_by"]), state["restrictions"])
