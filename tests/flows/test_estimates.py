"""What a plan says it will take, against the calls that the sandbox counts while it is applied."""

from __future__ import annotations

import gspread
import pytest
from sandboxed import desk
from test_efficiency import EACH, PRODUCTS, SPEED, VARIANTS, catalogue

from benchmarks.measures import Calls
from benchmarks.people import edit
from benchmarks.place import Place
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.exporting.estimating import CALL_SECONDS, CHECKPOINT, ENDING, OPENING, RENEWAL, estimate
from sheets_catalog.flows.importing import ImportOptions, import_catalogue
from sheets_catalog.jobs.lease import RENEW_AFTER
from sheets_catalog.jobs.state import Status

OFF = 0.25
"""How far an estimate may be off, either way."""


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    with desk(catalogue(tmp_path_factory.mktemp("catalogue"), PRODUCTS), speed=SPEED) as one:
        import_catalogue(one.systems, one.audit)
        yield one


def counted(at, **options):
    """A plan's estimate, and the calls that applying it made: at Google, reading and writing at the shop."""
    chosen = ExportOptions(**options, change_share=1)
    plan = plan_export(at.fresh(), chosen)
    job = store(at.systems, plan)
    place = Place(at.sandbox.connection())
    before = place.counts()
    result = apply(at.fresh(), at.audit, job, options=chosen)
    calls = Calls.between(before, place.counts())
    assert result.status is Status.FINISHED
    assert result.books.done + result.books.conflicted == result.books.planned - result.books.unchanged
    google = calls.count("drive") + calls.count("sheets")
    return plan.estimate, google, calls.count("shopify", writing=False), calls.count("shopify", writing=True)


def without_renewals(told):
    """The sandbox answers at once here: no run lasts until its lease has to be renewed."""
    return told.google_calls - RENEWAL * int(told.seconds // RENEW_AFTER)


def near(told, found):
    return abs(told - found) <= max(1, OFF * found)


def check(told, google, reads, writes):
    calls = without_renewals(told)
    assert near(calls, google), (told, google)
    assert near(told.reads, reads), (told, reads)
    assert near(told.writes, writes), (told, writes)
    assert near(calls + told.reads + told.writes, google + reads + writes)


def test_one_price(at):
    edit(Place(at.sandbox.connection()), "Variants", "Price", [2], lambda price: price + 1)
    told, google, reads, writes = counted(at)
    check(told, google, reads, writes)
    assert google <= OPENING + CHECKPOINT + ENDING
    assert (reads, writes) == (2, 1)
    assert told.seconds == pytest.approx((google + reads + writes) * CALL_SECONDS, rel=OFF)


@pytest.mark.parametrize(
    ("tab", "header", "rows"),
    [
        ("Variants", "Price", range(2, 2 + 200 * EACH, EACH)),
        ("Variants", "Price", range(2, 202)),
        ("Inventory", "Available", range(2, 202)),
        ("Variants", "Price", range(2, 2 + VARIANTS)),
    ],
)
def test_many_changes(at, tab, header, rows):
    edit(Place(at.sandbox.connection()), tab, header, rows, lambda value: value + 1)
    check(*counted(at))


def test_titles_and_stock_together_in_small_batches(at):
    place = Place(at.sandbox.connection())
    edit(place, "Products", "Title", range(2, 62), lambda title: f"{title}.")
    edit(place, "Inventory", "Available", range(2, 62), lambda number: number + 1)
    check(*counted(at, batch_size=30))


def test_metafields_are_cleared_after_the_rest_of_their_records(at):
    products, merchant = at.person().worksheet("Products"), at.sandbox.services["shopify"]
    for key in products.col_values(1)[1:31]:
        merchant.set_metafield(f"gid://shopify/Product/{key}", "custom", "material", "single_line_text_field", "Linen")
    header = "Metafield: custom.material [single_line_text_field]"
    import_catalogue(at.fresh(), at.audit, ImportOptions(metafields=(header,)))
    column = products.row_values(1).index(header) + 1
    products.update([[""]] * 30, gspread.utils.rowcol_to_a1(2, column), raw=False)
    edit(Place(at.sandbox.connection()), "Products", "Title", range(2, 32), lambda title: f"{title}!")
    check(*counted(at))


def test_a_new_product_whose_ids_go_into_the_sheet(at):
    book = at.person()
    products, variants = book.worksheet("Products"), book.worksheet("Variants")
    new = {"Handle": "estimated", "Title": "Estimated", "Option1 Name": "Size"}
    _append(products, [new])
    _append(variants, [{"Product Handle": "estimated", "Option1 Value": size, "Price": 5} for size in "SML"])
    check(*counted(at))


def test_conflicts_in_their_tab(at):
    variants = at.person().worksheet("Variants")
    at.sandbox.services["shopify"].edit_variant(variants.cell(2, 1).value, price="3.33")
    edit(Place(at.sandbox.connection()), "Variants", "Price", [2, 3], lambda price: price + 1)
    check(*counted(at))
    edit(Place(at.sandbox.connection()), "Variants", "Price", [4], lambda price: price + 1)
    check(*counted(at))  # the tab is there now, with a conflict


def test_deleted_products_are_looked_at_with_their_variants(at):
    at.person().worksheet("Products").delete_rows(2, 4)
    check(*counted(at, tables=("products",), deletes="delete"))


def test_nothing_to_send_takes_nothing():
    assert estimate([]).google_calls == 0


def _append(sheet, rows):
    header = sheet.row_values(1)
    sheet.append_rows([[row.get(name, "") for name in header] for row in rows], value_input_option="RAW")
