"""What people type into the sheet before something is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.place import Place


def edit(place: Place, tab: str, header: str, rows: Iterable[int], change: Callable[[Any], Any]) -> int:
    """Change the cells of a column in these rows (the first one below the header is 2); how many were changed."""
    column = _column(place, tab, header)
    cells = _values(place, f"{tab}!{column}:{column}")
    data = [
        {"range": f"{tab}!{column}{row}", "values": [[change(cells[row - 1][0] if cells[row - 1] else "")]]}
        for row in rows
    ]
    body = {"valueInputOption": "RAW", "data": data}
    answer = requests.post(f"{_address(place)}/values:batchUpdate", headers=_headers(place), json=body, timeout=120)
    answer.raise_for_status()
    return len(data)


def _column(place: Place, tab: str, header: str) -> str:
    (names,) = _values(place, f"{tab}!1:1")
    return chr(ord("A") + names.index(header))


def _values(place: Place, where: str) -> list[list[Any]]:
    address = f"{_address(place)}/values/{quote(where)}"
    render = {"valueRenderOption": "UNFORMATTED_VALUE"}
    answer = requests.get(address, params=render, headers=_headers(place), timeout=120)
    answer.raise_for_status()
    found: list[list[Any]] = answer.json()["values"]
    return found


def _address(place: Place) -> str:
    return f"{place.told['url']}/v4/spreadsheets/{place.told['spreadsheet_id']}"


def _headers(place: Place) -> dict[str, str]:
    return {"Authorization": f"Bearer {place.told['google']['token']}"}
