"""The demo keeps its promises, and would notice if it did not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from itertools import islice

import pytest
from cli_world import COMMAND, shop_effects
from sandboxed import desk
from shared_data import shared

from sheets_catalog.cli.commands import demonstrating
from sheets_catalog.cli.demo import edits, proof
from sheets_catalog.cli.demo.story import Story
from sheets_catalog.cli.progress import Remarks
from sheets_catalog.flows.auditing import open_audit

STEPS = ["seed", "connect", "import", "edit", "shop_edit", "plan", "interrupt", "resume", "sheet", "audit", "conflict"]
STEPS += ["import_again", "verify", "plan_again", "export_again", "stage", "deliver"]
YES = {"export": ("--yes",)}
HEAD = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price\n"


def checked(done):
    assert done.status == 0, done.err
    told = done.told
    assert told["ok"]
    assert told["broken"] == []
    assert [step["step"] for step in told["steps"]] == STEPS
    for step in told["steps"]:
        assert step["told"]
        if books := step["books"]:
            assert books["planned"] == sum(books[name] for name in books if name != "planned")
    by_name = {step["step"]: step for step in told["steps"]}
    assert by_name["plan_again"]["facts"] == {"empty": True}
    assert by_name["export_again"]["facts"] == {"writes": 0}
    assert by_name["interrupt"]["books"]["pending"] > 0
    return by_name


def test_the_whole_story_in_one_process_for_programs(process):
    steps = checked(process("demo", "--once", "--json"))
    assert steps["conflict"]["books"]["done"] == 1
    assert steps["resume"]["facts"]["created"] == 4


def test_on_a_terminal_the_sandbox_stays_to_try_things_on_until_ctrl_c(run, process, home):
    terminal, theirs = os.openpty()
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--fast", "--speed", "1000"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    try:
        told = list(iter(demo.stdout.readline, "Ctrl-C ends the sandbox; these commands need it.\n"))
        assert any("staged as batch DEMO" in line for line in told)
        lines = [line.split("sheets-catalog ")[1].split(" -c demo")[0] for line in told if " -c demo" in line]
        assert "batches show DEMO" in lines
        for line in lines:
            done = run(
                *line.replace("report.html", str(home / "report.html")).split(), "-c", "demo", *YES.get(line, ())
            )
            assert done.status in {0, 9}, (line, done.err)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 0
        gone = run("doctor", "-c", "demo")
        assert gone.status == 4
        assert "The sandbox of “demo” is gone" in gone.err
        assert "sheets-catalog sandbox --port 8080" in gone.err
    finally:
        demo.kill()
        demo.communicate()
        os.close(terminal)
        os.close(theirs)


@pytest.mark.parametrize("name", ["apparel.csv", pytest.param("jewelery.csv", marks=pytest.mark.sweep)])
def test_real_product_files_tell_the_same_story(process, name):
    checked(process("demo", "--once", "--json", "--catalogue", shared("data", "shopify-product-csvs", name)))


def test_without_a_terminal_it_ends_by_itself_and_tells_plain_lines_and_what_one_product_cannot_show(process, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text(HEAD + "mug,Mug,,Me,,,true,Title,Default Title,MUG,9.00\n")
    done = process("demo", "--catalogue", path, "--keep", tmp_path / "kept")
    assert done.status == 0, done.out
    assert "17 steps, every promise kept." in done.out
    assert max(map(len, done.out.splitlines())) <= 140
    assert "Left out: a new variant" in done.out
    assert (tmp_path / "kept" / "audit.sqlite3").stat().st_size > 10_000
    assert any(path.suffix == ".json" or "state" in path.name for path in (tmp_path / "kept").iterdir())


# -- and if a promise were broken -------------------------------------------------------------------------------------


@pytest.fixture
def story(home, tmp_path):
    with desk() as at:
        told = Story(at.sandbox, lambda connection, systems: open_audit_in(tmp_path, connection, systems))
        told.at = at
        yield told


def open_audit_in(folder, connection, systems):
    import msgspec

    return open_audit(msgspec.structs.replace(connection, audit_url=str(folder / "audit.sqlite3")), systems)


def play(story, until, tamper=None):
    """Play the story up to a step, doing something in between before it; the last step."""
    quiet = Remarks(lambda _: None)
    for name, tell in zip(STEPS, story.steps(), strict=True):
        if name == until:
            if tamper:
                tamper(story)
            return tell(quiet)
        assert tell(quiet).ok
    raise AssertionError(until)


def merchant(story, **edit):
    story.control.merchant("edit_product", **edit)


def first_product(story):
    return int(story._anna().tabs["products"].rows()[5][1]["Product ID"])


def test_an_effect_that_nobody_planned_is_noticed(story):
    step = play(story, "resume", lambda story: merchant(story, product=first_product(story), vendor="Somebody"))
    assert any("nobody planned" in broken for broken in step.broken)


def test_a_cell_that_is_not_ours_is_noticed_when_it_changes(story):
    def scribble(story):
        story._anna().tabs["products"].type_in({(2, "My notes"): "scribbled"})

    step = play(story, "sheet", scribble)
    assert any("not ours" in broken for broken in step.broken)


def test_an_edit_that_is_not_planned_is_noticed(story):
    def forget(story):
        story.edits.fields["products", "1", "title"] = "never typed"

    assert any("never typed" in broken for broken in play(story, "plan", forget).broken)


def test_a_second_run_that_writes_is_noticed(story):
    def edit(story):
        story._anna().look()
        story._anna().tabs["variants"].type_in({(2, "Price"): "1.11"})

    assert not play(story, "export_again", edit).ok


def test_a_difference_after_all_is_noticed(story):
    step = play(story, "verify", lambda story: merchant(story, product=first_product(story), vendor="Somebody"))
    assert any("differ" in broken for broken in step.broken)


def test_a_step_that_fails_ends_the_story_with_its_error(story):
    def revoke(story):
        story.control.post("tokens/revoke", {"token": "sandbox-token"})

    step = play(story, "plan", revoke)
    assert step.told == ()
    assert any("CredentialsError" in broken for broken in step.broken)


def test_a_broken_promise_ends_the_command_with_8(run, monkeypatch):
    honest = edits.edit_shop

    def dishonest(control, done):
        told = honest(control, done)
        done.fields.popitem()
        return told

    steps = Story.steps
    until_the_plan = STEPS.index("plan") + 1
    monkeypatch.setattr(Story, "steps", lambda story: islice(steps(story), until_the_plan))
    monkeypatch.setattr(edits, "edit_shop", dishonest)
    done = run("demo", "--once", "--json")
    assert demonstrating.demo
    assert (done.status, done.told["ok"]) == (8, False)
    assert done.told["broken"][0].startswith("plan: ")


# -- the proof itself -------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(at, sheet):
    """A plan that was applied, with the ledger's lines about it."""
    from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store

    variants = sheet("Variants")
    variants.put(2, "Price", 77.5)
    variants.put(3, "SKU", "00123x")
    variants.put(3, "Weight", 1.5)
    sheet("Inventory").put(2, "Available", 321)
    sheet("Products").put(3, "Tags", "b, a")
    sheet("Products").add(Title="Fresh", Handle="fresh", Status="DRAFT")
    plan = plan_export(at.systems, ExportOptions())
    since = len(at.ledger())
    result = apply(at.systems, at.audit, store(at.systems, plan))
    assert result.books.pending == 0
    return plan, shop_effects(at, since)


