"""Errors: one clear message, JSON where asked for, a log instead of a traceback, no secrets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli_world import COMMAND, Ended, printed

from sheets_catalog.cli import failures, naming
from sheets_catalog.cli.commands import examining
from sheets_catalog.cli.statuses import Exit
from sheets_catalog.errors import (
    BusyError,
    DamagedStateError,
    NotFound,
    PermissionMissing,
    SheetsCatalogError,
    StalePlanError,
    StateError,
    Throttled,
    Unavailable,
)
from sheets_catalog.flows.connection import save
from sheets_catalog.jobs.retry import CIRCUIT_OPEN


def error_of(done: Ended):
    told = done.told
    assert set(told) == {"error", "exit_status"}
    assert set(told["error"]) == {"type", "message", "advice", "where"}
    assert told["exit_status"] == done.status
    return told["error"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["plam"], "plan"),
        (["plan", "--polcy", "ask"], "Did you mean --policy?"),
        (["jobs", "lst"], "Did you mean 'list'?"),
        (["jobs", "zzz"], "There is: list, show, resume, cancel, retry, clean."),
        (["plan", "-c", "sandbx"], "There is: default."),
        (["plan", "--policy", "coin"], "newest"),
        (["apply"], "JOB"),
        (["sandbox", "--port", "99999"], "65535"),
        (["export", "--archive", "--delete"], "Choose one"),
    ],
)
def test_a_wrong_command_line_says_what_is_right(run, at, arguments, word):
    done = run(*arguments)
    assert done.status == 2
    assert not done.out
    assert word in done.err
    assert "Traceback" not in done.err
    assert "Value error" not in done.err
    assert "Error " not in done.err, "the name of a class is for programs"


def test_a_wrong_command_line_is_json_where_json_was_asked_for(run):
    error = error_of(run("plan", "--polcy", "x", "--json"))
    assert error["type"] == "UsageError"
    assert "--polcy" in error["message"]
    assert "--help" in error["advice"]


def test_without_a_connection_it_says_how_to_begin(run):
    done = run("plan", "--json")
    error = error_of(done)
    assert (done.status, error["type"]) == (2, "SettingsError")
    assert "sheets-catalog demo" in error["advice"]
    assert "sheets-catalog demo" in run("plan").err


def test_something_unexpected_leaves_a_reference_and_a_log_and_no_traceback(run, at, home, monkeypatch):
    def broken(*_: object, **__: object):
        raise ZeroDivisionError("token shpat_0123456789abcdef0123456789abcdef")

    monkeypatch.setattr("sheets_catalog.flows.doctor.examine", broken)
    assert examining.doctor
    done = run("doctor", "--json")
    error = error_of(done)
    (log,) = (home / "logs").iterdir()
    assert done.status == 1
    assert error["where"] == str(log)
    assert log.stem in error["message"]
    assert "Traceback" in log.read_text()
    assert "ZeroDivisionError" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    for text in (done.out, done.err, log.read_text()):
        assert "shpat_0123456789abcdef" not in text
    assert "Traceback" not in run("doctor").err


def test_a_group_or_the_bare_command_is_answered_with_its_help_and_nothing_else(run):
    for words in ((), ("jobs",), ("connect",)):
        done = run(*words)
        assert done.status == 2
        assert "Usage: sheets-catalog" in done.out
        assert done.err == ""


def test_people_read_a_title_and_programs_the_class():
    for error, title in (
        (StateError("Damaged."), "What is stored cannot be used"),
        (DamagedStateError("Damaged."), "What is stored cannot be used"),
        (StalePlanError("Old."), "Plan again"),
        (PermissionMissing("No."), "Access is missing"),
        (NotFound("Gone.", service="google"), "Cannot go on"),
    ):
        failure = failures.of_error(error)
        text = printed(failures.rendered(failure))
        assert title in text
        assert type(error).__name__ not in text
        assert failure.as_json()["error"]["type"] == type(error).__name__


def test_the_service_alone_is_no_line_of_its_own():
    error = Unavailable("The sandbox is gone.", service="sandbox", applied=False, advice="Start one.")
    inner = [line.strip("│ ") for line in printed(failures.rendered(failures.of_error(error))).splitlines()[1:-1]]
    assert inner == ["The sandbox is gone.", "→ Start one."]


def test_an_unknown_job_is_answered_with_the_one_that_was_meant_or_the_newest(run, at, sheet):
    assert "Did you mean" not in run("apply", "1abcdefg").err
    sheet("Variants").put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    for wrong in (job[:9], f"{job[:9]}…", job.lower(), job[:20] + "x" + job[21:]):
        assert f"Did you mean {job}?" in run("apply", wrong, "--json").told["error"]["advice"]
    assert f"The newest are: {job}." in run("jobs", "show", "1zzz", "--json").told["error"]["advice"]
    run("apply", job)
    assert f"Did you mean {job}?" in run("report", job[:9], "--json").told["error"]["advice"]


def test_where_no_log_can_be_written_it_still_says_so(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    failure = failures.of_unexpected(ValueError("x"), blocked)
    assert "no log could be written" in failure.where
    assert failure.status == 1


def test_an_upstream_error_says_which_call_it_was():
    error = NotFound("It is gone.", service="google", operation="drive.files.get", status=404, reason="notFound")
    assert failures.of_error(error).where == "drive.files.get, HTTP 404, notFound"


def test_a_busy_sheet_says_who_works_on_it():
    assert failures.of_error(BusyError("Busy.", holder="anna@laptop", job_id="J1")).where == "anna@laptop job J1"


def test_a_throttled_call_says_when_to_come_back():
    assert "30 s." in failures.of_error(Throttled("Slow down.", retry_after=30.2)).advice
    assert "11 min 6 s." in failures.of_error(Throttled("Slow down.", retry_after=666)).advice


def test_who_asked_for_nothing_is_not_told_to_have_asked_for_patience():
    gone = Throttled("Google failed.", retry_after=30, service="google", reason=CIRCUIT_OPEN)
    assert failures.of_error(gone).title == failures.CANNOT


def test_a_service_that_fails_while_a_job_runs_leaves_it_paused_and_the_advice_names_it(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    at.sandbox.gateway.faults.add({"service": "drive", "kind": "status", "status": 503, "times": "forever"})
    done = run("apply", job)
    assert done.status == 4
    assert f"‖ Paused – job {job} keeps its place" in done.out
    assert f"`sheets-catalog jobs resume {job}`" in " ".join(done.err.split())
    assert "JOB" not in done.err


def test_without_a_job_none_is_spoken_of():
    assert failures.of_error(Unavailable("Gone.", service="shopify")).advice == "Try again."


def test_what_an_advice_says_to_run_names_the_connection(run, bare):
    save(bare.connection, "second")
    told = run("plan", "-c", "second", "--json").told["error"]
    assert told["advice"] == "Run `sheets-catalog import --connection second` first."
    assert "import --connection second" in run("plan", "-c", "second").err
    assert run("plan", "--json").told["error"]["advice"] == "Run `sheets-catalog import` first."
    assert "sheets-catalog import --connection second" in " ".join(run("doctor", "-c", "second").out.split())
    staged = run("stage", "-c", "second", "--dry-run", "--json").told["error"]["advice"]
    assert "tasks configure --staging-folder LINK --connection second" in staged


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`sheets-catalog jobs list` shows them.", "`sheets-catalog jobs list --connection two` shows them."),
        ("`sheets-catalog plan --connection x`", "`sheets-catalog plan --connection x`"),
        ("Try `sheets-catalog demo`.", "Try `sheets-catalog demo`."),
        ("`sheets-catalog sandbox --port 8080 &`", "`sheets-catalog sandbox --port 8080 &`"),
        ("`sheets-catalog connect shopify`", "`sheets-catalog connect shopify --name two`"),
        ("`sheets-catalog connect`", "`sheets-catalog connect`"),
        ("`jobs list` and sheets-catalog import", "`jobs list` and sheets-catalog import"),
    ],
)
def test_only_commands_that_work_on_a_connection_name_it(text, shown):
    naming.works_on("two")
    try:
        assert naming.named(text) == shown
        naming.works_on("my file.json")
        assert "--connection 'my file.json'`" in naming.named("`sheets-catalog import`")
        assert "--name" not in naming.named("`sheets-catalog connect shopify`")
        naming.works_on("default")
        assert naming.named(text) == text
    finally:
        naming.works_on("")


def test_messages_cannot_command_the_terminal():
    error = SheetsCatalogError("Bad \x1b]0;owned\x07 value [bold]x[/]", advice="Mend\nit")
    text = printed(failures.rendered(failures.of_error(error)))
    assert "\x1b" not in text
    assert "[bold]x[/]" in text


def test_json_has_one_line_when_it_goes_to_a_program(run):
    out = run("jobs", "list", "--json").out
    assert out.count("\n") == 1
    json.loads(out)


@pytest.mark.parametrize("arguments", [["--json", "plan"], ["--connection", "x", "plan"], ["-c", "x", "plan"]])
def test_an_option_of_every_command_that_stands_before_it_is_told_its_place(run, arguments):
    done = run(*arguments)
    assert done.status == 2
    said = done.out + done.err
    assert f"{arguments[0]} stands before the command." in said
    example = "--json" if arguments[0] == "--json" else f"{arguments[0]} NAME"
    assert f"Put {arguments[0]} after it: `sheets-catalog plan {example}`." in said
    assert "--version" not in said


def test_a_day_that_is_written_otherwise_is_told_as_it_is_expected(run, at):
    assert "such as 2026-10-01." in run("stage", "--since", "1.10.2026").err
    assert "such as 2026-09-24." in run("stage", "--since", "24.9.2026").err
    assert "such as 2026-10-01." in run("stage", "--until", "soon").err


def test_settings_that_are_no_json_are_shown_as_text(run, at, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    error = run("plan", "-c", str(bad), "--json").told["error"]
    assert "found “a,b”, expected a JSON object" in error["message"]


def test_what_a_sandbox_says_is_told_by_what_is_missing(run, home):
    error = run("connect", "sandbox", '{"url": "http://127.0.0.1:1", "google": {}}', "--json").told["error"]
    assert error["message"].endswith("cannot be used: “shopify” is missing.")


def test_a_key_file_that_is_not_there_is_named_once_with_advice(run, home, tmp_path):
    wanted = ["connect", "google", "--spreadsheet", "1" * 44, "--json", "--service-account"]
    error = run(*wanted, tmp_path / "nokey.json").told["error"]
    assert error["message"].count("nokey.json") == 1
    assert "Errno" not in error["message"]
    assert error["advice"]
    (tmp_path / "text.json").write_text("no")
    error = run(*wanted, tmp_path / "text.json").told["error"]
    assert "it holds no JSON" in error["message"]
    assert error["advice"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_json_that_stdout_does_not_take_is_told_on_stderr(home):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "report", "last", "--json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == Exit.INPUT
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "connect" in done.stderr


def test_a_settings_folder_that_cannot_be_made_is_told_as_such(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OSError, match="file") as met:
        (blocked / "connections").mkdir(parents=True)
    assert failures.is_about_folder(met.value, blocked)
    told = failures.of_folder(met.value, blocked)
    assert told.status == Exit.INPUT
    assert str(blocked) in told.message
    assert "SHEETS_CATALOG_HOME" in told.advice


@pytest.mark.parametrize("name", [None, 3, "/elsewhere/key.json", "key.json"])
def test_other_files_are_not_taken_for_the_settings_folder(name, tmp_path):
    assert not failures.is_about_folder(OSError(13, "Permission denied", name), tmp_path)
