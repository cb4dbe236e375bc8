"""`verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from sheets_catalog.cli import options, statuses
from sheets_catalog.cli.commands.delivering import verify_batch
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.here import here

HELP = examples(
    ("sheets-catalog verify", "every record and field of both sides"),
    ("sheets-catalog verify --inventory --json", "stock only, for programs"),
    ("sheets-catalog verify K7Q2MD", "an export batch: every copy read back by its id"),
)


Batch = Annotated[
    str,
    typer.Argument(metavar="BATCH", help="An export batch, instead of the catalogue.", show_default=False),
]


def verify(
    batch: Batch = "",
    products: options.Products = False,
    variants: options.Variants = False,
    inventory: options.Inventory = False,
    show_all: options.All = False,
    connection: options.Connection = "",
    json: options.Json = False,
) -> int:
    """Compare sheet and shop field by field; the exit status says what is different. Reads only."""
    from sheets_catalog.cli.progress import tell_waits, telling
    from sheets_catalog.cli.views import checks
    from sheets_catalog.errors import InputError
    from sheets_catalog.flows.verification import verify as compare
    from sheets_catalog.records import TABLES

    if batch and (products or variants or inventory):
        raise InputError("A batch and tabs of the catalogue were both given.", advice="Verify one, then the other.")
    at = here(connection, json=json)
    if batch:
        return verify_batch(at, batch)
    with telling(at.screen) as show:
        at.systems.calls.on_wait = tell_waits(show)
        show.phase("Comparing", 0, 0)
        tables = options.tables(products=products, variants=variants, inventory=inventory)
        found = compare(
            at.systems, tables, lambda name, done, total: show.phase(f"Comparing {TABLES[name].title}", done, total)
        )
    status = statuses.of_verification(
        differs=bool(found.differs),
        missing_here=bool(found.missing_here),
        missing_there=bool(found.missing_there),
        errors=bool(found.errors) or found.columns_gone,
    )
    at.screen.show(*checks.verified(found, None if show_all else checks.LIMIT))
    at.screen.answer(
        {
            "status": status.name.lower().replace("ok", "equal"),
            "books": found.books,
            "equal": found.equal,
            "differs": found.differs,
            "missing_here": found.missing_here,
            "missing_there": found.missing_there,
            "errors": found.errors,
            "columns": found.columns,
            "exit_status": int(status),
        }
    )
    return status
