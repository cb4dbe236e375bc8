"""Looking at the shop before anything is sent: what became of each change of a batch since the plan was made.

A record is looked at with its batch, moments before it is written, and never for a later batch: what is known of it
grows old, and an edit made in the shop meanwhile would be overwritten.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint_of
from sheets_catalog.flows.exporting.creating import NEW, OPTIONS, options_of
from sheets_catalog.flows.exporting.sending import PARALLEL, Ready, Sent, marker
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, FieldChange, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.records import Field, Record, Table, Value
    from sheets_catalog.shopify import Tree


def fetch(systems: Systems, table: Table, keys: Iterable[str]) -> Mapping[str, Record]:
    """The shop's records with these keys; those that are not there are left out."""
    return systems.catalogue.by_ids(table.name, keys, [each for each in table.fields if each.metafield_type])


VARIANTS_MARK = "variants"
"""In the context of a product's deletion: the fingerprint of the variants that it had when this was planned."""


def variants_mark(tree: Tree) -> str:
    """The fingerprint of a product's variants: their ids and all their values, stock left out."""
    return fingerprint_of(each.record for each in tree.variants)


def trees_of(systems: Systems, tables: Mapping[str, Table], product_ids: Sequence[str]) -> dict[str, Tree | None]:
    """Products with their variants, by id; None for one that is not there. A few calls at once, one for each."""
    wanted = metafields_wanted(tables)
    if not product_ids:
        return {}
    with ThreadPoolExecutor(PARALLEL, "shopify") as pool:
        found = pool.map(lambda each: systems.catalogue.product_tree(each, **wanted), product_ids)
        return dict(zip(product_ids, found, strict=True))


def metafields_wanted(tables: Mapping[str, Table]) -> dict[str, list[Field]]:
    """The metafields of products and variants that a tree is read with."""
    return {
        option: [each for each in tables[name].fields if each.metafield_type]
        for option, name in (("metafields", "products"), ("variant_metafields", "variants"))
    }


_PLAIN_HANDLE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Handles that are certainly stored as they are sent."""


def may_be_stored_otherwise(change: Change) -> bool:
    """Whether the change makes a product whose handle the shop may write in its own way, or a variant of one.

    A product with very many variants gets some of them in later batches: it is looked for by its mark there as well.
    """
    new = change.action == "create" and change.group.startswith(NEW)
    return new and not _PLAIN_HANDLE.fullmatch(change.group.removeprefix(NEW))


def is_looked_up(change: Change, table: str) -> bool:
    """Whether the shop's record of a change in `table` is read before the change is sent."""
    return change.table == table and bool(change.key) and _on_shop(change)


