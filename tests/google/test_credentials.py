"""Credentials: from settings to a token that many threads share."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sheets_catalog import errors
from sheets_catalog.google.credentials import SCOPES, credentials_from, fetch_token, scopes_for
from sheets_catalog.google.transport import Request

EMAIL = ["openid", "https://www.googleapis.com/auth/userinfo.email"]
SECRET = "1//canary-refresh-token"


def user_info(control, **more):
    google = control.sandbox.connection()["google"]
    names = ("client_id", "client_secret", "refresh_token", "token_uri")
    return {"type": "authorized_user", **{name: google[name] for name in names}, **more}


def who(transport) -> str:
    answer = transport.exchange(Request("identity.userinfo", "GET", transport.root_url + "/oauth2/v3/userinfo"))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["email"]


def test_a_bare_token(connect) -> None:
    assert who(connect(access_token="sandbox-token")) == "owner@example.com"


def test_an_authorized_user_file(connect, control, tmp_path) -> None:
    path = tmp_path / "user.json"
    path.write_text(json.dumps(user_info(control)))
    assert who(connect(authorized_user_file=str(path))) == "owner@example.com"
    assert len(control.requests("identity.token")) == 1


def test_a_service_account_file_without_any_background_look_up(connect, control, tmp_path) -> None:
    email = "robot@sheets-catalog.iam.gserviceaccount.com"
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(control.post("service_accounts", email=email)))
    assert who(connect(service_account_file=str(path), scopes=EMAIL)) == email
    assert not [each for each in control.requests() if "allowedLocations" in each["operation"]]


def test_a_service_account_stands_in_for_a_user(connect, control) -> None:
    email = "delegate@sheets-catalog.iam.gserviceaccount.com"
    info = control.post("service_accounts", email=email, delegates=["*"])
    assert who(connect(service_account_info=info, subject="anna@example.com", scopes=EMAIL)) == "anna@example.com"


def test_scopes_are_the_least_by_default() -> None:
    assert scopes_for(["sheets", "drive"]) == (
        "https://www.googleapis.com/auth/spreadsheets",
        "https://www.googleapis.com/auth/drive.file",
    )
    assert "https://www.googleapis.com/auth/drive" not in scopes_for(["sheets", "drive", "business_profile"])
    with pytest.raises(errors.SettingsError, match="everything"):
        scopes_for(["everything"])
    assert SCOPES["any_drive_file"] == ("https://www.googleapis.com/auth/drive",)


def test_a_service_account_asks_for_the_scopes_of_its_features(connect, control) -> None:
    info = control.post("service_accounts", email="narrow@sheets-catalog.iam.gserviceaccount.com")
    transport = connect(service_account_info=info, features=["sheets"])
    with pytest.raises(errors.SheetsCatalogError):
        transport.send(transport.service("drive", "v3").files().list())


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, "none"),
        ({"access_token": ""}, "none"),
        ({"access_token": "x", "authorized_user_file": "y"}, "authorized_user_file"),
        ({"access_token": "x", "acces_token": "y"}, "acces_token"),
        ({"access_token": "two words"}, "no token has"),
        ({"access_token": "line\nbreak"}, "no token has"),
        ({"authorized_user_file": "/nowhere/at/all.json"}, "/nowhere/at/all.json"),
        ({"authorized_user_info": {"client_id": "x"}}, "client_secret"),
        ({"service_account_info": {"client_email": "x"}}, "service_account_info"),
        ({"service_account_info": {"client_email": "x", "token_uri": "http://example.com/token"}}, "https address"),
        ({"authorized_user_info": {"token_uri": "http://169.254.169.254/"}}, "https address"),
        ({"access_token": "x", "features": ["magic"]}, "magic"),
    ],
)
def test_settings_that_cannot_work_say_what_was_found(settings, found) -> None:
    with pytest.raises(errors.SettingsError, match=found):
        credentials_from(settings)


def test_a_file_that_is_no_object(tmp_path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(errors.SettingsError, match="list"):
        credentials_from({"authorized_user_file": tmp_path / "list.json"})


def test_no_secret_is_ever_shown(connect, control, sandbox) -> None:
    info = user_info(control, refresh_token=SECRET)
    credentials = credentials_from({"authorized_user_info": info})
    transport = connect(authorized_user_info=info)
    with pytest.raises(errors.CredentialsError) as caught:
        who(transport)
    bare = credentials_from({"access_token": "ya29.canary"})
    shown = f"{credentials!r} {transport!r} {bare!r} {caught.value} {caught.value.advice} {vars(caught.value)}"
    assert "canary" not in shown
    assert info["client_secret"] not in shown


def test_fifty_threads_fetch_one_token(connect, control) -> None:
    transport = connect(authorized_user_info=user_info(control))
    together = threading.Barrier(50)

    def call(_: int) -> str:
        together.wait()
        return who(transport)

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(call, range(50))) == {"owner@example.com"}
    assert len(control.requests("identity.token")) == 1


def test_fifty_threads_turned_away_fetch_one_new_token(connect, control) -> None:
    transport = connect(authorized_user_info=user_info(control))
    who(transport)
    control.post("tokens/expire")
    together = threading.Barrier(50)

    def call(_: int) -> str:
        together.wait()
        return who(transport)

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(call, range(50))) == {"owner@example.com"}
    assert len(control.requests("identity.token")) == 2


def test_a_refresh_that_fails_fails_for_all_who_waited(connect, control) -> None:
    transport = connect(authorized_user_info=user_info(control))
    control.fault("identity.token", "status", status=503, times="forever")
    together = threading.Barrier(20)

    def call(_: int) -> object:
        together.wait()
        try:
            return who(transport)
        except errors.Unavailable as error:
            return error.applied

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(call, range(20))) == {False}
    assert len(control.requests("identity.token")) < 10


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429},
        {"kind": "fin"},
        {"kind": "reset"},
        {"kind": "half-body", "when": "after"},
        {"kind": "garbled-body"},
        {"kind": "empty-body"},
        {"kind": "blank-status-line"},
    ],
)
def test_a_token_is_fetched_in_one_try(connect, control, fault) -> None:
    transport = connect(authorized_user_info=user_info(control))
    control.fault("identity.token", **fault)
    with pytest.raises(errors.Unavailable) as caught:
        who(transport)
    assert caught.value.applied is False
    assert len(control.requests("identity.token")) == 1
    assert who(transport) == "owner@example.com"


def test_revoked_is_for_a_person_to_mend(connect, control) -> None:
    mine = control.post("refresh_tokens", email="gone@example.com")
    value = mine["refresh_token"] if "refresh_token" in mine else mine["value"]
    transport = connect(authorized_user_info=user_info(control, refresh_token=value))
    assert who(transport) == "gone@example.com"
    control.post("tokens/revoke", token=value)
    with pytest.raises(errors.CredentialsError) as caught:
        who(transport)
    assert "new sign-in" in caught.value.advice


def test_a_bare_token_that_has_expired_is_not_sent_again(connect, control) -> None:
    token = control.post("tokens", email="brief@example.com", seconds=3600)
    transport = connect(access_token=token["access_token"] if "access_token" in token else token["value"])
    built = transport.service("drive", "v3").about().get(fields="user")
    control.post("tokens/expire")
    with pytest.raises(errors.CredentialsError) as caught:
        transport.send(built)
    assert "sheets-catalog connect google" in caught.value.advice
    assert len(control.requests("drive.about.get")) == 1


def test_fetching_a_token_follows_no_redirect_and_always_has_a_timeout() -> None:
    seen = {}

    class Session(requests.Session):
        def request(self, *_, **named):
            seen.update(named)
            raise requests.ConnectionError("stop here")

    with pytest.raises(Exception, match="stop here"):
        fetch_token(Session(), (1.0, 2.0))("https://oauth2.googleapis.com/token", "POST", b"", {}, timeout=None)
    assert seen["timeout"] == (1.0, 2.0)
    assert seen["allow_redirects"] is False
