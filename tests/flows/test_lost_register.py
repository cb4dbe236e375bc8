"""The file that names the register of exports is lost: batches are never taken for ones that do not exist."""

from __future__ import annotations

import pytest
import requests

from sheets_catalog.errors import StateError
from sheets_catalog.flows import control
from sheets_catalog.flows.tasks import batches, register
from tests.flows.exports import desk


@pytest.fixture
def staged(tmp_path):
    with desk(tmp_path, 3, files=18) as here:
        here.stage()
        yield here


def registers(here):
    marks = {"kind": "register", "sheet": here.connection.spreadsheet_id}
    return [file.id for file in here.systems.drive.find(app_properties=marks, trashed=None)]


def remove(here, file_id):
    headers = {"Authorization": f"Bearer {here.connection.google.access_token}"}
    requests.delete(f"{here.sandbox.url}/drive/v3/files/{file_id}", headers=headers, timeout=10).raise_for_status()


def test_exports_whose_control_file_is_in_the_trash_are_not_taken_for_none(staged) -> None:
    home = control.find(staged.systems)
    staged.systems.drive.trash(home.file_id)
    staged.reconnect()
    with pytest.raises(StateError, match="exports is in Drive's trash"):
        batches.list_batches(staged.systems)
    with pytest.raises(StateError, match="exports is in Drive's trash"):
        register.change(staged.systems, lambda found: found.with_batch(register.Batch("B9", "", "", "", "", "")))
    assert len(registers(staged)) == 1
    staged.systems.drive.untrash(home.file_id)
    assert [each.batch.id for each in batches.list_batches(staged.systems)] == ["B1"]


@pytest.mark.parametrize("made_anew", [False, True])
def test_exports_whose_control_file_is_gone_are_found_by_their_register(staged, made_anew) -> None:
    remove(staged, control.find(staged.systems).file_id)
    staged.reconnect()
    if made_anew:
        control.find_or_make(staged.systems)
    assert list(register.load(staged.systems).batches) == ["B1"]
    register.change(staged.systems, lambda found: found.with_batch(register.Batch("B2", "", "", "", "", "")))
    assert list(register.load(staged.systems).batches) == ["B1", "B2"]
    assert len(registers(staged)) == 1
    assert staged.deliver().books.done == 3
