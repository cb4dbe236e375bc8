"""Is everything in place? Each check says what was found, and what to do where something is missing.

Reads only; the audit database is made or brought up to date when it is looked at. A check that cannot be made because
an earlier one failed is not made at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import NotFound, SheetsCatalogError
from sheets_catalog.flows import control, job_files
from sheets_catalog.flows.auditing import open_audit
from sheets_catalog.flows.reading import open_tab
from sheets_catalog.records import TABLES
from sheets_catalog.shopify.documents import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import SpreadsheetInfo, Tab
    from sheets_catalog.records import Table
    from sheets_catalog.shopify.reading import ShopInfo

NEEDED_SCOPES = ("write_products", "write_inventory", "read_locations")
"""Access scopes of the shop's app; a write scope includes its read scope (Admin schema 2026-10, `requiredAccess`)."""

STORAGE_SHARE = 0.97
"""Share of Drive's storage from which making job files may soon fail."""

POINTS_SHARE = 0.1
"""Share of the shop's cost points below which somebody else is using them up."""

SKEW = timedelta(seconds=60)
"""Difference of clocks from which dates in the audit mislead; Google refuses service accounts at 300 s."""

COMMA_LANGUAGES = frozenset(
    (
        *("cs", "da", "de", "el", "es", "fi", "fr", "hr", "hu", "id", "it", "nb"),
        *("nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi"),
    )
)
"""Languages whose locales write decimals with a comma (CLDR; a few countries of theirs do not)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `ok` None: it works, but there is something to know."""

    name: str
    ok: bool | None
    found: str
    advice: str = ""


@dataclass(slots=True)
class _Examination:
    """What has been found so far."""

    systems: Systems
    checks: list[Check] = field(default_factory=list)
    info: SpreadsheetInfo | None = None
    shop: ShopInfo | None = None
    no_storage: bool = False

    def good(self, name: str, found: str) -> None:
        self.checks.append(Check(name, ok=True, found=found))

    def know(self, name: str, found: str, advice: str = "") -> None:
        self.checks.append(Check(name, ok=None, found=found, advice=advice))

    def bad(self, name: str, found: str, advice: str) -> None:
        self.checks.append(Check(name, ok=False, found=found, advice=advice))


def _silent(name: str, done: int, total: int) -> None:
    """Tell nobody."""


def examine(systems: Systems, note: Callable[[str, int, int], None] = _silent) -> list[Check]:
    """All checks, in an order in which they can be mended. `note` is told (name, done, total)."""
    run = _Examination(systems)
    steps: tuple[tuple[str, Callable[[_Examination], None]], ...] = (
        ("Google sign-in", _google),
        ("Spreadsheet", _spreadsheet),
        ("Spreadsheet access", _spreadsheet_access),
        ("Folder", _folder),
        ("Tabs", _tabs),
        ("Shop", _shop),
        ("Locations", _locations),
        ("Clock", _clock),
        ("Baseline", _baseline),
        ("Jobs", _jobs),
        ("Audit database", _audit),
    )
    for number, (name, step) in enumerate(steps):
        note(name, number, len(steps))
        try:
            step(run)
        except SheetsCatalogError as error:
            run.bad(name, error.message, error.advice or "Try again; if it stays, look at this service's status page.")
    note("All checks", len(steps), len(steps))
    return run.checks


def _google(run: _Examination) -> None:
    about = run.systems.drive.about()
    run.good("Google sign-in", f"as {about.user.email_address or about.user.display_name}")
    quota = about.storage_quota
    if quota.limit is None:
        return
    if not quota.limit:
        run.no_storage = True
        run.know("Drive storage", "none of its own: this is a service account")
        return
    share = quota.usage / quota.limit
    found = f"{share:.0%} of {quota.limit / 1e9:,.0f} GB used"
    if share >= STORAGE_SHARE:
        run.bad("Drive storage", found, "Free some space: job files could not be made.")
    else:
        run.good("Drive storage", found)


