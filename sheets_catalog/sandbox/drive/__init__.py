"""Drive v3, the parts of v2 that carry the etag, uploads and batches, on loopback.

`Drive(world, identity, quota)` is the service; its `store` is what the Sheets service sees of it (`wire.Files`).
"""

from __future__ import annotations

from sheets_catalog.sandbox.drive.batch import Batch
from sheets_catalog.sandbox.drive.service import Drive

__all__ = ["Batch", "Drive"]
