"""Google's own request and answer schema, from the discovery document that google-api-python-client carries.

`Checked` reads a JSON body the way Google's front end does: unknown fields, wrong types and unknown enum values are
refused with its words (`Invalid JSON payload received. Unknown name ...`, `Invalid value at ...`), `null` means absent,
snake_case names are taken, and float fields are cut to 32 bits. All violations of a body are reported together.
"""

from __future__ import annotations

import json
import re
import struct
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.wire import JSON, GoogleError

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def schemas() -> Mapping[str, Any]:
    """The `schemas` part of the Sheets v4 discovery document."""
    path = resources.files("googleapiclient") / "discovery_cache" / "documents" / "sheets.v4.json"
    found: Mapping[str, Any] = json.loads(path.read_bytes())["schemas"]
    return found


@cache
def fields_of(message: str) -> Mapping[str, Any]:
    """Field name -> discovery type of a message."""
    found: Mapping[str, Any] = schemas()[message].get("properties", {})
    return found


def submessage(spec: Mapping[str, Any]) -> str:
    """The message name of a field (or of its items); "" for scalars."""
    spec = spec.get("items", spec) if spec.get("type") == "array" else spec
    return str(spec.get("$ref", ""))


_FULL_NAMES = {"Request": "BatchUpdateSpreadsheetRequest.Request"}
_PACKAGE = "type.googleapis.com/google.apps.sheets.v4."
_ANYTHING = {
    "ValueRange.values": "type.googleapis.com/google.protobuf.ListValue",
    "DataFilterValueRange.values": "type.googleapis.com/google.protobuf.ListValue",
}
_ONE_OF = {
    "Request": "kind",
    "ExtendedValue": "value",
    "DataFilter": "filter",
    "ColorStyle": "kind",
}


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """FooBar -> foo_bar, as paths in error texts are written."""
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


