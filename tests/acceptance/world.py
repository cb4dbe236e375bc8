"""What the acceptance tests share: a sandbox process, the command line as processes, a person, a merchant, the ledger."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import gspread
import requests
from gspread.utils import rowcol_to_a1

from sheets_catalog.cli.connections import from_sandbox
from sheets_catalog.flows.connection import open_systems, save

SCRIPT = Path(sysconfig.get_path("scripts")) / "sheets-catalog"
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-c", "from sheets_catalog.cli.main import run; run()"]

BOOKS = ("planned", "done", "unchanged", "rejected", "conflicted", "pending")


def balanced(books):
    """The books, after checking that they balance."""
    assert set(books) == set(BOOKS)
    assert books["planned"] == sum(books[name] for name in BOOKS[1:]), books
    return books


@dataclass(frozen=True)
class Ended:
    """A process that came to its end. `peak` is the most memory it had, in bytes (0: nobody looked)."""

    status: int
    out: str
    err: str
    peak: int = 0

    @property
    def told(self):
        """The one JSON object on stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"expected one line on stdout, found {self.out!r}; stderr: {self.err[-2000:]}"
        return json.loads(lines[0])

    @property
    def problem(self):
        """The error that `--json` told."""
        return self.told["error"]


class Nursery:
    """Starts commands from a process that has everything loaded (see `nursery`)."""

    def __init__(self):
        self.popen = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.ends = {}
        self.changed = threading.Condition()
        self.started = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.popen.stdout:
            told = json.loads(line)
            if "started" in told:
                self.started.put(told["started"])
                continue
            with self.changed:
                self.ends[told["ended"]] = told["status"]
                self.changed.notify_all()

    def start(self, arguments, env, cwd, out, err):
        order = {"argv": arguments, "env": env, "cwd": str(cwd), "out": str(out), "err": str(err)}
        self.popen.stdin.write(json.dumps(order).encode() + b"\n")
        self.popen.stdin.flush()
        return self.started.get(timeout=60)

    def wait(self, pid, timeout):
        """The exit status, or None when it still runs."""
        with self.changed:
            self.changed.wait_for(lambda: pid in self.ends, timeout)
            return self.ends.get(pid)

    def stop(self):
        self.popen.stdin.close()
        self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()


class Process:
    """A command line that runs: started from the nursery, or (`script`) as the installed console script."""

    def __init__(self, nursery, arguments, home, env=None, *, script=False):
        self.nursery = nursery
        number = f"{time.monotonic_ns()}"
        self.out, self.err = home / f"out-{number}", home / f"err-{number}"
        for path in (self.out, self.err):
            path.touch()
        arguments, env = [str(each) for each in arguments], environment(home, env)
        self.popen = self.status = None
        if not script:
            self.pid = nursery.start(arguments, env, home, self.out, self.err)
            return
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.popen = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=env,
                cwd=home,
                start_new_session=True,  # a Ctrl-C for the test is none for the program
            )
        self.pid = self.popen.pid

    def signal(self, number):
        os.kill(self.pid, number)

    def ended(self, timeout=90):
        """Wait for its end."""
        peak = 0
        if self.popen is None:
            self.status = self.nursery.wait(self.pid, timeout)
        else:
            peak = self._watch(timeout)
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            raise AssertionError(f"still running after {timeout} s: {self.err.read_text(encoding='utf-8')[-2000:]}")
        told = (path.read_text(encoding="utf-8", errors="replace") for path in (self.out, self.err))
        return Ended(self.status, *told, peak)

    def _watch(self, timeout):
        """Wait, and look at the high-water mark of its memory (`ru_maxrss` would count the parent's before the exec)."""
        peak, deadline = 0, time.monotonic() + timeout
        while self.popen.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(encoding="ascii"))
                peak = max(peak, int(found[1]) * 1024 if found else 0)
            time.sleep(0.01)
        self.status = self.popen.poll()
        return peak

    def stop(self):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            if self.popen:
                self.popen.wait()


