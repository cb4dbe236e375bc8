"""The story, step by step. Each step tells what happened, with its books, and which promises were not kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sheets_catalog.cli.connections import from_sandbox
from sheets_catalog.cli.demo import edits, people, proof
from sheets_catalog.cli.progress import Remarks, RunWatcher, tell_waits
from sheets_catalog.cli.text import count
from sheets_catalog.errors import SheetsCatalogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sheets_catalog.books import Books
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.cli.demo.edits import Edits
    from sheets_catalog.cli.demo.files import Files
    from sheets_catalog.cli.demo.people import Control, Person
    from sheets_catalog.cli.progress import Telling
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Connection, Systems
    from sheets_catalog.flows.exporting import JobResult

BATCH = 5
"""Records in a batch: small, so that there is something left when the run is stopped after the first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `told` are sentences for people, `facts` are for programs, `broken` are promises that were not kept."""

    name: str
    title: str
    told: tuple[str, ...] = ()
    books: Books | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    plan: Plan | None = None

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken


class Promises:
    """Collects what was promised and not kept in one step."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def __call__(self, kept: object, otherwise: str) -> None:
        """Note `otherwise` unless the promise was `kept`."""
        if not kept:
            self.broken.append(otherwise)

    def balanced(self, books: Books) -> None:
        """The books must balance and must not be empty of everything."""
        self(books.balanced, f"The books do not balance: {books}.")


