"""What the pages show is what the product does: every page with examples is replayed against a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from transcripts import alike, replay

ROOT = Path(__file__).parents[2]
PAGES = [
    path.relative_to(ROOT)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "<!-- sandbox: " in path.read_text("utf-8")
]


def test_the_pages_that_must_have_examples_have_them():
    assert {str(page) for page in PAGES} >= {
        "README.md",
        "docs/quick-start.md",
        "docs/guides/export.md",
        "docs/guides/staging-and-delivery.md",
        "docs/library.md",
    }


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_example_prints_what_the_page_shows(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    replay(page)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "b"], "a\nb", True),
        (["a"], "a\nb", False),
        (["a", "…", "d"], "a\nb\nc\nd", True),
        (["a", "…"], "b\nc", False),
        (["Calls: 5 calls"], "Calls: 60 calls · 1 retry", True),
        (["about 3 s"], "about 41 s", True),
        (["3 done"], "4 done", False),
        (['{"a": 1, …'], '{"a": 1, "b": 2}', True),
        (['{"a": 1, …'], '{"a": 2, "b": 2}', False),
        (["[exit status 9]"], "", False),
        (["on 2026-11-22 10:00"], "on 2027-01-01 09:30", True),
    ],
)
def test_only_what_must_vary_may_differ(shown, printed, same):
    assert alike(shown, printed) is same