def environment(home, more=None):
    """The environment of a command: settings of its own, nothing of the one who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHEETS_CATALOG_")}
    return kept | {"SHEETS_CATALOG_HOME": str(home), "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"} | (more or {})


class SandboxProcess:
    """`sheets-catalog sandbox` as a process of its own."""

    def __init__(self, home, *, catalogue="sample", speed=1000.0, state=None, port=0):
        home.mkdir(parents=True, exist_ok=True)
        arguments = ["sandbox", "--port", str(port), "--catalogue", str(catalogue), "--speed", str(speed)]
        arguments += ["--tasks", "none"]
        arguments += ["--state", str(state)] if state else []
        with (home / "stderr").open("wb") as err:
            self.popen = subprocess.Popen(
                [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=err, text=True, env=environment(home), cwd=home
            )
        line = self.popen.stdout.readline()
        assert line, (home / "stderr").read_text(encoding="utf-8")
        self.url = json.loads(line)["url"]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self):
        self.popen.kill()
        self.popen.communicate()


@dataclass
class Town:
    """One shop with its sheet, in a sandbox process, and everybody who works on it."""

    url: str
    home: Path
    nursery: Nursery = field(repr=False)
    name: str = "default"
    running: list[Process] = field(default_factory=list, repr=False)

    def __post_init__(self):
        self.home.mkdir(parents=True, exist_ok=True)
        self.told = self.get("connection")
        self.spreadsheet_id = self.told["spreadsheet_id"]
        self.folder_id = self.told["folder_id"]
        self.settings = self.home / "connections" / f"{self.name}.json"
        self.connect()

    # -- the command line ---------------------------------------------------------------------------------------------

    @property
    def connection(self):
        return from_sandbox(self.told, "the sandbox")

    def connect(self, **changes):
        """Save the connection; `changes` go into its settings (`google`, `shopify`: merged)."""
        os.environ["SHEETS_CATALOG_HOME"], before = str(self.home), os.environ.get("SHEETS_CATALOG_HOME")
        try:
            save(self.connection, self.name)
        finally:
            os.environ.pop("SHEETS_CATALOG_HOME")
            if before is not None:
                os.environ["SHEETS_CATALOG_HOME"] = before
        content = json.loads(self.settings.read_text(encoding="utf-8"))
        for name, value in changes.items():
            content[name] = content.get(name, {}) | value if isinstance(value, dict) else value
        self.settings.write_text(json.dumps(content), encoding="utf-8")

    def start(self, *arguments, env=None, script=False):
        """Start a command; `script`: the installed console script, not from the nursery."""
        process = Process(self.nursery, arguments, self.home, env, script=script)
        self.running.append(process)
        return process

    def run(self, *arguments, env=None, timeout=90, script=False):
        """Run a command to its end."""
        return self.start(*arguments, env=env, script=script).ended(timeout)

    def do(self, *arguments, status=0, **more):
        """Run a command with --json that must end with `status`; what it told."""
        done = self.run(*arguments, "--json", **more)
        assert done.status == status, f"{arguments} ended with {done.status}: {done.out}{done.err[-2000:]}"
        return done.told

    def stop(self):
        for process in self.running:
            process.stop()

    # -- the sandbox --------------------------------------------------------------------------------------------------

    def get(self, path, **params):
        answer = requests.get(f"{self.url}/_sandbox/{path}", params=params, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path, body):
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def fault(self, kind, **spec):
        self.post("faults", {"kind": kind, **spec})

    def faults(self):
        return self.get("faults")["faults"]

    def until(self, happened, what, timeout=60):
        """Wait until something happened in the sandbox."""
        deadline = time.monotonic() + timeout
        while not happened():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{what} never happened; {[process.err.read_text() for process in self.running[-2:]]}"
                )
            time.sleep(0.01)

    def forget_faults(self):
        """Drop faults that wait for calls which never come."""
        requests.delete(f"{self.url}/_sandbox/faults", timeout=10).raise_for_status()

    def fault_hit(self, timeout=60):
        """Wait until the first fault was hit."""
        self.until(lambda: self.faults()[0]["hits"], "the fault", timeout)

    def mark(self):
        """The present end of the ledger."""
        return self.get("ledger", since=10**9)["total"]

    def ledger(self, since=0):
        return self.get("ledger", since=since)["ledger"]

    def sent(self, since=0):
        """What the product changed in the shop since a mark: (id, field) in order, one entry per changed field."""
        return [
            (line["target"], name)
            for line in self.ledger(since)
            if line["service"] == "shopify" and line["actor"] == "sheets-catalog"
            for name in line["effect"].get("changes", {"": None})
        ]

    def effects(self, since=0):
        """Lines of the ledger that the product caused in the shop."""
        lines = self.ledger(since)
        return [line for line in lines if line["service"] == "shopify" and line["actor"] == "sheets-catalog"]

    def log(self, since=0):
        return self.get("requests", log=1, since=since)["log"]

    def calls(self):
        """The number of the latest request."""
        log = self.log()
        return log[-1]["n"] if log else 0

    def merchant(self, do, **more):
        return self.post("seed/shopify", {"do": do, **more})["answer"]

    def world(self):
        """Shop and sheet as everybody sees them, for comparing."""
        systems = open_systems(self.connection)
        catalogue = systems.catalogue
        shop = {
            name: {record.key: dict(record.values) for page in read() for record in page.records}
            for name, read in (
                ("products", catalogue.products),
                ("variants", catalogue.variants),
                ("inventory", catalogue.inventory),
            )
        }
        ranges = [f"{tab}!A:Z" for tab in ("Products", "Variants", "Inventory")]
        return {"shop": shop, "sheet": systems.sheets.read_ranges(self.spreadsheet_id, ranges, "FORMULA")}

    # -- people -------------------------------------------------------------------------------------------------------

    def book(self):
        """A person's gspread client on the spreadsheet."""
        client = gspread.Client(auth=None, session=_Rerouted(self.url))
        client.set_timeout(30)
        return client.open_by_key(self.spreadsheet_id)

    def tab(self, title):
        return Tab(self.book().worksheet(title))

    def drive(self, method, path, **more):
        """A request to Drive as the app itself: only it sees its private properties."""
        headers = {"Authorization": "Bearer sandbox-token"}
        answer = requests.request(method, f"{self.url}{path}", headers=headers, timeout=30, **more)
        assert answer.ok, answer.text
        return answer

    def properties(self, file_id):
        """The app's private properties of a file."""
        return self.drive("GET", f"/drive/v3/files/{file_id}", params={"fields": "appProperties"}).json()[
            "appProperties"
        ]

    def set_properties(self, file_id, changes):
        """Edit private properties as if something had damaged them; None removes one."""
        self.drive("PATCH", f"/drive/v3/files/{file_id}", json={"appProperties": changes})

    def control_id(self):
        """The id of the spreadsheet's control file."""
        return self.properties(self.spreadsheet_id)["sheets-catalog"]

    def prices(self, count, start=500):
        """A person types new prices into the first variant of so many products; their row numbers."""
        tab = self.tab("Variants")
        products = tab.values("Product ID")
        rows = [row for row, product in enumerate(products, 2) if product not in products[: row - 2]][:count]
        assert len(rows) == count
        letter = rowcol_to_a1(1, tab.column("Price")).rstrip("1")
        tab.tab.batch_update(
            [{"range": f"{letter}{row}", "values": [[start + place]]} for place, row in enumerate(rows)]
        )
        return rows


