"""Drive v3 files through google-api-python-client: create, copy, change, trash, delete, properties, limits."""

from __future__ import annotations

import pytest
from googleapiclient.errors import HttpError

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.drive.files import FOLDER, SHORTCUT
from tests.sandbox.clients import close_clients, control, drive_service, ledger, plain_session, reason

__all__ = ["close_clients"]
SHEET = "application/vnd.google-apps.spreadsheet"
DOC = "application/vnd.google-apps.document"


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        running.gateway.quota.enabled = False
        yield running
        assert not running.gateway.crashes


@pytest.fixture
def files(sandbox):
    return drive_service(sandbox.url).files()


def other(sandbox, email="bea@example.com", **options):
    token = control(sandbox.url, "tokens", {"email": email, **options})["access_token"]
    return drive_service(sandbox.url, token=token)


def plant(sandbox, *specs, **more):
    return control(sandbox.url, "seed/drive", {"files": list(specs), **more})["ids"]


def create(files, name="x", fields="id", **body):
    shown = files.create(body={"name": name, **body}, fields=fields).execute()
    return shown["id"] if fields == "id" else shown


def show(files, file_id, fields="*"):
    return files.get(fileId=file_id, fields=fields).execute()


def refusal(request):
    with pytest.raises(HttpError) as caught:
        request.execute()
    return reason(caught.value)


class TestCreate:
    def test_answers_four_fields_unless_asked_for_more(self, files):
        assert set(files.create(body={"name": "x"}).execute()) == {"kind", "id", "name", "mimeType"}

    def test_without_name_and_type_it_is_an_untitled_empty_file(self, files):
        shown = show(files, files.create(body={}).execute()["id"])
        assert (shown["name"], shown["mimeType"], shown["size"]) == ("Untitled", "application/octet-stream", "0")
        assert shown["md5Checksum"] == "d41d8cd98f00b204e9800998ecf8427e"

    def test_names_need_not_differ(self, files):
        assert create(files, "twin") != create(files, "twin")

    def test_goes_to_my_drive_or_to_the_parent(self, files):
        folder = create(files, "f", mimeType=FOLDER)
        inside = create(files, "x", parents=[folder])
        root = files.get(fileId="root").execute()
        assert root["name"] == "My Drive"
        assert show(files, folder)["parents"] == [root["id"]]
        assert show(files, inside)["parents"] == [folder]

    def test_parents_are_checked(self, sandbox, files):
        assert refusal(files.create(body={"parents": ["nope"]})) == (404, "notFound")
        plain = create(files, "x")
        assert refusal(files.create(body={"parents": [plain]})) == (403, "parentNotAFolder")
        shared = plant(
            sandbox,
            {"name": "theirs", "mimeType": FOLDER, "owner": "bea@example.com", "readers": ["owner@example.com"]},
        )
        assert refusal(files.create(body={"parents": shared})) == (403, "insufficientParentPermissions")
        two = [create(files, mimeType=FOLDER), create(files, mimeType=FOLDER)]
        assert refusal(files.create(body={"parents": two})) == (403, "cannotAddParent")

    def test_read_only_and_unsupported_fields(self, files):
        assert refusal(files.create(body={"size": "5"})) == (403, "fieldNotWritable")
        assert refusal(files.create(body={"contentHints": {"indexableText": "x"}})) == (501, "notImplemented")

    def test_v3_shows_no_etag(self, sandbox, files):
        file_id = create(files)
        answer = plain_session().get(f"{sandbox.url}/drive/v3/files/{file_id}?fields=*", timeout=5)
        assert "etag" not in answer.json()
        assert "ETag" not in answer.headers
        stale = plain_session().patch(
            f"{sandbox.url}/drive/v3/files/{file_id}", json={"name": "y"}, headers={"If-Match": '"old"'}, timeout=5
        )
        assert stale.status_code == 200

    def test_every_write_moves_the_version(self, sandbox, files):
        file_id = create(files)
        versions = [int(show(files, file_id)["version"])]
        for body in ({"name": "y"}, {"appProperties": {"a": "1"}}, {"starred": True}, {"trashed": True}):
            files.update(fileId=file_id, body=body).execute()
            versions.append(int(show(files, file_id)["version"]))
        drive_service(sandbox.url).permissions().create(
            fileId=file_id, body={"type": "anyone", "role": "reader"}
        ).execute()
        versions.append(int(show(files, file_id)["version"]))
        assert versions == sorted(set(versions))


