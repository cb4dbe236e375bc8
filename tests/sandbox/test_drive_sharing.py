"""Permissions, inheritance, capabilities and shared drives through google-api-python-client."""

from __future__ import annotations

import pytest
from googleapiclient.errors import HttpError

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.drive.files import FOLDER
from tests.sandbox.clients import close_clients, control, drive_service, reason

__all__ = ["close_clients"]
BEA, CARL = "bea@example.com", "carl@example.com"


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        running.gateway.quota.enabled = False
        yield running
        assert not running.gateway.crashes


@pytest.fixture
def service(sandbox):
    return drive_service(sandbox.url)


def as_user(sandbox, email):
    return drive_service(sandbox.url, token=control(sandbox.url, "tokens", {"email": email})["access_token"])


def refusal(request):
    with pytest.raises(HttpError) as caught:
        request.execute()
    return reason(caught.value)


def create(service, name="x", **body):
    return service.files().create(body={"name": name, **body}, supportsAllDrives=True).execute()["id"]


def share(service, file_id, role, email=BEA, **options):
    body = {"type": "user", "role": role, "emailAddress": email}
    return service.permissions().create(fileId=file_id, body=body, supportsAllDrives=True, **options).execute()


def can(service, file_id):
    shown = service.files().get(fileId=file_id, fields="capabilities", supportsAllDrives=True).execute()
    return {name for name, allowed in shown["capabilities"].items() if allowed}


class TestPermissions:
    def test_life_of_a_permission(self, sandbox, service):
        file_id = create(service)
        bea = as_user(sandbox, BEA)
        assert refusal(bea.files().get(fileId=file_id)) == (404, "notFound")
        given = share(service, file_id, "reader")
        assert set(given) == {"kind", "id", "type", "role"}
        assert bea.files().get(fileId=file_id).execute()["id"] == file_id
        assert refusal(bea.files().update(fileId=file_id, body={"name": "y"})) == (403, "insufficientFilePermissions")
        service.permissions().update(fileId=file_id, permissionId=given["id"], body={"role": "writer"}).execute()
        bea.files().update(fileId=file_id, body={"name": "y"}).execute()
        listed = service.permissions().list(fileId=file_id, fields="permissions(emailAddress,role)").execute()
        assert {(entry["emailAddress"], entry["role"]) for entry in listed["permissions"]} == {
            ("owner@example.com", "owner"),
            (BEA, "writer"),
        }
        service.permissions().delete(fileId=file_id, permissionId=given["id"]).execute()
        assert refusal(bea.files().get(fileId=file_id)) == (404, "notFound")

    def test_sharing_twice_changes_the_role(self, service):
        file_id = create(service)
        first, second = share(service, file_id, "reader"), share(service, file_id, "commenter")
        assert first["id"] == second["id"]
        got = service.permissions().get(fileId=file_id, permissionId=first["id"], fields="role").execute()
        assert got == {"role": "commenter"}

    def test_inherited_from_the_folder(self, sandbox, service):
        folder = create(service, mimeType=FOLDER)
        inner = create(service, mimeType=FOLDER, parents=[folder])
        file_id = create(service, parents=[inner])
        given = share(service, folder, "writer")
        bea = as_user(sandbox, BEA)
        bea.files().update(fileId=file_id, body={"name": "y"}).execute()
        listed = service.permissions().list(fileId=file_id, fields="permissions(emailAddress)").execute()["permissions"]
        assert BEA in [entry["emailAddress"] for entry in listed]
        removal = service.permissions().delete(fileId=file_id, permissionId=given["id"])
        assert refusal(removal) == (403, "cannotDeleteInheritedPermission")

    def test_the_folders_owner_may_edit_what_others_put_in(self, sandbox, service):
        folder = create(service, mimeType=FOLDER)
        share(service, folder, "writer")
        theirs = create(as_user(sandbox, BEA), "beas", parents=[folder])
        assert "canEdit" in can(service, theirs)
        assert "canDelete" not in can(service, theirs)

    def test_anyone_with_the_link(self, sandbox, service):
        file_id = create(service)
        body = {"type": "anyone", "role": "reader"}
        assert service.permissions().create(fileId=file_id, body=body).execute()["id"] == "anyoneWithLink"
        assert as_user(sandbox, CARL).files().get(fileId=file_id).execute()["id"] == file_id

    def test_groups_and_domains(self, sandbox, service):
        control(sandbox.url, "seed/drive", {"groups": {"team@example.com": [BEA]}})
        one, two = create(service), create(service)
        service.permissions().create(
            fileId=one, body={"type": "group", "role": "reader", "emailAddress": "team@example.com"}
        ).execute()
        service.permissions().create(
            fileId=two, body={"type": "domain", "role": "reader", "domain": "example.com"}
        ).execute()
        assert as_user(sandbox, BEA).files().get(fileId=one).execute()
        assert refusal(as_user(sandbox, CARL).files().get(fileId=one)) == (404, "notFound")
        assert as_user(sandbox, CARL).files().get(fileId=two).execute()
        assert refusal(as_user(sandbox, "x@elsewhere.example").files().get(fileId=two)) == (404, "notFound")

    def test_an_expired_permission_is_worth_nothing(self, sandbox, service):
        file_id = create(service)
        given = share(service, file_id, "reader")
        expiry = {"role": "reader", "expirationTime": "2020-01-01T00:00:00+00:00"}
        service.permissions().update(fileId=file_id, permissionId=given["id"], body=expiry).execute()
        assert refusal(as_user(sandbox, BEA).files().get(fileId=file_id)) == (404, "notFound")

    def test_readers_neither_see_nor_change_sharing_and_one_may_leave(self, sandbox, service):
        file_id = create(service)
        given = share(service, file_id, "reader")
        bea = as_user(sandbox, BEA)
        assert refusal(bea.permissions().list(fileId=file_id)) == (403, "insufficientFilePermissions")
        assert "permissions" not in bea.files().get(fileId=file_id, fields="*").execute()
        bea.permissions().delete(fileId=file_id, permissionId=given["id"]).execute()
        assert refusal(bea.files().get(fileId=file_id)) == (404, "notFound")

    def test_writers_may_be_kept_from_sharing(self, sandbox, service):
        file_id = create(service, writersCanShare=False)
        share(service, file_id, "writer")
        bea = as_user(sandbox, BEA)
        body = {"type": "user", "role": "reader", "emailAddress": CARL}
        assert refusal(bea.permissions().create(fileId=file_id, body=body)) == (403, "insufficientFilePermissions")
        assert "canShare" not in can(bea, file_id)

    def test_ownership_is_given_away_only_on_purpose(self, service):
        file_id = create(service)
        body = {"type": "user", "role": "owner", "emailAddress": BEA}
        assert refusal(service.permissions().create(fileId=file_id, body=body)) == (403, "forbidden")
        service.permissions().create(fileId=file_id, body=body, transferOwnership=True).execute()
        shown = service.files().get(fileId=file_id, fields="ownedByMe,owners/emailAddress").execute()
        assert shown == {"ownedByMe": False, "owners": [{"emailAddress": BEA}]}
        assert "canEdit" in can(service, file_id)

    @pytest.mark.parametrize(
        "body",
        [{}, {"type": "user"}, {"type": "user", "role": "reader"}, {"type": "robot", "role": "reader"},
         {"type": "user", "role": "king", "emailAddress": BEA}, {"type": "domain", "role": "reader"}],
    )  # fmt: skip
    def test_incomplete_permissions(self, service, body):
        assert refusal(service.permissions().create(fileId=create(service), body=body))[0] == 400


