"""Drive over real HTTP: ids before files, lists to their end, state behind an etag."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sheets_catalog import errors
from sheets_catalog.google.drive import Drive
from sheets_catalog.google.files import FOLDER, SHEET
from sheets_catalog.google.sheets import Spreadsheets


@pytest.fixture
def drive(transport) -> Drive:
    return Drive(transport)


@pytest.fixture
def folder(drive) -> str:
    (file_id,) = drive.generate_ids(1)
    return drive.create_folder(file_id, "work").id


def make(drive: Drive, folder: str, name: str = "state.json", content: bytes = b"{}", **properties: str):
    (file_id,) = drive.generate_ids(1)
    return drive.create_file(
        file_id, name, content, "application/json", parents=[folder], app_properties=properties or None
    )


# --- reading ---


def test_a_file_is_what_was_made(drive, folder) -> None:
    content = "gr\u00fc\u00dfe\r\n--boundary--\x00".encode() * 1000
    made = make(drive, folder, "It's a \u201cname\u201d \\ ok", content, op="1", job="j")
    found = drive.get(made.id)
    assert (found.name, found.parents, found.app_properties) == (made.name, (folder,), {"op": "1", "job": "j"})
    assert found.size == len(content)
    assert found.md5_checksum == hashlib.md5(content).hexdigest()
    assert found.sha256_checksum == hashlib.sha256(content).hexdigest()
    assert found.may("canCopy")
    assert not found.is_folder
    assert not found.is_native
    assert isinstance(found.modified_time, datetime)
    assert isinstance(found.server_time, datetime)
    assert abs(found.server_time - found.modified_time) < timedelta(days=2)
    assert drive.read(made.id) == content


def test_an_empty_file_has_no_bytes(drive, folder) -> None:
    made = make(drive, folder, content=b"")
    assert drive.read(made.id) == b""
    assert drive.get(made.id).size == 0


def test_what_is_not_there_is_not_found(drive) -> None:
    (file_id,) = drive.generate_ids(1)
    for call in (drive.get, drive.read, drive.read_state, drive.trash, drive.permissions):
        with pytest.raises(errors.NotFound) as caught:
            call(file_id)
        assert file_id in caught.value.message
    for call in (drive.get, drive.read, drive.trash):
        with pytest.raises(errors.InputError):
            call("../../secrets")


def test_a_list_goes_on_to_its_end(drive, folder, control, monkeypatch) -> None:
    monkeypatch.setattr("sheets_catalog.google.drive.PAGE", 10)
    ids = drive.generate_ids(30)
    for file_id in ids:
        drive.create_folder(file_id, "same name", parent=folder)
    control.settle()
    control.fault("drive.files.list", "truncate-page", times=3)
    assert sorted(each.id for each in drive.children(folder)) == sorted(ids)
    assert len(control.requests("drive.files.list")) == 5  # 5 + 5 + 5 + 10 + 5


def test_a_search_that_is_not_complete_is_no_result(drive, folder, monkeypatch, transport) -> None:
    plain = transport.send

    def send(built, **named):
        answer = plain(built, **named)
        body = answer.body.replace(b'"incompleteSearch":false', b'"incompleteSearch":true')
        return type(answer)(answer.status, answer.headers, body, answer.operation)

    monkeypatch.setattr(transport, "send", send)
    with pytest.raises(errors.Unavailable, match="everywhere"):
        list(drive.children(folder))


def test_finding_by_private_properties(drive, folder, control) -> None:
    made = make(drive, folder, op="a'b\\c")
    make(drive, folder, op="other")
    control.settle()
    assert [each.id for each in drive.find(app_properties={"op": "a'b\\c"}, parent=folder)] == [made.id]
    assert drive.find(app_properties={"op": "none"}, parent=folder) == []
    assert drive.find(app_properties={"op": "a'b\\c"}, mime_type=FOLDER) == []
    with pytest.raises(errors.InputError, match="condition"):
        drive.find()


def test_two_of_one_name_are_both_found(drive, folder, control) -> None:
    twins = {make(drive, folder, "twin").id, make(drive, folder, "twin").id}
    control.settle()
    assert {each.id for each in drive.find(name="twin", parent=folder)} == twins


def test_trashed_files_are_left_out_unless_asked_for(drive, folder, control) -> None:
    made = make(drive, folder)
    assert drive.trash(made.id).trashed
    control.settle()
    assert list(drive.children(folder)) == []
    assert [each.id for each in drive.children(folder, trashed=True)] == [made.id]
    assert [each.id for each in drive.children(folder, trashed=None)] == [made.id]
    assert drive.get(made.id).trashed
    assert not drive.untrash(made.id).trashed
    control.settle()
    assert [each.id for each in drive.children(folder)] == [made.id]


def test_who_we_are(drive) -> None:
    about = drive.about()
    assert about.user.email_address == "owner@example.com"
    assert about.storage_quota.usage >= 0


# --- making ---


def test_ids_are_fresh_and_as_many_as_asked_for(drive, control) -> None:
    ids = drive.generate_ids(1500)
    assert len(set(ids)) == 1500
    assert len(control.requests("drive.files.generateIds")) == 2
    assert drive.generate_ids(0) == []


def test_the_same_id_twice_is_a_duplicate_and_makes_nothing(drive, folder, control) -> None:
    made = make(drive, folder, op="first")
    before = len(control.effects())
    for again in (
        lambda: drive.create_file(made.id, "x", b"other", "text/plain", parents=[folder]),
        lambda: drive.create_folder(made.id, "x", parent=folder),
        lambda: drive.copy(made.id, made.id, "x", parent=folder),
    ):
        with pytest.raises(errors.Refused) as caught:
            again()
        assert (caught.value.reason, caught.value.status) == ("duplicate", 409)
    assert len(control.effects()) == before
    assert drive.read(made.id) == b"{}"


@pytest.mark.parametrize("kind", ["fin", "reset", "half-body", "garbled-body"])
def test_a_lost_answer_is_settled_by_the_id(drive, folder, control, kind) -> None:
    (file_id,) = drive.generate_ids(1)
    control.fault("drive.files.create", kind, "after")
    with pytest.raises(errors.Unavailable):
        drive.create_file(file_id, "x", b"content", "text/plain", parents=[folder], app_properties={"op": "7"})
    with pytest.raises(errors.Refused) as caught:
        drive.create_file(file_id, "x", b"content", "text/plain", parents=[folder], app_properties={"op": "7"})
    assert caught.value.reason == "duplicate"
    assert drive.get(file_id).app_properties == {"op": "7"}
    control.settle()
    assert [each.id for each in drive.children(folder)] == [file_id]


def test_copies_drop_the_properties_named(drive, folder, transport) -> None:
    source = make(drive, folder, "source", b"data", op="1", job="j", keep="k")
    (new_id,) = drive.generate_ids(1)
    copied = drive.copy(source.id, new_id, "copy", parent=folder, app_properties={"op": "2", "job": None})
    assert copied.id == new_id
    assert drive.get(new_id).app_properties == {"op": "2", "keep": "k"}
    assert drive.read(new_id) == b"data"
    assert copied.md5_checksum == source.md5_checksum


def test_a_sheet_is_copied_without_an_id(drive, folder, transport, control) -> None:
    sheet = Spreadsheets(transport).create("template")
    calls = []

    def around(safety, service, operation, send):
        calls.append((safety, service, operation))
        return send()

    copied = Drive(transport, around).copy(sheet, None, "filled", parent=folder, app_properties={"op": "x"})
    assert copied.mime_type == SHEET
    assert copied.is_native
    assert calls == [("once", "google", "drive.files.copy")]
    control.settle()
    assert [each.id for each in drive.find(app_properties={"op": "x"}, parent=folder)] == [copied.id]


def test_properties_that_do_not_fit_are_refused_before_anything_is_sent(drive, folder, control) -> None:
    control.forget()
    with pytest.raises(errors.InputError, match="124"):
        make(drive, folder, op="x" * 130)
    assert control.requests("drive.files.create") == []


def test_many_threads_copy_and_find_their_files(drive, folder, control) -> None:
    source = make(drive, folder, "template", b"t" * 1000)
    ids = drive.generate_ids(40)

    def work(new_id: str) -> str:
        return drive.copy(source.id, new_id, f"copy {new_id}", parent=folder, app_properties={"op": new_id[:20]}).id

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, ids)) == ids
    control.settle()
    found = {each.id: each for each in drive.children(folder)}
    assert set(found) == {source.id, *ids}
    assert all(found[each].app_properties == {"op": each[:20]} for each in ids)


# --- changing ---


def test_renaming_moving_and_properties(drive, folder) -> None:
    made = make(drive, folder, keep="1", drop="2")
    (other,) = drive.generate_ids(1)
    drive.create_folder(other, "elsewhere")
    assert drive.rename(made.id, "new name").name == "new name"
    assert drive.move(made.id, to=other, out_of=folder).parents == (other,)
    assert drive.set_properties(made.id, {"drop": None, "new": "3"}).app_properties == {"keep": "1", "new": "3"}


def test_permissions(drive, folder) -> None:
    made = make(drive, folder)
    given = drive.create_permission(made.id, type_="user", role="writer", email_address="anna@example.com")
    by_mail = {each.email_address: each for each in drive.permissions(made.id)}
    assert by_mail["anna@example.com"].role == "writer"
    assert by_mail["owner@example.com"].role == "owner"
    drive.delete_permission(made.id, given.id)
    assert {each.email_address for each in drive.permissions(made.id)} == {"owner@example.com"}
    with pytest.raises(errors.NotFound):
        drive.delete_permission(made.id, given.id)


def test_a_reader_may_not_write(drive, folder, connect, control) -> None:
    made = make(drive, folder)
    drive.create_permission(made.id, type_="user", role="reader", email_address="rita@example.com")
    token = control.post("tokens", email="rita@example.com")
    theirs = Drive(connect(access_token=token.get("access_token") or token["value"]))
    assert theirs.get(made.id).name == made.name
    with pytest.raises(errors.PermissionMissing) as caught:
        theirs.rename(made.id, "mine now")
    assert "owner" in caught.value.advice


# --- state ---


def test_state_is_read_with_etag_and_clock(drive, folder) -> None:
    made = make(drive, folder, L="lease", S="summary")
    state = drive.read_state(made.id)
    assert state.properties == {"L": "lease", "S": "summary"}
    assert state.etag
    assert not state.trashed
    assert state.modified is not None
    assert state.server_time is not None
    assert state.server_time.tzinfo is not None
    assert state.modified.astimezone(UTC) <= state.server_time + timedelta(seconds=2)


def test_state_is_written_if_nobody_was_faster(drive, folder, control) -> None:
    made = make(drive, folder, keep="1", drop="2", change="3")
    first = drive.read_state(made.id)
    second = drive.write_state(made.id, {"drop": None, "change": "4", "new": "5"}, first.etag)
    assert second.properties == {"keep": "1", "change": "4", "new": "5"}
    assert second.etag != first.etag
    assert drive.read_state(made.id).properties == second.properties
    applied = len(control.effects())
    with pytest.raises(errors.PreconditionFailed) as caught:
        drive.write_state(made.id, {"change": "late"}, first.etag)
    assert caught.value.status == 412
    assert len(control.effects()) == applied
    third = drive.write_state(made.id, {"change": "6"}, second.etag)
    assert third.properties["change"] == "6"


def test_any_change_moves_the_etag(drive, folder) -> None:
    made = make(drive, folder)
    state = drive.read_state(made.id)
    drive.rename(made.id, "renamed by somebody")
    with pytest.raises(errors.PreconditionFailed):
        drive.write_state(made.id, {"a": "1"}, state.etag)


def test_of_many_writers_one_wins(drive, folder) -> None:
    made = make(drive, folder)
    etag = drive.read_state(made.id).etag
    together = threading.Barrier(8)

    def write(number: int) -> bool:
        together.wait()
        try:
            drive.write_state(made.id, {"winner": str(number)}, etag)
        except errors.PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert won.count(True) == 1
    assert drive.read_state(made.id).properties == {"winner": str(won.index(True))}


def test_a_state_without_etag_is_never_written_blindly(drive, folder) -> None:
    made = make(drive, folder)
    for etag in ("", "a\r\nX-Evil: 1"):
        with pytest.raises(errors.InputError, match="etag"):
            drive.write_state(made.id, {"a": "1"}, etag)
        with pytest.raises(errors.InputError, match="etag"):
            drive.update_content(made.id, b"x", if_match=etag)


def test_content_and_properties_are_replaced_together_or_not_at_all(drive, folder) -> None:
    made = make(drive, folder, "baseline", b"old", generation="1", keep="k")
    first = drive.read_state(made.id)
    content = bytes(range(256)) * 500
    second = drive.update_content(made.id, content, if_match=first.etag, app_properties={"generation": "2"})
    assert second.properties == {"generation": "2", "keep": "k"}
    assert drive.read(made.id) == content
    with pytest.raises(errors.PreconditionFailed):
        drive.update_content(made.id, b"late", if_match=first.etag, app_properties={"generation": "9"})
    assert drive.read(made.id) == content
    assert drive.read_state(made.id).properties == {"generation": "2", "keep": "k"}
    assert drive.update_content(made.id, b"anyway").properties == second.properties
    assert drive.read(made.id) == b"anyway"
    assert drive.get(made.id).name == "baseline"


def test_other_apps_do_not_see_our_state(drive, folder, connect, control) -> None:
    made = make(drive, folder, S="secret")
    token = control.post("tokens", email="owner@example.com", app="another-app")
    theirs = Drive(connect(access_token=token.get("access_token") or token["value"]))
    assert theirs.read_state(made.id).properties == {}


def test_every_call_is_wrapped_once_and_says_what_it_is(transport, folder) -> None:
    calls = []

    def around(safety, service, operation, send):
        calls.append((safety, operation))
        return send()

    drive = Drive(transport, around)
    made = make(drive, folder)
    state = drive.read_state(made.id)
    drive.write_state(made.id, {"a": "1"}, state.etag)
    drive.update_content(made.id, b"new")
    drive.read(made.id)
    drive.get(made.id)
    drive.find(name="x", parent=folder)
    drive.create_permission(made.id, type_="anyone", role="reader")
    drive.permissions(made.id)
    drive.trash(made.id)
    drive.about()
    assert calls == [
        ("read", "drive.files.generateIds"),
        ("repeatable", "drive.files.create"),
        ("read", "drive.files.get"),
        ("repeatable", "drive.files.patch"),
        ("repeatable", "drive.files.update"),
        ("read", "drive.files.download"),
        ("read", "drive.files.get"),
        ("read", "drive.files.list"),
        ("repeatable", "drive.permissions.create"),
        ("read", "drive.permissions.list"),
        ("repeatable", "drive.files.update"),
        ("read", "drive.about.get"),
    ]


# --- large content ---


@pytest.fixture
def small_limit(monkeypatch) -> int:
    """As if Google took 64 KB in one request, not 5 MB."""
    monkeypatch.setattr("sheets_catalog.google.uploads.LARGEST_AT_ONCE", 64 * 1024)
    return 64 * 1024


def test_large_content_goes_by_a_session(drive, folder, control, small_limit) -> None:
    content = bytes(range(256)) * 300
    control.forget()
    made = make(drive, folder, "large.bin", content, op="1")
    assert drive.read(made.id) == content
    assert drive.get(made.id).app_properties == {"op": "1"}
    uploads = [each for each in control.requests() if "upload" in each["path"]]
    assert [each["method"] for each in uploads] == ["POST", "PUT"]
    assert uploads[1]["bytes"] == len(content)
    with pytest.raises(errors.Refused) as caught:
        drive.create_file(made.id, "large.bin", content, "application/json", parents=[folder])
    assert caught.value.reason == "duplicate"


def test_large_content_is_replaced_on_condition_too(drive, folder, small_limit) -> None:
    made = make(drive, folder, "large.bin", b"small", generation="1")
    first = drive.read_state(made.id)
    content = b"x" * (small_limit + 1)
    second = drive.update_content(made.id, content, if_match=first.etag, app_properties={"generation": "2"})
    assert second.properties == {"generation": "2"}
    assert drive.read(made.id) == content
    with pytest.raises(errors.PreconditionFailed):
        drive.update_content(made.id, content + b"!", if_match=first.etag, app_properties={"generation": "3"})
    assert drive.read(made.id) == content
    assert drive.read_state(made.id).properties == {"generation": "2"}


def test_large_content_of_the_real_limit(drive, folder) -> None:
    content = b"0123456789abcdef" * (6 * 65_536)
    made = make(drive, folder, "six megabytes", content)
    assert made.size == 6 * 1024 * 1024
    assert drive.get(made.id).md5_checksum == hashlib.md5(content).hexdigest()


# --- many at once ---


def test_many_files_are_looked_up_in_few_requests(drive, folder, control) -> None:
    ids = drive.generate_ids(130)
    there = {file_id: f"gr\u00f6\u00dfe {number}" for number, file_id in enumerate(ids) if number % 13 == 0}
    for file_id, name in there.items():
        drive.create_folder(file_id, name, parent=folder)
    drive.trash(ids[0])
    control.forget()
    found = drive.get_many(ids)
    assert {file_id: file.name for file_id, file in found.items()} == there
    assert found[ids[0]].trashed
    assert drive.get_many([]) == {}
    assert len([each for each in control.requests() if "/batch/" in each["path"]]) == 2


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "rate-limit"}, {"kind": "unauthorized"}])
def test_a_batch_with_one_failed_part_is_no_answer(drive, folder, control, fault) -> None:
    made = [make(drive, folder).id for _ in range(3)]
    control.fault("drive.files.get", nth=2, **fault)
    with pytest.raises((errors.Unavailable, errors.Throttled, errors.CredentialsError)):
        drive.get_many(made)
    assert set(drive.get_many(made)) == set(made)


@pytest.mark.parametrize("kind", ["half-body", "garbled-body", "fin"])
def test_half_a_batch_is_no_answer(drive, folder, control, kind) -> None:
    made = [make(drive, folder).id for _ in range(3)]
    control.fault("drive.batch*", kind, "after")
    with pytest.raises(errors.Unavailable):
        drive.get_many(made)


def test_a_native_file_is_made_once(drive, folder, transport) -> None:
    calls = []

    def around(safety, service, operation, send):
        calls.append(safety)
        return send()

    made = Drive(transport, around).create_native("new sheet", SHEET, parent=folder, app_properties={"op": "n"})
    assert calls == ["once"]
    assert drive.get(made.id).app_properties == {"op": "n"}
    assert Spreadsheets(transport).info(made.id).title == "new sheet"