class TestGeneratedIds:
    def ids(self, files, count=1, **options):
        return files.generateIds(count=count, **options).execute()["ids"]

    def test_a_create_with_an_id_can_be_repeated_without_a_twin(self, sandbox, files):
        (file_id,) = self.ids(files)
        for mime_type in ("text/plain", FOLDER):
            (file_id,) = self.ids(files)
            assert create(files, id=file_id, mimeType=mime_type) == file_id
            assert refusal(files.create(body={"id": file_id, "mimeType": mime_type})) == (409, "fileIdInUse")
        assert len(ledger(sandbox.url, "drive.files.create")) == 2

    def test_a_copy_with_an_id_can_be_repeated_without_a_twin(self, sandbox, files):
        source = create(files)
        (file_id,) = self.ids(files)
        assert files.copy(fileId=source, body={"id": file_id}).execute()["id"] == file_id
        assert refusal(files.copy(fileId=source, body={"id": file_id})) == (409, "fileIdInUse")
        assert len(ledger(sandbox.url, "drive.files.copy")) == 1

    def test_a_used_id_stays_used_after_deletion(self, files):
        (file_id,) = self.ids(files)
        create(files, id=file_id)
        files.delete(fileId=file_id).execute()
        assert refusal(files.create(body={"id": file_id})) == (409, "fileIdInUse")

    def test_editors_files_take_none(self, sandbox, files):
        (first, second) = self.ids(files, 2)
        assert refusal(files.create(body={"id": first, "mimeType": DOC})) == (403, "insufficientFilePermissions")
        (native,) = plant(sandbox, {"name": "doc", "mimeType": DOC})
        assert refusal(files.copy(fileId=native, body={"id": second})) == (403, "insufficientFilePermissions")

    def test_only_ids_made_for_this_user_and_type(self, sandbox, files):
        assert refusal(files.create(body={"id": "1madeUpByMyself"})) == (400, "invalid")
        (theirs,) = other(sandbox).files().generateIds(count=1).execute()["ids"]
        assert refusal(files.create(body={"id": theirs})) == (400, "invalid")
        target = create(files)
        body = {"mimeType": SHORTCUT, "shortcutDetails": {"targetId": target}}
        assert refusal(files.create(body={**body, "id": self.ids(files)[0]})) == (400, "invalid")
        (file_id,) = self.ids(files, type="shortcuts")
        assert create(files, **body, id=file_id) == file_id

    def test_count_and_its_limits(self, files):
        assert len(files.generateIds().execute()["ids"]) == 10
        assert len(set(self.ids(files, 1000))) == 1000
        assert len(self.ids(files, 5000)) == 1000
        assert refusal(files.generateIds(count=0)) == (400, "invalidParameter")


