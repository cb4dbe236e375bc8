"""EX-6: the persistent queue: save, load, cancel, retry, clean up; several sheets at once, never two runs on one."""

from __future__ import annotations

import json
import signal
from collections import Counter

import pytest
from acceptance.world import balanced

UPDATE = {"service": "shopify", "operation": "*productVariantsBulkUpdate*"}
ROWS = 12


@pytest.fixture
def slow(make_town):
    """A town in which a lease lives for seconds of real time, so that processes can meet."""
    return make_town(speed=20.0)


def test_ex_6_jobs_are_kept_for_other_machines(town, tmp_path):
    """A job stored by one process with its settings is listed, shown and applied by another that has other settings."""
    rows = town.prices(3)
    job = town.do("plan")["job"]
    elsewhere = type(town)(town.url, tmp_path / "elsewhere", town.nursery)
    (listed,) = elsewhere.do("jobs", "list")["jobs"]
    assert (listed["job_id"], listed["status"], listed["flow"]) == (job, "planned", "export")
    shown = elsewhere.do("jobs", "show", job)
    assert [item["change"]["row"] for item in shown["items"]] == sorted(rows)
    assert elsewhere.do("apply", job)["books"]["done"] == 3
    assert town.do("jobs", "show", job)["status"] == "finished"
    assert elsewhere.do("report", job)["books"]["done"] == 3


def test_ex_6_last_is_the_job_that_was_just_shown(town):
    """Drive's lists lag: “last” is what the preview showed a moment ago all the same, not the job before."""
    town.prices(2)
    town.do("plan")
    town.prices(3, start=700)
    job = town.do("plan")["job"]
    town.fault("lag-list", service="drive", operation="drive.files.list", seconds=36000, times=2)
    assert [each["job_id"] for each in town.do("jobs", "list")["jobs"]] == [job]
    told = town.do("apply", "last")
    assert (told["job"], told["books"]["done"]) == (job, 3)


def test_ex_6_clean_up_after_completion(town):
    """Ended jobs go to the trash with all that belongs to them; jobs that wait stay; the audit keeps everything."""
    town.prices(3)
    finished = town.do("export", "--yes")["job"]
    town.prices(ROWS, start=700)
    waiting = town.do("plan")["job"]
    town.fault("kill-client", **UPDATE, nth=1, when="after")
    town.run("apply", waiting, "--batch-size", "3")
    told = town.do("jobs", "clean", "--older-than", "0", "--dry-run")
    assert [job["job_id"] for job in told["cleaned"]] == [finished]
    assert {job["job_id"] for job in town.do("jobs", "list")["jobs"]} == {finished, waiting}
    town.do("jobs", "clean", "--older-than", "0")
    assert [job["job_id"] for job in town.do("jobs", "list")["jobs"]] == [waiting]
    files = town.drive("GET", "/drive/v3/files", params={"q": "trashed = false", "fields": "files(id,name)"}).json()[
        "files"
    ]
    assert finished not in {file["id"] for file in files}
    assert town.do("report", finished)["books"]["done"] == 3
    assert town.do("jobs", "resume", waiting)["books"]["done"] == ROWS


def test_ex_6_cancel_from_another_process(slow):
    """A running job ends at its next checkpoint; what was applied stays and is known; the rest can be planned again."""
    slow.prices(ROWS)
    job, since = slow.do("plan")["job"], slow.mark()
    slow.fault("stall", **UPDATE, nth=2, seconds=40)
    run = slow.start("apply", job, "--batch-size", "3", "--json")
    slow.fault_hit()
    slow.do("jobs", "cancel", job)
    ended = run.ended()
    assert ended.status == 9, ended.out
    assert ended.told["status"] == "cancelled"
    done = balanced(ended.told["books"])["done"]
    assert 0 < done == len(slow.sent(since)) < ROWS
    assert ended.told["books"]["pending"] == ROWS - done
    assert slow.do("jobs", "resume", job, status=9)["status"] == "cancelled"
    assert len(slow.sent(since)) == done
    again = slow.do("export", "--yes")
    assert again["books"]["done"] == ROWS - done
    assert sorted(Counter(slow.sent(since)).values()) == [1] * ROWS


@pytest.mark.parametrize("begun", [False, True], ids=["planned", "interrupted"])
def test_ex_6_cancel_a_job_that_nobody_runs(town, begun):
    """It is cancelled then and there: listed so, never applied, and cleaned up."""
    town.prices(ROWS)
    job, since = town.do("plan")["job"], town.mark()
    if begun:
        town.fault("kill-client", **UPDATE, nth=2, when="after")
        town.run("apply", job, "--batch-size", "3")
    before = town.sent(since)
    assert town.do("jobs", "cancel", job)["status"] == "cancelled"
    (listed,) = town.do("jobs", "list")["jobs"]
    assert listed["status"] == "cancelled"
    balanced(listed["books"])
    assert town.do("apply", job, status=9)["status"] == "cancelled"
    assert town.sent(since) == before
    told = town.do("export", "--yes")
    assert told["books"]["done"] == ROWS - len(before)
    assert sorted(Counter(town.sent(since)).values()) == [1] * ROWS
    assert len(town.do("jobs", "clean", "--older-than", "0")["cleaned"]) == 2


def test_ex_6_retry_of_one_record_that_was_set_aside(town):
    """Only the record that was asked for is tried again."""
    products = town.tab("Products")
    taken = products.cell(6, "Handle")
    products.fill("Handle", [taken, products.cell(7, "Handle")])
    told = town.do("export", "--yes", status=9)
    assert balanced(told["books"])["rejected"] == 2
    first, second = told["attention"]
    for place, name in ((6, "moved-away"), (7, "moved-as-well")):
        town.merchant("edit_product", product=int(products.cell(place, "Product ID")), handle=name)
    again = town.do("jobs", "retry", "last", "--item", first["item"], status=9)
    assert (balanced(again["books"])["done"], again["books"]["rejected"]) == (1, 1)
    assert [each["item"] for each in again["attention"]] == [second["item"]]
    assert town.do("jobs", "retry", "last")["books"]["done"] == 2


