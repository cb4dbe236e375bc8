"""What somebody may have meant."""

from __future__ import annotations

import pytest

from sheets_catalog.flows.near import NAMED, nearest, suggestion

IDS = ["1NUBy7uUZZEUmdQyx53eWLNMX0FwFkVO9", "1JCKoisZHTlYrTXojbf7OaEb8MnDb70uO", "import-0123456789abcdef"]


@pytest.mark.parametrize(
    "wanted",
    [
        IDS[0][:6],
        IDS[0][:6] + "…",
        IDS[0][:6] + "...",
        IDS[0].lower(),
        IDS[0][:-1],
        IDS[0][:10] + "x" + IDS[0][11:],
    ],
)
def test_an_id_cut_short_or_mistyped_is_found(wanted):
    assert nearest(wanted, IDS) == [IDS[0]]
    assert suggestion(wanted, IDS) == f"Did you mean {IDS[0]}?"


@pytest.mark.parametrize("wanted", ["", "…", "zzz", "last"])
def test_what_is_like_nothing_gets_the_first_few(wanted):
    assert nearest(wanted, IDS) == []
    many = [f"AAAA-{number}" for number in range(NAMED + 3)]
    assert suggestion(wanted, many) == f"The newest are: {', '.join(many[:NAMED])}."


def test_where_there_is_nothing_nothing_is_said():
    assert suggestion("x", []) == ""
