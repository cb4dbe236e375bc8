"""Formulas: results, errors, dependencies, and following the cells they point at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sheets_catalog.sandbox.sheets.document import new_book
from sheets_catalog.sandbox.sheets.edits import Delete, Insert, Move
from sheets_catalog.sandbox.sheets.formulas.text import canonical, copied, following, retitled
from sheets_catalog.sandbox.sheets.grid import CellError
from sheets_catalog.sandbox.sheets.recalculation import refresh
from sheets_catalog.sandbox.sheets.writing import Input, Written, write

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def book_with(rows):
    book = new_book("b", "B")
    sheet = book.sheets[0]
    result = write(book, sheet, sheet.whole(), rows, Input(typed_in=True, locale=book.locale, today=NOW.date()))
    assert isinstance(result, Written)
    refresh(book, NOW)
    return book


def result(formula, *rows):
    """The value of a formula in the first free row below the given rows, and what it says."""
    book = book_with([*rows, [formula]])
    value = book.sheets[0].grid.value(len(rows), 0)
    return value.text if isinstance(value, CellError) else value


TABLE = ([1, "a", True], [2, "b", False], [3, "a", None])


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=1+2*3^2", 19), ("=-2^2", 4), ("=(1+2)*3", 9), ("=10%*50", 5), ("=7/2", 3.5), ("=1/1024", 0.0009765625),
        ('="a"&1&TRUE', "a1TRUE"), ("=1=1.0", True), ('="A"="a"', True), ('=2<"1"', True), ("=1<>1", False),
        ("=SUM(A1:A3)", 6), ("=SUM(A1:C3)", 6), ("=AVERAGE(A1:A2)", 1.5), ("=MIN(A1:A3)", 1), ("=MAX(A1:A3,10)", 10),
        ("=COUNT(A1:C3)", 3), ("=COUNTA(A1:C3)", 8), ("=COUNTBLANK(A1:C3)", 1), ('=IF(A1>1,"yes","no")', "no"),
        ('=IF(A2>1,"yes")', "yes"), ("=IF(FALSE,1)", False), ('=IFERROR(1/0,"oops")', "oops"), ("=IFS(A1=2,1,A1=1,2)", 2),
        ('=CONCATENATE(A1,"-",B1)', "1-a"), ('=TEXTJOIN(",",TRUE,B1:B3)', "a,b,a"), ('=LEN("äö")', 2), ("=UPPER(B1)", "A"),
        ('=LEFT("hello",2)&RIGHT("hello",1)&MID("hello",2,2)', "heoel"), ('=TRIM("  a  b ")', "a b"),
        ('=SUBSTITUTE("aXbX","X","-")', "a-b-"), ('=VALUE("1,234.5")', 1234.5), ('=TEXT(0.5,"0%")', "50%"),
        ("=ROUND(2.345,2)", 2.35), ("=ROUNDUP(2.1)", 3), ("=INT(-1.5)", -2), ("=MOD(-1,3)", 2), ("=ABS(-2)", 2), ("=POWER(2,10)", 1024),
        ('=COUNTIF(B1:B3,"a")', 2), ('=COUNTIF(A1:A3,">1")', 2), ('=SUMIF(B1:B3,"a",A1:A3)', 4), ('=SUMIFS(A1:A3,B1:B3,"a",A1:A3,"<3")', 1),
        ("=SUMPRODUCT(A1:A3,A1:A3)", 14), ("=VLOOKUP(2,A1:B3,2,FALSE)", "b"), ("=VLOOKUP(2.5,A1:B3,2)", "b"),
        ("=INDEX(A1:B3,3,1)", 3), ('=MATCH("b",B1:B3,0)', 2), ("=ROW()", 4), ("=COLUMNS(A1:C1)", 3), ("=AND(TRUE,1)", True), ("=NOT(C1)", False),
        ("=DATE(2026,2,31)", 46084), ("=TODAY()", 46348), ("=YEAR(TODAY())", 2026), ("=ISBLANK(C3)", True), ("=ISNUMBER(A1)", True),
        ('=HYPERLINK("https://x.y","text")', "text"), ('=SWITCH(A1,1,"one","other")', "one"), ("=C3", 0), ('=""', ""),
    ],
)  # fmt: skip
def test_results(formula, value):
    assert result(formula, *TABLE) == pytest.approx(value)


@pytest.mark.parametrize(
    ("formula", "error"),
    [
        ("=1/0", "#DIV/0!"), ("=NOSUCHFUNCTION(1)", "#NAME?"), ("=nosuchname", "#NAME?"), ("=Nowhere!A1", "#REF!"), ("=#REF!+1", "#REF!"),
        ('=1+"x"', "#VALUE!"), ("=VLOOKUP(9,A1:B3,2,FALSE)", "#N/A"), ("=VLOOKUP(1,A1:B3,5,FALSE)", "#REF!"), ("=1+", "#ERROR!"),
        ("=SUM(", "#ERROR!"), ("+1 555", "#ERROR!"), ("- foo", "#NAME?"), ("=SQRT(-1)", "#NUM!"), ("=(-8)^0.5", "#NUM!"), ("=LEFT()", "#N/A"),
        ("=AVERAGE(C3)", "#DIV/0!"), ("=A4", "#REF!"), ("=A2000", "#REF!"), ("=SUM(A1:A4)", "#REF!"), ('=IMPORTXML("http://x","//a")', "#NAME?"),
    ],
)  # fmt: skip
def test_errors_are_sheets_errors(formula, error):
    assert result(formula, *TABLE) == error


def test_formulas_are_computed_in_the_order_of_their_needs():
    rows = [["=A2+1"], ["=A3+1"], ["=A4+1"], [1]]
    assert [book_with(rows).sheets[0].grid.value(row, 0) for row in range(4)] == [4, 3, 2, 1]


def test_a_long_chain_upwards_needs_no_recursion():
    rows = [[f"=A{row + 2}+1"] for row in range(999)] + [[0]]
    assert book_with(rows).sheets[0].grid.value(0, 0) == 999


def test_a_circle_is_an_error_and_does_not_hang():
    book = book_with([["=B1"], [5]])
    sheet = book.sheets[0]
    write(book, sheet, sheet.whole(), [[None, "=A1"]], Input(typed_in=True, locale=book.locale, today=NOW.date()))
    refresh(book, NOW)
    assert sheet.grid.value(0, 0).text == "#REF!"
    assert sheet.grid.value(0, 1).text == "#REF!"
    assert "Circular dependency" in sheet.grid.value(0, 0).message


def test_a_named_range_can_be_used():
    book = book_with([[1], [2], ["=SUM(Numbers)"]])
    book.named_ranges.append(
        {"namedRangeId": "n", "name": "numbers", "range": {"sheetId": 0, "endRowIndex": 2, "endColumnIndex": 1}}
    )
    book.stale = True
    refresh(book, NOW)
    assert book.sheets[0].grid.value(2, 0) == 3


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        ("=sum( sales!a3:a3 )", "=sum( Sales!A3 )"), ("='Sales'!B3:a2", "=Sales!A2:B3"), ("=sales!$d$3 + 1", "=Sales!$D$3 + 1"),
        ("=SUM(  A1 ,  'It''s'!a1:a1  )", "=SUM(  A1 ,  'It''s'!A1  )"), ("=if(true,\"a3:a3\",'It''s'!A1)", "=if(true,\"a3:a3\",'It''s'!A1)"),
        ("=Sales!3:3", "=Sales!3:3"), ("=sum(a1:a1)+ 1", "=sum(A1)+ 1"), ("=SUM(Rw!$A3:$A3)", "=SUM(Rw!$A3)"), ("=LOG10(5)", "=LOG10(5)"),
    ],
)  # fmt: skip
def test_formulas_are_stored_in_googles_spelling(entered, stored):
    titles = {"sales": "Sales", "rw": "Rw", "it's": "It's"}
    assert canonical(entered, lambda title: titles.get(title.lower())) == stored


@pytest.mark.parametrize(
    ("formula", "edit", "after"),
    [
        ("=A5+SUM(A1:A10)+B:B+SUM(A2:A)", Insert(4, 2), "=A7+SUM(A1:A12)+B:B+SUM(A2:A)"),
        ("=A5+SUM(A1:A10)", Delete(4, 5), "=#REF!+SUM(A1:A9)"), ("=$A$5+Sheet2!A5", Insert(0, 1), "=$A$6+Sheet2!A5"),
        ("=SUM(A1:A10)+A3", Move(2, 3, 8), "=SUM(A1:A10)+A8"), ('="A5"&A5', Insert(0, 1), '="A5"&A6'), ("=3:4", Delete(0, 1), "=2:3"),
    ],
)  # fmt: skip
def test_references_follow_rows(formula, edit, after):
    sheets = {"sheet2": 2}
    assert following(formula, 1, lambda title: sheets.get(title.lower()), 1, "ROWS", edit) == after


def test_copied_and_renamed_references():
    assert copied("=A1+$B$2+C$1+$D4", 2, 1) == "=B3+$B$2+D$1+$D6"
    assert copied("=A1", -1, 0) == "=#REF!"
    assert retitled("=Old!A1+'Old'!B2+Other!C3", "Old", "New one") == "='New one'!A1+'New one'!B2+Other!C3"