class TestCapabilities:
    def test_by_role(self, sandbox, service):
        file_id, folder = create(service), create(service, mimeType=FOLDER)
        for item in (file_id, folder):
            share(service, item, "reader", BEA)
            share(service, item, "writer", CARL)
        bea, carl = as_user(sandbox, BEA), as_user(sandbox, CARL)
        assert {"canCopy", "canDownload"} <= can(bea, file_id)
        assert not {"canEdit", "canShare", "canTrash", "canComment", "canRename"} & can(bea, file_id)
        assert {"canEdit", "canRename", "canShare", "canModifyContent"} <= can(carl, file_id)
        assert not {"canTrash", "canDelete"} & can(carl, file_id)
        assert {"canTrash", "canDelete", "canUntrash"} <= can(service, file_id)
        assert "canAddChildren" in can(carl, folder)
        assert "canAddChildren" not in can(bea, folder)
        assert not {"canCopy", "canDownload"} & can(service, folder)

    def test_they_agree_with_what_is_then_allowed(self, sandbox, service):
        file_id = create(service)
        for role in ("reader", "commenter", "writer"):
            share(service, file_id, role)
            bea = as_user(sandbox, BEA)
            renaming = bea.files().update(fileId=file_id, body={"name": role})
            if "canRename" in can(bea, file_id):
                assert renaming.execute()["name"] == role
            else:
                assert refusal(renaming)[0] == 403


