"""Drive v2: the etag, `If-Match`, and properties. It is the only compare-and-set that Drive has."""

from __future__ import annotations

import threading

import pytest
from googleapiclient.errors import HttpError

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import close_clients, control, drive_service, plain_session, reason

__all__ = ["close_clients"]


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        running.gateway.quota.enabled = False
        yield running
        assert not running.gateway.crashes


@pytest.fixture
def v2(sandbox):
    return drive_service(sandbox.url, "v2")


@pytest.fixture
def v3(sandbox):
    return drive_service(sandbox.url)


def guarded(request, etag):
    request.headers["If-Match"] = etag
    return request


def refusal(request):
    with pytest.raises(HttpError) as caught:
        request.execute()
    return reason(caught.value)


def private(**values):
    return [{"key": key, "value": value, "visibility": "PRIVATE"} for key, value in values.items()]


def test_a_guarded_patch_goes_through_once(v2):
    made = v2.files().insert(body={"title": "state"}).execute()
    first = guarded(v2.files().patch(fileId=made["id"], body={"properties": private(a="1")}), made["etag"]).execute()
    assert first["etag"] != made["etag"]
    late = guarded(v2.files().patch(fileId=made["id"], body={"properties": private(a="2")}), made["etag"])
    assert refusal(late) == (412, "conditionNotMet")
    assert v2.files().get(fileId=made["id"]).execute()["properties"][0]["value"] == "1"


def test_of_many_guarded_writers_one_wins(sandbox, v2):
    made = v2.files().insert(body={"title": "lease"}).execute()
    url, results = f"{sandbox.url}/drive/v2/files/{made['id']}", []

    def write(number):
        with plain_session() as session:
            body = {"properties": private(owner=str(number))}
            results.append(session.patch(url, json=body, headers={"If-Match": made["etag"]}, timeout=10).status_code)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [200] + [412] * 7


def test_every_v3_write_moves_the_v2_etag(v2, v3):
    file_id = v3.files().create(body={"name": "x"}).execute()["id"]
    etags = [v2.files().get(fileId=file_id).execute()["etag"]]
    for body in ({"name": "y"}, {"appProperties": {"a": "1"}}, {"trashed": True}):
        v3.files().update(fileId=file_id, body=body).execute()
        etags.append(v2.files().get(fileId=file_id).execute()["etag"])
    assert len(set(etags)) == len(etags)


def test_private_properties_are_v3s_app_properties(v2, v3):
    file_id = v3.files().create(body={"appProperties": {"a": "1"}, "properties": {"p": "2"}}).execute()["id"]
    shown = {
        (item["key"], item["visibility"]): item["value"]
        for item in v2.properties().list(fileId=file_id).execute()["items"]
    }
    assert shown == {("a", "PRIVATE"): "1", ("p", "PUBLIC"): "2"}
    body = {"properties": [*private(a=None, b="3"), {"key": "p", "value": "4", "visibility": "PUBLIC"}]}
    v2.files().patch(fileId=file_id, body=body).execute()
    after = v3.files().get(fileId=file_id, fields="appProperties,properties").execute()
    assert after == {"appProperties": {"b": "3"}, "properties": {"p": "4"}}


def test_single_properties_have_an_etag_of_their_own(v2):
    file_id = v2.files().insert(body={"title": "x"}).execute()["id"]
    made = v2.properties().insert(fileId=file_id, body={"key": "k", "value": "1", "visibility": "PRIVATE"}).execute()
    change = {"value": "2", "visibility": "PRIVATE"}
    guarded(v2.properties().patch(fileId=file_id, propertyKey="k", body=change), made["etag"]).execute()
    again = guarded(v2.properties().patch(fileId=file_id, propertyKey="k", body=change), made["etag"])
    assert refusal(again) == (412, "conditionNotMet")
    assert v2.properties().get(fileId=file_id, propertyKey="k").execute()["value"] == "2"
    v2.properties().delete(fileId=file_id, propertyKey="k").execute()
    assert refusal(v2.properties().get(fileId=file_id, propertyKey="k")) == (404, "notFound")


def test_limits_are_those_of_v3(v2):
    made = v2.files().insert(body={"title": "x"}).execute()
    request = v2.files().patch(fileId=made["id"], body={"properties": private(k="v" * 124)})
    assert refusal(request) == (403, "propertyLengthLimitExceeded")
    assert v2.files().get(fileId=made["id"]).execute()["etag"] == made["etag"]


def test_guards_on_trash_and_delete(v2):
    made = v2.files().insert(body={"title": "x"}).execute()
    stale = made["etag"]
    v2.files().patch(fileId=made["id"], body={"title": "y"}).execute()
    assert refusal(guarded(v2.files().trash(fileId=made["id"]), stale)) == (412, "conditionNotMet")
    assert refusal(guarded(v2.files().delete(fileId=made["id"]), stale)) == (412, "conditionNotMet")
    v2.files().trash(fileId=made["id"]).execute()
    assert v2.files().untrash(fileId=made["id"]).execute()["labels"]["trashed"] is False
    guarded(v2.files().delete(fileId=made["id"]), "*").execute()


def test_an_unchanged_file_is_304(sandbox, v2):
    made = v2.files().insert(body={"title": "x"}).execute()
    url = f"{sandbox.url}/drive/v2/files/{made['id']}"
    answer = plain_session().get(url, headers={"If-None-Match": made["etag"]}, timeout=5)
    assert (answer.status_code, answer.content) == (304, b"")
    assert plain_session().get(url, timeout=5).headers["ETag"] == made["etag"]


def test_patch_by_put_and_by_copy_and_list(sandbox, v2):
    made = v2.files().insert(body={"title": "x", "properties": private(a="1")}).execute()
    assert v2.files().update(fileId=made["id"], body={"title": "y"}).execute()["title"] == "y"
    copied = v2.files().copy(fileId=made["id"], body={"title": "z"}).execute()
    assert copied["properties"][0]["value"] == "1"
    control(sandbox.url, "clock", {"advance": 10})
    listed = v2.files().list(q="title = 'z'").execute()["items"]
    assert [item["id"] for item in listed] == [copied["id"]]


def test_what_v2_cannot_write_here_is_named(v2):
    made = v2.files().insert(body={"title": "x"}).execute()
    assert refusal(v2.files().patch(fileId=made["id"], body={"indexableText": {"text": "t"}})) == (
        501,
        "notImplemented",
    )
    assert refusal(v2.files().patch(fileId=made["id"], body={"parents": [{"id": "other"}]})) == (501, "notImplemented")
    same = v2.files().patch(fileId=made["id"], body={"parents": made["parents"]})
    assert same.execute()["id"] == made["id"]
