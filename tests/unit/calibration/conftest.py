"""Scores of three labels: maps, choice and thresholds take any number."""

import numpy as np
import pytest


@pytest.fixture
def few() -> tuple[np.ndarray, np.ndarray]:
    """(150, 3) gold and logits that rank well and are badly calibrated."""
    rng = np.random.default_rng(11)
    gold = (rng.random((150, 3)) < [0.1, 0.2, 0.3]).astype(np.int8)
    logits = rng.normal(size=gold.shape) + 2 * gold + 1
    return gold, logits.astype(np.float32)
