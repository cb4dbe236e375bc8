"""The import: rows updated in place, no doubles, edits and other people's cells untouched, safe to interrupt."""

from __future__ import annotations

import random
import signal
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from forked import Forked
from sandboxed import desk

from sheets_catalog.database import Audit
from sheets_catalog.errors import BooksError, BusyError, InputError, PlanError, SheetsCatalogError
from sheets_catalog.flows import control
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import ExportOptions, plan_export
from sheets_catalog.flows.importing import ImportOptions, import_catalogue
from sheets_catalog.flows.verification import verify
from sheets_catalog.jobs import lease as leases
from sheets_catalog.sandbox import state as states
from sheets_catalog.shopify import Catalogue


@pytest.fixture
def fresh():
    with desk() as one:
        yield one


@pytest.fixture
def at(fresh):
    import_catalogue(fresh.systems, fresh.audit)
    return fresh


def tab(at, title):
    return at.person().worksheet(title)


def column(sheet, header):
    return sheet.row_values(1).index(header) + 1


def merchant(at):
    return at.sandbox.services["shopify"]


def sheet_writes(at, since):
    return [entry for entry in at.ledger(since) if entry["service"] == "sheets"]


def test_a_fresh_import_is_whole_and_agrees_with_the_shop(at):
    result = verify(at.systems)
    assert result.clean
    assert result.books.balanced
    assert result.equal == 30 + 67 + 104
    assert plan_export(at.systems).empty


@pytest.mark.parametrize(
    ("header", "tables", "said"),
    [
        ("x", ("products", "variants"), "found “x”, expected “Metafield: custom.material [single_line_text_field]”"),
        ("custom.material", ("products",), "found “custom.material”, expected"),
        ("inventory:Metafield: custom.bin [json]", ("inventory",), "cannot be added"),
        ("variants:Metafield: custom.size [json]", ("products",), "belongs to Variants, which is not imported"),
    ],
)
def test_a_metafield_column_that_cannot_come_is_refused_before_anything_is_written(fresh, header, tables, said):
    since = len(fresh.ledger())
    with pytest.raises(InputError) as refused:
        import_catalogue(fresh.systems, fresh.audit, ImportOptions(tables=tables, metafields=(header,)))
    assert said in refused.value.message
    assert refused.value.advice
    assert fresh.ledger(since) == []


def test_importing_again_writes_no_cell(at):
    since = len(at.ledger())
    result = import_catalogue(at.systems, at.audit)
    assert result.books.unchanged == result.books.planned
    assert sheet_writes(at, since) == []


def test_nasty_values_arrive_as_text(at):
    shop = {record.key: record.values for page in at.systems.catalogue.variants() for record in page.records}
    variants = tab(at, "Variants")
    header = variants.row_values(1)
    rows = variants.get("A2:Q100", value_render_option="UNFORMATTED_VALUE")
    for row in rows:
        for name, head in (("sku", "SKU"), ("barcode", "Barcode")):
            cell = row[header.index(head)] if len(row) > header.index(head) else ""
            assert cell == (shop[row[0]][name] or "")
            assert isinstance(cell, str)


def test_the_shops_changes_come_in_and_the_sheets_edits_stay(at):
    variants = tab(at, "Variants")
    one, two, three = (variants.cell(row, 1).value for row in (2, 3, 4))
    price = column(variants, "Price")
    merchant(at).edit_variant(one, price="5.55")
    variants.update_cell(3, price, 44)
    merchant(at).edit_variant(two, barcode="999")
    variants.update_cell(4, price, 45)
    merchant(at).edit_variant(three, price="6.66")
    result = import_catalogue(at.systems, at.audit)
    counts = result.tables["variants"]
    assert (counts.updated, counts.kept, counts.conflicted) == (2, 0, 1)
    assert result.books.balanced
    assert variants.cell(2, price).numeric_value == 5.55
    assert variants.cell(3, price).numeric_value == 44
    assert variants.cell(3, column(variants, "Barcode")).value == "999"
    assert variants.cell(4, price).numeric_value == 45


def test_the_shop_wins_when_asked_to(at):
    variants = tab(at, "Variants")
    key, price = variants.cell(2, 1).value, column(variants, "Price")
    variants.update_cell(2, price, 45)
    merchant(at).edit_variant(key, price="6.66")
    import_catalogue(at.systems, at.audit, ImportOptions(policy="shop"))
    assert variants.cell(2, price).numeric_value == 6.66