def _spreadsheet(run: _Examination) -> None:
    run.info = run.systems.sheets.info(run.systems.connection.spreadsheet_id)
    run.good("Spreadsheet", f"“{run.info.title}”, tabs {', '.join(run.info.tabs)}")
    language = run.info.locale.partition("_")[0]
    if language in COMMA_LANGUAGES:
        run.know(
            "Locale",
            f"{run.info.locale}: decimals are typed with a comma here",
            "Numbers are read as numbers and are fine; a text such as “1,5” is reported and never guessed.",
        )
    else:
        run.good("Locale", f"{run.info.locale}, time zone {run.info.time_zone}")


def _spreadsheet_access(run: _Examination) -> None:
    try:
        file = run.systems.drive.get(run.systems.connection.spreadsheet_id)
    except NotFound:
        run.bad(
            "Spreadsheet access",
            "Drive does not show this spreadsheet to the app, though Sheets opens it",
            "Let the app make the spreadsheet (`connect google --create TITLE`), or give it the full Drive scope.",
        )
        return
    if file.trashed:
        run.bad("Spreadsheet access", "the spreadsheet is in the trash", "Restore it in Drive.")
    elif not file.may("canEdit"):
        run.bad("Spreadsheet access", "this account may only look", "Share the spreadsheet with it as an editor.")
    else:
        run.good("Spreadsheet access", "may edit")


def _folder(run: _Examination) -> None:
    folder = run.systems.drive.get(run.systems.connection.folder_id)
    if not folder.is_folder:
        run.bad("Folder", f"“{folder.name}” is not a folder", "Connect again and give a folder.")
    elif folder.trashed:
        run.bad("Folder", f"“{folder.name}” is in the trash", "Restore it in Drive; jobs and baseline are in it.")
    elif not folder.may("canAddChildren"):
        run.bad(
            "Folder", f"nothing may be added to “{folder.name}”", "Share the folder with this account as an editor."
        )
    elif run.no_storage and not folder.drive_id:
        run.bad(
            "Folder",
            f"“{folder.name}” is not on a shared drive, and a service account cannot make files elsewhere",
            "Connect a folder of a shared drive, or sign in as a person.",
        )
    else:
        run.good("Folder", f"“{folder.name}” for jobs and baseline")


def _tabs(run: _Examination) -> None:
    if run.info is None:
        return
    for table in TABLES.values():
        tab = run.info.tabs.get(table.title)
        if tab is None:
            run.know(f"Tab {table.title}", "not there yet", "`sheets-catalog import` makes it.")
            continue
        _columns(run, run.info, table)
        _obstacles(run, table, tab)


def _columns(run: _Examination, info: SpreadsheetInfo, table: Table) -> None:
    name = f"Tab {table.title}"
    opened = open_tab(run.systems, info, table, 2)
    if isinstance(opened, Finding):
        run.bad(name, opened.message, opened.advice)
        return
    for finding in opened.layout.findings:
        tell = run.bad if finding.severity == "error" else run.know
        tell(name, finding.message, finding.advice)
    if not opened.layout.findings:
        extra = sum(bool(each.metafield_type) for each in opened.layout.owned)
        metafields = f", {extra} of them metafields" if extra else ""
        run.good(name, f"{len(opened.layout.columns)} of our columns{metafields}")


def _areas(number: int, how: str) -> str:
    return f"{number} {how} area" if number == 1 else f"{number} {how} areas"


def _obstacles(run: _Examination, table: Table, tab: Tab) -> None:
    name = f"Tab {table.title}"
    if tab.merges:
        first = tab.merges[0]
        found = f"{_areas(len(tab.merges), 'merged')}, the first in row {first.row}"
        run.know(name, found, "Merged rows are reported and left out; unmerge them.")
    locked = [each for each in tab.protections if not (each.editable or each.warning_only)]
    if locked:
        found = f"{_areas(len(locked), 'protected')} this account may not edit"
        run.know(name, found, "Import cannot write there: let this account edit them, or remove the protection.")
    if tab.filtered:
        run.know(name, "a filter is set", "Hidden rows count as well; plan with --skip-hidden to leave them out.")


