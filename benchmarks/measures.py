"""What is measured, and how two ways are set beside each other. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LABEL = "simulated against published limits"

READING_ROOTS = frozenset({
    "currentAppInstallation", "inventoryItem", "inventoryItems", "locations", "node", "nodes", "product",
    "productByIdentifier", "productVariant", "productVariants", "productVariantsCount", "products", "productsCount",
    "shop",
})  # fmt: skip
"""Root fields of Shopify's query type that appear here; every other root is a mutation."""

READING_CALLS = frozenset({"get", "batchGet", "batchGetByDataFilter", "list", "download", "export", "generateIds"})
"""Last words of Google's operations that change nothing."""


def writes(operation: str) -> bool:
    """Whether an operation of the sandbox's request counts (``sheets.values.get``, ``shopify.a+b``) writes."""
    service, _, rest = operation.partition(".")
    if service == "shopify":
        return any(root not in READING_ROOTS for root in rest.split("+"))
    return rest.rpartition(".")[2] not in READING_CALLS


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls that reached the sandbox, by operation, whatever was answered."""

    by_operation: Mapping[str, int]

    @classmethod
    def between(cls, before: Mapping[str, int], after: Mapping[str, int]) -> Calls:
        """What came in between two counts."""
        return cls({name: count for name in after if (count := after[name] - before.get(name, 0))})

    def count(self, service: str = "", *, writing: bool | None = None) -> int:
        """Calls of one service (all: ``""``), of both kinds, or only those that write or do not."""
        return sum(
            number
            for name, number in self.by_operation.items()
            if name.startswith(service) and (writing is None or writes(name) == writing)
        )

    def grouped(self) -> dict[str, int]:
        """By operation, with the roots of one GraphQL request told once."""
        told: Counter[str] = Counter()
        for name, number in self.by_operation.items():
            service, _, roots = name.partition(".")
            told[f"{service}.{'+'.join(dict.fromkeys(roots.split('+')))}"] += number
        return dict(sorted(told.items()))


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing it, as measured.

    `seconds`: on the sandbox's clock (simulated), or real ones where nothing is called. `sampled`: how many records
    were really done where the rest is multiplied; 0: all of them. `peak_mb`: largest resident memory of its process.
    `computing`, `sandbox_computing`: seconds of processor time.
    """

    name: str
    records: int
    seconds: float
    calls: Calls | None = None
    sampled: int = 0
    computing: float = 0.0
    sandbox_computing: float = 0.0
    peak_mb: float = 0.0
    megabytes: float = 0.0
    note: str = ""

    def scaled(self, records: int) -> Way:
        """The same way for more records, multiplied; says so."""
        times = records / self.records
        calls = Calls({name: round(count * times) for name, count in (self.calls or Calls({})).by_operation.items()})
        return replace(
            self,
            records=records,
            seconds=self.seconds * times,
            calls=calls,
            sampled=self.records,
            computing=self.computing * times,
            sandbox_computing=self.sandbox_computing * times,
        )

    def at_life_pace(self, speed: float) -> float:
        """About how many seconds it were, did computing not count `speed` times (once, and never below nothing)."""
        return max(0.0, self.seconds - (speed - 1) * (self.computing + self.sandbox_computing))

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        told = asdict(self)
        told.pop("calls")
        if self.calls is None:
            return told
        calls = self.calls
        told["calls"] = {
            "total": calls.count(),
            "writes": calls.count(writing=True),
            "reads": calls.count(writing=False),
            "shopify_writes": calls.count("shopify", writing=True),
            "shopify_reads": calls.count("shopify", writing=False),
            "by_operation": calls.grouped(),
        }
        return told


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that must hold: `found` at most `most`."""

    what: str
    found: float
    most: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.found <= self.most


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: our way first, then the others. `clock`: ``simulated`` or ``real`` seconds.

    `speed`: of the sandbox, where computing is to be told apart.
    """

    id: str
    title: str
    ways: Sequence[Way]
    bounds: Sequence[Bound] = ()
    notes: Sequence[str] = ()
    clock: str = "simulated"
    speed: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def _paced(self, way: Way) -> dict[str, float]:
        return {"seconds_at_life_pace": round(way.at_life_pace(self.speed), 1)} if self.speed else {}

    def ratios(self, other: Way) -> dict[str, float]:
        """How many times more another way takes than ours: seconds, calls, memory."""
        ours = self.ways[0]
        found = {"seconds": other.seconds / ours.seconds if ours.seconds else 0.0}
        if ours.calls and other.calls and ours.calls.count():
            found["calls"] = other.calls.count() / ours.calls.count()
        if ours.peak_mb and other.peak_mb:
            found["memory"] = other.peak_mb / ours.peak_mb
        return {name: round(ratio, 2) for name, ratio in found.items()}

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "id": self.id,
            "title": self.title,
            "clock": self.clock if self.clock == "real" else LABEL,
            "ways": [each.as_json() | self._paced(each) for each in self.ways],
            "ratios": {other.name: self.ratios(other) for other in self.ways[1:]},
            "bounds": [asdict(each) | {"holds": each.holds} for each in self.bounds],
            "notes": list(self.notes),
            "facts": dict(self.facts),
        }
