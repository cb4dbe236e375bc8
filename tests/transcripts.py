"""Replays the examples of the documentation against a sandbox, and writes their output anew when asked to.

A page that begins with ``<!-- sandbox: sample -->`` (or ``sample, tasks``, as the command starts it) is replayed from
top to bottom, as a reader would follow it from an empty directory: each ``console`` block is run, in this process, and
must print what the page shows. Between blocks, ``<!-- scene: name -->`` plays what no command line can (the functions
below), ``<!-- tab: Title -->`` compares the Markdown table that follows with that tab of the sheet. A page that is no
tour, but has an example, begins with ``sample, connected`` and finds a saved connection.
A ``python`` block is run as well; a ``text`` block right after it is what it prints.
A block after ``<!-- not replayed -->`` is left alone. ``…`` on a line of its own stands for lines left out, `` …`` at the end of a line
for the rest of it.

What differs from run to run (ids, times, counts of calls) is compared without its digits.

    python tests/transcripts.py docs/guides/export.md    # writes what the commands print now
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import requests

sys.path.insert(0, str(Path(__file__).parent))

from sandboxed import Desk, desk

from sheets_catalog.cli import main as cli
from sheets_catalog.flows.connection import save

WIDTH = 96
LISTED_AFTER = 0.5
"""Seconds (30 of the sandbox's) until Drive's lists show what was just changed; a person's next command is no sooner."""
URL = "http://127.0.0.1:8080"
HOME = "~/.config/sheets-catalog"
STEP = re.compile(
    r"<!-- (?P<word>sandbox|scene|tab|not replayed)(?:: (?P<what>.*?))? -->"
    r"|^```console\n(?P<block>.*?)^```$"
    r"|^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```$)?"
    r"|^(?P<table>\|.*?\|)\n(?!\|)",
    re.MULTILINE | re.DOTALL,
)
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?"), "<date>"),
    (re.compile(r"\b(?=[\w-]*\d)[A-Za-z0-9][\w-]{25,}"), "<id>"),
    (re.compile(r"import-[0-9a-f]{16}"), "<id>"),
    (re.compile(r"Calls: [\d,]+ calls?( · [^·]*(retry|retries|slowed down|waited)[^·A-Z]*)*"), "Calls: N"),
    (re.compile(r"(?:\b[\d.,]+ (?:ms|s|min|h)\b ?)+"), "<time> "),
    (re.compile(r"(Records done/s|API calls|Retries|Throttled) [\d.,]+"), r"\1 N"),
    (re.compile(r"[\d,]+ of 2,000 cost points"), "<points>"),
    (re.compile(r"[ ─━]{2,}"), " "),
)


class MismatchError(AssertionError):
    """A page shows something else than the product prints."""


@dataclass
class World:
    """One page's sandbox and settings."""

    at: Desk
    folder: Path
    stop_after: int = 0
    names: dict = field(default_factory=lambda: {"__name__": "example"})

    def tab(self, title):
        return self.at.person().worksheet(title)


# --- what happens between two commands -----------------------------------------------------------------------------


def ctrl_c(world):
    """Somebody presses Ctrl-C while the next command works: a real SIGINT, when the shop has taken its first batch."""
    world.stop_after = 1


def renamed_once(world):
    """What the page says of the ledger."""
    lines = [line for line in world.at.ledger(service="shopify") if "newer season" in json.dumps(line)]
    assert len(lines) == 1, lines


SCENES = {
    name: thing for name, thing in list(globals().items()) if callable(thing) and name.islower() and name[0] != "_"
}


# --- running -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def world_of(catalogue):
    """A sandbox and settings of nobody else.

    After the catalogue's name: whether `tasks` are planted, and the connection is saved as `default` (`connected`).
    """
    name, *wanted = catalogue.split(", ")
    tasks = "sample" if "tasks" in wanted else "none"
    with desk(name, speed=60.0, tasks=tasks) as at, tempfile.TemporaryDirectory() as folder:
        environment = {"SHEETS_CATALOG_HOME": folder, "COLUMNS": str(WIDTH)}
        with mock.patch.dict(os.environ, environment), contextlib.chdir(Path(folder)):
            os.environ.pop("SHEETS_CATALOG_CONNECTION", None)
            if "connected" in wanted:
                save(at.connection, "default")
            world = World(at, Path(folder))
            yield world
            for name in ("systems", "audit"):
                if name in world.names:
                    world.names[name].close()


def run(world, line):
    """What a command prints: results, then an error if there was one; at its end the status unless it is 0."""
    words = shlex.split(line.replace(URL, world.at.sandbox.url), comments=True)
    if words[0] == "curl":
        return _curl(words[1:])
    assert words[0] == "sheets-catalog", f"cannot replay: {line}"
    if words[1] == "sandbox":
        return ""  # it runs already
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _stopping(world):
        status = cli.main(words[1:])
    _, begins, failure = err.getvalue().partition("╭─ ")
    text = out.getvalue() + (begins + failure)
    text = text.replace(str(world.folder), HOME).replace(world.at.sandbox.url, URL)
    text = "\n".join(part.rstrip() for part in text.strip("\n").splitlines())
    return text + (f"\n[exit status {status}]" if status else "")


