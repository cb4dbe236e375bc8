"""gspread's objects as a way in."""

from __future__ import annotations

import gspread
import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
from gspread.http_client import HTTPClient

from sheets_catalog import errors
from sheets_catalog.google.bridge import from_gspread
from sheets_catalog.google.sheets import Spreadsheets


def gspread_client(root: str, session: requests.Session) -> gspread.Client:
    class Here(HTTPClient):
        def request(self, method, endpoint, *arguments, **named):
            local = endpoint.replace("https://sheets.googleapis.com", root).replace("https://www.googleapis.com", root)
            return super().request(method, local, *arguments, **named)

    return gspread.Client(auth=None, session=session, http_client=Here)


@pytest.fixture
def sheet(transport) -> str:
    return Spreadsheets(transport).create("shared", ["One", "Two"])


def test_a_worksheet_and_a_spreadsheet_become_places(sandbox, sheet) -> None:
    session = AuthorizedSession(Credentials(token="sandbox-token"))
    with session:
        spreadsheet = gspread_client(sandbox.url, session).open_by_key(sheet)
        worksheet = spreadsheet.worksheet("Two")
        worksheet.update([["00123"]], "A1")
        place = from_gspread(worksheet, root_url=sandbox.url)
        with place.transport as transport:
            assert (place.spreadsheet_id, place.tab) == (sheet, "Two")
            assert Spreadsheets(transport).read_ranges(sheet, ["'Two'!A1"]) == [[["00123"]]]
        whole = from_gspread(spreadsheet, root_url=sandbox.url)
        assert (whole.spreadsheet_id, whole.tab) == (sheet, "")


def test_a_session_without_credentials_is_refused(sandbox, sheet) -> None:
    session = requests.Session()
    session.headers["Authorization"] = "Bearer sandbox-token"
    with session, pytest.raises(errors.SettingsError, match="credentials"):
        from_gspread(gspread_client(sandbox.url, session).open_by_key(sheet))
