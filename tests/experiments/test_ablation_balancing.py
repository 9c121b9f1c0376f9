import numpy as np
import pytest
from balance_ablation.balancing import balance, oversample
from balance_ablation.names import (
    BALANCINGS,
    BOTH,
    COPIES,
    ISMOTE,
    JITTER,
    NONE,
    SMOTE,
    UNDERSAMPLING,
)
from balance_ablation.params import BalancingParams
from support.labels import LABEL_INDEX, LABELS, NEUTRAL

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.seeds import child_seed

PARAMS = BalancingParams(neutral_only=30, target=60, k_neighbors=5, labelset_strategy="seed")
OVERSAMPLING = (COPIES, SMOTE, ISMOTE, BOTH, JITTER)


@pytest.fixture(scope="module")
def train():
    """600 neutral rows and 12 of every other label, each label around a centre of its own."""
    random = np.random.default_rng(0)
    column = np.r_[np.full(600, LABEL_INDEX[NEUTRAL]), np.repeat(np.arange(27), 12)]
    centres = random.normal(size=(28, 16)) * 4
    vectors = (centres[column] + random.normal(size=(len(column), 16))).astype(np.float32)
    gold = np.zeros((len(column), len(LABELS)), dtype=np.int8)
    gold[np.arange(len(column)), column] = 1
    return vectors, gold


@pytest.mark.parametrize("name", OVERSAMPLING)
def test_every_label_but_neutral_ends_at_the_target(train, name):
    vectors, gold = balance(name, *train, PARAMS, 1)
    counts = dict(zip(LABELS, gold.sum(0), strict=True))
    assert counts.pop(NEUTRAL) == (30 if name == BOTH else 600)
    assert set(counts.values()) == {60}
    assert vectors.dtype == np.float32 and len(vectors) == len(gold)


def test_none_and_undersampling_add_nothing(train):
    vectors, gold = balance(NONE, *train, PARAMS, 1)
    assert vectors is train[0] and gold is train[1]
    vectors, gold = balance(UNDERSAMPLING, *train, PARAMS, 1)
    assert gold[:, LABEL_INDEX[NEUTRAL]].sum() == 30 and len(gold) == 30 + 27 * 12
    real = {row.tobytes() for row in train[0]}
    assert all(row.tobytes() in real for row in vectors)


def test_random_oversampling_copies_train_rows(train):
    vectors, _ = balance(COPIES, *train, PARAMS, 1)
    assert {row.tobytes() for row in vectors} == {row.tobytes() for row in train[0]}


@pytest.mark.parametrize("name", BALANCINGS)
def test_the_seed_decides(train, name):
    first, again, other = (balance(name, *train, PARAMS, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name == NONE)


def test_jitter_moves_copies_as_far_as_ismote_moves_rows(train):
    params = PARAMS.model_copy(update={"target": 1200})
    real = len(train[0])

    def squared(vectors, provenance):
        moved = ((vectors[real:] - train[0][provenance["seed"]]) ** 2).sum(1)
        return np.bincount(provenance["target"], moved)[:27] / 1188

    seed = child_seed(1, "oversample")
    ismote, _, parents = oversample(*train, "segment", params, seed)
    _, _, copied = oversample(*train, "copy", params, seed)
    jittered, _ = balance(JITTER, *train, params, 1)
    assert squared(jittered, copied) == pytest.approx(squared(ismote, parents), rel=0.06)
    assert np.array_equal(jittered[:real], train[0])


def test_an_unknown_name_is_refused(train):
    with pytest.raises(EmotionSlmError, match="did you mean 'SMOTE'"):
        balance("SMOTTE", *train, PARAMS, 1)
