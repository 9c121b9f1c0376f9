import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.training.batches import POOL_BATCHES, epoch_batches, ordered_batches, steps_of
from emotion_slm.training.params import TrainingParams


def of_size(batch_size: int) -> TrainingParams:
    return TrainingParams(
        epochs=1,
        learning_rate=1e-3,
        schedule="constant",
        warmup_ratio=0.0,
        weight_decay=0.0,
        precision="float32",
        selection="map",
        batch_size=batch_size,
    )


def token_lengths(rows: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(3, 44, size=rows)


def lists(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@given(
    rows=st.integers(1, 400),
    size=st.integers(1, 9),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 20),
    bucketed=st.booleans(),
)
def test_every_row_is_in_one_batch_of_every_epoch(rows, size, seed, epoch, bucketed):
    lengths = token_lengths(rows) if bucketed else None
    batches = epoch_batches(rows, of_size(size), seed, epoch, lengths)
    assert sorted(np.concatenate(batches).tolist()) == list(range(rows))
    assert all(len(batch) for batch in batches)
    assert len(batches) == -(-rows // size)


def test_batches_are_a_function_of_seed_and_epoch():
    def make(seed, epoch):
        return lists(epoch_batches(500, of_size(4), seed, epoch, token_lengths(500)))

    assert make(1, 0) != make(1, 1)
    assert make(1, 0) != make(2, 0)
    # History does not matter: a resumed run asks for epoch 1 only.
    assert make(1, 1) == make(1, 1)


def test_batches_come_from_one_pool():
    batch_size, rows = 4, 403
    lengths = token_lengths(rows)
    generator = np.random.default_rng([9, 3])
    pool = POOL_BATCHES * batch_size
    pools = np.split(generator.permutation(rows), range(pool, rows, pool))
    home = {row: number for number, members in enumerate(pools) for row in members.tolist()}
    for batch in epoch_batches(rows, of_size(batch_size), 9, 3, lengths):
        assert len({home[row] for row in batch.tolist()}) == 1


def padding(batches: list[np.ndarray], lengths: np.ndarray) -> int:
    return int(sum((lengths[batch].max() - lengths[batch]).sum() for batch in batches))


def test_buckets_save_most_of_the_padding():
    lengths = token_lengths(2000, 2)
    bucketed = epoch_batches(2000, of_size(8), 5, 0, lengths)
    shuffled = epoch_batches(2000, of_size(8), 5, 0)
    assert padding(bucketed, lengths) < padding(shuffled, lengths) / 5


def test_batches_come_in_random_order_of_length():
    lengths = np.arange(2000) % 50
    batches = epoch_batches(2000, of_size(8), 5, 0, lengths)
    means = np.array([lengths[batch].mean() for batch in batches])
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.2


def test_rows_change_company_between_epochs():
    lengths = token_lengths(1000, 2)

    def companies(epoch):
        batches = epoch_batches(1000, of_size(4), 5, epoch, lengths)
        return {frozenset(batch.tolist()) for batch in batches}

    assert len(companies(0) & companies(1)) < 10


def test_steps_take_so_many_batches_and_the_last_what_is_left():
    batches = [np.array([index]) for index in range(7)]
    assert [len(step) for step in steps_of(batches, 3)] == [3, 3, 1]
    assert np.concatenate([batch for step in steps_of(batches, 3) for batch in step]).tolist() == [
        *range(7)
    ]


def test_validation_order_is_that_of_the_rows_or_of_their_lengths():
    assert lists(ordered_batches(5, of_size(2))) == [[0, 1], [2, 3], [4]]
    lengths = np.array([9, 3, 7, 3, 1])
    assert lists(ordered_batches(5, of_size(2), lengths)) == [[4, 1], [3, 2], [0]]