def test_a_formula_is_never_written_over(at):
    variants = tab(at, "Variants")
    price = column(variants, "Price")
    letter = chr(64 + price)
    shown = variants.cell(2, price).numeric_value
    variants.update([[f"={shown}+0"]], f"{letter}2", raw=False)
    merchant(at).edit_variant(variants.cell(2, 1).value, price="6.66")
    result = import_catalogue(at.systems, at.audit)
    assert [finding.rule for finding in result.findings] == ["not_written"]
    assert variants.acell(f"{letter}2", value_render_option="FORMULA").value == f"={shown}+0"


def test_what_was_written_beside_a_formula_is_agreed_on(at):
    """A cell that goes back to what it held before that import is an edit."""
    variants = tab(at, "Variants")
    price, barcode = (column(variants, header) for header in ("Price", "Barcode"))
    key, held = variants.cell(2, 1).value, variants.cell(2, barcode).value
    variants.update([[f"={variants.cell(2, price).numeric_value}+0"]], f"{chr(64 + price)}2", raw=False)
    merchant(at).edit_variant(key, price="6.66", barcode="from the shop")
    import_catalogue(at.systems, at.audit)
    assert variants.cell(2, barcode).value == "from the shop"
    variants.update_cell(2, barcode, held or "")
    (change,) = plan_export(at.fresh()).changes
    assert [(each.field, each.before, each.after) for each in change.fields] == [("barcode", "from the shop", held)]


def test_new_products_come_after_the_last_row_and_deleted_ones_are_reported(at):
    products = tab(at, "Products")
    gone = products.cell(2, 1).value
    merchant(at).delete_product(gone)
    merchant(at).add_product("Made in the shop")
    at.sandbox.world.clock.advance(60)
    result = import_catalogue(at.systems, at.audit)
    assert result.tables["products"].new == 1
    assert result.tables["products"].deleted_in_shop == 1
    assert {finding.rule for finding in result.findings} == {"deleted_in_shop"}
    assert products.col_values(column(products, "Title"))[-1] == "Made in the shop"
    assert products.cell(2, 1).value == gone


LISTS = {"products": "shopify.products", "variants": "shopify.productVariants", "inventory": "shopify.productVariants"}


