"""The exit statuses: complete, distinct, documented, and the same as those of the errors."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from sheets_catalog import errors
from sheets_catalog.books import Books
from sheets_catalog.cli import epilog, statuses
from sheets_catalog.cli.statuses import Exit
from sheets_catalog.jobs.state import Status

DOCS = Path(__file__).resolve().parents[2] / "docs" / "exit-statuses.md"


def test_every_status_has_a_meaning_in_the_help_and_in_the_docs():
    rows = {int(number) for number in re.findall(r"^\| (\d+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)}
    assert rows == set(map(int, Exit)) == set(map(int, statuses.MEANINGS))
    for status in Exit:
        assert re.search(rf"\b{int(status)}\[/\]", epilog.TEXT)


def test_every_error_ends_with_a_documented_status():
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(kinds) > 15
    assert {each.exit_status for each in kinds} <= set(map(int, Exit))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SettingsError, Exit.INPUT),
        (errors.StalePlanError, Exit.INPUT),
        (errors.CredentialsError, Exit.ACCESS),
        (errors.PermissionMissing, Exit.ACCESS),
        (errors.Throttled, Exit.PAUSED),
        (errors.Unavailable, Exit.PAUSED),
        (errors.BusyError, Exit.BUSY),
        (errors.ConfirmationNeeded, Exit.CONFIRM),
        (errors.NewerStateError, Exit.STATE),
        (errors.BooksError, Exit.BOOKS),
    ],
)
def test_errors_end_with_what_to_do_next(error, status):
    assert error.exit_status == status


@pytest.mark.parametrize(
    ("status", "books", "ended"),
    [
        (Status.FINISHED, Books(planned=2, done=1, unchanged=1), Exit.OK),
        (Status.FINISHED, Books(planned=2, done=1, rejected=1), Exit.ATTENTION),
        (Status.FINISHED, Books(planned=2, done=1, conflicted=1), Exit.ATTENTION),
        (Status.CANCELLED, Books(planned=2, done=1, pending=1), Exit.ATTENTION),
        (Status.WAITING, Books(planned=2, done=1, pending=1), Exit.PAUSED),
        (Status.RUNNING, Books(planned=2, pending=2), Exit.PAUSED),
        (Status.ATTENTION, Books(planned=2, pending=2), Exit.ACCESS),
    ],
)
def test_a_job_ends_with_what_its_books_say(status, books, ended):
    assert statuses.of_job(status, books) is ended


def test_verify_has_a_status_for_each_single_kind_and_one_for_all_mixtures():
    single = {
        (True, False, False, False): Exit.DIFFERS,
        (False, True, False, False): Exit.MISSING_HERE,
        (False, False, True, False): Exit.MISSING_THERE,
        (False, False, False, False): Exit.OK,
    }
    for kinds in itertools.product((True, False), repeat=4):
        differs, here, there, wrong = kinds
        found = statuses.of_verification(differs=differs, missing_here=here, missing_there=there, errors=wrong)
        assert found is single.get(kinds, Exit.MIXED)
