import numpy as np
import pytest
from published_protocol.notebook import grow
from support.labels import LABEL_INDEX, LABELS

from emotion_slm.common.errors import EmotionSlmError

JOY, LOVE = LABEL_INDEX["joy"], LABEL_INDEX["love"]


@pytest.fixture(scope="module")
def data():
    """Every label on at least two of 300 rows, love always beside joy, joy at 120."""
    random = np.random.default_rng(3)
    gold = np.zeros((300, len(LABELS)), dtype=np.int8)
    gold[np.arange(300), np.arange(300) % len(LABELS)] = 1
    gold[:120, JOY] = 1
    gold[:, LOVE] = 0
    gold[:10, LOVE] = 1
    return random.normal(size=(300, 5)).astype(np.float32), gold


@pytest.fixture(scope="module")
def grown(data):
    return grow(*data, target=100, k_neighbors=5, seed=4)


def test_each_label_gets_what_it_lacks_and_nothing_is_credited(data, grown):
    made = np.bincount(grown[1]["target"], minlength=len(LABELS))
    assert made.tolist() == np.maximum(100 - data[1].sum(axis=0, dtype=int), 0).tolist()
    assert made[JOY] == 0


def test_labels_overshoot_because_seeds_are_copied_whole(data, grown):
    after = data[1].sum(axis=0, dtype=int) + data[1][grown[1]["seed"]].sum(axis=0)
    assert after[JOY] >= data[1][:, JOY].sum() + 90  # the 90 rows made for love


def test_rows_lie_where_the_notebooks_formula_puts_them(data, grown):
    (vectors, _), (rows, made) = data, grown
    x_q, x_j = vectors[made["seed"]].astype(float), vectors[made["neighbour"]].astype(float)
    c = -made["t"][:, np.newaxis]
    np.testing.assert_allclose(rows[len(vectors) :], x_q + c * (x_q - x_j), atol=1e-5)
    assert (rows[: len(vectors)] == vectors).all()


def test_seven_eighths_lie_beyond_the_seed(data):
    t = grow(*data, target=2000, k_neighbors=5, seed=5)[1]["t"]
    assert t.min() >= -1.5 and t.max() <= 0.5
    assert (t < 0).mean() == pytest.approx(7 / 8, abs=0.01)
    assert t.mean() == pytest.approx(-0.5, abs=0.01)


def test_coefficients_are_those_of_the_notebooks_own_lines():
    """Its two draws, written out, have the same quantiles as the library's with the sign turned."""
    a, b = np.random.default_rng(6).uniform(size=(2, 200_000))
    c = np.where(a >= 0.5, a - b, a + b)
    share = np.linspace(0.05, 0.95, 19)
    below = np.where(share <= 0.5, np.sqrt(2 * share) - 0.5, 1.5 - np.sqrt(2 * (1 - share)))
    np.testing.assert_allclose(np.quantile(c, share), below, atol=0.01)


def test_parents_carry_the_label(data, grown):
    gold, made = data[1], grown[1]
    assert gold[made["seed"], made["target"]].all()
    assert gold[made["neighbour"], made["target"]].all()
    assert (made["seed"] != made["neighbour"]).all()


def test_the_same_seed_gives_the_same_rows(data, grown):
    assert (grow(*data, target=100, k_neighbors=5, seed=4)[0] == grown[0]).all()


@pytest.mark.parametrize("rows", [0, 1])
def test_a_label_with_too_few_rows_is_named(data, rows):
    vectors, gold = data
    few = gold.copy()
    few[:, LOVE] = 0
    few[:rows, LOVE] = 1
    with pytest.raises(EmotionSlmError, match=f"label love has {rows} rows"):
        grow(vectors, few, target=100, k_neighbors=5, seed=4)
