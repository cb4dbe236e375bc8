"""The documentation keeps its word: commands parse, links lead somewhere, statuses and columns are the product's own."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer.main

from sheets_catalog import errors
from sheets_catalog.cli.app import app
from sheets_catalog.cli.statuses import MEANINGS
from sheets_catalog.flows import doctor
from sheets_catalog.flows.undoing.comparing import ADVICE
from sheets_catalog.records import TABLES
from sheets_catalog.sandbox import faults

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[ (`])(sheets-catalog (?:[a-z][\w-]*|--?\w)[^`\n]*)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

names = {path: str(path.relative_to(ROOT)) for path in PAGES}
each_page = pytest.mark.parametrize("page", PAGES, ids=names.values())


def text_of(page):
    return page.read_text("utf-8")


# --- commands ----------------------------------------------------------------------------------------------------------


def command_lines(text):
    """Every `sheets-catalog ...` in code: whole lines of console blocks, and code between single backticks."""
    for language, block in FENCE.findall(text):
        if language in {"console", "bash", "sh"}:
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                found = re.match(r"\$ (?:\w+=\S+ )*(sheets-catalog .*)", line)
                if found:
                    yield found[1]
    for code in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        if code.startswith("sheets-catalog "):
            yield code


def words_of(line):
    """The words up to a pipe, a redirection or a comment; placeholders such as ``[--yes]`` without their brackets."""
    line = re.split(r" (?:[|>&#]|&&|2>)", line)[0].replace("…", "X")
    return shlex.split(re.sub(r"[\[\]]", "", line))[1:]


@cache
def whole():
    """The command with all its subcommands; making it takes a while."""
    return typer.main.get_command(app)


def problem_with(words):
    """Why the command line could not be used; empty when it can."""
    command = whole()
    path = ["sheets-catalog"]
    rest = list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        for one in name.split("|"):
            if one not in command.commands:
                return f"`{' '.join(path)}` has no command “{one}”"
        command = command.commands[name.split("|")[0]]
        path.append(name)
    known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
    known |= {"-h", "--help"}
    unknown = [word.split("=")[0] for word in rest if word.startswith("-") and word != "-"]
    unknown = [word for word in unknown if word not in known]
    return f"`{' '.join(path)}` has no option {', '.join(unknown)}" if unknown else ""


@each_page
def test_every_command_of_the_docs_exists_with_its_options(page):
    problems = [f"{line}: {found}" for line in command_lines(text_of(page)) if (found := problem_with(words_of(line)))]
    assert problems == []


def test_a_wrong_command_would_be_noticed():
    assert "no command" in problem_with(["exportt"])
    assert "no option --polcy" in problem_with(["plan", "--polcy", "ask"])
    assert "no command" in problem_with(["jobs", "resumee"])
    assert problem_with(["jobs", "list", "--json"]) == ""


def test_every_command_is_told_of_somewhere():
    told = {" ".join(words_of(line)[:2]) for page in PAGES for line in command_lines(text_of(page))}
    told |= {line.split()[0] for line in told if line}
    assert not set(whole().commands) - told


# --- links -------------------------------------------------------------------------------------------------------------


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def broken_links(page):
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield target
        elif anchor and file.suffix == ".md" and anchor not in anchors(text_of(file)):
            yield f"{target} (no such heading)"


@each_page
def test_every_link_leads_somewhere(page):
    assert list(broken_links(page)) == []


def test_every_page_can_be_reached_from_the_index():
    seen, todo = set(), [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        links = [target for target in LINK.findall(FENCE.sub("", text_of(page))) if not re.match(r"[a-z]+:", target)]
        todo += [(page.parent / target.partition("#")[0]).resolve() for target in links]
    assert {names[page] for page in PAGES} - {names.get(page) for page in seen} <= {"CHANGELOG.md"}


@each_page
def test_files_named_in_the_docs_exist(page):
    named = re.findall(r"`((?:tests|sheets_catalog|docs|benchmarks|requirements)/[\w./-]+\.\w+)`", text_of(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


# --- facts -------------------------------------------------------------------------------------------------------------


def test_every_exit_status_is_the_products_own():
    page = text_of(ROOT / "docs" / "exit-statuses.md")
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert told == {int(status) for status in MEANINGS}


def test_the_errors_of_the_library_end_with_the_statuses_that_are_told():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|.*\| (\d+) \|$", text_of(ROOT / "docs" / "library.md"), re.MULTILINE)
    told = {name: int(status) for classes, status in rows for name in re.findall(r"`(\w+)`", classes)}
    true = {
        name: thing.exit_status
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, errors.SheetsCatalogError)
    }
    del true["SheetsCatalogError"]
    assert told == true


def test_every_column_is_explained():
    guide = text_of(ROOT / "docs" / "guides" / "export.md")
    for table in TABLES.values():
        part = guide.split(f"**{table.title}**", 1)[1]
        rows = dict(re.findall(r"^\| ([A-Z][\w ]+) \|.*\|([^|]*)\|$", part.split("\n\n**", 1)[0], re.MULTILINE))
        for field in table.fields:
            if re.match(r"Option[23] ", field.header):
                continue
            marks = rows[field.header]
            assert ("key" in marks) == (field.name in table.key), field.header
            assert ("informs" in marks) == (not field.owned and field.name not in table.key), field.header
            assert ("needed" in marks) == field.required, field.header
            assert ("new rows" in marks) == field.on_create_only, field.header


_WITH_RULES = ("tabs.py", "reading.py", "reformatting.py", "conflicts_tab.py", "verification.py")


def test_every_rule_of_a_finding_is_explained():
    guide = text_of(ROOT / "docs" / "guides" / "export.md").split("## All findings")[1]
    told = set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE))
    sources = [
        *(ROOT / "sheets_catalog/flows/exporting").glob("*.py"),
        *(ROOT / "sheets_catalog/flows/importing").glob("*.py"),
        *(ROOT / "sheets_catalog/flows" / name for name in _WITH_RULES),
    ]
    pattern = r'(?:Finding|_finding)\(\s*(?:table,\s*row,\s*)?"\w+",\s*"(\w+)"'
    used = {rule for path in sources for rule in re.findall(pattern, path.read_text("utf-8"))}
    used |= set(ADVICE)
    assert len(used) > 15
    assert used - told == set()
    assert told - used == set()


def test_every_kind_of_fault_and_every_field_of_one_is_explained():
    page = text_of(ROOT / "docs" / "sandbox.md")
    told = dict(re.findall(r"^\| `([\w:-]+)` \| (.+) \| (?:all|Drive|Shopify|Drive, Shopify) \|$", page, re.MULTILINE))
    assert told == faults.KINDS
    fields = page.split("| field | what it says |")[1].split("\n\n")[0]
    named = {name for row in fields.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == faults.FIELDS


def test_the_scopes_that_are_asked_for_are_the_ones_that_are_checked():
    page = text_of(ROOT / "docs" / "connect.md")
    for scope in doctor.NEEDED_SCOPES:
        assert f"`{scope}`" in page


# --- messages ----------------------------------------------------------------------------------------------------------

FOR_PROGRAMMERS = {
    "google/a1.py",
    "google/batches.py",
    "google/drive.py",
    "google/files.py",
    "google/uploads.py",
}
"""Modules whose messages tell a programmer of wrong arguments, or repeat what Google said."""

INNER = ("the ", "it is not", "its side file", "header and content")
"""Beginnings of messages that only stand inside another one."""

NOT_MET = {
    "Found … , expected a spreadsheet id",
    "Google answered sheets.get without the cells of …",
    "Timeouts: found … = … , expected a number of seconds above 0",
    "google-api-python-client brings no discovery document for …",
    "would send the token to",
    "Shopify sent the id … ; expected digits at its end",
    "expected one of",
}
"""Guards that a user can only meet through a fault of ours."""


def messages():
    """(place, the pieces of literal text) of every error that is raised in the product."""
    kinds = {name for name, thing in vars(errors).items() if isinstance(thing, type)} - {"SheetsCatalogError"}
    package = ROOT / "sheets_catalog"
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if inside.parts[0] == "sandbox" or str(inside) in FOR_PROGRAMMERS:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds and node.args:
                pieces = literal(node.args[0])
                if pieces:
                    yield f"{inside}:{node.lineno}", pieces


def literal(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [part for value in node.values for part in literal(value)]
    return []


def told_of(pieces, page):
    """Whether the page has the beginning of one of a message's longer pieces."""
    texts = [text for text in (piece.strip(" .:;,“”()") for piece in pieces) if len(text) >= LEAST]
    known = [page, *NOT_MET]
    return not texts or any(text.startswith(INNER) or any(text[:SHOWN] in each for each in known) for text in texts)


LEAST, SHOWN = 10, 24
"""Characters from which a piece tells a message from others, and how many of them the page must have."""


def test_every_message_that_people_can_meet_is_explained():
    page = text_of(ROOT / "docs" / "troubleshooting.md")
    found = list(messages())
    assert len(found) > 100
    assert [f"{place}: {pieces}" for place, pieces in found if not told_of(pieces, page)] == []
