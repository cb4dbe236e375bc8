"""Material that is too large or not ours to keep in the repository: recordings, schemas, real product files.

It lies in the folder named by `SHEETS_CATALOG_SHARED` (default: `shared` beside the repository). Tests that need it are
skipped where it is missing, except under CI=true, where missing material is a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(os.environ.get("SHEETS_CATALOG_SHARED") or Path(__file__).resolve().parents[1] / ".." / "shared")


def shared(*parts: str) -> Path:
    """The path of a piece of shared material; skips (or, in CI, fails) when it is not there."""
    path = _ROOT.joinpath(*parts)
    if not path.exists():
        reason = f"{path} is missing; set SHEETS_CATALOG_SHARED to the folder that has it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