class Tab:
    """A tab as a person sees it, by header."""

    def __init__(self, tab):
        self.tab = tab
        self.header = tab.row_values(1)

    def column(self, header):
        return self.header.index(header) + 1

    def put(self, row, header, value):
        self.tab.update_cell(row, self.column(header), value)

    def cell(self, row, header):
        return self.tab.cell(row, self.column(header)).value

    def values(self, header):
        """A column without its header."""
        return self.tab.col_values(self.column(header))[1:]

    def fill(self, header, values, first=2):
        """Write a column from a row on."""
        top, bottom = (rowcol_to_a1(row, self.column(header)) for row in (first, first + len(values) - 1))
        self.tab.update([[value] for value in values], f"{top}:{bottom}")

    def row_of(self, header, value):
        return self.values(header).index(str(value)) + 2

    def add(self, **cells):
        values = [cells.get(name.replace(" ", "_"), "") for name in self.header]
        self.tab.append_row(values, value_input_option="USER_ENTERED", table_range="A1")


class _Rerouted(requests.Session):
    """A session whose requests to Google go to the sandbox."""

    def __init__(self, url):
        super().__init__()
        self.trust_env = False
        self.url = url
        self.headers["Authorization"] = "Bearer sandbox-token"

    def request(self, method, url, *args, **kwargs):
        for host in ("https://sheets.googleapis.com", "https://www.googleapis.com"):
            url = url.replace(host, self.url)
        return super().request(method, url, *args, **kwargs)