@pytest.mark.parametrize("name", list(LISTS))
@pytest.mark.parametrize("first", [True, False], ids=["first", "again"])
def test_a_list_that_ends_early_is_no_success_and_nothing_is_called_gone(fresh, name, first):
    if not first:
        import_catalogue(fresh.systems, fresh.audit)
    requests.delete(f"{fresh.sandbox.url}/_sandbox/requests", timeout=5)
    fault = {"service": "shopify", "operation": LISTS[name], "kind": "drop-page-token", "nth": 2}
    assert requests.post(f"{fresh.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
    with pytest.raises(BooksError, match=r"The shop says it has \d+ (products|variants), but .*only 20 came"):
        import_catalogue(fresh.fresh(), fresh.audit, ImportOptions(tables=(name,), page=10))
    assert not fresh.sandbox.gateway.faults.unconsumed
    assert import_catalogue(fresh.fresh(), fresh.audit).books.balanced
    assert verify(fresh.fresh()).clean


def test_what_an_import_wrote_before_it_failed_is_agreed_on(at):
    """Else a person who puts a cell back to what it was would have typed nothing, and the next import undo it."""
    variants = tab(at, "Variants")
    key, price = variants.cell(2, 1).value, column(variants, "Price")
    before = variants.cell(2, price).value
    merchant(at).edit_variant(key, price="61.00")
    requests.delete(f"{at.sandbox.url}/_sandbox/requests", timeout=5)
    fault = {"service": "shopify", "operation": LISTS["inventory"], "kind": "drop-page-token", "nth": 8}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
    with pytest.raises(BooksError):
        import_catalogue(at.fresh(), at.audit, ImportOptions(page=10))
    assert variants.cell(2, price).value == "61"
    variants.update_cell(2, price, float(before))
    (change,) = plan_export(at.fresh()).changes
    assert (change.key, change.fields[0].before, float(change.fields[0].after)) == (key, "61.00", float(before))
    import_catalogue(at.fresh(), at.audit)
    assert variants.cell(2, price).value == before


def test_a_record_that_the_list_missed_is_looked_up_before_it_is_called_gone(at, monkeypatch):
    whole = Catalogue.products

    def without_the_last(self, *words, **more):
        for page in whole(self, *words, **more):
            yield replace(page, records=page.records[:-1])

    monkeypatch.setattr(Catalogue, "products", without_the_last)
    result = import_catalogue(at.systems, at.audit)
    assert result.tables["products"].deleted_in_shop == 0
    assert result.tables["products"].read == 30
    assert not result.findings


def test_a_product_deleted_while_it_is_imported_is_no_early_end(at, monkeypatch):
    gone = tab(at, "Products").cell(25, 1).value
    whole = Catalogue.products

    def with_one_deleted(self, *words, **more):
        for number, page in enumerate(whole(self, *words, **more)):
            if number == 0:
                merchant(at).delete_product(gone)
            yield page

    monkeypatch.setattr(Catalogue, "products", with_one_deleted)
    result = import_catalogue(at.systems, at.audit, ImportOptions(tables=("products",), page=5))
    assert result.tables["products"].deleted_in_shop == 1


def test_missing_columns_of_ours_are_added_after_the_last_one(at):
    products = tab(at, "Products")
    products.delete_columns(column(products, "Vendor"))
    import_catalogue(at.systems, at.audit)
    assert products.row_values(1)[-1] == "Vendor"
    assert verify(at.systems).clean
    assert plan_export(at.systems).empty


def test_duplicate_ids_are_rejected_and_named(at):
    products = tab(at, "Products")
    key = products.cell(2, 1).value
    products.update_cell(3, 1, key)
    merchant(at).edit_product(key, title="Another title")
    result = import_catalogue(at.systems, at.audit)
    assert result.tables["products"].rejected == 1
    assert "duplicate_key" in {finding.rule for finding in result.findings}
    assert "Another title" not in products.col_values(column(products, "Title"))
    assert result.books.balanced


@pytest.mark.parametrize("damage", ["a header twice", "no id column"])
def test_a_broken_header_stops_before_anything_is_written(at, damage):
    products = tab(at, "Products")
    if damage == "no id column":
        products.delete_columns(1)
    else:
        products.update_cell(1, column(products, "Vendor"), "Title")
    since = len(at.ledger())
    with pytest.raises(PlanError) as caught:
        import_catalogue(at.systems, at.audit)
    assert caught.value.advice
    assert sheet_writes(at, since) == []


def test_rows_without_id_that_name_a_record_get_its_id_instead_of_a_twin(at):
    products, variants = tab(at, "Products"), tab(at, "Variants")
    keys = {sheet.title: sheet.cell(5, 1).value for sheet in (products, variants)}
    products.update_cell(5, 1, "")
    variants.update_cell(5, 1, "")
    variants.update_cell(5, 2, "")
    result = import_catalogue(at.systems, at.audit)
    assert result.tables["products"].new == result.tables["variants"].new == 0
    assert products.cell(5, 1).value == keys["Products"]
    assert variants.cell(5, 1).value == keys["Variants"]
    assert verify(at.systems).clean


def test_an_import_says_who_works_when_somebody_does():
    with desk(speed=5) as at:
        home = control.find_or_make(at.systems)
        leases.acquire(home.store, "catalogue", "job-1", "otherhost:ffffffff:1:1")
        with pytest.raises(BusyError, match="job-1"):
            import_catalogue(at.systems, at.audit)


FAULTS = [
    {"kind": "status", "status": 503, "when": "after"},
    {"kind": "reset", "when": "after"},
    {"kind": "half-body", "when": "after"},
    {"kind": "rate-limit", "when": "before", "times": 2},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']}-{fault['when']}")
def test_a_fault_at_any_call_leaves_the_same_sheet(fresh, fault):
    saved = states.dump(fresh.sandbox.world, fresh.sandbox.services)
    import_catalogue(fresh.systems, fresh.audit)
    total = requests.get(f"{fresh.sandbox.url}/_sandbox/requests", timeout=5).json()["total"]
    expected = everything(fresh)
    for nth in range(1 + FAULTS.index(fault), total, 9):
        put_back(fresh, saved)
        requests.post(f"{fresh.sandbox.url}/_sandbox/faults", json={"nth": nth, **fault}, timeout=5)
        for _ in range(4):
            try:
                result = import_catalogue(fresh.fresh(), fresh.audit)
            except SheetsCatalogError:
                continue
            break
        assert result.books.balanced
        assert everything(fresh) == expected, nth
        assert plan_export(fresh.systems).empty


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_killed_at_any_call_and_started_again_the_sheet_is_the_same(fresh):
    saved = states.dump(fresh.sandbox.world, fresh.sandbox.services)
    import_catalogue(fresh.systems, fresh.audit)
    total = requests.get(f"{fresh.sandbox.url}/_sandbox/requests", timeout=5).json()["total"]
    expected = everything(fresh)
    for nth in range(2, total, 6):
        put_back(fresh, saved)
        kill = {"kind": "kill-client", "nth": nth, "when": "after" if nth % 4 else "before"}
        child = Forked(lambda: _import(fresh))
        fault = {**kill, "pid": child.pid}
        requests.post(f"{fresh.sandbox.url}/_sandbox/faults", json=fault, timeout=5)
        child.go()
        child.wait()
        requests.delete(f"{fresh.sandbox.url}/_sandbox/faults", timeout=5)
        result = import_catalogue(fresh.fresh(), fresh.audit)
        assert result.books.balanced
        assert everything(fresh) == expected, nth


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_edit_that_the_shop_overrules_is_in_the_audit_although_the_import_is_killed_then(at, tmp_path, when):
    variants = tab(at, "Variants")
    key, price = variants.cell(2, 1).value, column(variants, "Price")
    variants.update_cell(2, price, 45)
    merchant(at).edit_variant(key, price="6.66")
    file = tmp_path / "audit.sqlite3"

    def overrule():
        options = ImportOptions(policy="shop")
        import_catalogue(open_systems(at.connection, rng=random.Random(2)), Audit(file), options)

    child = Forked(overrule)
    fault = {"kind": "kill-client", "operation": "sheets.values.batchUpdate", "when": when, "pid": child.pid}
    assert requests.post(
        f"{at.sandbox.url}/_sandbox/faults", json={**fault, "service": "sheets", "nth": 1}, timeout=5
    ).ok
    child.go()
    assert child.wait() == signal.SIGKILL
    assert variants.cell(2, price).numeric_value == (45 if when == "before" else 6.66)
    with Audit(file) as audit:
        (session,) = audit.sessions()
        (record,) = audit.report(session.session_id).records
    assert (record.record_key, record.status) == (key, "pending")
    assert [(each.field, each.before, each.after) for each in record.changes] == [("price", "45.00", "6.66")]


def _import(at):
    """What the killed process does."""
    with tempfile.TemporaryDirectory() as folder:
        systems = open_systems(at.connection, rng=random.Random(2))
        import_catalogue(systems, Audit(Path(folder) / "audit.sqlite3"))


def put_back(at, saved):
    with at.sandbox.world.lock:
        states.load(at.sandbox.world, at.sandbox.services, saved)
    requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)


def everything(at):
    """Every cell of the three tabs, in order of the rows' keys: an append that was repeated may reorder pages."""
    blocks = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Products!A:Z", "Variants!A:Z", "Inventory!A:Z"])
    return [sorted(([str(cell) for cell in row] for row in block if any(row)), key=str) for block in blocks]


def told(at, session_id):
    """What the audit has of an import, by record key, action and field."""
    return list(at.audit.report(session_id).records)


def test_every_record_of_an_import_stands_in_the_audit(fresh):
    result = import_catalogue(fresh.systems, fresh.audit)
    records = told(fresh, result.session_id)
    assert len(records) == result.books.done == 30 + 67 + 104
    assert {(each.action, each.status) for each in records} == {("create", "done")}
    first = next(each for each in records if each.table == "products")
    shop = fresh.systems.catalogue.by_ids("products", [first.record_key])[first.record_key]
    assert {each.field: each.after for each in first.changes}["title"] == shop.values["title"] == first.label
    assert all(each.before is None and each.side == "sheet" for each in first.changes)


def test_an_update_stands_in_the_audit_with_before_and_after(at):
    key = tab(at, "Variants").cell(2, 1).value
    before = tab(at, "Variants").cell(2, column(tab(at, "Variants"), "Price")).value
    merchant(at).edit_variant(key, price="4.56")
    result = import_catalogue(at.systems, at.audit)
    (record,) = told(at, result.session_id)
    assert (record.table, record.record_key, record.action, record.status, record.row) == (
        "variants", key, "update", "done", 2,
    )  # fmt: skip
    change = next(each for each in record.changes if each.field == "price")
    assert (float(change.before), change.after, change.side) == (float(before), "4.56", "sheet")


def test_an_import_that_changes_nothing_has_no_record_in_the_audit(at):
    assert told(at, import_catalogue(at.systems, at.audit).session_id) == []


def test_what_an_import_left_alone_stands_in_the_audit_with_its_reason(at):
    """A conflict, an id that stands there twice, and a row that got its id."""
    variants = tab(at, "Variants")
    price, key, product = column(variants, "Price"), variants.cell(3, 1).value, merchant(at)
    product.edit_variant(key, price="3.33")
    variants.update_cell(3, price, 44)
    lost, twice = variants.cell(5, 1).value, variants.cell(8, 1).value
    variants.update_cell(5, 1, "")
    variants.update_cell(9, 1, twice)
    result = import_catalogue(at.systems, at.audit)
    records = {(each.record_key, each.status): each for each in told(at, result.session_id)}
    (change,) = records[key, "conflicted"].changes
    assert (change.field, change.before, change.after) == ("price", "3.33", "44.00")
    assert change.base is not None
    assert "Several rows have this id" in records[twice, "rejected"].reason
    assert [(each.field, each.after) for each in records[lost, "done"].changes] == [("id", lost)]


def test_a_cell_edited_while_an_import_writes_is_kept_and_told(at, monkeypatch):
    """Between reading the tab and writing to it, a person was faster: nothing is called written."""
    variants = tab(at, "Variants")
    key, price = variants.cell(2, 1).value, column(variants, "Price")
    merchant(at).edit_variant(key, price="3.33")
    pages = at.systems.catalogue.variants

    def slowly(*args, **more):
        variants.update_cell(2, price, 99)
        return pages(*args, **more)

    monkeypatch.setattr(at.systems.catalogue, "variants", slowly)
    result = import_catalogue(at.systems, at.audit)
    (record,) = told(at, result.session_id)
    assert (record.record_key, record.status) == (key, "unchanged")
    assert "edited meanwhile" in record.reason
    assert (result.books.done, result.tables["variants"].kept) == (0, 1)
    assert result.books.balanced
    assert variants.cell(2, price).value == "99"


def test_an_import_that_lost_its_lease_leaves_the_baseline_to_who_has_it_now(at, monkeypatch, tmp_path):
    begun, taken, ended = (threading.Event() for _ in range(3))
    found = []

    def first():
        with Audit(tmp_path / "first.sqlite3") as audit:
            try:
                import_catalogue(at.fresh(), audit, ImportOptions(page=10), wait_for_the_other)
            except BusyError as error:
                found.append(error)
        ended.set()

    def wait_for_the_other(*_):
        if not begun.is_set():
            begun.set()
            taken.wait(30)

    def take(*_):
        taken.set()
        ended.wait(30)

    monkeypatch.setattr(leases, "RENEW_AFTER", -1.0)
    monkeypatch.setattr(leases, "TTL", -10.0)
    other = threading.Thread(target=first)
    other.start()
    assert begun.wait(30)
    monkeypatch.setattr(leases, "TTL", 90.0)
    assert import_catalogue(at.fresh(), at.audit, ImportOptions(page=10), take).books.balanced
    other.join(30)
    assert len(found) == 1


def test_a_text_that_no_cell_can_hold_leaves_out_its_record_and_nothing_else(at):
    """Cut to fit, the next export would send what was left of it."""
    body = "<p>" + "long " * 12_000 + "</p>"
    products = tab(at, "Products")
    ids = products.col_values(column(products, "Product ID"))
    merchant(at).edit_product(int(ids[1]), description_html=body, title="Renamed in the shop")
    merchant(at).edit_product(int(ids[2]), title="Also renamed")
    products.delete_rows(4)
    merchant(at).edit_product(int(ids[3]), description_html=body)
    before = products.row_values(2)
    result = import_catalogue(at.systems, at.audit)
    assert result.books.balanced
    assert (result.tables["products"].rejected, result.tables["products"].updated) == (2, 1)
    found = [each for each in result.findings if each.rule == "too_long"]
    assert [(each.row, each.column, each.found) for each in found] == [
        (2, "Description", ids[1]),
        (0, "Description", ids[3]),
    ]
    assert "a text of 60,007 characters, and a cell holds at most 50,000." in found[0].message
    assert products.row_values(2) == before
    assert ids[3] not in products.col_values(1)
    assert "Also renamed" in products.row_values(3)
    assert plan_export(at.systems).empty
    assert plan_export(at.systems, ExportOptions(deletes="delete")).empty


def test_a_row_whose_text_grew_too_long_in_the_shop_is_still_exported(at):
    products = tab(at, "Products")
    key = int(products.cell(2, column(products, "Product ID")).value)
    merchant(at).edit_product(key, description_html="x" * 50_001)
    import_catalogue(at.systems, at.audit)
    products.update_cell(2, column(products, "Vendor"), "Somebody else")
    plan = plan_export(at.systems)
    assert [(each.key, [one.field for one in each.fields]) for each in plan.changes] == [(str(key), ["vendor"])]
