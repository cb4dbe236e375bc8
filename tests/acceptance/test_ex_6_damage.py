"""EX-6: stored state that is damaged, cut short, foreign or newer: recovered, or refused with advice; never from zero."""

from __future__ import annotations

import base64
import signal
from collections import Counter

import pytest
from acceptance.world import balanced

from sheets_catalog.jobs.state import CHUNKS

ROWS = 12


@pytest.fixture
def half(town):
    """A job whose process was killed half way, with several checkpoints behind it."""
    town.prices(ROWS)
    town.job = town.do("plan")["job"]
    town.since = town.mark()
    town.fault("kill-client", service="shopify", operation="*BulkUpdate*", nth=3, when="after")
    assert town.run("apply", town.job, "--batch-size", "3").status == -signal.SIGKILL
    town.before = town.sent(town.since)
    assert 3 <= len(town.before) < ROWS
    return town


def newest(town):
    """The slot that holds the latest checkpoint."""
    properties = town.properties(town.job)

    def sequence(slot):
        raw = base64.urlsafe_b64decode("".join(properties.get(f"{slot}{number:x}", "") for number in range(CHUNKS)))
        return int.from_bytes(raw[5:9], "big"), int.from_bytes(raw[9:13], "big")

    return max("ab", key=sequence)


def resumes_to_the_end(town):
    """The job goes on where it was: nothing of what was applied is sent again."""
    told = town.do("jobs", "resume", town.job)
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", ROWS)
    sent = town.sent(town.since)
    assert sent[: len(town.before)] == town.before
    assert sorted(Counter(sent).values()) == [1] * ROWS


def refused(town, kind, *words):
    """Every command that would go on is refused with status 7 and advice, and nothing is sent or changed."""
    properties, ledger = town.properties(town.job), town.mark()
    for command in (
        ("apply", town.job),
        ("jobs", "resume", town.job),
        ("jobs", "show", town.job),
        ("jobs", "cancel", town.job),
    ):
        done = town.run(*command, "--json")
        assert done.status == 7, done.out
        assert done.problem["type"] == kind
        assert done.problem["advice"]
        assert all(word in done.problem["message"] for word in words), done.problem
    assert [line for line in town.ledger(ledger) if line["service"] in {"shopify", "sheets"}] == []
    assert town.properties(town.job) == properties
    (listed,) = [job for job in town.do("jobs", "list")["jobs"] if job["job_id"] == town.job]
    assert listed["status"] == "unreadable"
    assert listed["note"]


def plan_again_finds_the_rest(town):
    """What the lost job had applied is found in the shop and left out; the rest is sent, once."""
    told = town.do("plan")
    assert len(told["changes"]) == ROWS - len(town.before)
    assert town.do("apply", told["job"])["books"]["done"] == ROWS - len(town.before)
    assert sorted(Counter(town.sent(town.since)).values()) == [1] * ROWS


@pytest.mark.parametrize("which", ["newest", "older"])
@pytest.mark.parametrize("how", ["damaged", "truncated", "gone"])
def test_ex_6_one_damaged_slot_is_recovered_from_the_other(half, how, which):
    slot = newest(half)
    slot = slot if which == "newest" else "ab".replace(slot, "")
    chunks = sorted(name for name in half.properties(half.job) if name[0] == slot and len(name) == 2)
    changes = {
        "damaged": {chunks[0]: "x" * 40},
        "truncated": {chunks[-1]: None},
        "gone": dict.fromkeys(chunks),
    }[how]
    half.set_properties(half.job, changes)
    resumes_to_the_end(half)


@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_ex_6_both_slots_unreadable_are_refused_and_nothing_starts_from_zero(half, how):
    chunks = [name for name in half.properties(half.job) if name[0] in "ab" and len(name) == 2]
    half.set_properties(half.job, dict.fromkeys(chunks, "rubbish" if how == "damaged" else None))
    refused(half, "DamagedStateError", "cannot be read")
    plan_again_finds_the_rest(half)
    assert half.job in [job["job_id"] for job in half.do("jobs", "clean", "--older-than", "0")["cleaned"]]


