import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.training.sampler import BUCKET_BATCHES, SeededSampler


def order(sampler: SeededSampler, epoch: int) -> list[int]:
    sampler.set_epoch(epoch)
    return list(sampler)


def make(rows: int, batch_size: int, seed: int, bucketed: bool) -> SeededSampler:
    lengths = np.random.default_rng(1).integers(3, 44, size=rows) if bucketed else None
    return SeededSampler(rows, batch_size, seed, lengths)


@given(
    rows=st.integers(1, 400),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 20),
    bucketed=st.booleans(),
)
def test_every_epoch_is_a_permutation(rows, batch_size, seed, epoch, bucketed):
    sampler = make(rows, batch_size, seed, bucketed)
    assert len(sampler) == rows
    assert sorted(order(sampler, epoch)) == list(range(rows))


@pytest.mark.parametrize("bucketed", [True, False])
def test_order_is_a_function_of_seed_and_epoch(bucketed):
    first, again, other = (make(500, 4, seed, bucketed) for seed in (1, 1, 2))
    assert order(first, 0) != order(first, 1)
    assert order(first, 0) != order(other, 0)
    # History does not matter: a resumed run asks for epoch 1 only.
    assert order(again, 1) == order(first, 1)
    assert order(first, 0) == order(again, 0)


@pytest.mark.parametrize("rows", [3, 101, 4 * BUCKET_BATCHES, 4 * BUCKET_BATCHES + 1, 403])
def test_only_the_last_batch_is_short(rows):
    batch_size = 4
    lengths = np.random.default_rng(1).integers(3, 44, size=rows)
    sampler = SeededSampler(rows, batch_size, 9, lengths)
    pool = BUCKET_BATCHES * batch_size
    indices = order(sampler, 3)
    generator = np.random.default_rng([9, 3])
    pools = np.split(generator.permutation(rows), range(pool, rows, pool))
    home = {row: number for number, members in enumerate(pools) for row in members.tolist()}
    # Were a short batch in the middle, later batches would straddle two pools.
    for start in range(0, rows, batch_size):
        assert len({home[row] for row in indices[start : start + batch_size]}) == 1


def padding(indices: list[int], lengths: np.ndarray, batch_size: int) -> int:
    batches = [lengths[indices[s : s + batch_size]] for s in range(0, len(indices), batch_size)]
    return int(sum((batch.max() - batch).sum() for batch in batches))


def test_buckets_save_most_of_the_padding():
    lengths = np.random.default_rng(2).integers(3, 44, size=2000)
    bucketed = order(SeededSampler(2000, 8, 5, lengths), 0)
    shuffled = order(SeededSampler(2000, 8, 5), 0)
    assert padding(bucketed, lengths, 8) < padding(shuffled, lengths, 8) / 5


def test_batches_come_in_random_order_of_length():
    lengths = np.arange(2000) % 50
    indices = order(SeededSampler(2000, 8, 5, lengths), 0)
    means = np.array([lengths[indices[s : s + 8]].mean() for s in range(0, 2000, 8)])
    steps = np.arange(len(means))
    assert abs(np.corrcoef(steps, means)[0, 1]) < 0.2


def test_rows_change_company_between_epochs():
    lengths = np.random.default_rng(2).integers(3, 44, size=1000)
    sampler = SeededSampler(1000, 4, 5, lengths)

    def batches(epoch):
        indices = order(sampler, epoch)
        return {frozenset(indices[s : s + 4]) for s in range(0, 1000, 4)}

    assert len(batches(0) & batches(1)) < 10
