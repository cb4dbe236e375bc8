"""Options that several commands share, as typer annotations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

COMMON = "Every command"
SCOPE = "What"
SAFETY = "Safety"


def _saved_connections(incomplete: str) -> list[str]:
    """Names of saved connections, for shell completion."""
    from sheets_catalog.flows import connection

    return [name for name in connection.saved() if name.startswith(incomplete)]


Connection = Annotated[
    str,
    typer.Option(
        "--connection",
        "-c",
        envvar="SHEETS_CATALOG_CONNECTION",
        metavar="NAME",
        help="A saved connection, a settings file, or the JSON line a sandbox printed. "
        "Left out: the one called “default”, or the only one there is.",
        show_default=False,
        rich_help_panel=COMMON,
        autocompletion=_saved_connections,
    ),
]

Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print exactly one JSON object to stdout, errors too.",
        rich_help_panel=COMMON,
        show_default=False,
    ),
]

Products = Annotated[bool, typer.Option("--products", help="Only the tabs asked for: products.", rich_help_panel=SCOPE)]
Variants = Annotated[bool, typer.Option("--variants", help="Variants.", rich_help_panel=SCOPE)]
Inventory = Annotated[bool, typer.Option("--inventory", help="Stock.", rich_help_panel=SCOPE)]


class PolicyName(StrEnum):
    """Who wins a field that was edited on both sides."""

    SHEET = "sheet"
    SHOP = "shop"
    NEWEST = "newest"
    ASK = "ask"


Policy = Annotated[
    PolicyName,
    typer.Option(
        help="Who wins a field edited on both sides. “ask” lists it in the Conflicts tab, where you choose.",
        rich_help_panel=SCOPE,
    ),
]

ConfirmMassChange = Annotated[
    bool,
    typer.Option(
        "--confirm-mass-change",
        help="Say yes to a plan that changes or deletes an unusually large share of the catalogue.",
        rich_help_panel=SAFETY,
    ),
]

Job = Annotated[
    str,
    typer.Argument(
        metavar="JOB", help="The job's id, or “last” for the newest one. `jobs list` shows them.", show_default=False
    ),
]


def tables(*, products: bool, variants: bool, inventory: bool) -> tuple[str, ...]:
    """The tables asked for; all when none is."""
    chosen = {"products": products, "variants": variants, "inventory": inventory}
    return tuple(name for name, wanted in chosen.items() if wanted) or tuple(chosen)
