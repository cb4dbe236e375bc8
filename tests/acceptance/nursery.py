"""Starts commands quickly: a process that has everything loaded forks one process for each.

A command started this way is a process of its own that runs the entry point of the console script: it can be killed,
and it shares nothing with others. Only the second that loading takes is saved. Asked on stdin, one JSON line each:
``{"argv", "env", "cwd", "out", "err"}``; tells on stdout ``{"started": pid}``, and ``{"ended": pid, "status": n}``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import selectors
import signal
import sys
import tempfile
import traceback
from pathlib import Path

LOADED = (
    "sheets_catalog.cli.app",
    "sheets_catalog.cli.failures",
    "sheets_catalog.cli.progress",
    "sheets_catalog.cli.views.checks",
    "sheets_catalog.cli.views.jobs",
    "sheets_catalog.cli.views.plans",
    "sheets_catalog.cli.views.runs",
    "sheets_catalog.flows.doctor",
    "sheets_catalog.flows.exporting",
    "sheets_catalog.flows.importing",
    "sheets_catalog.flows.reporting",
    "sheets_catalog.flows.verification",
    "googleapiclient.discovery",
    "googleapiclient.discovery_cache",
    "google_auth_httplib2",
    "httplib2",
    "platformdirs.unix",
)


def load():
    """Everything a command imports when it is used: what is left after the imports is found by using it."""
    for name in LOADED:
        __import__(name)
    from sheets_catalog.cli.main import main
    from sheets_catalog.database import Audit

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        main(["plan", "--json", "--connection", f"{folder}/none.json"])
        Audit(Path(folder) / "audit.sqlite3").close()


def child(order):
    """Become the command; never returns."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python starts
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, target in (
        (0, os.open(os.devnull, os.O_RDONLY)),
        (1, os.open(order["out"], flags)),
        (2, os.open(order["err"], flags)),
    ):
        os.dup2(target, number)
        os.close(target)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8")  # noqa: SIM115, PTH123
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    sys.argv = ["sheets-catalog", *order["argv"]]
    status = 1
    try:
        from sheets_catalog.cli.main import run

        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - what Python itself does with what nobody caught
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def tell(**words):
    os.write(1, json.dumps(words).encode() + b"\n")


def serve():
    """Start and bury children until stdin ends."""
    load()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    chooser = selectors.DefaultSelector()
    chooser.register(0, selectors.EVENT_READ)
    chooser.register(wake, selectors.EVENT_READ)
    rest = b""
    while True:
        for key, _ in chooser.select():
            if key.fd == wake:
                os.read(wake, 4096)
                bury()
                continue
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                pid = os.fork()
                if not pid:
                    child(json.loads(line))
                tell(started=pid)


def bury():
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        tell(ended=pid, status=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    serve()