class TestSharedDrives:
    @pytest.fixture
    def drive_id(self, service):
        return service.drives().create(requestId="r1", body={"name": "Team"}).execute()["id"]

    def test_made_once_for_a_request_id(self, service, drive_id):
        assert refusal(service.drives().create(requestId="r1", body={"name": "Team"}))[0] == 409
        listed = service.drives().list().execute()["drives"]
        assert [(drive["id"], drive["name"]) for drive in listed] == [(drive_id, "Team")]
        assert service.drives().get(driveId=drive_id).execute()["name"] == "Team"
        assert refusal(service.drives().get(driveId="0Anope")) == (404, "notFound")

    def test_files_have_no_owner_and_need_the_parameter(self, service, drive_id):
        file_id = create(service, parents=[drive_id])
        assert refusal(service.files().get(fileId=file_id)) == (404, "notFound")
        shown = service.files().get(fileId=file_id, fields="*", supportsAllDrives=True).execute()
        assert shown["driveId"] == drive_id
        assert not {"owners", "ownedByMe", "permissions"} & set(shown)

    def test_lists_leave_them_out_unless_asked(self, sandbox, service, drive_id):
        file_id = create(service, "team file", parents=[drive_id])
        control(sandbox.url, "clock", {"advance": 10})

        def found(**options):
            files = service.files().list(q="name = 'team file'", **options).execute()["files"]
            return [file["id"] for file in files]

        assert found() == []
        everywhere = {"includeItemsFromAllDrives": True, "supportsAllDrives": True}
        assert found(**everywhere) == [file_id]
        assert found(corpora="drive", driveId=drive_id, **everywhere) == [file_id]
        assert refusal(service.files().list(includeItemsFromAllDrives=True)) == (400, "invalidParameter")
        assert refusal(service.files().list(corpora="drive", **everywhere)) == (400, "invalidParameter")

    def test_members_roles(self, sandbox, service, drive_id):
        file_id = create(service, parents=[drive_id])
        bea = as_user(sandbox, BEA)
        share(service, drive_id, "writer")
        assert "canEdit" in can(bea, file_id)
        assert "canTrash" not in can(bea, file_id)
        share(service, drive_id, "fileOrganizer")
        assert "canTrash" in can(bea, file_id)
        assert "canDelete" not in can(bea, file_id)
        listed = service.permissions().list(fileId=file_id, supportsAllDrives=True, fields="permissions").execute()
        details = {entry["emailAddress"]: entry["permissionDetails"][0] for entry in listed["permissions"]}
        assert details[BEA] == {
            "permissionType": "member",
            "role": "fileOrganizer",
            "inherited": True,
            "inheritedFrom": drive_id,
        }

    def test_a_service_account_can_write_into_one(self, sandbox, service, drive_id):
        robot = "robot@x.iam.gserviceaccount.com"
        share(service, drive_id, "writer", robot)
        assert create(as_user(sandbox, robot), parents=[drive_id])

    def test_copy_into_a_shared_drive(self, service, drive_id):
        source = create(service)
        body = {"parents": [drive_id]}
        copied = service.files().copy(fileId=source, body=body, supportsAllDrives=True).execute()
        assert copied["driveId"] == drive_id

    def test_moving_in(self, service, drive_id):
        file_id, folder = create(service), create(service, mimeType=FOLDER)
        root = service.files().get(fileId="root").execute()["id"]
        move = {"addParents": drive_id, "removeParents": root, "supportsAllDrives": True}
        moved = service.files().update(fileId=file_id, fields="driveId,parents", **move).execute()
        assert moved == {"driveId": drive_id, "parents": [drive_id]}
        assert refusal(service.files().update(fileId=folder, **move)) == (403, "teamDrivesFolderMoveInNotSupported")

    def test_only_an_empty_one_can_be_deleted(self, service, drive_id):
        file_id = create(service, parents=[drive_id])
        assert refusal(service.drives().delete(driveId=drive_id)) == (403, "cannotDeleteResourceWithChildren")
        service.files().delete(fileId=file_id, supportsAllDrives=True).execute()
        service.drives().delete(driveId=drive_id).execute()
        assert service.drives().list().execute()["drives"] == []


def test_comments(sandbox, service):
    file_id = create(service)
    share(service, file_id, "commenter")
    bea, fields = as_user(sandbox, BEA), "id,content,author/displayName"
    made = bea.comments().create(fileId=file_id, body={"content": "nice"}, fields=fields).execute()
    assert made["content"] == "nice"
    listed = service.comments().list(fileId=file_id, fields=f"comments({fields})").execute()
    assert listed["comments"] == [made]
    assert refusal(service.comments().list(fileId=file_id)) == (400, "required")
    service.comments().delete(fileId=file_id, commentId=made["id"]).execute()
    assert refusal(service.comments().get(fileId=file_id, commentId=made["id"], fields="id")) == (404, "notFound")