@dataclass(slots=True)
class Look:
    """What the shop has now of the records in a batch, and what that means for each of its items.

    `trees`: of what is made, by group; `leaving`: of products that are deleted, by id.
    """

    systems: Systems
    plan: Plan
    job_id: str
    tables: Mapping[str, Table]
    batch: Sequence[int]
    records: dict[str, Mapping[str, Record]] = field(default_factory=dict)
    trees: dict[str, Tree | None] = field(default_factory=dict)
    leaving: dict[str, Tree | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changes = [self.plan.changes[item] for item in self.batch]
        for name in self.tables:
            keys = [change.key for change in changes if is_looked_up(change, name)]
            self.records[name] = fetch(self.systems, self.tables[name], keys) if keys else {}
        for change in changes:
            if change.action == "create" and change.group not in self.trees:
                self.trees[change.group] = self._tree(change)
        self._look_for_marks([each for each in changes if may_be_stored_otherwise(each)])
        deleted = [each.key for each in changes if (each.action, each.table) == ("delete", "products")]
        self.leaving = trees_of(self.systems, self.tables, deleted)

    def _tree(self, change: Change) -> Tree | None:
        catalogue = self.systems.catalogue
        wanted = metafields_wanted(self.tables)
        if change.group.startswith(NEW):
            return catalogue.product_by_handle(change.group.removeprefix(NEW), **wanted)
        return catalogue.product_tree(change.group, **wanted)

    def _look_for_marks(self, changes: Sequence[Change]) -> None:
        """New products that the shop may have stored under another handle than was sent, by what marks them as ours."""
        marks = {each.group: marker(self.job_id, each.group) for each in changes}
        marks = {group: mark for group, mark in marks.items() if not self._is_made(group, mark)}
        found = self.systems.catalogue.newest_with(marks.values()) if marks else {}
        wanted = metafields_wanted(self.tables)
        for group, mark in marks.items():
            if mark in found:
                self.trees[group] = self.systems.catalogue.product_tree(found[mark], **wanted)

    def _is_made(self, group: str, mark: str) -> bool:
        tree = self.trees[group]
        return tree is not None and tree.operation == mark

    def sort(self, item: int) -> Ready | Sent:
        """Whether an item is ready to be sent, or already settled by what the shop has."""
        change = self.plan.changes[item]
        if change.action == "create":
            return self._sort_create(item, change)
        if not _on_shop(change):
            return Ready(item, change, ())
        current = self.records[change.table].get(change.key)
        if change.action == "delete":
            return Sent(Outcome(item, Result.DONE)) if current is None else self._sort_delete(item, change, current)
        if current is None:
            return Sent(Outcome(item, Result.REJECTED, "It was deleted in the shop since the plan was made."))
        return self._sort_update(item, change, current)

    def _sort_update(self, item: int, change: Change, current: Record) -> Ready | Sent:
        todo: list[FieldChange] = []
        moved: list[str] = []
        for each in change.on("shop"):
            value = current.values.get(each.field)
            if value == each.after:
                continue
            if value == each.before:
                todo.append(each)
            else:
                moved.append(f"{each.field} is now “{value or ''}” in the shop, not “{each.before or ''}”")
        if moved:
            return Sent(Outcome(item, Result.CONFLICTED, f"Changed since the plan was made: {'; '.join(moved)}."))
        if todo:
            return Ready(item, change, tuple(todo), current)
        return Sent(Outcome(item, Result.DONE), current)

    def _sort_delete(self, item: int, change: Change, current: Record) -> Ready | Sent:
        """A record that changed since the plan was made is not deleted, nor a product whose variants did.

        What the plan does not name was blank: somebody who filled it in has changed it.
        """
        planned = {each.field: each.before for each in change.fields}
        moved = [name for name in {**planned, **current.values} if current.values.get(name) != planned.get(name)]
        if change.table == "products":
            tree = self.leaving[change.key]
            if tree is None or variants_mark(tree) != change.context.get(VARIANTS_MARK):
                moved.append("its variants")
        if moved:
            return Sent(Outcome(item, Result.CONFLICTED, f"Changed since the plan was made: {', '.join(moved)}."))
        return Ready(item, change, (), current)

    def _sort_create(self, item: int, change: Change) -> Ready | Sent:
        tree = self.trees[change.group]
        mark = marker(self.job_id, change.group)
        if change.group.startswith(NEW):
            return self._sort_new_product(item, change, tree, mark)
        if tree is None:
            return Sent(Outcome(item, Result.REJECTED, "Its product was deleted in the shop since the plan was made."))
        return self._sort_new_variant(item, change, tree, mark)

    def _sort_new_product(self, item: int, change: Change, tree: Tree | None, mark: str) -> Ready | Sent:
        if tree is None and change.table == "variants" and not self._has_product(change.group):
            return Sent(Outcome(item, Result.REJECTED, "Its product was not made. Plan again."))
        if tree is None:
            return Ready(item, change, change.fields)
        if tree.operation != mark:
            reason = f"A product with the handle “{tree.product.values.get('handle')}” appeared in the shop meanwhile."
            return Sent(Outcome(item, Result.CONFLICTED, reason))
        record = tree.product if change.table == "products" else self._variant_in(tree, change)
        if record is None:  # more variants than go with their product
            return Ready(item, change, change.fields, product=tree.product.key)
        return Sent(Outcome(item, Result.DONE), record)

    def _has_product(self, group: str) -> bool:
        """Whether the batch has the new product of a group, which goes before its variants."""
        changes = (self.plan.changes[item] for item in self.batch)
        return any((each.group, each.table) == (group, "products") for each in changes)

    def _sort_new_variant(self, item: int, change: Change, tree: Tree, mark: str) -> Ready | Sent:
        wanted = _options(change)
        for variant in tree.variants:
            if options_of(variant.record.values) == wanted:
                if variant.operation == mark:
                    return Sent(Outcome(item, Result.DONE), variant.record)
                return Sent(
                    Outcome(item, Result.CONFLICTED, "A variant with these options appeared in the shop meanwhile.")
                )
        return Ready(item, change, change.fields)

    @staticmethod
    def _variant_in(tree: Tree, change: Change) -> Record | None:
        wanted = _options(change)
        only = tree.variants[0].record if len(tree.variants) == 1 else None
        matching = (each.record for each in tree.variants if options_of(each.record.values) == wanted)
        return next(matching, only if not any(wanted) else None)

    def option_names(self, ready: Sequence[Ready]) -> dict[str, tuple[str, ...]]:
        """Names of the options of products whose variants get option values, by group."""
        wanted = {
            one.change.group
            for one in ready
            if one.change.table == "variants"
            and (one.product or not one.change.group.startswith(NEW))
            and any(each.field in OPTIONS for each in one.fields)
        }
        known = {group: tree.product for group, tree in self.trees.items() if tree}
        missing = [group for group in wanted if group not in known]
        products = {**known, **(fetch(self.systems, self.tables["products"], missing) if missing else {})}
        return {group: _names(products[group].values) for group in wanted if group in products}


def _on_shop(change: Change) -> bool:
    return change.action != "update" or bool(change.on("shop"))


def _options(change: Change) -> tuple[str, ...]:
    return options_of({each.field: each.after for each in change.fields})


def _names(values: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(name for number in (1, 2, 3) if (name := values.get(f"option{number}_name")))
