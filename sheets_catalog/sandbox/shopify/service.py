"""The Shopify service: HTTP, one GraphQL request from text to answer, faults in Shopify's own words, state."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute,
)
from graphql.execution import get_argument_values, get_variable_values

from sheets_catalog.sandbox.catalogues import load_catalogue
from sheets_catalog.sandbox.shopify import idempotency
from sheets_catalog.sandbox.shopify.access import APP, CLIENT_ID, CLIENT_SECRET, CLOSED, FULL_TOKEN, OAuthError, Tokens
from sheets_catalog.sandbox.shopify.bucket import SINGLE_QUERY_LIMIT, Bucket
from sheets_catalog.sandbox.shopify.context import Context
from sheets_catalog.sandbox.shopify.cost import Charge, actual_cost, charges_of, requested_cost
from sheets_catalog.sandbox.shopify.documents import Documents, RefusedError, checked_variables, root_fields
from sheets_catalog.sandbox.shopify.merchant import EDITS, Merchant
from sheets_catalog.sandbox.shopify.planting import plant
from sheets_catalog.sandbox.shopify.problems import internal_error, throttled, too_expensive
from sheets_catalog.sandbox.shopify.roots import VERSION
from sheets_catalog.sandbox.shopify.schema import check_sizes, executable_schema
from sheets_catalog.sandbox.shopify.state import Saved, Shop, Store
from sheets_catalog.sandbox.shopify.values import timestamp
from sheets_catalog.sandbox.shopify.writes.product_set import run_operation
from sheets_catalog.sandbox.wire import (
    JSON,
    Caller,
    FaultSpec,
    Request,
    Response,
    Rule,
    ShopifyHttpError,
    World,
    fault_of,
    json_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DOMAIN: Final = "demo-shop.myshopify.com"
SCHEMA_SETTING: Final = "SHEETS_CATALOG_SHOPIFY_SCHEMA"
"""Environment: path of Shopify's whole introspection result; documents are then validated against it as well."""


