"""The export as the engine runs it: look at the shop, send what still has to be sent, write back to the sheet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.errors import AccessError, InputError, NotFound, PermissionMissing, Refused, UpstreamError
from sheets_catalog.flows import conflicts_tab, control, job_files
from sheets_catalog.flows.exporting import unlinked
from sheets_catalog.flows.exporting.agreeing import (
    LEFT,
    UNWRITTEN,
    WAITING,
    agreed_on,
    as_left,
    forgotten,
    made_without_row,
    may_be_half_sent,
    sent_of,
    untouched,
)
from sheets_catalog.flows.exporting.batching import first_batch
from sheets_catalog.flows.exporting.looking import Look, fetch
from sheets_catalog.flows.exporting.names_now import names_now
from sheets_catalog.flows.exporting.planning import CONFLICTS_TAB, LISTED, tables_of
from sheets_catalog.flows.exporting.sending import Ready, Sent, deliver, deliveries, in_steps
from sheets_catalog.flows.exporting.standing import depends_on_row, rows_changed
from sheets_catalog.flows.keyed_writing import HELD, KeyedWriter, RowWrite
from sheets_catalog.flows.reading import TabReader, open_tab
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.google.cells import LONGEST_TEXT
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sheets_catalog.changes.baseline import Baseline
    from sheets_catalog.changes.plan import Change, FieldChange, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.control import Control
    from sheets_catalog.flows.exporting.standing import Standing
    from sheets_catalog.flows.tabs import Layout
    from sheets_catalog.google.sheets import SpreadsheetInfo
    from sheets_catalog.jobs.state import JobState
    from sheets_catalog.records import Record, Table

    _Agreed = dict[int, Sequence[FieldChange]]

PROTECTED = "this account may not edit its cells."
"""Why nothing was written into a row of a job that is cancelled."""

TOO_LONG = f"a cell holds at most {LONGEST_TEXT:,} characters."
"""Why a text of the shop was not written into its row."""

OVERTAKEN = "/overtaken"
"""Ends the name under which a job stores the baseline after another run came in between."""


@dataclass(slots=True)
class ExportWork:
    """The work of one export job (a `jobs.runner.Work`).

    `home`: the sheet's control file, which this job holds the lease of. `made`: ids of records that this process
    created and wrote into the sheet, by item. `looked`: items that this process looked at, so that no other run came
    after it. `checked`: the tabs that will be written into were there.
    """

    systems: Systems
    plan: Plan
    job_id: str
    home: Control
    tables: Mapping[str, Table] = field(init=False)
    made: dict[int, str] = field(default_factory=dict)
    looked: set[int] = field(default_factory=set)
    checked: bool = False

    def __post_init__(self) -> None:
        self.tables = tables_of(self.plan)

    @property
    def tells(self) -> bool:
        """No: the shop and the sheet are looked at before anything is written again."""
        return False

    def next_batch(self, pending: Sequence[int], size: int) -> Sequence[int]:
        """Items of the first phase that has any, whole products as far as they fit."""
        return first_batch(self.plan.changes, pending, size)

    def run(self, batch: Sequence[int]) -> Sequence[Outcome]:
        """Look, send what is still to be sent, write back; an outcome for every item."""
        look = Look(self.systems, self.plan, self.job_id, self.tables, batch)
        outcomes = {item: look.sort(item) for item in batch}
        outcomes |= self._rows_changed(outcomes.values())
        ready = [each for each in outcomes.values() if isinstance(each, Ready)]
        self._check_tabs()
        sent = self._send(ready, look)
        sent |= self._done_before(sent)
        settled = {item: each for item, each in outcomes.items() if isinstance(each, Sent)} | sent
        problems = self._write_back(settled)
        self.looked |= settled.keys()
        return [self._outcome(item, settled[item], problems.get(item, "")) for item in batch]

    def _rows_changed(self, found: Iterable[Ready | Sent]) -> dict[int, Sent]:
        """New records whose row is not what it was any more, and records to be removed whose row has come back."""
        ready = [each for each in found if isinstance(each, Ready)]
        names = sorted({each.change.table for each in ready if depends_on_row(each.change)})
        if not names:
            return {}
        info = self.systems.sheets.info(self.plan.spreadsheet_id)
        new = {each.change.table for each in ready if each.change.action == "create"}
        return rows_changed(ready, {name: self._names_now(info, name, new=name in new) for name in names})

    def _names_now(self, info: SpreadsheetInfo, name: str, *, new: bool) -> Standing:
        table = self.tables[name]
        if table.title not in info.tabs:
            raise _no_tab(info, table)
        columns = SheetColumns(self.systems.sheets, info.id, table.title, info.tabs[table.title].sheet_id)
        return names_now(columns, table, int(self.plan.options["money_digits"]), new=new)

    def _send(self, ready: Sequence[Ready], look: Look) -> dict[int, Sent]:
        to_shop = [one for one in ready if one.fields or one.change.action != "update"]
        sent = {one.item: Sent(Outcome(one.item, Result.DONE), one.current) for one in ready if one not in to_shop}
        for step in in_steps(to_shop):
            still = [one for one in step if one.item not in sent or sent[one.item].outcome.result is Result.DONE]
            parts = list(deliveries(still, self.tables, self.job_id, look.option_names(still)))
            for each in deliver(self.systems.shop, parts, int(self.plan.options["money_digits"])):
                blameless = each.outcome.blameless and each.outcome.item not in sent  # else half of it was done
                sent[each.outcome.item] = replace(each, outcome=replace(each.outcome, blameless=blameless))
        return sent

    def _done_before(self, sent: Mapping[int, Sent]) -> dict[int, Sent]:
        """New records refused because they are there, and stock that is as planned: an earlier request came in late."""
        unclear = [item for item, each in sent.items() if each.outcome.result is self._turned_away(item)]
        if not unclear:
            return {}
        look = Look(self.systems, self.plan, self.job_id, self.tables, unclear)
        found = ((item, look.sort(item)) for item in unclear)
        return {item: each for item, each in found if isinstance(each, Sent) and each.outcome.result is Result.DONE}

    def _turned_away(self, item: int) -> Result:
        """As what the shop's word ends that something is otherwise than we saw it."""
        return Result.REJECTED if self.plan.changes[item].action == "create" else Result.CONFLICTED

    def _outcome(self, item: int, sent: Sent, problem: str) -> Outcome:
        change, outcome = self.plan.changes[item], sent.outcome
        if outcome.result is not Result.DONE:
            return outcome
        if problem:
            made = sent.record if change.action == "create" else None
            reason = unlinked.reason(UNWRITTEN + problem, made.key) if made else UNWRITTEN + problem
            return Outcome(item, Result.CONFLICTED, reason)
        if change.waiting:
            return Outcome(item, Result.CONFLICTED, LEFT if self.plan.undone else WAITING)
        return Outcome(item, Result.DONE, _normalised(change, sent.record) or outcome.reason)

    # --- back to the sheet ---

    def _write_back(self, settled: Mapping[int, Sent], *, ending: bool = False) -> dict[int, str]:
        """New ids, and values that the shop won, into their rows; sentences about what could not be written.

        `ending`: what the sheet refuses as a whole is told so as well, since nobody goes on with this job.
        """
        changes = self.plan.changes
        done = [item for item, sent in settled.items() if sent.outcome.result is Result.DONE]
        created = [row for item in done if changes[item].action == "create" and (row := self._new_row(item, settled))]
        wanted = [self._edited_row(item) for item in done if changes[item].on("sheet")]
        edited = [row for row in wanted if not row.too_long]
        problems = {row.item: TOO_LONG for row in wanted if row.too_long}
        if not created and not edited:
            return problems
        info = self.systems.sheets.info(self.plan.spreadsheet_id)
        for name, rows in product(self.tables, (created, edited)):
            mine = [row for row in rows if changes[row.item].table == name]
            try:
                problems |= self._write_rows(info, name, mine) if mine else {}
            except (InputError, PermissionMissing, Refused) as error:
                if not ending:
                    raise
                why = PROTECTED if isinstance(error, PermissionMissing) else error.message
                problems |= {row.item: why for row in mine}
        self.made |= {row.item: str(row.values["id"][1]) for row in created if row.item not in problems}
        return problems

    def _write_rows(self, info: SpreadsheetInfo, name: str, rows: Sequence[RowWrite]) -> dict[int, str]:
        """Into one tab: either new rows, found by name, or old ones, found by their key."""
        writer = self._writer(info, name)
        if rows[0].key:
            return writer.write(rows)
        return _write_new(writer, [_with_columns(writer.layout, row) for row in rows])

    def _writer(self, info: SpreadsheetInfo, name: str) -> KeyedWriter:
        reader = self._reader(info, name, rows=False)
        columns = SheetColumns(self.systems.sheets, reader.info.id, reader.tab.title, reader.tab.sheet_id)
        return KeyedWriter(reader.layout, columns, reader.money_digits)

    def _reader(self, info: SpreadsheetInfo, name: str, *, rows: bool = True) -> TabReader:
        opened = open_tab(self.systems, info, self.tables[name], int(self.plan.options["money_digits"]), rows=rows)
        if not isinstance(opened, TabReader):
            raise _no_tab(info, self.tables[name])
        return opened

    def _check_tabs(self) -> None:
        """Raises `InputError`, before anything is sent, when a tab that will be written into is not there."""
        if self.checked:
            return
        changes = self.plan.changes
        names = {each.table for each in changes if each.action == "create" or each.on("sheet")}
        info = self.systems.sheets.info(self.plan.spreadsheet_id) if names else None
        for table in (self.tables[name] for name in self.tables if name in names):
            if info is not None and table.title not in info.tabs:
                raise _no_tab(info, table)
        self.checked = True

    def _new_row(self, item: int, settled: Mapping[int, Sent]) -> RowWrite | None:
        change, record = self.plan.changes[item], settled[item].record
        if record is None:
            return None
        planned = {"product_handle": change.context.get("product_handle") or None}
        planned |= {each.field: each.after for each in change.fields}
        told = ("id", "handle") if change.table == "products" else ("id", "product_id", "product_handle")
        values = {
            name: (planned.get(name), record.values.get(name)) for name in told if record.values.get(name) is not None
        }
        names = self.tables[change.table].natural_keys_of({**planned, **record.values})
        return RowWrite(item, "", change.natural_key, values, names=tuple(names))

    def _edited_row(self, item: int) -> RowWrite:
        change = self.plan.changes[item]
        values = {each.field: (each.before, each.after) for each in change.on("sheet")}
        return RowWrite(item, change.key, (), values)

    # --- the end ---

    def settle(self, state: JobState) -> Sequence[Outcome]:
        """What became of changes that may have been sent when the job was cancelled; nothing is sent to the shop.

        What is found in the shop is written back to the sheet as ever. What is not there stays pending.
        """
        unsure = [item for item in state.attempts if state.result(item) is Result.PENDING]
        if not unsure:
            return ()
        look = Look(self.systems, self.plan, self.job_id, self.tables, unsure)
        found = {item: _as_found(look.sort(item)) for item in unsure}
        settled = {item: each for item, each in found.items() if each is not None}
        problems = self._write_back(settled, ending=True)
        self.looked |= settled.keys()
        return [self._outcome(item, each, problems.get(item, "")) for item, each in settled.items()]

    def pause(self, state: JobState) -> Sequence[int]:
        """Note what this process settled: else a cell that goes back to its old value meanwhile is taken for no edit.

        An export would then leave the shop what was sent, and an import overwrite the cell with it.
        """
        told = [item for item in range(state.total) if self._is_told(item)]
        try:
            return self._note(told, state, self._agreed(told, state))
        except (AccessError, UpstreamError):  # the shop may be why this ends: what needs no look is noted all the same
            agreed = self._wholly_agreed(self.looked, state)
            return self._note([*agreed], state, agreed)

    def _note(self, told: Sequence[int], state: JobState, agreed: _Agreed) -> Sequence[int]:
        """Note what is agreed on of `told`, which are returned; nothing if this process settled nothing to be noted."""
        if not self.looked & {*agreed, *made_without_row(self.plan.changes, state.reasons)}:
            return ()
        self._store_baseline(self.home, state, agreed)
        return told

    def _is_told(self, item: int) -> bool:
        """Whether an item can be judged without a look at the sheet: also what a process did that died since."""
        return item in self.looked or self.plan.changes[item].action == "update"

    def finish(self, state: JobState) -> None:
        """Store what both sides now agree on, then show open conflicts. Repeatable.

        Where another run came in between, its conflicts are newer, and people may have chosen there.
        """
        agreed = self._agreed(range(state.total), state)
        try:
            alone = self._store_baseline(self.home, state, agreed)
        except NotFound:  # it was deleted while the job ran
            alone = self._store_baseline(control.find_or_make(self.systems), state, agreed)
        if alone and self.plan.options.get(CONFLICTS_TAB) != LISTED:
            self._show_conflicts()

    def _show_conflicts(self) -> None:
        info = self.systems.sheets.info(self.plan.spreadsheet_id)
        mine = {name: self.tables[name] for name in self.plan.tables}
        try:
            conflicts_tab.write(self.systems.sheets, info, self.plan.conflicts, mine)
        except PermissionMissing as error:
            if job_files.stop_wanted(self.systems, self.job_id):
                return  # a job that is cancelled ends all the same: the next plan finds them again
            raise PermissionMissing(
                f"Everything was sent, but open conflicts cannot be listed: {error.message}",
                advice=f"Let this account edit the tab “{conflicts_tab.TITLE}”, then resume the job; or cancel it.",
            ) from error

    def _store_baseline(self, home: Control, state: JobState, agreed: _Agreed) -> bool:
        """Note what is agreed on; whether no other run came in between.

        If one did, this job's name says so for good: what that one found is newer.
        """
        baseline, _ = home.load()
        alone = baseline.job_id == self.job_id or baseline.generation in {0, self.plan.baseline_generation}
        self._agree(baseline, state, agreed, alone=alone)
        home.save(baseline, job_id=self.job_id if alone else f"{self.job_id}{OVERTAKEN}")
        return alone

    def _agree(self, baseline: Baseline, state: JobState, agreed: _Agreed, *, alone: bool) -> None:
        """Note what both sides agree on. `alone`: no other run came in between.

        A record of which an old value were noted would seem edited in the shop, and a way back to it in the sheet be
        taken for no edit.
        """
        for each in self.plan.agreements if alone else ():
            baseline.table(each.table).agree(each.key, each.marks)
        self._remember_unlinked(baseline, state)
        keys = self._new_keys([item for item in agreed if self.plan.changes[item].action == "create"])
        others = {item: fields for item, fields in agreed.items() if item not in self.looked}
        older = set() if alone else self._older(others, baseline, state)
        older |= set() if alone else {item for item in agreed if forgotten(self.plan.changes[item], baseline)}
        for item, fields in agreed.items():
            change = self.plan.changes[item]
            base, key = baseline.table(change.table), change.key or keys.get(item, "")
            if change.action == "delete":
                base.forget([change.key])
            elif key and (item not in older or (change.action == "create" and key not in base)):
                base.agree(key, {each.field: fingerprint(each.after) for each in fields})

    def _agreed(self, items: Collection[int], state: JobState) -> _Agreed:
        """By item, the fields of which both sides have what was planned; the shop is asked where that is not clear."""
        wholly = self._wholly_agreed(items, state)
        return wholly | self._half_sent([item for item in items if item not in wholly], state)

    def _wholly_agreed(self, items: Collection[int], state: JobState) -> _Agreed:
        """By item, the fields of which both sides have what was planned, as the state tells."""
        changes, reasons = self.plan.changes, state.reasons
        fields = {item: agreed_on(changes[item], state.result(item), reasons.get(item, "")) for item in items}
        return {item: each for item, each in fields.items() if each}

    def _half_sent(self, items: Collection[int], state: JobState) -> _Agreed:
        """Of records that ended otherwise, the fields that the shop has as planned: the others were not sent."""
        changes = {item: self.plan.changes[item] for item in items}
        ended = {item: each for item, each in changes.items() if may_be_half_sent(each, state.result(item))}
        found: _Agreed = {}
        for name, table in self.tables.items():
            mine = {item: each for item, each in ended.items() if each.table == name}
            now = fetch(self.systems, table, [each.key for each in mine.values()]) if mine else {}
            found |= {item: fields for item, each in mine.items() if (fields := sent_of(each, now.get(each.key)))}
        return found

    def _older(self, agreed: _Agreed, baseline: Baseline, state: JobState) -> set[int]:
        """Those that another run has come after, as baseline or shop shows: they are not what this job left there.

        A process that died did not note what it had sent, so others still have the value before it in the baseline.
        What this job has noted (`JobState.told`) others knew: if they have that value, they went back to it.
        """
        changes = {item: self.plan.changes[item] for item in agreed if not state.told(item)}
        mine = {item for item, change in changes.items() if change.action == "update" and untouched(change, baseline)}
        for name, table in self.tables.items():
            keys = {changes[item].key: item for item in mine if changes[item].table == name}
            found = fetch(self.systems, table, keys) if keys else {}
            mine -= {item for key, item in keys.items() if not as_left(agreed[item], found.get(key))}
        return set(agreed) - mine

    def _remember_unlinked(self, baseline: Baseline, state: JobState) -> None:
        """Records that were made, but whose row did not get their id: the next plan must not make them again."""
        for name in self.plan.tables:
            unlinked.settle(baseline.table(name))
        for item in made_without_row(self.plan.changes, state.reasons):
            change = self.plan.changes[item]
            unlinked.remember(baseline.table(change.table), unlinked.key_in(state.reasons[item]), change.row)

    def _new_keys(self, items: Sequence[int]) -> dict[int, str]:
        """The ids of created records; those that another process created, from the sheet."""
        found = {item: self.made[item] for item in items if item in self.made}
        others = [item for item in items if item not in found]
        if not others:
            return found
        info = self.systems.sheets.info(self.plan.spreadsheet_id)
        for name in {self.plan.changes[item].table for item in others}:
            table = self.tables[name]
            if table.title not in info.tabs:
                continue  # no row is known to have them; if the tab comes back, they are compared with the shop
            rows = [row for row in self._reader(info, name).rows() if row.key is not None]
            by_name = {each: row.key for row in rows for each in table.natural_keys_of(row.values)}
            for item in others:
                change = self.plan.changes[item]
                key = by_name.get(_name_after(change)) if change.table == name else None
                if key:
                    found[item] = key
        return found


