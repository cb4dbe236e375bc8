"""The export as the engine runs it: look at the shop, send what still has to be sent, write back to the sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.flows import conflicts_tab, control
from sheets_catalog.flows.exporting.planning import fetch, phase_of, tables_of
from sheets_catalog.flows.exporting.sending import Ready, Sent, deliver, deliveries, marker
from sheets_catalog.flows.keyed_writing import KeyedWriter, RowWrite
from sheets_catalog.flows.reading import TabReader, open_tab
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.changes.baseline import Baseline
    from sheets_catalog.changes.plan import Change, FieldChange, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.jobs.state import JobState
    from sheets_catalog.records import Record, Table, Value
    from sheets_catalog.shopify import Tree

LARGEST_GROUP = 250
"""A batch grows up to this to keep a product and its variants together."""

OPTIONS = ("option1", "option2", "option3")


@dataclass(slots=True)
class ExportWork:
    """The work of one export job (a `jobs.runner.Work`)."""

    systems: Systems
    plan: Plan
    job_id: str
    tables: Mapping[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        self.tables = tables_of(self.plan)

    def next_batch(self, pending: Sequence[int], size: int) -> Sequence[int]:
        """Items of the first phase that has any, whole products as far as they fit."""
        if not pending:
            return ()
        changes = self.plan.changes
        phase = phase_of(changes[pending[0]])
        batch: list[int] = []
        for item in pending:
            if phase_of(changes[item]) != phase:
                break
            same = bool(batch) and changes[item].group == changes[batch[-1]].group
            if len(batch) >= (LARGEST_GROUP if same and phase != _STOCK else size):
                break
            batch.append(item)
        return batch

    def run(self, batch: Sequence[int]) -> Sequence[Outcome]:
        """Look, send what is still to be sent, write back; an outcome for every item."""
        look = _Look(self, batch)
        outcomes = {item: look.sort(item) for item in batch}
        ready = [each for each in outcomes.values() if isinstance(each, Ready)]
        sent = self._send(ready, look)
        settled = {item: each for item, each in outcomes.items() if isinstance(each, Sent)} | sent
        problems = self._write_back(settled)
        return [self._outcome(item, settled[item], problems.get(item, "")) for item in batch]

    def _send(self, ready: Sequence[Ready], look: _Look) -> dict[int, Sent]:
        to_shop = [one for one in ready if one.fields or one.change.action != "update"]
        sent = {one.item: Sent(Outcome(one.item, Result.DONE), one.current) for one in ready if one not in to_shop}
        parts = list(deliveries(to_shop, self.tables, self.job_id, look.option_names(to_shop)))
        for each in deliver(self.systems.shop, parts, int(self.plan.options["money_digits"])):
            sent[each.outcome.item] = each
        return sent

    def _outcome(self, item: int, sent: Sent, problem: str) -> Outcome:
        change, outcome = self.plan.changes[item], sent.outcome
        if outcome.result is not Result.DONE:
            return outcome
        if change.waiting:
            return Outcome(item, Result.CONFLICTED, "Another field of this record waits for a choice in “Conflicts”.")
        return Outcome(item, Result.DONE, problem or _normalised(change, sent.record) or outcome.reason)

    # --- back to the sheet ---

    def _write_back(self, settled: Mapping[int, Sent]) -> dict[int, str]:
        """New ids, and values that the shop won, into their rows; sentences about what could not be written."""
        problems: dict[int, str] = {}
        done = [item for item, sent in settled.items() if sent.outcome.result is Result.DONE]
        for name in self.tables:
            mine = [item for item in done if self.plan.changes[item].table == name]
            created = [self._new_row(item, settled) for item in mine if self.plan.changes[item].action == "create"]
            edited = [self._edited_row(item) for item in mine if self.plan.changes[item].on("sheet")]
            if created or edited:
                writer = self._writer(name)
                problems |= writer.write([each for each in created if each]) | writer.write(edited)
        return problems

    def _writer(self, name: str) -> KeyedWriter:
        reader = self._reader(name)
        columns = SheetColumns(self.systems.sheets, reader.info.id, reader.tab.title, reader.tab.sheet_id)
        return KeyedWriter(reader.layout, columns, reader.money_digits)

    def _reader(self, name: str) -> TabReader:
        info = self.systems.sheets.info(self.plan.spreadsheet_id)
        opened = open_tab(self.systems, info, self.tables[name], int(self.plan.options["money_digits"]))
        if not isinstance(opened, TabReader):
            raise TypeError(opened.message)
        return opened

    def _new_row(self, item: int, settled: Mapping[int, Sent]) -> RowWrite | None:
        change, record = self.plan.changes[item], settled[item].record
        if record is None:
            return None
        planned = {each.field: each.after for each in change.fields}
        names = ("id", "handle") if change.table == "products" else ("id", "product_id", "product_handle")
        values = {
            name: (planned.get(name), record.values.get(name)) for name in names if record.values.get(name) is not None
        }
        return RowWrite(item, "", change.natural_key, values)

    def _edited_row(self, item: int) -> RowWrite:
        change = self.plan.changes[item]
        values = {each.field: (each.before, each.after) for each in change.on("sheet")}
        return RowWrite(item, change.key, (), values)

    # --- the end ---

    def finish(self, state: JobState) -> None:
        """Show open conflicts, then store what both sides now agree on. Repeatable."""
        info = self.systems.sheets.info(self.plan.spreadsheet_id)
        conflicts_tab.write(self.systems.sheets, info, self.plan.conflicts, self.plan.tables)
        home = control.find_or_make(self.systems)
        baseline, _ = home.load()
        if baseline.job_id != self.job_id:
            self._agree(baseline, state)
            home.save(baseline, job_id=self.job_id)

    def _agree(self, baseline: Baseline, state: JobState) -> None:
        for each in self.plan.agreements:
            baseline.table(each.table).agree(each.key, each.marks)
        settled = [item for item in range(state.total) if state.result(item) in {Result.DONE, Result.CONFLICTED}]
        keys = self._new_keys([item for item in settled if self.plan.changes[item].action == "create"])
        for item in settled:
            change = self.plan.changes[item]
            if state.result(item) is Result.CONFLICTED and not change.waiting:
                continue
            if change.action == "delete":
                baseline.table(change.table).forget([change.key])
            elif key := change.key or keys.get(item, ""):
                marks = {each.field: fingerprint(each.after) for each in change.fields}
                baseline.table(change.table).agree(key, marks)

    def _new_keys(self, items: Sequence[int]) -> dict[int, str]:
        """The ids of created records, from the sheet: another process may have created them."""
        found: dict[int, str] = {}
        for name in {self.plan.changes[item].table for item in items}:
            table = self.tables[name]
            rows = [row for row in self._reader(name).rows() if row.key is not None]
            by_name = {each: row.key for row in rows for each in table.natural_keys_of(row.values)}
            for item in items:
                change = self.plan.changes[item]
                key = by_name.get(_name_after(change)) if change.table == name else None
                if key:
                    found[item] = key
        return found


_STOCK = 2


def _name_after(change: Change) -> tuple[str, ...]:
    """The natural key of a created record's row once its ids are written."""
    if change.table == "products":
        return ("handle", change.context["handle"])
    return change.natural_key


