"""Looking at the shop before anything is sent: what became of each change of a batch since the plan was made.

Records are read as many at a time as one call may hold: those of the batch, and of the batches that come next. What was
read for later is used once and while it is fresh, so that a record is looked at moments before it is written, and after
a call whose outcome is not known it is always read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.flows.exporting.sending import Ready, Sent, marker
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, FieldChange, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.records import Record, Table, Value
    from sheets_catalog.shopify import Tree

OPTIONS = ("option1", "option2", "option3")

AHEAD = 250
"""Items after a batch that may be looked at with it; a call holds at most 250 ids."""

FRESH = 15.0
"""Seconds a record that was read ahead counts as looked at: twice what a batch takes, with the checkpoint after it."""


@dataclass(slots=True)
class Looks:
    """The looks of one job. `coming`: items that follow the batch. `early`: what was read ahead, and when."""

    systems: Systems
    plan: Plan
    job_id: str
    tables: Mapping[str, Table]
    coming: Sequence[int] = ()
    early: dict[tuple[str, str], tuple[float, Record | None]] = field(default_factory=dict)

    def at(self, name: str, keys: Sequence[str]) -> dict[str, Record]:
        """The shop's records of a table with these keys; those that are not there are left out."""
        oldest = self.systems.clock.monotonic() - FRESH
        taken = {key: self.early.pop((name, key), None) for key in keys}
        found = {key: seen[1] for key, seen in taken.items() if seen and seen[0] >= oldest}
        missing = [key for key in keys if key not in found]
        if missing:
            found |= self._read(name, missing)
        return {key: record for key, record in found.items() if record is not None}

    def _read(self, name: str, keys: Sequence[str]) -> Mapping[str, Record]:
        """Read `keys`, and of what comes next as much as fits into the same calls."""
        table, started = self.tables[name], self.systems.clock.monotonic()
        coming = [self.plan.changes[item] for item in self.coming]
        later = [change.key for change in coming if is_looked_up(change, name)]
        step = self.systems.catalogue.ids_per_call(name, sum(bool(each.metafield_type) for each in table.fields))
        ahead = [key for key in dict.fromkeys(later) if key not in keys][: -len(keys) % step]
        read = fetch(self.systems, table, [*keys, *ahead])
        self.early |= {(name, key): (started, read.get(key)) for key in ahead}
        return {key: read[key] for key in keys if key in read}


def fetch(systems: Systems, table: Table, keys: Iterable[str]) -> Mapping[str, Record]:
    """The shop's records with these keys; those that are not there are left out."""
    return systems.catalogue.by_ids(table.name, keys, [each for each in table.fields if each.metafield_type])


def is_looked_up(change: Change, table: str) -> bool:
    """Whether the shop's record of a change in `table` is read before the change is sent."""
    return change.table == table and bool(change.key) and _on_shop(change)


@dataclass(slots=True)
class Look:
    """What the shop has now of the records in a batch, and what that means for each of its items."""

    looks: Looks
    batch: Sequence[int]
    records: dict[str, Mapping[str, Record]] = field(default_factory=dict)
    trees: dict[str, Tree | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changes = [self.looks.plan.changes[item] for item in self.batch]
        for name in self.looks.tables:
            keys = [change.key for change in changes if is_looked_up(change, name)]
            self.records[name] = self.looks.at(name, keys) if keys else {}
        for change in changes:
            if change.action == "create" and change.group not in self.trees:
                self.trees[change.group] = self._tree(change)

    def _tree(self, change: Change) -> Tree | None:
        catalogue = self.looks.systems.catalogue
        wanted = {
            "metafields": [each for each in self.looks.tables["products"].fields if each.metafield_type],
            "variant_metafields": [each for each in self.looks.tables["variants"].fields if each.metafield_type],
        }
        if change.group.startswith("new:"):
            return catalogue.product_by_handle(change.group.removeprefix("new:"), **wanted)
        return catalogue.product_tree(change.group, **wanted)

    def sort(self, item: int) -> Ready | Sent:
        """Whether an item is ready to be sent, or already settled by what the shop has."""
        change = self.looks.plan.changes[item]
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
        """A record that changed since the plan was made is not deleted."""
        moved = [each.field for each in change.fields if current.values.get(each.field) != each.before]
        if moved:
            return Sent(Outcome(item, Result.CONFLICTED, f"Changed since the plan was made: {', '.join(moved)}."))
        return Ready(item, change, (), current)

    def _sort_create(self, item: int, change: Change) -> Ready | Sent:
        tree = self.trees[change.group]
        mark = marker(self.looks.job_id, change.group)
        if change.group.startswith("new:"):
            return self._sort_new_product(item, change, tree, mark)
        if tree is None:
            return Sent(Outcome(item, Result.REJECTED, "Its product was deleted in the shop since the plan was made."))
        return self._sort_new_variant(item, change, tree, mark)

    def _sort_new_product(self, item: int, change: Change, tree: Tree | None, mark: str) -> Ready | Sent:
        if tree is None:
            return Ready(item, change, change.fields)
        if tree.operation != mark:
            reason = f"A product with the handle “{tree.product.values.get('handle')}” appeared in the shop meanwhile."
            return Sent(Outcome(item, Result.CONFLICTED, reason))
        record = tree.product if change.table == "products" else self._variant_in(tree, change)
        if record is None:
            return Sent(Outcome(item, Result.REJECTED, "The product was made, but not this variant. Plan again."))
        return Sent(Outcome(item, Result.DONE), record)

    def _sort_new_variant(self, item: int, change: Change, tree: Tree, mark: str) -> Ready | Sent:
        wanted = _options(change)
        for variant in tree.variants:
            if _options_of(variant.record.values) == wanted:
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
        matching = (each.record for each in tree.variants if _options_of(each.record.values) == wanted)
        return next(matching, only if not any(wanted) else None)

    def option_names(self, ready: Sequence[Ready]) -> dict[str, tuple[str, ...]]:
        """Names of the options of products whose variants get option values."""
        wanted = {
            one.change.group
            for one in ready
            if one.change.table == "variants"
            and not one.change.group.startswith("new:")
            and any(each.field in OPTIONS for each in one.fields)
        }
        known = {group: tree.product for group, tree in self.trees.items() if tree}
        missing = [group for group in wanted if group not in known]
        products = {**known, **(fetch(self.looks.systems, self.looks.tables["products"], missing) if missing else {})}
        return {group: _names(products[group].values) for group in wanted if group in products}


def _on_shop(change: Change) -> bool:
    return change.action != "update" or bool(change.on("shop"))


def _options(change: Change) -> tuple[str, ...]:
    values = {each.field: each.after for each in change.fields}
    return tuple(values.get(name) or "" for name in OPTIONS)


def _options_of(values: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(values.get(name) or "" for name in OPTIONS)


def _names(values: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(name for number in (1, 2, 3) if (name := values.get(f"option{number}_name")))
