"""files.list and changes: the search language, order, pages, and the lag behind the truth."""

from __future__ import annotations

import pytest
from googleapiclient.errors import HttpError

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.drive.files import FOLDER
from tests.sandbox.clients import close_clients, control, drive_service, plain_session, reason

__all__ = ["close_clients"]
STAMP = "2026-01-0{}T00:00:00Z"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        running.gateway.quota.enabled = False
        yield running
        assert not running.gateway.crashes


@pytest.fixture(scope="module")
def tree(sandbox):
    """Some files of the owner's, one of Bea's shared, one of Bea's not; all older than the lag."""
    service = drive_service(sandbox.url)
    ids = {"root": service.files().get(fileId="root").execute()["id"]}

    def add(key, **body):
        ids[key] = service.files().create(body={"name": key, **body}).execute()["id"]

    add("Photos", mimeType=FOLDER)
    add("Offers", mimeType=FOLDER)
    add("It's a \\ test", parents=[ids["Photos"]], createdTime=STAMP.format(1), modifiedTime=STAMP.format(1))
    add("red shoe.jpg", parents=[ids["Photos"]], mimeType="image/jpeg", modifiedTime=STAMP.format(2))
    add("blue_shoe.png", parents=[ids["Photos"]], mimeType="image/png", modifiedTime=STAMP.format(3))
    add("page 9", parents=[ids["Offers"]], appProperties={"job": "j1"}, properties={"colour": "red"})
    add("page 10", parents=[ids["Offers"]], appProperties={"job": "j2"}, starred=True)
    add("old", parents=[ids["Offers"]])
    service.files().update(fileId=ids["old"], body={"trashed": True}).execute()
    planted = control(
        sandbox.url,
        "seed/drive",
        {
            "files": [
                {"name": "from bea", "owner": "bea@example.com", "readers": ["owner@example.com"]},
                {"name": "beas own", "owner": "bea@example.com"},
                {"name": "linked", "owner": "bea@example.com", "readers": ["anyone"]},
            ]
        },
    )["ids"]
    ids |= dict(zip(("from bea", "beas own", "linked"), planted, strict=True))
    control(sandbox.url, "clock", {"advance": 10})
    return ids


def names(sandbox, q="", **options):
    answer = drive_service(sandbox.url).files().list(q=q or None, fields="files/name", **options).execute()
    return [file["name"] for file in answer["files"]]


def refusal(request):
    with pytest.raises(HttpError) as caught:
        request.execute()
    return reason(caught.value)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("name = 'red shoe.jpg'", {"red shoe.jpg"}),
        ('name = "RED SHOE.JPG"', {"red shoe.jpg"}),
        (r"name = 'It\'s a \\ test'", {"It's a \\ test"}),
        ("name contains 'shoe'", {"red shoe.jpg"}),
        ("name contains 'blue'", {"blue_shoe.png"}),
        ("name contains 'hoe'", set()),
        ("mimeType = 'image/png'", {"blue_shoe.png"}),
        ("mimeType contains 'image/'", {"red shoe.jpg", "blue_shoe.png"}),
        ("mimeType contains 'image/' and mimeType != 'image/png'", {"red shoe.jpg"}),
        ("'{Photos}' in parents", {"It's a \\ test", "red shoe.jpg", "blue_shoe.png"}),
        (
            "'root' in parents and mimeType = 'application/vnd.google-apps.folder'",
            {"Photos", "Offers", "Sheets Catalog"},
        ),
        (
            "'{Photos}' in parents or '{Offers}' in parents and starred = true",
            {"It's a \\ test", "red shoe.jpg", "blue_shoe.png", "page 10"},
        ),
        ("'{Offers}' in parents and not trashed", {"page 9", "page 10"}),
        ("'{Offers}' in parents and trashed = true", {"old"}),
        ("'{Offers}' in parents and trashed != true", {"page 9", "page 10"}),
        ("'{Offers}' in parents", {"page 9", "page 10", "old"}),
        ("appProperties has {{ key='job' and value='j1' }}", {"page 9"}),
        ('appProperties has { key="job" and value="j2" } and trashed=false', {"page 10"}),
        ("properties has {{ key='colour' and value='red' }}", {"page 9"}),
        (
            "modifiedTime > '2026-01-01T12:00:00' and modifiedTime <= '2026-01-03T00:00:00Z'",
            {"red shoe.jpg", "blue_shoe.png"},
        ),
        ("createdTime < '2026-01-02T00:00:00+00:00'", {"It's a \\ test"}),
        ("sharedWithMe", {"from bea"}),
        ("sharedWithMe = true and 'bea@example.com' in owners", {"from bea"}),
        ("'bea@example.com' in owners", {"from bea"}),
        ("not 'me' in owners", {"from bea"}),
        ("'me' in readers and 'bea@example.com' in owners", {"from bea"}),
        ("not (name contains 'page' or mimeType contains 'image/') and '{Photos}' in parents", {"It's a \\ test"}),
    ],
)
def test_search(sandbox, tree, q, found):
    for key in ("Photos", "Offers"):
        q = q.replace(f"{{{key}}}", tree[key])
    assert set(names(sandbox, q.replace("{{", "{").replace("}}", "}"))) == found