def everything(plan):
    return range(len(plan.changes))


def test_an_honest_ledger_proves_the_plan(sent):
    plan, lines = sent
    found = proof.prove(plan, lines, everything(plan))
    assert found.broken == ()
    assert found.settled == frozenset(everything(plan))
    assert found.created == 1


def test_every_line_counts(sent):
    """Without any single line about a planned field, with any line twice, or with another value, the proof fails."""
    plan, lines = sent
    for number, line in enumerate(lines):
        if "Metafield" in line["target"] or (line["effect"]["kind"] == "create" and "Product/" not in line["target"]):
            continue
        less = lines[:number] + lines[number + 1 :]
        assert proof.prove(plan, less, everything(plan)).broken, line
        assert proof.prove(plan, [*lines, line], everything(plan)).broken, line
        if line["effect"]["kind"] == "update":
            other = json.loads(json.dumps(line))
            for values in other["effect"]["changes"].values():
                values["after"] = "something else"
            if not set(other["effect"]["changes"]) <= {"weight"}:
                assert proof.prove(plan, [*less, other], everything(plan)).broken, line


def test_an_item_that_is_not_called_done_may_be_missing(sent):
    plan, _ = sent
    found = proof.prove(plan, [], [])
    assert found.broken == ()
    assert not found.settled


def test_a_deletion_that_nobody_planned_is_noticed(sent):
    plan, lines = sent
    line = {"service": "shopify", "target": "gid://shopify/Product/1", "effect": {"kind": "delete", "changes": {}}}
    assert any("deleted" in each for each in proof.prove(plan, [*lines, line], everything(plan)).broken)
