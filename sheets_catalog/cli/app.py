"""The commands and what `--help` says about them. Each command's module is imported when it is used."""

from __future__ import annotations

import typer

from sheets_catalog.cli import epilog
from sheets_catalog.cli.commands import (
    connecting,
    delivering,
    demonstrating,
    examining,
    exporting,
    importing,
    jobs,
    reporting,
    sandboxing,
    staging,
    undoing,
    verifying,
)

TRY = "Try it"
SET_UP = "Set up"
WORK = "Work"
EXPORTS = "Stage and deliver files"
AFTERWARDS = "Afterwards"

app = typer.Typer(
    name="sheets-catalog",
    help=(
        "Keep a Shopify catalogue in a Google Sheet.\n\n"
        "Import products, variants and stock into a sheet, edit them there, see exactly what would change, "
        "and send only that. Runs can stop and resume anywhere; nothing is sent twice and nobody's edits are lost."
    ),
    epilog=epilog.TEXT,
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"sheets-catalog {version('sheets-catalog')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        metavar="",
        help="Print the version and exit.",
        callback=_version,
        is_eager=True,
        show_default=False,
    ),
) -> None:
    pass


app.command("demo", rich_help_panel=TRY, epilog=demonstrating.HELP)(demonstrating.demo)
app.command("sandbox", rich_help_panel=TRY, epilog=sandboxing.HELP)(sandboxing.sandbox)
app.add_typer(connecting.app, name="connect", rich_help_panel=SET_UP)
app.command("doctor", rich_help_panel=SET_UP, epilog=examining.HELP)(examining.doctor)
app.command("import", rich_help_panel=WORK, epilog=importing.HELP)(importing.import_)
app.command("plan", rich_help_panel=WORK, epilog=exporting.PLAN_HELP)(exporting.plan)
app.command("apply", rich_help_panel=WORK, epilog=exporting.APPLY_HELP)(exporting.apply)
app.command("export", rich_help_panel=WORK, epilog=exporting.EXPORT_HELP)(exporting.export)
app.add_typer(staging.app, name="tasks", rich_help_panel=EXPORTS)
app.command("stage", rich_help_panel=EXPORTS, epilog=staging.STAGE_HELP)(staging.stage)
app.command("deliver", rich_help_panel=EXPORTS, epilog=delivering.DELIVER_HELP)(delivering.deliver)
app.add_typer(delivering.app, name="batches", rich_help_panel=EXPORTS)
app.command("export-status", rich_help_panel=EXPORTS, epilog=delivering.STATUS_HELP)(delivering.export_status)
app.command("clean", rich_help_panel=EXPORTS, epilog=delivering.CLEAN_HELP)(delivering.clean)
app.command("verify", rich_help_panel=AFTERWARDS, epilog=verifying.HELP)(verifying.verify)
app.command("report", rich_help_panel=AFTERWARDS, epilog=reporting.HELP)(reporting.report)
app.command("undo", rich_help_panel=AFTERWARDS, epilog=undoing.HELP)(undoing.undo)
app.add_typer(jobs.app, name="jobs", rich_help_panel=AFTERWARDS)
