import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support import sharded
from support.training import head, vector_rows
from support.victims import forking

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.training import learner
from emotion_slm.training.distributed import Processes
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.trainer import train


def test_alone_a_process_takes_every_row():
    processes = Processes()
    batch = np.arange(5)
    assert processes.share(batch).tolist() == [0, 1, 2, 3, 4]
    assert processes.gather("mine") == ["mine"]
    assert processes.sum(torch.tensor([2.0])).tolist() == [2.0]


@pytest.mark.parametrize("rows", [1, 2, 5, 9])
def test_shares_of_a_batch_are_disjoint_and_complete(rows, monkeypatch):
    batch, shares = np.arange(rows), []
    for rank in range(4):
        processes = Processes()
        processes.rank, processes.count = rank, 4
        shares.append(processes.share(batch))
    assert sorted(np.concatenate(shares).tolist()) == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_sharded_weights_learn_what_whole_ones_do_even_when_interrupted(
    tmp_path, separable_vectors, training_params
):
    # 17 rows by 4: the second process has no row of an epoch's last batch.
    arrays = separable_vectors(17)
    params = training_params(epochs=3, accumulation=2, checkpoint_steps=1, learning_rate=1e-2)
    model, rows = head(), vector_rows(*arrays)
    expected = train(model, binary_cross_entropy, rows, rows, params, 7, tmp_path / "whole")

    context = forking()
    for stop_at, status in ((5, 3), (None, 0)):
        folder, output = tmp_path / "sharded", tmp_path / "out.safetensors"
        processes = [
            context.Process(
                target=sharded.run, args=(rank, params, arrays, folder, stop_at, output)
            )
            for rank in range(2)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [status, status]
    found = load_file(output)
    torch.testing.assert_close(found["layers.1.weight"], model.layers[1].weight.detach())
    torch.testing.assert_close(found["layers.1.bias"], model.layers[1].bias.detach())
    curve = torch.tensor(expected.curve, dtype=torch.float64)
    torch.testing.assert_close(found["curve"], curve, atol=1e-6, rtol=1e-5)


def test_eight_bit_states_cannot_be_sharded(
    tmp_path, separable_vectors, training_params, monkeypatch
):
    monkeypatch.setattr(learner, "is_sharded", lambda _: True)
    rows = vector_rows(*separable_vectors(4))
    params = training_params(optimizer="adamw_8bit")
    with pytest.raises(EmotionSlmError, match="adamw_8bit cannot be sharded by FSDP; use adamw"):
        train(head(), binary_cross_entropy, rows, rows, params, 7, tmp_path)