def _as_found(each: Ready | Sent) -> Sent | None:
    """What a look says of a change that is not to be sent any more; None when nothing of it was applied."""
    if isinstance(each, Sent):
        return each
    planned = each.change.on("shop") if each.change.action == "update" else ()
    missing = [one.field for one in each.fields]
    if len(missing) == len(planned) or not planned:
        return None
    return Sent(Outcome(each.item, Result.CONFLICTED, f"Cancelled halfway: {', '.join(missing)} was not sent."))


def _write_new(writer: KeyedWriter, rows: Sequence[RowWrite]) -> dict[int, str]:
    """Ids into rows found by name; then, into rows found by their id, what changes the name.

    A row that no name leads to may have got its id from a process that died then, and what has a row of its own since
    does not get a second one.
    """
    problems = writer.write([_without(row, _renaming(writer.layout.table, row)) for row in rows])
    again = [_by_id(row) for row in rows if row.item in problems or _renaming(writer.layout.table, row)]
    still = writer.write(again)
    first = {item: problem for item, problem in problems.items() if problem != HELD}
    return {item: first.get(item, problem) for item, problem in still.items()}


def _renaming(table: Table, row: RowWrite) -> set[str]:
    """The fields with which a row without id gets another name."""
    names = {name for names in table.natural_keys for name in names}
    return {name for name, (before, after) in row.values.items() if name in names and before != after}


def _without(row: RowWrite, names: set[str]) -> RowWrite:
    return replace(row, values={name: value for name, value in row.values.items() if name not in names})


def _by_id(row: RowWrite) -> RowWrite:
    values = dict(row.values)
    _, key = values.pop("id")
    return replace(row, key=str(key), natural_key=(), values=values)


def _with_columns(layout: Layout, row: RowWrite) -> RowWrite:
    """A new row needs its id; people may do without the columns that only inform."""
    needed = {*layout.columns, *layout.table.key}
    return replace(row, values={name: row.values[name] for name in row.values if name in needed})


def _no_tab(info: SpreadsheetInfo, table: Table) -> InputError:
    return InputError(
        f"“{info.title}” has no tab “{table.title}”; it has: {', '.join(info.tabs)}.",
        advice="Give the tab its name again, then resume the job.",
    )


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