def _normalised(change: Change, record: Record | None) -> str:
    """A note when the shop stored something else than it was given (it trims and cleans some texts)."""
    if record is None or change.action == "delete":
        return ""
    odd = [
        each.field
        for each in change.on("shop")
        if each.field in record.values and record.values[each.field] != each.after
    ]
    return f"The shop stored {', '.join(odd)} in a form of its own." if odd else ""


@dataclass(slots=True)
class _Look:
    """What the shop has now of the records in a batch."""

    work: ExportWork
    batch: Sequence[int]
    records: dict[str, Mapping[str, Record]] = field(default_factory=dict)
    trees: dict[str, Tree | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changes = [self.work.plan.changes[item] for item in self.batch]
        for name, table in self.work.tables.items():
            keys = [change.key for change in changes if change.table == name and change.key and _on_shop(change)]
            self.records[name] = fetch(self.work.systems, table, keys) if keys else {}
        for change in changes:
            if change.action == "create" and change.group not in self.trees:
                self.trees[change.group] = self._tree(change)

    def _tree(self, change: Change) -> Tree | None:
        catalogue = self.work.systems.catalogue
        wanted = {
            "metafields": [each for each in self.work.tables["products"].fields if each.metafield_type],
            "variant_metafields": [each for each in self.work.tables["variants"].fields if each.metafield_type],
        }
        if change.group.startswith("new:"):
            return catalogue.product_by_handle(change.group.removeprefix("new:"), **wanted)
        return catalogue.product_tree(change.group, **wanted)

    def sort(self, item: int) -> Ready | Sent:
        """Whether an item is ready to be sent, or already settled by what the shop has."""
        change = self.work.plan.changes[item]
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
        mark = marker(self.work.job_id, change.group)
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
        products = {**known, **(fetch(self.work.systems, self.work.tables["products"], missing) if missing else {})}
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
