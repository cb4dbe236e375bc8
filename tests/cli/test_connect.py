"""`connect`: what is saved was opened first, and secrets stay secret."""

from __future__ import annotations

import json

import pytest
import requests

from sheets_catalog.flows import connection as connections

SANDBOX_TOKEN, SHOP_TOKEN = "sandbox-token", "shpat_sandbox_full"
ROBOT = "robot@sheets-catalog.iam.gserviceaccount.com"


@pytest.fixture
def desk_only(at, home):
    """A running sandbox, and no connection saved."""
    connections.path_of("default").unlink()
    return at


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{SANDBOX_TOKEN}\n")
    return path


def google(run, at, *more, token_file):
    arguments = ("connect", "google", "--root-url", at.sandbox.url, "--token-file", token_file, *more)
    return run(*arguments)


def test_a_sandbox_is_connected_by_address_line_file_and_stdin(run, process, desk_only, tmp_path):
    line = json.dumps(desk_only.sandbox.connection())
    path = tmp_path / "line.json"
    path.write_text(line)
    for where in (desk_only.sandbox.url, line, path):
        done = run("connect", "sandbox", where, "--json")
        assert done.status == 0
        assert done.told["complete"]
        assert connections.load("sandbox").spreadsheet_id == desk_only.spreadsheet_id
    assert process("connect", "sandbox", "-", "--name", "piped", stdin=line + "\n").status == 0
    assert connections.saved() == ["piped", "sandbox"]


def test_both_sides_can_be_connected_one_after_the_other(run, desk_only, token_file, monkeypatch):
    at = desk_only
    first = google(run, at, "--spreadsheet", at.spreadsheet_id, "--json", token_file=token_file)
    assert first.status == 0
    assert (first.told["complete"], first.told["missing"]) == (False, "shopify")
    assert connections.saved() == []
    monkeypatch.setenv("SHEETS_CATALOG_SHOPIFY_TOKEN", SHOP_TOKEN)
    second = run("connect", "shopify", "--shop", "demo-shop", "--base-url", at.sandbox.url, "--json")
    assert second.status == 0
    assert second.told["complete"]
    checks = run("doctor", "--json").told["checks"]
    assert {check["name"] for check in checks if check["ok"] is False} == {"Clock"}  # the sandbox's time runs fast
    saved = connections.load("default")
    assert (saved.shopify.shop, saved.actor) == ("demo-shop.myshopify.com", "owner@example.com")


def test_either_side_can_come_first(run, desk_only, token_file, monkeypatch):
    at = desk_only
    monkeypatch.setenv("SHEETS_CATALOG_SHOPIFY_TOKEN", SHOP_TOKEN)
    first = run("connect", "shopify", "--shop", "https://demo-shop.myshopify.com/", "--base-url", at.sandbox.url)
    assert "connect google" in first.out
    assert google(run, at, "--spreadsheet", at.spreadsheet_id, token_file=token_file).status == 0
    assert connections.saved() == ["default"]


def test_a_folder_is_made_once_and_found_again(run, desk_only, token_file):
    at = desk_only
    first = google(run, at, "--spreadsheet", at.spreadsheet_id, "--json", token_file=token_file).told
    second = google(run, at, "--spreadsheet", at.spreadsheet_id, "--json", token_file=token_file).told
    assert first["facts"]["Folder"] == second["facts"]["Folder"]
    assert first["facts"]["Folder"].startswith("Sheets Catalog (")


def test_a_spreadsheet_can_be_made(run, desk_only, token_file):
    told = google(run, desk_only, "--create", "Häuser & Höfe", "--json", token_file=token_file).told
    assert told["facts"]["Spreadsheet"].startswith("Häuser & Höfe (")


def test_a_link_from_the_browser_will_do(run, desk_only, token_file):
    at = desk_only
    link = f"https://docs.google.com/spreadsheets/d/{at.spreadsheet_id}/edit?gid=0#gid=0"
    assert google(run, at, "--spreadsheet", link, token_file=token_file).status == 0


def test_settings_are_for_their_owner_only_and_drafts_too(run, desk_only, token_file, home):
    google(run, desk_only, "--spreadsheet", desk_only.spreadsheet_id, token_file=token_file)
    run("connect", "sandbox", desk_only.sandbox.url)
    for path in home.rglob("*.json"):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("place", "status", "word"),
    [
        (["--spreadsheet", "X" * 30], 4, "not found"),
        (["--spreadsheet", "no link at all"], 2, "link"),
        (["--spreadsheet", "SHEET", "--folder", "SHEET"], 2, "folder"),
    ],
)
def test_what_cannot_be_opened_is_not_saved(run, desk_only, token_file, home, place, status, word):
    place = [each.replace("SHEET", desk_only.spreadsheet_id) for each in place]
    done = google(run, desk_only, *place, "--json", token_file=token_file)
    assert done.status == status
    assert word in done.told["error"]["message"].lower() + done.told["error"]["advice"].lower()
    assert not list(home.rglob("*.json"))


def test_a_wrong_token_is_not_saved_and_not_shown(run, desk_only, tmp_path, home):
    wrong = tmp_path / "wrong"
    wrong.write_text("ya29.wrong-secret-token")
    for arguments in (
        (
            "google",
            "--root-url",
            desk_only.sandbox.url,
            "--token-file",
            wrong,
            "--spreadsheet",
            desk_only.spreadsheet_id,
        ),
        ("shopify", "--base-url", desk_only.sandbox.url, "--token-file", wrong, "--shop", "demo-shop"),
    ):
        done = run("connect", *arguments, "--json")
        assert done.status == 3, done
        assert "wrong-secret" not in done.out + done.err
    assert not list(home.rglob("*.json"))


