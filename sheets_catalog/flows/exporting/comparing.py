"""Second pass: the rows that changed against what the shop has now. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.books import Books
from sheets_catalog.changes.compare import UNKNOWN, Policy, Verdict, decide, winner
from sheets_catalog.changes.fingerprints import clipped, fingerprint, shown
from sheets_catalog.changes.plan import Agreement, Change, Conflict, FieldChange, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.records import Field, Record, Table, Value


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's choice in the conflicts tab. It counts only while both sides still are what the tab showed.

    `row`: where it stands there.
    """

    choice: str
    sheet: Value
    shop: Value
    row: int = 0

    def about(self, mine: Value, theirs: Value) -> bool:
        """Whether the choice was made about these very values."""
        return (self.sheet or "", self.shop or "") == (clipped(mine), clipped(theirs))


@dataclass(frozen=True, slots=True)
class Rules:
    """How conflicts are settled. `resolutions`: by (table, key, field). `sheet_edited_at`: ISO 8601, UTC."""

    policy: Policy = "ask"
    resolutions: Mapping[tuple[str, str, str], Resolution] = field(default_factory=dict)
    sheet_edited_at: str = ""


@dataclass(slots=True)
class Compared:
    """What comparing found, in the plan's own terms. `books` are of the records that need no change item."""

    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    resolved: list[tuple[str, str, str]] = field(default_factory=list)
    books: Books = field(default_factory=Books)

    def settle(self, **counts: int) -> None:
        """Count records that need no item."""
        self.books += Books(planned=sum(counts.values()), **counts)


def compare_row(
    layout: Layout, row: Row, base: TableBaseline, shop: Record | None, rules: Rules, out: Compared
) -> None:
    """Compare one row that has a key. `shop` None: the shop does not have it."""
    table = layout.table
    if shop is None:
        out.findings.append(_gone(table, row, known=(row.key or "") in base))
        out.settle(rejected=1)
        return
    assert row.key is not None
    fields = _Fields(table, row, row.key, base.marks(row.key), shop, rules)
    for each in layout.owned:
        fields.look_at(each)
    if fields.agreed:
        out.agreements.append(Agreement(table.name, row.key, fields.agreed))
    out.findings.extend(fields.findings)
    if any(finding.severity == "error" for finding in fields.findings):
        out.settle(rejected=1)
        return
    out.conflicts.extend(fields.conflicts)
    out.resolved.extend(fields.resolved)
    if fields.edits:
        out.changes.append(_update(table, row, shop, tuple(fields.edits), waiting=bool(fields.conflicts)))
    else:
        out.settle(**{"conflicted" if fields.conflicts else "unchanged": 1})


@dataclass(slots=True)
class _Fields:
    """The fields of one row, looked at one by one."""

    table: Table
    row: Row
    key: str
    marks: Mapping[str, str]
    shop: Record
    rules: Rules
    edits: list[FieldChange] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    resolved: list[tuple[str, str, str]] = field(default_factory=list)
    agreed: dict[str, str] = field(default_factory=dict)

    def look_at(self, each: Field) -> None:
        """Sort one field into edits, conflicts, findings or agreements."""
        mine, theirs = self.row.values[each.name], self.shop.values.get(each.name)
        verdict = decide(mine, self.marks.get(each.name, UNKNOWN), theirs)
        if verdict is Verdict.AGREED and self.marks.get(each.name) != fingerprint(mine):
            self.agreed[each.name] = fingerprint(mine)
        if verdict not in {Verdict.SEND, Verdict.CONFLICT}:
            return
        if each.on_create_only:
            self.findings.append(_fixed(self.table, self.row, each))
        elif verdict is Verdict.SEND:
            self._send(each, mine, FieldChange(each.name, before=theirs, after=mine))
        else:
            self._settle_conflict(each, mine, theirs)

    def _send(self, each: Field, mine: Value, edit: FieldChange) -> None:
        if mine is None and each.required:
            self.findings.append(_blank(self.table, self.row, each))
        else:
            self.edits.append(edit)

    def _settle_conflict(self, each: Field, mine: Value, theirs: Value) -> None:
        spot = (self.table.name, self.key, each.name)
        choice = _choice(spot, mine, theirs, self.shop, self.rules)
        if choice == "sheet":
            self._send(each, mine, FieldChange(each.name, before=theirs, after=mine, loser=theirs))
        elif choice == "shop":
            self.edits.append(FieldChange(each.name, before=mine, after=theirs, side="sheet", loser=mine))
        else:
            self.conflicts.append(_conflict(self.table, self.row, each, self.marks.get(each.name), mine, theirs))
        if choice and spot in self.rules.resolutions:
            self.resolved.append(spot)