def _shop(run: _Examination) -> None:
    answer = run.systems.shop.execute(load("shop"), {}, safety="read", points=3)
    run.shop = shop = run.systems.catalogue.info
    run.good("Shop", f"{shop.name} ({shop.domain}), {shop.currency}, plan {shop.plan}")
    missing = missing_scopes(shop.scopes)
    if missing:
        advice = "Add them to the app's scopes in Shopify, have the merchant agree, and connect again."
        run.bad("Shopify scopes", f"missing: {', '.join(missing)}", advice)
    else:
        run.good("Shopify scopes", ", ".join(NEEDED_SCOPES))
    wanted = run.systems.shop.api_version
    if answer.version and answer.version != wanted:
        run.know("Shopify API", f"answers with {answer.version}, asked for {wanted}", "Upgrade Sheets Catalog soon.")
    else:
        run.good("Shopify API", wanted)
    _points(run)


def missing_scopes(scopes: frozenset[str]) -> list[str]:
    """The access scopes that a token with these lacks."""
    return [each for each in NEEDED_SCOPES if not {each, each.replace("read_", "write_", 1)} & scopes]


def _points(run: _Examination) -> None:
    told = run.systems.shop.throttle
    if told is None:
        return
    found = f"{told.available:,.0f} of {told.maximum:,.0f} cost points free, {told.rate:,.0f} come back a second"
    if told.available < told.maximum * POINTS_SHARE:
        run.know("Shopify quota", found, "Another app of this shop's key is busy; runs will wait for points.")
    else:
        run.good("Shopify quota", found)


def _locations(run: _Examination) -> None:
    if run.shop is None:
        return
    active = [place.name for place in run.systems.catalogue.places if place.active]
    if active:
        run.good("Locations", ", ".join(active))
    else:
        run.bad("Locations", "the shop has no active location", "Add one in Shopify; stock cannot be kept without.")


def _clock(run: _Examination) -> None:
    """The server's date must lie between our own moments before and after the call."""
    before = run.systems.clock.now()
    told = run.systems.drive.get(run.systems.connection.folder_id, "id").server_time
    after = run.systems.clock.now()
    if told is None:
        run.know("Clock", "Google's answer had no date")
        return
    skew = max(before - told, told - after, timedelta())
    if skew > SKEW:
        found = f"this machine's clock is {skew.total_seconds():,.0f} s off"
        run.bad("Clock", found, "Set it by network time (NTP); Google refuses signatures that are 5 minutes off.")
    else:
        run.good("Clock", "agrees with Google's")


def _baseline(run: _Examination) -> None:
    found, trouble = control.find(run.systems).load()
    rows = sum(len(table.rows) for table in found.tables.values())
    if trouble:
        run.know("Baseline", trouble, "Plan as usual: everything is compared with the shop, nothing is overwritten.")
    elif not found.generation:
        run.know("Baseline", "none yet", "`sheets-catalog import` makes the first one.")
    else:
        run.good("Baseline", f"{rows:,} records, generation {found.generation}")


def _jobs(run: _Examination) -> None:
    for job in job_files.list_jobs(run.systems):
        for found, advice in _open_ends(job):
            run.know("Jobs", found, advice)
    if not any(check.name == "Jobs" for check in run.checks):
        run.good("Jobs", "none is waiting")


def _open_ends(job: job_files.JobSummary) -> Iterator[tuple[str, str]]:
    """What of a job waits for a person."""
    if job.status in {"running", "waiting", "attention"}:
        left = f"{job.books.pending:,} records left"
        yield f"{job.flow} {job.job_id} is {job.status}: {left}", f"`sheets-catalog jobs resume {job.job_id}`"
    if job.status == "unreadable":
        yield f"{job.job_id} cannot be read: {job.note}", "Plan again; what was applied is found and left out."
    if job.quarantined:
        yield f"{job.quarantined:,} records of {job.job_id} were set aside", f"`sheets-catalog jobs show {job.job_id}`"


def _audit(run: _Examination) -> None:
    with open_audit(run.systems.connection, run.systems) as audit:
        last = audit.sessions(spreadsheet_id=run.systems.connection.spreadsheet_id, limit=1)
        when = f"last run {last[0].started_at:%Y-%m-%d %H:%M} UTC" if last else "nothing in it yet"
        run.good("Audit database", f"{audit.place}, {when}")
