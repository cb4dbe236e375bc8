"""Finding what changed in a sheet of many rows: ours, and what people write instead. Nothing is called.

All read the same answers of the Sheets API from files, chunk by chunk, and tell which rows changed.
"""

from __future__ import annotations

import hashlib
import json
import random
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sheets_catalog.changes import baseline as baselines
from sheets_catalog.changes.baseline import Baseline
from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.flows.exporting.sifting import sift
from sheets_catalog.flows.tabs import lay_out, rows_of
from sheets_catalog.google.sheets import Block
from sheets_catalog.records import VARIANTS, write_cell
from sheets_catalog.records.values import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.records import Cell

CHUNK = 10_000
EVERY = 100
"""One row of so many is changed."""

HEADER = [each.header for each in VARIANTS.fields]


def make(folder: Path, rows: int) -> dict[str, Any]:
    """Write the sheet's answers (after the changes) and each way's memory of the time before; what was made."""
    source = random.Random(20261122)
    before = [_record(source, number) for number in range(rows)]
    after = [_changed(record) if number % EVERY == 7 else record for number, record in enumerate(before)]
    size = 0
    for first in range(0, rows, CHUNK):
        content = _answer([_cells(record) for record in after[first : first + CHUNK]])
        (folder / f"chunk-{first:08d}.json").write_bytes(content)
        size += len(content)
    _remember(folder, before)
    changed = sorted(record["id"] or "" for old, record in zip(before, after, strict=True) if old is not record)
    return {"megabytes": size / 1e6, "changed": len(changed), "digest": _digest(changed)}


def _remember(folder: Path, records: list[dict[str, str | None]]) -> None:
    layout = lay_out(VARIANTS, HEADER, "Variants")
    baseline = Baseline("sheet", "shop")
    table = baseline.table("variants")
    for record in records:
        marks = {each.name: fingerprint(record[each.name]) for each in layout.owned}
        table.agree(record["id"] or "", marks)
    (folder / "baseline-unseen").write_bytes(baselines.dump(baseline))
    content = _answer([_cells(record) for record in records])
    for row in rows_of(layout, _blocks([content]), 2, {}):
        table.saw(row.key or "", row.look, layout.told(2))
    (folder / "baseline").write_bytes(baselines.dump(baseline))
    rows = json.loads(content)["values"]
    (folder / "hashes.json").write_text(json.dumps({row[0]: _hash(row) for row in rows}))
    (folder / "values.json").write_text(json.dumps({row[0]: dict(zip(HEADER, row, strict=False)) for row in rows}))


def _record(source: random.Random, number: int) -> dict[str, str | None]:
    price = f"{source.randrange(100, 20_000) / 100:.2f}"
    return {
        "id": str(40_000_000_000_000 + number),
        "product_id": str(8_000_000_000_000 + number // 8),
        "product_handle": f"classic-linen-shirt-{number // 8:05d}",
        "option1": source.choice(("S", "M", "L", "XL")),
        "option2": source.choice(("Ivory", "Navy", "Bordeaux")),
        "option3": None,
        "sku": f"{number:06d}-LIN-{source.randrange(1000)}",
        "barcode": str(4_000_000_000_000 + source.randrange(10**11)),
        "price": price,
        "compare_at_price": f"{float(price) + 10:.2f}" if source.random() < 0.2 else None,
        "cost": f"{float(price) * 0.4:.2f}",
        "weight": decimal_text(_decimal(source.randrange(100, 1900), 3)),
        "weight_unit": "KILOGRAMS",
        "taxable": "true",
        "requires_shipping": "true",
        "tracked": "true",
        "inventory_policy": "DENY",
    }


def _decimal(number: int, digits: int) -> Decimal:
    from decimal import Decimal

    return Decimal(number).scaleb(-digits)


def _changed(record: dict[str, str | None]) -> dict[str, str | None]:
    return record | {"price": f"{float(record['price'] or 0) + 1:.2f}"}


def _cells(record: dict[str, str | None]) -> list[Cell | Decimal]:
    found: list[Cell | Decimal] = []
    for each in VARIANTS.fields:
        value = record[each.name]
        found.append("" if value is None else write_cell(each.kind, value))
    return found


def _answer(rows: list[list[Cell | Decimal]]) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode({"values": rows})


def _digest(keys: list[str]) -> str:
    return blake2b("\n".join(sorted(keys)).encode(), digest_size=8).hexdigest()


def _chunks(folder: str) -> Iterator[bytes]:
    for path in sorted(Path(folder).glob("chunk-*.json")):
        yield path.read_bytes()


class _RawRange(msgspec.Struct):
    values: list[msgspec.Raw]


def _blocks(answers: Iterable[bytes]) -> Iterator[Block]:
    """The Sheets API's answers as the reader of a tab hands them on."""
    number = 2
    for answer in answers:
        rows = msgspec.json.decode(answer, type=_RawRange).values
        yield Block(tuple(HEADER), number, rows)
        number += len(rows)


def fingerprints(folder: str, baseline: str = "baseline") -> dict[str, Any]:
    """Ours: rows that look as they did are passed by, all others read strictly; changed rows with their fields."""
    table = baselines.load((Path(folder) / baseline).read_bytes()).table("variants")
    layout = lay_out(VARIANTS, HEADER, "Variants")
    sifted = sift(layout, rows_of(layout, _blocks(_chunks(folder)), 2, table.seen(layout.told(2))), table)
    fields = {row.key or "": _fields(layout, row, table) for row in sifted.changed}
    assert all(names == ["price"] for names in fields.values())
    return {"records": sifted.rows, "digest": _digest(list(fields))}


def _fields(layout: Layout, row: Row, table: TableBaseline) -> list[str]:
    """Names of the fields that changed."""
    marks = table.marks(row.key or "")
    return [each.name for each in layout.owned if marks[each.name] != fingerprint(row.values[each.name])]


def row_hashes(folder: str) -> dict[str, Any]:
    """What scripts do: json, and sha256 of each row as JSON text. Tells rows, not fields; reads no value strictly."""
    known: dict[str, str] = json.loads((Path(folder) / "hashes.json").read_text())
    changed, count = [], 0
    for chunk in _chunks(folder):
        for row in json.loads(chunk)["values"]:
            count += 1
            if known.get(row[0]) != _hash(row):
                changed.append(row[0])
    return {"records": count, "digest": _digest(changed)}


def _hash(row: list[Any]) -> str:
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()


def full_values(folder: str) -> dict[str, Any]:
    """What a data frame's merge does, in plain Python: keep all values of before, compare cell by cell."""
    known: dict[str, dict[str, Any]] = json.loads((Path(folder) / "values.json").read_text())
    now: dict[str, dict[str, Any]] = {}
    for chunk in _chunks(folder):
        for row in json.loads(chunk)["values"]:
            now[row[0]] = dict(zip(HEADER, row, strict=False))
    changed = [
        key
        for key, record in now.items()
        if key not in known or any(known[key].get(name) != value for name, value in record.items())
    ]
    return {"records": len(now), "digest": _digest(changed)}