def _choice(spot: tuple[str, str, str], mine: Value, theirs: Value, shop: Record, rules: Rules) -> str | None:
    chosen = rules.resolutions.get(spot)
    if chosen and chosen.about(mine, theirs):
        return chosen.choice
    return winner(rules.policy, sheet_edited_at=rules.sheet_edited_at, shop_updated_at=shop.updated_at)


def _conflict(table: Table, row: Row, each: Field, base: str | None, mine: Value, theirs: Value) -> Conflict:
    assert row.key is not None
    return Conflict(
        table=table.name,
        key=row.key,
        label=label_of(table, row.values),
        row=row.number,
        field=each.name,
        base=shown(base) or None if base is not None else None,
        sheet=mine,
        shop=theirs,
        base_known=base is not None,
    )


def _update(table: Table, row: Row, shop: Record, edits: tuple[FieldChange, ...], *, waiting: bool) -> Change:
    assert row.key is not None
    return Change(
        action="update",
        table=table.name,
        key=row.key,
        group=group_of(table, {**row.values, **shop.values}, row.key),
        label=label_of(table, {**shop.values, **row.values}),
        row=row.number,
        fields=edits,
        context=context_of(table, shop),
        waiting=waiting,
    )


def group_of(table: Table, values: Mapping[str, Value], key: str) -> str:
    """What goes to the shop together: a product with its variants; all stock."""
    if table.name == "inventory":
        return "inventory"
    return values.get("product_id") or key if table.name == "variants" else key


def context_of(table: Table, shop: Record) -> dict[str, str]:
    """Ids and names that a call for this record needs."""
    wanted = {"variants": ("product_id",), "inventory": ("variant_id",)}.get(table.name, ())
    return {name: shop.values.get(name) or "" for name in wanted}


def label_of(table: Table, values: Mapping[str, Value]) -> str:
    """What people call the record."""
    if table.name == "products":
        return values.get("title") or values.get("handle") or "(without title)"
    if table.name == "variants":
        options = " / ".join(values.get(f"option{number}") or "" for number in (1, 2, 3)).strip(" /")
        return (
            f"{values.get('product_handle') or values.get('product_id') or '?'} · {options or values.get('sku') or '?'}"
        )
    names = (values.get("sku"), values.get("product_title"), values.get("inventory_item_id"))
    name = next((name for name in names if name), "?")
    return f"{name} @ {values.get('location') or values.get('location_id') or '?'}"


def compare_rows(
    layout: Layout, rows: Iterable[Row], base: TableBaseline, shop: Mapping[str, Record], rules: Rules
) -> Compared:
    """Compare all changed rows of a tab."""
    out = Compared()
    for row in rows:
        compare_row(layout, row, base, shop.get(row.key or ""), rules, out)
    return out


def _gone(table: Table, row: Row, *, known: bool) -> Finding:
    header = table.by_name[table.key[0]].header
    message = f"This {table.noun} was deleted in the shop." if known else f"The shop has no {table.noun} with this id."
    return Finding(
        "error",
        "unknown_id",
        table.title,
        row.number,
        header,
        row.key or "",
        message,
        f"Delete the row, or clear “{header}” to make a new {table.noun} of it.",
    )


def _blank(table: Table, row: Row, each: Field) -> Finding:
    return Finding(
        "error",
        "required",
        table.title,
        row.number,
        each.header,
        "",
        f"“{each.header}” cannot be empty.",
        "Type a value. Nothing of this row was sent.",
    )


def _fixed(table: Table, row: Row, each: Field) -> Finding:
    return Finding(
        "warning",
        "fixed_field",
        table.title,
        row.number,
        each.header,
        str(row.values[each.name] or ""),
        f"“{each.header}” of a {table.noun} that exists cannot be changed from the sheet; it is left as it is.",
        "Rename options in the shop, then import.",
    )