class TestProperties:
    def patch(self, files, file_id, **values):
        body = {"appProperties": values}
        return files.update(fileId=file_id, body=body, fields="appProperties").execute().get("appProperties", {})

    def test_patch_keeps_what_it_does_not_name_and_null_clears(self, files):
        file_id = create(files, appProperties={"a": "1", "b": "2"})
        assert self.patch(files, file_id, b=None, c="3") == {"a": "1", "c": "3"}
        assert self.patch(files, file_id, a=None, c=None) == {}

    def test_124_bytes_of_key_and_value_together(self, files):
        file_id = create(files)
        assert self.patch(files, file_id, ke="ä" * 61) == {"ke": "ä" * 61}
        too_long = files.update(fileId=file_id, body={"appProperties": {"key": "ä" * 61}})
        assert refusal(too_long) == (403, "propertyLengthLimitExceeded")
        assert show(files, file_id)["appProperties"] == {"ke": "ä" * 61}

    def test_30_of_each_kind_for_an_app(self, files):
        thirty = {f"k{number:02}": "v" for number in range(30)}
        file_id = create(files, appProperties=thirty, properties=thirty)
        for kind in ("appProperties", "properties"):
            one_more = files.update(fileId=file_id, body={kind: {"one": "more"}})
            assert refusal(one_more) == (403, "propertyCountLimitExceeded")
            files.update(fileId=file_id, body={kind: {"one": "more", "k00": None}}).execute()

    def test_100_in_all(self, sandbox, files):
        (file_id,) = plant(sandbox, {"name": "x"}, grants=[])
        thirty = {f"k{number:02}": "v" for number in range(30)}
        for app in ("one", "two", "three"):
            other(sandbox, "owner@example.com", app=app).files().update(
                fileId=file_id, body={"appProperties": thirty}
            ).execute()
        ten = {f"k{number:02}": "v" for number in range(10)}
        files.update(fileId=file_id, body={"appProperties": ten}).execute()
        over = files.update(fileId=file_id, body={"appProperties": {"eleven": "v"}})
        assert refusal(over) == (403, "propertyCountLimitExceeded")

    def test_private_to_the_app_public_to_all(self, sandbox, files):
        file_id = create(files, appProperties={"mine": "1"}, properties={"ours": "2"})
        shown = show(other(sandbox, "owner@example.com", app="another-app").files(), file_id)
        assert "appProperties" not in shown
        assert shown["properties"] == {"ours": "2"}

    def test_a_refused_create_leaves_no_file(self, sandbox, files):
        assert refusal(files.create(body={"name": "x", "appProperties": {"k": "v" * 124}}))[0] == 403
        assert ledger(sandbox.url) == []

    def test_values_must_be_text(self, files):
        assert refusal(files.create(body={"appProperties": {"k": 1}})) == (400, "invalid")

    def test_a_copy_carries_them_and_nulls_clear(self, files):
        source = create(files, appProperties={"a": "1", "b": "2"}, properties={"p": "3"})
        copied = files.copy(fileId=source, body={"appProperties": {"b": None, "c": "4"}}).execute()["id"]
        shown = show(files, copied)
        assert (shown["appProperties"], shown["properties"]) == ({"a": "1", "c": "4"}, {"p": "3"})