class Story:
    """One telling of the story on one sandbox. `audit_for` opens the audit of a connection."""

    def __init__(self, sandbox: Any, audit_for: Callable[[Connection, Systems], Audit]) -> None:
        self.sandbox = sandbox
        self.show: Telling = Remarks(lambda _: None)
        self.audit_for = audit_for
        self.control: Control = people.Control(sandbox.url)
        self.connection = from_sandbox(sandbox.connection(), "the sandbox")
        self.systems: Systems = self._open()
        self.anna: Person | None = None
        self.edits: Edits = edits.Edits()
        self.plan: Plan | None = None
        self.job_id = ""
        self.before: dict[str, list[list[Any]]] = {}
        self.applied_from = 0
        self.client_folder = ""

    def steps(self) -> Iterator[Callable[[Telling], Step]]:
        """Each step as something to call with what shows progress. One that cannot be finished tells nothing."""
        for step in (
            self.seeded,
            self.connected,
            self.imported,
            self.edited,
            self.meanwhile,
            self.planned,
            self.interrupted,
            self.resumed,
            self.sheet_looked_at,
            self.audited,
            self.conflict_chosen,
            self.imported_again,
            self.verified,
            self.planned_again,
            self.exported_again,
            self.staged,
            self.delivered,
        ):
            yield partial(self._tell, step)

    def _tell(self, step: Callable[[], Step], show: Telling) -> Step:
        self.show = show
        self.systems.calls.on_wait = tell_waits(show)
        try:
            return step()
        except SheetsCatalogError as error:
            name = step.__name__
            return Step(name, name.replace("_", " ").capitalize(), broken=(f"{type(error).__name__}: {error.message}",))

    # -- before -----------------------------------------------------------------------------------------------------

    def seeded(self) -> Step:
        """A fresh sandbox: a shop with a catalogue, an empty spreadsheet."""
        counts = self.systems.catalogue.counts()
        promises = Promises()
        promises(counts.products, "The sandbox's shop is empty.")
        what = f"{count(counts.products, 'product')} and {count(counts.variants, 'variant')}"
        told = f"{what} in the shop; the sheet is empty."
        facts = {"url": self.sandbox.url, "products": counts.products, "variants": counts.variants}
        return Step("seed", "A shop and an empty sheet", (told,), None, facts, tuple(promises.broken))

    def connected(self) -> Step:
        """Everything is opened once, and Anna gets access to the spreadsheet."""
        from sheets_catalog.flows.doctor import examine

        checks = examine(self.systems)
        failed = [f"{check.name}: {check.found}" for check in checks if check.ok is False]
        sheet = self.connection.spreadsheet_id
        self.systems.drive.create_permission(sheet, type_="user", role="writer", email_address=people.ANNA)
        token = self.control.post("tokens", {"email": people.ANNA})["access_token"]
        self.anna = people.person(self.sandbox.url, token, sheet)
        told = f"{count(len(checks), 'check')} made, {len(failed)} failed; the sheet is shared with {people.ANNA}."
        return Step("connect", "Connect sheet, folder and shop", (told,), None, {"checks": checks}, tuple(failed))

    def imported(self) -> Step:
        """The shop's catalogue comes into the sheet."""
        start = self.control.position()
        result = self._import()
        counts = self.systems.catalogue.counts()
        promises = Promises()
        promises.balanced(result.books)
        shown = {name: len(cells) - 1 for name, cells in self._anna().look().items()}
        read = {name: table.read for name, table in result.tables.items()}
        promises(read["products"] == counts.products, f"{read['products']} of {counts.products} products were read.")
        promises(read["variants"] == counts.variants, f"{read['variants']} of {counts.variants} variants were read.")
        promises(shown == read, f"Anna sees {shown} rows, read were {read}.")
        promises(not self._shop_lines(start), "Importing changed something in the shop.")
        products, variants, levels = shown.values()
        told = f"Anna sees {products:,} products, {variants:,} variants and {levels:,} stock rows."
        return Step("import", "Import", (told,), result.books, {"rows": shown}, tuple(promises.broken))

    # -- people -----------------------------------------------------------------------------------------------------

    def edited(self) -> Step:
        """Anna edits the sheet."""
        digits = self.systems.catalogue.info.money_digits
        self.edits = edits.edit_sheet(self._anna(), digits)
        told = [f"Anna {what}." for what in self.edits.told]
        told += [f"Left out: {what}." for what in self.edits.left_out]
        facts = {"fields": len(self.edits.fields), "new_rows": len(self.edits.creates)}
        return Step("edit", "Anna edits the sheet, as people do", tuple(told), None, facts)

    def meanwhile(self) -> Step:
        """The merchant edits the shop."""
        told = tuple(f"The merchant {what}." for what in edits.edit_shop(self.control, self.edits))
        return Step("shop_edit", "Meanwhile, in the shop", told)

    # -- plan and apply ---------------------------------------------------------------------------------------------

    def planned(self) -> Step:
        """The plan must be exactly what Anna did, and planning must write nothing."""
        start = self.control.position()
        plan = self._plan()
        promises = Promises()
        promises.balanced(plan.books)
        promises(self.control.position() == start, "Planning wrote something.")
        wanted = {(*spot, after) for spot, after in self.edits.fields.items() if spot != self.edits.conflict}
        found = {
            (change.table, change.key, each.field, each.after)
            for change in plan.changes
            if change.action == "update"
            for each in change.fields
        }
        promises(
            found == wanted, f"Planned but not edited: {found - wanted}; edited but not planned: {wanted - found}."
        )
        creates = sum(change.action == "create" for change in plan.changes)
        promises(creates == len(self.edits.creates), f"{creates} new records planned, {len(self.edits.creates)} typed.")
        conflicts = [(each.table, each.key, each.field) for each in plan.conflicts]
        expected = [self.edits.conflict] if self.edits.conflict else []
        promises(conflicts == expected, f"Conflicts are {conflicts}, expected {expected}.")
        self.plan, self.job_id = plan, self._store(plan)
        self.before = self._anna().look()
        told = (
            f"{count(len(plan.changes), 'record')} to send, {count(len(plan.conflicts), 'conflict')}, "
            f"{plan.books.unchanged:,} records untouched."
        )
        facts = {"job": self.job_id, "estimate": plan.estimate, "changes": len(plan.changes)}
        return Step("plan", "Plan: what would be sent", (told,), plan.books, facts, tuple(promises.broken), plan)

    def interrupted(self) -> Step:
        """The run is stopped after its first batch."""
        from sheets_catalog.jobs.state import Result, Status

        self.applied_from = self.control.position()
        result = self._apply(self.job_id, stop_after=1)
        promises = Promises()
        promises.balanced(result.books)
        done = result.state.items(Result.DONE)
        shown = proof.prove(result.plan, self.control.ledger(self.applied_from), done)
        promises.broken += shown.broken
        promises(
            set(done) == self._sent(result.plan, shown), f"Called done: {done}; in the ledger: {sorted(shown.settled)}."
        )
        left = result.books.pending
        promises(result.status is Status.WAITING or not left, f"The job is {result.status}, expected waiting.")
        told = f"Stopped at a checkpoint: {result.books.done} done, {left} left, and the ledger agrees."
        return Step("interrupt", "Apply, and stop in the middle", (told,), result.books, {}, tuple(promises.broken))

    def resumed(self) -> Step:
        """A new process goes on; the ledger must show every planned change exactly once."""
        from sheets_catalog.jobs.state import Result, Status

        self.systems = self._open()
        result = self._apply(self.job_id)
        promises = Promises()
        promises.balanced(result.books)
        promises(result.status is Status.FINISHED, f"The job is {result.status}, expected finished.")
        done = result.state.items(Result.DONE)
        promises(len(done) == len(result.plan.changes), f"{len(done)} of {len(result.plan.changes)} changes were done.")
        shown = proof.prove(result.plan, self.control.ledger(self.applied_from), done)
        promises.broken += shown.broken
        promises(
            len(shown.settled) == result.books.done,
            f"{len(shown.settled)} in the ledger, {result.books.done} in the books.",
        )
        told = (
            f"The ledger shows {count(shown.fields, 'changed field')} and {count(shown.created, 'new record')}, "
            "each exactly once, and nothing else."
        )
        facts = {"fields": shown.fields, "created": shown.created, "calls": result.figures.total}
        return Step("resume", "Resume in a new process", (told,), result.books, facts, tuple(promises.broken))

    # -- afterwards -------------------------------------------------------------------------------------------------

    def sheet_looked_at(self) -> Step:
        """In the sheet only the ids of new rows may have changed; notes and formulas are byte-identical."""
        from sheets_catalog.cli.demo.looking import changed_cells

        changed = changed_cells(self.before, self._anna().look())
        ids = [each for each in changed if each.was_blank and each.header in {"Product ID", "Variant ID"}]
        others = [each for each in changed if each not in ids]
        promises = Promises()
        promises(not others, f"Cells changed that are not ours to change: {others[:5]}.")
        expected = len(self.edits.creates) + sum(table == "variants" for table, _ in self.edits.creates)
        promises(len(ids) == expected, f"{len(ids)} ids were written back, expected {expected}.")
        told = (
            f"{count(len(ids), 'id')} of new rows were written back; "
            "every other cell is byte-identical, notes and formulas included."
        )
        return Step("sheet", "What Anna sees now", (told,), None, {"ids": len(ids)}, tuple(promises.broken))

    def audited(self) -> Step:
        """The audit says the same as books and ledger."""
        assert self.plan
        with self.audit_for(self.connection, self.systems) as audit:
            report = audit.report(self.job_id)
        done = [record for record in report.records if record.status == "done"]
        promises = Promises()
        promises(report.session.books.balanced, "The audit's books do not balance.")
        promises(
            len(done) == len(self.plan.changes), f"{len(done)} records in the audit, {len(self.plan.changes)} sent."
        )
        promises(report.session.status == "completed", f"The audit calls the job {report.session.status}.")
        fields = sum(len(record.changes) for record in done)
        told = f"{count(len(done), 'record')} with {count(fields, 'field')} before and after."
        facts = {"session": report.session.session_id, "resumed": report.session.resumed, "fields": fields}
        return Step("audit", "The audit trail", (told,), None, facts, tuple(promises.broken))

    def conflict_chosen(self) -> Step:
        """Anna chooses in the Conflicts tab, and the next run applies her choice."""
        if self.edits.conflict is None:
            return Step("conflict", "The conflict", ("There was none to choose in.",))
        tab = self._anna().tab("Conflicts")
        rows = tab.rows()
        promises = Promises()
        promises(len(rows) == 1, f"The Conflicts tab has {len(rows)} rows, expected 1.")
        tab.type_in({(rows[0][0], tab.header[-1]): "sheet"})
        start = self.control.position()
        plan = self._plan()
        result = self._apply(self._store(plan))
        promises.balanced(result.books)
        shown = proof.prove(plan, self.control.ledger(start), range(len(plan.changes)))
        promises.broken += shown.broken
        promises(
            (len(plan.changes), shown.fields) == (1, 1), f"{len(plan.changes)} changes, {shown.fields} fields sent."
        )
        promises(not self._anna().tab("Conflicts").rows(), "The conflict still stands in its tab.")
        told = "Anna sees base, sheet and shop side by side, chooses “sheet”, and exactly that one field is sent."
        return Step("conflict", "The conflict", (told,), result.books, {}, tuple(promises.broken))

    def imported_again(self) -> Step:
        """The merchant's own edit comes into the sheet, and stock rows of new variants."""
        start = self.control.position()
        result = self._import()
        promises = Promises()
        promises.balanced(result.books)
        promises(not self._shop_lines(start), "Importing changed something in the shop.")
        promises(not result.books.conflicted, "Importing found conflicts that were settled.")
        if self.edits.merged:
            (table, key, _), vendor = self.edits.merged
            self._anna().look()
            _, row = self._anna().tabs[table].row_of("Product ID", key)
            promises(row["Vendor"] == vendor, f"The merchant's vendor did not come: {row['Vendor']!r}.")
        new, updated = (sum(getattr(each, name) for each in result.tables.values()) for name in ("new", "updated"))
        coming = f"The merchant's vendor and {count(new, 'stock row')} of new variants come in"
        told = f"{coming}; {count(updated, 'row')} updated in place."
        return Step("import_again", "Import what the shop knows", (told,), result.books, {}, tuple(promises.broken))

    def verified(self) -> Step:
        """Every field of both sides is compared, without asking the baseline."""
        from sheets_catalog.flows.verification import verify

        found = verify(self.systems)
        promises = Promises()
        promises(
            found.clean, f"Sheet and shop differ: {(found.differs + found.missing_here + found.missing_there)[:3]}."
        )
        told = f"{count(found.equal, 'record')} equal on both sides, field by field."
        return Step("verify", "Verify sheet against shop", (told,), found.books, {}, tuple(promises.broken))

    def planned_again(self) -> Step:
        """The second plan is empty."""
        plan = self._plan()
        promises = Promises()
        promises.balanced(plan.books)
        promises(plan.empty, f"The second plan has {len(plan.changes)} changes and {len(plan.conflicts)} conflicts.")
        told = f"Nothing to send: {plan.books.unchanged:,} records unchanged."
        return Step(
            "plan_again", "Plan again", (told,), plan.books, {"empty": plan.empty}, tuple(promises.broken), plan
        )

    def exported_again(self) -> Step:
        """A second export sends nothing: not one effect anywhere."""
        start = self.control.position()
        plan = self._plan()
        if not plan.empty:
            self._apply(self._store(plan))
        lines = self.control.ledger(start)
        promises = Promises()
        promises(not lines, f"The second export wrote {count(len(lines), 'thing')}: {lines[:2]}.")
        return Step(
            "export_again",
            "Export again",
            ("The ledger has not grown by a single line.",),
            plan.books,
            {"writes": len(lines)},
            tuple(promises.broken),
        )

    # -- what the steps need ------------------------------------------------------------------------------------------

    def _open(self) -> Systems:
        from sheets_catalog.flows.connection import open_systems

        systems = open_systems(self.connection)
        systems.calls.on_wait = tell_waits(self.show)
        return systems

    def _anna(self) -> Person:
        assert self.anna
        return self.anna

    def _import(self) -> Any:
        from sheets_catalog.flows.importing import import_catalogue

        with self.audit_for(self.connection, self.systems) as audit:
            return import_catalogue(
                self.systems, audit, None, lambda name, done, total: self.show.phase(f"Importing {name}", done, total)
            )

    def _plan(self) -> Plan:
        from sheets_catalog.flows.exporting import plan_export

        return plan_export(
            self.systems, None, lambda name, done, total: self.show.phase(f"Planning: {name}", done, total)
        )

    def _store(self, plan: Plan) -> str:
        from sheets_catalog.flows.exporting import store

        return store(self.systems, plan)

    def _apply(self, job_id: str, stop_after: int = 0) -> JobResult:
        from sheets_catalog.flows.exporting import ExportOptions, apply
        from sheets_catalog.jobs.runner import Limits

        watcher = RunWatcher(self.show)
        limits = Limits(stopping=lambda: bool(stop_after) and watcher.batches >= stop_after)
        with self.audit_for(self.connection, self.systems) as audit:
            return apply(
                self.systems,
                audit,
                job_id,
                watcher=watcher,
                limits=limits,
                options=ExportOptions(batch_size=BATCH) if stop_after else None,
                confirmed=True,
            )

    def _shop_lines(self, since: int) -> list[dict[str, Any]]:
        return [line for line in self.control.ledger(since) if line["service"] == "shopify"]

    @staticmethod
    def _sent(plan: Plan, shown: proof.Proof) -> set[int]:
        """Items with an effect in the shop that the ledger shows."""
        return {
            item for item in shown.settled if plan.changes[item].on("shop") or plan.changes[item].action != "update"
        }

    # -- files: staged for review, delivered to a client -----------------------------------------------------------

    def staged(self) -> Step:
        """Finished tasks are chosen, checked and copied into a staging folder."""
        from sheets_catalog.cli.demo import files
        from sheets_catalog.flows.tasks.batches import export_report

        result, folders, told = self._files().stage()
        self.client_folder = folders["client_folder"]
        promises = Promises()
        promises.balanced(result.books)
        promises(result.books.done, "Nothing was staged.")
        broken = files.staging_promises(result, export_report(self.systems).statuses)
        return Step("stage", "Stage finished tasks for review", told, result.books, {}, (*promises.broken, *broken))

    def delivered(self) -> Step:
        """What was staged is copied into the client's folder and proven there."""
        start = self.control.position()
        telling = self._files()
        result, told = telling.deliver(self.client_folder)
        promises = Promises()
        promises.balanced(result.books)
        promises(not result.books.rejected, f"{result.books.rejected} tasks were not delivered.")
        broken = telling.promises(result, self.client_folder, start)
        return Step("deliver", "Deliver to the client", told, result.books, {}, (*promises.broken, *broken))

    def _files(self) -> Files:
        from sheets_catalog.cli.demo.files import Files

        def audit() -> Audit:
            return self.audit_for(self.connection, self.systems)

        return Files(self.systems, self.control, audit, RunWatcher(self.show))
