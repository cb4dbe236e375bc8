"""Examples at the end of the help of commands that stand in a group: `jobs`, `tasks`, `batches`, `connect`."""

from __future__ import annotations

from sheets_catalog.cli.epilog import examples

_LINES = {
    "connect sandbox": (
        ("http://127.0.0.1:8080", "the one of `sandbox --port 8080`"),
        ("sandbox.json --name trial", "the line it printed, under a name of your own"),
    ),
    "connect google": (
        ("--service-account key.json --spreadsheet LINK", "add --folder LINK: both were shared with the key's address"),
        ("--authorized-user user.json --create Catalogue", "signed in as yourself, in a new spreadsheet"),
    ),
    "connect shopify": (
        ("--shop my-shop --client-id ID", "an app of your organisation; asks for its secret without showing it"),
        ("--shop my-shop", "asks for a permanent token without showing it"),
    ),
    "connect show": (("", "which sheets and shops are saved here"),),
    "connect forget": (("trial", "deletes its settings here, and nothing else"),),
    "jobs list": (
        ("", "every job of this sheet, and what waits in it"),
        ("--all-sheets", "those of all sheets that share the folder"),
    ),
    "jobs show": (
        ("last", "the newest job, record by record"),
        ("1AbC… --all", "every record, however many"),
    ),
    "jobs resume": (
        ("last", "the newest job that waits to go on"),
        ("last --batch-size 25", "in smaller steps, where the shop or the line is unsteady"),
    ),
    "jobs cancel": (("1AbC…", "what was sent stays; `undo` takes back a finished export"),),
    "jobs retry": (
        ("last", "all records that were set aside, and go on"),
        ("last --item 3 --item 7", "only these numbers of `jobs show last`"),
    ),
    "jobs clean": (
        ("--dry-run", "which jobs would go"),
        ("--older-than 90", "jobs without a change for 90 days, into the trash"),
    ),
    "tasks configure": (
        ("", "shows the settings, and what is missing"),
        ("--staging-folder LINK", "chooses the folder, keeps the rest"),
        ("--require .obj --require .jpg", "the endings that every task must have"),
    ),
    "tasks migrate": (("", "once for each tasks sheet; a second time does nothing"),),
    "tasks select": (
        ("", "what `stage` would take, and the words that filters know"),
        ("--batch 'Autumn A' --score-min 80", "well reviewed tasks of one batch"),
    ),
    "tasks status": (("T-017", "where it is, and who moved it there"),),
    "tasks set": (("T-017 --to '' --reason 'new model uploaded'", "back in line, to be staged again"),),
    "batches list": (("", "every batch with its folder, newest first"),),
    "batches show": (
        ("K7Q2MD", "its tasks, with reasons and links"),
        ("K7Q2MD --all", "every task, however many"),
    ),
    "batches verify": (("K7Q2MD", "copies nothing; says what is gone or was changed since"),),
}
"""Arguments and what they do, by command."""


def taught(command: str) -> str:
    """The end of a command's help, in rich markup. Raises `KeyError` for one that has no examples."""
    lines = ((f"sheets-catalog {command} {arguments}".rstrip(), what) for arguments, what in _LINES[command])
    return examples(*lines)
