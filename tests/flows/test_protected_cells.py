"""Cells that somebody protected from the account that exports: told before anything is sent, and no dead end."""

from __future__ import annotations

import msgspec
import pytest
import requests
from sandboxed import imported

from sheets_catalog.errors import PermissionMissing
from sheets_catalog.flows import job_files
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.jobs.state import Status

ANNA = "anna@example.com"


@pytest.fixture
def at():
    with imported() as one:
        for file_id in (one.spreadsheet_id, one.connection.folder_id):
            one.systems.drive.create_permission(file_id, type_="user", role="writer", email_address=ANNA)
        yield one


@pytest.fixture
def anna(at):
    """The systems of an editor who does not own the sheet."""
    answer = requests.post(f"{at.sandbox.url}/_sandbox/tokens", json={"email": ANNA}, timeout=10).json()
    google = msgspec.structs.replace(at.connection.google, access_token=answer["access_token"])
    return open_systems(msgspec.structs.replace(at.connection, google=google))


def tab(at):
    return at.person().worksheet("Variants")


def add(at):
    """A new variant of a product there is; the number of its row."""
    sheet = tab(at)
    cells = {"Product Handle": "linen-shirt", "Option1 Value": "XXL", "Option2 Value": "Red", "Price": 19}
    row = len(sheet.get_all_values()) + 1
    sheet.update([[cells.get(name, "") for name in sheet.row_values(1)]], f"A{row}")
    return row


def protect(at, area, **more):
    kind = {"protectedRange": {"range": {"sheetId": tab(at).id, **area}, "editors": {"users": []}, **more}}
    answer = at.systems.sheets.batch_update(at.spreadsheet_id, [{"addProtectedRange": kind}], safety="once")
    return answer[0]["addProtectedRange"]["protectedRange"]["protectedRangeId"]


def red(at):
    """How many of the new variant the shop has."""
    variants = at.systems.catalogue.product_by_handle("linen-shirt").variants
    return sum(each.record.values["option1"] == "XXL" for each in variants)


IDS = {"startColumnIndex": 0, "endColumnIndex": 1}


@pytest.mark.parametrize("area", [IDS, {}, {"startRowIndex": 60}])
def test_an_id_that_could_not_be_written_keeps_the_record_from_being_made(at, anna, area):
    row = add(at)
    protect(at, area)
    plan = plan_export(anna)
    (finding,) = plan.findings
    assert (finding.rule, finding.tab, finding.column) == ("sheet_access", "Variants", "Variant ID")
    assert f"({row})" in finding.message
    with pytest.raises(PermissionMissing):
        apply(anna, at.audit, store(anna, plan))
    assert red(at) == 0
    assert not plan_export(at.fresh()).findings, "its owner may edit it"


@pytest.mark.parametrize("more", [{"area": {"startColumnIndex": 6}}, {"area": {"endRowIndex": 60}},
                                  {"area": IDS, "warningOnly": True}, {"area": IDS, "open": True}])  # fmt: skip
def test_what_is_not_written_may_be_protected(at, anna, more):
    row = add(at)
    if more.pop("open", False):
        free = {"sheetId": tab(at).id, "startRowIndex": row - 1, "endRowIndex": row}
        more["unprotectedRanges"] = [free]
        more["area"] = {}
    if more.get("warningOnly"):
        more["editors"] = None
    protect(at, **more)
    plan = plan_export(anna)
    assert plan.findings == ()
    assert apply(anna, at.audit, store(anna, plan)).books.done == 1
    assert tab(at).cell(row, 1).value


def test_protected_after_the_plan_the_job_goes_on_when_it_may_write_again(at, anna):
    row = add(at)
    job = store(anna, plan_export(anna))
    lock = protect(at, IDS)
    with pytest.raises(PermissionMissing) as told:
        apply(anna, at.audit, job)
    assert "remove the protection" in told.value.advice
    at.systems.sheets.batch_update(
        at.spreadsheet_id, [{"deleteProtectedRange": {"protectedRangeId": lock}}], safety="once"
    )
    assert apply(anna, at.audit, job).books.done == 1
    assert (bool(tab(at).cell(row, 1).value), red(at)) == (True, 1)


def test_protected_after_the_plan_the_job_can_be_cancelled_and_nothing_is_made_twice(at, anna):
    add(at)
    job = store(anna, plan_export(anna))
    protect(at, IDS)
    with pytest.raises(PermissionMissing):
        apply(anna, at.audit, job)
    job_files.cancel(anna, job)
    result = apply(anna, at.audit, job)
    assert (result.status, result.books.conflicted) == (Status.CANCELLED, 1)
    assert "this account may not edit its cells" in result.state.reasons[0]
    assert "Its id in the shop is" in result.state.reasons[0]
    (finding,) = [each for each in plan_export(at.fresh()).findings if each.severity == "error"]
    assert finding.rule == "unlinked"
    assert red(at) == 1


def test_an_id_that_was_written_counts_although_other_cells_of_the_tab_may_not_be_when_the_job_is_cancelled(at, anna):
    row, (price, barcode) = add(at), (tab(at).row_values(1).index(header) + 1 for header in ("Price", "Barcode"))
    tab(at).update_cell(40, price, 63)
    tab(at).update_cell(40, barcode, "typed")
    at.sandbox.services["shopify"].edit_variant(tab(at).cell(40, 1).value, price="99.00")
    plan = plan_export(anna, ExportOptions(policy="shop"))
    job = store(anna, plan)
    protect(at, {"startColumnIndex": price - 1, "endColumnIndex": price})
    with pytest.raises(PermissionMissing):
        apply(anna, at.audit, job)
    job_files.cancel(anna, job)
    result = apply(anna, at.audit, job)
    assert (result.status, result.books.done, result.books.conflicted) == (Status.CANCELLED, 1, 1)
    assert tab(at).cell(row, 1).value
    (reason,) = result.state.reasons.values()
    assert reason.endswith("this account may not edit its cells.")


def test_a_job_that_may_not_list_its_conflicts_says_so_and_can_be_cancelled(at, anna):
    header = tab(at).row_values(1).index("Price") + 1
    tab(at).update_cell(40, header, 63)
    at.sandbox.services["shopify"].edit_variant(tab(at).cell(40, 1).value, price="99.00")
    apply(anna, at.audit, store(anna, plan_export(anna)))
    listed = at.person().worksheet("Conflicts").id
    guard = {"protectedRange": {"range": {"sheetId": listed}, "editors": {"users": []}}}
    at.systems.sheets.batch_update(at.spreadsheet_id, [{"addProtectedRange": guard}], safety="once")
    tab(at).update_cell(40, header, 65)
    tab(at).update_cell(2, header, 61)
    job = store(anna, plan_export(anna))
    with pytest.raises(PermissionMissing, match="open conflicts cannot be listed") as caught:
        apply(anna, at.audit, job)
    assert "Conflicts" in caught.value.advice
    assert job_files.show(anna, job).summary.status == Status.ATTENTION
    job_files.cancel(anna, job)
    ended = apply(anna, at.audit, job)
    assert (ended.status, ended.books.done) == (Status.CANCELLED, 1)
    assert [change.row for change in plan_export(anna).changes] == []
