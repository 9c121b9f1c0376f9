"""Another person's settings: what must not change a byte of a run's results."""

from pathlib import Path

import pytest


def move_in(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Another home and name, ASCII in place of UTF-8, another time zone, other hashes of strings,
    another number of threads unless a stage pins its own."""
    home.mkdir()
    settings = {
        "HOME": str(home),
        "USER": "somebody",
        "LOGNAME": "somebody",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",  # or Python takes UTF-8 all the same
        "PYTHONUTF8": "0",
        "TZ": "XXX-14",
        "PYTHONHASHSEED": "1",
        "OMP_NUM_THREADS": "3",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
