"""The doctor: what is wrong is found and comes with what to do."""

from __future__ import annotations

import msgspec
import pytest
import requests
from cli_world import Sheet

from sheets_catalog.flows.connection import open_systems, save
from sheets_catalog.flows.doctor import examine, missing_scopes


def control(at, path, body):
    answer = requests.post(f"{at.sandbox.url}/_sandbox/{path}", json=body, timeout=10)
    assert answer.ok, answer.text
    return answer.json()


def found(at, systems=None):
    """Checks by name; of several with one name the worst."""
    order = {False: 0, None: 1, True: 2}
    checks = sorted(examine(systems or at.systems), key=lambda check: -order[check.ok])
    return {check.name: check for check in checks}


def with_connection(at, **changes):
    return open_systems(msgspec.structs.replace(at.connection, **changes))


def test_a_healthy_connection_passes_every_check(run, at):
    done = run("doctor", "--json")
    assert (done.status, done.told["ok"]) == (0, True)
    assert {check["ok"] for check in done.told["checks"]} == {True}
    assert {check["name"] for check in done.told["checks"]} >= {
        "Google sign-in",
        "Spreadsheet",
        "Spreadsheet access",
        "Folder",
        "Tab Products",
        "Tab Variants",
        "Tab Inventory",
        "Shop",
        "Shopify scopes",
        "Shopify API",
        "Shopify quota",
        "Locations",
        "Clock",
        "Baseline",
        "Jobs",
        "Audit database",
    }
    assert "Everything is in place." in run("doctor").out


def test_before_the_first_import_it_says_what_to_do(run, bare):
    done = run("doctor")
    assert done.status == 0
    assert "`sheets-catalog import` makes it." in done.out


def test_it_changes_nothing(at, run):
    since = len(at.ledger())
    run("doctor")
    assert not at.ledger(since)


def test_a_failed_check_ends_with_9(run, at):
    save(msgspec.structs.replace(at.connection, folder_id=at.spreadsheet_id), "default")
    done = run("doctor", "--json")
    assert (done.status, done.told["ok"]) == (9, False)


def test_a_dead_google_token_fails_what_needs_google_and_nothing_else(at):
    google = msgspec.structs.replace(at.connection.google, access_token="ya29.0dd5ecret")
    checks = found(at, with_connection(at, google=google))
    assert checks["Google sign-in"].ok is False
    assert checks["Google sign-in"].advice
    assert checks["Shop"].ok
    assert "0dd5ecret" not in str(checks)


def test_a_token_with_too_few_scopes_is_named(at):
    token = control(at, "seed/shopify", {"do": "mint_token", "scopes": ["read_products"]})
    text = next(value for value in token.values() if isinstance(value, str) and value.startswith("shpat_"))
    shopify = msgspec.structs.replace(at.connection.shopify, access_token=text)
    check = found(at, with_connection(at, shopify=shopify))["Shopify scopes"]
    assert check.ok is False
    assert "write_products" in check.found
    assert "write_inventory" in check.found


def test_a_write_scope_includes_reading():
    assert missing_scopes(frozenset({"write_products", "write_inventory", "write_locations"})) == []
    assert missing_scopes(frozenset({"read_products"})) == ["write_products", "write_inventory", "read_locations"]


@pytest.mark.parametrize(
    ("places", "name", "words"),
    [
        ({"folder_id": "SHEET"}, "Folder", "not a folder"),
        ({"folder_id": "X" * 30}, "Folder", ""),
        ({"spreadsheet_id": "X" * 30}, "Spreadsheet", ""),
        ({"spreadsheet_id": "FOLDER"}, "Spreadsheet", ""),
    ],
)
def test_wrong_places_are_found(at, places, name, words):
    real = {"SHEET": at.connection.spreadsheet_id, "FOLDER": at.connection.folder_id}
    check = found(at, with_connection(at, **{key: real.get(value, value) for key, value in places.items()}))[name]
    assert check.ok is False
    assert words in check.found
    assert check.advice


def test_what_lies_in_the_trash_is_found(at):
    at.systems.drive.trash(at.connection.folder_id)
    assert "trash" in found(at)["Folder"].found


def test_a_reader_cannot_work(at):
    reader = "reader@example.com"
    at.systems.drive.create_permission(at.spreadsheet_id, type_="user", role="reader", email_address=reader)
    token = control(at, "tokens", {"email": reader})["access_token"]
    google = msgspec.structs.replace(at.connection.google, access_token=token)
    assert "may only look" in found(at, with_connection(at, google=google))["Spreadsheet access"].found


def test_doubled_and_misspelt_columns_are_found(at):
    products = Sheet(at, "Products")
    products.put(1, "Title", "Vendor")
    products.put(1, "Tags", "Tagss")
    checks = [check for check in examine(at.systems) if check.name == "Tab Products"]
    assert {check.ok for check in checks} == {False, None}
    assert any("Vendor" in check.found for check in checks)
    assert any("Tagss" in check.found for check in checks)


def test_merged_cells_protected_ranges_and_filters_are_found(at):
    book = at.person()
    sheet = book.worksheet("Variants")
    sheet.merge_cells("A2:A3")
    sheet.set_basic_filter("A1:C5")
    text = " ".join(check.found for check in examine(at.systems) if check.name == "Tab Variants")
    assert "merged" in text
    assert "filter" in text


def test_a_clock_that_is_off_is_found(at):
    control(at, "clock", {"skew": -4000})
    check = found(at)["Clock"]
    assert check.ok is False
    assert "NTP" in check.advice


def test_a_locale_with_commas_is_something_to_know(at):
    request = {"updateSpreadsheetProperties": {"properties": {"locale": "de_DE"}, "fields": "locale"}}
    at.systems.sheets.batch_update(at.spreadsheet_id, [request], safety="repeatable")
    check = found(at)["Locale"]
    assert check.ok is None
    assert "1,5" in check.advice


def test_jobs_that_wait_are_something_to_know(at, sheet):
    from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
    from sheets_catalog.jobs.runner import Limits

    sheet("Variants").put(2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems, ExportOptions()))
    apply(at.systems, at.audit, job, limits=Limits(stopping=lambda: True))
    check = found(at)["Jobs"]
    assert check.ok is None
    assert f"jobs resume {job}" in check.advice


def test_a_damaged_baseline_is_something_to_know(at):
    from sheets_catalog.flows import control as controls

    at.systems.drive.update_content(controls.find(at.systems).file_id, b"damaged")
    assert found(at)["Baseline"].ok is None


def test_an_audit_that_cannot_be_opened_is_found(at, tmp_path):
    path = tmp_path / "audit.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    check = found(at, with_connection(at, audit_url=str(path)))["Audit database"]
    assert check.ok is False
    assert check.advice
