"""Settings of the tests of bulk scoring."""

import os

import pyarrow as pa
import pytest

from emotion_slm.bulk import units


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    """Units of ten rows; what a worker sets for its process is undone."""
    monkeypatch.setattr(units, "UNIT_ROWS", 10)
    before, threads = dict(os.environ), pa.cpu_count()
    yield
    os.environ.clear()
    os.environ.update(before)
    pa.set_cpu_count(threads)