@pytest.mark.parametrize(
    "q",
    ["name", "name = ", "name = x", "'x' in", "name like 'x'", "(name='x'", "name='x' and", "colour='red'", "name='x' name='y'",
     "trashed = maybe", "modifiedTime > 'yesterday'", "name > 'x'", "appProperties has { key='x' }", "name='x", "$"],
)  # fmt: skip
def test_malformed_searches_are_invalid_at_q(sandbox, q):
    request = drive_service(sandbox.url).files().list(q=q)
    with pytest.raises(HttpError) as caught:
        request.execute()
    assert reason(caught.value) == (400, "invalid")
    assert b'"location":"q"' in caught.value.content


def test_terms_that_the_sandbox_lacks_are_named(sandbox):
    assert refusal(drive_service(sandbox.url).files().list(q="fullText contains 'x'")) == (501, "notImplemented")


def test_link_shared_files_are_found_only_once_opened(sandbox, tree):
    assert "linked" not in names(sandbox)
    assert drive_service(sandbox.url).files().get(fileId=tree["linked"]).execute()["name"] == "linked"


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("name", "blue_shoe.png"),
        ("name desc", "red shoe.jpg"),
        ("modifiedTime", "It's a \\ test"),
        ("modifiedTime desc,name", "blue_shoe.png"),
    ],
)
def test_order(sandbox, tree, order, first):
    assert names(sandbox, f"'{tree['Photos']}' in parents", orderBy=order)[0] == first


def test_natural_order_and_folders_first(sandbox, tree):
    assert names(sandbox, "name contains 'page'", orderBy="name_natural") == ["page 9", "page 10"]
    assert names(sandbox, "name contains 'page'", orderBy="name") == ["page 10", "page 9"]
    assert names(sandbox, "'root' in parents", orderBy="folder,name")[:2] == ["Offers", "Photos"]
    assert refusal(drive_service(sandbox.url).files().list(orderBy="size")) == (400, "invalid")


@pytest.mark.usefixtures("tree")
class TestPages:
    def test_pages_cover_everything_once(self, sandbox):
        files = drive_service(sandbox.url).files()
        request, found = files.list(q="trashed = false", pageSize=2, fields="nextPageToken,files(name)"), []
        while request is not None:
            page = request.execute()
            assert len(page["files"]) <= 2
            found += [file["name"] for file in page["files"]]
            request = files.list_next(request, page)
        assert sorted(found) == sorted(names(sandbox, "trashed = false"))

    def test_a_token_belongs_to_its_search_and_has_an_end(self, sandbox):
        files = drive_service(sandbox.url).files()
        token = files.list(pageSize=1).execute()["nextPageToken"]
        assert files.list(pageSize=1, pageToken=token).execute()["files"]
        assert refusal(files.list(q="trashed=true", pageToken=token)) == (400, "invalid")
        assert refusal(files.list(pageToken="made-up")) == (400, "invalid")
        control(sandbox.url, "clock", {"advance": 7 * 3600})
        assert refusal(files.list(pageSize=1, pageToken=token)) == (400, "invalid")

    def test_page_size_is_cut_and_checked(self, sandbox):
        files = drive_service(sandbox.url).files()
        assert files.list(pageSize=5000).execute()["files"]
        assert refusal(files.list(pageSize=0)) == (400, "invalidParameter")

    def test_default_fields(self, sandbox):
        answer = drive_service(sandbox.url).files().list(pageSize=1).execute()
        assert set(answer) == {"kind", "incompleteSearch", "files", "nextPageToken"}
        assert set(answer["files"][0]) == {"kind", "id", "name", "mimeType"}

    def test_a_long_search_comes_as_a_post(self, sandbox):
        q = " or ".join(f"name = 'missing {number}'" for number in range(150)) + " or name = 'red shoe.jpg'"
        assert names(sandbox, q) == ["red shoe.jpg"]
        last = control(sandbox.url, "requests?log=1")["log"][-1]
        assert (last["method"], last["operation"]) == ("POST", "drive.files.list")