def test_ex_6_a_newer_version_is_left_alone(half):
    changes = {}
    properties = half.properties(half.job)
    for slot in "ab":
        chunk = properties[f"{slot}0"]
        raw = bytearray(base64.urlsafe_b64decode(chunk[: len(chunk) // 4 * 4]))
        raw[2] = 9  # the major version of the format
        changes[f"{slot}0"] = base64.urlsafe_b64encode(raw).decode() + chunk[len(chunk) // 4 * 4 :]
    half.set_properties(half.job, changes)
    refused(half, "NewerStateError", "9")


def test_ex_6_a_copied_job_file_is_refused(half):
    """Drive copies private properties with the file: the copy's state belongs to the original."""
    original = half.job
    half.job = half.drive("POST", f"/drive/v3/files/{original}/copy", json={"name": "Copy of it"}).json()["id"]
    refused(half, "StateError", "copy")
    half.job = original
    resumes_to_the_end(half)


def test_ex_6_a_plan_that_was_tampered_with_is_refused(half):
    content = half.drive("GET", f"/drive/v3/files/{half.job}", params={"alt": "media"}).content
    half.drive(
        "PATCH", f"/upload/drive/v3/files/{half.job}", params={"uploadType": "media"}, data=content[:-9] + b"123456789"
    )
    done = half.run("jobs", "resume", half.job, "--json")
    assert done.status == 7, done.out
    assert done.problem["advice"]
    assert half.sent(half.since) == half.before
    plan_again_finds_the_rest(half)


# -- the control file and its baseline --------------------------------------------------------------------------------


def content_of(town, file_id):
    return town.drive("GET", f"/drive/v3/files/{file_id}", params={"alt": "media"}).content


def overwrite(town, file_id, content):
    town.drive("PATCH", f"/upload/drive/v3/files/{file_id}", params={"uploadType": "media"}, data=content)


def damaged(town):
    overwrite(town, town.control_id(), b"\x00 this is no baseline")


def truncated(town):
    overwrite(town, town.control_id(), content_of(town, town.control_id())[:-100])


def emptied(town):
    overwrite(town, town.control_id(), b"")


def trashed(town):
    town.drive("PATCH", f"/drive/v3/files/{town.control_id()}", json={"trashed": True})


def deleted(town):
    town.drive("DELETE", f"/drive/v3/files/{town.control_id()}")


def pointer_lost(town):
    town.set_properties(town.spreadsheet_id, {"sheets-catalog": None})


def pointer_foreign(town):
    """As after an edit by hand: it points to a file of another kind."""
    town.set_properties(town.spreadsheet_id, {"sheets-catalog": town.folder_id})


@pytest.mark.parametrize("how", [damaged, truncated, emptied, trashed, deleted, pointer_lost, pointer_foreign])
def test_ex_6_without_a_baseline_nothing_is_overwritten(town, how):
    """Both sides were edited and the baseline is gone: every difference is asked about, none is decided, none is lost."""
    (row,) = town.prices(1)
    variants = town.tab("Variants")
    key, other = variants.cell(row, "Variant ID"), variants.cell(row + 5, "Variant ID")
    theirs = variants.cell(row + 5, "Price")
    town.merchant("edit_variant", variant=int(other), price="66.60")
    how(town)
    since = town.mark()
    told = town.do("export", "--yes", status=9)
    assert balanced(told["books"])["conflicted"] == 2
    assert town.sent(since) == []
    shop = town.world()["shop"]["variants"]
    assert shop[other]["price"] == "66.60"
    assert variants.cell(row + 5, "Price") == theirs
    tab = town.tab("Conflicts")
    rows = tab.tab.get_all_records(numericise_ignore=["all"])
    assert {each[tab.header[1]] for each in rows} == {key, other}
    tab.fill(tab.header[-1], ["sheet", "shop"] if rows[0][tab.header[1]] == key else ["shop", "sheet"])
    assert balanced(town.do("export", "--yes")["books"])["done"] == 2
    shop = town.world()["shop"]["variants"]
    assert (shop[key]["price"], shop[other]["price"]) == ("500.00", "66.60")
    assert float(variants.cell(row + 5, "Price")) == 66.6
    assert town.do("export", "--yes")["empty"]


def test_ex_6_a_copied_spreadsheet_does_not_use_the_originals_baseline(town):
    """A copy carries the pointer along; what is agreed about the original says nothing about the copy."""
    original, control = town.spreadsheet_id, town.control_id()
    copy = town.drive(
        "POST", f"/drive/v3/files/{original}/copy", json={"name": "Copy", "parents": [town.folder_id]}
    ).json()["id"]
    assert town.properties(copy).get("sheets-catalog") == control  # the danger is there
    before = (town.properties(control), content_of(town, control))
    town.connect(spreadsheet_id=copy)
    town.spreadsheet_id = copy
    town.prices(2)
    since = town.mark()
    told = town.do("export", "--yes", status=9)
    assert balanced(told["books"])["conflicted"] == 2
    assert town.sent(since) == []
    assert town.control_id() != control
    assert (town.properties(control), content_of(town, control)) == before