@contextlib.contextmanager
def _stopping(world):
    """Press Ctrl-C (once) when the ledger has `stop_after` new lines of Shopify."""
    if not world.stop_after:
        yield
        return
    ledger, left = world.at.sandbox.world.ledger, world.stop_after
    record = ledger.record

    def watched(**line):
        nonlocal left
        number = record(**line)
        if line["service"] == "shopify":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGINT)
        return number

    world.stop_after = 0
    with mock.patch.object(ledger, "record", watched):
        yield


def _curl(words):
    """The few options of curl that the pages use; headers first, then data."""
    method, headers, body, url = "GET", {}, None, ""
    rest = iter(words)
    for word in rest:
        if word in {"-X", "--request"}:
            method = next(rest)
        elif word in {"-H", "--header"}:
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word in {"-d", "--data"}:
            body = next(rest)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")  # as curl does
        elif word != "-s":
            url = word
    answer = requests.request(method, url, headers=headers, data=body and body.encode(), timeout=10)
    answer.raise_for_status()
    if method == "PATCH":
        time.sleep(LISTED_AFTER)
    return answer.text


def commands(block):
    """(command line, what the page shows after it) of a console block; a backslash goes on with the next line."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and not found[-1][1] and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0][:-1] + line, [])
        else:
            found[-1][1].append(line)
    return found


def alike(shown, printed):
    """Whether a page shows what was printed, up to what varies, to lines left out, and to where lines break."""
    marked = "\n".join(re.sub(r"(^| )…$", r"\1" + LEFT_OUT, line.strip()) for line in shown)
    parts = [re.escape(part.strip()) for part in _plain(marked).split(LEFT_OUT)]
    return re.fullmatch(".*".join(parts), _plain(printed)) is not None


LEFT_OUT = "\x00"


def _plain(text):
    text = " ".join(text.split())
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.strip()


def replay(path, *, write=False):
    """Replay a page. Raises `MismatchError`; or with `write` returns the page with what is printed now."""
    text = Path(path).read_text("utf-8")
    pieces, end, skip, tab = [], 0, False, ""
    with contextlib.ExitStack() as stack:
        world = None
        for step in STEP.finditer(text):
            word, what = step["word"], step["what"]
            if word == "sandbox":
                stack.close()
                world = stack.enter_context(world_of(what))
            elif world is None:
                continue
            elif word == "scene":
                SCENES[what](world)
            elif word == "tab":
                tab = what
            elif word:
                skip = True
            elif step["table"]:
                if tab:
                    shown, new = step["table"], _markdown(world.tab(tab).get_values())
                    tab = ""
                    pieces += [text[end : step.start("table")], new]
                    end = step.end("table")
                    _check(write, _plain(shown) == _plain(new), path, "the tab", shown, new)
            elif skip:
                skip = False
            elif step["code"] is not None:
                printed = _python(world, path, text, step)
                if step["printed"] is not None:
                    pieces += [text[end : step.start("printed")], printed]
                    end = step.end("printed")
                _check(
                    write,
                    alike((step["printed"] or "").splitlines(), printed),
                    path,
                    "the example",
                    step["printed"],
                    printed,
                )
            else:
                pieces += [text[end : step.start("block")], *_block(world, path, step["block"], write=write)]
                end = step.end("block")
    return "".join([*pieces, text[end:]])


def _python(world, path, text, step):
    """What a Python block prints; its names stay for the blocks that follow. Tracebacks show the page's own lines."""
    before = text[: step.start("code")].count("\n")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        exec(compile("\n" * before + step["code"], str(path), "exec"), world.names)
    return out.getvalue().replace(world.at.sandbox.url, URL).replace(str(world.folder), HOME)


def _block(world, path, block, *, write):
    for line, shown in commands(block):
        printed = run(world, line.replace("\\\n", " "))
        kept = any(each == "…" or each.endswith(" …") for each in shown)
        same = alike(shown, printed)
        _check(write, same, path, line, "\n".join(shown), printed)
        if kept and not same:
            sys.stderr.write(f"{path}: look at what is shown of `{line}`; it prints now:\n{printed}\n")
        body = "\n".join(shown) if kept or same else printed
        yield f"$ {_as_written(block, line)}\n" + (f"{body}\n" if body else "")


def _as_written(block, line):
    """The command as it stands on the page, over several lines perhaps."""
    for written in re.findall(r"^\$ ((?:.*\\\n)*.*)", block, re.MULTILINE):
        if written.replace("\\\n", "") == line:
            return written
    return line


def _check(write, same, path, line, shown, printed):
    if not write and not same:
        raise MismatchError(
            f"{path}: `{line}` prints\n\n{printed}\n\nbut the page shows\n\n{shown}\n\n"
            f"If the product is right, run: python tests/transcripts.py {path}"
        )


def _markdown(rows):
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows if any(row)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def main(paths):
    for path in paths:
        Path(path).write_text(replay(path, write=True), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
