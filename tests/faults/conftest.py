from __future__ import annotations

import pytest
from faults.scenario import prepared


@pytest.fixture(scope="module")
def scenario():
    with prepared() as one:
        yield one
