"""The tab of open conflicts among people: choices that cannot be told, rows and columns moved, a tab that is theirs."""

from __future__ import annotations

import pytest
from sandboxed import imported

from sheets_catalog.errors import PlanError
from sheets_catalog.flows.conflicts_tab import HEADER, TITLE
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store


@pytest.fixture
def at():
    with imported() as one:
        yield one


def tab(at, title=TITLE):
    return at.person().worksheet(title)


def disagree(at, *rows):
    """Prices edited on both sides; the records' ids."""
    variants = tab(at, "Variants")
    price = variants.row_values(1).index("Price") + 1
    ids = [variants.cell(row, 1).value for row in rows]
    for row, key in zip(rows, ids, strict=True):
        variants.update_cell(row, price, 12.5)
        at.sandbox.services["shopify"].edit_variant(key, price="13.50")
    return ids


def export(at, **options):
    chosen = ExportOptions(**options)
    plan = plan_export(at.fresh(), chosen)
    return plan, apply(at.fresh(), at.audit, store(at.systems, plan), options=chosen)


def prices(at, ids):
    records = at.fresh().catalogue.by_ids("variants", ids)
    return [records[key].values["price"] for key in ids]


def findings(plan):
    return [(each.rule, each.tab, each.row, each.found) for each in plan.findings]


def test_a_misspelt_choice_is_named_and_settles_nothing(at):
    ids = disagree(at, 2, 3)
    export(at)
    tab(at).update([["Shopp"], [" SHEET "]], "H2")
    plan, _ = export(at)
    assert findings(plan) == [("conflict_choice", TITLE, 2, "Shopp")]
    assert [conflict.key for conflict in plan.conflicts] == ids[:1]
    assert prices(at, ids) == ["13.50", "12.50"]


def test_two_rows_that_say_different_things_settle_nothing(at):
    ids = disagree(at, 2)
    export(at)
    sheet = tab(at)
    sheet.update([["sheet"]], "H2")
    sheet.append_row([*sheet.row_values(2)[:7], "shop"], value_input_option="RAW")
    plan = plan_export(at.systems)
    assert findings(plan) == [("conflict_choice", TITLE, 2, "sheet"), ("conflict_choice", TITLE, 3, "shop")]
    assert not plan.changes
    sheet.update([["sheet"]], "H3")
    _, result = export(at)
    assert (result.books.done, prices(at, ids)) == (1, ["12.50"])


def test_a_third_row_does_not_settle_what_two_leave_open(at):
    disagree(at, 2)
    export(at)
    sheet = tab(at)
    sheet.update([["sheet"]], "H2")
    for _ in range(2):
        sheet.append_row([*sheet.row_values(2)[:7], "shop"], value_input_option="RAW")
    plan = plan_export(at.systems)
    assert [finding.row for finding in plan.findings] == [2, 3, 4]
    assert (len(plan.conflicts), plan.changes) == (1, ())


def test_a_choice_about_other_values_is_named(at):
    ids = disagree(at, 2)
    export(at)
    tab(at).update([["sheet"]], "H2")
    at.sandbox.services["shopify"].edit_variant(ids[0], price="14.50")
    plan = plan_export(at.systems)
    assert findings(plan) == [("conflict_choice", TITLE, 2, "sheet")]
    assert (len(plan.conflicts), plan.changes) == (1, ())


@pytest.mark.parametrize("move", ["row", "column", "columns swapped"])
def test_choices_are_found_by_the_header_and_what_is_settled_goes(at, move):
    ids = disagree(at, 2, 3)
    export(at)
    sheet = tab(at)
    sheet.update([["sheet"], ["shop"]], "H2")
    if move == "row":
        sheet.insert_rows([["Please choose!"]], 1)
    elif move == "column":
        sheet.insert_cols([["Who", "Ann", "Bob"]], 3)
    else:
        cells = sheet.get_all_values()
        sheet.update([[*row[1:8], row[0]] for row in cells], "A1", raw=True)
    _, result = export(at)
    assert result.books.done == 2
    assert prices(at, ids) == ["12.50", "13.50"]
    left = [row for row in tab(at).get_all_values() if any(row)]
    if move == "row":
        assert [row[:2] for row in left] == [["Please choose!", ""], ["Tab", "Row key"]]
    elif move == "column":
        assert [row[2] for row in left] == ["Who", "Ann", "Bob"]
        assert [row[:2] for row in left] == [["Tab", "Row key"], ["", ""], ["", ""]]
    else:
        assert left == [[*HEADER[1:], HEADER[0]]]
    assert plan_export(at.fresh()).empty


def test_a_tab_of_the_same_name_that_is_somebodys_own_is_never_written(at):
    mine = [["My own conflicts", "b", "c"], ["a note", "x", "y"], ["row3", "", ""]]
    at.person().add_worksheet(TITLE, 50, 12).update(mine, "A1")
    assert plan_export(at.fresh()).empty
    ids = disagree(at, 2)
    since = len(at.ledger())
    with pytest.raises(PlanError, match=r"lacks their columns “Tab”, “Row key”"):
        plan_export(at.fresh())
    _, result = export(at, policy="sheet")
    assert result.books.done == 1
    assert tab(at).get_all_values() == mine
    assert since < len(at.ledger())
    disagree(at, 2)
    at.sandbox.services["shopify"].edit_variant(ids[0], price="15.50")
    tab(at).update_title("Ours")
    variants = tab(at, "Variants")
    variants.update_cell(2, variants.row_values(1).index("Price") + 1, 16.5)
    export(at)
    assert tab(at, "Ours").get_all_values() == mine
    assert tab(at).row_values(2)[1] == ids[0]


def test_a_tab_made_between_plan_and_apply_is_not_written_either(at):
    disagree(at, 2)
    job = store(at.systems, plan_export(at.systems))
    at.person().add_worksheet(TITLE, 50, 12).update([["mine"]], "A1")
    with pytest.raises(PlanError, match="lacks their columns"):
        apply(at.fresh(), at.audit, job)
    assert tab(at).get_all_values() == [["mine"]]
    tab(at).update_title("Mine")
    apply(at.fresh(), at.audit, job)
    assert len(tab(at).get_all_values()) == 2


def test_ours_with_another_title_leaves_room_for_a_new_one(at):
    ids = disagree(at, 2, 3)
    export(at)
    tab(at).update_title("Old conflicts")
    _, result = export(at)
    assert result.books.conflicted == 2
    assert [row[1] for row in tab(at).get_all_values()[1:]] == ids


def test_a_header_that_somebody_changed_is_asked_for_before_choices_are_dropped(at):
    disagree(at, 2)
    export(at)
    tab(at).update([["My choice"], ["sheet"]], "H1")
    with pytest.raises(PlanError, match=r"columns “Choose \(sheet or shop\)”\."):
        plan_export(at.fresh())
    tab(at).update([[HEADER[7]]], "H1")
    assert export(at)[1].books.done == 1


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (1, 26), (1000, 1)])
def test_a_blank_tab_of_that_name_is_made_large_enough(at, rows, columns):
    at.person().add_worksheet(TITLE, rows=rows, cols=columns)
    ids = disagree(at, 2, 3, 4)
    export(at)
    assert tab(at).row_values(1) == list(HEADER)
    assert tab(at).col_values(2)[1:] == ids
    assert tab(at).row_count >= rows
    assert tab(at).col_count == max(columns, len(HEADER))
    assert not plan_export(at.fresh()).to_do
