"""One request being answered: query, body and options by name, and who may call what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

from sheets_catalog.sandbox.sheets import masks
from sheets_catalog.sandbox.sheets.reading import DateRender, Rendering, ValueRender
from sheets_catalog.sandbox.sheets.schema import read_body, read_enum
from sheets_catalog.sandbox.wire import Caller, GoogleError, Request, json_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.sheets.masks import Mask

Json = dict[str, Any]

READ_SCOPES: Final = ("spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly", "drive.file")
WRITE_SCOPES: Final = ("spreadsheets", "drive", "drive.file")


class Call:
    """One request being answered: its parts, already named."""

    def __init__(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> None:
        self.operation = operation
        self.request = request
        self.args = args
        self.caller = caller
        self._query = _query(request)

    @property
    def book_id(self) -> str:
        return self.args["spreadsheetId"]

    def one(self, name: str) -> str | None:
        """A query parameter; the last one wins."""
        given = [value for key, value in self._query if key == name]
        return given[-1] if given else None

    def many(self, name: str) -> list[str]:
        """Every value of a repeated query parameter."""
        return [value for key, value in self._query if key == name]

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        return (self.one(name) or "").lower() in {"true", "1"}

    def body(self, message: str, root: str = "") -> Json:
        """The checked JSON body."""
        return read_body(json_body(self.request), message, root)

    def mask(self, message: str) -> Mask | None:
        """The checked `fields` parameter, if there is one."""
        text = self.one("fields") or self.one("$fields")
        return masks.answer_mask(text, message) if text else None


def _query(request: Request) -> list[tuple[str, str]]:
    pairs = list(request.args.items(multi=True))
    if "X-HTTP-Method-Override" in request.headers:
        pairs += parse_qsl(request.get_data(as_text=True), keep_blank_values=True)
    return pairs


def insufficient_scope() -> GoogleError:
    """403: the token's scopes do not cover the method."""
    details = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "sheets.googleapis.com"},
    }
    message = "Request had insufficient authentication scopes."
    return GoogleError(403, message, status="PERMISSION_DENIED", details=[details])


def rendering(call: Call, prefix: str = "") -> Rendering:
    """The render options of a query; `prefix` is `response` for writes that answer values."""
    names = (f"{prefix}ValueRenderOption", f"{prefix}DateTimeRenderOption")
    if not prefix:
        names = ("valueRenderOption", "dateTimeRenderOption")
    return rendering_of({name: call.one(name) for name in names}, names)


VALUE_RENDER: Final = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
DATE_RENDER: Final = ("SERIAL_NUMBER", "FORMATTED_STRING")
DIMENSIONS: Final = ("DIMENSION_UNSPECIFIED", "ROWS", "COLUMNS")
INPUTS: Final = ("INPUT_VALUE_OPTION_UNSPECIFIED", "RAW", "USER_ENTERED")


def rendering_of(given: Mapping[str, Any], names: tuple[str, str]) -> Rendering:
    """The render options under two names of a body or query. Raises GoogleError for unknown ones."""
    shown = read_enum(given.get(names[0]), "ValueRenderOption", VALUE_RENDER, names[0])
    dates = read_enum(given.get(names[1]), "DateTimeRenderOption", DATE_RENDER, names[1])
    return Rendering(cast("ValueRender", shown or "FORMATTED_VALUE"), cast("DateRender", dates or "SERIAL_NUMBER"))


def major_dimension(given: str | None) -> str:
    """ROWS unless COLUMNS is asked for. Raises GoogleError for anything else."""
    read = read_enum(given, "Dimension", DIMENSIONS, "majorDimension")
    return "COLUMNS" if read == "COLUMNS" else "ROWS"


def input_option(given: str | None) -> str | None:
    """The input option as given. Raises GoogleError for unknown ones."""
    return read_enum(given, "ValueInputOption", INPUTS, "valueInputOption")
