"""Makes `benchmarks` importable however pytest is started: it lies outside src."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
