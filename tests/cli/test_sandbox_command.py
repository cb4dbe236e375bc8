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


def test_it_has_tasks_to_stage_and_remembers_what_was_planted(sandbox, run, tmp_path):
    process, told = sandbox("--state", tmp_path / "state", "--catalogue", "empty")
    planted = told["tasks"]
    assert (planted["tasks"], planted["files"]) == (45, 320)
    line = tmp_path / "line.json"
    line.write_text(json.dumps(told))
    facts = run("connect", "sandbox", line, "--json").told["facts"]
    assert facts["Tasks"] == "45 in the tab “Tasks”, 320 files"
    run("tasks", "configure", "--staging-folder", facts["Staging folder"], "-c", line)
    run("tasks", "migrate", "-c", line)
    told = run("stage", "--task", "T-001", "--yes", "-c", line, "--json").told
    assert told["books"]["done"] == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    _, again = sandbox("--state", tmp_path / "state", "--tasks", "3")
    assert again["tasks"] == planted
    line.write_text(json.dumps(again))
    assert run("tasks", "status", "T-001", "-c", line, "--json").told["export_status"] == "staged"


def test_so_many_tasks_and_files_or_none(sandbox, tmp_path):
    _, told = sandbox("--tasks", "3", "--task-files", "14")
    assert {name: told["tasks"][name] for name in ("tasks", "files")} == {"tasks": 3, "files": 14}
    _, bare = sandbox("--tasks", "none")
    assert "tasks" not in bare
    assert (bare["spreadsheet_id"], bare["folder_id"]) == (told["spreadsheet_id"], told["folder_id"])


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        (("--tasks", "many"), "“many”"),
        (("--tasks", "0"), "“0”"),
        (("--task-files", "9"), "with 9 files"),
        (("--tasks", "3", "--task-files", "11"), "--task-files 12"),
    ],
)
def test_tasks_that_cannot_be_planted_are_refused_before_anything_starts(run, wanted, word):
    done = run("sandbox", *wanted)
    assert (done.status, done.out) == (2, "")
    assert word in " ".join(done.err.split())


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
    assert "pip install '.[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_sandboxes_never_give_the_same_new_id(sandbox):
    """Jobs are known by the ids of their files: two sandboxes' jobs must not be one job to the audit."""
    planted, made = zip(*(_ids(sandbox("--catalogue", "empty")[1]) for _ in range(2)), strict=True)
    assert planted[0] == planted[1]
    assert made[0] != made[1]


def _ids(told):
    headers = {"Authorization": f"Bearer {told['google']['token']}"}
    answer = requests.post(f"{told['url']}/drive/v3/files", json={"name": "job"}, headers=headers, timeout=10)
    return told["spreadsheet_id"], answer.json()["id"]


@pytest.mark.parametrize("command", [("sandbox", "--state"), ("demo", "--once", "--keep")])
def test_a_directory_that_cannot_be_written_is_refused_at_the_start(run, tmp_path, command):
    (tmp_path / "file").write_text("")
    done = run(*command, tmp_path / "file" / "state", "--json")
    assert (done.status, done.told["error"]["type"]) == (2, "SettingsError")
    assert "Nothing can be saved in" in done.told["error"]["message"]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ('{"version": 1', "does not hold a saved sandbox"),
        ("[]", "does not hold a saved sandbox"),
        ('{"version": 99}', "The saved sandbox has version 99"),
    ],
)
def test_a_state_that_is_none_is_refused_and_left_alone(run, tmp_path, kept, said):
    (tmp_path / "state.json").write_text(kept)
    done = run("sandbox", "--state", tmp_path, "--json")
    assert done.status == 2
    assert said in done.told["error"]["message"]
    assert (tmp_path / "state.json").read_text() == kept