@lru_cache(maxsize=4096)
def camel(name: str) -> str:
    """foo_bar -> fooBar."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def float32(number: float) -> float:
    """The number as a 32-bit float, spelt as shortly as Google does (0.49803922)."""
    exact: float = struct.unpack("f", struct.pack("f", number))[0]
    for digits in range(6, 10):
        short = float(f"{exact:.{digits}g}")
        if struct.unpack("f", struct.pack("f", short))[0] == exact:
            return short
    return exact


class Checked:
    """One body being read; `violations` fills up as (field, description)."""

    def __init__(self) -> None:
        self.violations: list[tuple[str, str]] = []

    def message(self, value: JSON, name: str, path: str) -> dict[str, Any]:
        """The body of a message with absent fields dropped, names in camelCase and values converted."""
        if not isinstance(value, dict):
            self._invalid(path, _PACKAGE + _FULL_NAMES.get(name, name), value)
            return {}
        known = fields_of(name)
        found: dict[str, Any] = {}
        for key, item in value.items():
            field = key if key in known else camel(key)
            if field not in known:
                self._unknown(key, path)
            elif item is not None:
                if name in _ONE_OF and found:
                    self._second(path, _ONE_OF[name], key, next(iter(found)))
                found[field] = self._field(item, known[field], f"{name}.{field}", _join(path, snake(field)))
        # Colour components have no presence: zero is never shown (recorded).
        return {key: value for key, value in found.items() if value} if name == "Color" else found

    def _field(self, value: JSON, spec: Mapping[str, Any], where: str, path: str) -> JSON:
        if spec.get("type") != "array":
            if isinstance(value, list):
                text = f"Invalid JSON payload received. Unknown name {json.dumps(_last(path))}"
                at = f" at '{_parent(path)}'" if _parent(path) else ""
                self.violations.append((_parent(path), f"{text}{at}: Proto field is not repeating, cannot start list."))
                return None
            return self._single(value, spec, where, path)
        items = spec["items"]
        if where in _ANYTHING:
            return self._lists(value, _ANYTHING[where], path)
        if not isinstance(value, list):
            return [self._single(value, items, where, path)]
        return [self._single(item, items, where, f"{path}[{place}]") for place, item in enumerate(value)]

    def _lists(self, value: JSON, kind: str, path: str) -> JSON:
        if not isinstance(value, list):
            self._invalid(path, kind, value)
            return []
        for place, item in enumerate(value):
            if not isinstance(item, list):
                self._invalid(f"{path}[{place}]", kind, item)
        return [item if isinstance(item, list) else [] for item in value]

    def _single(self, value: JSON, spec: Mapping[str, Any], where: str, path: str) -> JSON:
        if "$ref" in spec:
            return self.message(value, spec["$ref"], path)
        kind = spec.get("type", "any")
        if "enum" in spec:
            return self._enum(value, spec, where, path)
        if kind == "object" and "additionalProperties" in spec:
            return value
        readers = {"string": self._string, "boolean": self._boolean, "integer": self._integer, "number": self._number}
        return readers[kind](value, spec, path) if kind in readers else value

    def _enum(self, value: JSON, spec: Mapping[str, Any], where: str, path: str) -> JSON:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(spec["enum"]):
            return spec["enum"][value]
        if value not in spec["enum"]:
            message, _, field = where.partition(".")
            self._invalid(path, f"{_PACKAGE}{_enum_name(message, field)}", value)
        return value

    def _string(self, value: JSON, spec: Mapping[str, Any], path: str) -> JSON:
        if not isinstance(value, str):
            mask = spec.get("format") == "google-fieldmask"
            self._invalid(path, "type.googleapis.com/google.protobuf.FieldMask" if mask else "TYPE_STRING", value)
        return value

    def _boolean(self, value: JSON, spec: Mapping[str, Any], path: str) -> JSON:
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            self._invalid(path, "TYPE_BOOL", value)
        return value

    def _integer(self, value: JSON, spec: Mapping[str, Any], path: str) -> JSON:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**63:
            self._invalid(path, f"TYPE_{spec.get('format', 'int32').upper()}", value)
        elif spec.get("format") == "int32" and not -(2**31) <= value < 2**31:
            self._invalid(path, "TYPE_INT32", value)
        return value

    def _number(self, value: JSON, spec: Mapping[str, Any], path: str) -> JSON:
        try:
            number = float(value) if not isinstance(value, bool | list | dict) else None
        except ValueError:
            number = None
        if number is None:
            self._invalid(path, f"TYPE_{spec.get('format', 'double').upper()}", value)
            return 0
        if spec.get("format") == "float":
            number = float32(number)
        return int(number) if number.is_integer() and abs(number) < 1e21 else number

    def _invalid(self, path: str, kind: str, value: JSON) -> None:
        shown = f", {json.dumps(value, ensure_ascii=False)}" if not isinstance(value, dict | list) else ""
        self.violations.append((path, f"Invalid value at '{path}' ({kind}){shown}"))

    def _unknown(self, name: str, path: str) -> None:
        at = f" at '{path}'" if path else ""
        text = f"Invalid JSON payload received. Unknown name {json.dumps(name)}{at}: Cannot find field."
        self.violations.append((path, text))

    def _second(self, path: str, union: str, name: str, first: str) -> None:
        text = f"Invalid value at '{path}' (oneof), oneof field '{union}' is already set. Cannot set '{name}'"
        if name != first:
            self.violations.append((path, text))

    def finish(self) -> None:
        """Raise the 400 that names every violation, if there is one."""
        if self.violations:
            raise bad_request("\n".join(text for _, text in self.violations), self.violations)


def _enum_name(message: str, field: str) -> str:
    """Google's name of an enum, as far as it can be told: shared ones are top-level, others nested in the message."""
    shared = {
        "majorDimension": "Dimension",
        "dimension": "Dimension",
        "valueInputOption": "ValueInputOption",
        "responseValueRenderOption": "ValueRenderOption",
        "valueRenderOption": "ValueRenderOption",
        "responseDateTimeRenderOption": "DateTimeRenderOption",
        "dateTimeRenderOption": "DateTimeRenderOption",
        "sortOrder": "SortOrder",
        "sheetType": "SheetType",
        "pasteType": "PasteType",
    }
    if field in shared:
        return shared[field]
    name = field[0].upper() + field[1:]
    return name if message in {"BooleanCondition", "NumberFormat"} else f"{message}.{name}"


def bad_request(message: str, violations: list[tuple[str, str]]) -> GoogleError:
    """400 with the BadRequest detail that names fields."""
    details = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [
            {"field": field, "description": text} if field else {"description": text} for field, text in violations
        ],
    }
    return GoogleError(400, message, status="INVALID_ARGUMENT", details=[details])


def read_body(body: JSON, message: str, root: str = "") -> dict[str, Any]:
    """A checked request body. `root` is the name under which the method binds it (`data` for values.update).

    Raises:
        GoogleError: 400, naming every violation.
    """
    reader = Checked()
    found = reader.message(body, message, root)
    reader.finish()
    return found


def read_enum(value: str | None, name: str, values: tuple[str, ...], parameter: str) -> str | None:
    """A query parameter that is an enum; None when it is absent.

    Raises:
        GoogleError: 400 for any other text.
    """
    if value is None or value in values:
        return value
    text = f"Invalid value at '{snake(parameter)}' ({_PACKAGE}{name}), {json.dumps(value)}"
    raise bad_request(text, [(snake(parameter), text)])


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _parent(path: str) -> str:
    return path.rpartition(".")[0]
