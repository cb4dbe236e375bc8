"""A spreadsheet of the sandbox through plain HTTP, for tests that look at the wire."""

from __future__ import annotations

from urllib.parse import quote

from sheets_catalog.sandbox.sheets.ranges import parse_cells


class Api:
    """One spreadsheet through plain HTTP."""

    def __init__(self, running, session, book_id=""):
        self.url, self.session = running.url + "/v4/spreadsheets", session
        self.id = book_id or self.call("POST", "", json={"properties": {"title": "Values"}})["spreadsheetId"]

    def send(self, method, path, **options):
        return self.session.request(method, self.url + path, timeout=10, **options)

    def call(self, method, path, **options):
        answer = self.send(method, path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, method, path, **options):
        answer = self.send(method, f"/{self.id}{path}", **options)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["message"]

    def put(self, name, values, option="RAW", **body):
        path = f"/{self.id}/values/{quote(name, safe='')}"
        return self.call("PUT", path, params={"valueInputOption": option}, json={"values": values, **body})

    def refused(self, name, values, option="RAW"):
        params = {"valueInputOption": option} if option else {}
        return self.error("PUT", f"/values/{quote(name, safe='')}", params=params, json={"values": values})

    def get(self, name, **params):
        return self.call("GET", f"/{self.id}/values/{quote(name, safe='')}", params=params)

    def values(self, name, **params):
        return self.get(name, **params).get("values", [])

    def batch(self, *requests):
        return self.call("POST", f"/{self.id}:batchUpdate", json={"requests": list(requests)})["replies"]

    def batch_error(self, *requests):
        return self.error("POST", ":batchUpdate", json={"requests": list(requests)})

    def sheet(self, fields="", title="Sheet1", **params):
        """One Sheet of spreadsheets.get."""
        if fields:
            params["fields"] = f"sheets(properties,{fields})"
        sheets = self.call("GET", f"/{self.id}", params=params)["sheets"]
        return next(one for one in sheets if one["properties"]["title"] == title)

    def cell(self, name, title="Sheet1"):
        """CellData of one cell."""
        params = {"ranges": f"'{title}'!{name}", "includeGridData": "true"}
        data = self.call("GET", f"/{self.id}", params=params)["sheets"][0]["data"][0]
        return data.get("rowData", [{"values": [{}]}])[0].get("values", [{}])[0]


def rng(name, sheet_id=0):
    """The GridRange of an A1 range."""
    area = parse_cells(name, sheet_id)
    keys = {
        "startRowIndex": area.top,
        "endRowIndex": area.bottom,
        "startColumnIndex": area.left,
        "endColumnIndex": area.right,
    }
    return {"sheetId": sheet_id} | {key: value for key, value in keys.items() if value is not None}


def rows(start, end, dimension="ROWS", sheet_id=0):
    """A DimensionRange."""
    return {"sheetId": sheet_id, "dimension": dimension, "startIndex": start, "endIndex": end}
