import numpy as np
import pytest
from scipy.special import expit

from emotion_slm.calibration.choice import METHODS, Calibration
from emotion_slm.publish.full_weights import affine


@pytest.mark.parametrize(
    ("method", "shown"),
    [("temperature", "temperature"), ("platt", "platt"), ("blend", "platt"), ("isotonic", None)],
)
def test_as_much_of_the_calibration_is_folded_as_is_affine(scored, method, shown):
    gold, logits = (array[:, :3] for array in scored)  # a few labels say as much as all
    assert method in METHODS
    slope, intercept = affine(Calibration.fit(method, logits, gold), gold.shape[1])
    sigmoids = expit(logits * slope.numpy() + intercept.numpy())
    plain = expit(logits.astype(np.float64))
    expected = Calibration.fit(shown, logits, gold).apply(logits) if shown else plain
    np.testing.assert_allclose(sigmoids, expected, atol=1e-6)
