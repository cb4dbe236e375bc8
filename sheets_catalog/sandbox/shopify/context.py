"""What the resolvers of one GraphQL request share: the store, the caller, the time, and the way to change things."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sheets_catalog.sandbox.shopify.effects import Effect, effects, stamped
from sheets_catalog.sandbox.shopify.problems import access_denied
from sheets_catalog.sandbox.shopify.values import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from graphql import GraphQLResolveInfo

    from sheets_catalog.sandbox.shopify.state import Product, Store, Variant
    from sheets_catalog.sandbox.wire import Caller, FaultSpec, World

Info: TypeAlias = "GraphQLResolveInfo[Context]"
"""What a resolver is told about its field, with our context."""


@dataclass
class Context:
    """One request.

    `search` collects what `extensions.search` will show; `searching` asks for it without warnings. `lag`: lists show
    the state of so many simulated seconds ago. `fault` answers a fault that is to be played by whoever asks for it.
    """

    store: Store
    world: World
    caller: Caller
    actor: str
    searching: bool = False
    lag: float = 0.0
    fault: Callable[[str], FaultSpec | None] = field(default=lambda _kind: None)
    search: list[dict[str, Any]] = field(default_factory=list)

    @property
    def now(self) -> str:
        """The simulated time as Shopify writes it."""
        return timestamp(self.world.clock.now())

    @property
    def app_id(self) -> int:
        """The app's number, as it appears in reserved namespaces."""
        return app_number(self.caller.app)

    def namespace(self, name: str | None) -> str:
        """A metafield namespace with the app's own ones resolved: `$app:x` is `app--<id>--x`, none is `app--<id>`."""
        if name is None or name == "$app":
            return f"app--{self.app_id}"
        if name.startswith("$app:"):
            return f"app--{self.app_id}--{name.removeprefix('$app:')}"
        return name

    def allows(self, scopes: Iterable[str]) -> bool:
        """Whether the token has one of these scopes; a write scope includes its read scope."""
        held = self.caller.scopes
        return any(scope in held or scope.replace("read_", "write_", 1) in held for scope in scopes)

    def require(self, info: Info, scopes: Sequence[str]) -> None:
        """Raise ACCESS_DENIED unless the token has one of these scopes."""
        if not self.allows(scopes):
            raise access_denied(info.field_name, " or ".join(f"`{scope}` access scope" for scope in scopes) + ".")

    def products(self) -> list[Product]:
        """All products, as lists are to show them."""
        lag = self._lag()
        if not lag:
            return list(self.store.products.values())
        return self.store.products_at(self.world.clock.seconds() - lag)

    def variants(self) -> list[Variant]:
        """All variants, as lists are to show them."""
        lag = self._lag()
        if not lag:
            return list(self.store.variants.values())
        products = self.store.products_at(self.world.clock.seconds() - lag)
        return sorted((variant for one in products for variant in one.variants), key=lambda variant: variant.id)

    def _lag(self) -> float:
        fault = self.fault("lag-list")
        return fault.seconds if fault else self.lag

    def commit(self, operation: str, before: Product | None, after: Product | None, *, key: str = "") -> Product | None:
        """Make a product tree the present one, move its timestamps, and write one ledger line per changed thing.

        Answers the stored tree. key: the idempotency key of the request, for the ledger.
        """
        stored = stamped(before, after, self.now) if after is not None else None
        if stored is not None and stored == before:
            return before
        found = list(effects(before, stored, self.store))
        changed = stored or before
        if changed is not None:
            self.store.history.append((self.world.clock.seconds(), changed.id, before))
        if stored is not None:
            self.store.put(stored)
        elif before is not None:
            self.store.remove(before.id)
        for effect in found:
            self.record(operation, effect, key=key)
        return stored

    def record(self, operation: str, effect: Effect, *, key: str = "") -> None:
        """One ledger line."""
        line: dict[str, Any] = {"kind": effect.kind, "changes": effect.fields, **effect.context}
        if key:
            line["idempotencyKey"] = key
        self.world.ledger.record(
            service="shopify",
            operation=f"shopify.{operation}",
            target=effect.target,
            effect=line,
            actor=self.actor,
        )


def app_number(app: str) -> int:
    """A stable number for an app's name, twelve digits like real app ids."""
    return 300_000_000_000 + zlib.crc32(app.encode())


def of(info: Info) -> Context:
    """The context of the running request."""
    context: Context = info.context
    return context
