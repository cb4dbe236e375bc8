"""The sandbox itself: one process, one port, HTTP/1.1 with kept-alive connections, one thread per connection."""

from __future__ import annotations

import contextlib
import importlib
import json
import signal
import socket
import struct
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Literal

from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sheets_catalog.sandbox import state as states
from sheets_catalog.sandbox.accounts import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, OWNER, STANDING_TOKEN
from sheets_catalog.sandbox.control import Control
from sheets_catalog.sandbox.gateway import LIFE_LIKE, Gateway
from sheets_catalog.sandbox.identity import Identity
from sheets_catalog.sandbox.play import Cut
from sheets_catalog.sandbox.tasks import Tasks
from sheets_catalog.sandbox.wire import Request, Response, Service, World

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Self

HOST: Final = "127.0.0.1"
MAX_BODY: Final = 64 * 2**20
SETTLED: Final = 60.0
"""Simulated seconds between the planting of the sample data and the first request: lists show all of it."""


class Handler(WSGIRequestHandler):
    """One connection. Unlike werkzeug's own handler it keeps the connection alive and can be cut short."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = self.make_environ()
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            self.close_connection = True
            self._send(Response("Payload Too Large", status=413), head_only=False)
            return
        request = Request(environ)
        try:
            request.get_data(cache=True)  # first of all: a connection closed with unread bytes is reset, not closed
            response = self.server.gateway.handle(request)
            self._send(response, head_only=self.command == "HEAD")
        except Cut as cut:
            self._cut(cut)
        except (ClientDisconnected, ConnectionError, TimeoutError):  # such as a client that was killed
            self.close_connection = True

    def _send(self, response: Response, *, head_only: bool) -> None:
        streamed = response.is_streamed
        data = b"" if streamed else response.get_data()
        head = self._head(response, None if streamed else len(data))
        if not streamed:
            self.wfile.write(head if head_only else head + data)
            return
        self.wfile.write(head)
        if not head_only:
            self._send_pieces(response)
        response.close()

    def _send_pieces(self, response: Response) -> None:
        chunked = response.content_length is None
        for piece in response.iter_encoded():
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, response: Response, length: int | None) -> bytes:
        headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
        size: int | None = response.content_length if length is None else length
        if size is not None and response.status_code not in {204, 304}:
            headers.append(("Content-Length", str(size)))
        elif size is None:
            headers.append(("Transfer-Encoding", "chunked"))
        headers += [("Date", http_date(self.server.gateway.world.clock.now())), ("Server", "ESF")]
        if self.close_connection:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def _cut(self, cut: Cut) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            if cut.raw:
                self.connection.sendall(cut.raw)
            if cut.response is not None:
                data = cut.response.get_data()
                part = data[: max(1, int(len(data) * cut.portion))]
                self.connection.sendall(self._head(cut.response, len(data)) + part)
            if cut.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: the request log has it all."""


class Server(BaseWSGIServer):
    """Names what the handler needs beside werkzeug's own server; never instantiated (see `_listen`)."""

    gateway: Gateway
    connections: set[socket.socket]