def test_an_app_can_be_used_instead_of_a_token(run, desk_only, monkeypatch):
    told = desk_only.sandbox.connection()["shopify"]
    monkeypatch.setenv("SHEETS_CATALOG_SHOPIFY_CLIENT_SECRET", told["client_secret"])
    shop = ("--shop", told["shop"], "--base-url", desk_only.sandbox.url, "--client-id", told["client_id"])
    done = run("connect", "shopify", *shop)
    assert done.status == 0
    assert told["client_secret"] not in done.out + done.err


def test_a_token_on_the_command_line_is_warned_about_and_never_echoed(run, desk_only):
    shop = ("--shop", "demo-shop", "--base-url", desk_only.sandbox.url, "--access-token", SHOP_TOKEN)
    done = run("connect", "shopify", *shop)
    assert done.status == 0
    assert "Warning" in done.err
    assert SHOP_TOKEN not in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["google"], "--service-account"),
        (["google", "--access-token", "x"], "--spreadsheet"),
        (["shopify"], "--shop"),
        (["shopify", "--shop", "a"], "--token-file"),
        (["shopify", "--shop", "a", "--client-id", "b"], "--client-secret-file"),
    ],
)
def test_where_nobody_can_be_asked_the_missing_option_is_named(process, arguments, option, desk_only):
    done = process("connect", *arguments, "--json")
    assert done.status == 2
    assert option in done.told["error"]["advice"]


def test_a_secret_file_must_hold_one_secret(run, desk_only, tmp_path):
    for content in ("", "two words", "a\nb"):
        path = tmp_path / "secret"
        path.write_text(content)
        done = run("connect", "shopify", "--shop", "demo-shop", "--token-file", path, "--json")
        assert (done.status, done.told["error"]["type"]) == (2, "SettingsError")


def test_show_lists_everything_but_secrets(run, desk_only, token_file):
    run("connect", "sandbox", desk_only.sandbox.url)
    google(run, desk_only, "--spreadsheet", desk_only.spreadsheet_id, "--name", "half", token_file=token_file)
    done = run("connect", "show", "--json")
    assert [each["name"] for each in done.told["connections"]] == ["sandbox"]
    assert done.told["unfinished"] == [{"name": "half", "missing": "shopify"}]
    table = run("connect", "show").out
    assert "demo-shop.myshopify.com" in table
    for secret in (SANDBOX_TOKEN, SHOP_TOKEN):
        assert secret not in done.out + table


def test_forget_forgets(run, desk_only):
    run("connect", "sandbox", desk_only.sandbox.url)
    assert run("connect", "forget", "sandbox", "--json").told == {"forgotten": "sandbox", "exit_status": 0}
    assert connections.saved() == []
    assert run("connect", "forget", "sandbox").status == 2


@pytest.mark.parametrize(("option", "what"), [("--spreadsheet", "a spreadsheet"), ("--folder", "a Drive folder")])
def test_what_is_no_link_is_told_with_its_option(run, bare, option, what):
    given = {"--spreadsheet": bare.connection.spreadsheet_id} | {option: "foo"}
    words = [word for pair in given.items() for word in pair]
    google = bare.connection.google
    done = run(
        "connect", "google", "--root-url", google.root_url, "--access-token", google.access_token, *words, "--json"
    )
    assert done.status == 2
    assert done.told["error"]["message"] == f"{option}: “foo” is neither the link nor the id of {what}."
    assert "https://" in done.told["error"]["advice"]


@pytest.mark.parametrize("where", ["http://127.0.0.1:1", "http://example.com", "nowhere.json", "{}", "{"])
def test_what_is_no_sandbox_is_refused_with_advice(run, where):
    done = run("connect", "sandbox", where, "--json")
    assert done.status == 2
    assert done.told["error"]["advice"]


@pytest.fixture
def robot(desk_only, tmp_path):
    """A service account with its key file."""
    told = requests.post(f"{desk_only.sandbox.url}/_sandbox/service_accounts", json={"email": ROBOT}, timeout=10).json()
    path = tmp_path / "key.json"
    path.write_text(json.dumps(told))
    return path


def share(at, file_id):
    requests.post(
        f"{at.sandbox.url}/drive/v3/files/{file_id}/permissions",
        headers={"Authorization": f"Bearer {SANDBOX_TOKEN}"},
        json={"role": "writer", "type": "user", "emailAddress": ROBOT},
        timeout=10,
    ).raise_for_status()


def test_a_service_account_works_on_a_sheet_and_folder_that_people_shared_with_it(run, desk_only, robot, monkeypatch):
    at = desk_only
    places = ("--spreadsheet", at.spreadsheet_id, "--folder", at.connection.folder_id)
    arguments = ("connect", "google", "--root-url", at.sandbox.url, "--service-account", robot, *places)
    refused = run(*arguments, "--json")
    assert refused.status != 0, "nothing was shared with it yet"
    share(at, at.spreadsheet_id)
    share(at, at.connection.folder_id)
    assert run(*arguments).status == 0
    monkeypatch.setenv("SHEETS_CATALOG_SHOPIFY_TOKEN", SHOP_TOKEN)
    assert run("connect", "shopify", "--shop", "demo-shop", "--base-url", at.sandbox.url).status == 0
    planned = run("plan", "--json")
    assert planned.told["empty"], planned.err
    assert planned.told["books"]["unchanged"] == 201
    assert connections.load("default").actor == ROBOT


def test_connecting_with_a_settings_folder_that_cannot_be_made_is_no_fault_of_ours(run, desk_only, monkeypatch):
    monkeypatch.setenv("SHEETS_CATALOG_HOME", "/dev/null/settings")
    done = run("connect", "sandbox", desk_only.sandbox.url, "--json")
    assert done.status == 2
    assert "/dev/null/settings cannot be used" in done.told["error"]["message"]
