import numpy as np
import pytest
import torch
from balance_ablation.stream import Stream
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.training.batches import Rows, epoch_batches
from emotion_slm.training.params import TrainingParams

CPU = torch.device("cpu")


def rows_of(count):
    """Rows whose only feature is their number."""
    gold = np.zeros((count, 28), dtype=np.int8)
    gold[:, 0] = np.arange(count) % 2
    return Rows(np.arange(count), gold, range(count), lambda part: {"row": torch.tensor(part)})


def visited(count, size, epochs, seed=3, batch=4):
    params = TrainingParams(
        epochs=epochs, batch_size=batch, learning_rate=0.1, schedule="constant", warmup_ratio=0,
        weight_decay=0, precision="float32", selection="map",
    )  # fmt: skip
    stream = Stream(rows_of(count), size, epochs, seed)
    assert stream.count == size
    return [
        np.concatenate(
            [
                stream.batch(indices, CPU)[0]["row"].numpy()
                for indices in epoch_batches(stream.count, params, 0, epoch)
            ]
        )
        for epoch in range(epochs)
    ]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))
def test_all_rows_come_up_equally_often_to_within_one(count, size, epochs):
    seen = np.bincount(np.concatenate(visited(count, size, epochs)), minlength=count)
    assert seen.sum() == size * epochs
    assert seen.max() - seen.min() <= 1


def test_an_epoch_goes_on_where_the_one_before_stopped():
    first, second = visited(20, 10, 2)
    assert sorted([*first, *second]) == list(range(20))


def test_the_seed_decides():
    same = zip(visited(20, 10, 2), visited(20, 10, 2), strict=True)
    assert all(np.array_equal(*pair) for pair in same)
    assert not np.array_equal(visited(20, 10, 1)[0], visited(20, 10, 1, seed=4)[0])


def test_labels_belong_to_their_rows():
    stream = Stream(rows_of(9), 6, 1, 0)
    inputs, gold = stream.batch(np.arange(6), CPU)
    assert torch.equal(gold[:, 0], (inputs["row"] % 2).float())


def test_a_place_visited_more_often_than_there_are_epochs_is_an_error():
    stream = Stream(rows_of(9), 6, 1, 0)
    stream.batch(np.arange(6), CPU)
    with pytest.raises(IndexError):
        stream.batch(np.arange(6), CPU)