class TestLag:
    """A read by id is true at once; a list needs some seconds."""

    def test_new_files_changes_and_deletions_turn_up_later(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            files = drive_service(sandbox.url).files()
            file_id = files.create(body={"name": "new", "appProperties": {"job": "j"}}).execute()["id"]
            assert files.get(fileId=file_id).execute()["name"] == "new"
            assert names(sandbox, "appProperties has { key='job' and value='j' }") == []
            control(sandbox.url, "clock", {"advance": 6})
            assert names(sandbox, "appProperties has { key='job' and value='j' }") == ["new"]
            files.update(fileId=file_id, body={"name": "renamed", "appProperties": {"job": None}}).execute()
            assert names(sandbox, "appProperties has { key='job' and value='j' }") == ["new"]
            control(sandbox.url, "clock", {"advance": 6})
            assert names(sandbox, "name = 'renamed'") == ["renamed"]
            files.delete(fileId=file_id).execute()
            assert names(sandbox, "name = 'renamed'") == ["renamed"]
            control(sandbox.url, "clock", {"advance": 6})
            assert names(sandbox, "name = 'renamed'") == []

    def test_a_file_that_keeps_changing_still_turns_up(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            files = drive_service(sandbox.url).files()
            file_id = files.create(body={"name": "v0"}).execute()["id"]
            for number in range(1, 4):
                control(sandbox.url, "clock", {"advance": 3})
                files.update(fileId=file_id, body={"name": f"v{number}"}).execute()
            assert names(sandbox, "name contains 'v'") == ["v1"]

    def test_a_moved_file_is_listed_in_its_old_folder_for_a_while(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            files = drive_service(sandbox.url).files()
            one, two = (files.create(body={"name": name, "mimeType": FOLDER}).execute()["id"] for name in "ab")
            file_id = files.create(body={"name": "x", "parents": [one]}).execute()["id"]
            control(sandbox.url, "clock", {"advance": 6})
            files.update(fileId=file_id, addParents=two, removeParents=one).execute()
            assert (names(sandbox, f"'{one}' in parents"), names(sandbox, f"'{two}' in parents")) == (["x"], [])
            control(sandbox.url, "clock", {"advance": 6})
            assert (names(sandbox, f"'{one}' in parents"), names(sandbox, f"'{two}' in parents")) == ([], ["x"])

    def test_lag_can_be_set(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            control(sandbox.url, "seed/drive", {"list_lag": 0})
            drive_service(sandbox.url).files().create(body={"name": "new"}).execute()
            assert names(sandbox, "name = 'new'") == ["new"]


@pytest.mark.usefixtures("tree")
class TestChanges:
    def test_feed_tells_each_file_once_with_its_latest_state(self):
        with Sandbox.start("empty", speed=1.0, latency="none") as sandbox:
            service = drive_service(sandbox.url)
            control(sandbox.url, "clock", {"advance": 6})
            token = service.changes().getStartPageToken().execute()["startPageToken"]
            kept = service.files().create(body={"name": "one"}).execute()["id"]
            service.files().update(fileId=kept, body={"name": "two"}).execute()
            gone = service.files().create(body={"name": "gone"}).execute()["id"]
            service.files().delete(fileId=gone).execute()
            early = service.changes().list(pageToken=token).execute()
            assert early["changes"] == []
            assert early["newStartPageToken"] == token
            control(sandbox.url, "clock", {"advance": 6})
            page = service.changes().list(pageToken=token).execute()
            told = {change["fileId"]: change for change in page["changes"]}
            assert set(told) == {kept, gone}
            assert told[kept]["file"]["name"] == "two"
            assert told[gone]["removed"] is True
            assert "file" not in told[gone]
            assert service.changes().list(pageToken=page["newStartPageToken"]).execute()["changes"] == []

    def test_pages_and_wrong_tokens(self, sandbox):
        changes = drive_service(sandbox.url).changes()
        first = changes.list(pageToken="1", pageSize=2).execute()
        assert "nextPageToken" in first
        assert "newStartPageToken" not in first
        assert refusal(changes.list(pageToken="x")) == (400, "invalid")

    def test_strangers_changes_stay_private(self, sandbox, tree):
        told = drive_service(sandbox.url).changes().list(pageToken="1", pageSize=1000).execute()["changes"]
        assert tree["beas own"] not in {change["fileId"] for change in told}


def test_about_needs_fields(sandbox):
    answer = plain_session().get(sandbox.url + "/drive/v3/about", timeout=5)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "required")
