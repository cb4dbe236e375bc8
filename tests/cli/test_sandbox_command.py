"""`sandbox`: one JSON line, then it serves, until it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import requests
from cli_world import COMMAND


@pytest.fixture
def sandbox(home, tmp_path):
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [*COMMAND, "sandbox", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process, json.loads(process.stdout.readline())

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_serves_and_ends_cleanly(sandbox, run, tmp_path, number):
    process, told = sandbox("--speed", "1000")
    line = tmp_path / "line.json"
    line.write_text(json.dumps(told))
    assert requests.get(f"{told['url']}/_sandbox/health", timeout=10).json()["ok"]
    assert run("import", "-c", line, "--json").told["books"]["done"] > 100
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_it_goes_on_from_a_saved_state(sandbox, run, tmp_path):
    process, told = sandbox("--state", tmp_path / "state")
    line = tmp_path / "line.json"
    line.write_text(json.dumps(told))
    run("import", "-c", line)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    _, told = sandbox("--state", tmp_path / "state")
    line.write_text(json.dumps(told))
    assert run("verify", "-c", line, "--json").told["equal"] > 100


def test_a_taken_port_is_said_before_anything_starts(process):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = process("sandbox", "--port", taken.getsockname()[1])
    assert done.status == 2
    assert "Choose another one" in done.err
    assert not done.out


def test_an_unknown_catalogue_is_refused(process):
    for command in ("sandbox", "demo"):
        done = process(command, "--catalogue", "nowhere.csv")
        assert done.status == 2
        assert "nowhere.csv" in done.err


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_without_the_extra_it_says_how_to_install_it(home, command):
    hidden = (
        "import sys\n"
        "finders = sys.meta_path[:]\n"
        "class Without:\n"
        "    def __init__(self, inner): self.inner = inner\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'werkzeug', 'graphql'}: return None\n"
        "        return self.inner.find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Without(each) for each in finders]\n"
        "from sheets_catalog.cli.main import main\n"
        f"sys.exit(main(['{command}']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, timeout=60, check=False, env=os.environ
    )
    assert done.returncode == 2
    assert "graphql, werkzeug" in done.stderr
    assert "pip install 'sheets-catalog[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr
