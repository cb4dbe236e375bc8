"""What holds for every test."""

from __future__ import annotations

import pytest

from sheets_catalog.sandbox.gateway import Gateway


@pytest.fixture(autouse=True)
def collaborators_are_not_turned_away():
    """A collaborator hook whose request was refused disturbed nobody: a test that relies on it proves nothing."""
    refused, play = [], Gateway._collaborate

    def watched(self, fault):
        play(self, fault)
        refused.extend((spec["path"], status) for spec, status in zip(fault.requests, fault.results, strict=False))

    with (
        pytest.MonkeyPatch.context() as patch
    ):  # not the tests' own: what they set must be undone before other fixtures
        patch.setattr(Gateway, "_collaborate", watched)
        yield
    refused = [(path, status) for path, status in refused if status >= 400]
    assert not refused, f"The sandbox refused what a collaborator was to do: {refused}"