def test_ex_6_mass_changes_need_a_yes_of_their_own(town):
    """--yes alone does not send a plan that changes more than half of all records."""
    variants = town.tab("Variants")
    variants.fill("Price", [900 + row for row in range(len(variants.values("Price")))])
    since = town.mark()
    done = town.run("export", "--variants", "--yes", "--json")
    assert (done.status, done.problem["type"]) == (6, "ConfirmationNeeded")
    told = town.do("plan", "--variants")
    assert told["mass_change"]
    for command in (("apply", told["job"]), ("jobs", "resume", told["job"])):
        assert town.run(*command, "--json").status == 6
    assert town.sent(since) == []
    assert town.do("apply", told["job"], "--confirm-mass-change")["books"]["done"] == 67


# -- two at once ------------------------------------------------------------------------------------------------------


def busy(ended, holder):
    """It ended because another run works, and says which."""
    assert ended.status == 5, ended.out
    assert ended.problem["type"] == "BusyError"
    assert str(holder.pid) in ended.problem["message"]
    assert ended.problem["advice"]
    return True


def test_ex_6_double_start_of_one_job(slow):
    """Two processes on one job: one works, the other says so; no effect is doubled."""
    slow.prices(ROWS)
    job, since = slow.do("plan")["job"], slow.mark()
    slow.fault("stall", **UPDATE, nth=2, seconds=40)
    first = slow.start("apply", job, "--batch-size", "3", "--json")
    slow.fault_hit()
    second = slow.run("apply", job, "--json")
    busy(second, first)
    assert first.ended().told["books"]["done"] == ROWS
    assert sorted(Counter(slow.sent(since)).values()) == [1] * ROWS
    report = slow.do("report", job)
    assert report["session"]["status"] == "completed"
    assert (report["books"]["done"], report["session"]["resumed"]) == (ROWS, 0)


def test_ex_6_double_start_at_the_same_moment(slow):
    slow.prices(ROWS)
    job, since = slow.do("plan")["job"], slow.mark()
    runs = [slow.start("apply", job, "--batch-size", "3", "--json") for _ in range(3)]
    statuses = sorted(run.ended().status for run in runs)
    assert statuses == [0, 5, 5]
    assert sorted(Counter(slow.sent(since)).values()) == [1] * ROWS


def test_ex_6_two_jobs_on_one_sheet(slow):
    """The second one waits for nobody: it says who works, and later that its plan is out of date."""
    slow.prices(ROWS)
    one, other = slow.do("plan")["job"], slow.do("plan")["job"]
    since = slow.mark()
    slow.fault("stall", **UPDATE, nth=2, seconds=40)
    first = slow.start("apply", one, "--batch-size", "3", "--json")
    slow.fault_hit()
    second = slow.run("apply", other, "--json")
    busy(second, first)
    assert one in second.problem["message"] + second.problem["where"]
    busy(slow.run("import", "--json"), first)
    assert slow.do("jobs", "show", other)["status"] == "planned"
    assert first.ended().status == 0
    late = slow.run("apply", other, "--json")
    assert (late.status, late.problem["type"]) == (2, "StalePlanError")
    assert "lan again" in late.problem["advice"]
    assert sorted(Counter(slow.sent(since)).values()) == [1] * ROWS


def test_ex_6_exports_of_different_sheets_at_once(make_town):
    """Two spreadsheets of one shop: neither waits for the other."""
    slow = make_town(speed=200.0)
    sheet = slow.drive(
        "POST",
        "/drive/v3/files",
        json={"name": "Second", "mimeType": "application/vnd.google-apps.spreadsheet", "parents": [slow.folder_id]},
    ).json()["id"]
    settings = json.loads(slow.settings.read_text(encoding="utf-8"))
    (slow.settings.parent / "second.json").write_text(
        json.dumps(settings | {"spreadsheet_id": sheet}), encoding="utf-8"
    )
    slow.do("import", "-c", "second")
    slow.prices(ROWS)
    inventory = type(slow)(slow.url, slow.home, slow.nursery)
    inventory.spreadsheet_id = sheet
    inventory.tab("Inventory").fill("Available", [300 + row for row in range(ROWS)])
    since = slow.mark()
    slow.fault("stall", **UPDATE, nth=1, seconds=600)
    first = slow.start("export", "--yes", "--json")
    slow.fault_hit()
    second = slow.run("export", "--yes", "--json", "-c", "second")
    assert (second.status, second.told["books"]["done"]) == (0, ROWS)
    assert slow.nursery.wait(first.pid, 0) is None  # still at it
    assert first.ended().told["books"]["done"] == ROWS
    sent = slow.sent(since)
    assert len(set(sent)) == len(sent)
    assert len([each for each in sent if each[1] in {"price", "available"}]) == 2 * ROWS


def test_ex_6_the_lease_of_a_killed_process_is_taken_over_at_once(slow):
    """Nobody waits for the end of a dead process's lease on the same machine."""
    slow.prices(ROWS)
    job, since = slow.do("plan")["job"], slow.mark()
    slow.fault("stall", **UPDATE, nth=2, seconds=40)
    first = slow.start("apply", job, "--batch-size", "3")
    slow.fault_hit()
    first.signal(signal.SIGKILL)
    first.ended()
    told = slow.do("jobs", "resume", job)
    assert told["books"]["done"] == ROWS
    assert sorted(Counter(slow.sent(since)).values()) == [1] * ROWS
