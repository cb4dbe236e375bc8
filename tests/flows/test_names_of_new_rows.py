"""New rows among others of their name: what cannot get its id is not sent, and what can be told gets it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from forked import Forked
from sandboxed import imported

from sheets_catalog.database import Audit
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.exporting.standing import FORMULA
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.google.sheets import Spreadsheets
from tests.flows.test_new_rows import append, go, made, planned, put, tab


@pytest.fixture
def at():
    with imported() as one:
        yield one


def test_two_new_rows_of_one_name_are_refused_though_one_of_them_cannot_be_read(at):
    good = {"Handle": "dup", "Title": "Dup", "Status": "active"}
    row = append(at, "Products", good, {**good, "Status": "bogus"})
    plan = plan_export(at.systems)
    assert not plan.changes
    found = [(each.rule, each.row) for each in plan.findings if each.severity == "error"]
    assert sorted(found) == [("bad_value", row + 1), ("duplicate_key", row)]
    assert plan.books.rejected == 2


def test_two_new_rows_of_one_name_are_refused_though_one_of_them_is_hidden(at):
    row = append(at, "Products", *[{"Handle": "dup", "Title": "Dup", "Status": "active"}] * 2)
    tab(at, "Products").hide_rows(row, row + 1)  # counted from 0: the second one
    plan = plan_export(at.systems, ExportOptions(include_hidden=False))
    assert not plan.changes
    assert [(each.rule, each.row) for each in plan.findings if each.severity == "error"] == [("duplicate_key", row)]


@pytest.mark.parametrize("formula", ['=IF(1,"","")', '=""'])
def test_a_new_row_whose_id_cell_holds_a_formula_is_not_sent(at, formula):
    row = append(at, "Products", {"Handle": "x1", "Title": "Formula id", "Status": "active"})
    sheet = tab(at, "Products")
    sheet.format(f"A{row}", {"numberFormat": {"type": "NUMBER"}})
    sheet.update([[formula]], f"A{row}", raw=False)
    before = len(made(at).products)
    result = go(at, planned(at))
    assert result.state.reasons == {0: FORMULA}
    assert len(made(at).products) == before
    sheet.update([[""]], f"A{row}", raw=True)
    assert go(at, planned(at)).books.done == 1


def test_what_stands_beside_the_names_is_not_read_again_for_every_batch(at, monkeypatch):
    append(at, "Products", *({"Title": f"New {number}", "Status": "active"} for number in range(6)))
    job = planned(at)
    blocks = []
    read = Spreadsheets.read_block
    monkeypatch.setattr(Spreadsheets, "read_block", lambda *args: blocks.append(args) or read(*args))
    options = ExportOptions(change_share=1, batch_size=2)
    assert apply(at.fresh(), at.audit, job, options=options).books.done == 6
    assert not blocks


def test_a_new_row_with_the_title_of_another_product_gets_its_id(at):
    sheet = tab(at, "Products")
    put(at, "Products", 2, "Title", "Twin title")
    go(at, planned(at))
    sheet.delete_columns(sheet.row_values(1).index("Handle") + 1)
    old = sheet.cell(2, 1).value
    row = append(at, "Products", {"Title": "Twin title", "Status": "active"})
    result = go(at, planned(at))
    assert result.books.done == 1, result.state.reasons
    assert (sheet.cell(row, 1).value, sheet.cell(2, 1).value) == (str(max(made(at).products)), old)
    assert not plan_export(at.systems).changes


def test_a_new_row_of_a_variant_that_was_deleted_in_the_shop_gets_its_id(at):
    sheet = tab(at, "Variants")
    header, cells = sheet.row_values(1), sheet.row_values(2)
    old = dict(zip(header, cells, strict=False))
    at.sandbox.services["shopify"].delete_variant(old["Variant ID"])
    kept = ("Product Handle", "Option1 Value", "Option2 Value", "Option3 Value")
    row = append(at, "Variants", {name: old.get(name, "") for name in kept} | {"Price": 5})
    before = len(made(at).variants)
    result = go(at, planned(at))
    assert result.books.done == 1, result.state.reasons
    assert len(made(at).variants) == before + 1
    assert sheet.cell(row, 1).value == str(max(made(at).variants))
    assert sheet.cell(2, 1).value == old["Variant ID"]


def test_the_id_of_what_an_import_gave_a_row_is_not_written_into_another_one(at):
    """The process died when the product was made; an import came before the job was resumed."""
    row = append(at, "Products", {"Title": "Only title", "Status": "active"})
    job = planned(at)
    killed(at, job, "shopify.productSet")
    import_catalogue(at.fresh(), at.audit)
    result = apply(at.fresh(), at.audit, job, options=ExportOptions(change_share=1), force=True)
    assert result.books.done == 1, result.state.reasons
    ids = tab(at, "Products").col_values(1)
    assert ids.count(str(max(made(at).products))) == 1
    assert not ids[row - 1]


def killed(at, job, operation):
    """Apply in a process that dies after the first call of this operation."""
    requests.delete(f"{at.sandbox.url}/_sandbox/requests", timeout=10)

    def run():
        with TemporaryDirectory() as folder:
            systems = open_systems(at.connection, rng=random.Random(9))
            apply(systems, Audit(Path(folder) / "a.sqlite3"), job, options=ExportOptions(change_share=1))

    child = Forked(run)
    spec = {"operation": operation, "kind": "kill-client", "when": "after", "nth": 1, "pid": child.pid}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=10).ok
    child.go()
    assert os.WIFSIGNALED(child.wait())


def test_new_variants_of_the_same_options_are_refused_however_they_are_named(at):
    """The shop trims options, and a product has an id and a handle: one would be taken for the other once it is made."""
    product = dict(zip(tab(at, "Variants").row_values(1), tab(at, "Variants").row_values(2), strict=False))
    by_handle = {"Product Handle": product["Product Handle"], "Option1 Value": "XXL", "Option2 Value": "Red"}
    by_id = {"Product ID": product["Product ID"], "Option1 Value": "XXL", "Option2 Value": "Red"}
    rows = [
        by_handle | {"SKU": "ONE", "Price": 10},
        by_id | {"SKU": "TWO", "Price": 20},
        by_handle | {"Option1 Value": "XXL ", "SKU": "THREE", "Price": 30},
        by_handle | {"Option1 Value": "XL", "SKU": "FOUR", "Price": 40},
    ]
    first = append(at, "Variants", *rows)
    plan = plan_export(at.systems)
    assert [change.row for change in plan.changes] == [first + 3]
    assert [(each.rule, each.row) for each in plan.findings] == [("duplicate_key", first + one) for one in range(3)]
    assert plan.books.rejected == 3
    assert go(at, store(at.systems, plan)).books.done == 1


def test_a_new_variant_is_no_guess_between_two_products_whose_rows_have_one_handle(at):
    handle = tab(at, "Products").cell(2, 2).value
    put(at, "Products", 3, "Handle", handle)  # by mistake: the shop will refuse it
    row = {"Product Handle": handle, "Option1 Value": "XXL", "Option2 Value": "Red", "Price": 10}
    number = append(at, "Variants", row)
    plan = plan_export(at.systems)
    assert [change.table for change in plan.changes] == ["products"]
    assert [(each.rule, each.row) for each in plan.findings] == [("unknown_product", number)]
    put(at, "Variants", number, "Product ID", tab(at, "Products").cell(2, 1).value)
    assert [change.group for change in plan_export(at.fresh()).changes if change.table == "variants"] == [
        tab(at, "Products").cell(2, 1).value
    ]


def test_variants_of_a_new_product_whose_handle_is_taken_do_not_go_to_the_product_that_has_it(at):
    at.sandbox.services["shopify"].add_product("In the shop alone", handle="elsewhere")
    taken = [tab(at, "Products").cell(2, 2).value, "elsewhere"]
    products = [{"Handle": each, "Title": "Mine", "Status": "active", "Option1 Name": "Size"} for each in taken]
    append(at, "Products", *products)
    variant = {"Option1 Value": "XXL", "Option2 Value": "Red", "Price": 10}
    append(at, "Variants", *[variant | {"Product Handle": each} for each in taken])
    plan = plan_export(at.systems)
    assert not plan.changes
    assert [each.rule for each in plan.findings] == ["handle_taken", "handle_taken", *["unknown_product"] * 2]
    assert plan.books.rejected == 4


@pytest.mark.parametrize("status", ["bogus", "active"])
def test_nor_do_they_when_it_is_refused_for_another_reason(at, status):
    at.sandbox.services["shopify"].add_product("In the shop alone", handle="elsewhere")
    product = {"Handle": "elsewhere", "Title": "Mine", "Status": status, "Option1 Name": "Size"}
    append(at, "Products", *[product] * (2 if status == "active" else 1))  # two rows of one name are refused as well
    append(at, "Variants", {"Product Handle": "elsewhere", "Option1 Value": "XXL", "Price": 10})
    plan = plan_export(at.systems)
    assert not plan.changes
    assert {each.rule for each in plan.findings} in (
        {"bad_value", "unknown_product"},
        {"duplicate_key", "unknown_product"},
    )
