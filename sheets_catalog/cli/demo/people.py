"""The people of the story: one who edits the sheet with gspread, and the merchant in the shop's admin.

The person uses her own account and the same library anybody would; nothing here goes through the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gspread
import requests
from gspread.utils import ValueInputOption, ValueRenderOption, rowcol_to_a1
from requests.adapters import HTTPAdapter

from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ANNA = "anna@example.com"
GOOGLE_ADDRESSES = ("https://sheets.googleapis.com/", "https://www.googleapis.com/")
SECONDS = 60
NOTES = "My notes"


class _ToSandbox(HTTPAdapter):
    """Sends what is meant for Google to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """Send it there."""
        for address in GOOGLE_ADDRESSES:
            if request.url and request.url.startswith(address):
                request.url = f"{self._url}/" + request.url.removeprefix(address)
        return super().send(request, *args, **more)


@dataclass(frozen=True, slots=True)
class Control:
    """What only the sandbox's keeper can do and see (its ``/_sandbox/`` endpoints)."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask."""
        return self._answer(self.session.get(f"{self.url}/_sandbox/{path}", params=query, timeout=SECONDS))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Tell."""
        return self._answer(self.session.post(f"{self.url}/_sandbox/{path}", json=body, timeout=SECONDS))

    def ledger(self, since: int = 0) -> list[dict[str, Any]]:
        """Effects applied after number `since`, in order."""
        lines: list[dict[str, Any]] = self.get("ledger", since=since)["ledger"]
        return lines

    def position(self) -> int:
        """How many effects were applied so far."""
        return int(self.get("ledger", since=1 << 60)["total"])

    def merchant(self, edit: str, **values: Any) -> None:
        """The merchant edits something in the shop's admin."""
        self.post("seed/shopify", {"do": edit, **values})

    @staticmethod
    def _answer(answer: requests.Response) -> dict[str, Any]:
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@dataclass(slots=True)
class Tab:
    """One tab as Anna sees it: its header and its rows, formulas as typed."""

    sheet: gspread.Worksheet
    cells: list[list[Any]] = field(default_factory=list)

    @property
    def header(self) -> list[str]:
        """The first row."""
        return [str(cell) for cell in self.cells[0]]

    def look(self) -> list[list[Any]]:
        """Read everything anew."""
        self.cells = self.sheet.get_values(value_render_option=ValueRenderOption.formula)
        return self.cells

    def rows(self) -> list[tuple[int, dict[str, Any]]]:
        """(row number, cell by header) of every row below the header."""
        header = self.header
        return [
            (number, {name: row[at] if at < len(row) else "" for at, name in enumerate(header)})
            for number, row in enumerate(self.cells[1:], 2)
            if any(cell != "" for cell in row)
        ]

    def row_of(self, column: str, value: str) -> tuple[int, dict[str, Any]]:
        """The row that has this value in this column."""
        return next((number, row) for number, row in self.rows() if str(row.get(column)) == value)

    def type_in(self, cells: Mapping[tuple[int, str], object]) -> None:
        """Type into cells by (row number, header), as a person does."""
        header = self.header
        updates = [
            {"range": rowcol_to_a1(row, header.index(column) + 1), "values": [[value]]}
            for (row, column), value in cells.items()
        ]
        self.sheet.batch_update(updates, value_input_option=ValueInputOption.user_entered)

    def add(self, rows: Iterable[Mapping[str, str | float]]) -> None:
        """Type new rows below the last one."""
        header = self.header
        lines = [[row.get(name, "") for name in header] for row in rows]
        self.sheet.append_rows(lines, value_input_option=ValueInputOption.user_entered, table_range="A1")

    def sort(self, column: str) -> None:
        """Sort all rows by a column, backwards."""
        last = rowcol_to_a1(len(self.cells), len(self.header))
        self.sheet.sort((self.header.index(column) + 1, "des"), range=f"A2:{last}")


@dataclass(slots=True)
class Person:
    """Anna, with the spreadsheet open."""

    book: gspread.Spreadsheet
    tabs: dict[str, Tab] = field(default_factory=dict)

    def look(self) -> dict[str, list[list[Any]]]:
        """Read all tabs of the catalogue; the cells by table."""
        for name, table in TABLES.items():
            if name not in self.tabs:
                self.tabs[name] = Tab(self.book.worksheet(table.title))
            self.tabs[name].look()
        return {name: tab.cells for name, tab in self.tabs.items()}

    def tab(self, title: str) -> Tab:
        """Another tab, just read."""
        tab = Tab(self.book.worksheet(title))
        tab.look()
        return tab

    def keep_notes(self, table: str, notes: Sequence[str]) -> None:
        """Add a column of her own beside ours: a note in each of the first rows; formulas are welcome."""
        tab = self.tabs[table]
        column = len(tab.header) + 1
        if tab.sheet.col_count < column:
            tab.sheet.add_cols(column - tab.sheet.col_count)
        where = f"{rowcol_to_a1(1, column)}:{rowcol_to_a1(len(notes) + 1, column)}"
        values = [[NOTES], *([note] for note in notes)]
        tab.sheet.update(values, where, value_input_option=ValueInputOption.user_entered)
        tab.look()


def person(url: str, token: str, spreadsheet_id: str) -> Person:
    """Anna, who opens the spreadsheet with gspread."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {token}"
    for address in GOOGLE_ADDRESSES:
        session.mount(address, _ToSandbox(url))
    client = gspread.Client(auth=None, session=session)  # type: ignore[arg-type]  # the session knows who she is
    client.set_timeout(SECONDS)
    return Person(client.open_by_key(spreadsheet_id))