class TestCopy:
    def test_content_comes_along_sharing_and_comments_do_not(self, sandbox, files):
        spec = {"name": "photo.jpg", "mimeType": "image/jpeg", "text": "bytes", "readers": ["bea@example.com"]}
        (source,) = plant(sandbox, {**spec, "comments": ["nice"]})
        copied = show(files, files.copy(fileId=source).execute()["id"])
        original = show(files, source)
        assert copied["name"] == "Copy of photo.jpg"
        assert copied["md5Checksum"] == original["md5Checksum"]
        assert (original["shared"], copied["shared"]) == (True, False)
        comments = drive_service(sandbox.url).comments()
        assert comments.list(fileId=copied["id"], fields="comments/id").execute()["comments"] == []
        kept = files.copy(fileId=source, copyComments=True).execute()["id"]
        assert len(comments.list(fileId=kept, fields="comments/id").execute()["comments"]) == 1

    def test_inherits_sharing_of_the_folder_it_goes_to(self, sandbox, files):
        folder, source = plant(
            sandbox, {"name": "f", "mimeType": FOLDER, "writers": ["bea@example.com"]}, {"name": "x", "text": "y"}
        )
        copied = files.copy(fileId=source, body={"parents": [folder]}).execute()["id"]
        assert (
            other(sandbox)
            .files()
            .get(fileId=copied, fields="capabilities/canEdit")
            .execute()["capabilities"]["canEdit"]
        )

    def test_refusals(self, sandbox, files):
        ids = plant(
            sandbox,
            {"name": "closed", "not_copyable": True},
            {"name": "theirs", "owner": "bea@example.com", "readers": ["owner@example.com"]},
            {"name": "folder", "mimeType": FOLDER},
        )
        closed, theirs, folder = ids
        assert refusal(files.copy(fileId=closed)) == (403, "cannotCopyFile")
        assert refusal(files.copy(fileId=folder)) == (403, "cannotCopyFile")
        other(sandbox).files().update(fileId=theirs, body={"copyRequiresWriterPermission": True}).execute()
        assert refusal(files.copy(fileId=theirs)) == (403, "cannotCopyFile")
        assert show(files, theirs, "capabilities/canCopy") == {"capabilities": {"canCopy": False}}

    def test_a_readers_copy_of_a_shared_file_belongs_to_the_reader(self, sandbox, files):
        (theirs,) = plant(sandbox, {"name": "x", "owner": "bea@example.com", "readers": ["owner@example.com"]})
        copied = show(files, files.copy(fileId=theirs).execute()["id"])
        assert copied["ownedByMe"] is True
        assert copied["parents"] == [files.get(fileId="root").execute()["id"]]

    def test_copying_a_shortcut_copies_the_shortcut(self, files):
        target = create(files, "target")
        pointer = create(files, "p", mimeType=SHORTCUT, shortcutDetails={"targetId": target})
        copied = show(files, files.copy(fileId=pointer).execute()["id"])
        assert copied["shortcutDetails"] == {"targetId": target, "targetMimeType": "application/octet-stream"}
        assert not {"size", "md5Checksum"} & set(copied)

    def test_modified_time_of_a_native_copy_cannot_be_set(self, sandbox, files):
        (native, plain) = plant(sandbox, {"name": "doc", "mimeType": DOC}, {"name": "x"})
        body = {"modifiedTime": "2020-01-01T00:00:00Z"}
        times = [files.copy(fileId=source, body=body, fields="modifiedTime").execute() for source in (native, plain)]
        assert [moment["modifiedTime"][:4] == "2020" for moment in times] == [False, True]

    def test_gigabytes_cost_no_memory_and_keep_their_checksums(self, sandbox, files):
        (source,) = plant(sandbox, {"name": "film.mov", "size": 40 * 10**9, "seed": "film"})
        copied = show(files, files.copy(fileId=source).execute()["id"])
        original = show(files, source)
        assert copied["size"] == "40000000000"
        assert [copied[f"{name}Checksum"] for name in ("md5", "sha1", "sha256")] == [
            original[f"{name}Checksum"] for name in ("md5", "sha1", "sha256")
        ]
        assert refusal(files.get_media(fileId=source)) == (501, "notImplemented")

    def test_750_gigabytes_a_day(self, sandbox, files):
        sandbox.gateway.quota.enabled = True
        (source,) = plant(sandbox, {"name": "film.mov", "size": 300 * 10**9})
        for _ in range(2):
            files.copy(fileId=source).execute()
        assert refusal(files.copy(fileId=source)) == (403, "userRateLimitExceeded")
        control(sandbox.url, "clock", {"advance": 86_400})
        files.copy(fileId=source).execute()


class TestStorage:
    def test_a_service_account_has_none_of_its_own(self, sandbox):
        robot = "robot@x.iam.gserviceaccount.com"
        folder, source = plant(
            sandbox,
            {"name": "f", "mimeType": FOLDER, "writers": [robot]},
            {"name": "x", "text": "y", "readers": [robot]},
        )
        robots = other(sandbox, robot).files()
        for request in (
            robots.create(body={"name": "x"}),
            robots.create(body={"name": "x", "mimeType": DOC}),
            robots.copy(fileId=source, body={"parents": [folder]}),
        ):
            assert refusal(request) == (403, "storageQuotaExceeded")
        assert robots.create(body={"mimeType": FOLDER, "parents": [folder]}).execute()["id"]

    def test_a_limit_of_bytes(self, sandbox, files):
        spent = sandbox.services["drive"].store.used["owner@example.com"]
        (source,) = plant(sandbox, {"name": "x", "size": 600}, storage_limits={"owner@example.com": 1000})
        assert refusal(files.copy(fileId=source)) == (403, "storageQuotaExceeded")
        files.delete(fileId=source).execute()
        about = drive_service(sandbox.url).about().get(fields="storageQuota").execute()["storageQuota"]
        assert (about["limit"], int(about["usage"])) == ("1000", spent)


