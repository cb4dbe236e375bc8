"""From gspread to here: the same account and spreadsheet, over a transport that neither hangs nor repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import SettingsError
from sheets_catalog.google.credentials import shared
from sheets_catalog.google.transport import Timeouts, Transport

if TYPE_CHECKING:
    import gspread


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gspread object points to. `tab` is empty for a whole spreadsheet."""

    transport: Transport
    spreadsheet_id: str
    tab: str = ""


def from_gspread(
    source: gspread.Worksheet | gspread.Spreadsheet, *, root_url: str = "", timeouts: Timeouts | None = None
) -> Place:
    """Our transport for the account, spreadsheet and tab of a gspread object.

    Takes over its credentials, not its session: gspread's waits without an end. An address that its session rewrites
    is not known here; give it as `root_url`. Raises `SettingsError` when gspread has a session without credentials.
    """
    credentials = getattr(source.client.session, "credentials", None)
    if credentials is None:
        raise SettingsError(
            f"gspread: found a {type(source.client.session).__name__} without credentials, "
            "expected the AuthorizedSession that gspread.authorize(credentials) makes."
        )
    transport = Transport(shared(credentials), root_url=root_url, timeouts=timeouts)
    spreadsheet_id = getattr(source, "spreadsheet_id", "") or source.id
    return Place(transport, str(spreadsheet_id), source.title if hasattr(source, "spreadsheet_id") else "")
