"""What is installed is what was locked, and the wheel has everything that is not Python in it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUN = [*PROJECT["dependencies"], *EXTRAS["sandbox"]]
DEV = [*RUN, *EXTRAS["postgres"], *EXTRAS["dev"]]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", "\n".join(line for line in text.splitlines() if line[:1] != "#"))
    pins = [(re.match(r"\s*([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", each), each) for each in entries if each.strip()]
    for match, entry in pins:
        assert match, f"not pinned: {entry[:60]!r}"
        assert "--hash=sha256:" in entry, f"without hash: {match[1]}"
    return {canonicalize_name(match[1]): match[2] for match, _ in pins}


@pytest.mark.parametrize(("name", "wanted"), [("run", RUN), ("dev", DEV)])
def test_lock_files_pin_and_hash_all_that_the_project_asks_for(name, wanted):
    """Every requirement is there in a version that it allows; `make lock` was not forgotten."""
    pins = locked(name)
    for requirement in map(Requirement, wanted):
        if canonicalize_name(requirement.name) != PROJECT["name"]:
            version = pins.get(canonicalize_name(requirement.name))
            assert version, f"{requirement.name} is not in requirements/{name}.txt: run `make lock`"
            assert requirement.specifier.contains(version, prereleases=True), f"{requirement} but {version} is locked"


def test_what_runs_is_what_is_tested():
    """The demo and the tests use the same versions."""
    run, dev = locked("run"), locked("dev")
    assert {name: dev.get(name) for name in run} == run


def test_the_wheel_holds_migrations_templates_and_documents(tmp_path):
    """Everything beside Python code that the program opens is packed, and nothing of the tests is."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    data = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "sheets_catalog").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".sqlite3"}
    }
    assert data - packed == set()
    assert "sheets_catalog/database/migrations/versions/v0001_audit_tables.py" in packed
    assert "sheets_catalog/flows/reporting/report.html.j2" in packed
    assert not [name for name in packed if name.startswith(("tests/", "benchmarks/"))]
