"""Which connection a command works on."""

from __future__ import annotations

import json

import pytest

from sheets_catalog.cli import connections
from sheets_catalog.errors import SettingsError, Unavailable
from sheets_catalog.flows.connection import Connection, GoogleSettings, ShopifySettings, save

MINE = Connection(
    GoogleSettings(access_token="google-token"),
    ShopifySettings("mine.myshopify.com", access_token="t"),
    "S" * 20,
    "F" * 20,
)
TOLD = {
    "url": "http://127.0.0.1:1",
    "google": {"root": "http://127.0.0.1:1", "token": "sandbox-token", "email": "owner@example.com"},
    "shopify": {"shop": "demo-shop.myshopify.com", "access_token": "shpat_x"},
    "spreadsheet_id": "S" * 20,
    "folder_id": "F" * 20,
    "clock": {"real_epoch": 1, "simulated_epoch": 2, "speed": 1000},
}


def test_the_only_connection_needs_no_name(home):
    save(MINE, "shop")
    assert connections.find("") == ("shop", MINE)


def test_without_any_all_ways_to_one_are_told(home):
    with pytest.raises(SettingsError, match="no connection yet") as caught:
        connections.find("")
    for way in ("demo", "connect google", "connect shopify", "connect sandbox"):
        assert way in caught.value.advice


def test_a_sandbox_that_is_gone_is_told_at_once_and_google_is_not_asked():
    connections.check_answers("shop", MINE)
    with pytest.raises(Unavailable, match="The sandbox of “sandbox” is gone: nobody listens at http") as gone:
        connections.check_answers("sandbox", connections.from_sandbox(TOLD, "a test"))
    assert "connect sandbox" in gone.value.advice


def test_among_several_the_default_one_counts(home):
    save(MINE, "other")
    save(MINE, "default")
    assert connections.find("")[0] == "default"


def test_among_several_without_a_default_nothing_is_guessed(home):
    save(MINE, "a")
    save(MINE, "b")
    with pytest.raises(SettingsError, match="a, b") as caught:
        connections.find("")
    assert "--connection" in caught.value.advice


def test_a_settings_file_can_be_named(home, tmp_path):
    path = save(MINE, "shop").rename(tmp_path / "mine.json")
    assert connections.find(str(path)) == (str(path), MINE)


@pytest.mark.parametrize("text", ["{line}", "{line}\n", "{line}\nserving …\n", "\n{line}"])
def test_the_line_of_a_sandbox_can_be_named(home, tmp_path, text):
    path = tmp_path / "sandbox.json"
    path.write_text(text.replace("{line}", json.dumps(TOLD)))
    _, found = connections.find(str(path))
    assert found.google.root_url == found.shopify.base_url == TOLD["url"]
    assert found.clock
    assert (found.clock.speed, found.actor) == (1000, "owner@example.com")


@pytest.mark.parametrize("missing", ["google", "shopify", "spreadsheet_id", "folder_id", "clock"])
def test_a_line_that_is_cut_short_says_what_is_missing(missing):
    with pytest.raises(SettingsError, match=missing):
        connections.from_sandbox({name: value for name, value in TOLD.items() if name != missing}, "the line")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[1]", b"{", b'{"google": 1}', b"\xff\xfe"])
def test_what_is_no_connection_is_refused_with_its_place(content):
    with pytest.raises(SettingsError, match=r"here\.json"):
        connections.from_bytes(content, "here.json")


def test_a_file_that_is_not_there_is_named(home):
    with pytest.raises(SettingsError, match=r"nowhere/x\.json"):
        connections.find("nowhere/x.json")


def test_hints_name_the_connection_unless_it_is_the_default_one():
    assert connections.command_hint("plan", "default") == "sheets-catalog plan"
    assert connections.command_hint("plan", "my shop.json") == "sheets-catalog plan --connection 'my shop.json'"
