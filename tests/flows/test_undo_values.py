"""What the audit keeps of a value is the value: for every kind of field, whatever a cell may hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sheets_catalog.changes.plan import Change
from sheets_catalog.changes.plan import FieldChange as Planned
from sheets_catalog.database import Audit, RecordLog, SessionStart
from sheets_catalog.flows.auditing import fields_of
from sheets_catalog.flows.undoing.comparing import value_of
from sheets_catalog.records import TABLES, BadValueError, Field, Kind, read_cell
from sheets_catalog.records.tables import metafield

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORDS = ("ACTIVE", "DRAFT")
FIELDS = {
    kind: Field("each", "Each", kind, choices=WORDS if kind in {Kind.CHOICE, Kind.WORD} else ())
    for kind in Kind
    if kind is not Kind.ID
} | {Kind.ID: Field("id", "ID", Kind.ID)}

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9).map(
    lambda each: round(each, 6)
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
CELLS = {
    Kind.TEXT: texts | numbers | st.booleans(),
    Kind.MULTILINE: texts,
    Kind.ID: st.integers(1, 10**18).map(str),
    Kind.MONEY: st.decimals(0, 10**8, places=2).map(float) | st.decimals(0, 10**8, places=2).map(str),
    Kind.DECIMAL: numbers,
    Kind.INTEGER: st.integers(-(2**53) + 1, 2**53 - 1),
    Kind.BOOLEAN: st.booleans() | st.sampled_from(["yes", "nein", "1"]),
    Kind.TAGS: st.lists(texts.map(lambda text: text.replace(",", " ")), max_size=5).map(",".join),
    Kind.CHOICE: st.sampled_from([*WORDS, "draft"]),
    Kind.WORD: st.sampled_from([*WORDS, " Draft "]) | texts,
}


@st.composite
def kinds_and_values(draw):
    """A kind of field, and a canonical value of it: what was read from a cell, or nothing."""
    kind = draw(st.sampled_from(list(Kind)))
    cell = draw(st.none() | CELLS[kind])
    try:
        return kind, read_cell(kind, cell, FIELDS[kind].reading(2))
    except BadValueError:
        assume(False)


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    with Audit(tmp_path_factory.mktemp("audit") / "audit.sqlite3") as one:
        one.session_started(SessionStart("job", "export", NOON))
        yield one


numbered = iter(range(10**9))


def kept(audit, *changes):
    """What the audit gives back of a change's fields."""
    key = str(next(numbered))
    change = Change("update", "products", key, key, "It", 2, changes)
    audit.records([RecordLog("job", "products", key, "update", "done", key, changes=tuple(fields_of(change)))])
    audit.flush()
    (entry,) = audit.find_records(record_key=key)
    return entry.changes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=kinds_and_values(), after=kinds_and_values())
def test_a_value_comes_back_from_the_audit_as_it_was_and_can_be_written(audit, before, after):
    (kind, old), (_, new) = before, after
    (each,) = kept(audit, Planned("each", old, new))
    assert (each.before, each.after) == (old, new)
    assert value_of(FIELDS[kind], each.before, 2) == old
    assert each.intact


def test_every_kind_is_tried():
    assert set(CELLS) == set(FIELDS) == set(Kind)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.TEXT, ""),
        (Kind.TEXT, "#REF!"),
        (Kind.MONEY, "12.5"),
        (Kind.MONEY, "-1.00"),
        (Kind.MONEY, "12,50"),
        (Kind.DECIMAL, "1.50"),
        (Kind.DECIMAL, "0.12345678901234"),
        (Kind.DECIMAL, "NaN"),
        (Kind.INTEGER, "007"),
        (Kind.INTEGER, str(2**60)),
        (Kind.BOOLEAN, "yes"),
        (Kind.CHOICE, "UNHEARD_OF"),
        (Kind.TAGS, "b, a"),
        (Kind.ID, "gid://shopify/Product/1"),
    ],
)
def test_what_a_cell_would_not_give_back_as_it_was_is_refused(kind, text):
    with pytest.raises(BadValueError):
        value_of(FIELDS[kind], text, 2)


def test_the_decimals_of_the_shops_money_count():
    price = TABLES["variants"].by_name["price"]
    assert value_of(price, "1500", 0) == "1500"
    assert value_of(price, "1.500", 3) == "1.500"
    with pytest.raises(BadValueError):
        value_of(price, "1500.00", 0)


def test_lists_are_texts_and_stay_as_they_are():
    each = metafield("Metafield: custom.sizes [list.single_line_text_field]")
    assert value_of(each, '["S", "M"]', 2) == '["S", "M"]'


def test_one_entry_tells_of_a_field_that_was_written_to_both_sides(audit):
    both = (Planned("price", "2.00", "1.00"), Planned("price", "2.00", "1.00", side="sheet"))
    assert [(each.field, each.side) for each in kept(audit, *both)] == [("price", "both")]
    one = (Planned("price", "2.00", "1.00"), Planned("sku", "a", None, side="sheet"))
    assert [(each.field, each.side) for each in kept(audit, *one)] == [("price", "shop"), ("sku", "sheet")]


def test_cut_and_masked_values_are_known_as_such(audit):
    long, token = "x" * 70_000, "shpat_" + "0123456789abcdef" * 2
    assert [each.intact for each in kept(audit, Planned("a", long, "y"), Planned("b", token, "y"))] == [False, False]