class TestUpdate:
    def test_rename_and_times(self, files):
        file_id = create(files)
        before = show(files, file_id)
        files.update(fileId=file_id, body={"name": "y", "description": "d"}).execute()
        after = show(files, file_id)
        assert (after["name"], after["description"]) == ("y", "d")
        assert after["modifiedTime"] > before["modifiedTime"]
        files.update(fileId=file_id, body={"modifiedTime": "2020-01-01T00:00:00Z"}).execute()
        assert show(files, file_id)["modifiedTime"] == "2020-01-01T00:00:00.000Z"

    def test_move_between_folders(self, files):
        one, two = create(files, "one", mimeType=FOLDER), create(files, "two", mimeType=FOLDER)
        file_id = create(files, parents=[one])
        assert refusal(files.update(fileId=file_id, addParents=two)) == (403, "cannotAddParent")
        files.update(fileId=file_id, addParents=two, removeParents=one).execute()
        assert show(files, file_id)["parents"] == [two]
        assert refusal(files.update(fileId=file_id, body={"parents": [one]})) == (403, "fieldNotWritable")

    def test_a_folder_cannot_go_into_itself(self, files):
        outer = create(files, mimeType=FOLDER)
        inner = create(files, mimeType=FOLDER, parents=[outer])
        root = show(files, outer)["parents"][0]
        request = files.update(fileId=outer, addParents=inner, removeParents=root)
        assert refusal(request) == (403, "cyclicalParent")

    def test_a_lock_keeps_the_content(self, files):
        file_id = create(files, contentRestrictions=[{"readOnly": True, "reason": "done"}])
        assert show(files, file_id)["capabilities"]["canModifyContent"] is False
        assert refusal(files.update(fileId=file_id, body={"name": "y"})) == (403, "insufficientFilePermissions")
        files.update(fileId=file_id, body={"contentRestrictions": []}).execute()
        files.update(fileId=file_id, body={"name": "y"}).execute()


class TestTrashAndDelete:
    def test_trash_of_a_folder_covers_what_is_inside(self, files):
        folder = create(files, mimeType=FOLDER)
        inside = create(files, parents=[folder])
        files.update(fileId=folder, body={"trashed": True}).execute()
        shown = show(files, inside, "trashed,explicitlyTrashed")
        assert shown == {"trashed": True, "explicitlyTrashed": False}
        files.update(fileId=folder, body={"trashed": False}).execute()
        assert show(files, inside, "trashed") == {"trashed": False}

    def test_only_the_owner_may(self, sandbox, files):
        (theirs,) = plant(sandbox, {"name": "x", "owner": "bea@example.com", "writers": ["owner@example.com"]})
        assert refusal(files.update(fileId=theirs, body={"trashed": True})) == (403, "insufficientFilePermissions")
        assert refusal(files.delete(fileId=theirs)) == (403, "insufficientFilePermissions")

    def test_delete_takes_what_is_below_and_answers_nothing(self, sandbox, files):
        folder = create(files, mimeType=FOLDER)
        inside = create(files, parents=[folder])
        assert files.delete(fileId=folder).execute() == ""
        assert refusal(files.get(fileId=inside)) == (404, "notFound")
        assert set(ledger(sandbox.url, "drive.files.delete")[0]["effect"]["removed"]) == {folder, inside}
        assert refusal(files.delete(fileId=folder)) == (404, "notFound")

    def test_empty_trash(self, files):
        kept, gone = create(files), create(files)
        files.update(fileId=gone, body={"trashed": True}).execute()
        files.emptyTrash().execute()
        assert refusal(files.get(fileId=gone)) == (404, "notFound")
        assert show(files, kept)["trashed"] is False


