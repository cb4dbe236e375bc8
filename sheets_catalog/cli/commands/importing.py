"""`import`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from sheets_catalog.cli import options, statuses
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import here

if TYPE_CHECKING:
    from collections.abc import Callable

    from sheets_catalog.cli.progress import Telling
    from sheets_catalog.cli.stopping import Stopping

HELP = examples(
    ("sheets-catalog import", "the shop's products, variants and stock into the sheet"),
    ("sheets-catalog import --inventory", "stock only"),
    (
        "sheets-catalog import --metafield 'Metafield: custom.material \\[single_line_text_field]'",
        "with a column for a metafield",
    ),
)


Metafields = Annotated[
    list[str] | None,
    options.value(
        "--metafield",
        metavar="HEADER",
        help="Add this metafield column to Products (with “variants:” in front: to Variants), such as "
        "“Metafield: custom.material \\[single_line_text_field]”; repeatable. Those there are filled in anyway.",
        panel=options.SCOPE,
    ),
]


def import_(
    products: options.Products = False,
    variants: options.Variants = False,
    inventory: options.Inventory = False,
    policy: options.Policy = options.PolicyName.ASK,
    metafield: Metafields = None,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Bring the shop's catalogue into the sheet. Rows are updated in place; your edits are kept."""
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.cli.screen import plain
    from sheets_catalog.cli.stopping import Stopping
    from sheets_catalog.cli.views import runs
    from sheets_catalog.flows.importing import ImportOptions, import_catalogue

    at = here(connection, json=json)
    wanted = ImportOptions(
        tables=options.tables(products=products, variants=variants, inventory=inventory),
        policy=policy.value,
        metafields=tuple(metafield or ()),
    )
    with at.audit() as audit, telling(at.screen) as show, Stopping(show.remark) as stop:
        at.systems.calls.on_wait = tell_waits(show)
        result = import_catalogue(at.systems, audit, wanted, _watched(show, stop))
    at.ran(result.session_id)
    status = statuses.of_books(result.books)
    at.screen.show(
        *runs.import_result(result.books, plain(result.tables), at.screen.out.width),
        *runs.import_findings(result.findings),
    )
    at.screen.show(runs.figures_line(result.figures))
    at.screen.hint("Edit the sheet, then see what would be sent:", at.hint("plan"))
    told = {
        "job": result.session_id,
        "flow": "import",
        "status": "finished",
        "books": result.books,
        "tables": result.tables,
        "findings": result.findings,
        "figures": result.figures,
        "exit_status": int(status),
    }
    at.screen.answer(told)
    return status


def _watched(show: Telling, stop: Stopping) -> Callable[[str, int, int], None]:
    """An import has no job to resume: it is stopped between two pages, and the next one goes on by comparing."""
    from sheets_catalog.cli.stopping import Stopped
    from sheets_catalog.records import TABLES

    def watch(name: str, done: int, total: int) -> None:
        show.phase(TABLES[name].title, done, total)
        if stop.wanted():
            raise Stopped("The import was stopped; what was written stays.", advice="Import again to go on.")

    return watch