class Shopify:
    """Shopify Admin GraphQL 2026-10 for one shop, and its OAuth token endpoint."""

    name = "shopify"

    def __init__(self, world: World, *, published_schema: Path | None = None, serve_deprecated: bool = False) -> None:
        self.world = world
        shop = Shop(id=60_000_000_001, name="Demo Shop", domain=DOMAIN, created_at=timestamp(world.clock.now()))
        self.store = Store(shop)
        self.tokens = Tokens(world, DOMAIN)
        self.merchant = Merchant(self.store, world)
        self.add_product = self.merchant.add_product
        self.add_variant = self.merchant.add_variant
        self.edit_product = self.merchant.edit_product
        self.edit_variant = self.merchant.edit_variant
        self.delete_product = self.merchant.delete_product
        self.delete_variant = self.merchant.delete_variant
        self.set_inventory = self.merchant.set_inventory
        self.set_metafield = self.merchant.set_metafield
        self.schema = executable_schema()
        setting = os.environ.get(SCHEMA_SETTING)
        self.documents = Documents(
            self.schema,
            published_schema or (Path(setting) if setting else None),
            serve_deprecated=serve_deprecated,
        )
        self.search_lag = 0.0
        """Simulated seconds that lists of products and variants lag behind the writes; the real ones do by some."""
        self._buckets: dict[str, Bucket] = {}
        self._requests = 0

    # -- the service contract ------------------------------------------------------------------------------------------

    def rules(self) -> Sequence[Rule]:
        """Routes."""
        return [
            Rule("/admin/api/<version>/graphql.json", methods=["POST"], endpoint="shopify.graphql"),
            Rule("/admin/oauth/access_token", methods=["POST"], endpoint="shopify.accessToken"),
        ]

    def caller(self, request: Request) -> Caller:
        """Authenticate by the X-Shopify-Access-Token header; the token endpoint is for everybody."""
        if request.path.endswith("/oauth/access_token"):
            return Caller(email="", scopes=frozenset(), app="", shop=DOMAIN)
        try:
            return self.tokens.caller(request)
        except ShopifyHttpError as error:
            self._requests += 1
            error.headers["X-Request-Id"] = f"sandbox-{self._requests:08x}"
            raise

    def operation_name(self, request: Request, operation: str) -> str:
        """`shopify.productSet`; several root fields are joined with `+`."""
        if operation != "shopify.graphql":
            return operation
        body = _body(request)
        try:
            document = self.documents.parse(str(body.get("query") or ""))
        except RefusedError:
            return operation
        names = root_fields(document, body.get("operationName"))
        return f"shopify.{'+'.join(names)}" if names else operation

    def is_read(self, operation: str, request: Request) -> bool:
        """Queries are reads."""
        if operation != "shopify.graphql":
            return False
        body = _body(request)
        try:
            document = self.documents.parse(str(body.get("query") or ""))
        except RefusedError:
            return True
        return _operation_type(document, body.get("operationName")) is not OperationType.MUTATION

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        """Answer one request."""
        self._requests += 1
        request_id = f"sandbox-{self._requests:08x}"
        if operation == "shopify.accessToken":
            response = self._grant(request)
        else:
            if args["version"] != VERSION:
                raise ShopifyHttpError(404, f"Not Found: the sandbox speaks Admin API version {VERSION} only")
            self._settle()
            response = self._graphql(request, caller, request_id)
            response.headers["X-Shopify-API-Version"] = VERSION
        response.headers["X-Request-Id"] = request_id
        return response

    def dump(self) -> JSON:
        """Shop, tokens and buckets."""
        return {
            "store": msgspec.json.decode(msgspec.json.encode(self.store.save())),
            "tokens": self.tokens.dump(),
            "buckets": {app: bucket.refill(self.world.clock.seconds()) for app, bucket in self._buckets.items()},
        }

    def load(self, state: JSON) -> None:
        """Replace everything."""
        self.store.restore(msgspec.convert(state["store"], Saved))
        self.tokens.load(state["tokens"])
        self._buckets.clear()
        for app, level in state["buckets"].items():
            self._bucket(app).level = level

    def seed(self, catalogue: str) -> None:
        """Fill the shop: `empty`, `sample`, `reference`, or the path of a Shopify product CSV."""
        plant(load_catalogue(catalogue), self.store, timestamp(self.world.clock.now()))

    def connection(self) -> dict[str, Any]:
        """What a client needs to connect."""
        return {
            "shopify": {
                "shop": DOMAIN,
                "root": self.world.base_url,
                "access_token": FULL_TOKEN,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "api_version": VERSION,
            }
        }

    def plant(self, body: Mapping[str, Any]) -> JSON:
        """What only the merchant or the sandbox's keeper can do: `{"do": ..., ...}`.

        `mint_token {scopes, app?, seconds?}`, `revoke_token {token}`, `close_shop {status}` (0 opens it again),
        `hold_key {key, seconds, app?}` (a key looks busy), `drain {points, app?}`, `plan {bucket, restore_rate}`,
        `search_lag {seconds}` and every edit of `Merchant`.
        """
        given = dict(body)
        action = given.pop("do", "")
        if action in EDITS:
            return {"answer": getattr(self.merchant, action)(**given)}
        own: dict[str, Callable[[], Any]] = {
            "mint_token": lambda: self.tokens.mint(
                given["scopes"], app=given.get("app", APP), seconds=float(given.get("seconds", 0))
            ),
            "revoke_token": lambda: self.tokens.revoke(given["token"]),
            "close_shop": lambda: self._close(int(given["status"])),
            "hold_key": lambda: self.hold_key(given["key"], float(given["seconds"]), given.get("app", APP)),
            "drain": lambda: self.drain(float(given["points"]), given.get("app", APP)),
            "search_lag": lambda: setattr(self, "search_lag", float(given["seconds"])),
            "plan": lambda: self.set_plan(float(given["bucket"]), float(given["restore_rate"])),
        }
        if action not in own:
            raise ValueError(f"do is {action!r}; expected one of {sorted([*EDITS, *own])}")
        return {"answer": own[action]()}

    # -- for tests -----------------------------------------------------------------------------------------------------

    def hold_key(self, key: str, seconds: float, app: str = APP) -> None:
        """Make an idempotency key look as if another request were working on it, for simulated seconds."""
        idempotency.hold(self.store.attempts, app, key, self.world.clock.seconds() + seconds)

    def drain(self, points: float, app: str = APP) -> None:
        """Take cost points out of an app's bucket, as another process of the app would."""
        bucket = self._bucket(app)
        bucket.level = max(0.0, bucket.refill(self.world.clock.seconds()) - points)

    def set_plan(self, bucket: float, restore_rate: float) -> None:
        """Give the shop another plan's cost limits; all buckets start anew."""
        self.store.shop = msgspec.structs.replace(self.store.shop, bucket=bucket, restore_rate=restore_rate)
        self._buckets.clear()

    def _close(self, status: int) -> None:
        if status and status not in CLOSED:
            raise ValueError(f"status is {status}; expected 0 (open) or one of {sorted(CLOSED)}")
        self.tokens.closed = status

    # -- one request ---------------------------------------------------------------------------------------------------

    def _grant(self, request: Request) -> Response:
        given = request.form.to_dict() or _body(request)
        try:
            return json_response(self.tokens.grant(given))
        except OAuthError as error:
            return json_response(error.body, error.status)

    def _settle(self) -> None:
        """Carry out the asynchronous operations whose time has come."""
        now = self.world.clock.seconds()
        for operation in list(self.store.operations.values()):
            if operation.status == "COMPLETE":
                continue
            if operation.due <= now:
                caller = Caller(email="", scopes=frozenset(), app=operation.app, shop=DOMAIN)
                context = Context(self.store, self.world, caller, actor=operation.app)
                self.store.operations[operation.id] = run_operation(context, operation)
            else:
                self.store.operations[operation.id] = msgspec.structs.replace(operation, status="ACTIVE")

    def _graphql(self, request: Request, caller: Caller, request_id: str) -> Response:
        body = _body(request)
        text = body.get("query")
        if not isinstance(text, str) or not text.strip():
            raise ShopifyHttpError(400, {"query": "Required parameter missing or invalid"})
        try:
            prepared = self.documents.prepare(text)
            operation = prepared.operation(body.get("operationName"))
            variables = checked_variables(self.schema, operation, body.get("variables") or {})
            charges = charges_of(self.schema, prepared, operation, variables)
            self._check_sizes(operation, variables)
        except RefusedError as error:
            return json_response({"errors": [one.formatted for one in error.errors]})
        except GraphQLError as error:
            return json_response({"errors": [error.formatted]})
        debug = request.headers.get("Shopify-GraphQL-Cost-Debug") == "1"
        cost = requested_cost(charges)
        bucket = self._bucket(caller.app)
        if cost > SINGLE_QUERY_LIMIT:
            return json_response({"errors": [too_expensive(cost, SINGLE_QUERY_LIMIT)]})
        if not bucket.take(cost, self.world.clock.seconds()):
            answer = {"errors": [throttled()], "extensions": self._extensions(bucket, charges, cost, None, debug=debug)}
            return json_response(answer)
        searching = request.headers.get("Shopify-Search-Query-Debug") == "1"
        context = Context(
            self.store,
            self.world,
            caller,
            actor=caller.app,
            searching=searching,
            lag=self.search_lag,
            fault=partial(fault_of, request),
        )
        return self._run(prepared.document, operation, variables, context, bucket, charges, cost, debug=debug)

    def _run(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
        context: Context,
        bucket: Bucket,
        charges: tuple[Charge, ...],
        cost: int,
        *,
        debug: bool,
    ) -> Response:
        result = execute(
            self.schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name.value if operation.name else None,
            is_awaitable=_NEVER,
            is_async_iterable=_NEVER,
        )
        assert isinstance(result, ExecutionResult), "no resolver is asynchronous"
        _raise_own_failures(result)
        actual = min(cost, actual_cost(charges, result.data))
        bucket.give_back(cost - actual)
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        answer["data"] = result.data
        answer["extensions"] = self._extensions(bucket, charges, cost, actual, debug=debug)
        if context.search:
            answer["extensions"]["search"] = context.search
        return json_response(answer)

    def _check_sizes(self, operation: OperationDefinitionNode, variables: dict[str, Any]) -> None:
        """Input arrays, over all root fields; raises MAX_INPUT_SIZE_EXCEEDED."""
        values: Any = get_variable_values(self.schema, operation.variable_definitions or (), variables)
        kind = self.schema.get_root_type(operation.operation)
        assert kind is not None
        for node in operation.selection_set.selections:
            name = getattr(getattr(node, "name", None), "value", "")
            if name in kind.fields:
                check_sizes(name, get_argument_values(kind.fields[name], node, values))  # type: ignore[arg-type]

    def _bucket(self, app: str) -> Bucket:
        if app not in self._buckets:
            shop = self.store.shop
            self._buckets[app] = Bucket.full(shop.bucket, shop.restore_rate, self.world.clock.seconds())
        return self._buckets[app]

    def _extensions(
        self, bucket: Bucket, charges: tuple[Charge, ...], cost: int, actual: int | None, *, debug: bool
    ) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "requestedQueryCost": cost,
            "actualQueryCost": actual,
            "throttleStatus": bucket.status(self.world.clock.seconds()),
        }
        if debug:
            figures["fields"] = [line for charge in charges for line in charge.lines()]
        return {"cost": figures}

    # -- faults --------------------------------------------------------------------------------------------------------

    def fault_response(self, kind: str, spec: FaultSpec, request: Request) -> Response | None:
        """Answer a fault in Shopify's words; None: not one of ours.

        `options` of the fault: `codes` and `message` for `user-errors`, `alias` for `partial-data`, `cost` for
        `throttle-graphql`, `access` for `access-denied`.
        """
        answers = {
            "throttle-graphql": self._throttle_fault,
            "user-errors": self._user_errors_fault,
            "internal-error": self._internal_fault,
            "partial-data": self._partial_fault,
            "access-denied": self._access_fault,
        }
        if kind not in answers or not request.path.endswith("/graphql.json"):
            return None
        self._requests += 1
        try:
            response = answers[kind](spec, request, self.tokens.caller(request))
        except ShopifyHttpError as error:
            response = error.response()
        except RefusedError:
            return None
        response.headers["X-Request-Id"] = f"sandbox-{self._requests:08x}"
        return response

    def _throttle_fault(self, spec: Any, request: Request, caller: Caller) -> Response:
        """The bucket is empty, really: the figures and the time to wait agree."""
        bucket = self._bucket(caller.app)
        bucket.refill(self.world.clock.seconds())
        bucket.level = 0.0
        cost = int(dict(spec.options).get("cost", 0)) or self._cost_of(request) or 10
        figures = self._extensions(bucket, (), cost, None, debug=False)
        return json_response({"errors": [throttled()], "extensions": figures})

    def _cost_of(self, request: Request) -> int:
        body = _body(request)
        try:
            prepared = self.documents.prepare(str(body.get("query") or ""))
            operation = prepared.operation(body.get("operationName"))
            variables = checked_variables(self.schema, operation, body.get("variables") or {})
            return requested_cost(charges_of(self.schema, prepared, operation, variables))
        except RefusedError:
            return 0

    def _user_errors_fault(self, spec: Any, request: Request, caller: Caller) -> Response:
        """Every root field of the mutation is refused; nothing is applied."""
        options = dict(spec.options)
        codes = options.get("codes") or ["INVALID_INPUT"]
        message = spec.message or options.get("message") or "The sandbox was told to refuse this."
        errors = [{"field": options.get("field"), "message": message, "code": code} for code in codes]
        fragments = self.documents.prepare(str(_body(request).get("query") or "")).fragments
        data = {key: _refused_payload(node, errors, fragments) for key, node in self._roots(request).items()}
        figures = self._extensions(self._bucket(caller.app), (), 10, 10, debug=False)
        return json_response({"data": data, "extensions": figures})

    def _internal_fault(self, spec: Any, request: Request, caller: Caller) -> Response:
        """HTTP 200 with INTERNAL_SERVER_ERROR; with `when: after` the request was carried out first."""
        if spec.when == "after":
            self._settle()
            self._graphql(request, caller, "")
        return json_response({"errors": [internal_error(f"sandbox-{self._requests:08x}")]})

    def _partial_fault(self, spec: Any, request: Request, caller: Caller) -> Response:
        """One root field comes back null with an error, although it was applied; the others are as they are."""
        self._settle()
        answer = json.loads(self._graphql(request, caller, "").get_data())
        keys = [key for key in answer.get("data") or {} if key == dict(spec.options).get("alias", key)]
        if keys:
            answer["data"][keys[0]] = None
            error = internal_error(f"sandbox-{self._requests:08x}") | {"path": [keys[0]]}
            answer["errors"] = [*answer.get("errors", []), error]
        return json_response(answer)

    def _access_fault(self, spec: Any, request: Request, caller: Caller) -> Response:
        """The first root field is refused for want of a scope; no field is applied."""
        access = str(dict(spec.options).get("access", "`write_products` access scope."))
        keys = list(self._roots(request))
        errors = [
            {
                "message": f"Access denied for {key} field. Required access: {access}",
                "path": [key],
                "extensions": {"code": "ACCESS_DENIED", "requiredAccess": access},
            }
            for key in keys
        ]
        figures = self._extensions(self._bucket(caller.app), (), 10, 10, debug=False)
        return json_response({"errors": errors, "data": dict.fromkeys(keys), "extensions": figures})

    def _roots(self, request: Request) -> dict[str, FieldNode]:
        """Root fields of the operation by response key (alias or name)."""
        body = _body(request)
        prepared = self.documents.prepare(str(body.get("query") or ""))
        operation = prepared.operation(body.get("operationName"))
        return {_key(node): node for node in operation.selection_set.selections if isinstance(node, FieldNode)}


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _refused_payload(
    root: FieldNode, errors: Sequence[Mapping[str, Any]], fragments: Mapping[str, FragmentDefinitionNode]
) -> dict[str, Any]:
    """A mutation's payload with nothing but user errors, as far as they are selected, by fragments too."""
    return {
        _key(node): _selected(node, errors, fragments) if node.name.value == "userErrors" else None
        for node in _fields(root.selection_set, fragments)
    }


def _selected(
    node: FieldNode, errors: Sequence[Mapping[str, Any]], fragments: Mapping[str, FragmentDefinitionNode]
) -> list[dict[str, Any]]:
    fields = list(_fields(node.selection_set, fragments))
    return [{_key(one): error.get(one.name.value) for one in fields} for error in errors]


def _fields(selection: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """The fields selected, whether they stand there or in a fragment."""
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(fragments[node.name.value].selection_set, fragments)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments)


def _never(_value: object) -> bool:
    return False


_NEVER: Any = _never
"""No resolver is asynchronous: telling graphql-core so saves a third of the time of a page."""


def _raise_own_failures(result: ExecutionResult) -> None:
    """An exception that is not an answer of Shopify's is a failure of the sandbox: let the server show it."""
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
        if not error.extensions:
            raise error


def _operation_type(document: DocumentNode, name: str | None) -> OperationType | None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    for node in operations:
        if not name or (node.name and node.name.value == name):
            return node.operation
    return None


def _body(request: Request) -> dict[str, Any]:
    """The JSON object in the body; 400 in Shopify's words for anything else."""
    if request.mimetype == "application/graphql":
        return {"query": request.get_data(as_text=True)}
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