def _listen(gateway: Gateway, host: str, port: int) -> Server:
    def unused(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise AssertionError("the handler answers by itself")

    server: Any = make_server(host, port, unused, threaded=True, request_handler=Handler)
    server.gateway = gateway
    server.connections = set()
    server.daemon_threads = True
    server.block_on_close = False
    answer: Server = server
    return answer


class Sandbox:
    """Google and Shopify on one loopback port.

    with Sandbox.start(catalogue="sample", speed=1000.0) as sandbox: use `sandbox.url`, `sandbox.connection()`.
    The parts are there for tests that run in the same process: `world`, `gateway`, `identity`, `drive`, `services`.
    """

    def __init__(
        self,
        *,
        catalogue: str = "sample",
        speed: float = 1000.0,
        seed: int = 1,
        port: int = 0,
        latency: Literal["life", "none"] = "life",
        state: Path | None = None,
        start: datetime | None = None,
        tasks: str | int = "none",
        task_files: int = 0,
    ) -> None:
        self.world = World.create(speed=speed, seed=seed, start=start)
        self.identity = Identity(self.world)
        self.gateway = Gateway(self.world, self.identity, latency=LIFE_LIKE if latency == "life" else None, seed=seed)
        self.directory = state
        self.gateway.add(Control(self))
        self._server = _listen(self.gateway, HOST, port)
        self.port: int = self._server.server_port
        self.url = f"http://{HOST}:{self.port}"
        self.world.base_url = self.url
        self._thread: threading.Thread | None = None
        try:
            if not self._assemble(catalogue) and tasks != "none":
                self._plant_tasks(tasks, task_files)
            self.world.clock.run(ahead=SETTLED)
        except BaseException:
            self._server.server_close()
            raise

    @classmethod
    def start(
        cls,
        catalogue: str = "sample",
        *,
        speed: float = 1000.0,
        seed: int = 1,
        port: int = 0,
        latency: Literal["life", "none"] = "life",
        state: Path | None = None,
        start: datetime | None = None,
        tasks: str | int = "none",
        task_files: int = 0,
    ) -> Self:
        """Start serving in a thread of this process; stop with `stop()` or by leaving the `with` block.

        catalogue: `sample`, `reference`, `empty` or the path of a Shopify product CSV. speed: how many times faster
        than life (latency and quota refill alike). latency: `life` is 0.8 to 1.7 simulated seconds a call. port 0: any
        free one. state: a directory to go on from, and to save to on request. tasks: `none`, `sample`, or a number of
        plain ones with `task_files` files in all (0: six each), planted after the catalogue, whose ids stay the same.
        """
        sandbox = cls(
            catalogue=catalogue,
            speed=speed,
            seed=seed,
            port=port,
            latency=latency,
            state=state,
            start=start,
            tasks=tasks,
            task_files=task_files,
        )
        sandbox._serve_in_thread()
        return sandbox

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def services(self) -> dict[str, Service]:
        """All services by name."""
        return self.gateway.services

    def stop(self) -> None:
        """Stop serving and drop all connections."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
            self._thread = None
        self._server.server_close()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def serve_forever(self) -> None:
        """Serve in this thread until `stop()` or a signal."""
        self._server.serve_forever(poll_interval=0.1)

    def save(self, directory: Path | None = None) -> Path:
        """Save everything to the directory (default: the one given at the start)."""
        return states.save_to(self._directory(directory), states.dump(self.world, self.services))

    def load(self, directory: Path | None = None) -> None:
        """Go on from what was saved there."""
        where = self._directory(directory)
        state = states.load_from(where)
        if state is None:
            raise ValueError(f"no saved sandbox in {where}; expected a file {states.FILE}")
        states.load(self.world, self.services, state)

    def connection(self) -> dict[str, Any]:
        """Everything a client needs to connect, as printed at the start of the process."""
        clock = self.world.clock
        google = {
            "root": self.url,
            "token": STANDING_TOKEN,
            "email": OWNER,
            "scopes": list(ALL_SCOPES),
            "token_uri": f"{self.url}/token",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": self._refresh_token(),
        }
        simulated = clock.now().timestamp()
        connection: dict[str, Any] = {
            "url": self.url,
            "google": google,
            "clock": {
                "real_epoch": clock.real_now(),
                "simulated_epoch": simulated,
                "speed": clock.speed,
            },
        }
        for service in self.services.values():
            tell = getattr(service, "connection", None)
            if tell is not None:
                connection |= tell()
        return connection

    def _refresh_token(self) -> str:
        for grant in self.identity.refresh_tokens.values():
            if (grant.email, grant.client_id) == (OWNER, CLIENT_ID) and not grant.revoked:
                return grant.value
        with self.world.lock:
            return self.identity.mint_refresh().value

    def _directory(self, directory: Path | None) -> Path:
        where = directory or self.directory
        if where is None:
            raise ValueError('the sandbox has no state directory; give one (`--state DIR`, or {"dir": ...})')
        return where

    def _serve_in_thread(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="sandbox")
        self._thread.start()

    def _assemble(self, catalogue: str) -> bool:
        """Add the services, then go on from the saved state (True) or plant the sample data."""
        for service in _make_services(self):
            self.gateway.add(service)
        if self.directory is not None and (state := states.load_from(self.directory)) is not None:
            states.load(self.world, self.services, state)
            return True
        for service in list(self.services.values()):
            seed = getattr(service, "seed", None)
            if seed is not None:
                seed(catalogue)
        return False

    def _plant_tasks(self, tasks: str | int, files: int) -> None:
        """Plant a tasks sheet with its files; nobody did that, so the ledger does not tell of it."""
        planting: Any = self.services["tasks"]
        kept = self.world.ledger.since(0)
        wanted = {"spreadsheet_id": self.connection()["spreadsheet_id"], "tasks": tasks}
        planting.plant(wanted | ({"files": files} if files else {}))
        self.world.ledger.restore(kept)


def _make_services(sandbox: Sandbox) -> Iterable[Service]:
    drive_module = _optional("sheets_catalog.sandbox.drive")
    if drive_module is not None and hasattr(drive_module, "Drive"):
        drive = drive_module.Drive(sandbox.world, sandbox.identity, sandbox.gateway.quota)
        yield drive
        yield drive_module.Batch(lambda request: sandbox.gateway.handle(request, nested=True))
        sheets_module = _optional("sheets_catalog.sandbox.sheets")
        if sheets_module is not None and hasattr(sheets_module, "Sheets"):
            yield sheets_module.Sheets(sandbox.world, drive.store)
            yield Tasks(sandbox.gateway, drive)
    shopify_module = _optional("sheets_catalog.sandbox.shopify")
    if shopify_module is not None and hasattr(shopify_module, "Shopify"):
        yield shopify_module.Shopify(sandbox.world)


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            return None
        raise


def serve(
    *,
    port: int = 0,
    catalogue: str = "sample",
    speed: float = 1.0,
    seed: int | None = None,
    state: Path | None = None,
    latency: Literal["life", "none"] = "life",
    tasks: str | int = "none",
    task_files: int = 0,
) -> None:
    """Run a sandbox in this process: print one JSON line saying how to connect, then serve until SIGINT or SIGTERM.

    With a state directory everything is saved there at the end. Without a seed the sample data are always the same, and
    what is made later has ids of its own, as with Google: an audit that has seen other sandboxes can tell jobs apart.
    """
    sandbox = Sandbox.start(
        catalogue,
        port=port,
        speed=speed,
        seed=1 if seed is None else seed,
        state=state,
        latency=latency,
        tasks=tasks,
        task_files=task_files,
    )
    if seed is None:
        with sandbox.world.lock:
            sandbox.world.random.seed()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    print(json.dumps(sandbox.connection()), flush=True)  # noqa: T201 - the line is this command's output
    sys.stdout.flush()
    done.wait()
    if state is not None:
        sandbox.save()
    sandbox.stop()
