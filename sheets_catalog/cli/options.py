"""Options that several commands share, as typer annotations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

COMMON = "Every command"
SCOPE = "What"
SAFETY = "Safety"

MOST_DAYS = 36_500
"""Most days that `--older-than` takes, a hundred years: beyond some thousand years there is no calendar."""


def flag(*names: str, help: str, panel: str | None = None) -> Any:  # noqa: A002 - typer's own name
    """A switch: shown without a type and a default, which say nothing about it."""
    return typer.Option(*names, help=help, metavar="", show_default=False, rich_help_panel=panel)


def value(*names: str, help: str, metavar: str, panel: str | None = None) -> Any:  # noqa: A002 - typer's own name
    """An option with a value and nothing to say about its default."""
    return typer.Option(*names, help=help, metavar=metavar, show_default=False, rich_help_panel=panel)


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

Json = Annotated[bool, flag("--json", help="Print exactly one JSON object to stdout, errors too.", panel=COMMON)]

Products = Annotated[bool, flag("--products", help="Products (all three tabs when none is named).", panel=SCOPE)]
Variants = Annotated[bool, flag("--variants", help="Variants.", panel=SCOPE)]
Inventory = Annotated[bool, flag("--inventory", help="Stock.", panel=SCOPE)]
All = Annotated[bool, flag("--all", help="Show every line, however many there are.")]


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
    flag(
        "--confirm-mass-change",
        help="Say yes to a plan that changes or deletes an unusually large share of the catalogue.",
        panel=SAFETY,
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