class TestStructure:
    def test_depth_and_width(self, sandbox, files):
        plant(sandbox, structure={"children": 3, "depth": 4, "shared_drive_items": 9})
        one = create(files, mimeType=FOLDER)
        two = create(files, mimeType=FOLDER, parents=[one])
        three = create(files, mimeType=FOLDER, parents=[two])
        assert refusal(files.create(body={"parents": [three]})) == (403, "myDriveHierarchyDepthLimitExceeded")
        for _ in range(2):
            create(files, parents=[two])
        assert refusal(files.create(body={"parents": [two]})) == (403, "numChildrenInNonRootLimitExceeded")


class TestScopes:
    def test_drive_file_sees_only_what_the_app_made_or_was_given(self, sandbox, files):
        unseen, picked = create(files, "unseen"), create(files, "picked")
        narrow = other(sandbox, "owner@example.com", app="picker-app", scopes=["drive.file"]).files()
        assert refusal(narrow.get(fileId=unseen)) == (404, "notFound")
        mine = create(narrow, "mine")
        plant(sandbox, grants=[{"file": picked, "app": "picker-app"}])
        assert narrow.update(fileId=picked, body={"name": "renamed"}).execute()["name"] == "renamed"
        control(sandbox.url, "clock", {"advance": 10})
        assert {file["id"] for file in narrow.list().execute()["files"]} == {mine, picked}

    def test_read_only_scopes_cannot_write(self, sandbox, files):
        file_id = create(files)
        for scope in ("drive.readonly", "drive.metadata.readonly"):
            reader = other(sandbox, "owner@example.com", scopes=[scope]).files()
            assert reader.get(fileId=file_id).execute()["id"] == file_id
            assert refusal(reader.create(body={})) == (403, "insufficientPermissions")
        assert refusal(reader.get_media(fileId=file_id)) == (403, "insufficientPermissions")

    def test_spreadsheets_scope_is_not_for_drive(self, sandbox):
        narrow = other(sandbox, scopes=["spreadsheets"]).files()
        assert refusal(narrow.list()) == (403, "insufficientPermissions")

    def test_read_everything_write_only_own(self, sandbox, files):
        file_id = create(files)
        both = other(sandbox, "owner@example.com", app="third", scopes=["drive.readonly", "drive.file"]).files()
        assert both.get(fileId=file_id).execute()["id"] == file_id
        assert refusal(both.update(fileId=file_id, body={"name": "y"})) == (403, "appNotAuthorizedToFile")


class TestFields:
    def test_masks_reach_into_lists_and_objects(self, files):
        file_id = create(files)
        shown = show(files, file_id, "id,capabilities(canCopy,canEdit),owners/emailAddress")
        assert shown == {
            "id": file_id,
            "capabilities": {"canCopy": True, "canEdit": True},
            "owners": [{"emailAddress": "owner@example.com"}],
        }

    @pytest.mark.parametrize("mask", ["nonsense", "id,capabilities/canFly", "files(id)", "id,,name", "owners(", "a b"])
    def test_wrong_selections_are_named(self, files, mask):
        assert refusal(files.get(fileId="root", fields=mask)) == (400, "invalidParameter")


def test_the_strangers_file_is_there_but_closed(sandbox, files):
    assert refusal(files.get(fileId="1jIKzPs8LsiZZdLdeMEP-5ZIHw6RkjiOmj1LrJN706Yc")) == (404, "notFound")
    store = sandbox.services["drive"].store
    caller = sandbox.identity.act_as("owner@example.com")
    assert store.access("1jIKzPs8LsiZZdLdeMEP-5ZIHw6RkjiOmj1LrJN706Yc", caller) == "none"
